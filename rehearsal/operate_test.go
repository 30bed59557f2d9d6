package rehearsal_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestOperating turns on what a team needs from the second day on, sees it work,
// and turns it off again. The streaming view stays the same one throughout.
func TestOperating(t *testing.T) {
	d := stacktest.Start(t)
	const schedule = "ev-streaming-dev-refresh"
	put := func(n int) {
		t.Helper()
		for i := range n {
			if _, err := d.StandIns.Kinesis.Put("ev_stream_data", fmt.Sprint(i), []byte(`{"_id": "x", "stationID": 7}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows := func(want int) {
		t.Helper()
		if got := fmt.Sprint(d.Ask("SELECT COUNT(*) FROM ev_station_data_extract")); got != fmt.Sprint(want) {
			t.Errorf("the extract has %s records, want %d", got, want)
		}
	}
	automatic := func() {
		t.Helper()
		if err := d.StandIns.Warehouse.AutoRefresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	operated := rehearsal.StackOptions{Settings: map[string]string{
		"ev-streaming:refresh":            "rate(5 minutes)",
		"ev-streaming:usageLimitRpuHours": "100",
		"ev-streaming:usageLimitAction":   "deactivate",
		"ev-streaming:alarmEmail":         "on-call@example.com",
		"ev-streaming:dashboard":          "true",
	}}

	before := d.MustUp(rehearsal.StackOptions{})
	put(1)
	automatic()
	rows(1)

	after := d.MustUp(operated)
	if _, err := d.Stack(operated).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("the next preview finds something to change: %v", err)
	}
	for name, want := range map[string]string{
		"refreshFailedQueueUrl": "ev-streaming-dev-refresh-failed",
		"alarmTopicArn":         "ev-streaming-dev-alarms",
		"estimatedMonthlyCost":  "8,760 refreshes on rate(5 minutes)",
	} {
		if got := fmt.Sprint(after.Outputs[name].Value); !strings.Contains(got, want) {
			t.Errorf("output %s is %q, want it to name %s", name, got, want)
		}
	}
	put(2)
	automatic()
	rows(1) // no longer by itself
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err != nil {
		t.Errorf("the scheduled refresh: %v", err)
	}
	rows(3)

	// One retry policy's worth of throttling, and the next one succeeds.
	throttled := 0
	d.StandIns.DataAPI.Control("ExecuteStatement", func(call *fakedataapi.Call) *fakedataapi.Fault {
		throttled++
		if throttled < 6 {
			call.Keep()
		}
		return &fakedataapi.Fault{Err: &fakedataapi.Error{Code: "ThrottlingException", Message: "Rate exceeded"}}
	})
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err == nil || !strings.Contains(err.Error(), "the event is in the queue") {
		t.Errorf("a refresh that can't be started: %v, want it kept", err)
	}
	kept, err := d.StandIns.Account.Messages(schedule + "-failed")
	if err != nil || len(kept) != 1 || !strings.Contains(kept[0].Body, "REFRESH MATERIALIZED VIEW") {
		t.Errorf("the queue holds %v (%v), want the one refresh", kept, err)
	}
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err != nil {
		t.Errorf("the refresh after it: %v", err)
	}

	manual := rehearsal.StackOptions{Settings: maps.Clone(operated.Settings)}
	manual.Settings["ev-streaming:refresh"] = "manual"
	d.MustUp(manual)
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err == nil {
		t.Error("the schedule is still there")
	}

	d.MustUp(rehearsal.StackOptions{})
	automatic()
	rows(3)
	kinds := map[string]bool{}
	for _, r := range d.StandIns.Account.Resources() {
		kinds[rehearsal.ShortType(r.Type)] = true
	}
	for _, gone := range []string{"Schedule", "Queue", "UsageLimit", "MetricAlarm", "Topic", "TopicSubscription", "Dashboard"} {
		if kinds[gone] {
			t.Errorf("without its setting the %s is still there", gone)
		}
	}
	if before.Outputs["schemaVersion"].Value != after.Outputs["schemaVersion"].Value {
		t.Errorf("schemaVersion went from %v to %v", before.Outputs["schemaVersion"].Value, after.Outputs["schemaVersion"].Value)
	}
}

// TestExistingStream: a stack that reads somebody else's stream leaves it alone,
// whatever happens to the stack.
func TestExistingStream(t *testing.T) {
	d := stacktest.Start(t)
	const name = rehearsal.ExistingStream
	if _, err := d.StandIns.Kinesis.Put(name, "key", []byte(`{"_id": "from the sample", "stationID": 7}`)); err != nil {
		t.Fatal(err)
	}
	existing := rehearsal.StackOptions{Settings: map[string]string{"ev-streaming:existingStreamName": name}}
	result := d.MustUp(existing)
	if got := result.Outputs["streamName"].Value; got != name {
		t.Errorf("output streamName is %v, want %s", got, name)
	}
	if err := d.StandIns.Warehouse.AutoRefresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.Ask("SELECT id FROM ev_station_data_extract"); got != "from the sample" {
		t.Errorf("the extract has %v, want the record that was in the stream before", got)
	}
	if _, err := d.Stack(existing).Destroy(t.Context(), optdestroy.ProgressStreams(&d.Said)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.StandIns.Kinesis.Put(name, "key", []byte(`{}`)); err != nil {
		t.Errorf("after the stack was destroyed: %v", err)
	}
}
