package infra_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWaysToTheStream shows what a person is told about the way that Redshift's
// traffic takes to Kinesis and STS.
func TestWaysToTheStream(t *testing.T) {
	const (
		kinesis = "com.amazonaws.us-east-1.kinesis-streams"
		sts     = "com.amazonaws.us-east-1.sts"
		named   = `["subnet-000000000000000a","subnet-000000000000000b","subnet-000000000000000c"]`

		stranded = "warning: enhancedVpcRouting is true, but subnet-000000000000000a, subnet-000000000000000b, subnet-000000000000000c has no default route " +
			"to a NAT or transit gateway, and no endpoint in vpc-0a1b2c3d4e5f60718"
	)
	noRoute := func(v *vpc) { v.tables["rtb-main"] = nil }
	with := func(endpoints ...endpoint) func(*vpc) {
		return func(v *vpc) { noRoute(v); v.endpoints = endpoints }
	}
	for _, c := range []struct {
		name     string
		settings map[string]string
		change   func(*vpc)
		want     []string // in each message
	}{
		{"a NAT gateway", nil, func(*vpc) {}, nil},
		{"named subnets behind a NAT gateway", map[string]string{"subnetIds": named}, func(*vpc) {}, nil},
		{"named subnets without a route", map[string]string{"subnetIds": named}, noRoute,
			[]string{stranded + " answers for " + kinesis + " and " + sts + ": Redshift may not"}},
		{"one of the named subnets public", map[string]string{"subnetIds": strings.Replace(named, "0a", "0d", 1)},
			func(v *vpc) { v.subnets[2].zone = "us-east-1a" }, []string{"warning: enhancedVpcRouting is true, but subnet-000000000000000d has no"}},
		{"a NAT instance", map[string]string{"subnetIds": named},
			func(v *vpc) {
				v.tables["rtb-main"] = []map[string]any{{"cidrBlock": "0.0.0.0/0", "networkInterfaceId": "eni-1"}}
			}, nil},
		{"without enhanced routing", map[string]string{"subnetIds": named, "enhancedVpcRouting": "false"}, noRoute, nil},
		{"endpoints of others", map[string]string{"subnetIds": named}, with(endpoint{id: "vpce-1", service: kinesis}, endpoint{id: "vpce-2", service: sts}), nil},
		{"an endpoint for Kinesis alone", map[string]string{"subnetIds": named}, with(endpoint{id: "vpce-1", service: kinesis}),
			[]string{stranded + " answers for " + sts + ": Redshift may not"}},
		{"an endpoint without the service's name", map[string]string{"subnetIds": named}, with(endpoint{id: "vpce-1", service: kinesis, nameless: true}),
			[]string{stranded + " answers for " + kinesis + " and " + sts + ": Redshift may not"}},
		{"an endpoint for STS alone", map[string]string{"subnetIds": named}, with(endpoint{id: "vpce-1", service: sts}),
			[]string{stranded + " answers for " + kinesis + ": Redshift may not"}},
		{"endpoints to be made", map[string]string{"createVpcEndpoints": "true"}, with(), []string{
			"info: VPC vpc-0a1b2c3d4e5f60718 has no private subnet with egress: the workgroup and its endpoints go into the isolated subnet-000000000000000a, ",
			"warning: createVpcEndpoints: the endpoints will answer for kinesis-streams and sts in all of vpc-0a1b2c3d4e5f60718",
		}},
		{"endpoints in subnets with egress", map[string]string{"createVpcEndpoints": "true"}, func(*vpc) {},
			[]string{"warning: createVpcEndpoints: the endpoints will answer"}},
		{"endpoints next to one without the service's name", map[string]string{"createVpcEndpoints": "true", "subnetIds": named},
			with(endpoint{id: "vpce-1", service: kinesis, nameless: true}), []string{"warning: createVpcEndpoints"}},
		{"endpoints that this stack made", map[string]string{"createVpcEndpoints": "true", "subnetIds": named},
			with(endpoint{id: "vpce-1", service: kinesis, stack: "dev"}, endpoint{id: "vpce-2", service: sts, stack: "dev"}), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := example()
			c.change(&a.vpcs[0])
			made, err := deploy(t, a, c.settings, preview)
			if err != nil {
				t.Fatal(err)
			}
			if len(made.said) != len(c.want) {
				t.Fatalf("it says %q, want %q", made.said, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(made.said[i], want) {
					t.Errorf("it says %q, want %q", made.said[i], want)
				}
			}
		})
	}
}

// TestEndpointsTakeASubnetPerZone: an endpoint takes one subnet in a zone, however
// many the workgroup is in, and needs addresses only there.
func TestEndpointsTakeASubnetPerZone(t *testing.T) {
	a := example()
	a.vpcs[0].subnets = append(a.vpcs[0].subnets, subnet{id: "subnet-000000000000000e", zone: "us-east-1a", free: 9})
	made, err := deploy(t, a, map[string]string{"createVpcEndpoints": "true"})
	if err != nil {
		t.Fatal(err)
	}
	want := []any{"subnet-000000000000000a", "subnet-000000000000000b", "subnet-000000000000000c"}
	for _, name := range []string{"kinesis-streams", "sts"} {
		if diff := cmp.Diff(want, made.get(t, "aws:ec2/vpcEndpoint:VpcEndpoint", name).Inputs["subnetIds"]); diff != "" {
			t.Errorf("subnets of %s: -want +got\n%s", name, diff)
		}
	}
	if group := made.get(t, "aws:redshiftserverless/workgroup:Workgroup", "warehouse").Inputs["subnetIds"].([]any); !slices.Contains(group, any("subnet-000000000000000e")) {
		t.Errorf("the workgroup is in %v, want it in both subnets of the zone", group)
	}
}
