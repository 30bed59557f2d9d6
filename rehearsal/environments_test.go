package rehearsal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestEnvironments deploys the two shipped stack files side by side in one
// account: neither sees the other's records, and destroying dev leaves prod.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	stacks, outputs := map[string]auto.Stack{}, map[string]auto.OutputMap{}
	for _, name := range []string{"dev", "prod"} {
		// What a preview and a destroy do with protected resources is looked at below.
		protected := rehearsal.StackOptions{Settings: map[string]string{"ev-streaming:protect": fmt.Sprint(name == "prod")}}
		stack, err := d.StandIns.NewStack(t.Context(), d.CLI, d.Dir, name, protected)
		if err != nil {
			t.Fatal(err)
		}
		result, err := stack.Up(t.Context())
		if err != nil {
			t.Fatalf("up of %s: %v", name, err)
		}
		stacks[name], outputs[name] = stack, result.Outputs
	}
	text := func(stack, output string) string { return fmt.Sprint(outputs[stack][output].Value) }

	d.PutInto(text("dev", "streamName"), records("dev-", 2)...)
	d.PutInto(text("prod", "streamName"), records("prod-", 3)...)
	wantIDs := func(stack, want string) {
		t.Helper()
		if _, err := d.StandIns.Warehouse.Query(t.Context(), text(stack, "workgroupName"), "REFRESH MATERIALIZED VIEW ev_station_data"); err != nil {
			t.Fatal(err)
		}
		result, err := d.StandIns.Warehouse.Query(t.Context(), text(stack, "workgroupName"), "SELECT id FROM ev_station_data_extract ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Trim(fmt.Sprint(result.Rows), "[]"); strings.ReplaceAll(got, "] [", " ") != want {
			t.Errorf("%s has the records %s, want %s", stack, got, want)
		}
	}
	wantIDs("dev", "dev-0 dev-1")
	wantIDs("prod", "prod-0 prod-1 prod-2")

	dev, prod := stacks["dev"], stacks["prod"]
	if _, err := dev.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, left := range d.StandIns.Left() {
		if strings.Contains(left, text("dev", "namespaceName")) || left == "stream "+text("dev", "streamName") {
			t.Errorf("destroy of dev left %s", left)
		}
	}
	if _, err := prod.Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("destroy of dev changed prod: %v", err)
	}
	wantIDs("prod", "prod-0 prod-1 prod-2")

	// The Automation API destroys without a preview, which would refuse this
	// before anything is deleted. Protection keeps what holds data even so.
	_, err := prod.Destroy(t.Context())
	d.WantError("destroy of prod, which is protected", err, "because it is protected")
	if _, err := prod.Up(t.Context()); err != nil {
		t.Errorf("up after the refused destroy: %v", err)
	}
	wantIDs("prod", "prod-0 prod-1 prod-2")
}
