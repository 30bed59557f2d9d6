// Package docs holds the documentation, and the tests that keep it true.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the project's folder.
const root = ".."

// files calls visit for every file of the project whose name ends so.
func files(t *testing.T, suffix string, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == ".pulumi"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(entry.Name(), suffix):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		visit(path, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryRowIsBacked: each row of the tables of threats and of faults names in
// its last cell the tests that fail without its answer, or a file that is the
// answer, and these exist.
func TestEveryRowIsBacked(t *testing.T) {
	tests := map[string]bool{}
	files(t, "_test.go", func(_, text string) {
		for _, match := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllStringSubmatch(text, -1) {
			tests[match[1]] = true
		}
	})
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)(?:/[^`]*)?`")
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	separator := regexp.MustCompile(`^\|[-| :]+\|$`)
	for _, name := range []string{"security.md", "reliability.md"} {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, inTable := 0, false
		for i, line := range strings.Split(string(text), "\n") {
			if separator.MatchString(line) {
				inTable = true
				continue
			}
			if !strings.HasPrefix(line, "|") {
				inTable = false
			}
			for _, test := range named.FindAllStringSubmatch(line, -1) {
				if !tests[test[1]] {
					t.Errorf("%s:%d names the test %s, which does not exist", name, i+1, test[1])
				}
			}
			if !inTable {
				continue
			}
			rows++
			cells := strings.Split(strings.Trim(line, "|"), "|")
			if last := cells[len(cells)-1]; !named.MatchString(last) && !link.MatchString(last) {
				t.Errorf("%s:%d: nothing backs this row: its last cell names neither a test nor a file: %s", name, i+1, strings.TrimSpace(last))
			}
		}
		if rows < 10 {
			t.Errorf("%s has %d rows", name, rows)
		}
	}
}

// TestLinksLeadSomewhere: every relative link of the documentation is to a file
// or a folder of the project.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	links := 0
	files(t, ".md", func(path, text string) {
		for i, line := range strings.Split(text, "\n") {
			for _, match := range link.FindAllStringSubmatch(line, -1) {
				target, _, _ := strings.Cut(match[1], "#")
				if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				links++
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), target)); err != nil {
					t.Errorf("%s:%d: the link to %s leads nowhere", path, i+1, match[1])
				}
			}
		}
	})
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}
