package rehearsal_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

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
