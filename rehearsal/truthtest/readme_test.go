package truthtest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// checkReadme checks the README files against what was compared, or rewrites ours.
func checkReadme(t *testing.T, all map[string]book, agreeing map[string]int, line, differing string) {
	t.Helper()
	const start, end = "<!-- compared -->\n", "<!-- /compared -->\n"
	var table strings.Builder
	fmt.Fprintf(&table, "**%s**\n\n| facts | agree | from |\n|---|---|---|\n", line)
	for _, service := range slices.Sorted(maps.Keys(all)) {
		b := all[service]
		var from []string
		for _, name := range slices.Sorted(maps.Keys(b.Sources)) {
			from = append(from, b.Sources[name])
		}
		fmt.Fprintf(&table, "| `%s` | %d of %d | %s |\n", service, agreeing[service], len(b.Facts), strings.Join(from, "; "))
	}
	if differing == "" {
		differing = "Nothing differs.\n"
	} else {
		differing = "| facts | what | why |\n|---|---|---|\n" + differing
	}
	want := start + table.String() + "\n## What differs\n\n" + differing + end

	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no place for the table, between %q and %q", start, end)
	}
	if whole := before + want + after; *update {
		if err := os.WriteFile("README.md", []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if whole != string(text) {
		t.Error("README.md is not about these facts; rewrite its table: go test ./truthtest -run TestRecordedAnswers -update")
	}
	front, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(front), line) {
		t.Errorf("../README.md does not say %q", line)
	}
}
