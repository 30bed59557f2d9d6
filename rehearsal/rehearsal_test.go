package rehearsal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestDeployment follows one stack through its life: wrong settings, the first preview
// and up, a second preview in which nothing changes, a new migration, an edited one, a
// failing one and its correction, and the end.
func TestDeployment(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	withAdded := func(texts ...string) rehearsal.StackOptions {
		return rehearsal.StackOptions{Program: withSQL(adding(texts...))}
	}
	n := len(shipped(t))

	// What the program refuses, it refuses through the real engine too, all of it at once.
	_, err := d.Up(stacktest.With("vpcName", "no-such-vpc", "baseCapacity", "7"))
	d.WantError("up with wrong settings", err, `vpcName is "no-such-vpc"`, "baseCapacity is 7 RPU")
	d.NothingIsLeft()

	planned, err := preview(t, d, rehearsal.StackOptions{})
	if err != nil || !strings.Contains(planned.sql, "CREATE MATERIALIZED VIEW ev_station_data") {
		t.Errorf("the first preview, when the role has no ARN yet, must know the SQL: %v\n%s", err, planned.sql)
	}
	d.NothingIsLeft()

	first := d.MustUp(rehearsal.StackOptions{})
	if got := first.Outputs["schemaVersion"].Value; got != float64(n) {
		t.Errorf("schemaVersion = %v, want %d", got, n)
	}
	for _, name := range []string{
		"vpcId", "streamName", "streamArn", "namespaceName", "workgroupName", "workgroupEndpoint", "clientSecurityGroupId", "databaseName",
		"dataApiSecretArn", "streamingRoleArn", "queryEditorUrl", "region",
	} {
		if value, _ := first.Outputs[name].Value.(string); value == "" {
			t.Errorf("output %s is %v", name, first.Outputs[name].Value)
		}
	}

	if got := d.Run("go run ./cmd/evstream produce --stack dev --count 3"); !strings.Contains(got, "3 of 3 records delivered to "+stacktest.Stream) {
		t.Errorf("produce prints\n%s", got)
	}
	d.Put(`{"_id": "1", "stationID": 7}`)
	d.Refresh()
	d.Unchanged(rehearsal.StackOptions{})

	const table = "CREATE TABLE ev_notes (note VARCHAR(100))"
	difference, err := d.Stack(withAdded(statement(table))).Preview(t.Context(), optpreview.Diff())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(difference.StdOut, "+ CREATE TABLE ev_notes") || strings.Contains(difference.StdOut, "+ CREATE EXTERNAL SCHEMA") {
		t.Errorf("preview --diff must show the new migration's lines as added and no others; it shows:\n%s", difference.StdOut)
	}
	second := d.MustUp(withAdded(statement(table)))
	if got := (*second.Summary.ResourceChanges)[string(apitype.OpUpdate)]; got != 1 {
		t.Errorf("a new migration updates %d resources, want only the command: %v", got, *second.Summary.ResourceChanges)
	}
	if got := second.Outputs["schemaVersion"].Value; got != float64(n+1) {
		t.Errorf("schemaVersion = %v, want %d", got, n+1)
	}

	_, err = d.Up(withAdded(statement(strings.Replace(table, "100", "200", 1))))
	d.WantError("up with an edited migration", err, added(n+1)+" was applied")
	const wrong = "CREATE VIEW ev_wrong AS SELECT no_such_column FROM ev_notes"
	_, err = d.Up(withAdded(statement(table), statement(wrong)))
	d.WantError("up with a failing migration", err, added(n+2)+":1")
	corrected := d.MustUp(withAdded(statement(table), statement(strings.Replace(wrong, "no_such_column", "note", 1))))
	if got := corrected.Outputs["schemaVersion"].Value; got != float64(n+2) {
		t.Errorf("after the correction schemaVersion = %v, want %d", got, n+2)
	}

	if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract WHERE stationid = 7 OR kwhdelivered > 0"); fmt.Sprint(got) != "4" {
		t.Errorf("after all this %v of the 4 records written before it are left", got)
	}
	d.MustDestroy(rehearsal.StackOptions{})
}
