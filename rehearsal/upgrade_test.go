package rehearsal_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// twoZones are subnets of the stack's VPC in two zones, as JSON.
func twoZones(t *testing.T) string {
	t.Helper()
	var ids []string
	zones := map[string]bool{}
	for _, subnet := range rehearsal.World().VPCs[0].Subnets {
		if !zones[subnet.Zone] && len(ids) < 2 {
			zones[subnet.Zone] = true
			ids = append(ids, subnet.ID)
		}
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// TestUpgrades changes the settings of a deployed stack, one at a time and all
// together: a message says what happens, nothing is replaced, the records stay.
// Each change is the only one, so the one before it left nothing to do.
func TestUpgrades(t *testing.T) {
	t.Parallel()
	d := stacktest.Start(t)
	deployed := rehearsal.StackOptions{}
	d.MustUp(deployed)
	d.Put(records("", 3)...)
	d.Refresh()
	if _, err := d.StandIns.Warehouse.Query(t.Context(), stacktest.Workgroup, "CREATE USER ana PASSWORD DISABLE"); err != nil {
		t.Fatal(err)
	}
	const workgroup, namespace, stream = "update redshiftserverless.Workgroup", "update redshiftserverless.Namespace", "update kinesis.Stream"
	const schema = "update local.Command"
	for _, c := range []struct {
		name    string
		change  []string
		do      string   // a preview alone is only a thought
		want    []string // what changes
		message string
	}{
		{"capacity", []string{"baseCapacity", "16"}, "up", []string{workgroup}, "AWS changes baseCapacity 8 → 16 in place. The data stays."},
		{"limit", []string{"maxCapacity", "64"}, "up", []string{workgroup}, "AWS changes maxCapacity 32 → 64 in place."},
		{"retention", []string{"retentionHours", "48"}, "up", []string{stream}, ""},
		{"routing", []string{"enhancedVpcRouting", "false"}, "up", []string{workgroup}, "AWS changes enhancedVpcRouting true → false in place."},
		{"routing with few addresses", []string{"enhancedVpcRouting", "true", "baseCapacity", "1024", "maxCapacity", "1024"}, "preview", []string{workgroup},
			"enhancedVpcRouting becomes true: a new workgroup of 1024 RPU needs 261 free addresses in each subnet, and subnet-0a1b2c3d4e5f60710 has 248, "},
		{"a price target", []string{"priceTarget", "50", "baseCapacity", "0"}, "preview", []string{workgroup},
			"AWS changes pricePerformanceTarget in place."},
		{"logs", []string{"logExports", `["userlog"]`}, "up", []string{namespace}, ""},
		{"manual refresh, a reader", []string{"refresh", "manual", "readers", `["ana"]`}, "up", []string{schema}, "AUTO REFRESH NO; readers granted: ana; "},
		{"automatic refresh, no reader", []string{"refresh", "auto", "readers", "[]"}, "up", []string{schema}, "AUTO REFRESH YES; readers removed: ana; "},
		{"all together", []string{
			"baseCapacity", "512", "maxCapacity", "1024", "retentionHours", "24", "enhancedVpcRouting", "true", "logExports", `["connectionlog","userlog"]`,
		}, "preview up", []string{stream, namespace, workgroup},
			"this takes 3 requests, each followed by a wait of minutes: maxCapacity 64 → 1024, then baseCapacity 16 → 512, then enhancedVpcRouting false → true."},
	} {
		changed := stacktest.And(deployed, c.change...)
		for operation := range strings.FieldsSeq(c.do) {
			run := func() (outcome, error) { return preview(t, d, changed) }
			if operation == "up" {
				deployed = changed
				run = func() (outcome, error) { return up(d, changed) }
			}
			got, err := run()
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if !slices.Equal(got.changes, c.want) {
				t.Errorf("%s: the changes are %q, want %q", c.name, got.changes, c.want)
			}
			if !strings.Contains(got.messages, c.message) || c.message == "" && got.messages != "" {
				t.Errorf("%s: the messages are %q, want %q", c.name, got.messages, c.message)
			}
		}
		d.WantRecords(3)
		manual := deployed.Settings["ev-streaming:refresh"] == "manual"
		if got := d.Ask("SELECT autorefresh = 'f' AS manual FROM svv_mv_info"); got != manual {
			t.Errorf("%s: the view is refreshed by hand: %v", c.name, got)
		}
		_, err := d.StandIns.Warehouse.QueryAs(t.Context(), stacktest.Workgroup, "ana", "SELECT COUNT(*) AS n FROM ev_station_data_extract")
		if reads := strings.Contains(deployed.Settings["ev-streaming:readers"], "ana"); reads != (err == nil) {
			t.Errorf("%s: ana reads the extract with error %v", c.name, err)
		}
	}
	d.Unchanged(deployed)

	// Routing needs a third zone, which comes last.
	deployed = stacktest.And(deployed, "enhancedVpcRouting", "false", "subnetIds", twoZones(t))
	d.MustUp(deployed)
	wantPreview(t, d, "routing with another zone", stacktest.And(deployed, "enhancedVpcRouting", "true", "subnetIds", "[]"),
		"enhancedVpcRouting becomes true and the subnets change")
	for _, change := range [][]string{{"subnetIds", "[]"}, {"enhancedVpcRouting", "true"}} {
		deployed = stacktest.And(deployed, change...)
		wantPreview(t, d, change[0], deployed)
		d.MustUp(deployed)
	}

	// What AWS would refuse halfway is refused before anything is changed.
	d.SetAdmin(`{"username": "evadmin", "password": "Another4Rehearsals"}`)
	for _, c := range []struct {
		name   string
		change []string
		want   string
	}{
		{"more capacity than addresses", []string{"baseCapacity", "1024"},
			"baseCapacity goes from 512 to 1024 RPU with enhancedVpcRouting, for which each subnet needs 197 free addresses: subnet-0a1b2c3d4e5f60710 has 118"},
		{"another capacity, and no limit any more", []string{"baseCapacity", "256", "maxCapacity", "0"},
			"One after the other: pulumi config set baseCapacity 512, pulumi up; then pulumi config set baseCapacity 256, pulumi up."},
		{"another admin and other logs", []string{"logExports", "[]"},
			"the admin of secretName and logExports of namespace ev-streaming-dev change together"},
		{"the password given to AWS to keep", []string{"secretName", "", "manageAdminPassword", "true"},
			"who keeps the admin's password is chosen when the namespace is created"},
	} {
		wantPreview(t, d, c.name, stacktest.And(deployed, c.change...), c.want)
	}
}
