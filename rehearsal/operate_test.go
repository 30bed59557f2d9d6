package rehearsal_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestOperating turns on what a team needs from the second day on, sees it work,
// and turns it off again. The streaming view stays the same one throughout.
func TestOperating(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	const schedule = "ev-streaming-dev-refresh"
	operated := stacktest.With(
		"refresh", "rate(5 minutes)", "usageLimitRpuHours", "100", "usageLimitAction", "deactivate",
		"alarmEmail", "on-call@example.com", "dashboard", "true")

	before := d.MustUp(rehearsal.StackOptions{})
	d.Put(records("", 1)...)
	d.Refresh()
	d.WantRecords(1)

	after := d.MustUp(operated)
	d.Unchanged(operated)
	for name, want := range map[string]string{
		"refreshFailedQueueUrl": "ev-streaming-dev-refresh-failed",
		"alarmTopicArn":         "ev-streaming-dev-alarms",
		"estimatedMonthlyCost":  "8,760 refreshes on rate(5 minutes)",
	} {
		if got := fmt.Sprint(after.Outputs[name].Value); !strings.Contains(got, want) {
			t.Errorf("output %s is %q, want it to name %s", name, got, want)
		}
	}
	d.Put(records("", 2)...)
	d.Refresh()
	d.WantRecords(1) // no longer by itself
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err != nil {
		t.Errorf("the scheduled refresh: %v", err)
	}
	d.WantRecords(3)

	// One retry policy's worth of throttling, and the next one succeeds.
	throttled := 0
	d.StandIns.DataAPI.Control("ExecuteStatement", func(call *fakedataapi.Call) *fakedataapi.Fault {
		throttled++
		if throttled < 6 {
			call.Keep()
		}
		return &fakedataapi.Fault{Err: &fakedataapi.Error{Code: "ThrottlingException", Message: "Rate exceeded"}}
	})
	d.WantError("a refresh that can't be started", d.StandIns.AWS.Fire(t.Context(), schedule), "the event is in the queue")
	kept, err := d.StandIns.Account.Messages(schedule + "-failed")
	if err != nil || len(kept) != 1 || !strings.Contains(kept[0].Body, "REFRESH MATERIALIZED VIEW") {
		t.Errorf("the queue holds %v (%v), want the one refresh", kept, err)
	}
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err != nil {
		t.Errorf("the refresh after it: %v", err)
	}

	d.MustUp(stacktest.And(operated, "refresh", "manual"))
	if err := d.StandIns.AWS.Fire(t.Context(), schedule); err == nil {
		t.Error("the schedule is still there")
	}

	d.MustUp(rehearsal.StackOptions{})
	d.Refresh()
	d.WantRecords(3)
	kinds := map[string]bool{}
	for _, r := range d.StandIns.Account.Resources() {
		kinds[rehearsal.ShortType(r.Type)] = true
	}
	for _, gone := range []string{
		"scheduler.Schedule", "sqs.Queue", "redshiftserverless.UsageLimit", "cloudwatch.MetricAlarm", "sns.Topic", "sns.TopicSubscription", "cloudwatch.Dashboard",
	} {
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
	t.Parallel()
	d := stacktest.Start(t)
	const name = rehearsal.ExistingStream
	existing := stacktest.With("existingStreamName", name)
	d.PutInto(name, `{"_id": "from the sample", "stationID": 7}`)
	if got := d.MustUp(existing).Outputs["streamName"].Value; got != name {
		t.Errorf("output streamName is %v, want %s", got, name)
	}
	d.Refresh()
	if got := d.Ask("SELECT id FROM ev_station_data_extract"); got != "from the sample" {
		t.Errorf("the extract has %v, want the record that was in the stream before", got)
	}
	d.MustDestroy(existing)
	d.PutInto(name, `{}`)
}
