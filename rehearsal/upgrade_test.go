package rehearsal_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// put writes records and waits until the streaming view has them.
func put(t *testing.T, d *stacktest.Deployment, records int) {
	t.Helper()
	for i := range records {
		if _, err := d.StandIns.Kinesis.Put("ev_stream_data", fmt.Sprint(i), fmt.Appendf(nil, `{"_id": "%d", "stationID": %d}`, i, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.StandIns.Warehouse.AutoRefresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// previewed is what a preview says it would do to resources, and to the person.
type previewed struct {
	changes []string // operation, type and name of each resource that changes
	said    string
}

func preview(t *testing.T, d *stacktest.Deployment, settings map[string]string) (previewed, error) {
	t.Helper()
	var seen previewed
	var said bytes.Buffer
	channel, done := rehearsal.Watch(&said, func(event apitype.EngineEvent) {
		if pre := event.ResourcePreEvent; pre != nil {
			if step := pre.Metadata; step.Op != apitype.OpSame && step.Op != apitype.OpRead && !strings.HasPrefix(step.Type, "pulumi:") {
				seen.changes = append(seen.changes, fmt.Sprint(step.Op, " ", rehearsal.ShortType(step.Type)))
			}
		}
		if said := event.DiagnosticEvent; said != nil && !said.Ephemeral {
			seen.said += said.Message
		}
	})
	_, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Preview(t.Context(), optpreview.EventStreams(channel))
	done()
	slices.Sort(seen.changes)
	return seen, err
}

// TestUpgrades changes the settings of a deployed stack, one at a time and all
// together: a preview says what will happen, nothing is replaced, the records stay,
// and there is nothing left to do afterwards.
func TestUpgrades(t *testing.T) {
	d := stacktest.Start(t)
	d.MustUp(rehearsal.StackOptions{})
	put(t, d, 3)

	const workgroup, namespace, stream = "update redshiftserverless.Workgroup", "update redshiftserverless.Namespace", "update kinesis.Stream"
	settings := map[string]string{}
	for _, c := range []struct {
		name   string
		change map[string]string
		want   []string // what changes
		says   string
	}{
		{"capacity", map[string]string{"baseCapacity": "16"}, []string{workgroup}, "AWS changes baseCapacity 8 → 16 in place. The data stays."},
		{"limit", map[string]string{"maxCapacity": "64"}, []string{workgroup}, "AWS changes maxCapacity 32 → 64 in place."},
		{"retention", map[string]string{"retentionHours": "48"}, []string{stream}, ""},
		{"routing", map[string]string{"enhancedVpcRouting": "false"}, []string{workgroup}, "AWS changes enhancedVpcRouting true → false in place."},
		{"logs", map[string]string{"logExports": `["userlog"]`}, []string{namespace}, ""},
		{"all together", map[string]string{
			"baseCapacity": "512", "maxCapacity": "1024", "retentionHours": "24", "enhancedVpcRouting": "true", "logExports": `["connectionlog","userlog"]`,
		}, []string{stream, namespace, workgroup},
			"this takes 3 requests, each followed by a wait of minutes: maxCapacity 64 → 1024, then baseCapacity 16 → 512, then enhancedVpcRouting false → true."},
	} {
		for key, value := range c.change {
			settings["ev-streaming:"+key] = value
		}
		seen, err := preview(t, d, settings)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		slices.Sort(c.want)
		if !slices.Equal(seen.changes, c.want) {
			t.Errorf("%s: the preview shows %q, want %q", c.name, seen.changes, c.want)
		}
		if !strings.Contains(seen.said, c.says) || c.says == "" && seen.said != "" {
			t.Errorf("%s: the preview says %q, want %q", c.name, seen.said, c.says)
		}
		d.MustUp(rehearsal.StackOptions{Settings: settings})
		if _, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
			t.Errorf("%s: afterwards there is still something to do: %v", c.name, err)
		}
		if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract"); fmt.Sprint(got) != "3" {
			t.Errorf("%s: %v of 3 records are left", c.name, got)
		}
	}

	// What AWS would refuse halfway is refused before anything is changed.
	if err := d.StandIns.Account.SetSecret("redshift/admin", `{"username": "evadmin", "password": "Another4Rehearsals"}`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change map[string]string
		says   string
	}{
		{"more capacity than addresses", map[string]string{"baseCapacity": "1024"},
			"baseCapacity goes from 512 to 1024 RPU with enhancedVpcRouting, for which each subnet needs 197 free addresses: subnet-0a1b2c3d4e5f60710 has 118"},
		{"another admin and other logs", map[string]string{"logExports": "[]"},
			"the admin of secretName and logExports of namespace ev-streaming-dev change together"},
		{"the password given to AWS to keep", map[string]string{"secretName": "", "manageAdminPassword": "true"},
			"who keeps the admin's password is chosen when the namespace is created"},
	} {
		changed := maps.Clone(settings)
		for key, value := range c.change {
			changed["ev-streaming:"+key] = value
		}
		seen, err := preview(t, d, changed)
		if err == nil || !strings.Contains(seen.said, c.says) {
			t.Errorf("%s: the preview ends with %v and says %q, want it refused with %q", c.name, err, seen.said, c.says)
		}
	}
	for _, text := range []string{rehearsal.AdminPassword, "Another4Rehearsals"} {
		if strings.Contains(d.Said.String(), text) {
			t.Errorf("the engine's output shows the admin's password")
		}
	}
}
