// Package migratetest runs cmd/migrate, the built program, against the stand-ins
// of the Data API and the warehouse. Each script in testdata is one story; the
// commands it uses beside testscript's own are the ones of [commands].
package migratetest

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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

// runScripts runs the scripts of these names, or all, each in a house of its own.
func runScripts(t *testing.T, bin string, readings doubt.Readings, names ...string) {
	t.Helper()
	// Of tests that run under nohup a command would inherit that hang-ups are ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	shipped, err := filepath.Abs(filepath.Join("..", "..", "sql"))
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
			h, err := newHouse(readings)
			if err != nil {
				return err
			}
			env.Defer(func() {
				if err := h.close(); err != nil {
					t.Error(err)
				}
			})
			env.Values[houseKey{}] = h
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("SHIPPED", filepath.Join(shipped, "migrations"))
			env.Setenv("SETTINGS", filepath.Join(shipped, "settings"))
			for name, value := range h.environment() {
				env.Setenv(name, value)
			}
			return nil
		},
	})
}

// A house is a warehouse with one workgroup, ev-test, behind a Data API.
type house struct {
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

type houseKey struct{} // of the house among a script's values

func newHouse(readings doubt.Readings) (*house, error) {
	h := &house{kinesis: fakekinesis.New(), admin: "admin"}
	if _, err := h.kinesis.CreateStream(fakekinesis.StreamSettings{Name: stream, Mode: fakekinesis.OnDemand}); err != nil {
		return nil, err
	}
	h.data = warehouse.New(warehouse.Options{Streams: h.kinesis, Authorize: h.authorize, Readings: readings})
	if err := h.addWorkgroup("ev-test"); err != nil {
		return nil, err
	}
	h.api = fakedataapi.New(h.data, func(nameOrARN string) (string, error) {
		if nameOrARN != secret && nameOrARN != kept {
			return "", errors.New("there is no such secret")
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		return fmt.Sprintf(`{"username":%q,"password":"Secret1234"}`, h.admin), nil
	}, fakedataapi.WithPageRows(3))
	h.api.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.requests = append(h.requests, c)
		return nil
	})
	return h, h.api.Start()
}

// environment is what the programs of this repository need to reach the house.
func (h *house) environment() map[string]string {
	return map[string]string{
		"REDSHIFT_WORKGROUP":             "ev-test",
		"REDSHIFT_DATABASE":              "dev",
		"REDSHIFT_SECRET_ARN":            secret,
		"STREAM_NAME":                    stream,
		"STREAMING_ROLE_ARN":             role,
		"AWS_REGION":                     "us-east-1",
		"AWS_ACCESS_KEY_ID":              "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY":          "example",
		"AWS_ENDPOINT_URL_REDSHIFT_DATA": h.api.URL(),
	}
}

func (h *house) close() error {
	return errors.Join(h.api.Close(), h.data.Close(), h.kinesis.Close())
}

// addWorkgroup makes a workgroup and a namespace of the same name.
func (h *house) addWorkgroup(name string) error {
	err := h.data.CreateNamespace(context.Background(), warehouse.Namespace{
		Name: name, AdminUser: "admin", AdminPassword: "Secret1234", IAMRoles: []string{role},
	})
	if err != nil {
		return err
	}
	return h.data.CreateWorkgroup(warehouse.Workgroup{Name: name, Namespace: name})
}

