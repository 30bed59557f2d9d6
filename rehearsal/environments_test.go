package rehearsal_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"example.com/evstream/rehearsal"
)

// TestEnvironments deploys the two shipped stack files side by side in one
// account: neither sees the other's records, and destroying dev leaves prod.
func TestEnvironments(t *testing.T) {
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	cli, err := rehearsal.CLI(t.Context(), root, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	standIns, err := rehearsal.Start(rehearsal.Options{Root: root, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standIns.Close(); err != nil {
			t.Error(err)
		}
	})
	stacks, streams := map[string]auto.Stack{}, map[string]string{}
	for _, name := range []string{"dev", "prod"} {
		stack, err := standIns.NewStack(t.Context(), cli, dir, name, rehearsal.StackOptions{})
		if err != nil {
			t.Fatal(err)
		}
		result, err := stack.Up(t.Context())
		if err != nil {
			t.Fatalf("up of %s: %v", name, err)
		}
		stacks[name] = stack
		streams[name] = fmt.Sprint(result.Outputs["streamName"].Value)
	}

	for name, records := range map[string]int{"dev": 2, "prod": 3} {
		for i := range records {
			record := fmt.Sprintf(`{"_id": "%s-%d", "stationID": 7}`, name, i)
			if _, err := standIns.Kinesis.Put(streams[name], "key", []byte(record)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ids := func(name string) string {
		t.Helper()
		workgroup := "ev-streaming-" + name
		if _, err := standIns.Warehouse.Query(t.Context(), workgroup, "REFRESH MATERIALIZED VIEW ev_station_data"); err != nil {
			t.Fatal(err)
		}
		result, err := standIns.Warehouse.Query(t.Context(), workgroup, "SELECT id FROM ev_station_data_extract ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, row := range result.Rows {
			ids = append(ids, fmt.Sprint(row[0]))
		}
		return strings.Join(ids, " ")
	}
	if got := ids("dev"); got != "dev-0 dev-1" {
		t.Errorf("dev has the records %s", got)
	}
	if got := ids("prod"); got != "prod-0 prod-1 prod-2" {
		t.Errorf("prod has the records %s", got)
	}

	dev, prod := stacks["dev"], stacks["prod"]
	if _, err := dev.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := strings.Join(standIns.Left(), "\n")
	if strings.Contains(left, "ev-streaming-dev") || strings.Contains(left, "stream ev_stream_data\n") {
		t.Errorf("destroy of dev left\n%s", left)
	}
	if _, err := prod.Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("destroy of dev changed prod: %v", err)
	}
	if got := ids("prod"); got != "prod-0 prod-1 prod-2" {
		t.Errorf("after the destroy of dev, prod has the records %s", got)
	}

	// The Automation API destroys without a preview, which would refuse this
	// before anything is deleted. Protection keeps what holds data even so.
	if _, err := prod.Destroy(t.Context()); err == nil || !strings.Contains(err.Error(), "because it is protected") {
		t.Errorf("destroy of prod, which is protected: %v", err)
	}
	if _, err := prod.Up(t.Context()); err != nil {
		t.Errorf("up after the refused destroy: %v", err)
	}
	if got := ids("prod"); got != "prod-0 prod-1 prod-2" {
		t.Errorf("after a refused destroy and up, prod has the records %s", got)
	}
}
