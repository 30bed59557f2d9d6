package warehouse_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/evstream/emulator/warehouse"
)

// TestMatrix runs the examples in the tables of README.md: each gives what its row says,
// and is an error where the row says that it is.
func TestMatrix(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)
	f := newFixture(t)
	_, setUp, _ := strings.Cut(readme, "```sql\n")
	setUp, _, _ = strings.Cut(setUp, "```")
	for statement := range strings.SplitSeq(strings.TrimSpace(setUp), ";\n") {
		f.exec(strings.TrimSuffix(statement, ";"))
	}
	called := make(map[string]bool)
	counts := make(map[string]int)
	section := ""
	for line := range strings.Lines(readme) {
		if title, ok := strings.CutPrefix(line, "### "); ok {
			section = strings.TrimSpace(title)
		}
		cells := row(line)
		if len(cells) != 5 || !slices.Contains([]string{"supported", "assumed", "refused", "gap"}, cells[1]) {
			continue
		}
		how, example, gives := cells[1], strings.Trim(cells[2], "`"), strings.Trim(cells[3], "`")
		counts[how]++
		for _, name := range regexp.MustCompile(`(\w+)\(`).FindAllStringSubmatch(strings.ToLower(example), -1) {
			called[name[1]] = true
		}
		t.Run(section+"/"+cells[0], func(t *testing.T) {
			f := *f
			f.t = t
			if message, ok := strings.CutPrefix(gives, "error: "); ok || how == "refused" || how == "gap" {
				f.fails(example, message)
				return
			}
			if got := f.cell(example); got != gives {
				t.Errorf("%s\ngives %q, want %q", example, got, gives)
			}
		})
	}
	for _, name := range warehouse.Functions() {
		if !called[name] {
			t.Errorf("no example calls %s", name)
		}
	}
	t.Logf("rows of the matrix: %v", counts)
}

// row splits a line of a Markdown table.
func row(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "| ") {
		return nil
	}
	const pipe = "\x00"
	cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, pipe), "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], pipe, "|"))
	}
	return cells
}

// cell gives a statement's result in one line, as the tables have it.
func (f *fixture) cell(statement string) string {
	f.t.Helper()
	res, err := f.session.Execute(f.t.Context(), statement)
	switch {
	case err != nil:
		f.t.Fatalf("%s\n%v", statement, err)
	case res.Columns == nil && res.Affected >= 0:
		return fmt.Sprintf("%d rows", res.Affected)
	case res.Columns == nil:
		return "done"
	}
	out := strings.Join(lines(res), "; ")
	return strings.NewReplacer(" | ", ", ", "\n", "⏎").Replace(out)
}
