package main

import (
	"encoding/json"
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
	project, err := os.ReadFile("../../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]map[string]string{}
	for _, m := range setting.FindAllStringSubmatch(string(project), -1) {
		config["ev-streaming:"+m[1]] = map[string]string{"value": strings.Trim(m[2], `"`)}
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}

	flags, err := parse(t.Context(), []string{"--events-per-second", "1"})
	if err != nil {
		t.Fatal(err)
	}
	stack, err := fromConfig(text, flags.settings)
	if err != nil {
		t.Fatal(err)
	}
	stack.Secrets = 0 // a stack may make one, the flags make none
	if diff := cmp.Diff(flags.settings, stack); diff != "" {
		t.Errorf("defaults (-flags +Pulumi.yaml):\n%s", diff)
	}
}
