package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/internal/dataapi"
	"example.com/evstream/rehearsal"
)

const secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf"

// TestAsk runs the command against stand-ins that differ in one answer, in none and in all:
// it reports just that, and leaves nothing behind.
func TestAsk(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	doubts := rehearsal.Doubts()
	for _, readings := range append([]doubt.Readings{{}, doubts.Others()}, doubts.Single()...) {
		t.Run(fmt.Sprintf("%.40s", readings), func(t *testing.T) {
			var late atomic.Int64 // nanoseconds that the clock is ahead
			clock := func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
			wait := func(_ context.Context, d time.Duration) error { late.Add(int64(d)); return nil }
			w := warehouse.New(warehouse.Options{Readings: warehouse.Doubts().Of(readings), Clock: clock, Dir: t.TempDir()})
			defer w.Close()
			if err := w.CreateNamespace(t.Context(), warehouse.Namespace{Name: "ev", AdminUser: "admin", AdminPassword: "Secret1234"}); err != nil {
				t.Fatal(err)
			}
			if err := w.CreateWorkgroup(warehouse.Workgroup{Name: "ev-test", Namespace: "ev"}); err != nil {
				t.Fatal(err)
			}
			api := fakedataapi.New(w, func(string) (string, error) { return `{"username":"admin","password":"Secret1234"}`, nil },
				fakedataapi.WithClock(clock), fakedataapi.WithReadings(fakedataapi.Doubts().Of(readings)))
			if err := api.Start(); err != nil {
				t.Fatal(err)
			}
			defer api.Close()
			t.Setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", api.URL())

			var out bytes.Buffer
			if err := run(t.Context(), dataapi.Config{Workgroup: "ev-test", Database: "dev", SecretARN: secret}, wait, &out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			line, ok := strings.CutPrefix(lines[len(lines)-1], "--readings ")
			got, err := doubts.Parse(line)
			if err != nil || !ok {
				t.Fatalf("the last line is %q: %v", lines[len(lines)-1], err)
			}
			want := doubts.Of(readings)
			delete(want, "record-size")             // which no statement can tell
			delete(want, "streams-in-transactions") // nor this one, without a stream
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-is +reported):\n%s\n%s", diff, out.String())
			}
			left, err := w.Query(t.Context(), "ev", "SELECT table_name FROM svv_tables WHERE table_schema = '"+doubt.Schema+"'")
			if err != nil || len(left.Rows) > 0 {
				t.Errorf("left behind: %v, error %v", left, err)
			}
		})
	}
}
