package fakeaws_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/rehearsal/fakeaws"
)

const kinesisEndpoint = "com.amazonaws.us-east-1.kinesis-streams"

func endpointInputs() props {
	return props{
		"vpcId": "vpc-1", "serviceName": kinesisEndpoint, "vpcEndpointType": "Interface", "privateDnsEnabled": true,
		"subnetIds": []any{"subnet-a", "subnet-b", "subnet-c"},
	}
}

func TestVpcEndpoint(t *testing.T) {
	b := start(t)
	group := b.mustCreate("group", "g", groupInputs())
	m := b.mustCreate("endpoint", "kinesis", with(endpointInputs(), "securityGroupIds", []any{string(group.id)}))
	state := shown(m.state)
	if len(state["networkInterfaceIds"].([]any)) != 3 || len(state["dnsEntries"].([]any)) != 5 {
		t.Errorf("the endpoint has the interfaces %v and the names %v", state["networkInterfaceIds"], state["dnsEntries"])
	}
	delete(state, "networkInterfaceIds")
	delete(state, "dnsEntries")
	want := props{
		"arn": "arn:aws:ec2:us-east-1:123456789012:vpc-endpoint/" + string(m.id), "ownerId": "123456789012", "state": "available",
		"vpcId": "vpc-1", "serviceName": kinesisEndpoint, "vpcEndpointType": "Interface", "privateDnsEnabled": true, "ipAddressType": "ipv4",
		"requesterManaged": false, "subnetIds": []any{"subnet-a", "subnet-b", "subnet-c"}, "securityGroupIds": []any{string(group.id)},
		"policy": `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`, "tagsAll": props{},
	}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}

	subnet, err := b.look("aws:ec2/getSubnet:getSubnet", props{"id": "subnet-a"})
	if err != nil || subnet["availableIpAddressCount"] != 29.0 {
		t.Errorf("an endpoint leaves %v of 30 addresses, %v; want 29", subnet["availableIpAddressCount"], err)
	}
	found, err := b.look("aws:ec2/getVpcEndpoint:getVpcEndpoint", props{"vpcId": "vpc-1", "serviceName": kinesisEndpoint})
	if err != nil || found["id"] != string(m.id) || found["privateDnsEnabled"] != true {
		t.Errorf("the lookup finds %v with private DNS %v, %v", found["id"], found["privateDnsEnabled"], err)
	}
	_, err = b.look("aws:ec2/getVpcEndpoint:getVpcEndpoint", props{"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-east-1.sts"})
	wantError(t, err, "invoking aws:ec2/getVpcEndpoint:getVpcEndpoint: 1 error occurred:\n\t* no matching EC2 VPC Endpoint found")

	for name, c := range map[string]struct {
		change []any
		want   map[string]string
	}{
		"a policy":     {[]any{"policy", `{"Statement":[]}`}, map[string]string{"policy": "update"}},
		"its subnets":  {[]any{"subnetIds", []any{"subnet-a"}}, map[string]string{"subnetIds": "update"}},
		"private DNS":  {[]any{"privateDnsEnabled", false}, map[string]string{"privateDnsEnabled": "update"}},
		"the service":  {[]any{"serviceName", "com.amazonaws.us-east-1.sts"}, map[string]string{"serviceName": "update-replace"}},
		"the VPC":      {[]any{"vpcId", "vpc-2"}, map[string]string{"vpcId": "update-replace"}},
		"no own group": {[]any{"securityGroupIds", nil}, nil},
	} {
		got, _, err := b.diff(m, with(endpointInputs(), append([]any{"securityGroupIds", []any{string(group.id)}}, c.change...)...))
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("a change of %s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	m = b.mustUpdate(m, with(endpointInputs(), "subnetIds", []any{"subnet-a"}))

	wantError(t, b.delete(group), "DependencyViolation")
	b.mustDelete(m)
	b.mustDelete(group)
}

func TestVpcEndpointRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		world  func(*fakeaws.VPC) // nil is the ordinary one
		change []any
		want   string
	}{
		{"no type is a gateway", nil, []any{"vpcEndpointType", nil}, "does not support an endpoint of the type Gateway, the provider's default"},
		{"another VPC", nil, []any{"vpcId", "vpc-9"}, "InvalidVpcId.NotFound"},
		{"a service's short name", nil, []any{"serviceName", "kinesis"}, "InvalidServiceName: The Vpc Endpoint Service 'kinesis' does not exist"},
		{"a service in another region", nil, []any{"serviceName", "com.amazonaws.eu-west-1.kinesis-streams"}, "InvalidServiceName"},
		{"a subnet that is not there", nil, []any{"subnetIds", []any{"subnet-9"}}, "InvalidSubnetId.NotFound"},
		{"a subnet of another VPC", nil, []any{"subnetIds", []any{"subnet-2"}}, "The subnet subnet-2 is not in the VPC vpc-1"},
		{"two subnets of a zone", nil, []any{"subnetIds", []any{"subnet-c", "subnet-p"}}, "DuplicateSubnetsInSameZone"},
		{"a full subnet", func(v *fakeaws.VPC) { v.Subnets[0].FreeAddresses = 0 }, nil, "InsufficientFreeAddressesInSubnet: The subnet subnet-a"},
		{"a group that is not there", nil, []any{"securityGroupIds", []any{"sg-9"}}, "InvalidGroup.NotFound"},
		{"private DNS without host names", func(v *fakeaws.VPC) { v.NoDNSHostnames = true }, nil, "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames"},
		{"private DNS without DNS", func(v *fakeaws.VPC) { v.NoDNSSupport = true }, nil, "Enabling private DNS requires both"},
		{"private DNS twice", func(v *fakeaws.VPC) {
			v.Endpoints = []fakeaws.Endpoint{{Service: "kinesis-streams", PrivateDNS: true}}
		}, nil, "there is already a conflicting DNS domain for " + kinesisEndpoint + " in the VPC vpc-1"},
		{"a policy without a principal", nil, []any{"policy", readStream}, "InvalidPolicyDocument: Missing required field Principal"},
		{"a policy that is no JSON", nil, []any{"policy", "{"}, "contains an invalid JSON policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world()
			if c.world != nil {
				c.world(&w.VPCs[0])
			}
			b := startIn(t, w, nil, fakeaws.Options{})
			_, err := b.create("endpoint", "e", with(endpointInputs(), c.change...))
			wantError(t, err, c.want)
		})
	}
}

