// Package migratetest runs internal/migrate, and cmd/migrate as a program, against the
// stand-ins of the Data API and the warehouse. Each script in testdata is one story; the
// commands it uses beside testscript's own are the ones of [commands]. What the project
// ships is the subject of one of them; the others have SQL of their own.
package migratetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/internal/migrate"
	evsql "example.com/evstream/sql"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts that compare it")

const (
	role   = "arn:aws:iam::123456789012:role/ev-streaming"
	stream = "ev_stream_data"
	secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ev-login-AbCdEf"
	// kept holds the same, under a name that AWS gives to a secret that it keeps itself.
	kept = "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ev-test-admin-AbCdEf"
)

// TestMain gives the scripts two programs: status FILE and adopt VERSION FILE are what a
// person does with the SQL of an archive, Status and Adopt.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"status": func() {
			person(os.Args[1], func(ctx context.Context, c migrate.Config) error {
				return migrate.Status(ctx, c, os.Stdout, os.Stderr)
			})
		},
		"adopt": func() {
			person(os.Args[2], func(ctx context.Context, c migrate.Config) error {
				version, err := strconv.ParseInt(os.Args[1], 10, 64)
				if err != nil {
					return err
				}
				return migrate.Adopt(ctx, c, version, os.Stderr)
			})
		},
	})
}

func person(archive string, do func(context.Context, migrate.Config) error) {
	err := func() error {
		config, err := migrate.Environment(os.Getenv)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(archive)
		if err != nil {
			return err
		}
		if config.SQL, err = evsql.Unpack(string(text)); err != nil {
			return err
		}
		return do(context.Background(), config)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestMigrate(t *testing.T) { runScripts(t, buildMigrate(t), nil) }

// TestMigrateWhateverRedshiftDoes runs the scripts while Redshift behaves the other way
// wherever AWS's documentation leaves it open, and the one that applies the program's own
// SQL under each single answer.
func TestMigrateWhateverRedshiftDoes(t *testing.T) {
	bin := buildMigrate(t)
	t.Run("others", func(t *testing.T) { runScripts(t, bin, warehouse.Doubts().Others()) })
	for _, readings := range warehouse.Doubts().Single() {
		t.Run(readings.String(), func(t *testing.T) {
			runScripts(t, bin, readings, "shipped")
		})
	}
}

// buildMigrate builds cmd/migrate and gives its folder.
func buildMigrate(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "migrate"), "./cmd/migrate")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building cmd/migrate: %v\n%s", err, out)
	}
	return bin
}

// runScripts runs the scripts of these names, or all, each in a warehouse of its own.
func runScripts(t *testing.T, bin string, readings doubt.Readings, names ...string) {
	t.Helper()
	// Of tests that run under nohup a command would inherit that hang-ups are ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, name := range names {
		files = append(files, filepath.Join("testdata", name+".txtar"))
	}
	dir := "testdata"
	if len(files) > 0 {
		dir = ""
	}
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		Files:         files,
		UpdateScripts: *update && readings == nil,
		Cmds:          commands,
		Setup: func(env *testscript.Env) error {
			f, err := newFixture(readings)
			if err != nil {
				return err
			}
			env.Defer(func() {
				if err := f.close(); err != nil {
					t.Error(err)
				}
			})
			env.Values[fixtureKey{}] = f
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("SHIPPED", filepath.Join(root, "sql"))
			env.Setenv("SAMPLE", filepath.Join(root, "rehearsal", "migratetest", "testdata", "sample"))
			for name, value := range f.environment() {
				env.Setenv(name, value)
			}
			return nil
		},
	})
}

// A fixture is a warehouse with one workgroup, ev-test, behind a Data API.
type fixture struct {
	kinesis *fakekinesis.Server
	data    *warehouse.Warehouse
	api     *fakedataapi.Server

	mu        sync.Mutex
	admin     string // in the secret
	forbidden string // action that no role may do
	requests  []*fakedataapi.Call
	reached   chan struct{} // closed when a held request has come
	released  chan struct{} // closing it lets that request go on
}

