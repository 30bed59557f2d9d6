package rehearsal_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"golang.org/x/tools/txtar"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestAppliedSQLStays: a preview refuses what up would refuse of applied
// migrations, and takes what it would take: settings, and a migration that failed.
func TestAppliedSQLStays(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	unedited := rehearsal.StackOptions{}
	with := func(edit func([]txtar.File) []txtar.File) rehearsal.StackOptions {
		return rehearsal.StackOptions{Program: withSQL(edit)}
	}
	names := shipped(t)
	d.MustUp(unedited)
	wantPreview(t, d, "edited", with(edited(2)), names[2]+" was applied and has changed since. Restore it")
	wantPreview(t, d, "the last one gone", with(func(files []txtar.File) []txtar.File {
		return append(migrations(files)[:len(migrations(files))-1], files[len(migrations(files)):]...)
	}), "was applied and is no longer there", "only a new migration undoes what it did")
	wantPreview(t, d, "two at once", with(edited(0, 1)), names[0]+" was applied and has changed", names[1]+" was applied and has changed")
	wantPreview(t, d, "settings", with(edited(-1)))

	// One that failed was not applied.
	broken := with(adding(statement("CREATE VIEW added AS SELECT no_such_column FROM ev_station_data")))
	mended := with(adding(statement("CREATE VIEW added AS SELECT shard_id FROM ev_station_data")))
	if _, err := d.Up(broken); err == nil {
		t.Fatal("the broken migration was applied")
	}
	wantPreview(t, d, "one that failed is mended", mended)
	wantPreview(t, d, "one that failed is given up", unedited)
	if got, err := up(d, mended); err != nil || !strings.Contains(got.messages, "applied "+added(len(names)+1)) {
		t.Errorf("up ends with %v and the messages %q, want them to name %s", err, got.messages, added(len(names)+1))
	}
	wantPreview(t, d, "it was applied since", broken, "_added.sql was applied and has changed since")

	// A refresh does not forget what was applied.
	if _, err := d.Stack(mended).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPreview(t, d, "reverted", unedited, "_added.sql was applied and is no longer there")
}

// TestNamesStay: a preview refuses another stream, role, database or namespace
// while there is data, and tells how to do it on purpose. That way works.
func TestNamesStay(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	d.MustUp(rehearsal.StackOptions{})
	for _, c := range []struct {
		setting string
		value   string
		want    []string
	}{
		{"streamName", "other", []string{"streamName is other, and was ev_stream_data when the SQL was applied", "pulumi config set streamName ev_stream_data"}},
		{"existingStreamName", rehearsal.ExistingStream, []string{"existingStreamName is " + rehearsal.ExistingStream + ", and was ev_stream_data", "pulumi config rm existingStreamName if this stack created it"}},
		{"roleName", "other", []string{"roleName is other, and was ev-streaming-dev-streaming", "pulumi config set roleName ev-streaming-dev-streaming"}},
		{"databaseName", "other", []string{"databaseName is other, and was dev", "all its data lost"}},
		{"namespaceName", "other", []string{"namespaceName is other, and was ev-streaming-dev", "all its data lost"}},
	} {
		wantPreview(t, d, c.setting, stacktest.With(c.setting, c.value), c.want...)
	}
	wantPreview(t, d, "several", stacktest.With("streamName", "a", "roleName", "b"), "streamName is a", "roleName is b")
	wantPreview(t, d, "another workgroup", stacktest.With("workgroupName", "other"))

	// On purpose: migrations recreate what has the old names in it.
	recreated := stacktest.With("streamName", "other", "roleName", "other")
	recreated.Program = withSQL(func(files []txtar.File) []txtar.File {
		again := []string{alone("DROP MATERIALIZED VIEW ev_station_data CASCADE"), alone("DROP SCHEMA evdata")}
		for _, file := range migrations(files) {
			again = append(again, string(file.Data)+"-- Recreated.\n")
		}
		return adding(again...)(files)
	})
	wantPreview(t, d, "on purpose", recreated)
	d.MustUp(recreated)
	d.PutInto("other", `{"_id": "of the other stream"}`)
	d.Refresh()
	if got := d.Ask("SELECT id FROM ev_station_data_extract"); got != "of the other stream" {
		t.Errorf("the extract has %v, want the record of the other stream", got)
	}
	d.Unchanged(recreated)

	// An empty warehouse is a new one.
	d.MustDestroy(recreated)
	d.MustUp(stacktest.With("databaseName", "other"))
}

// TestAnotherVPC: a workgroup can't move into another VPC in place. The preview
// tells how it does, and that way works and keeps the data.
func TestAnotherVPC(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	d.MustUp(rehearsal.StackOptions{})
	d.Put(records("", 3)...)
	d.Refresh()

	var subnets []string
	for _, subnet := range rehearsal.World().VPCs[1].Subnets {
		subnets = append(subnets, subnet.ID)
	}
	ids, err := json.Marshal(subnets)
	if err != nil {
		t.Fatal(err)
	}
	moved := stacktest.With("vpcName", "isolated", "subnetIds", string(ids), "enhancedVpcRouting", "false")
	_, err = d.Stack(moved).Preview(t.Context())
	var urn []string
	if err != nil {
		urn = regexp.MustCompile(`pulumi up --replace '([^']+)'`).FindStringSubmatch(err.Error())
	}
	if urn == nil {
		t.Fatalf("the preview ends with %v, want it refused with the command that replaces the workgroup", err)
	}
	d.MustUp(moved, optup.Replace(urn[1:]))
	d.WantRecords(3)
	d.Unchanged(moved)
}

// TestStreamThatLacksSomething: a stream that is not encrypted, or keeps records
// for too short, though the state has it otherwise, is noticed by a preview and
// repaired by up --refresh. That the settings change is nothing to notice.
func TestStreamThatLacksSomething(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	options := stacktest.With("retentionHours", "48")
	const notice = "stream " + stacktest.Stream + " is not encrypted and keeps records for 24 hours instead of "
	d.MustUp(options)
	if got, err := preview(t, d, stacktest.With("retentionHours", "72")); err != nil || got.messages != "" {
		t.Errorf("the preview of another retention ends with %v and the messages %q, want none", err, got.messages)
	}
	stream := d.Resource(func(r fakeaws.Resource) bool {
		return r.Type == "aws:kinesis/stream:Stream" && r.Properties["name"] == stacktest.Stream
	})
	if err := d.StandIns.Account.Change(stream.Type, stream.ID, map[string]any{"encryptionType": "NONE", "retentionPeriod": 24.0}); err != nil {
		t.Fatal(err)
	}
	got, err := preview(t, d, options)
	if err != nil || !strings.Contains(got.messages, notice+"48") || !strings.Contains(got.messages, "pulumi up --refresh") || len(got.changes) > 0 {
		t.Errorf("the preview ends with %v, the changes %v and the messages %q, want no change and %q", err, got.changes, got.messages, notice)
	}
	if got, err = up(d, options, optup.Refresh()); err != nil || strings.Contains(got.messages, notice) {
		t.Errorf("up --refresh ends with %v and the messages %q", err, got.messages)
	}
	if got, err := preview(t, d, options); err != nil || got.messages != "" || len(got.changes) > 0 {
		t.Errorf("afterwards the preview ends with %v, the changes %v and the messages %q", err, got.changes, got.messages)
	}
}
