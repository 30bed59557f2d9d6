// Migrate applies the SQL migrations to the warehouse, keeps the ledger of what
// was applied, and makes settings take effect there. See usage below or migrate -h.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"time"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/flagtext"
	"example.com/evstream/internal/interrupt"
	"example.com/evstream/internal/stackoutput"
	evsql "example.com/evstream/sql"
)

const usage = `Migrate applies the SQL migrations to a Redshift Serverless workgroup, each once,
and keeps a ledger of them in the table ev_schema_migrations there. Then it makes
the settings refresh and readers take effect, as often as it is run.

	migrate up [flags]             apply what is pending, then the settings; the SQL
	                               comes on standard input, packed as the Pulumi
	                               program packs it
	migrate status [flags]         show what is applied and what is pending, how the
	                               streaming view is refreshed and who may read
	migrate adopt [flags] VERSION  record the next pending migration as applied
	                               without running it, because its object is there

Where
  --workgroup NAME     default $REDSHIFT_WORKGROUP
  --database NAME      default $REDSHIFT_DATABASE
  --secret-arn ARN     secret with the database user's name and password; default
                       $REDSHIFT_SECRET_ARN, and without it the user that belongs
                       to the AWS identity
  --region NAME        the workgroup's; default that of the AWS environment
  --stack NAME         all of these from the outputs of a Pulumi stack, as in
                       pulumi stack output --stack NAME; flags go over them
What
  --archive FILE       read the packed SQL from FILE, - being standard input; the
                       default is - for up, and the SQL this program was built
                       with for status and adopt
How
  --wait D             how long to wait for a workgroup that is not ready yet, and
                       for a role that cannot be used yet; default $MIGRATE_WAIT,
                       or else 5m for up and not at all for status and adopt

The SQL's placeholders ${STREAMING_ROLE_ARN} and ${STREAM_NAME} get their values
from the environment variables of these names. The settings are in AUTO_REFRESH, YES
or NO, and READERS, a JSON list such as ["ana","group:analysts","role:ops"]. A reader
that is not in the list any more loses what up gave it, by the table
ev_schema_readers; what a person granted stays.

up prints what it does on standard error, the last line being what it has done. A
reader that the database does not have is a warning there and no failure. On
standard output, once all are applied, it prints one JSON object:
{"version":1,"migrations":[{"version":1,"file":"...","sha256":"...","state":"applied"}]}

An applied migration that was changed, renamed or removed is refused. Stopped at
any moment, even killed, up goes on where it was when it is run again. Of two
runs at once, the slower one sees what the other has created, and goes on.

Exit status: 0 done; 1 failed; 2 wrong use; 130 interrupted.

Region, credentials and endpoint come from the AWS environment: AWS_REGION,
AWS_PROFILE and so on.
`

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// A usageError is a mistake on the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	os.Exit(run(interrupt.Context(), os.Args[1:], os.Stdin, os.Stdout, &folder{to: os.Stderr}))
}

// run is the whole command and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := command(ctx, args, stdin, stdout, stderr)
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "migrate: %v\nmigrate -h shows how it is used.\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "migrate: %v\n", err)
	if usageLimit.MatchString(err.Error()) {
		fmt.Fprintln(stderr, "The workgroup's usage limit is used up. Raise usageLimitRpuHours, or set usageLimitAction to something else than deactivate, "+
			"and run pulumi up, which changes the limit first; or wait for the next period.")
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitFailed
}

// usageLimit matches what Redshift says, by public reports, of statements that
// need to compute when a limit with the action deactivate is reached.
var usageLimit = regexp.MustCompile(`(?i)reached usage limit`)

