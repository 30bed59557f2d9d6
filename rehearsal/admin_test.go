package rehearsal_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/internal/dataapi"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// logIn says whether the Data API gets in with the secret that a deployed stack
// names.
func logIn(t *testing.T, d *stacktest.Deployment, outputs auto.OutputMap) error {
	t.Helper()
	for name, value := range d.StandIns.CommandEnv() {
		t.Setenv(name, value)
	}
	secret, _ := outputs["dataApiSecretArn"].Value.(string)
	db, err := dataapi.Open(t.Context(), dataapi.Config{Workgroup: "ev-streaming-dev", Database: "dev", SecretARN: secret})
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
	put(t, d, 3)
	passwords := []string{rehearsal.AdminPassword}
	for i, value := range []string{
		`{"admin_username": "evadmin", "admin_user_password": "%s"}`, // copied again
		`{"username": "evadmin", "password": "%s"}`,                  // the copy goes
		`{"username": "evadmin", "password": "%s"}`,                  // used as it is, again
	} {
		password := fmt.Sprintf("Rotated%dRehearsals", i)
		passwords = append(passwords, password)
		if err := d.StandIns.Account.SetSecret("redshift/admin", fmt.Sprintf(value, password)); err != nil {
			t.Fatal(err)
		}
		if err := logIn(t, d, d.MustUp(rehearsal.StackOptions{}).Outputs); err != nil {
			t.Errorf("rotation %d: %v", i, err)
		}
		if n, err := d.StandIns.Account.Namespace("ev-streaming-dev"); err != nil || n.AdminPassword != password {
			t.Errorf("rotation %d did not reach the namespace: %v", i, err)
		}
	}
	if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract"); fmt.Sprint(got) != "3" {
		t.Errorf("%v of 3 records are left", got)
	}
	if _, err := d.Stack(rehearsal.StackOptions{}).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("afterwards there is still something to do: %v", err)
	}
	for _, password := range passwords {
		if strings.Contains(d.Said.String(), password) {
			t.Errorf("the engine's output shows a password")
		}
	}
}

// TestPrivate deploys into a VPC from which nothing gets out, with endpoints, and
// leaves the admin's password and the capacity to AWS. What it can't take back from
// AWS is refused in a preview.
func TestPrivate(t *testing.T) {
	d := stacktest.Start(t)
	options := rehearsal.StackOptions{Settings: map[string]string{
		"ev-streaming:vpcName": "isolated", "ev-streaming:createVpcEndpoints": "true",
		"ev-streaming:secretName": "", "ev-streaming:manageAdminPassword": "true",
		"ev-streaming:priceTarget": "50", "ev-streaming:baseCapacity": "0",
	}}
	outputs := d.MustUp(options).Outputs
	if err := logIn(t, d, outputs); err != nil {
		t.Error(err)
	}

	role, stream := outputs["streamingRoleArn"].Value.(string), outputs["streamArn"].Value.(string)
	for _, c := range []struct {
		action, resource string
		gets             bool
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
		{"secretsmanager:GetSecretValue", outputs["dataApiSecretArn"].Value.(string), false},
	} {
		if err := d.StandIns.Account.Egress("ev-streaming-dev", role, c.action, c.resource); (err == nil) != c.gets {
			t.Errorf("%s on %s through the VPC: %v; it should pass: %t", c.action, c.resource, err, c.gets)
		}
	}

	// AWS rotates the password by itself, in its secret and in the warehouse.
	if err := d.StandIns.Account.SetSecret(outputs["dataApiSecretArn"].Value.(string), `{"username": "admin", "password": "RotatedByAws1"}`); err != nil {
		t.Fatal(err)
	}
	if err := logIn(t, d, outputs); err == nil {
		t.Error("the Data API gets in with a password that the warehouse was not told")
	}
	n, err := d.StandIns.Account.Namespace("ev-streaming-dev")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.StandIns.Warehouse.UpdateNamespace(warehouse.Namespace{
		Name: n.Name, ID: n.ID, Database: n.Database, AdminUser: n.AdminUser, AdminPassword: n.AdminPassword, IAMRoles: n.IAMRoles, DefaultRole: n.DefaultRole,
	}); err != nil {
		t.Fatal(err)
	}
	if err := logIn(t, d, outputs); err != nil {
		t.Errorf("after AWS rotated the password: %v", err)
	}
	if _, err := d.Stack(options).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("afterwards there is something to do: %v", err)
	}

	for _, c := range []struct {
		change map[string]string
		says   string
	}{
		{map[string]string{"priceTarget": "0", "baseCapacity": "8"}, "priceTarget can't be switched off"},
		{map[string]string{"kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd"}, "kmsKeyArn can't change while AWS keeps the admin's password"},
		{map[string]string{"manageAdminPassword": "false", "secretName": "redshift/admin"}, "Set manageAdminPassword to true again and remove secretName"},
	} {
		changed := maps.Clone(options.Settings)
		for key, value := range c.change {
			changed["ev-streaming:"+key] = value
		}
		if _, err := d.Stack(rehearsal.StackOptions{Settings: changed}).Preview(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("the preview of %v ends with %v, want it refused with %q", c.change, err, c.says)
		}
	}

	if _, err := d.Stack(options).Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := d.StandIns.Left(); len(left) > 0 {
		t.Errorf("destroy left %v", left)
	}
}
