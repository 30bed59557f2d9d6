package rehearsal_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestOptions deploys with every option that makes resources, into a VPC without a
// way out. Then the schedule's time comes: when all is well, and when something
// was changed behind the deployment's back.
func TestOptions(t *testing.T) {
	world := rehearsal.World()
	world.VPCs[0].MainRouteTable.Routes = nil
	d := stacktest.StartIn(t, &world)
	options := rehearsal.StackOptions{Settings: map[string]string{
		"ev-streaming:createVpcEndpoints":  "true",
		"ev-streaming:secretName":          "",
		"ev-streaming:manageAdminPassword": "true",
		"ev-streaming:refresh":             "rate(5 minutes)",
		"ev-streaming:baseCapacity":        "0",
		"ev-streaming:priceTarget":         "25",
		"ev-streaming:usageLimitRpuHours":  "10",
		"ev-streaming:alarmEmail":          "ops@example.com",
		"ev-streaming:dashboard":           "true",
	}}
	result := d.MustUp(options)
	if _, err := d.Stack(options).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("a second preview finds something to change: %v", err)
	}

	const schedule = "ev-streaming-dev-refresh"
	fire := func() error { return d.StandIns.AWS.Fire(t.Context(), schedule) }
	write := func(id string) {
		t.Helper()
		if _, err := d.StandIns.Kinesis.Put("ev_stream_data", id, []byte(`{"_id": "`+id+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	wantError := func(err error, part string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the schedule's end is %v, want in it %q", err, part)
		}
	}
	failed := func() int {
		t.Helper()
		letters, err := d.StandIns.Account.Messages(schedule + "-failed")
		if err != nil {
			t.Fatal(err)
		}
		return len(letters)
	}

	find := func(is func(fakeaws.Resource) bool) fakeaws.Resource {
		t.Helper()
		all := d.StandIns.Account.Resources()
		i := slices.IndexFunc(all, is)
		if i < 0 {
			t.Fatal("a resource is missing")
		}
		return all[i]
	}

	write("1")
	if err := fire(); err != nil {
		t.Fatal(err)
	}
	if got := d.Ask("SELECT id FROM ev_station_data_extract"); got != "1" {
		t.Errorf("after a refresh by the schedule the extract has %v, want the record", got)
	}

	// The scheduler does not see how a statement ends.
	secret := result.Outputs["dataApiSecretArn"].Value.(string)
	login, err := d.StandIns.Account.SecretValue(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.StandIns.Account.SetSecret(secret, `{"username": "admin", "password": "Another1Password"}`); err != nil {
		t.Fatal(err)
	}
	wantError(fire(), "password authentication failed")
	if err := d.StandIns.Account.SetSecret(secret, login); err != nil {
		t.Fatal(err)
	}
	endpoint := find(func(r fakeaws.Resource) bool {
		service, _ := r.Properties["serviceName"].(string)
		return strings.HasSuffix(service, "kinesis-streams")
	})
	if err := d.StandIns.Account.Remove(endpoint.Type, endpoint.ID); err != nil {
		t.Fatal(err)
	}
	wantError(fire(), "Failed to connect for kinesis:ListStreams")
	if n := failed(); n > 0 {
		t.Errorf("%d events are in the queue, though all statements were started", n)
	}

	// What it may not do, it sees.
	policy := find(func(r fakeaws.Resource) bool { return strings.HasPrefix(r.ID, schedule+":") })
	others := strings.Replace(policy.Properties["policy"].(string), "redshift-data:ExecuteStatement", "redshift-data:DescribeStatement", 1)
	if err := d.StandIns.Account.Change(policy.Type, policy.ID, map[string]any{"policy": others}); err != nil {
		t.Fatal(err)
	}
	wantError(fire(), "tried 6 times: operation error Redshift Data: ExecuteStatement")
	if n := failed(); n != 1 {
		t.Errorf("%d events are in the queue, want the one that was refused", n)
	}

	if _, err := d.Stack(options).Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := d.StandIns.Left(); len(left) > 0 {
		t.Errorf("destroy left %v", left)
	}
}
