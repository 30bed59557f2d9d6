package producetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"example.com/evstream/emulator/fakekinesis"
)

// evstream is the built command.
var evstream string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "produce")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	evstream = filepath.Join(dir, "evstream")
	build := exec.Command("go", "build", "-o", evstream, "./cmd/evstream")
	build.Dir = filepath.Join("..", "..") // the module that the command belongs to
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build evstream: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// environment is what makes the command write to s.
func environment(s *fakekinesis.Server) []string {
	return []string{
		"AWS_ENDPOINT_URL_KINESIS=" + s.URL(),
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKID",
		"AWS_SECRET_ACCESS_KEY=SECRET",
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"STREAM_NAME=" + streamName,
	}
}

func start(t testing.TB, s *fakekinesis.Server) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
}

// TestScripts runs the command in scripts, each with a stream of two shards.
func TestScripts(t *testing.T) {
	type key struct{}
	type world struct {
		*fakekinesis.Server
		expired atomic.Bool
	}
	of := func(ts *testscript.TestScript) *world { return ts.Value(key{}).(*world) }
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			s := fakekinesis.New()
			if err := s.Start(); err != nil {
				return err
			}
			e.Defer(func() { _ = s.Close() })
			e.Values[key{}] = &world{Server: s}
			e.Vars = append(e.Vars, environment(s)...)
			e.Setenv("PATH", filepath.Dir(evstream)+string(os.PathListSeparator)+e.Getenv("PATH"))
			_, err := s.CreateStream(fakekinesis.StreamSettings{Name: streamName, Shards: 2})
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// stored N checks how many records the stream holds;
			// stored FILE N how often it holds each of the file's lines.
			"stored": func(ts *testscript.TestScript, neg bool, args []string) {
				have := map[string]int{}
				all := 0
				ts.Check(eachOf(of(ts).Server, func(r fakekinesis.Record) { have[string(r.Data)]++; all++ }))
				if len(args) == 1 {
					if got := fmt.Sprint(all); (got == args[0]) == neg {
						ts.Fatalf("the stream holds %s records", got)
					}
					return
				}
				for line := range strings.Lines(ts.ReadFile(args[0])) {
					if n := have[strings.TrimSuffix(line, "\n")]; fmt.Sprint(n) != args[1] {
						ts.Fatalf("the stream holds %q %d times, want %s", line, n, args[1])
					}
				}
			},
			// keys KEY... checks the partition keys of the stream's records, in any order.
			"keys": func(ts *testscript.TestScript, _ bool, args []string) {
				want := map[string]int{}
				for _, key := range args {
					want[key]++
				}
				ts.Check(eachOf(of(ts).Server, func(r fakekinesis.Record) { want[r.PartitionKey]-- }))
				for key, n := range want {
					if n != 0 {
						ts.Fatalf("%q is a key %d times too seldom", key, n)
					}
				}
			},
			// expire makes the service refuse the credentials from now on, renew
			// accepts them again.
			"expire": func(ts *testscript.TestScript, _ bool, _ []string) {
				w := of(ts)
				w.expired.Store(true)
				w.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
					if !w.expired.Load() {
						return nil
					}
					c.Keep()
					return &fakekinesis.Fault{Err: &fakekinesis.Error{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}}
				})
			},
			"renew": func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).expired.Store(false) },
			// cut makes the next request lose its answer after it was applied.
			"cut": func(ts *testscript.TestScript, _ bool, _ []string) {
				of(ts).Control("PutRecords", always(fakekinesis.Fault{CutAfter: true}))
			},
		},
	})
}

// run is a running command.
type run struct {
	*exec.Cmd
	out, err bytes.Buffer // to be read when it has ended
}

