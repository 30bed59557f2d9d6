package fakeaws_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/rehearsal/fakeaws"
)

func managedInputs() props {
	return with(namespaceInputs(), "adminUsername", secret("admin"), "adminUserPassword", nil, "manageAdminPassword", true)
}

// limited makes a workgroup and returns the inputs of a limit for it.
func limited(b *bench) (in props, group made) {
	b.mustCreate("namespace", "n", namespaceInputs())
	group = b.mustCreate("workgroup", "w", workgroupInputs())
	return props{"resourceArn": group.state["arn"].StringValue(), "usageType": "serverless-compute", "amount": 60}, group
}

func TestUsageLimit(t *testing.T) {
	b := start(t)
	in, group := limited(b)
	m := b.mustCreate("usage limit", "l", in)
	want := props{
		"arn":         "arn:aws:redshift-serverless:us-east-1:123456789012:usagelimit/" + string(m.id),
		"resourceArn": in["resourceArn"], "usageType": "serverless-compute", "amount": 60.0, "period": "monthly", "breachAction": "log",
	}
	if diff := cmp.Diff(want, shown(m.state)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}

	_, err := b.create("usage limit", "twin", in)
	wantError(t, err, "CreateUsageLimit, https response error StatusCode: 400, RequestID: stand-in, ConflictException")
	b.mustCreate("usage limit", "daily", with(in, "period", "daily"))

	for name, c := range map[string]struct {
		in   props
		want map[string]string
	}{
		"the amount":        {with(in, "amount", 61), map[string]string{"amount": "update"}},
		"what happens":      {with(in, "breachAction", "deactivate"), map[string]string{"breachAction": "update"}},
		"the period":        {with(in, "period", "weekly"), map[string]string{"period": "update-replace"}},
		"the workgroup":     {with(in, "resourceArn", "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/x"), map[string]string{"resourceArn": "update-replace"}},
		"the usage type":    {with(in, "usageType", "cross-region-datasharing"), map[string]string{"usageType": "update"}},
		"nothing spelt out": {with(in, "period", "monthly", "breachAction", "log"), nil},
	} {
		got, _, err := b.diff(m, c.in)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("a change of %s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	m = b.mustUpdate(m, with(in, "usageType", "cross-region-datasharing"))
	if got := m.state["usageType"].StringValue(); got != "serverless-compute" {
		t.Errorf("the request that changes a limit carries no usage type, but it is %s now", got)
	}
	m = b.mustUpdate(m, with(in, "amount", 61))

	// The limits go with the workgroup.
	b.mustDelete(group)
	for _, r := range b.account.Resources() {
		if r.Type == types["usage limit"] {
			t.Errorf("the limit %s is left of a deleted workgroup", r.ID)
		}
	}
	b.mustDelete(m)
}

func TestUsageLimitRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  []any
		preview bool
		want    string
	}{
		{"a period", []any{"period", "yearly"}, true, `expected one of ["daily" "weekly" "monthly"], got yearly`},
		{"an action", []any{"breachAction", "stop"}, true, "got stop"},
		{"a usage type", []any{"usageType", "compute"}, true, "got compute"},
		{"no amount", []any{"amount", nil}, true, `The argument "amount" is required`},
		{"tags", []any{"tags", props{"a": "b"}}, true, "does not support the input tags"},
		{"an amount of nothing", []any{"amount", 0}, false, "ValidationException: The amount of a usage limit must be a positive number, not 0."},
		{"no workgroup", []any{"resourceArn", "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/x"}, false, "ResourceNotFoundException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			in, _ := limited(b)
			_, err := b.create("usage limit", "l", with(in, c.change...))
			wantError(t, err, c.want)
			if _, inPreview := errors.AsType[refused](err); inPreview != c.preview {
				t.Errorf("refused in the preview: %t, want %t", inPreview, c.preview)
			}
		})
	}
}