func command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usagef("one of up, status, adopt is needed")
	}
	verb, archive := args[0], ""
	switch verb {
	case "up":
		archive = "-"
	case "status", "adopt":
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	default:
		return usagef("%q is none of up, status, adopt", verb)
	}

	var target dataapi.Config
	flags := flag.NewFlagSet("migrate "+verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&target.Workgroup, "workgroup", "", "")
	flags.StringVar(&target.Database, "database", "", "")
	flags.StringVar(&target.SecretARN, "secret-arn", "", "")
	flags.StringVar(&target.Region, "region", "", "")
	stack := flags.String("stack", "", "")
	flags.StringVar(&archive, "archive", archive, "")
	wait := flags.String("wait", os.Getenv("MIGRATE_WAIT"), "")
	var arguments []string // flags may stand before and after them
	for rest := args[1:]; ; rest = flags.Args()[1:] {
		if err := flags.Parse(rest); errors.Is(err, flag.ErrHelp) {
			return err
		} else if err != nil {
			return usageError{flagtext.Explain(flags, err)}
		}
		if flags.NArg() == 0 {
			break
		}
		arguments = append(arguments, flags.Arg(0))
	}
	namespace := os.Getenv("REDSHIFT_NAMESPACE")
	if *stack != "" {
		out, err := stackoutput.Read(ctx, *stack)
		if err != nil {
			return err
		}
		namespace = cmp.Or(namespace, out.NamespaceName)
		target.Region = cmp.Or(target.Region, out.Region)
		target.Workgroup = cmp.Or(target.Workgroup, out.WorkgroupName)
		target.Database = cmp.Or(target.Database, out.DatabaseName)
		target.SecretARN = cmp.Or(target.SecretARN, out.DataAPISecretARN)
	}
	target.Workgroup = cmp.Or(target.Workgroup, os.Getenv("REDSHIFT_WORKGROUP"))
	target.Database = cmp.Or(target.Database, os.Getenv("REDSHIFT_DATABASE"))
	target.SecretARN = cmp.Or(target.SecretARN, os.Getenv("REDSHIFT_SECRET_ARN"))
	var version int64
	switch {
	case target.Workgroup == "":
		return usagef("which workgroup? set --stack, --workgroup or REDSHIFT_WORKGROUP")
	case target.Database == "":
		return usagef("which database? set --stack, --database or REDSHIFT_DATABASE")
	case verb == "adopt" && len(arguments) == 1:
		var err error
		if version, err = strconv.ParseInt(arguments[0], 10, 64); err != nil || version < 1 {
			return usagef("adopt %s: VERSION is a migration's number, such as 2", arguments[0])
		}
	case verb == "adopt":
		return usagef("adopt takes one VERSION")
	case len(arguments) > 0:
		return usagef("%s takes no argument: %q", verb, arguments[0])
	}
	if verb == "up" {
		target.Wait = 5 * time.Minute
	}
	if *wait != "" {
		var err error
		if target.Wait, err = time.ParseDuration(*wait); err != nil || target.Wait < 0 {
			return usagef("--wait or MIGRATE_WAIT is %q: it must be a time such as 90s or 5m", *wait)
		}
	}
	target.OnWait = func(reason error) {
		message := reason.Error()
		var said interface{ ErrorMessage() string } // by the service, without the call's details
		if errors.As(reason, &said) {
			message = said.ErrorMessage()
		}
		fmt.Fprintf(stderr, "waiting for workgroup %s: %s\n", target.Workgroup, message)
	}

	fsys, settingsFiles, err := packed(ctx, archive, stdin)
	if err != nil {
		return err
	}
	list, err := evsql.List(fsys)
	if err != nil {
		return err
	}
	settings, err := evsql.ListSettings(settingsFiles)
	if err != nil {
		return err
	}
	values, valuesErr := readValues(list, verb == "up")
	wanted, wantedErr := readWanted(verb == "up" && !settings.Empty())
	if err := errors.Join(valuesErr, wantedErr); err != nil {
		return err
	}
	if verb == "up" && settings.Empty() && (wanted.autoRefresh != "" || wanted.readers != nil) {
		return fmt.Errorf("%s and %s are set, and the packed SQL has no settings/*.sql to use them in", evsql.AutoRefresh, evsql.Readers)
	}
	db, err := dataapi.Open(ctx, target)
	if err != nil {
		return err
	}
	defer db.Close()
	// No connection is used twice, so that each migration has a session of its
	// own and none sees the SET of the one before it.
	db.SetMaxIdleConns(-1)
	r := &runner{
		target: target, namespace: namespace, db: db, ledger: newLedger(list, values),
		fsys: fsys, list: list, values: values,
		settings: settings, wanted: wanted, stderr: stderr,
	}
	if err := r.signIn(ctx); err != nil {
		return err
	}
	switch verb {
	case "up":
		if err := r.up(ctx); err != nil {
			return err
		}
		db.SetMaxIdleConns(1) // what follows sets nothing and shares a session
		if err := r.applySettings(ctx); err != nil {
			return err
		}
		r.report()
		return writeManifest(stdout, list)
	case "status":
		return r.status(ctx, stdout)
	default:
		return r.adopt(ctx, version)
	}
}

// packed returns the migrations and the settings' files of an archive, or those
// built in for no archive.
func packed(ctx context.Context, archive string, stdin io.Reader) (migrations, settings fs.FS, err error) {
	var text []byte
	switch archive {
	case "":
		return evsql.Migrations(), evsql.SettingsFiles(), nil
	case "-":
		if f, ok := stdin.(*os.File); ok {
			if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
				return nil, nil, usagef("the packed SQL is expected on standard input; pulumi up sends it, or use --archive FILE")
			}
		}
		text, err = readAll(ctx, stdin)
	default:
		text, err = os.ReadFile(archive)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the packed SQL: %w", err)
	}
	return evsql.Unpack(string(text))
}

// readAll reads to the end, or until the context is done. What still waits to be
// read then is left to the end of the process.
func readAll(ctx context.Context, from io.Reader) ([]byte, error) {
	var text []byte
	var err error
	read := make(chan struct{})
	go func() {
		text, err = io.ReadAll(from)
		close(read)
	}()
	select {
	case <-read:
		return text, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// writeManifest writes what up has to show for itself. It is the same for the
// same SQL, whenever and wherever that was applied.
func writeManifest(w io.Writer, list []evsql.Migration) error {
	type migration struct {
		Version int64  `json:"version"`
		File    string `json:"file"`
		SHA256  string `json:"sha256"`
		State   state  `json:"state"`
	}
	manifest := struct {
		Version    int64       `json:"version"`
		Migrations []migration `json:"migrations"`
	}{Version: list[len(list)-1].Version}
	for _, m := range list {
		manifest.Migrations = append(manifest.Migrations, migration{m.Version, m.File, m.SHA256, applied})
	}
	return json.NewEncoder(w).Encode(manifest)
}

// A runner works on one database with one list of migrations.
type runner struct {
	target    dataapi.Config
	namespace string // the workgroup's, or empty when it is not known
	db        *sql.DB
	ledger    *ledger
	fsys      fs.FS
	list      []evsql.Migration
	values    map[string]string // of the placeholders

	settings evsql.Settings
	wanted   wanted
	outcome  outcome

	stderr io.Writer
}

// entries compares the list with the ledger.
func (r *runner) entries(ctx context.Context) ([]entry, error) {
	records, err := r.ledger.read(ctx, r.db)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return compare(r.list, records, r.values), nil
}