func startProduce(t *testing.T, s *fakekinesis.Server, stdin io.Reader, args ...string) *run {
	t.Helper()
	r := &run{Cmd: exec.Command(evstream, append([]string{"produce"}, args...)...)}
	r.Env = append(os.Environ(), environment(s)...)
	r.Stdin, r.Stdout, r.Stderr = stdin, &r.out, &r.err
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// end waits for the command's end, checks its exit status and returns the --json summary.
func (r *run) end(t *testing.T, status int) (summary struct{ Accepted, Delivered, Failed, Uncertain int64 }) {
	t.Helper()
	_ = r.Wait() // its status is looked at
	if got := r.ProcessState.ExitCode(); got != status {
		t.Fatalf("exit status %d, want %d\n%s", got, status, r.err.String())
	}
	if text := r.out.String(); text != "" {
		if err := json.Unmarshal([]byte(text), &summary); err != nil {
			t.Fatalf("summary: %v\n%s", err, text)
		}
	}
	return summary
}

// signal interrupts the command, as Ctrl-C does.
func (r *run) signal(t *testing.T) {
	t.Helper()
	if err := r.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// await waits until cond holds.
func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// TestOneInterruptEnds: whatever the command waits for, one interrupt ends it, and it
// says what was done.
func TestOneInterruptEnds(t *testing.T) {
	var held atomic.Bool // an answer
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	inFolder := func(name string) string { return filepath.Join(t.TempDir(), name) }
	fifo := func() string {
		name := inFolder("fifo")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	unread := fifo() // open, and full after 64 KiB
	reader, err := os.OpenFile(unread, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	keyless := inFolder("keyless")
	if err := os.WriteFile(keyless, bytes.Repeat([]byte("{}\n"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		args   []string
		stdin  string
		ready  func(*fakekinesis.Server) bool // to be interrupted; nil if nothing shows that
		status int
		want   string // on standard error
	}{
		{"reading a pipe", []string{"--input", "-"}, "one\ntwo\nthree\n",
			func(s *fakekinesis.Server) bool { st, _ := s.Stream(streamName); return st.Stored == 3 },
			130, "3 of 3 records delivered"},
		{"opening a FIFO as input", []string{"--input", fifo()}, "", nil, 130, "interrupted: no record was read"},
		{"opening a dead-letter FIFO", []string{"--dead-letter", fifo()}, "", nil, 130, "interrupted: no record was read"},
		{"writing to a dead-letter FIFO", []string{"--input", keyless, "--partition-key", "id", "--dead-letter", unread}, "", nil,
			1, "which lacks some of the failed records now: nobody reads it"},
		{"waiting for an answer", []string{"--count", "10"}, "",
			func(*fakekinesis.Server) bool { return held.Load() },
			1, "10 of those that failed may be in the stream nonetheless"},
		{"leaving out records", []string{"--dry-run", "--skip", "100000000000"}, "", nil, 130, "interrupted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, 2)
			start(t, s)
			s.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
				if c.Keep(); test.stdin != "" {
					return &fakekinesis.Fault{}
				}
				held.Store(true)
				return &fakekinesis.Fault{Hold: hold}
			})
			// Interrupted too early, before it has begun to work, the command is killed by
			// the signal; then it gets more time.
			for pause := 300 * time.Millisecond; ; pause *= 2 {
				read, write, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer read.Close()
				defer write.Close()
				_, _ = io.WriteString(write, test.stdin)
				r := startProduce(t, s, read, test.args...)
				if test.ready != nil {
					await(t, "what it is to wait for", func() bool { return test.ready(s) })
				} else {
					time.Sleep(pause)
				}
				r.signal(t)
				_ = r.Wait() // its status is looked at
				if r.ProcessState.ExitCode() < 0 && pause < 10*time.Second {
					continue
				}
				if got := r.ProcessState.ExitCode(); got != test.status || !strings.Contains(r.err.String(), test.want) {
					t.Errorf("exit status %d, want %d and %q\n%s", got, test.status, test.want, r.err.String())
				}
				return
			}
		})
	}
}

// always returns a control that answers f.
func always(f fakekinesis.Fault) func(*fakekinesis.Call) *fakekinesis.Fault {
	return func(*fakekinesis.Call) *fakekinesis.Fault { return &f }
}

func TestEndsAtItsTimeWhileItWaitsForInput(t *testing.T) {
	s := serve(t, 2)
	start(t, s)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	if got := startProduce(t, s, read, "--duration", "100ms", "--input", "-", "--json").end(t, 0); got.Accepted != 0 {
		t.Errorf("%+v: want nothing accepted", got)
	}
}

// TestInterruptedAndResumed interrupts a run whose last records the stream refuses. What
// it gave up and what it had not read yet, sent by two further runs, completes the set.
func TestInterruptedAndResumed(t *testing.T) {
	const records = 5000
	dir := t.TempDir()
	input, dead := filepath.Join(dir, "input"), filepath.Join(dir, "dead")
	var lines []string
	for i := range records {
		// Some are not UTF-8, to see that they come through the dead-letter file.
		lines = append(lines, fmt.Sprintf("record %d \xe9\xff", i))
	}
	if err := os.WriteFile(input, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	s := serve(t, 2)
	start(t, s)
	s.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
		c.Keep()
		if st, _ := s.Stream(streamName); st.Stored < 1000 {
			return &fakekinesis.Fault{}
		}
		return &fakekinesis.Fault{Refuse: refuseAll(c)}
	})
	r := startProduce(t, s, nil, "--input", input, "--rate", "2000", "--dead-letter", dead, "--json")
	await(t, "records to be refused", func() bool { st, _ := s.Stream(streamName); return st.Refused > 0 })
	r.signal(t)
	first := r.end(t, 1)
	if first.Failed == 0 || first.Delivered == 0 || first.Accepted == records || first.Delivered+first.Failed != first.Accepted {
		t.Fatalf("interrupted: %+v: want some delivered, some failed, and some never read", first)
	}

	healthy := fakekinesis.New()
	createStream(t, healthy, 2)
	each(t, s, func(rec fakekinesis.Record) {
		if _, err := healthy.Put(streamName, rec.PartitionKey, rec.Data); err != nil {
			t.Fatal(err)
		}
	})
	start(t, healthy)
	again := startProduce(t, healthy, nil, "--input", dead, "--json").end(t, 0)
	if again.Delivered != first.Failed {
		t.Errorf("%d dead letters delivered, want the %d that failed", again.Delivered, first.Failed)
	}
	rest := startProduce(t, healthy, nil, "--input", input, "--skip", fmt.Sprint(first.Accepted), "--json").end(t, 0)
	if rest.Delivered != records-first.Accepted {
		t.Errorf("%d delivered of the rest, want %d", rest.Delivered, records-first.Accepted)
	}

	have, copies := stored(t, healthy), int64(0)
	for _, line := range lines {
		if have[line] == 0 {
			t.Fatalf("%q is lost", line)
		}
		copies += int64(have[line] - 1)
	}
	if len(have) != records || copies > first.Uncertain {
		t.Errorf("the stream holds %d records and %d copies, want %d and at most %d", len(have), copies, records, first.Uncertain)
	}
}

func refuseAll(c *fakekinesis.Call) map[int]string {
	all := map[int]string{}
	for i := range c.Records {
		all[i] = fakekinesis.InternalFailure
	}
	return all
}

// TestMemory: what a run takes does not grow with its length, so a run of some
// seconds shows what one of 10 million records or 5 GB would take.
func TestMemory(t *testing.T) {
	const most = 100 << 10 // KiB
	peak := func(r *run) int64 { return r.ProcessState.SysUsage().(*syscall.Rusage).Maxrss }
	s := serve(t, 4, fakekinesis.WithDiscard())
	start(t, s)
	for _, test := range []struct {
		name  string
		input func(io.Writer) error
		args  []string
	}{
		{"generated records", nil, []string{"--count", "300000"}},
		{"small lines", func(w io.Writer) error {
			for i := range 200_000 {
				if _, err := fmt.Fprintf(w, "{\"id\": %d, \"text\": \"%s\"}\n", i, strings.Repeat("x", 500)); err != nil {
					return err
				}
			}
			return nil
		}, []string{"--input", "-", "--partition-key", "id"}},
		{"lines as large as a record may be", func(w io.Writer) error {
			line := strings.Repeat("x", 1<<20-100) + "\n"
			for range 150 {
				if _, err := io.WriteString(w, line); err != nil {
					return err
				}
			}
			return nil
		}, []string{"--input", "-"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdin io.Reader
			if test.input != nil {
				read, write := io.Pipe()
				go func() {
					buffered := bufio.NewWriter(write)
					err := test.input(buffered)
					if err == nil {
						err = buffered.Flush()
					}
					write.CloseWithError(err)
				}()
				stdin = read
			}
			r := startProduce(t, s, stdin, test.args...)
			r.end(t, 0)
			t.Logf("peak memory %d MiB", peak(r)>>10)
			if peak(r) > most {
				t.Errorf("peak memory %d KiB, want at most %d", peak(r), most)
			}
		})
	}
}
