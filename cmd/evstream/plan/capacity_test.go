package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/cost"
)

const capacityDoc = "../../../docs/capacity.md"

// command is the command that a table of docs/capacity.md comes from, in a comment
// above it. If it ends in dots, each row begins with more flags and shows what a
// month costs with them; otherwise the table is the command's output.
var command = regexp.MustCompile(`(?m)^<!-- go run \./cmd/evstream plan (.*?)( \.\.\.)? -->\n((?:\|.*\n)+)`)

// TestCapacityDoc: every number of the tables in docs/capacity.md is what the
// command says.
func TestCapacityDoc(t *testing.T) {
	doc, err := os.ReadFile(capacityDoc)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	got := command.ReplaceAllStringFunc(string(doc), func(block string) string {
		tables++
		m := command.FindStringSubmatch(block)
		args, rows := words(t, m[1]), m[3]
		head, _, _ := strings.Cut(block, "\n")
		if m[2] == "" {
			return head + "\n" + output(t, args)
		}
		return head + "\n" + withTotals(t, args, rows)
	})
	if tables < 3 {
		t.Errorf("only %d tables were found", tables)
	}
	if *update {
		if err := os.WriteFile(capacityDoc, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(got, "\n"), strings.Split(string(doc), "\n")); diff != "" {
		t.Errorf("go test ./cmd/evstream/plan -update rewrites it (-command +docs/capacity.md):\n%s", diff)
	}
}

// row is a table's row that begins with flags.
var row = regexp.MustCompile("^\\| `(.*?)` \\|[^|]*\\|(.*)$")

// withTotals fills in what a month costs with each row's flags.
func withTotals(t *testing.T, args []string, table string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	for i, line := range lines {
		m := row.FindStringSubmatch(line)
		switch {
		case m != nil:
			lines[i] = fmt.Sprintf("| `%s` | %s |%s", m[1], total(t, append(args[:len(args):len(args)], words(t, m[1])...)), m[2])
		case i > 1:
			t.Errorf("the row does not begin with flags: %s", line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// total is what a month costs.
func total(t *testing.T, args []string) string {
	t.Helper()
	var r struct{ Total json.Number }
	if err := json.Unmarshal([]byte(output(t, append(args, "--json"))), &r); err != nil {
		t.Fatal(err)
	}
	dollars, err := r.Total.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return cost.Cents(math.Round(dollars * 100)).String()
}

func output(t *testing.T, args []string) string {
	t.Helper()
	var stdout bytes.Buffer
	root := cli.Root(Command())
	root.SetArgs(append([]string{"plan"}, args...))
	root.SetOut(&stdout)
	if err := root.Execute(); err != nil {
		t.Fatalf("plan %s: %v", strings.Join(args, " "), err)
	}
	return stdout.String()
}

// words splits a command line at spaces outside of single quotes.
func words(t *testing.T, line string) []string {
	t.Helper()
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}
