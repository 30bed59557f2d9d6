package fakeaws_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"example.com/evstream/rehearsal/fakeaws"
)

// inAccount is what AWS has of a resource.
func (b *bench) inAccount(m made) props {
	b.Helper()
	for _, r := range b.account.Resources() {
		if r.Type == string(m.urn.Type()) && r.ID == string(m.id) {
			return r.Properties
		}
	}
	b.Fatalf("AWS has no %s", m.id)
	return nil
}

// A creation of which a later request is refused leaves a resource and, in the state, what was
// planned. The next update finds no difference and only reads; the one after that finds it. A
// refresh in between saves one.
func TestHalfCreated(t *testing.T) {
	encrypted := with(streamInputs(), "retentionPeriod", 48, "encryptionType", "KMS", "kmsKeyId", "alias/x", "tags", props{"a": "b"})
	for _, c := range []struct {
		kind, api string
		in        props
		lacks     props // in AWS
	}{
		{"stream", "IncreaseStreamRetentionPeriod", encrypted, props{"retentionPeriod": 24.0, "encryptionType": "NONE", "tagsAll": props{}}},
		{"stream", "StartStreamEncryption", encrypted, props{"retentionPeriod": 48.0, "encryptionType": "NONE", "tagsAll": props{}}},
		{"stream", "AddTagsToStream", encrypted, props{"encryptionType": "KMS", "tagsAll": props{}}},
		{"topic", "SetTopicAttributes", props{"name": "t", "displayName": "T"}, props{"displayName": nil}},
	} {
		for _, refreshed := range []bool{false, true} {
			name := c.api
			if refreshed {
				name += ", then a refresh"
			}
			t.Run(name, func(t *testing.T) {
				b := start(t)
				asked := b.refuse(c.api, 1)
				m, err := b.create(c.kind, "x", c.in)
				if _, kept := errors.AsType[*plugin.InitError](err); !kept {
					t.Fatalf("the error is %v, want one that keeps the %s", err, c.kind)
				}
				want, got := shown(m.inputs), shown(m.state)
				delete(want, "__defaults")
				delete(got, "tagsAll")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the state is not what was planned (-want +got):\n%s", diff)
				}
				has := b.inAccount(m)
				for key, lacks := range c.lacks {
					if !cmp.Equal(has[key], lacks) {
						t.Errorf("AWS has %s %v, want %v", key, has[key], lacks)
					}
				}

				*asked = nil
				if refreshed {
					m = b.refresh(m)
				} else {
					m = b.mustUpdate(m, c.in)
					if slices.Contains(*asked, c.api) {
						t.Errorf("the next update makes the requests %q, want it to read only", *asked)
					}
				}
				if changes, _, err := b.diff(m, c.in); err != nil || len(changes) == 0 {
					t.Errorf("then the preview shows %v, %v; want what is missing", changes, err)
				}
				m = b.mustUpdate(m, c.in)
				if !slices.Contains(*asked, c.api) {
					t.Errorf("then the requests are %q, want %s among them", *asked, c.api)
				}
				if changes, _, err := b.diff(m, c.in); err != nil || len(changes) > 0 {
					t.Errorf("in the end the preview shows %v, %v", changes, err)
				}
			})
		}
	}
}