// With manageAdminPassword AWS makes up the password and keeps it in a secret of its own.
func TestManagedPassword(t *testing.T) {
	b := start(t)
	m := b.mustCreate("namespace", "n", managedInputs())
	arn := m.state["adminPasswordSecretArn"].StringValue()
	if !strings.HasPrefix(arn, "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ev-dev-admin-") {
		t.Errorf("the secret is %s", arn)
	}
	value, err := b.account.SecretValue(arn)
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ Username, Password string }
	if err := json.Unmarshal([]byte(value), &kept); err != nil || kept.Username != "admin" || len(kept.Password) != 32 {
		t.Errorf("the secret holds the name %q and %d characters of password, %v", kept.Username, len(kept.Password), err)
	}
	if n, err := b.account.Namespace("ev-dev"); err != nil || n.AdminPassword != kept.Password {
		t.Errorf("the namespace has another password than the secret: %v", err)
	}
	if asked := strings.Join(b.outside.asked, "\n"); !strings.Contains(asked, "AdminPassword:"+kept.Password) {
		t.Error("the warehouse was not told the password")
	}
	for key, value := range shown(m.state) {
		if text, ok := value.(string); ok && strings.Contains(text, kept.Password) {
			t.Errorf("the engine is shown the password in %s", key)
		}
	}
	_, err = b.create("role", "r", with(roleInputs(), "description", kept.Password))
	wantError(t, err, "description: it holds what is in a secret")
	m = b.mustUpdate(m, with(managedInputs(), "logExports", []any{"userlog"}))

	b.mustDelete(m)
	_, err = b.account.SecretValue(arn)
	wantError(t, err, "ResourceNotFoundException")
}

