package infra_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestTheProgramIsLean: what pulumi up compiles has no cgo, nothing of the tests
// or the rehearsal, and not the AWS SDK's package ec2, whose compilation takes
// more memory than many machines have.
func TestTheProgramIsLean(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{len .CgoFiles}}{{end}}", ".")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	unwanted := regexp.MustCompile(`/aws/ec2$|duckdb|rehearsal|go-cmp|testscript|gonum|goose|^testing`)
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 50 {
		t.Fatalf("only %d packages: %q", len(packages), out)
	}
	for _, line := range packages {
		path, cgoFiles, _ := strings.Cut(line, " ")
		if cgoFiles != "0" {
			t.Errorf("%s needs cgo", path)
		}
		if unwanted.MatchString(path) {
			t.Errorf("the program compiles %s", path)
		}
	}
}

// TestOneProvider: what ec2.go asks of the AWS provider goes to the same release
// as what the SDK asks of it.
func TestOneProvider(t *testing.T) {
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`github\.com/pulumi/pulumi-aws/sdk/v6 v([0-9.]+)`).FindStringSubmatch(string(module))
	source, err := os.ReadFile("ec2.go")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`awsVersion = "([0-9.]+)"`).FindStringSubmatch(string(source))
	if want == nil || got == nil || want[1] != got[1] {
		t.Errorf("ec2.go asks for %q, go.mod has %q", got, want)
	}
}
