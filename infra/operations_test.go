package infra_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOperationsNameOutputsAndAlarms: docs/operations.md has a row for each output
// and each alarm of the program, and for no other.
func TestOperationsNameOutputsAndAlarms(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for _, source := range sources {
		if !strings.HasSuffix(source, "_test.go") {
			program.WriteString(read(t, source))
		}
	}
	page := read(t, "../docs/operations.md")
	for section, made := range map[string]string{
		"Outputs": `ctx\.Export\("([^"]+)"`,
		"Alarms":  `a\.add\("([^"]+)"`,
	} {
		var want, got []string
		for _, match := range regexp.MustCompile(made).FindAllStringSubmatch(program.String(), -1) {
			want = append(want, match[1])
		}
		if len(want) < 5 {
			t.Fatalf("%s: this test finds only %q in the program", section, want)
		}
		_, text, found := strings.Cut(page, "\n## "+section+"\n")
		if !found {
			t.Fatalf("there is no section %s", section)
		}
		text, _, _ = strings.Cut(text, "\n## ")
		for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(text, -1) {
			for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
				got = append(got, name[1])
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the page names\n\t%q\nthe program makes\n\t%q", section, got, want)
		}
	}
}
