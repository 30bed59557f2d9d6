package rehearsal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// logIn returns whether the Data API gets in with the secret that a deployed stack
// names.
func logIn(t *testing.T, d *stacktest.Deployment, outputs auto.OutputMap) error {
	t.Helper()
	for name, value := range d.StandIns.CommandEnv() {
		t.Setenv(name, value)
	}
	secret, _ := outputs["dataApiSecretArn"].Value.(string)
	db, err := dataapi.Open(t.Context(), dataapi.Config{Workgroup: stacktest.Workgroup, Database: "dev", SecretARN: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var one int
	return db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one)
}

// TestAdminRotation changes the admin's password in the existing secret, which is of
// a shape that is copied and then of the one that is used as it is: pulumi up takes
// it over, and the Data API gets in.
func TestAdminRotation(t *testing.T) {
	d := stacktest.Start(t)
	if err := logIn(t, d, d.MustUp(rehearsal.StackOptions{}).Outputs); err != nil {
		t.Fatal(err)
	}
	d.Put(records("", 3)...)
	d.Refresh()
	passwords := []string{rehearsal.AdminPassword}
	for i, secret := range []string{
		`{"admin_username": "evadmin", "admin_user_password": "%s"}`, // copied again
		`{"username": "evadmin", "password": "%s"}`,                  // the copy goes
		`{"username": "evadmin", "password": "%s"}`,                  // used as it is, again
	} {
		password := fmt.Sprintf("Rotated%dRehearsals", i)
		passwords = append(passwords, password)
		d.SetAdmin(fmt.Sprintf(secret, password))
		if err := logIn(t, d, d.MustUp(rehearsal.StackOptions{}).Outputs); err != nil {
			t.Errorf("rotation %d: %v", i, err)
		}
		if n, err := d.StandIns.Account.Namespace(stacktest.Namespace); err != nil || n.AdminPassword != password {
			t.Errorf("rotation %d did not reach the namespace: %v", i, err)
		}
	}
	d.WantRecords(3)
	d.Unchanged(rehearsal.StackOptions{})
	for _, password := range passwords {
		if strings.Contains(d.Printed.String(), password) {
			t.Errorf("the engine's output shows a password")
		}
	}
}

// TestPrivate deploys into a VPC from which nothing gets out, with endpoints and every
// other option that makes resources, and leaves the admin's password and the capacity
// to AWS. Then the schedule's time comes: when all is well, and when something was
// changed behind the deployment's back. What can't be taken back from AWS is refused in
// a preview.
func TestPrivate(t *testing.T) {
	d := stacktest.Start(t)
	options := stacktest.With(
		"vpcName", "isolated", "createVpcEndpoints", "true",
		"secretName", "", "manageAdminPassword", "true",
		"priceTarget", "50", "baseCapacity", "0",
		"refresh", "rate(5 minutes)", "usageLimitRpuHours", "10", "alarmEmail", "ops@example.com", "dashboard", "true")
	outputs := d.MustUp(options).Outputs
	if err := logIn(t, d, outputs); err != nil {
		t.Error(err)
	}
	d.Unchanged(options)

	role, stream := outputs["streamingRoleArn"].Value.(string), outputs["streamArn"].Value.(string)
	secret := outputs["dataApiSecretArn"].Value.(string)
	for _, c := range []struct {
		action, resource string
		passes           bool
	}{
		{"sts:AssumeRole", role, true},
		{"kinesis:ListStreams", "*", true},
		{"kinesis:ListShards", stream, true},
		{"kinesis:DescribeStreamSummary", stream, true},
		{"kinesis:GetShardIterator", stream, true},
		{"kinesis:GetRecords", stream, true},
		{"kinesis:PutRecords", stream, false},
		{"kinesis:GetRecords", stream + "-other", false},
		{"sts:AssumeRole", role + "-other", false},
		{"secretsmanager:GetSecretValue", secret, false},
	} {
		if err := d.StandIns.Account.Egress(stacktest.Workgroup, role, c.action, c.resource); (err == nil) != c.passes {
			t.Errorf("%s on %s through the VPC: %v; it should pass: %t", c.action, c.resource, err, c.passes)
		}
	}

	const schedule = "ev-streaming-dev-refresh"
	fire := func() error { return d.StandIns.AWS.Fire(t.Context(), schedule) }
	d.Put(records("", 1)...)
	if err := fire(); err != nil {
		t.Fatal(err)
	}
	d.WantRecords(1)

	// AWS rotates the password by itself, in its secret and in the warehouse. The scheduler does
	// not see how a statement ends.
	if err := d.StandIns.Account.SetSecret(secret, `{"username": "admin", "password": "RotatedByAws1"}`); err != nil {
		t.Fatal(err)
	}
	if err := logIn(t, d, outputs); err == nil {
		t.Error("the Data API gets in with a password that the warehouse was not told")
	}
	d.WantError("the schedule", fire(), "password authentication failed")
	d.TellWarehouse()
	if err := logIn(t, d, outputs); err != nil {
		t.Errorf("after AWS rotated the password: %v", err)
	}
	d.Unchanged(options)

	for _, c := range []struct {
		changed rehearsal.StackOptions
		want    string
	}{
		{stacktest.And(options, "priceTarget", "0", "baseCapacity", "8"), "priceTarget can't be switched off"},
		{stacktest.And(options, "kmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/1234abcd"), "kmsKeyArn can't change while AWS keeps the admin's password"},
		{stacktest.And(options, "manageAdminPassword", "false", "secretName", "redshift/admin"), "Set manageAdminPassword to true again and remove secretName"},
	} {
		wantPreview(t, d, "what can't be taken back", c.changed, c.want)
	}

	endpoint := d.Resource(func(r fakeaws.Resource) bool {
		service, _ := r.Properties["serviceName"].(string)
		return strings.HasSuffix(service, "kinesis-streams")
	})
	if err := d.StandIns.Account.Remove(endpoint.Type, endpoint.ID); err != nil {
		t.Fatal(err)
	}
	d.WantError("the schedule", fire(), "Failed to connect for kinesis:ListStreams")
	failed := func() int {
		t.Helper()
		letters, err := d.StandIns.Account.Messages(schedule + "-failed")
		if err != nil {
			t.Fatal(err)
		}
		return len(letters)
	}
	if n := failed(); n > 0 {
		t.Errorf("%d events are in the queue, though all statements were started", n)
	}

	// What it may not do, it sees.
	policy := d.Resource(func(r fakeaws.Resource) bool { return strings.HasPrefix(r.ID, schedule+":") })
	others := strings.Replace(policy.Properties["policy"].(string), "redshift-data:ExecuteStatement", "redshift-data:DescribeStatement", 1)
	if err := d.StandIns.Account.Change(policy.Type, policy.ID, map[string]any{"policy": others}); err != nil {
		t.Fatal(err)
	}
	d.WantError("the schedule", fire(), "tried 6 times: operation error Redshift Data: ExecuteStatement")
	if n := failed(); n != 1 {
		t.Errorf("%d events are in the queue, want the one that was refused", n)
	}
	d.MustDestroy(options)
}
