package warehouse_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/warehouse"
)

var update = flag.Bool("update", false, "rewrite the table of README.md")

// TestDoubts asks every question under the default, each other answer and all of them
// together: what is asked gives the answer that was set, and no other answer changes.
func TestDoubts(t *testing.T) {
	doubts := warehouse.Doubts()
	for _, readings := range append([]doubt.Readings{nil, doubts.Others()}, doubts.Single()...) {
		t.Run(fmt.Sprintf("%.40s", readings), func(t *testing.T) {
			f := newFixture(t, func(o *warehouse.Options) { o.Readings = readings })
			f.exec(doubts.Begin()...)
			for _, d := range doubts {
				if d.Ask == "" {
					continue
				}
				var value string
				res, err := f.session.Execute(t.Context(), d.Statement())
				if err == nil {
					value = lines(res)[0]
				}
				if got, want := d.Read(value, err), doubts.Answer(readings, d.Name); got != want {
					t.Errorf("%s: %q: %q, error %v; want %q", d.Name, got, value, err, want)
				}
			}
			f.exec(doubts.End())
		})
	}
}

// TestStreamsInTransactions asks what no single query can.
func TestStreamsInTransactions(t *testing.T) {
	refused := func(o *warehouse.Options) { o.Readings = doubt.Readings{"streams-in-transactions": "refuse"} }
	const create = "CREATE EXTERNAL SCHEMA source FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/r'"
	f := newFixture(t, refused)
	f.exec("BEGIN")
	f.fails(create, "CREATE EXTERNAL SCHEMA cannot run inside a transaction block")
	f.exec("ROLLBACK", "BEGIN")
	f.fails("DROP MATERIALIZED VIEW v", "DROP MATERIALIZED VIEW cannot run inside a transaction block")
}

// TestWrongReadings: a misspelt switch must not be the default in silence.
func TestWrongReadings(t *testing.T) {
	for _, readings := range []doubt.Readings{{"decimal-cast": "cut"}, {"decimal-casts": "trunc"}} {
		w := warehouse.New(warehouse.Options{Readings: readings})
		if err := w.CreateNamespace(t.Context(), warehouse.Namespace{Name: "ev", AdminUser: "admin"}); err == nil || !strings.Contains(err.Error(), "decimal-casts") {
			t.Errorf("%v: error %v", readings, err)
		}
		w.Close()
	}
}

// TestDoubtsAreListed holds the table of README.md against the switches.
func TestDoubtsAreListed(t *testing.T) {
	const begin, end = "<!-- begin doubts -->\n", "<!-- end doubts -->"
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has no table between %q and %q", begin, end)
	}
	want := warehouse.Doubts().Table()
	if *update {
		if err := os.WriteFile("README.md", []byte(before+begin+want+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(have, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("go test -run %s -update rewrites it (-README +switches):\n%s", t.Name(), diff)
	}
}