// A refused update is in the state all the same, whatever the type. Types of the framework, and
// those that are written again in any case, do not need a refresh.
func TestRefusedUpdateIsInTheState(t *testing.T) {
	role := func(b *bench) { b.mustCreate("role", "r", roleInputs()) }
	namespaced := func(b *bench) { b.mustCreate("namespace", "n", namespaceInputs()) }
	group := made{}
	grouped := func(b *bench) { group = b.mustCreate("group", "g", groupInputs()) }
	for _, c := range []struct {
		kind, api string
		given     func(*bench)
		old, new  func() props
		again     bool // the next update makes the request, without a refresh
	}{
		{"stream", "IncreaseStreamRetentionPeriod", nil, streamInputs, func() props { return with(streamInputs(), "retentionPeriod", 48) }, false},
		{"stream", "AddTagsToStream", nil, streamInputs, func() props { return with(streamInputs(), "tags", props{"a": "b"}) }, false},
		{"role", "UpdateRoleDescription", nil, roleInputs, func() props { return with(roleInputs(), "description", "x") }, false},
		{"namespace", "UpdateNamespace", nil, namespaceInputs, func() props { return with(namespaceInputs(), "logExports", []any{"userlog"}) }, false},
		{"workgroup", "UpdateWorkgroup", namespaced, workgroupInputs, func() props { return with(workgroupInputs(), "baseCapacity", 16) }, false},
		{"alarm", "PutMetricAlarm", nil, func() props { return alarmInputs() }, func() props { return alarmInputs("threshold", 0.5) }, false},
		{"role policy", "PutRolePolicy", role, rolePolicyInputs, func() props { return with(rolePolicyInputs(), "policy", trustless) }, true},
		{"dashboard", "PutDashboard", nil, func() props { return dashboardInputs() }, func() props { return dashboardInputs(widget("text", props{"markdown": "x"})) }, true},
		{"ingress", "ModifySecurityGroupRules", grouped, func() props { return ruleInputs(group) }, func() props { return with(ruleInputs(group), "toPort", 444) }, true},
	} {
		t.Run(c.kind+" "+c.api, func(t *testing.T) {
			b := start(t)
			if c.given != nil {
				c.given(b)
			}
			m := b.mustCreate(c.kind, "x", c.old())
			before := b.inAccount(m)
			asked := b.refuse(c.api, 1)
			m, err := b.update(m, c.new())
			wantError(t, err, "AWS says no")
			if after := b.inAccount(m); !cmp.Equal(before, after) {
				t.Errorf("AWS has it otherwise than before:\n%s", cmp.Diff(before, after))
			}
			stale := b.mustUpdate(m, c.new())
			if again := slices.Contains((*asked)[1:], c.api); again != c.again {
				t.Fatalf("the next update makes the requests %q", (*asked)[1:])
			}
			if left, _, err := b.diff(stale, c.new()); err != nil || (len(left) == 0) != c.again {
				t.Errorf("then the preview shows %v, %v", left, err)
			}

			fresh := b.refresh(m)
			fresh = b.mustUpdate(fresh, c.new())
			if left, _, err := b.diff(fresh, c.new()); err != nil || len(left) > 0 {
				t.Errorf("after an update with a refresh the preview shows %v, %v", left, err)
			}
		})
	}
}

// trustless is another policy than readStream.
const trustless = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:ListStreams","Resource":"*"}]}`

// Of a refused password nothing remains but the state, and a refresh does not show it.
func TestRefusedPassword(t *testing.T) {
	b := start(t)
	m := b.mustCreate("namespace", "n", namespaceInputs())
	changed := with(namespaceInputs(), "adminUserPassword", secret("Other-Password-2"))
	b.refuse("UpdateNamespace", 1)
	m, err := b.update(m, changed)
	wantError(t, err, "AWS says no")
	for range 2 {
		m = b.mustUpdate(b.refresh(m), changed)
		if changes, _, err := b.diff(m, changed); err != nil || len(changes) > 0 {
			t.Errorf("the preview shows %v, %v; want nothing", changes, err)
		}
	}
	if n, err := b.account.Namespace("ev-dev"); err != nil || n.AdminPassword != password {
		t.Errorf("AWS has another password than before: %v", err)
	}
	b.mustUpdate(m, with(changed, "adminUserPassword", secret("Third-Password-3")))
	if n, err := b.account.Namespace("ev-dev"); err != nil || n.AdminPassword != "Third-Password-3" {
		t.Errorf("AWS has not the third password: %v", err)
	}
}

// An import reads neither the password nor who keeps it. AWS is told again.
func TestImportedNamespace(t *testing.T) {
	for name, in := range map[string]props{"a password": namespaceInputs(), "a managed password": managedInputs()} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			m := b.mustCreate("namespace", "n", in)
			found, err := b.engine.Read(t.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"adminUserPassword", "manageAdminPassword"} {
				if found.Inputs.HasValue(resource.PropertyKey(key)) {
					t.Errorf("an import has the input %s", key)
				}
			}
			m.inputs, m.state = found.Inputs, found.Outputs
			m = b.mustUpdate(m, in)
			if changes, _, err := b.diff(m, in); err != nil || len(changes) > 0 {
				t.Errorf("after the import and an update the preview shows %v, %v", changes, err)
			}
		})
	}
}