// What a VPC and its endpoints look like to a program that only looks.
func TestNetworkLookups(t *testing.T) {
	w := world()
	w.VPCs[0].NoDNSHostnames = true
	w.VPCs[0].Endpoints = []fakeaws.Endpoint{{ID: "vpce-1", Service: "sts", SubnetIDs: []string{"subnet-a"}}}
	w.Streams = []fakeaws.Stream{{Name: "there-before", Mode: "PROVISIONED", Shards: 2, RetentionHours: 48, Tags: map[string]string{"a": "b"}}}
	b := startIn(t, w, nil, fakeaws.Options{})

	vpc, err := b.look("aws:ec2/getVpc:getVpc", props{"id": "vpc-1"})
	if err != nil || vpc["enableDnsHostnames"] != false || vpc["enableDnsSupport"] != true {
		t.Errorf("the VPC has DNS host names %v and DNS %v, %v", vpc["enableDnsHostnames"], vpc["enableDnsSupport"], err)
	}
	endpoint, err := b.look("aws:ec2/getVpcEndpoint:getVpcEndpoint", props{"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-east-1.sts"})
	if err != nil || endpoint["id"] != "vpce-1" || !cmp.Equal(endpoint["subnetIds"], []any{"subnet-a"}) {
		t.Errorf("the endpoint is %v in %v, %v", endpoint["id"], endpoint["subnetIds"], err)
	}
	stream, err := b.look("aws:kinesis/getStream:getStream", props{"name": "there-before"})
	if err != nil {
		t.Fatal(err)
	}
	delete(stream, "creationTimestamp")
	want := props{
		"id": "arn:aws:kinesis:us-east-1:123456789012:stream/there-before", "arn": "arn:aws:kinesis:us-east-1:123456789012:stream/there-before",
		"name": "there-before", "status": "ACTIVE", "encryptionType": "NONE", "kmsKeyId": "", "retentionPeriod": 48.0, "tags": props{"a": "b"},
		"streamModeDetails": []any{props{"streamMode": "PROVISIONED"}}, "shardLevelMetrics": []any{}, "closedShards": []any{},
		"openShards": []any{"shardId-000000000000", "shardId-000000000001"},
	}
	if diff := cmp.Diff(want, stream); diff != "" {
		t.Errorf("the stream (-want +got):\n%s", diff)
	}
	_, err = b.look("aws:kinesis/getStream:getStream", props{"name": "none"})
	wantError(t, err, "reading Kinesis Stream (none): couldn't find resource")
	_, err = b.create("stream", "s", with(streamInputs(), "name", "there-before"))
	wantError(t, err, "ResourceInUseException")

	for name, world := range map[string]fakeaws.World{
		"an endpoint for no service": {VPCs: []fakeaws.VPC{{Endpoints: []fakeaws.Endpoint{{Service: "s3express"}}}}},
		"shards on demand":           {Streams: []fakeaws.Stream{{Name: "s", Shards: 1}}},
	} {
		if _, err := fakeaws.NewAccount(world); err == nil {
			t.Errorf("%s can't be, but was made", name)
		}
	}
}

