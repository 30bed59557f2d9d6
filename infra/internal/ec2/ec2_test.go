package ec2

import (
	"os"
	"regexp"
	"testing"
)

// TestOneProvider: what this package asks of the AWS provider goes to the same release
// as what the SDK asks of it.
func TestOneProvider(t *testing.T) {
	module, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`github\.com/pulumi/pulumi-aws/sdk/v6 v([0-9.]+)`).FindStringSubmatch(string(module))
	if want == nil || want[1] != version {
		t.Errorf("this package asks for %q, go.mod has %q", version, want)
	}
}
