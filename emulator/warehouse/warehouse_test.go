package warehouse_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
		if _, err := f.kinesis.Put(stream, key, []byte(r)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// migrate runs the shipped migrations, each file's statements in a session of its own.
func (f *fixture) migrate() { f.migrateFrom(0) }

// migrateAgain runs those after the external schema.
func (f *fixture) migrateAgain() { f.migrateFrom(1) }

func (f *fixture) migrateFrom(first int) {
	f.t.Helper()
	files, err := filepath.Glob("../../sql/migrations/*.sql")
	if err != nil || len(files) == 0 {
		f.t.Fatalf("no migrations found: %v", err)
	}
	for _, file := range files[first:] {
		data, err := os.ReadFile(file)
		if err != nil {
			f.t.Fatal(err)
		}
		text := strings.NewReplacer("${STREAMING_ROLE_ARN}", role, "${STREAM_NAME}", stream).Replace(string(data))
		s := f.connect()
		for _, statement := range strings.SplitAfter(text, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := s.Execute(f.t.Context(), statement); err != nil {
				f.t.Fatalf("%s: %v", file, err)
			}
		}
		s.Close()
	}
}

func (f *fixture) refresh() {
	f.t.Helper()
	f.exec("REFRESH MATERIALIZED VIEW ev_station_data")
}
