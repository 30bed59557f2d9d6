package plan

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

// TestAlarms: the alarms that --stack counts are those of a stack that has every
// alarm.
func TestAlarms(t *testing.T) {
	text, err := os.ReadFile("../../../infra/testdata/operated.json")
	if err != nil {
		t.Fatal(err)
	}
	var resources []struct {
		Type   string
		Inputs struct {
			MetricQueries []struct{ Metric map[string]any }
		}
	}
	if err := json.Unmarshal(text, &resources); err != nil {
		t.Fatal(err)
	}
	metrics := 0
	for _, r := range resources {
		if r.Type != "aws:cloudwatch/metricAlarm:MetricAlarm" {
			continue
		}
		if r.Inputs.MetricQueries == nil {
			metrics++
		}
		for _, query := range r.Inputs.MetricQueries {
			if query.Metric != nil {
				metrics++
			}
		}
	}
	if metrics != stackAlarms {
		t.Errorf("the alarms watch %d metrics, --stack counts %d", metrics, stackAlarms)
	}
}
