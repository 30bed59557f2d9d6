package warehouse_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/warehouse"
)

const (
	role   = "arn:aws:iam::123456789012:role/streaming"
	stream = "ev_stream_data"
)

// A fixture is a warehouse with one namespace and its workgroup, over a Kinesis stand-in
// with one stream, on a clock that the test moves.
type fixture struct {
	t *testing.T
	*warehouse.Warehouse
	kinesis *fakekinesis.Server
	clock   *clock
	session *warehouse.Session
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newFixture(t *testing.T, change ...func(*warehouse.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	f.kinesis = fakekinesis.New(fakekinesis.WithClock(f.clock.Now))
	if _, err := f.kinesis.CreateStream(fakekinesis.StreamSettings{Name: stream, Shards: 2, MaxRecordKiB: 2048}); err != nil {
		t.Fatal(err)
	}
	o := warehouse.Options{Streams: f.kinesis, Clock: f.clock.Now}
	for _, c := range change {
		c(&o)
	}
	f.Warehouse = warehouse.New(o)
	t.Cleanup(func() { f.Close() })
	ctx := t.Context()
	if err := f.CreateNamespace(ctx, warehouse.Namespace{Name: "ev", Database: "dev", AdminUser: "admin", AdminPassword: "Secret1234", IAMRoles: []string{role}, DefaultRole: role}); err != nil {
		t.Fatal(err)
	}
	if err := f.CreateWorkgroup(warehouse.Workgroup{Name: "ev", Namespace: "ev"}); err != nil {
		t.Fatal(err)
	}
	f.session = f.connect()
	return f
}

func (f *fixture) connect() *warehouse.Session {
	f.t.Helper()
	s, err := f.Connect(f.t.Context(), "ev", "dev", "admin", "Secret1234")
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// exec runs statements that must succeed.
func (f *fixture) exec(statements ...string) {
	f.t.Helper()
	for _, q := range statements {
		if _, err := f.session.Execute(f.t.Context(), q); err != nil {
			f.t.Fatalf("%s\n%v", q, err)
		}
	}
}

// rows gives a query's result, each row as its values joined by " | ".
func (f *fixture) rows(query string) []string {
	f.t.Helper()
	res, err := f.session.Execute(f.t.Context(), query)
	if err != nil {
		f.t.Fatalf("%s\n%v", query, err)
	}
	return lines(res)
}

func lines(res *warehouse.Result) []string {
	out := []string{}
	for _, row := range res.Rows {
		var cells []string
		for _, v := range row {
			if v == nil {
				v = "NULL"
			}
			cells = append(cells, fmt.Sprint(v))
		}
		out = append(out, strings.Join(cells, " | "))
	}
	return out
}

func (f *fixture) want(query string, want ...string) {
	f.t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, f.rows(query)); diff != "" {
		f.t.Errorf("%s\n(-want +got)\n%s", query, diff)
	}
}

// fails runs a statement that must fail with a text.
func (f *fixture) fails(statement, want string) {
	f.t.Helper()
	res, err := f.session.Execute(f.t.Context(), statement)
	if err == nil {
		f.t.Errorf("%s\ngave %v, want an error with %q", statement, lines(res), want)
		return
	}
	var e *warehouse.Error
	if !errors.As(err, &e) {
		f.t.Errorf("%s\nfailed with %T %v, want a *warehouse.Error", statement, err, err)
	}
	if !strings.Contains(err.Error(), want) {
		f.t.Errorf("%s\nfailed with %q, want %q in it", statement, err, want)
	}
}

// put writes records to the stream, one second apart, all with the partition key.
func (f *fixture) put(key string, records ...string) {
	f.t.Helper()
	for _, r := range records {
		f.clock.advance(time.Second)
		f.write(stream, key, r)
	}
}

// write writes a record to any stream.
func (f *fixture) write(stream, key, record string) {
	f.t.Helper()
	if _, err := f.kinesis.Put(stream, key, []byte(record)); err != nil {
		f.t.Fatal(err)
	}
}

// streamingView makes a view over the stream.
var streamingView = []string{
	"CREATE EXTERNAL SCHEMA evdata FROM KINESIS IAM_ROLE '" + role + "'",
	"CREATE MATERIALIZED VIEW raw AUTO REFRESH YES AS SELECT partition_key, kinesis_data FROM evdata." + stream,
}

func TestNamespacesOutliveWorkgroups(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")
	f.exec("CREATE USER u PASSWORD 'Secret1234'")
	if err := f.DeleteNamespace("ev"); err == nil {
		t.Error("a namespace was deleted while it had a workgroup")
	}
	if err := f.DeleteWorkgroup("ev"); err != nil {
		t.Fatal(err)
	}
	f.fails("SELECT 1", "terminating connection")
	if _, err := f.Connect(t.Context(), "ev", "dev", "admin", "Secret1234"); err != warehouse.ErrNoWorkgroup {
		t.Errorf("connecting to a deleted workgroup: %v", err)
	}
	if err := f.CreateWorkgroup(warehouse.Workgroup{Name: "next", Namespace: "ev", ReadyAt: f.clock.Now().Add(60e9)}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Connect(t.Context(), "next", "dev", "admin", "Secret1234"); err != warehouse.ErrNotReady {
		t.Errorf("connecting to a workgroup that is being created: %v", err)
	}
	f.clock.advance(60e9)
	res, err := f.Query(t.Context(), "ev", "SELECT n FROM t")
	if err != nil || len(res.Rows) != 1 {
		t.Errorf("the data did not outlive the workgroup: %v", err)
	}
	for what, login := range map[string][3]string{
		"password authentication failed": {"dev", "admin", "Secret12345"},
		`database "prod" does not exist`: {"prod", "admin", "Secret1234"},
	} {
		if _, err := f.Connect(t.Context(), "next", login[0], login[1], login[2]); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("connecting as %s to %s: %v, want %q", login[1], login[0], err, what)
		}
	}
	if err := f.DeleteWorkgroup("next"); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteNamespace("ev"); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Log() {
		if strings.Contains(s.SQL, "Secret1234") {
			t.Errorf("a password is in the log: %s", s.SQL)
		}
	}
	log := f.Log()
	if last := log[len(log)-1]; last.SQL != "SELECT n FROM t" || last.User != "admin" || last.Err != nil {
		t.Errorf("the last logged statement is %+v", last)
	}
}
