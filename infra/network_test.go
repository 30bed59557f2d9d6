package infra

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/ec2"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/warehouse"
)

const (
	kinesisEndpoint = "com.amazonaws.us-east-1.kinesis-streams"
	stsEndpoint     = "com.amazonaws.us-east-1.sts"
)

// networkFacts are a VPC with three private subnets, a, b and c, and a public one, d.
func networkFacts() *facts {
	f := &facts{
		scope:       answer[arn.Scope]{is: arn.Scope{Partition: "aws", Region: "us-east-1", Account: "123456789012"}},
		vpc:         answer[*ec2.VPC]{is: &ec2.VPC{ID: exampleVPC, MainRouteTableID: "rtb-main", EnableDNSSupport: true, EnableDNSHostnames: true}},
		routeTables: answer[[]string]{is: []string{"rtb-main", "rtb-public"}},
		routes: []answer[*ec2.RouteTable]{
			{is: &ec2.RouteTable{Routes: []ec2.Route{{CIDRBlock: everywhere, NATGatewayID: "nat-0a"}}}},
			{is: &ec2.RouteTable{Routes: []ec2.Route{{CIDRBlock: everywhere, GatewayID: "igw-0a"}}, Associations: []ec2.Association{{SubnetID: subnet("d")}}}},
		},
		endpoints: map[string]endpointFacts{},
	}
	for i, letter := range []string{"a", "b", "c", "d"} {
		f.addSubnet(&ec2.Subnet{ID: subnet(letter), VPCID: exampleVPC, AvailabilityZone: "us-east-1" + string("abca"[i]), AvailableIPAddressCount: 200})
	}
	return f
}

func (f *facts) addSubnet(s *ec2.Subnet) {
	f.subnetIDs.is = append(f.subnetIDs.is, s.ID)
	f.subnets = append(f.subnets, answer[*ec2.Subnet]{is: s})
}

// enhanced are the settings of a workgroup with enhanced routing.
func enhanced() settings {
	var s settings
	s.Warehouse.Workgroup = warehouse.WorkgroupArgs{Name: "wg", BaseCapacity: 8, EnhancedVPCRouting: true}
	return s
}

// TestFactsAreRead: what the lookups of the example account answer is what the rules
// know of it.
func TestFactsAreRead(t *testing.T) {
	a := example()
	made := mustDeploy(t, a, nil, preview)
	chosen := chooseNetwork(enhanced(), networkFacts(), &report.Report{})
	want := []any{}
	for _, id := range chosen.SubnetIDs() {
		want = append(want, id)
	}
	if diff := cmp.Diff(want, made.get(t, "aws:redshiftserverless/workgroup:Workgroup", "warehouse").Inputs["subnetIds"]); diff != "" {
		t.Errorf("the facts of this test choose other subnets than the program does: -facts +program\n%s", diff)
	}
}

// TestSubnets shows the rule by which the workgroup's subnets are chosen: that
// of the CDK's VPC lookup.
func TestSubnets(t *testing.T) {
	toNAT := ec2.Route{CIDRBlock: everywhere, NATGatewayID: "nat-1"}
	tag := func(kind string) map[string]string { return map[string]string{"aws-cdk:subnet-type": kind} }
	for _, c := range []struct {
		name   string
		subnet ec2.Subnet
		routes []ec2.Route
		want   bool
	}{
		{"default route to a NAT gateway", ec2.Subnet{}, []ec2.Route{toNAT}, true},
		{"default route to a transit gateway", ec2.Subnet{}, []ec2.Route{{CIDRBlock: everywhere, TransitGatewayID: "tgw-1"}}, true},
		{"narrow route to a NAT gateway", ec2.Subnet{}, []ec2.Route{{CIDRBlock: "10.0.0.0/8", NATGatewayID: "nat-1"}}, false},
		{"any route to an internet gateway", ec2.Subnet{}, []ec2.Route{{CIDRBlock: "192.0.2.0/24", GatewayID: "igw-1"}, toNAT}, false},
		{"default route to a NAT instance", ec2.Subnet{}, []ec2.Route{{CIDRBlock: everywhere}}, false},
		{"default route to a virtual private gateway", ec2.Subnet{}, []ec2.Route{{CIDRBlock: everywhere, GatewayID: "vgw-1"}}, false},
		{"no route", ec2.Subnet{}, nil, false},
		{"gives out public addresses", ec2.Subnet{MapPublicIPOnLaunch: true}, []ec2.Route{toNAT}, false},
		{"tagged Private, routed to the internet", ec2.Subnet{Tags: tag("Private"), MapPublicIPOnLaunch: true}, []ec2.Route{{CIDRBlock: everywhere, GatewayID: "igw-1"}}, true},
		{"tagged Isolated, routed to a NAT gateway", ec2.Subnet{Tags: tag("Isolated")}, []ec2.Route{toNAT}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := networkFacts()
			c.subnet.ID, c.subnet.VPCID, c.subnet.AvailabilityZone, c.subnet.AvailableIPAddressCount = subnet("f"), exampleVPC, "us-east-1f", 100
			f.addSubnet(&c.subnet)
			f.routeTables.is = append(f.routeTables.is, "rtb-own")
			f.routes = append(f.routes, answer[*ec2.RouteTable]{is: &ec2.RouteTable{Routes: c.routes, Associations: []ec2.Association{{SubnetID: subnet("f")}}}})
			var r report.Report
			chosen := chooseNetwork(enhanced(), f, &r).SubnetIDs()
			if got := slices.Contains(chosen, subnet("f")); got != c.want || len(r.Problems()) > 0 {
				t.Errorf("chosen = %t, want %t; the workgroup is in %v, and wrong are %q", got, c.want, chosen, r.Problems())
			}
		})
	}
}

