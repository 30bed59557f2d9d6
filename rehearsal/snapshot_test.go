package rehearsal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"

	"example.com/evstream/emulator/fakeredshift"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestLastSnapshot deploys a stack that leaves a snapshot: one before its namespace
// is replaced, and one before it is destroyed, however often that is tried. The
// stand-in takes none of a namespace that is gone, or has no workgroup any more.
func TestLastSnapshot(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	options := stacktest.With("snapshotRetentionDays", "7")
	d.MustUp(options)
	if taken := d.StandIns.Redshift.Snapshots(); len(taken) > 0 {
		t.Fatalf("deploying takes the snapshots %v", taken)
	}
	options = stacktest.And(options, "databaseName", "other")
	d.MustUp(options)
	if taken := d.StandIns.Redshift.Snapshots(); len(taken) != 1 {
		t.Fatalf("replacing the namespace takes the snapshots %v, want one", taken)
	}

	stack := d.Stack(options)
	destroy := func(ctx context.Context) error {
		_, err := stack.Destroy(ctx, optdestroy.ProgressStreams(&d.Printed), optdestroy.ErrorProgressStreams(&d.Printed))
		return err
	}
	standing := func(when string) {
		t.Helper()
		if _, err := d.StandIns.Account.Workgroup(stacktest.Workgroup); err != nil {
			t.Fatalf("%s the workgroup is gone: %v", when, err)
		}
	}

	d.StandIns.Redshift.Control("CreateSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
		return &fakeredshift.Fault{Err: &fakeredshift.Error{Code: "ServiceQuotaExceededException", Message: "Too many snapshots."}}
	})
	d.WantError("the destroy without a snapshot", destroy(t.Context()), "Nothing is deleted before the snapshot is there. Run pulumi destroy again.")
	standing("without a snapshot")

	d.StandIns.Redshift.Hold()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	d.StandIns.Redshift.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
		kill()
		return &fakeredshift.Fault{}
	})
	if err := destroy(ctx); err == nil {
		t.Fatal("the destroy was not stopped")
	}
	standing("half-way through the snapshot")

	d.StandIns.Redshift.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
		go d.StandIns.Redshift.Release("AVAILABLE")
		return &fakeredshift.Fault{}
	})
	if err := destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	taken := d.StandIns.Redshift.Snapshots()
	if len(taken) != 2 || taken[1].Status != "AVAILABLE" || taken[1].RetentionDays != 7 || taken[1].Namespace != stacktest.Namespace {
		t.Errorf("the snapshots are %v, want one of the namespace replaced and one of the namespace destroyed, kept for 7 days", taken)
	}
	if !strings.Contains(d.Printed.String(), "Snapshot "+taken[1].Name+" of namespace ev-streaming-dev is kept for 7 days.") {
		t.Errorf("the destroy does not name the snapshot:\n%s", d.Printed.String())
	}
	d.NothingIsLeft()
}
