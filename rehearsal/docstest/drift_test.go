package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/evstream/rehearsal"
)

// TestDrift runs the command of the workflow drift: it passes while the stack is as
// the program says, fails and shows the difference when somebody changed something by
// hand, and passes again once it is deployed as the workflow up does.
func TestDrift(t *testing.T) {
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	command := func(file, pattern string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, ".github", file))
		if err != nil {
			t.Fatal(err)
		}
		match := regexp.MustCompile(pattern).FindStringSubmatch(string(text))
		if match == nil {
			t.Fatalf("%s has no %s", file, pattern)
		}
		return match[1] + "\n"
	}
	look := "STACK=dev\n" + command("workflows/drift.yml", `run: (pulumi preview .*)`)
	up := "STACK=dev\n" + command("up", `exec (pulumi up .*)`)

	project := filepath.Join(t.TempDir(), "project")
	r := newReader(t, root, project)
	for _, step := range []string{"pulumi stack init dev", up, look} {
		if text, err := r.run(step); err != nil {
			t.Fatalf("%s: %v\n%s", step, err, text)
		}
	}

	stream, err := r.run("pulumi stack output streamArn")
	if err != nil {
		t.Fatalf("%v\n%s", err, stream)
	}
	if err := r.standIns.Account.Change("aws:kinesis/stream:Stream", strings.TrimSpace(stream), map[string]any{"retentionPeriod": 48.0}); err != nil {
		t.Fatal(err)
	}
	if text, err := r.run(look); err == nil || !strings.Contains(text, "retentionPeriod: 48 => 24") {
		t.Errorf("after a change by hand: %v, want the difference\n%s", err, text)
	}
	for _, step := range []string{up, look} {
		if text, err := r.run(step); err != nil {
			t.Errorf("%s: %v\n%s", step, err, text)
		}
	}
}