func (h *house) authorize(_, action, _ string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if action == h.forbidden {
		return errors.New("it has not taken effect yet")
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

// commands are what a script can do to the house.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	// pack DIR FILE packs the migrations in a folder, in order or not, into an archive.
	"pack": command(2, func(ts *testscript.TestScript, _ *house, args []string) error {
		archive, err := pack(ts.MkAbs(args[0]), "")
		if err != nil {
			return err
		}
		return os.WriteFile(ts.MkAbs(args[1]), []byte(archive), 0o666)
	}),
	// settings DIR FILE adds the settings' files in a folder to an archive.
	"settings": command(2, func(ts *testscript.TestScript, _ *house, args []string) error {
		before, err := os.ReadFile(ts.MkAbs(args[1]))
		if err != nil {
			return err
		}
		archive, err := pack(ts.MkAbs(args[0]), "settings/")
		if err != nil {
			return err
		}
		return os.WriteFile(ts.MkAbs(args[1]), append(before, archive...), 0o666)
	}),

	// sql STATEMENT runs a statement in the warehouse, past the Data API, and prints its
	// rows.
	"sql": command(1, func(ts *testscript.TestScript, h *house, args []string) error {
		return h.query(ts, "", args[0])
	}),
	// as USER STATEMENT does it as another user, who logs in with IAM, and prints the error
	// if there is one.
	"as": command(2, func(ts *testscript.TestScript, h *house, args []string) error {
		err := h.query(ts, args[0], args[1])
		if err != nil {
			fmt.Fprintln(ts.Stdout(), err)
		}
		return nil
	}),
	// put RECORD writes a record to the stream.
	"put": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		_, err := h.kinesis.Put(stream, "key", []byte(args[0]))
		return err
	}),

	// ran TEXT prints the statements that ran and start with a text, and how many those are.
	"ran": command(1, func(ts *testscript.TestScript, h *house, args []string) error {
		n := 0
		for _, s := range h.api.Statements() {
			if strings.HasPrefix(s.SQL[0], args[0]) {
				fmt.Fprintln(ts.Stdout(), s.SQL[0])
				n++
			}
		}
		fmt.Fprintf(ts.Stdout(), "%d statements\n", n)
		return nil
	}),

	// statements DIR makes sure that what ran in the warehouse, queries and the ledger's
	// statements aside, is what package sql finds in the files, in that order.
	"statements": command(1, func(ts *testscript.TestScript, h *house, args []string) error {
		list, err := evsql.List(os.DirFS(args[0]))
		if err != nil {
			return err
		}
		values := strings.NewReplacer("${STREAMING_ROLE_ARN}", role, "${STREAM_NAME}", stream)
		var want, got []string
		for _, m := range list {
			for _, s := range m.Statements {
				want = append(want, values.Replace(s.Text))
			}
		}
		for _, s := range h.api.Statements() {
			if !strings.Contains(s.SQL[0], "ev_schema_migrations") && !strings.HasPrefix(s.SQL[0], "SELECT") {
				got = append(got, s.SQL[0])
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("ran:\n%s\nfound in the files:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return nil
	}),

	// hold VERSION keeps the record of a migration from being written until release.
	"hold": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		h.hold(args[0], false)
		return nil
	}),
	// strand VERSION does too, and it is never written: for a program that is killed.
	"strand": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		h.hold(args[0], true)
		return nil
	}),
	// held waits until the record of hold or strand has come.
	"held": command(0, func(ts *testscript.TestScript, h *house, _ []string) error {
		eventually(ts, "the held request came", func() bool {
			select {
			case <-h.reached:
				return true
			default:
				return false
			}
		})
		return nil
	}),
	// release ends hold or strand.
	"release": command(0, func(_ *testscript.TestScript, h *house, _ []string) error {
		close(h.released)
		return nil
	}),

	// fault OPERATION WHAT makes the next request of an operation go wrong as [faultOf] says.
	// OPERATION:TEXT is one whose request has a text in it, and NextPage a GetStatementResult
	// of any page but the first.
	"fault": command(2, func(_ *testscript.TestScript, h *house, args []string) error {
		operation, text, _ := strings.Cut(args[0], ":")
		if operation == "NextPage" {
			operation, text = "GetStatementResult", "NextToken"
		}
		h.api.Control(operation, func(c *fakedataapi.Call) *fakedataapi.Fault {
			if !strings.Contains(string(c.Body), text) {
				return nil
			}
			return faultOf(args[1])
		})
		return nil
	}),
	// end TEXT WHAT makes the next statement that starts with a text end as [outcomeOf] says.
	"end": command(2, func(_ *testscript.TestScript, h *house, args []string) error {
		h.api.Control("ExecuteStatement", func(c *fakedataapi.Call) *fakedataapi.Fault {
			if !strings.HasPrefix(c.SQL[0], args[0]) {
				return nil
			}
			return &fakedataapi.Fault{Outcome: outcomeOf(args[1])}
		})
		return nil
	}),
	// long FILE BYTES writes a migration whose statement, which makes a view, has so many
	// bytes.
	"long": command(2, func(ts *testscript.TestScript, _ *house, args []string) error {
		size, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		const head, tail = "CREATE VIEW long AS\nSELECT LENGTH('", "') AS n;"
		literal := strings.Repeat("x", size-len(head)-len(tail))
		return os.WriteFile(ts.MkAbs(args[0]), []byte("-- +goose NO TRANSACTION\n-- +goose Up\n"+head+literal+tail+"\n"), 0o666)
	}),
	// slow TEXT makes the next statement that starts with a text run until it is cancelled.
	"slow": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		h.slow(args[0])
		return nil
	}),

	// requested N TEXT waits until N requests to start a statement had a text in them.
	"requested": command(2, func(ts *testscript.TestScript, h *house, args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		eventually(ts, strings.Join(args, " ")+" requests came", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			found := 0
			for _, c := range h.requests {
				if c.Operation == "ExecuteStatement" && strings.Contains(string(c.Body), args[1]) {
					found++
				}
			}
			return found >= n
		})
		return nil
	}),
	// hangup does to what runs in the background what a terminal does that goes away.
	"hangup": command(0, func(ts *testscript.TestScript, _ *house, _ []string) error {
		for _, cmd := range ts.BackgroundCmds() {
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				return err
			}
		}
		return nil
	}),
	// failed TEXT waits until a statement failed with a text in its message.
	"failed": command(1, func(ts *testscript.TestScript, h *house, args []string) error {
		eventually(ts, "a statement failed with "+args[0], func() bool {
			return slices.ContainsFunc(h.api.Statements(), func(s fakedataapi.Statement) bool {
				return strings.Contains(s.Error, args[0])
			})
		})
		return nil
	}),
	// unasked makes sure that no request came at all.
	"unasked": command(0, func(_ *testscript.TestScript, h *house, _ []string) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.requests) > 0 {
			return fmt.Errorf("%d requests came, the first one %s", len(h.requests), h.requests[0].Body)
		}
		return nil
	}),

	// forbid ACTION takes the permission for an action from every role, allow gives it back.
	"forbid": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		h.forbid(args[0])
		return nil
	}),
	"allow": command(0, func(_ *testscript.TestScript, h *house, _ []string) error {
		h.forbid("")
		return nil
	}),
	// admin NAME gives the namespace another admin, with the password in the secret.
	"admin": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.admin = args[0]
		return h.data.UpdateNamespace(warehouse.Namespace{
			Name: "ev-test", AdminUser: h.admin, AdminPassword: "Secret1234", IAMRoles: []string{role},
		})
	}),
	// password WORD gives the namespace's admin another password than the secret has.
	"password": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.data.UpdateNamespace(warehouse.Namespace{
			Name: "ev-test", AdminUser: h.admin, AdminPassword: args[0], IAMRoles: []string{role},
		})
	}),
	// workgroup NAME makes a workgroup.
	"workgroup": command(1, func(_ *testscript.TestScript, h *house, args []string) error {
		return h.addWorkgroup(args[0])
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

// pack gives the files in a folder as a part of an archive.
func pack(dir, prefix string) (string, error) {
	fsys := os.DirFS(dir)
	names, err := fs.Glob(fsys, "*")
	if err != nil {
		return "", err
	}
	var archive strings.Builder
	for _, name := range names { // sorted
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&archive, "-- %s%s --\n%s", prefix, name, data)
	}
	return archive.String(), nil
}

// query runs a statement as a user of the warehouse, "" being the admin, and prints its
// rows.
func (h *house) query(ts *testscript.TestScript, user, statement string) error {
	result, err := h.data.QueryAs(context.Background(), "ev-test", user, statement)
	if err != nil {
		return err
	}
	for _, row := range result.Rows {
		for i, value := range row {
			if i > 0 {
				fmt.Fprint(ts.Stdout(), " ")
			}
			if value == nil {
				value = "NULL"
			}
			fmt.Fprint(ts.Stdout(), value)
		}
		fmt.Fprintln(ts.Stdout())
	}
	return nil
}

// command makes a command of testscript that takes n arguments.
func command(n int, do func(*testscript.TestScript, *house, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != n {
			ts.Fatalf("this command takes %d arguments and no !", n)
		}
		h, ok := ts.Value(houseKey{}).(*house)
		if !ok {
			ts.Fatalf("the script has no house")
		}
		ts.Check(do(ts, h, args))
	}
}

func (h *house) forbid(action string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forbidden = action
}

// slow makes the next statement that starts with a text run until it is cancelled.
func (h *house) slow(text string) {
	h.api.Control("ExecuteStatement", func(c *fakedataapi.Call) *fakedataapi.Fault {
		if !strings.HasPrefix(c.SQL[0], text) {
			return nil
		}
		return &fakedataapi.Fault{Outcome: fakedataapi.Outcome{Status: fakedataapi.Running}}
	})
}

// hold makes the request that records a version wait until release, and then be applied
// or cut off.
func (h *house) hold(version string, cut bool) {
	reached, released := make(chan struct{}), make(chan struct{})
	h.reached, h.released = reached, released
	h.api.Control("ExecuteStatement", func(c *fakedataapi.Call) *fakedataapi.Fault {
		var request struct {
			Parameters []struct{ Value string }
		}
		if err := json.Unmarshal(c.Body, &request); err != nil ||
			!strings.HasPrefix(c.SQL[0], "INSERT INTO ev_schema_migrations") || request.Parameters[0].Value != version {
			return nil
		}
		close(reached)
		return &fakedataapi.Fault{Hold: released, CutBefore: cut}
	})
}