// Whether a workgroup's action comes to the service, by the ways that its VPC has.
func TestEgress(t *testing.T) {
	const everyone = `"Principal":"*","Resource":"*"`
	policy := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + rest + `}]}`
	}
	isolated := []any{"subnetIds", []any{"subnet-a", "subnet-b", "subnet-i"}}
	endpoint := func(e fakeaws.Endpoint) func(*fakeaws.VPC) {
		e.Service, e.PrivateDNS = "kinesis-streams", true
		return func(v *fakeaws.VPC) { v.Endpoints = append(v.Endpoints, e) }
	}
	noRule := func(b *bench) string { return string(b.mustCreate("group", "g", groupInputs()).id) }
	rule := func(changes ...any) func(*bench) string {
		return func(b *bench) string {
			group := b.mustCreate("group", "g", groupInputs())
			b.mustCreate("egress", "e", with(ruleInputs(group), changes...))
			return string(group.id)
		}
	}
	for _, c := range []struct {
		name  string
		world func(*fakeaws.VPC)  // nil is the ordinary one, without endpoints
		group func(*bench) string // nil is the VPC's default group
		in    []any
		want  string // "" is yes
	}{
		{"through the VPC's default group", nil, nil, nil, ""},
		{"without enhanced routing", nil, noRule, []any{"enhancedVpcRouting", false}, ""},
		{"through a group of its own without a rule", nil, noRule, nil, "lets port 443 out to 0.0.0.0/0"},
		{"through a rule", nil, rule(), nil, ""},
		{"through a rule for another port", nil, rule("toPort", 5439, "fromPort", 5439), nil, "lets port 443 out to 0.0.0.0/0"},
		{"from a subnet without a way out", nil, nil, isolated, "subnet-i has no default route: its route table is rtb-isolated"},

		{"to an endpoint from a subnet without a way out", endpoint(fakeaws.Endpoint{}), nil, isolated, ""},
		{"to an endpoint through a rule for the VPC", endpoint(fakeaws.Endpoint{}), rule("cidrIpv4", "10.1.0.0/16"), isolated, ""},
		{"to an endpoint without a rule", endpoint(fakeaws.Endpoint{}), noRule, isolated, "lets port 443 out to the endpoint vpce-"},
		{"to an endpoint through a rule for elsewhere", endpoint(fakeaws.Endpoint{}), rule("cidrIpv4", "10.2.0.0/16"), isolated, "lets port 443 out to the endpoint vpce-"},
		{"to an endpoint without private DNS", func(v *fakeaws.VPC) {
			v.Endpoints = []fakeaws.Endpoint{{Service: "kinesis-streams"}}
		}, nil, isolated, "subnet-i has no default route"},
		{"to an endpoint of another service", func(v *fakeaws.VPC) {
			v.Endpoints = []fakeaws.Endpoint{{Service: "sts", PrivateDNS: true}}
		}, nil, isolated, "subnet-i has no default route"},
		{"to an endpoint that does not admit the VPC", func(v *fakeaws.VPC) {
			endpoint(fakeaws.Endpoint{})(v)
			v.CIDR = "10.99.0.0/16" // what its group admits
		}, nil, isolated, "admits port 443 from subnet-a, in which the workgroup is, to the endpoint vpce-"},
		{"to an endpoint whose policy allows it", endpoint(fakeaws.Endpoint{Policy: policy(`"Action":"kinesis:Get*",` + everyone)}), nil, isolated, ""},
		{"to an endpoint whose policy does not", endpoint(fakeaws.Endpoint{Policy: policy(`"Action":"kinesis:List*",` + everyone)}), nil, isolated, "because no VPC endpoint policy allows the kinesis:GetRecords action"},
		{"an endpoint binds even where there is a way out", endpoint(fakeaws.Endpoint{Policy: policy(`"Action":"kinesis:List*",` + everyone)}), nil, nil, "no VPC endpoint policy allows"},
		{"a policy for the role", endpoint(fakeaws.Endpoint{Policy: policy(`"Action":"*","Resource":"*","Principal":{"AWS":"` + roleARN + `"}`)}), nil, nil, ""},
		{"a policy for the account", endpoint(fakeaws.Endpoint{Policy: policy(`"Action":"*","Resource":"*","Principal":{"AWS":"arn:aws:iam::123456789012:root"}`)}), nil, nil, ""},
		{"a policy for another role", endpoint(fakeaws.Endpoint{Policy: policy(`"Action":"*","Resource":"*","Principal":{"AWS":"` + roleARN + `2"}`)}), nil, nil, "no VPC endpoint policy allows"},
		{"a policy with a condition on the role", endpoint(fakeaws.Endpoint{
			Policy: policy(`"Action":"*",` + everyone + `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"` + roleARN + `"}}`),
		}), nil, nil, ""},
		{"a policy with a condition on another account", endpoint(fakeaws.Endpoint{
			Policy: policy(`"Action":"*",` + everyone + `,"Condition":{"StringEquals":{"aws:PrincipalAccount":"210987654321"}}`),
		}), nil, nil, "no VPC endpoint policy allows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world()
			if c.world != nil {
				c.world(&w.VPCs[0])
			}
			b := startIn(t, w, nil, fakeaws.Options{})
			b.mustCreate("namespace", "n", namespaceInputs())
			in := with(workgroupInputs(), c.in...)
			if c.group != nil {
				in["securityGroupIds"] = []any{c.group(b)}
			}
			b.mustCreate("workgroup", "w", in)
			err := b.account.Egress("ev-dev", roleARN, "kinesis:GetRecords", streamARN)
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	b := start(t)
	wantError(t, b.account.Egress("none", roleARN, "kinesis:GetRecords", streamARN), "there is no workgroup none")
}

// An endpoint and the groups of a program: the endpoint's admits the warehouse's, the
// warehouse's lets out to the endpoint's.
func TestEgressBetweenGroups(t *testing.T) {
	b := start(t)
	warehouse, doors := b.mustCreate("group", "warehouse", groupInputs()), b.mustCreate("group", "doors", groupInputs())
	b.mustCreate("egress", "out", with(ruleInputs(warehouse), "cidrIpv4", nil, "referencedSecurityGroupId", string(doors.id)))
	b.mustCreate("namespace", "n", namespaceInputs())
	b.mustCreate("workgroup", "w", with(workgroupInputs(), "securityGroupIds", []any{string(warehouse.id)}))
	b.mustCreate("endpoint", "kinesis", with(endpointInputs(), "securityGroupIds", []any{string(doors.id)}))

	egress := func() error { return b.account.Egress("ev-dev", roleARN, "kinesis:GetRecords", streamARN) }
	wantError(t, egress(), "no ingress rule of "+string(doors.id)+" admits port 443")
	b.mustCreate("ingress", "in", with(ruleInputs(doors), "cidrIpv4", nil, "referencedSecurityGroupId", string(warehouse.id)))
	if err := egress(); err != nil {
		t.Error(err)
	}
	assume := func() error { return b.account.Egress("ev-dev", roleARN, "sts:AssumeRole", roleARN) }
	wantError(t, assume(), "lets port 443 out to 0.0.0.0/0")
	statement := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"` + roleARN + `"},"Action":"sts:AssumeRole","Resource":"*"}]}`
	sts := with(endpointInputs(), "serviceName", "com.amazonaws.us-east-1.sts", "securityGroupIds", []any{string(doors.id)}, "policy", statement)
	m := b.mustCreate("endpoint", "sts", sts)
	wantError(t, assume(), "Redshift is not authorized to perform: sts:AssumeRole") // the role does not ask for itself
	b.mustUpdate(m, with(sts, "policy", strings.Replace(statement, `{"AWS":"`+roleARN+`"}`, `"*"`, 1)))
	if err := assume(); err != nil {
		t.Error(err)
	}
	wantError(t, b.account.Egress("ev-dev", roleARN, "s3:GetObject", "*"), "does not know the network way of s3:GetObject")
}

// Conditions in a trust policy, as they protect a role from being used for others.
func TestConditions(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/scheduled"
	const group = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"
	condition := func(condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
			`"Principal":{"Service":["scheduler.amazonaws.com","redshift.amazonaws.com"]},"Condition":` + condition + `}]}`
	}
	for _, c := range []struct {
		name, condition, service string
		want                     string // "" is yes
	}{
		{"the account", `{"StringEquals":{"aws:SourceAccount":"123456789012"}}`, "scheduler.amazonaws.com", ""},
		{"one of two accounts", `{"StringEquals":{"AWS:sourceaccount":["210987654321","123456789012"]}}`, "scheduler.amazonaws.com", ""},
		{"the schedule's group", `{"ArnEquals":{"aws:SourceArn":"` + group + `"}}`, "scheduler.amazonaws.com", ""},
		{"both", `{"StringEquals":{"aws:SourceAccount":"123456789012","aws:SourceArn":"` + group + `"}}`, "scheduler.amazonaws.com", ""},
		{"a pattern", `{"ArnLike":{"aws:SourceArn":"arn:aws:scheduler:*:123456789012:schedule-group/*"}}`, "scheduler.amazonaws.com", ""},
		{"another account", `{"StringEquals":{"aws:SourceAccount":"210987654321"}}`, "scheduler.amazonaws.com", "its trust policy does not allow it"},
		{"the schedule instead of its group", `{"ArnLike":{"aws:SourceArn":"arn:aws:scheduler:us-east-1:123456789012:schedule/default/*"}}`, "scheduler.amazonaws.com", "its trust policy does not allow it"},
		{"a pattern that is taken literally", `{"StringEquals":{"aws:SourceAccount":"*"}}`, "scheduler.amazonaws.com", "its trust policy does not allow it"},
		{"Redshift, which says nothing of the account", `{"StringEquals":{"aws:SourceAccount":"123456789012"}}`, "redshift.amazonaws.com", "its trust policy does not allow it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			b.mustCreate("role", "r", props{"name": "scheduled", "assumeRolePolicy": condition(c.condition)})
			err := b.account.Authorize(role, c.service, "sts:AssumeRole", role)
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range []struct{ name, document, want string }{
		{"an operator", condition(`{"Bool":{"aws:SecureTransport":"true"}}`), "does not support the condition operator Bool"},
		{"a key", condition(`{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`), "does not support the condition key aws:RequestedRegion"},
		{"a person as principal", strings.Replace(trust, `"Service":`, `"AWS":"123456789012","Service":`, 1), "only services as principals"},
	} {
		t.Run("not supported: "+c.name, func(t *testing.T) {
			_, err := start(t).create("role", "r", with(roleInputs(), "assumeRolePolicy", c.document))
			wantError(t, err, c.want)
		})
	}
}