func TestManagedPasswordRefused(t *testing.T) {
	for name, given := range map[string]bool{"on": true, "off": false} {
		t.Run("with a password too, and "+name, func(t *testing.T) {
			_, err := start(t).create("namespace", "n", with(namespaceInputs(), "manageAdminPassword", given))
			wantError(t, err, "preview: ")
			wantError(t, err, `"manage_admin_password": conflicts with admin_user_password`)
		})
	}
	for _, c := range []struct {
		name     string
		old, new props
	}{
		{"from a password to a managed one", namespaceInputs(), with(managedInputs(), "adminUsername", secret("evadmin"))},
		{"from a managed password to one", managedInputs(), namespaceInputs()},
		{"another name with a managed password", managedInputs(), with(managedInputs(), "adminUsername", secret("boss"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			m := b.mustCreate("namespace", "n", c.old)
			_, err := b.update(m, c.new)
			wantError(t, err, "UpdateNamespace, https response error StatusCode: 400, RequestID: stand-in, ValidationException: "+
				"1 validation error detected: Value at 'adminUserPassword' failed to satisfy constraint: Member must have length greater than or equal to 8")
		})
	}
	t.Run("the secret goes with a creation that fails", func(t *testing.T) {
		b := start(t)
		before := len(b.account.Resources())
		b.outside.fails = errors.New("Redshift says no")
		_, err := b.create("namespace", "n", managedInputs())
		wantError(t, err, "Redshift says no")
		if after := len(b.account.Resources()); after != before {
			t.Errorf("the account has %d resources, had %d", after, before)
		}
	})
}

func TestPriceTarget(t *testing.T) {
	roomy := func(in props) props { // 37 addresses in each subnet
		return with(in, "enhancedVpcRouting", false, "baseCapacity", nil)
	}
	target := func(enabled bool, level ...any) props {
		p := props{"enabled": enabled}
		if len(level) > 0 {
			p["level"] = level[0]
		}
		return p
	}
	priced := func(level int) props {
		return with(roomy(workgroupInputs()), "pricePerformanceTarget", target(true, level))
	}
	for _, c := range []struct {
		name     string
		old, new props
		want     string // of the update; "" is success
		level    int    // afterwards
	}{
		{"another level", priced(50), priced(1), "", 1},
		{"a level of AWS's", with(priced(1), "pricePerformanceTarget", target(true)), with(priced(1), "pricePerformanceTarget", target(true), "maxCapacity", 64), "", 50},
		{"switched on", workgroupInputs(), with(workgroupInputs(), "baseCapacity", nil, "pricePerformanceTarget", target(true, 25)), "", 25},
		{"left out, it stays", priced(75), with(roomy(workgroupInputs()), "maxCapacity", 32), "", 75},
		{"switched off with a base capacity", priced(50), with(priced(50), "baseCapacity", 8, "pricePerformanceTarget", target(false)), "ValidationException: You can't set the base capacity", 0},
		{"switched off", priced(50), with(priced(50), "pricePerformanceTarget", target(false)), "ValidationException", 0},
		{"a level when it is off", with(workgroupInputs(), "pricePerformanceTarget", target(false, 50)), with(workgroupInputs(), "pricePerformanceTarget", target(false, 50)), "nor a level when it is not", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := world()
			for i := range world.VPCs[0].Subnets {
				world.VPCs[0].Subnets[i].FreeAddresses = 100
			}
			b := startIn(t, world, nil, fakeaws.Options{})
			b.mustCreate("namespace", "n", namespaceInputs())
			m := b.mustCreate("workgroup", "w", c.old)
			if changes, _, err := b.diff(m, c.new); err != nil || len(changes) == 0 {
				t.Fatalf("the preview shows %v, %v; want a change", changes, err)
			}
			_, err := b.update(m, c.new)
			if c.want != "" {
				wantError(t, err, c.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if g, err := b.account.Workgroup("ev-dev"); err != nil || g.PriceTarget != c.level || g.BaseCapacity != -1 {
				t.Errorf("the workgroup has the level %d and %d RPU, %v; want %d and -1", g.PriceTarget, g.BaseCapacity, err, c.level)
			}
		})
	}

	t.Run("a workgroup without a base capacity has one", func(t *testing.T) {
		world := world()
		for i := range world.VPCs[0].Subnets {
			world.VPCs[0].Subnets[i].FreeAddresses = 100
		}
		b := startIn(t, world, nil, fakeaws.Options{})
		b.mustCreate("namespace", "n", namespaceInputs())
		b.mustCreate("workgroup", "w", roomy(workgroupInputs()))
		if g, err := b.account.Workgroup("ev-dev"); err != nil || g.PriceTarget != 50 || g.BaseCapacity != -1 {
			t.Errorf("it has the level %d and %d RPU, %v; want 50 and -1", g.PriceTarget, g.BaseCapacity, err)
		}
	})

	b := start(t)
	b.mustCreate("namespace", "n", namespaceInputs())
	_, err := b.create("workgroup", "w", with(workgroupInputs(), "pricePerformanceTarget", target(true)))
	wantError(t, err, "creating Redshift Serverless Workgroup (ev-dev): base_capacity cannot be set when price_performance_target.enabled is true")
	_, err = b.create("workgroup", "w", priced(60))
	wantError(t, err, "pricePerformanceTarget: expected level to be one of [1 25 50 75 100], got 60")
}

func TestSetSecret(t *testing.T) {
	b := start(t)
	if err := b.account.SetSecret("redshift/admin", `{"username":"evadmin","password":"Other-Password-2"}`); err != nil {
		t.Fatal(err)
	}
	if value, err := b.account.SecretValue("redshift/admin"); err != nil || !strings.Contains(value, "Other-Password-2") {
		t.Errorf("the value was not changed: %v", err)
	}
	found, err := b.look("aws:secretsmanager/getSecretVersion:getSecretVersion", props{"secretId": "redshift/admin", "versionStage": "AWSPREVIOUS"})
	if err != nil || !strings.Contains(found["secretString"].(string), password) {
		t.Errorf("the value before is not kept: %v", err)
	}
	wantError(t, b.account.SetSecret("none", "x"), "ResourceNotFoundException")
	wantError(t, b.account.SetSecret("redshift/admin", ""), "InvalidParameterException")
}