// TestTwoZonesOfUSWest1: the region has no third one.
func TestTwoZonesOfUSWest1(t *testing.T) {
	for _, c := range []struct {
		zones string
		want  string
	}{
		{"aca", ""},
		{"ac", "needs three"},
		{"aaa", "needs 2 availability zones"},
	} {
		f := networkFacts()
		f.scope.is.Region = "us-west-1"
		f.subnetIDs.is, f.subnets = nil, nil
		for i, zone := range c.zones {
			f.addSubnet(&ec2.Subnet{ID: subnet(string("abc"[i])), VPCID: exampleVPC, AvailabilityZone: "us-west-1" + string(zone), AvailableIPAddressCount: 200})
		}
		var r report.Report
		chooseNetwork(enhanced(), f, &r)
		if got := strings.Join(r.Problems(), "\n"); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("subnets in the zones %s: %q, want %q", c.zones, got, c.want)
		}
	}
}

// TestSubnetsDoNotDependOnOrder: AWS lists subnets in any order; a different order
// must not be a change.
func TestSubnetsDoNotDependOnOrder(t *testing.T) {
	var first any
	for i := range 4 {
		a := example()
		ids := a["getSubnets vpc-id "+exampleVPC]["ids"].([]any)
		ids = slices.Concat(ids[i:], ids[:i])
		a["getSubnets vpc-id "+exampleVPC]["ids"] = ids
		made := mustDeploy(t, a, nil)
		got := made.get(t, "aws:redshiftserverless/workgroup:Workgroup", "warehouse").Inputs["subnetIds"]
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("subnets listed as %v: %s", ids, diff)
		}
	}
}

// TestDeployedWorkgroupKeepsItsSubnets: a workgroup holds addresses in its
// subnets; the next preview must not miss them.
func TestDeployedWorkgroupKeepsItsSubnets(t *testing.T) {
	f := networkFacts()
	f.subnets[0].is.AvailableIPAddressCount = 0
	for _, c := range []struct {
		in   []string
		want int
	}{{nil, 1}, {[]string{subnet("a")}, 0}} {
		f.workgroup.is = c.in
		var r report.Report
		chooseNetwork(enhanced(), f, &r)
		if len(r.Problems()) != c.want {
			t.Errorf("a workgroup in %q: %q", c.in, r.Problems())
		}
	}
}

