package produce

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
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

func TestDeadLetterFileGoesAwayWhenNothingFailed(t *testing.T) {
	name := t.TempDir() + "/dead"
	d, err := createDeadLetters(t.Context(), t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("stat: %v, want that there is no file", err)
	}
}

func TestLineTooLongForAnyRecord(t *testing.T) {
	name := t.TempDir() + "/long"
	if err := os.WriteFile(name, append([]byte("short\n"), bytes.Repeat([]byte("x"), maxLine+1<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := openSource(t.Context(), options{input: name})
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	var r kinesisput.Record
	if err := src.next(&r); err != nil || string(r.Data) != "short" {
		t.Fatalf("first line %q, %v", r.Data, err)
	}
	if err := src.next(&r); err == nil || !strings.Contains(err.Error(), "line 2: longer than 16 MiB") {
		t.Errorf("second line: %v, want that it is too long", err)
	}
}

// TestRateIsEven counts what falls into each tenth of a second of virtual time.
func TestRateIsEven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options{count: -1, rate: 2000, duration: 3 * time.Second, seed: 1}
		src, err := openSource(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var tenths [31]int
		ctx, stop := within(t.Context(), o)
		defer stop()
		err = feed(ctx, o, src, func(context.Context, kinesisput.Record) error {
			tenths[time.Since(began)/(100*time.Millisecond)]++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range tenths[:30] {
			if n < 180 || n > 220 {
				t.Errorf("%d records in tenth %d of a second, want about 200", n, i)
			}
		}
		if took := time.Since(began); took != o.duration {
			t.Errorf("took %s, want %s", took, o.duration)
		}
	})
}
