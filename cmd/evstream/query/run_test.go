package query

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/number"
	saved "example.com/evstream/sql"
)

func TestErrorShowsItsPlace(t *testing.T) {
	err := explained(fmt.Errorf("connect: %w", &dataapi.Error{
		StatementID: "id", Status: "FAILED", Message: `column "usr" does not exist`,
		SQL: "-- Zähler\nSELECT usr\nFROM t", Position: 18,
	}))
	want := "" +
		"connect: Redshift: column \"usr\" does not exist (statement id, FAILED)\n" +
		"line 2: SELECT usr\n" +
		"               ^"
	if err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}

// TestRowsAreStreamed takes more rows than are held: what is written must follow
// what was read.
func TestRowsAreStreamed(t *testing.T) {
	formats := map[string]func(io.Writer, result) error{
		"csv":   func(w io.Writer, r result) error { return writeCSV(w, r, true) },
		"json":  func(w io.Writer, r result) error { return writeJSON(w, r, true) },
		"jsonl": func(w io.Writer, r result) error { return writeJSON(w, r, false) },
	}
	for name, write := range formats {
		t.Run(name, func(t *testing.T) {
			const rows, held = 100_000, 1 << 16
			var out, read int
			r := result{
				columns: []column{{"id", plain}},
				rows: func(yield func([]any, error) bool) {
					row := []any{strings.Repeat("x", 10)}
					for range rows {
						if read-out > held {
							t.Errorf("%d bytes read and only %d written", read, out)
							return
						}
						if !yield(row, nil) {
							return
						}
						read += 10
					}
				},
			}
			err := write(writerFunc(func(p []byte) (int, error) { out += len(p); return len(p), nil }), r)
			if err != nil {
				t.Fatal(err)
			}
			if out < rows*10 {
				t.Errorf("%d bytes written for %d rows", out, rows)
			}
		})
	}
}

// TestFullDisk has nowhere to write to: that must not pass for success.
func TestFullDisk(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			w := &warehouse{Replies: []*reply{{SQL: "SELECT 1", Columns: []string{"one INT4"}, Rows: [][]any{{1.0}}}}}
			root := cli.Root(newCommand(host{queries: savedForTests, open: w.open, now: time.Now}))
			root.SetArgs([]string{"query", "--workgroup", "ev", "--database", "dev", "--sql", "-", "--format", format})
			root.SetIn(strings.NewReader("SELECT 1"))
			root.SetOut(writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left on device") }))
			if err := root.Execute(); err == nil || err.Error() != "no space left on device" {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestShippedQueries: each file of sql/queries is a command with a description.
func TestShippedQueries(t *testing.T) {
	queries, err := readSaved(saved.Queries())
	if err != nil {
		t.Fatal(err)
	}
	root := cli.Root(Command())
	for _, q := range queries {
		cmd, _, err := root.Find([]string{"query", q.name})
		if err != nil || cmd.Name() != q.name || cmd.GroupID != "saved" || !strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("sql/queries/%s.sql is the command %q, %q (error %v): it should have a name of its own and begin with a comment, a sentence", q.name, cmd.Name(), cmd.Short, err)
		}
	}
}

func TestTimeTicks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		first, end string
		zone       *time.Location
		want       string
	}{
		"a day":      {"2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", time.UTC, "12:00/1 Mar 15:00 18:00 21:00 00:00/2 Mar 03:00 06:00 09:00 12:00"},
		"a minute":   {"2026-03-01T12:00:07Z", "2026-03-01T12:01:00Z", time.UTC, "12:00:10/1 Mar 12:00:20 12:00:30 12:00:40 12:00:50 12:01:00"},
		"a week":     {"2026-02-25T12:00:00Z", "2026-03-04T12:00:00Z", time.UTC, "26 Feb 27 Feb 28 Feb 1 Mar 2 Mar 3 Mar 4 Mar"},
		"clocks on":  {"2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z", berlin, "22:00/28 Mar 00:00/29 Mar 03:00 04:00 06:00 08:00"},
		"clocks off": {"2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z", berlin, "22:00/24 Oct 00:00/25 Oct 02:00 04:00 06:00"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			first, _ := time.Parse(time.RFC3339, test.first)
			end, _ := time.Parse(time.RFC3339, test.end)
			var got []string
			for _, tick := range timeTicks(first, end, test.zone, 9) {
				got = append(got, strings.ReplaceAll(tick.label, "\n", "/"))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestValueTicks(t *testing.T) {
	tests := []struct {
		top  float64
		want string
	}{
		{0, "0 1"},
		{0.3, "0 0.1 0.2 0.3"},
		{1, "0 1"},
		{7, "0 2 4 6 8"},
		{2843.7, "0 1,000 2,000 3,000"},
		{1_234_567, "0 500,000 1,000,000 1,500,000"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.top), func(t *testing.T) {
			var got []string
			for _, v := range valueTicks(test.top, 5) {
				got = append(got, number.Format(v))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