// A workgroup's settings are changed one after the other, and AWS sees the states between.
func TestOneRequestPerSetting(t *testing.T) {
	world := world()
	world.VPCs[1].Subnets = append(world.VPCs[1].Subnets,
		fakeaws.Subnet{ID: "subnet-3", Zone: "us-east-1b", FreeAddresses: 50}, fakeaws.Subnet{ID: "subnet-4", Zone: "us-east-1c", FreeAddresses: 50})
	world.VPCs[1].Subnets[0].FreeAddresses = 50
	plain := func(changes ...any) props {
		return with(with(workgroupInputs(), "enhancedVpcRouting", nil, "maxCapacity", 32, "subnetIds", []any{"subnet-a", "subnet-b"}), changes...)
	}
	for _, c := range []struct {
		name     string
		old, new props
		group    string // of the VPC that the new security group is in
		want     int    // requests
		refused  string
		left     []string // what the preview shows afterwards
	}{
		{name: "both capacities up", old: plain(), new: plain("baseCapacity", 64, "maxCapacity", 64), want: 2},
		{name: "both capacities down", old: plain("baseCapacity", 16), new: plain("maxCapacity", 8), want: 2},
		{name: "a base over the limit that stays", old: plain(), new: plain("baseCapacity", 64), want: 1, refused: "Invalid max capacity 32"},
		{name: "another base without the limit", old: plain(), new: plain("baseCapacity", 64, "maxCapacity", nil), want: 1, left: []string{"baseCapacity"}},
		{name: "routing, port and access", old: plain("subnetIds", []any{"subnet-a", "subnet-b", "subnet-c"}),
			new:  plain("subnetIds", []any{"subnet-a", "subnet-b", "subnet-c"}, "enhancedVpcRouting", true, "port", 5440, "publiclyAccessible", true),
			want: 3},
		{name: "routing together with the third zone", old: plain(),
			new:  plain("enhancedVpcRouting", true, "subnetIds", []any{"subnet-a", "subnet-b", "subnet-c"}),
			want: 1, refused: "needs 3 subnets in 3 Availability Zones; these are in us-east-1a, us-east-1b."},
		{name: "another VPC", old: plain(), new: plain("subnetIds", []any{"subnet-2", "subnet-3", "subnet-4"}), group: "vpc-2", want: 1, refused: "does not exist in vpc-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startIn(t, world, nil, fakeaws.Options{})
			b.mustCreate("namespace", "n", namespaceInputs())
			m := b.mustCreate("workgroup", "w", c.old)
			in := c.new
			if c.group != "" {
				in = with(in, "securityGroupIds", []any{string(b.mustCreate("group", "g", with(groupInputs(), "vpcId", c.group)).id)})
			}
			asked := b.refuse("", 0)
			m, err := b.update(m, in)
			if c.refused != "" {
				wantError(t, err, c.refused)
			} else if err != nil {
				t.Fatal(err)
			}
			if len(*asked) != c.want || slices.ContainsFunc(*asked, func(api string) bool { return api != "UpdateWorkgroup" }) {
				t.Errorf("the requests are %q, want %d", *asked, c.want)
			}
			changes, _, err := b.diff(m, in)
			if got := slices.Sorted(maps.Keys(changes)); err != nil || !slices.Equal(got, c.left) {
				t.Errorf("then the preview shows %v, %v; want %v", got, err, c.left)
			}
		})
	}

	t.Run("the second request is refused", func(t *testing.T) {
		b := startIn(t, world, nil, fakeaws.Options{})
		b.mustCreate("namespace", "n", namespaceInputs())
		m := b.mustCreate("workgroup", "w", plain())
		in := plain("baseCapacity", 16, "port", 5440)
		b.refuse("UpdateWorkgroup", 2)
		m, err := b.update(m, in)
		wantError(t, err, "AWS says no")
		if g, err := b.account.Workgroup("ev-dev"); err != nil || g.BaseCapacity != 16 || g.Port != 5439 {
			t.Errorf("AWS has %d RPU and the port %d, %v; want the first change alone", g.BaseCapacity, g.Port, err)
		}
		m = b.mustUpdate(b.refresh(m), in)
		if g, err := b.account.Workgroup("ev-dev"); err != nil || g.Port != 5440 {
			t.Errorf("with a refresh the port is %d, %v", g.Port, err)
		}
		if changes, _, err := b.diff(m, in); err != nil || len(changes) > 0 {
			t.Errorf("then the preview shows %v, %v", changes, err)
		}
	})
}

