// Migrate applies the SQL to the warehouse. The Pulumi program's command resource
// runs it; what people do with migrations is in cmd/evstream.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/evstream/internal/interrupt"
	"example.com/evstream/internal/migrate"
	evsql "example.com/evstream/sql"
)

const usage = `Migrate applies the SQL migrations to a Redshift Serverless workgroup, each once,
and keeps a ledger of them in the table ev_schema_migrations there. Then it makes
the settings refresh and readers take effect, each time. pulumi up runs it:

	migrate up < ARCHIVE

Standard input is the SQL as the Pulumi program packs it. The environment says the
rest:
  REDSHIFT_WORKGROUP, REDSHIFT_DATABASE  where
  REDSHIFT_SECRET_ARN  secret with the database user's name and password; without it
                       the user that belongs to the AWS identity
  STREAMING_ROLE_ARN, STREAM_NAME  the values of the SQL's placeholders
  AUTO_REFRESH         YES or NO
  READERS              a JSON list such as ["ana","group:analysts","role:ops"]
  MIGRATE_WAIT         how long to wait for a workgroup that is not ready yet, and for
                       a role that cannot be used yet; default 5m
Region, credentials and endpoint come from the AWS environment.

It prints what it does on standard error, the last line being what it has done, and
on standard output, once all are applied, one JSON object:
{"version":1,"migrations":[{"version":1,"file":"...","sha256":"...","state":"applied"}]}

An applied migration that was changed, renamed or removed is refused. Stopped at any
moment, even killed, it goes on where it was when it is run again, or says what a
person must look at first. Of two runs at once, the slower one sees what the other
has applied, and goes on.

Exit status: 0 done; 1 failed; 2 wrong usage; 130 interrupted.
`

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// grace is how long an interrupted run may take to cancel what it waits for.
const grace = 900 * time.Millisecond

func main() {
	ctx := interrupt.Context()
	status := make(chan int, 1)
	go func() { status <- run(ctx, os.Args[1:], os.Stdin, os.Stdout, &folder{to: os.Stderr}) }()
	select {
	case code := <-status:
		os.Exit(code)
	case <-ctx.Done():
	}
	select {
	case code := <-status:
		os.Exit(code)
	case <-time.After(grace):
		fmt.Fprintln(os.Stderr, "migrate: interrupted while the service does not answer. The lines above say what was applied; "+
			"what ran last may still take effect. Run again: it checks first, and continues from there.")
		os.Exit(exitInterrupted)
	}
}

// run is the whole command and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	switch {
	case slices.ContainsFunc(args, func(arg string) bool {
		return arg == "help" || strings.TrimLeft(arg, "-") == "h" || arg == "--help" || arg == "-help"
	}):
		fmt.Fprint(stdout, usage)
		return 0
	case len(args) != 1 || args[0] != "up":
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	err := up(ctx, stdin, stdout, stderr)
	if err == nil {
		return 0
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

func up(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	config, err := migrate.Environment(os.Getenv)
	switch {
	case err != nil:
		return err
	case config.Warehouse.Workgroup == "" || config.Warehouse.Database == "":
		return errors.New("which database? REDSHIFT_WORKGROUP and REDSHIFT_DATABASE must be set")
	}
	if os.Getenv("MIGRATE_WAIT") == "" {
		config.Warehouse.Wait = 5 * time.Minute
	}
	archive, err := interrupt.Await(ctx, func() ([]byte, error) { return io.ReadAll(stdin) })
	if err != nil {
		return fmt.Errorf("reading the packed SQL from standard input: %w", err)
	}
	if config.SQL, err = evsql.Unpack(string(archive)); err != nil {
		return err
	}
	if err := migrate.Up(ctx, config, stderr); err != nil {
		return err
	}
	return writeManifest(stdout, config.SQL.Migrations)
}

// writeManifest writes what the command has to show for itself. It is the same for
// the same SQL, whenever and wherever that was applied.
func writeManifest(w io.Writer, list []evsql.Migration) error {
	type migration struct {
		Version int64       `json:"version"`
		File    string      `json:"file"`
		SHA256  string      `json:"sha256"`
		State   evsql.State `json:"state"`
	}
	manifest := struct {
		Version    int64       `json:"version"`
		Migrations []migration `json:"migrations"`
	}{Version: list[len(list)-1].Version}
	for _, m := range list {
		manifest.Migrations = append(manifest.Migrations, migration{m.Version, m.File, m.SHA256, evsql.Applied})
	}
	return json.NewEncoder(w).Encode(manifest)
}