type fixtureKey struct{} // of the fixture among a script's values

func newFixture(readings doubt.Readings) (*fixture, error) {
	f := &fixture{kinesis: fakekinesis.New(), admin: "admin"}
	if _, err := f.kinesis.CreateStream(fakekinesis.StreamSettings{Name: stream, Mode: fakekinesis.OnDemand}); err != nil {
		return nil, err
	}
	f.data = warehouse.New(warehouse.Options{Streams: f.kinesis, Authorize: f.authorize, Readings: readings})
	if err := f.addWorkgroup("ev-test"); err != nil {
		return nil, err
	}
	f.api = fakedataapi.New(f.data, func(nameOrARN string) (string, error) {
		if nameOrARN != secret && nameOrARN != kept {
			return "", errors.New("there is no such secret")
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		return fmt.Sprintf(`{"username":%q,"password":"Secret1234"}`, f.admin), nil
	}, fakedataapi.WithPageRows(3))
	f.api.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.requests = append(f.requests, c)
		return nil
	})
	return f, f.api.Start()
}

// environment is what the programs of this repository need to reach the warehouse.
func (f *fixture) environment() map[string]string {
	return map[string]string{
		"REDSHIFT_WORKGROUP":             "ev-test",
		"REDSHIFT_DATABASE":              "dev",
		"REDSHIFT_SECRET_ARN":            secret,
		"STREAM_NAME":                    stream,
		"STREAMING_ROLE_ARN":             role,
		"AWS_REGION":                     "us-east-1",
		"AWS_ACCESS_KEY_ID":              "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY":          "example",
		"AWS_ENDPOINT_URL_REDSHIFT_DATA": f.api.URL(),
	}
}

func (f *fixture) close() error {
	return errors.Join(f.api.Close(), f.data.Close(), f.kinesis.Close())
}

// addWorkgroup makes a workgroup and a namespace of the same name.
func (f *fixture) addWorkgroup(name string) error {
	if err := f.data.CreateNamespace(context.Background(), f.namespace(name, "Secret1234")); err != nil {
		return err
	}
	return f.data.CreateWorkgroup(warehouse.Workgroup{Name: name, Namespace: name})
}

func (f *fixture) namespace(name, password string) warehouse.Namespace {
	return warehouse.Namespace{Name: name, AdminUser: f.admin, AdminPassword: password, IAMRoles: []string{role}}
}

func (f *fixture) authorize(_, action, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if action == f.forbidden {
		return errors.New("it has not taken effect yet")
	}
	return nil
}

// started counts the requests to start something that have a text in them.
func (f *fixture) started(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.requests {
		if starts(c) && strings.Contains(string(c.Body), text) {
			n++
		}
	}
	return n
}

func starts(c *fakedataapi.Call) bool {
	return c.Operation == "ExecuteStatement" || c.Operation == "BatchExecuteStatement"
}

// next has a fault for the next request that starts a statement with this beginning.
func (f *fixture) next(statement string, fault func() *fakedataapi.Fault) {
	f.api.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
		if !starts(c) || !slices.ContainsFunc(c.SQL, func(sql string) bool { return strings.HasPrefix(sql, statement) }) {
			return nil
		}
		return fault()
	})
}

// slow makes the next statement that starts with a text run until it is cancelled.
func (f *fixture) slow(text string) {
	f.next(text, func() *fakedataapi.Fault {
		return &fakedataapi.Fault{Outcome: fakedataapi.Outcome{Status: fakedataapi.Running}}
	})
}

// hold makes the request that records a version wait until release, and then be applied
// or cut off.
func (f *fixture) hold(version string, cut bool) {
	reached, released := make(chan struct{}), make(chan struct{})
	f.reached, f.released = reached, released
	f.api.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
		record := regexp.MustCompile(`^INSERT INTO public.ev_schema_migrations .*VALUES \('0*` + version + `_`)
		if !starts(c) || !record.MatchString(c.SQL[len(c.SQL)-1]) {
			return nil
		}
		close(reached)
		return &fakedataapi.Fault{Hold: released, CutBefore: cut}
	})
}

