package docstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"example.com/evstream/rehearsal"
)

// TestStackFilesStayAsTheyAre: pulumi stack init and config set rewrite a stack's
// file. The shipped ones are as they write them, so that the difference to commit is
// what was set: here nothing but the salt of a passphrase.
func TestStackFilesStayAsTheyAre(t *testing.T) {
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rehearsal.CLI(t.Context(), root, os.Stderr); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "Pulumi.*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 2 {
		t.Fatalf("the stack files are %q", files)
	}
	dir := t.TempDir()
	copyFile := func(file string) string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	copyFile(filepath.Join(root, "Pulumi.yaml"))
	for _, file := range files {
		before := copyFile(file)
		stack := regexp.MustCompile(`Pulumi\.(.*)\.yaml$`).FindStringSubmatch(file)[1]
		region := regexp.MustCompile(`aws:region: (\S+)`).FindStringSubmatch(before)
		if region == nil {
			t.Fatalf("%s has no region", file)
		}
		for _, args := range [][]string{{"stack", "init", stack}, {"config", "set", "aws:region", region[1]}} {
			cmd := exec.CommandContext(t.Context(), "pulumi", args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PULUMI_HOME="+t.TempDir(), "PULUMI_BACKEND_URL=file://"+dir,
				"PULUMI_CONFIG_PASSPHRASE="+rehearsal.Passphrase, "PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_STACK="+stack)
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("pulumi %q: %v\n%s", args, err, text)
			}
		}
		after, err := os.ReadFile(filepath.Join(dir, filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if got := regexp.MustCompile(`(?m)^encryptionsalt: .*\n`).ReplaceAllString(string(after), ""); got != before {
			t.Errorf("%s was\n%s\nand Pulumi writes\n%s", file, before, got)
		}
	}
}
