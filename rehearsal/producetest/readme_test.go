package producetest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme: the tests that README.md names exist, and each fault of TestFaults has a
// row.
func TestReadme(t *testing.T) {
	var tests strings.Builder
	for _, folder := range []string{".", "internal/kinesisput", "internal/evdata", "cmd/evstream/produce"} {
		if folder != "." {
			folder = filepath.Join("..", "..", folder)
		}
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)").FindAllSubmatch(readme, -1) {
		if !strings.Contains(tests.String(), "\nfunc "+string(match[1])+"(") {
			t.Errorf("README.md names %s, which does not exist", match[1])
		}
	}
	faults := regexp.MustCompile(`\{name: "([^"]+)", requests:`).FindAllStringSubmatch(tests.String(), -1)
	for _, match := range faults {
		row := "\n| " + match[1] + " |"
		test := "`TestFaults/" + strings.ReplaceAll(match[1], " ", "_") + "`"
		if !strings.Contains(string(readme), row) || !strings.Contains(string(readme), test) {
			t.Errorf("README.md has no row %q that names %s", match[1], test)
		}
	}
	if len(faults) < 10 {
		t.Errorf("only %d faults were found", len(faults))
	}
}
