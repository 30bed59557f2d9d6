package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/rehearsal/doubt"
	"example.com/evstream/rehearsal/fakedataapi"
	"example.com/evstream/rehearsal/warehouse"
)

const secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf"

// TestAsk runs the command against stand-ins that differ in one answer, in none and in all:
// it reports just that, and leaves nothing behind.
func TestAsk(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	doubts := warehouse.Doubts()
	for _, readings := range append([]doubt.Readings{{}, doubts.Others()}, doubts.Single()...) {
		t.Run(fmt.Sprintf("%.40s", readings), func(t *testing.T) {
			w := warehouse.New(warehouse.Options{Readings: readings, Dir: t.TempDir()})
			defer w.Close()
			if err := w.CreateNamespace(t.Context(), warehouse.Namespace{Name: "ev", AdminUser: "admin", AdminPassword: "Secret1234"}); err != nil {
				t.Fatal(err)
			}
			if err := w.CreateWorkgroup(warehouse.Workgroup{Name: "ev-test", Namespace: "ev"}); err != nil {
				t.Fatal(err)
			}
			api := fakedataapi.New(w, func(string) (string, error) { return `{"username":"admin","password":"Secret1234"}`, nil })
			if err := api.Start(); err != nil {
				t.Fatal(err)
			}
			defer api.Close()
			t.Setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", api.URL())

			var out bytes.Buffer
			if err := run(t.Context(), dataapi.Config{Workgroup: "ev-test", Database: "dev", SecretARN: secret}, &out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			line, ok := strings.CutPrefix(lines[len(lines)-1], "--readings ")
			got, err := doubts.Parse(line)
			if err != nil || !ok {
				t.Fatalf("the last line is %q: %v", lines[len(lines)-1], err)
			}
			var want doubt.Readings
			for _, d := range doubts {
				if answer := doubts.Answer(readings, d.Name); d.Ask != "" && answer != d.Answers[0].Name {
					if want == nil {
						want = make(doubt.Readings)
					}
					want[d.Name] = answer
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-is +reported):\n%s\n%s", diff, out.String())
			}
			left, err := w.Query(t.Context(), "ev", "SELECT table_name FROM svv_tables WHERE table_schema = '"+doubt.Schema+"'")
			if err != nil || len(left.Rows) > 0 {
				t.Errorf("left behind: %v, error %v", left, err)
			}
		})
	}
}
