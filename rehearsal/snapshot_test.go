package rehearsal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"

	"example.com/evstream/emulator/fakeredshift"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestLastSnapshot deploys a stack that leaves a snapshot: one before its namespace
// is replaced, and one before it is destroyed, however often that is tried. The
// stand-in takes none of a namespace that is gone, or has no workgroup any more.
func TestLastSnapshot(t *testing.T) {
	d := stacktest.Start(t)
	settings := map[string]string{"ev-streaming:snapshotRetentionDays": "7"}
	d.MustUp(rehearsal.StackOptions{Settings: settings})
	if taken := d.StandIns.Snapshots.Snapshots(); len(taken) > 0 {
		t.Fatalf("deploying takes the snapshots %v", taken)
	}
	settings["ev-streaming:databaseName"] = "other"
	d.MustUp(rehearsal.StackOptions{Settings: settings})
	if taken := d.StandIns.Snapshots.Snapshots(); len(taken) != 1 {
		t.Fatalf("replacing the namespace takes the snapshots %v, want one", taken)
	}

	stack := d.Stack(rehearsal.StackOptions{Settings: settings})
	destroy := func(ctx context.Context) error {
		_, err := stack.Destroy(ctx, optdestroy.ProgressStreams(&d.Said), optdestroy.ErrorProgressStreams(&d.Said))
		return err
	}
	standing := func(when string) {
		t.Helper()
		if _, err := d.StandIns.Account.Workgroup("ev-streaming-dev"); err != nil {
			t.Fatalf("%s the workgroup is gone: %v", when, err)
		}
	}

	d.StandIns.Snapshots.Control("CreateSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
		return &fakeredshift.Fault{Err: &fakeredshift.Error{Code: "ServiceQuotaExceededException", Message: "Too many snapshots."}}
	})
	if err := destroy(t.Context()); err == nil || !strings.Contains(err.Error(), "Nothing is deleted before the snapshot is there. Run pulumi destroy again.") {
		t.Errorf("without a snapshot the destroy ends with %v, want it stopped with what to do", err)
	}
	standing("without a snapshot")

	d.StandIns.Snapshots.Hold()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	d.StandIns.Snapshots.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
		kill()
		return &fakeredshift.Fault{}
	})
	if err := destroy(ctx); err == nil {
		t.Fatal("the destroy was not stopped")
	}
	standing("half-way through the snapshot")

	d.StandIns.Snapshots.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
		go d.StandIns.Snapshots.Release("AVAILABLE")
		return &fakeredshift.Fault{}
	})
	if err := destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	taken := d.StandIns.Snapshots.Snapshots()
	if len(taken) != 2 || taken[1].Status != "AVAILABLE" || taken[1].RetentionDays != 7 || taken[1].Namespace != "ev-streaming-dev" {
		t.Errorf("the snapshots are %v, want one of the namespace replaced and one of the namespace destroyed, kept for 7 days", taken)
	}
	if !strings.Contains(d.Said.String(), "Snapshot "+taken[1].Name+" of namespace ev-streaming-dev is kept for 7 days.") {
		t.Errorf("the destroy does not name the snapshot:\n%s", d.Said.String())
	}
	if left := d.StandIns.Left(); len(left) > 0 {
		t.Errorf("destroy left %v", left)
	}
}
