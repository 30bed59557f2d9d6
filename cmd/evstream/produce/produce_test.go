package produce

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/kinesisput"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"evstream": func() { os.Exit(cli.Run(cli.Root(Command()))) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"lines":   lineCount,
			"lastids": lastIDs,
		},
	})
}

// lineCount checks the number of lines: lines FILE N.
func lineCount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines file n")
	}
	if n := strings.Count(ts.ReadFile(args[0]), "\n"); args[1] != fmt.Sprint(n) {
		ts.Fatalf("%d lines, want %s", n, args[1])
	}
}

// lastIDs checks that the second file's records have the ids of the first's
// last ones: lastids ALL REST. Connection times differ with the time of day.
func lastIDs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lastids all rest")
	}
	ids := func(file string) []string {
		var ids []string
		for line := range strings.Lines(ts.ReadFile(file)) {
			ids = append(ids, line[:len(`{"_id":"af6f0b02-f8c9-4d6a-9d35-a01f3c4a9ac7"`)])
		}
		return ids
	}
	all, rest := ids(args[0]), ids(args[1])
	if want := all[len(all)-len(rest):]; strings.Join(rest, "\n") != strings.Join(want, "\n") {
		ts.Fatalf("ids %q, want %q", rest, want)
	}
}

func TestPartitionKeyOfALine(t *testing.T) {
	for _, test := range []struct{ name, field, line, want string }{
		{"text", "id", `{"id":"a\u00e9"}`, "aé"},
		{"number as written", "id", `{"id":1.50}`, "1.50"},
		{"boolean", "id", `{"id":true}`, "true"},
		{"exact case", "id", `{"ID":"x"}`, ""},
		{"null", "id", `{"id":null}`, ""},
		{"object", "id", `{"id":{}}`, ""},
		{"missing", "id", `{}`, ""},
		{"no object", "id", `[1]`, ""},
		{"no JSON", "id", `id=1`, ""},
		{"no field asked for: a hash", "", `id=1`, "9fae5cc54a0daca2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &lines{field: test.field}
			if got := l.key([]byte(test.line)); got != test.want {
				t.Errorf("key of %s is %q, want %q", test.line, got, test.want)
			}
		})
	}
}

// TestDeadLettersComeBack writes records of all kinds as dead letters and reads
// them as input.
func TestDeadLettersComeBack(t *testing.T) {
	records := []kinesisput.Record{
		{PartitionKey: "json", Data: []byte("{\"a\": \"<&>\u2028\\u00e9\"}")},
		{PartitionKey: "lines", Data: []byte("one\r\ntwo\n\x00")},
		{PartitionKey: "bytes", Data: []byte{0xff, 0xfe, '{', 0}},
		{PartitionKey: "empty", Data: nil},
		{PartitionKey: "ключ \"quoted\"", Data: []byte("x")},
		{PartitionKey: "largest", Data: bytes.Repeat([]byte{1}, kinesisput.MaxRecordBytes-7)},
	}
	name := t.TempDir() + "/dead"
	d, err := createDeadLetters(t.Context(), t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := d.add(kinesisput.Failure{Record: r, Err: cli.ErrInterrupted}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}

	src, err := openSource(t.Context(), options{input: name})
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	for _, want := range records {
		var got kinesisput.Record
		if err := src.next(&got); err != nil {
			t.Fatalf("%s: %v", want.PartitionKey, err)
		}
		if got.PartitionKey != want.PartitionKey || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s: came back as %q %.40q, want %.40q", want.PartitionKey, got.PartitionKey, got.Data, want.Data)
		}
	}
	if err := src.next(nil); err != io.EOF {
		t.Errorf("after the last record: %v, want EOF", err)
	}
}

// TestDeadLetterFile: only its owner may read what produce creates, and only what it
// created goes away when nothing failed.
func TestDeadLetterFile(t *testing.T) {
	created, found := filepath.Join(t.TempDir(), "created"), filepath.Join(t.TempDir(), "found")
	if err := os.WriteFile(found, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, failures := range []int{1, 0} {
		for _, name := range []string{created, found} {
			d, err := createDeadLetters(t.Context(), t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for range failures {
				_ = d.add(kinesisput.Failure{Record: kinesisput.Record{PartitionKey: "k"}, Err: cli.ErrInterrupted})
			}
			if err := d.close(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(name)
			switch {
			case failures == 0 && name == created:
				if !os.IsNotExist(err) {
					t.Errorf("stat of a file without dead letters: %v, want that there is none", err)
				}
				continue
			case err != nil:
				t.Fatal(err)
			case name == created && info.Mode().Perm() != 0o600:
				t.Errorf("mode %o, want 600", info.Mode().Perm())
			}
			if err := os.Truncate(name, 0); err != nil {
				t.Fatal(err)
			}
			if name == created {
				_ = os.Remove(name)
			}
		}
	}
}

// TestRate counts what falls into each tenth of a second of virtual time, in which the
// stream now and then takes a record late.
func TestRate(t *testing.T) {
	for _, test := range []struct {
		name        string
		late        time.Duration // every 1,000th record
		least, most int           // in a tenth of a second
		total       int           // of 20,000, at least
	}{
		{"in time", 0, 180, 220, 20_000},
		{"late", 400 * time.Millisecond, 0, 1000, 20_000},
		{"too late to be made up for", 3 * time.Second, 0, 220, 2_500},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := options{count: -1, rate: 2000, duration: 10 * time.Second, seed: 1}
				src, err := openSource(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				began, n := time.Now(), 0
				tenths := make([]int, 140)
				ctx, stop := within(t.Context(), o)
				defer stop()
				err = feed(ctx, o, src, func(context.Context, kinesisput.Record) error {
					if n++; n%1000 == 0 {
						time.Sleep(test.late)
					}
					tenths[time.Since(began)/(100*time.Millisecond)]++
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				for i, n := range tenths[:100] {
					if n < test.least || n > test.most {
						t.Errorf("%d records in tenth %d of a second, want %d to %d", n, i, test.least, test.most)
					}
				}
				if n < test.total || n > 20_001 {
					t.Errorf("%d records, want at least %d", n, test.total)
				}
			})
		})
	}
}

// BenchmarkRate shows how exact a rate is on this machine, whatever else it does. With
// -benchtime 600000x it takes half a minute.
func BenchmarkRate(b *testing.B) {
	const rate, window = 20_000, 10 * time.Second
	o := options{count: int64(b.N), rate: rate, seed: 1}
	src, err := openSource(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	began, n := time.Now(), int64(0)
	var seconds []int64 // accepted until the end of each
	var late time.Duration
	err = feed(b.Context(), o, src, func(context.Context, kinesisput.Record) error {
		now := time.Since(began)
		late = max(late, now-time.Duration(n)*time.Second/rate)
		for ; len(seconds) < int(now/time.Second); seconds = append(seconds, n) {
		}
		n++
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	least, most := math.Inf(1), math.Inf(-1)
	for i := int(window / time.Second); i < len(seconds); i++ {
		part := 100 * float64(seconds[i]-seconds[i-10]) / (rate * window.Seconds())
		least, most = min(least, part), max(most, part)
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "records/s")
	b.ReportMetric(late.Seconds()*1000, "latest-ms")
	if len(seconds) > 10 {
		b.ReportMetric(least, "least-%-in-10s")
		b.ReportMetric(most, "most-%-in-10s")
	}
}
