package rehearsal_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
	"example.com/evstream/sql"
)

// shippedAnd returns the shipped migrations with others added or changed.
func shippedAnd(t *testing.T, others map[string]string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	names, err := fs.Glob(sql.Migrations(), "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(sql.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: data}
	}
	for name, text := range others {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

// deployWith is the program with other migrations.
func deployWith(migrations fs.FS) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		archive, err := sql.Pack(migrations, sql.RepeatableFiles())
		if err != nil {
			return err
		}
		err = ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
			if args.Type != "command:local:Command" {
				return nil
			}
			props := maps.Clone(args.Props)
			props["stdin"] = pulumi.String(archive)
			return &pulumi.ResourceTransformResult{Props: props, Opts: args.Opts}
		})
		if err != nil {
			return err
		}
		return infra.Deploy(ctx)
	}
}

const tableMigration = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE ev_notes (note VARCHAR(100));\n"

// TestDeployment follows one stack through its life: first preview and up, a
// second preview in which nothing changes, a new migration, an edited one, a
// failing one and its correction, and the end.
func TestDeployment(t *testing.T) {
	d := stacktest.Start(t)

	planned := make(chan events.EngineEvent, 1000)
	_, err := d.Stack(rehearsal.StackOptions{}).Preview(t.Context(), optpreview.EventStreams(planned),
		optpreview.ProgressStreams(&d.Said), optpreview.ErrorProgressStreams(&d.Said))
	if err != nil {
		t.Fatal(err)
	}
	sqlShown := false
	for event := range planned {
		if made := event.ResourcePreEvent; made != nil && made.Metadata.Type == "command:local:Command" {
			text, _ := made.Metadata.New.Inputs["stdin"].(string)
			sqlShown = strings.Contains(text, "CREATE MATERIALIZED VIEW ev_station_data")
		}
	}
	if !sqlShown {
		t.Error("the first preview, when the role has no ARN yet, must know the SQL")
	}
	if left := d.StandIns.Left(); len(left) > 0 {
		t.Errorf("the preview made %v", left)
	}

	first := d.MustUp(rehearsal.StackOptions{})
	if got := first.Outputs["schemaVersion"].Value; got != 5.0 {
		t.Errorf("schemaVersion = %v, want 5", got)
	}
	for _, name := range []string{
		"vpcId", "streamName", "streamArn", "namespaceName", "workgroupName", "workgroupEndpoint", "clientSecurityGroupId", "databaseName",
		"dataApiSecretArn", "streamingRoleArn", "queryEditorUrl", "region",
	} {
		if value, _ := first.Outputs[name].Value.(string); value == "" {
			t.Errorf("output %s is %v", name, first.Outputs[name].Value)
		}
	}

	if got := d.Run("go run ./cmd/evstream produce --stack dev --count 3"); !strings.Contains(got, "3 of 3 records delivered to ev_stream_data (us-east-1)") {
		t.Errorf("produce prints\n%s", got)
	}
	if _, err := d.StandIns.Kinesis.Put("ev_stream_data", "key", []byte(`{"_id": "1", "stationID": 7}`)); err != nil {
		t.Fatal(err)
	}
	if err := d.StandIns.Warehouse.AutoRefresh(t.Context()); err != nil {
		t.Fatal(err)
	}

	if _, err := d.Stack(rehearsal.StackOptions{}).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("a second preview finds something to change: %v", err)
	}

	added := shippedAnd(t, map[string]string{"00006_notes.sql": tableMigration})
	difference, err := d.Stack(rehearsal.StackOptions{Program: deployWith(added)}).Preview(t.Context(), optpreview.Diff())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(difference.StdOut, "+ CREATE TABLE ev_notes") || strings.Contains(difference.StdOut, "+ CREATE EXTERNAL SCHEMA") {
		t.Errorf("preview --diff must show the new migration's lines as added and no others; it shows:\n%s", difference.StdOut)
	}
	second := d.MustUp(rehearsal.StackOptions{Program: deployWith(added)})
	if got := (*second.Summary.ResourceChanges)[string(apitype.OpUpdate)]; got != 1 {
		t.Errorf("a new migration updates %d resources, want only the command: %v", got, *second.Summary.ResourceChanges)
	}
	if got := second.Outputs["schemaVersion"].Value; got != 6.0 {
		t.Errorf("schemaVersion = %v, want 6", got)
	}

	edited := shippedAnd(t, map[string]string{"00006_notes.sql": strings.Replace(tableMigration, "100", "200", 1)})
	if _, err := d.Up(rehearsal.StackOptions{Program: deployWith(edited)}); err == nil || !strings.Contains(err.Error(), "00006_notes.sql was applied") {
		t.Errorf("an edited migration: err = %v, want it refused", err)
	}

	failing := map[string]string{
		"00006_notes.sql": tableMigration,
		"00007_wrong.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE VIEW wrong AS SELECT no_such_column FROM ev_notes;\n",
	}
	if _, err := d.Up(rehearsal.StackOptions{Program: deployWith(shippedAnd(t, failing))}); err == nil || !strings.Contains(err.Error(), "00007_wrong.sql:3") {
		t.Errorf("a failing migration: err = %v, want its place", err)
	}
	failing["00007_wrong.sql"] = strings.Replace(failing["00007_wrong.sql"], "no_such_column", "note", 1)
	corrected := d.MustUp(rehearsal.StackOptions{Program: deployWith(shippedAnd(t, failing))})
	if got := corrected.Outputs["schemaVersion"].Value; got != 7.0 {
		t.Errorf("after the correction schemaVersion = %v, want 7", got)
	}

	if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract WHERE stationid = 7 OR kwhdelivered > 0"); fmt.Sprint(got) != "4" {
		t.Errorf("after all this %v of the 4 records written before it are left", got)
	}

	if _, err := d.Stack(rehearsal.StackOptions{}).Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := d.StandIns.Left(); len(left) > 0 {
		t.Errorf("destroy left %v", left)
	}
}

// TestWrongSettingsMakeNothing: what the program refuses, it refuses through the
// real engine too, all of it at once.
func TestWrongSettingsMakeNothing(t *testing.T) {
	d := stacktest.Start(t)
	_, err := d.Up(rehearsal.StackOptions{Settings: map[string]string{
		"ev-streaming:vpcName":      "no-such-vpc",
		"ev-streaming:baseCapacity": "7",
	}})
	if err == nil {
		t.Fatal("wrong settings were deployed")
	}
	for _, want := range []string{`vpcName is "no-such-vpc"`, "baseCapacity is 7 RPU"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if left := d.StandIns.Left(); len(left) > 0 {
		t.Errorf("wrong settings made %v", left)
	}
}