// What is there already under the name: AWS overwrites it, answers with it, or refuses.
func TestCreatedAgain(t *testing.T) {
	b := start(t)
	b.mustCreate("role", "r", roleInputs())
	b.mustCreate("topic", "t", props{"name": "alarms", "tags": props{"a": "b"}})
	topic := "arn:aws:sns:us-east-1:123456789012:alarms"
	b.mustCreate("namespace", "n", namespaceInputs())
	for _, c := range []struct {
		name, kind    string
		first, second props
		refused       string // "" is that both are one
	}{
		{name: "an alarm", kind: "alarm", first: alarmInputs(), second: alarmInputs("threshold", 0.5)},
		{name: "a dashboard", kind: "dashboard", first: dashboardInputs(), second: dashboardInputs(widget("text", props{"markdown": "x"}))},
		{name: "a role policy", kind: "role policy", first: rolePolicyInputs(), second: with(rolePolicyInputs(), "policy", trustless)},
		{name: "a topic", kind: "topic", first: props{"name": "x", "tags": props{"a": "b"}}, second: props{"name": "x", "tags": props{"a": "b"}}},
		{name: "a topic without tags", kind: "topic", first: props{"name": "y", "tags": props{"a": "b"}}, second: props{"name": "y"}},
		{name: "a topic with more tags", kind: "topic", first: props{"name": "z"}, second: props{"name": "z", "tags": props{"a": "b"}},
			refused: "InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with different tags"},
		{name: "a queue", kind: "queue", first: queueInputs(), second: queueInputs()},
		{name: "a queue with another attribute", kind: "queue", first: props{"name": "q"}, second: props{"name": "q", "delaySeconds": 1},
			refused: "QueueAlreadyExists: A queue already exists with the same name and a different value for attribute DelaySeconds"},
		{name: "a subscription", kind: "subscription", first: props{"topic": topic, "protocol": "email", "endpoint": "a@b.c"},
			second: props{"topic": topic, "protocol": "email", "endpoint": "a@b.c"}},
		{name: "a workgroup", kind: "workgroup", first: workgroupInputs(), second: workgroupInputs(), refused: "ConflictException"},
		{name: "a group of a name", kind: "group", first: with(groupInputs(), "name", "g"), second: with(groupInputs(), "name", "g"), refused: "InvalidGroup.Duplicate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := b.mustCreate(c.kind, "x", c.first)
			second, err := b.create(c.kind, "x", c.second)
			if c.refused != "" {
				wantError(t, err, c.refused)
				return
			}
			if err != nil || second.id != first.id {
				t.Errorf("the second is %s, %v; want the first, %s", second.id, err, first.id)
			}
		})
	}

	// The names that the provider makes up differ, so that there are two.
	if first, second := b.mustCreate("group", "g", groupInputs()), b.mustCreate("group", "g", groupInputs()); first.id == second.id {
		t.Error("a group without a name is made once")
	}
}

// A group lets everything out until the provider has taken AWS's rule away; a rule is not
// recorded before it has its tags.
func TestGroupsAndRulesHalfCreated(t *testing.T) {
	b := start(t)
	b.refuse("RevokeSecurityGroupEgress", 1)
	group, err := b.create("group", "g", groupInputs())
	wantError(t, err, "AWS says no")
	rules := func() (found []fakeaws.Resource) {
		for _, r := range b.account.Resources() {
			if r.Properties["securityGroupId"] == string(group.id) {
				found = append(found, r)
			}
		}
		return found
	}
	group = b.mustUpdate(b.refresh(group), groupInputs())
	if found := rules(); len(found) != 1 || found[0].Properties["ipProtocol"] != "-1" {
		t.Errorf("after a refresh and an update the group has the rules %v, want AWS's", found)
	}
	b.mustDelete(group)

	group = b.mustCreate("group", "h", groupInputs())
	if found := rules(); len(found) > 0 {
		t.Errorf("a new group has the rules %v", found)
	}
	b.refuse("CreateTags", 1)
	in := with(ruleInputs(group), "tags", props{"a": "b"})
	_, err = b.create("egress", "e", in)
	if _, kept := errors.AsType[*plugin.InitError](err); err == nil || kept {
		t.Errorf("the error is %v, want one that does not keep the rule", err)
	}
	if found := rules(); len(found) != 1 {
		t.Errorf("the group has the rules %v, want the one without tags", found)
	}
	_, err = b.create("egress", "e", in)
	wantError(t, err, "InvalidPermission.Duplicate")
}