// TestWaysToTheStream shows the messages about the way that Redshift's
// traffic takes to Kinesis and STS.
func TestWaysToTheStream(t *testing.T) {
	stranded := "warning: enhancedVpcRouting is true, but " + subnet("a") + ", " + subnet("b") + ", " + subnet("c") + " has no default route " +
		"to a NAT or transit gateway, and no endpoint in " + exampleVPC
	named := func(letters ...string) func(*settings, *facts) {
		return func(s *settings, f *facts) {
			f.subnets = slices.DeleteFunc(f.subnets, func(a answer[*ec2.Subnet]) bool {
				return !slices.Contains(letters, strings.TrimPrefix(a.is.ID, subnet("")))
			})
			f.subnetIDs.is = nil
			for _, a := range f.subnets {
				f.subnetIDs.is = append(f.subnetIDs.is, a.is.ID)
			}
			s.SubnetIDs = f.subnetIDs.is
		}
	}
	abc := named("a", "b", "c")
	noRoute := func(_ *settings, f *facts) { f.routes[0].is.Routes = nil }
	makes := func(s *settings, _ *facts) { s.Warehouse.CreateEndpoints = true }
	there := func(service string, e endpointFacts) func(*settings, *facts) {
		return func(_ *settings, f *facts) { f.endpoints[service] = e }
	}
	other, nameless := &ec2.Endpoint{ID: "vpce-1", PrivateDNSEnabled: true}, &ec2.Endpoint{ID: "vpce-1"}
	kinesis, sts := warehouse.KinesisService, warehouse.STSService
	for _, c := range []struct {
		name   string
		change []func(*settings, *facts)
		want   []string // in each message
	}{
		{"a NAT gateway", nil, nil},
		{"named subnets behind a NAT gateway", []func(*settings, *facts){abc}, nil},
		{"named subnets without a route", []func(*settings, *facts){abc, noRoute},
			[]string{stranded + " answers for " + kinesisEndpoint + " and " + stsEndpoint + ": Redshift may not"}},
		{"one of the named subnets public", []func(*settings, *facts){named("b", "c", "d")},
			[]string{"warning: enhancedVpcRouting is true, but " + subnet("d") + " has no"}},
		{"a NAT instance", []func(*settings, *facts){abc, func(_ *settings, f *facts) { f.routes[0].is.Routes = []ec2.Route{{CIDRBlock: everywhere}} }}, nil},
		{"without enhanced routing", []func(*settings, *facts){abc, noRoute, func(s *settings, _ *facts) { s.Warehouse.Workgroup.EnhancedVPCRouting = false }}, nil},
		{"endpoints of others", []func(*settings, *facts){abc, noRoute, there(kinesis, endpointFacts{any: other}), there(sts, endpointFacts{any: other})}, nil},
		{"an endpoint for Kinesis alone", []func(*settings, *facts){abc, noRoute, there(kinesis, endpointFacts{any: other})},
			[]string{stranded + " answers for " + stsEndpoint + ": Redshift may not"}},
		{"an endpoint without the service's name", []func(*settings, *facts){abc, noRoute, there(kinesis, endpointFacts{any: nameless})},
			[]string{stranded + " answers for " + kinesisEndpoint + " and " + stsEndpoint + ": Redshift may not"}},
		{"an endpoint for STS alone", []func(*settings, *facts){abc, noRoute, there(sts, endpointFacts{any: other})},
			[]string{stranded + " answers for " + kinesisEndpoint + ": Redshift may not"}},
		{"endpoints to be made", []func(*settings, *facts){noRoute, makes}, []string{
			"info: VPC " + exampleVPC + " has no private subnet with egress: the workgroup and its endpoints go into the isolated " + subnet("a") + ", ",
			"warning: createVpcEndpoints: the endpoints will answer for kinesis-streams and sts in all of " + exampleVPC,
		}},
		{"endpoints in subnets with egress", []func(*settings, *facts){makes}, []string{"warning: createVpcEndpoints: the endpoints will answer"}},
		{"endpoints next to one without the service's name", []func(*settings, *facts){makes, abc, there(kinesis, endpointFacts{any: nameless})},
			[]string{"warning: createVpcEndpoints"}},
		{"endpoints that this stack made", []func(*settings, *facts){makes, abc, there(kinesis, endpointFacts{own: other}), there(sts, endpointFacts{own: other})}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, f := enhanced(), networkFacts()
			for _, change := range c.change {
				change(&s, f)
			}
			var r report.Report
			if chooseNetwork(s, f, &r); len(r.Problems()) > 0 {
				t.Fatalf("wrong are %q", r.Problems())
			}
			got := r.Messages()
			if len(got) != len(c.want) {
				t.Fatalf("it says %q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("it says %q, want %q", got[i], want)
				}
			}
		})
	}
}

// TestEndpointsTakeASubnetPerZone: an endpoint takes one subnet in a zone, however
// many the workgroup is in, and needs addresses only there.
func TestEndpointsTakeASubnetPerZone(t *testing.T) {
	s, f := enhanced(), networkFacts()
	s.Warehouse.CreateEndpoints = true
	f.addSubnet(&ec2.Subnet{ID: subnet("e"), VPCID: exampleVPC, AvailabilityZone: "us-east-1a", AvailableIPAddressCount: 9})
	var r report.Report
	net := chooseNetwork(s, f, &r)
	if diff := cmp.Diff([]string{subnet("a"), subnet("b"), subnet("c")}, net.EndpointSubnetIDs); diff != "" || len(r.Problems()) > 0 {
		t.Errorf("wrong are %q; the endpoints' subnets: -want +got\n%s", r.Problems(), diff)
	}
	if !slices.Contains(net.SubnetIDs(), subnet("e")) {
		t.Errorf("the workgroup is in %v, want it in both subnets of the zone", net.SubnetIDs())
	}
}
