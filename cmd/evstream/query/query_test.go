package query

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/dataapi"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"evstream": queryOnFixture,
		"pulumi":   pulumi,
	})
}

// TestScripts runs testdata/script. Each script holds the warehouse that its
// commands talk to as warehouse.json (see warehouse).
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("REDSHIFT_WORKGROUP", "ev")
			env.Setenv("REDSHIFT_DATABASE", "dev")
			return nil
		},
	})
}

// status runs the query and compares its exit code: status 2 usage --sql x. A wrong
// use writes nothing to stdout.
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("evstream", append([]string{"query"}, args[1:]...)...)
	if err == nil || err.Error() != "exit status "+args[0] {
		ts.Fatalf("query %s: %v; want exit status %s", strings.Join(args[1:], " "), err, args[0])
	}
	if out := ts.ReadFile("stdout"); args[0] == "2" && out != "" {
		ts.Fatalf("stdout is %q", out)
	}
}

// savedForTests stand in for sql/queries, which are its owner's to change.
var savedForTests = fstest.MapFS{
	"freshness.sql":                {Data: []byte("-- How far the view is behind.\nSELECT GETDATE()")},
	"latest.sql":                   {Data: []byte("-- The newest 20\n-- records.\n-- Times are UTC.\nSELECT newest")},
	"refreshes.sql":                {Data: []byte("-- The last 20 refreshes.\nSELECT * FROM sys_mv_refresh_history")},
	"rejected.sql":                 {Data: []byte("-- Records that did not convert.\nSELECT * FROM ev_station_data_rejected")},
	"usage.sql":                    {Data: []byte("-- Energy per hour.\nSELECT hour")},
	"usage_by_connection_time.sql": {Data: []byte("SELECT 1")},
}

// queryOnFixture is the command on the warehouse.json of the working directory,
// with a clock that moves only when the command waits or a statement takes its time.
func queryOnFixture() {
	w := warehouse{clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if text, err := os.ReadFile("warehouse.json"); err == nil {
		if err := json.Unmarshal(text, &w); err != nil {
			fmt.Fprintln(os.Stderr, "warehouse.json:", err)
			os.Exit(99)
		}
	}
	os.Exit(cli.Run(cli.Root(newCommand(host{
		queries: savedForTests,
		open:    w.open,
		now:     func() time.Time { return w.clock },
		wait: func(ctx context.Context, d time.Duration) error {
			if w.Rounds--; w.Rounds <= 0 {
				interruptSelf()
				<-ctx.Done()
				return ctx.Err()
			}
			w.clock = w.clock.Add(d)
			return nil
		},
	}))))
}

// interruptSelf is Ctrl-C.
func interruptSelf() { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) }

// pulumi prints the file that is named like the stack.
func pulumi() {
	args := strings.Join(os.Args[1:], " ")
	stack, ok := strings.CutPrefix(args, "stack output --json --non-interactive --stack ")
	if !ok {
		fmt.Fprintf(os.Stderr, "unexpected arguments %s\n", args)
		os.Exit(1)
	}
	outputs, err := os.ReadFile(stack + ".json")
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: no stack named '%s' found\n", stack)
		os.Exit(255)
	}
	os.Stdout.Write(outputs)
}

// warehouse is a database that knows a few answers. It is a database/sql driver.
type warehouse struct {
	Show    bool // prints each connection's target and each statement's first line
	Rounds  int  // of a watch, before it is interrupted
	Signals int  // that come while a statement runs, which then never ends
	Replies []*reply
	clock   time.Time
}

// reply answers the statements that contain SQL, once; the last reply for the same
// SQL answers all that follow.
type reply struct {
	SQL     string
	Columns []string // name and type, as in "hour TIMESTAMP"
	Rows    [][]any
	Repeat  int    // how often the rows come again
	Error   string // fails the statement, or what follows the rows if there are columns
	Took    string // by the clock
	used    bool
}

func (w *warehouse) open(_ context.Context, c dataapi.Config) (*sql.DB, error) {
	if w.Show {
		fmt.Fprintf(os.Stderr, "open %s/%s secret=%s region=%s\n", c.Workgroup, c.Database, c.SecretARN, c.Region)
	}
	return sql.OpenDB(w), nil
}

func (w *warehouse) Connect(context.Context) (driver.Conn, error) { return w, nil }
func (w *warehouse) Driver() driver.Driver                        { return nil }
func (w *warehouse) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (w *warehouse) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (w *warehouse) Close() error                                 { return nil }
func (w *warehouse) QueryContext(ctx context.Context, text string, _ []driver.NamedValue) (driver.Rows, error) {
	if w.Signals > 0 {
		interruptSelf()
		<-ctx.Done()
		for w.Signals > 1 {
			interruptSelf() // until the handler of the first is gone
		}
		select {}
	}
	return w.answer(ctx, text)
}
func (w *warehouse) ExecContext(ctx context.Context, text string, _ []driver.NamedValue) (driver.Result, error) {
	_, err := w.answer(ctx, text)
	return driver.ResultNoRows, err
}

func (w *warehouse) answer(ctx context.Context, text string) (*replyRows, error) {
	if w.Show {
		fmt.Fprintln(os.Stderr, "run", strings.TrimSpace(text))
	}
	var found *reply
	for _, r := range w.Replies {
		if strings.Contains(text, r.SQL) && (found == nil || found.used) {
			found = r
		}
	}
	if found == nil {
		return nil, fmt.Errorf("warehouse.json has no answer to %s", text)
	}
	found.used = true
	if found.Took != "" {
		took, err := time.ParseDuration(found.Took)
		if err != nil {
			return nil, err
		}
		w.clock = w.clock.Add(took)
	}
	if found.Error == "interrupted" {
		interruptSelf()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if found.Error != "" && found.Columns == nil {
		return nil, errors.New(found.Error)
	}
	return &replyRows{reply: found, rest: slices.Repeat(found.Rows, 1+found.Repeat)}, nil
}

type replyRows struct {
	*reply
	rest [][]any
}

func (r *replyRows) Columns() []string {
	var names []string
	for _, c := range r.reply.Columns {
		name, _, _ := strings.Cut(c, " ")
		names = append(names, name)
	}
	return names
}

func (r *replyRows) ColumnTypeDatabaseTypeName(i int) string {
	_, name, _ := strings.Cut(r.reply.Columns[i], " ")
	return name
}

func (r *replyRows) Close() error { return nil }

// Next gives the Go types that internal/dataapi gives.
func (r *replyRows) Next(dest []driver.Value) error {
	if len(r.rest) == 0 {
		if r.Error != "" {
			return errors.New(r.Error)
		}
		return io.EOF
	}
	row := r.rest[0]
	r.rest = r.rest[1:]
	for i, v := range row {
		dest[i] = v
		if v == nil {
			continue
		}
		var err error
		switch name := r.ColumnTypeDatabaseTypeName(i); {
		case slices.Contains([]string{"INT2", "INT4", "INT8"}, name):
			dest[i] = int64(v.(float64))
		case name == "TIMESTAMP":
			dest[i], err = time.Parse(time.DateTime, v.(string))
		case name == "TIMESTAMPTZ":
			dest[i], err = time.Parse("2006-01-02 15:04:05Z07", v.(string))
		case name == "DATE":
			dest[i], err = time.Parse(time.DateOnly, v.(string))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