// query runs a statement as a user of the warehouse, "" being the admin, and writes its
// rows.
func (f *fixture) query(to io.Writer, user, statement string) error {
	result, err := f.data.QueryAs(context.Background(), "ev-test", user, statement)
	if err != nil {
		return err
	}
	for _, row := range result.Rows {
		for i, value := range row {
			if i > 0 {
				fmt.Fprint(to, " ")
			}
			if value == nil {
				value = "NULL"
			}
			fmt.Fprint(to, value)
		}
		fmt.Fprintln(to)
	}
	return nil
}

// eventually waits until a condition holds.
func eventually(ts *testscript.TestScript, what string, holds func() bool) {
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("waited in vain until %s", what)
		}
	}
}

// commands are what a script can do to the fixture.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	// pack DIR FILE packs the SQL in a folder, sound or not, into an archive: its .sql
	// files or those of its folder migrations, and those of its folder repeatable.
	"pack": command(2, func(ts *testscript.TestScript, _ *fixture, args []string) error {
		var archive strings.Builder
		dir := ts.MkAbs(args[0])
		for _, pattern := range []string{"*.sql", "migrations/*.sql", "repeatable/*.sql"} {
			names, err := filepath.Glob(filepath.Join(dir, pattern)) // sorted
			if err != nil {
				return err
			}
			for _, name := range names {
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				inArchive, _ := filepath.Rel(dir, name)
				fmt.Fprintf(&archive, "-- %s --\n%s", strings.TrimPrefix(filepath.ToSlash(inArchive), "migrations/"), data)
			}
		}
		return os.WriteFile(ts.MkAbs(args[1]), []byte(archive.String()), 0o666)
	}),

	// sql STATEMENT runs a statement in the warehouse, past the Data API, and prints its
	// rows.
	"sql": command(1, func(ts *testscript.TestScript, f *fixture, args []string) error {
		return f.query(ts.Stdout(), "", args[0])
	}),
	// as USER STATEMENT does it as another user, who logs in with IAM, and prints the error
	// if there is one.
	"as": command(2, func(ts *testscript.TestScript, f *fixture, args []string) error {
		if err := f.query(ts.Stdout(), args[0], args[1]); err != nil {
			fmt.Fprintln(ts.Stdout(), err)
		}
		return nil
	}),
	// put RECORD writes a record to the stream.
	"put": command(1, func(_ *testscript.TestScript, f *fixture, args []string) error {
		_, err := f.kinesis.Put(stream, "key", []byte(args[0]))
		return err
	}),

	// ran TEXT prints the statements that ran and start with a text, and how many those are.
	"ran": command(1, func(ts *testscript.TestScript, f *fixture, args []string) error {
		n := 0
		for _, s := range f.api.Statements() {
			for _, sql := range s.SQL {
				if strings.HasPrefix(sql, args[0]) {
					fmt.Fprintln(ts.Stdout(), sql)
					n++
				}
			}
		}
		fmt.Fprintf(ts.Stdout(), "%d statements\n", n)
		return nil
	}),
	// statements DIR makes sure that what ran in the warehouse, queries and the ledger's
	// statements aside, is what package sql finds in the files, in that order.
	"statements": command(1, func(ts *testscript.TestScript, f *fixture, args []string) error {
		list, err := evsql.List(os.DirFS(ts.MkAbs(args[0])))
		if err != nil {
			return err
		}
		values := strings.NewReplacer("${STREAMING_ROLE_ARN}", role, "${STREAM_NAME}", stream)
		var want, got []string
		for _, m := range list {
			for _, s := range slices.Concat(m.Sets, m.Statements) {
				want = append(want, values.Replace(s.Text))
			}
		}
		for _, s := range f.api.Statements() {
			for _, sql := range s.SQL {
				if !strings.Contains(sql, "ev_schema_migrations") && !strings.HasPrefix(sql, "SELECT") {
					got = append(got, sql)
				}
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("ran:\n%s\nfound in the files:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return nil
	}),

	// hold VERSION WHAT keeps the record of a migration from being written until release,
	// which applies it or, for a program that is killed, cuts it off.
	"hold": command(2, func(_ *testscript.TestScript, f *fixture, args []string) error {
		f.hold(args[0], args[1] == "cut")
		return nil
	}),
	// held waits until the record of hold has come.
	"held": command(0, func(ts *testscript.TestScript, f *fixture, _ []string) error {
		eventually(ts, "the held request came", func() bool {
			select {
			case <-f.reached:
				return true
			default:
				return false
			}
		})
		return nil
	}),
	// release ends hold.
	"release": command(0, func(_ *testscript.TestScript, f *fixture, _ []string) error {
		close(f.released)
		return nil
	}),

	// fault OPERATION WHAT makes the next request of an operation go wrong as [faultOf] says.
	// OPERATION:TEXT is one whose request has a text in it, and NextPage a GetStatementResult
	// of any page but the first.
	"fault": command(2, func(_ *testscript.TestScript, f *fixture, args []string) error {
		operation, text, _ := strings.Cut(args[0], ":")
		if operation == "NextPage" {
			operation, text = "GetStatementResult", "NextToken"
		}
		f.api.Control(operation, func(c *fakedataapi.Call) *fakedataapi.Fault {
			if !strings.Contains(string(c.Body), text) {
				return nil
			}
			return faultOf(args[1])
		})
		return nil
	}),
	// end TEXT WHAT makes the next statement that starts with a text, and its batch, end as
	// [outcomeOf] says.
	"end": command(2, func(_ *testscript.TestScript, f *fixture, args []string) error {
		f.next(args[0], func() *fakedataapi.Fault { return &fakedataapi.Fault{Outcome: outcomeOf(args[1])} })
		return nil
	}),
	// long FILE BYTES writes a migration whose statement, which makes a view, has so many
	// bytes.
	"long": command(2, func(ts *testscript.TestScript, _ *fixture, args []string) error {
		size, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		const head, tail = "CREATE VIEW long AS\nSELECT LENGTH('", "') AS n"
		literal := strings.Repeat("x", size-len(head)-len(tail))
		return os.WriteFile(ts.MkAbs(args[0]), []byte(head+literal+tail+";\n"), 0o666)
	}),
	// slow TEXT makes the next statement that starts with a text run until it is cancelled.
	"slow": command(1, func(_ *testscript.TestScript, f *fixture, args []string) error {
		f.slow(args[0])
		return nil
	}),
	// unseen TEXT gives no answer to who asks first for the state of a statement that starts
	// with a text; held waits until that is asked for.
	"unseen": command(1, func(_ *testscript.TestScript, f *fixture, args []string) error {
		reached := make(chan struct{})
		f.reached = reached
		f.api.Control("DescribeStatement", func(c *fakedataapi.Call) *fakedataapi.Fault {
			if !slices.ContainsFunc(c.SQL, func(sql string) bool { return strings.HasPrefix(sql, args[0]) }) {
				return nil
			}
			close(reached)
			return &fakedataapi.Fault{Hold: make(chan struct{})}
		})
		return nil
	}),
	// silent makes the service answer nothing more; held waits for the first request.
	"silent": command(0, func(_ *testscript.TestScript, f *fixture, _ []string) error {
		f.reached = make(chan struct{})
		first := sync.OnceFunc(func() { close(f.reached) })
		f.api.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
			first()
			c.Keep()
			return &fakedataapi.Fault{Hold: make(chan struct{})}
		})
		return nil
	}),

	// requested N TEXT waits until N requests to start something had a text in them.
	"requested": command(2, func(ts *testscript.TestScript, f *fixture, args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		eventually(ts, strings.Join(args, " ")+" requests came", func() bool { return f.started(args[1]) >= n })
		return nil
	}),
	// hangup does to what runs in the background what a terminal does that goes away.
	"hangup": command(0, func(ts *testscript.TestScript, _ *fixture, _ []string) error {
		for _, cmd := range ts.BackgroundCmds() {
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				return err
			}
		}
		return nil
	}),
	// finished TEXT waits until a statement that starts with a text, and its batch, has ended.
	"finished": command(1, func(ts *testscript.TestScript, f *fixture, args []string) error {
		eventually(ts, args[0]+" finished", func() bool {
			return slices.ContainsFunc(f.api.Statements(), func(s fakedataapi.Statement) bool {
				return s.Status == "FINISHED" && slices.ContainsFunc(s.SQL, func(sql string) bool { return strings.HasPrefix(sql, args[0]) })
			})
		})
		return nil
	}),
	// failed TEXT waits until a statement failed with a text in its message.
	"failed": command(1, func(ts *testscript.TestScript, f *fixture, args []string) error {
		eventually(ts, "a statement failed with "+args[0], func() bool {
			return slices.ContainsFunc(f.api.Statements(), func(s fakedataapi.Statement) bool {
				return strings.Contains(s.Error, args[0])
			})
		})
		return nil
	}),
	// unasked makes sure that no request came at all.
	"unasked": command(0, func(_ *testscript.TestScript, f *fixture, _ []string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.requests) > 0 {
			return fmt.Errorf("%d requests came, the first one %s", len(f.requests), f.requests[0].Body)
		}
		return nil
	}),

	// forbid ACTION takes the permission for an action from every role, and gives back that
	// for the one before.
	"forbid": command(1, func(_ *testscript.TestScript, f *fixture, args []string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.forbidden = args[0]
		return nil
	}),
	// admin NAME PASSWORD gives the namespace another admin or password. The secret has the
	// name, and always Secret1234.
	"admin": command(2, func(_ *testscript.TestScript, f *fixture, args []string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.admin = args[0]
		return f.data.UpdateNamespace(f.namespace("ev-test", args[1]))
	}),
	// workgroup NAME makes a workgroup.
	"workgroup": command(1, func(_ *testscript.TestScript, f *fixture, args []string) error {
		return f.addWorkgroup(args[0])
	}),
}

