package rehearsal_test

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
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

// seen is what an operation does to resources, and says to the person.
type seen struct {
	changes []string // operation and type of each resource that changes
	said    string
}

// watch runs an operation and sees what it does.
func watch(operation func(chan<- events.EngineEvent) error) (seen, error) {
	var s seen
	channel, done := rehearsal.Watch(io.Discard, func(event apitype.EngineEvent) {
		if pre := event.ResourcePreEvent; pre != nil {
			if step := pre.Metadata; step.Op != apitype.OpSame && !strings.HasPrefix(step.Type, "pulumi:") {
				s.changes = append(s.changes, fmt.Sprint(step.Op, " ", rehearsal.ShortType(step.Type)))
			}
		}
		if message := event.DiagnosticEvent; message != nil && !message.Ephemeral {
			s.said += message.Message
		}
	})
	err := operation(channel)
	done()
	slices.Sort(s.changes)
	return s, err
}

// TestUpgrades changes the settings of a deployed stack, one at a time and all
// together: a person is told what happens, nothing is replaced, the records stay.
// Each change is the only one, so the one before it left nothing to do.
func TestUpgrades(t *testing.T) {
	d := stacktest.Start(t)
	d.MustUp(rehearsal.StackOptions{})
	put(t, d, 3)
	if _, err := d.StandIns.Warehouse.Query(t.Context(), "ev-streaming-dev", "CREATE USER ana PASSWORD DISABLE"); err != nil {
		t.Fatal(err)
	}

	settings := map[string]string{}
	preview := func(channel chan<- events.EngineEvent) error {
		_, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Preview(t.Context(), optpreview.EventStreams(channel))
		return err
	}
	up := func(channel chan<- events.EngineEvent) error {
		_, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Up(t.Context(), optup.EventStreams(channel))
		return err
	}
	operations := map[string]func(chan<- events.EngineEvent) error{"preview": preview, "up": up}
	const workgroup, namespace, stream = "update redshiftserverless.Workgroup", "update redshiftserverless.Namespace", "update kinesis.Stream"
	const schema = "update local.Command"
	for _, c := range []struct {
		name   string
		change map[string]string
		do     string   // a preview alone is only a thought
		want   []string // what changes
		says   string
	}{
		{"capacity", map[string]string{"baseCapacity": "16"}, "up", []string{workgroup}, "AWS changes baseCapacity 8 → 16 in place. The data stays."},
		{"limit", map[string]string{"maxCapacity": "64"}, "up", []string{workgroup}, "AWS changes maxCapacity 32 → 64 in place."},
		{"retention", map[string]string{"retentionHours": "48"}, "up", []string{stream}, ""},
		{"routing", map[string]string{"enhancedVpcRouting": "false"}, "up", []string{workgroup}, "AWS changes enhancedVpcRouting true → false in place."},
		{"routing with few addresses", map[string]string{"enhancedVpcRouting": "true", "baseCapacity": "1024", "maxCapacity": "1024"}, "preview", []string{workgroup},
			"enhancedVpcRouting becomes true: a new workgroup of 1024 RPU needs 261 free addresses in each subnet, and subnet-0a1b2c3d4e5f60710 has 248, "},
		{"a price target", map[string]string{"priceTarget": "50", "baseCapacity": "0"}, "preview", []string{workgroup},
			"AWS changes pricePerformanceTarget in place."},
		{"logs", map[string]string{"logExports": `["userlog"]`}, "up", []string{namespace}, ""},
		{"manual refresh, a reader", map[string]string{"refresh": "manual", "readers": `["ana"]`}, "up", []string{schema}, "AUTO REFRESH NO; readers granted: ana; "},
		{"automatic refresh, no reader", map[string]string{"refresh": "auto", "readers": "[]"}, "up", []string{schema}, "AUTO REFRESH YES; readers removed: ana; "},
		{"all together", map[string]string{
			"baseCapacity": "512", "maxCapacity": "1024", "retentionHours": "24", "enhancedVpcRouting": "true", "logExports": `["connectionlog","userlog"]`,
		}, "preview up", []string{stream, namespace, workgroup},
			"this takes 3 requests, each followed by a wait of minutes: maxCapacity 64 → 1024, then baseCapacity 16 → 512, then enhancedVpcRouting false → true."},
	} {
		deployed := maps.Clone(settings)
		for key, value := range c.change {
			settings["ev-streaming:"+key] = value
		}
		for _, operation := range strings.Fields(c.do) {
			seen, err := watch(operations[operation])
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if !slices.Equal(seen.changes, c.want) {
				t.Errorf("%s: the changes are %q, want %q", c.name, seen.changes, c.want)
			}
			if !strings.Contains(seen.said, c.says) || c.says == "" && seen.said != "" {
				t.Errorf("%s: it says %q, want %q", c.name, seen.said, c.says)
			}
		}
		if c.do == "preview" {
			settings = deployed
		}
		if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract"); fmt.Sprint(got) != "3" {
			t.Errorf("%s: %v of 3 records are left", c.name, got)
		}
		manual := settings["ev-streaming:refresh"] == "manual"
		if got := d.Ask("SELECT autorefresh = 'f' AS manual FROM svv_mv_info"); got != manual {
			t.Errorf("%s: the view is refreshed by hand: %v", c.name, got)
		}
		_, err := d.StandIns.Warehouse.QueryAs(t.Context(), "ev-streaming-dev", "ana", "SELECT COUNT(*) AS n FROM ev_station_data_extract")
		if reads := strings.Contains(settings["ev-streaming:readers"], "ana"); reads != (err == nil) {
			t.Errorf("%s: ana reads the extract with error %v", c.name, err)
		}
	}
	if _, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("afterwards there is still something to do: %v", err)
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
		deployed := settings
		settings = maps.Clone(deployed)
		for key, value := range c.change {
			settings["ev-streaming:"+key] = value
		}
		seen, err := watch(preview)
		settings = deployed
		if err == nil || !strings.Contains(seen.said, c.says) {
			t.Errorf("%s: the preview ends with %v and says %q, want it refused with %q", c.name, err, seen.said, c.says)
		}
	}
}
