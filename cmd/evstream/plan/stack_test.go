package plan

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// setting is a setting of Pulumi.yaml with its default.
var setting = regexp.MustCompile(`(?m)^  (\w+):\n(?:    .*\n)*?    default: (.*)$`)

// TestDefaults: the flags have the defaults of Pulumi.yaml, and what --stack reads
// of a stack exists there.
func TestDefaults(t *testing.T) {
	text, err := os.ReadFile("../../../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	project := config{}
	for _, m := range setting.FindAllStringSubmatch(string(text), -1) {
		project["ev-streaming:"+m[1]] = struct{ Value string }{strings.Trim(m[2], `"`)}
	}
	want := defaults().settings
	got := want
	if err := project.into(&got); err != nil {
		t.Fatal(err)
	}
	got.Secrets = 0 // a stack may make one, the flags make none
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-flags +Pulumi.yaml):\n%s", diff)
	}
}