// faultOf is a fault by its name: cut-before, cut-after, withhold, which gives a page
// without its rows, refused-password, or the code of an error.
func faultOf(name string) *fakedataapi.Fault {
	switch name {
	case "cut-before":
		return &fakedataapi.Fault{CutBefore: true}
	case "cut-after":
		return &fakedataapi.Fault{CutAfter: true}
	case "withhold":
		return &fakedataapi.Fault{WithholdRows: true}
	case "refused-password": // in the call's answer, where the stand-in fails the statement
		return &fakedataapi.Fault{Err: &fakedataapi.Error{Code: "ExecuteStatementException", Message: `FATAL: password authentication failed for user "admin"`}}
	}
	f := &fakedataapi.Fault{Err: &fakedataapi.Error{Code: name, Message: "so the script said"}}
	if name == "InternalServerException" {
		f.Err.Status = 500
	}
	return f
}

// outcomeOf is how a statement ends by its name: aborted, aborted-after, which is when it
// has had its effect, or unconnected.
func outcomeOf(name string) fakedataapi.Outcome {
	switch name {
	case "aborted":
		return fakedataapi.Outcome{Status: "ABORTED"}
	case "aborted-after":
		return fakedataapi.Outcome{Status: "ABORTED", After: true}
	case "used-up":
		return fakedataapi.Outcome{Status: "FAILED", Error: "ERROR: Query reached usage limit"}
	case "unconnected":
		return fakedataapi.Outcome{Status: "FAILED", Error: "Connection timed out", Unconnected: true}
	}
	panic("no outcome is named " + name)
}

// command makes a command of testscript that takes n arguments.
func command(n int, do func(*testscript.TestScript, *fixture, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != n {
			ts.Fatalf("this command takes %d arguments and no !", n)
		}
		f, ok := ts.Value(fixtureKey{}).(*fixture)
		if !ok {
			ts.Fatalf("the script has no fixture")
		}
		ts.Check(do(ts, f, args))
	}
}
