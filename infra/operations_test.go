package infra

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/evstream/internal/alarm"
)

// TestOperationsNameOutputsAndAlarms: docs/operations.md has a row for each output
// and each alarm of the program, and for no other.
func TestOperationsNameOutputsAndAlarms(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var outputs, alarms []string
	for _, match := range regexp.MustCompile(`ctx\.Export\("([^"]+)"`).FindAllStringSubmatch(read("deploy.go"), -1) {
		outputs = append(outputs, match[1])
	}
	for _, a := range alarm.All() {
		alarms = append(alarms, a.Name)
	}
	page := read("../docs/operations.md")
	for section, want := range map[string][]string{"Outputs": outputs, "Alarms": alarms} {
		if len(want) < 5 {
			t.Fatalf("%s: this test finds only %q in the program", section, want)
		}
		_, text, found := strings.Cut(page, "\n## "+section+"\n")
		if !found {
			t.Fatalf("there is no section %s", section)
		}
		text, _, _ = strings.Cut(text, "\n## ")
		var got []string
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
