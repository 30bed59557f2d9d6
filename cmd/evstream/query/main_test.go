package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	saved "example.com/evstream/sql"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"query":  queryOnFixture,
		"pulumi": pulumi,
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
			"mistake": mistake,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("REDSHIFT_WORKGROUP", "ev")
			env.Setenv("REDSHIFT_DATABASE", "dev")
			return nil
		},
	})
}

// mistake runs query with a wrong command line, which must end with 2 and write
// nothing to stdout.
func mistake(ts *testscript.TestScript, _ bool, args []string) {
	if err := ts.Exec("query", args...); err == nil {
		ts.Fatalf("query %s succeeded", strings.Join(args, " "))
	} else if !strings.Contains(err.Error(), "exit status 2") {
		ts.Fatalf("query %s: %v; want exit status 2", strings.Join(args, " "), err)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout is %q", out)
	}
}

// queryOnFixture is the command on the warehouse.json of the working directory,
// with the saved queries as shipped and with a clock that moves only when the
// command waits or a statement takes its time.
func queryOnFixture() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	w := warehouse{clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if text, err := os.ReadFile("warehouse.json"); err == nil {
		if err := json.Unmarshal(text, &w); err != nil {
			fmt.Fprintln(os.Stderr, "warehouse.json:", err)
			os.Exit(99)
		}
	}
	os.Exit(run(ctx, os.Args[1:], host{
		getenv: os.Getenv,
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		saved:  saved.Queries(),
		open:   w.open,
		now:    func() time.Time { return w.clock },
		wait: func(_ context.Context, d time.Duration) error {
			if w.Rounds--; w.Rounds <= 0 {
				return context.Canceled // Ctrl-C
			}
			w.clock = w.clock.Add(d)
			return nil
		},
	}))
}

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
	Rounds  int  // of a watch, before it is ended
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

func (w *warehouse) open(_ context.Context, t target) (*sql.DB, error) {
	if w.Show {
		fmt.Fprintf(os.Stderr, "open %s/%s secret=%s region=%s\n", t.workgroup, t.database, t.secretARN, t.region)
	}
	return sql.OpenDB(w), nil
}

func (w *warehouse) Connect(context.Context) (driver.Conn, error) { return w, nil }
func (w *warehouse) Driver() driver.Driver                        { return nil }
func (w *warehouse) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (w *warehouse) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (w *warehouse) Close() error                                 { return nil }
func (w *warehouse) QueryContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Rows, error) {
	return w.answer(text)
}
func (w *warehouse) ExecContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Result, error) {
	_, err := w.answer(text)
	return driver.ResultNoRows, err
}

func (w *warehouse) answer(text string) (*replyRows, error) {
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
