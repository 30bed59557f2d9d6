package infra

import (
	"fmt"
	"slices"
	"strings"

	"example.com/evstream/infra/internal/ec2"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/warehouse"
)

// chooseNetwork says where the workgroup goes, and checks that Redshift Serverless
// can be created there and reaches the stream.
func chooseNetwork(s settings, f *facts, r *report.Report) warehouse.Network {
	checkVPCFound(s, f, r)
	if f.vpc.is == nil || !checkRoutesFound(f, r) {
		return warehouse.Network{}
	}
	net := warehouse.Network{VPCID: f.vpc.is.ID, Subnets: chooseSubnets(s, f, r)}
	if net.Subnets == nil {
		return net
	}
	missing := 0
	switch {
	case s.Warehouse.CreateEndpoints:
		net.EndpointSubnetIDs = onePerZone(net.Subnets)
		missing = checkEndpoints(s, f, r)
	case s.Warehouse.Workgroup.EnhancedVPCRouting:
		warnOfNoWayOut(f, net, r)
	}
	checkZones(s, f, net, r)
	checkAddresses(s, f, net, missing, r)
	return net
}

func checkVPCFound(s settings, f *facts, r *report.Report) {
	switch {
	case f.vpcs.err != nil:
		r.Problem("vpcName is %q: VPCs can't be listed: %s", s.VPCName, f.vpcs.err)
	case f.vpc.is == nil && f.vpc.err == nil && len(f.vpcs.is) > 1:
		r.Problem("vpcName is %q: %d VPCs have that Name tag (%s). Remove vpcName and choose one with vpcId.",
			s.VPCName, len(f.vpcs.is), strings.Join(f.vpcs.is, ", "))
	case f.vpc.err != nil && s.VPCName == "default":
		r.Problem("vpcName is default: the region's default VPC can't be looked up: %s", f.vpc.err)
	case f.vpc.err != nil:
		id := s.VPCID
		if len(f.vpcs.is) > 0 {
			id = f.vpcs.is[0]
		}
		r.Problem("VPC %s can't be looked up in this region and account: %s", id, f.vpc.err)
	case f.vpc.is == nil && !r.Refuses("vpcName", "vpcId"):
		r.Problem("vpcName is %q: no VPC of this region and account has that Name tag. "+
			"List them with: aws ec2 describe-vpcs", s.VPCName)
	}
}

// checkRoutesFound says whether all of the VPC's route tables are known.
func checkRoutesFound(f *facts, r *report.Report) bool {
	if err := f.routeTables.err; err != nil {
		r.Problem("the route tables of %s can't be listed: %s", f.vpc.is.ID, err)
		return false
	}
	return checkEachFound("route table", f.routeTables.is, f.routes, r)
}

// checkEachFound reports every id that could not be looked up, and says whether
// there is none.
func checkEachFound[T any](kind string, ids []string, answers []answer[T], r *report.Report) bool {
	all := true
	for i, answer := range answers {
		if answer.err != nil {
			r.Problem("%s %s can't be looked up: %s", kind, ids[i], answer.err)
			all = false
		}
	}
	return all
}

// chooseSubnets returns the subnets for the workgroup sorted by id: those of the
// setting subnetIds, or the VPC's private subnets with egress, or, if it has none
// and the stack makes endpoints, its isolated ones. If it is nil, r says why.
func chooseSubnets(s settings, f *facts, r *report.Report) []*ec2.Subnet {
	in := f.vpc.is.ID
	if err := f.subnetIDs.err; err != nil {
		r.Problem("the subnets of %s can't be listed: %s", in, err)
		return nil
	}
	ok := checkEachFound("subnet", f.subnetIDs.is, f.subnets, r)
	var subnets []*ec2.Subnet
	for _, answer := range f.subnets {
		if answer.is != nil {
			subnets = append(subnets, answer.is)
		}
	}
	if len(s.SubnetIDs) == 0 {
		if !ok {
			return nil
		}
		return choosePrivate(s, f, subnets, r)
	}
	for _, subnet := range subnets {
		if subnet.VPCID != in {
			r.Problem("subnetIds holds %s, which is in %s and not in %s. All of them must be in one VPC.", subnet.ID, subnet.VPCID, in)
			ok = false
		}
	}
	if !ok || len(subnets) < len(s.SubnetIDs) {
		return nil
	}
	return subnets
}

// choosePrivate chooses among all subnets of the VPC.
func choosePrivate(s settings, f *facts, subnets []*ec2.Subnet, r *report.Report) []*ec2.Subnet {
	in := f.vpc.is.ID
	var chosen, isolated []*ec2.Subnet
	var others []string
	ok := true
	for _, subnet := range subnets {
		kind, because := classify(subnet, f.routesOf(subnet.ID))
		switch kind {
		case unknownSubnet:
			r.Problem("subnet %s of %s has the tag aws-cdk:subnet-type with the value %q: it must be %s, %s or %s, and the CDK stops here too. "+
				"Correct the tag, or name the subnets with subnetIds.", subnet.ID, in, report.Short(because), publicSubnet, privateSubnet, isolatedSubnet)
			ok = false
			continue
		case privateSubnet:
			chosen = append(chosen, subnet)
			continue
		case isolatedSubnet:
			isolated = append(isolated, subnet)
		}
		others = append(others, fmt.Sprintf("%s is %s (%s)", subnet.ID, kind, because))
	}
	endpoints := s.Warehouse.CreateEndpoints
	switch {
	case !ok:
		return nil
	case len(chosen) > 0:
		return chosen
	case endpoints && len(isolated) > 0:
		ids := strings.Join(warehouse.Network{Subnets: isolated}.SubnetIDs(), ", ")
		r.Note("VPC %s has no private subnet with egress: the workgroup and its endpoints go into the isolated %s.", in, ids)
		return isolated
	}
	none, remedy := "no private subnet with egress", "name the subnets with subnetIds, or set createVpcEndpoints to true, which needs no egress"
	if endpoints {
		none, remedy = "neither a private nor an isolated subnet", "or name the subnets with subnetIds"
	}
	r.Problem("VPC %s has %s: %s. Give its private subnets a default route to a NAT gateway, tag them aws-cdk:subnet-type=Private, %s.",
		in, none, strings.Join(append(others, fmt.Sprintf("%d subnets in all", len(subnets))), "; "), remedy)
	return nil
}

// routesOf are the routes of a subnet. One that no route table names uses the VPC's
// main one: asking for a subnet's table by the subnet's id would fail for it.
func (f *facts) routesOf(subnet string) []ec2.Route {
	var main []ec2.Route
	for i, table := range f.routes {
		if table.is == nil {
			continue
		}
		if slices.ContainsFunc(table.is.Associations, func(a ec2.Association) bool { return a.SubnetID == subnet }) {
			return table.is.Routes
		}
		if f.routeTables.is[i] == f.vpc.is.MainRouteTableID {
			main = table.is.Routes
		}
	}
	return main
}

// stranded are the subnets whose traffic to any address does not leave the VPC. With
// enhanced routing an internet gateway takes only that of a publicly accessible
// workgroup, which this one is not.
// https://docs.aws.amazon.com/redshift/latest/mgmt/enhanced-vpc-routing.html
func (f *facts) stranded(subnets []*ec2.Subnet) []string {
	var ids []string
	for _, subnet := range subnets {
		if !slices.ContainsFunc(f.routesOf(subnet.ID), func(r ec2.Route) bool {
			return r.CIDRBlock == everywhere && !strings.HasPrefix(r.GatewayID, "igw-")
		}) {
			ids = append(ids, subnet.ID)
		}
	}
	return ids
}

const everywhere = "0.0.0.0/0"

// Kinds of subnets, as the AWS CDK names them.
const (
	publicSubnet   = "Public"
	privateSubnet  = "Private"
	isolatedSubnet = "Isolated"
	unknownSubnet  = ""
)

// classify says which kind of subnet this is and why, by the rule of the AWS
// CDK's VPC lookup, so that the deployment lands where the CDK sample's did: the
// first that applies of the tag, the public-address flag and the routes. Egress
// through a NAT instance, a network interface or a peering counts as none. A tag of
// another value names no kind: the CDK stops.
func classify(subnet *ec2.Subnet, routes []ec2.Route) (kind, because string) {
	switch tag := subnet.Tags["aws-cdk:subnet-type"]; tag {
	case publicSubnet, privateSubnet, isolatedSubnet:
		return tag, "its tag aws-cdk:subnet-type says so"
	case "":
	default:
		return unknownSubnet, tag
	}
	if subnet.MapPublicIPOnLaunch {
		return publicSubnet, "it gives out public addresses"
	}
	for _, route := range routes {
		if strings.HasPrefix(route.GatewayID, "igw-") {
			return publicSubnet, "it has a route to internet gateway " + route.GatewayID
		}
	}
	for _, route := range routes {
		if route.CIDRBlock == everywhere && (route.NATGatewayID != "" || route.TransitGatewayID != "") {
			return privateSubnet, "its default route goes to " + route.NATGatewayID + route.TransitGatewayID
		}
	}
	return isolatedSubnet, "it has no default route to a NAT or transit gateway"
}

// needsEndpoints says whether the rules look at the VPC's endpoints: if the stack
// makes some, or if traffic has no other way out.
func needsEndpoints(s settings, f *facts) bool {
	if s.Warehouse.CreateEndpoints {
		return true
	}
	var ignored report.Report
	return s.Warehouse.Workgroup.EnhancedVPCRouting && len(f.stranded(chooseSubnets(s, f, &ignored))) > 0
}

// checkEndpoints reports what keeps the stack's endpoints from being made in the
// VPC, and returns how many of them are not there yet.
func checkEndpoints(s settings, f *facts, r *report.Report) (missing int) {
	// https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html
	if vpc := f.vpc.is; !vpc.EnableDNSSupport || !vpc.EnableDNSHostnames {
		r.Problem("createVpcEndpoints is true, but %s has enableDnsSupport %t and enableDnsHostnames %t: an endpoint answers for a service's name only with both. "+
			"Turn them on with aws ec2 modify-vpc-attribute.", vpc.ID, vpc.EnableDNSSupport, vpc.EnableDNSHostnames)
	}
	in := f.vpc.is.ID
	for _, service := range warehouse.EndpointServices() {
		name, there := f.scope.is.Endpoint(service), f.endpoints[service]
		if there.own != nil {
			continue
		}
		missing++
		switch {
		case there.err != nil:
			r.Problem("createVpcEndpoints is true, but the endpoints for %s in %s can't be looked up: %s", name, in, there.err)
		case there.any != nil && there.any.PrivateDNSEnabled:
			r.Problem("createVpcEndpoints is true, but %s has %s for %s already, and only one can answer for the service's name: another is not needed. "+
				"Remove createVpcEndpoints, and let that one's security groups admit port 443 from the group %s-warehouse, and its policy the streaming role. "+
				"Redshift needs endpoints for %s; create the missing one by hand.",
				in, there.any.ID, name, s.Warehouse.Workgroup.Name, endpointServices())
		}
	}
	if missing > 0 {
		r.Warn("createVpcEndpoints: the endpoints will answer for %s in all of %s, and admit only the warehouse. "+
			"Whatever else there calls these services by their ordinary names, such as a producer, will not reach them any more.",
			endpointServices(), in)
	}
	return missing
}

func endpointServices() string { return strings.Join(warehouse.EndpointServices(), " and ") }

// warnOfNoWayOut warns if the workgroup's traffic to Kinesis and STS, which
// enhanced routing sends through the VPC, does not reach them: the deployment
// works then, and the streaming view stays empty.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
func warnOfNoWayOut(f *facts, net warehouse.Network, r *report.Report) {
	stranded := f.stranded(net.Subnets)
	if len(stranded) == 0 {
		return
	}
	var missing []string
	for _, service := range warehouse.EndpointServices() {
		name, there := f.scope.is.Endpoint(service), f.endpoints[service]
		switch {
		case there.err != nil:
			missing = append(missing, fmt.Sprintf("%s (it can't be looked up: %s)", name, there.err))
		case there.any == nil || !there.any.PrivateDNSEnabled:
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return
	}
	r.Warn("enhancedVpcRouting is true, but %s has no default route to a NAT or transit gateway, and no endpoint in %s answers for %s: "+
		"Redshift may not reach the stream, and the view may stay empty. "+
		"Give the subnets a route out, create the missing endpoints (createVpcEndpoints creates both), or set enhancedVpcRouting to false.",
		strings.Join(stranded, ", "), net.VPCID, strings.Join(missing, " and "))
}

// onePerZone returns the ids of the first subnet in each availability zone: an
// endpoint takes no more.
func onePerZone(subnets []*ec2.Subnet) []string {
	var ids []string
	seen := map[string]bool{}
	for _, subnet := range subnets {
		if !seen[subnet.AvailabilityZone] {
			seen[subnet.AvailabilityZone] = true
			ids = append(ids, subnet.ID)
		}
	}
	return ids
}

// checkZones reports too few availability zones for Redshift Serverless.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func checkZones(s settings, f *facts, net warehouse.Network, r *report.Report) {
	enhanced := s.Warehouse.Workgroup.EnhancedVPCRouting
	zones := 2
	if enhanced && f.scope.is.Region != "us-west-1" {
		zones = 3
	}
	// The region has two zones: three subnets are enough there.
	if enhanced && zones == 2 && len(net.Subnets) < 3 {
		r.Problem("the subnets chosen in %s are %d: Redshift Serverless needs three %s, two of them in one availability zone in %s. Add subnets.",
			net.VPCID, len(net.Subnets), routing(enhanced), f.scope.is.Region)
	}
	var have []string
	for _, subnet := range net.Subnets {
		have = append(have, subnet.AvailabilityZone)
	}
	slices.Sort(have)
	have = slices.Compact(have)
	if len(have) < zones {
		hint := ""
		if enhanced && len(have) == 2 {
			hint = ", or set enhancedVpcRouting to false"
		}
		r.Problem("the subnets chosen in %s (%d) reach only %s: Redshift Serverless needs %d availability zones %s. "+
			"Add subnets in other zones%s.", net.VPCID, len(net.Subnets), strings.Join(have, " and "), zones, routing(enhanced), hint)
	}
}

func routing(enhanced bool) string {
	if enhanced {
		return "with enhancedVpcRouting"
	}
	return "without enhancedVpcRouting"
}

// checkAddresses reports subnets with too few free addresses. An existing workgroup
// holds its addresses; what a change of it needs is checked when it changes. Of the
// endpoints some may be missing; each takes an address in each of its subnets.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func checkAddresses(s settings, f *facts, net warehouse.Network, missingEndpoints int, r *report.Report) {
	if r.Refuses("baseCapacity", "priceTarget") {
		return
	}
	wg := s.Warehouse.Workgroup
	if err := f.workgroup.err; err != nil {
		r.Problem("workgroup %s can't be looked up: %s", wg.Name, err)
		return
	}
	addresses := 3
	if wg.EnhancedVPCRouting {
		addresses = warehouse.AddressesFor(wg.Capacity())
	}
	for _, subnet := range net.Subnets {
		need, why := 0, []string{}
		if !slices.Contains(f.workgroup.is, subnet.ID) {
			need += addresses
			why = append(why, fmt.Sprintf("Redshift Serverless with baseCapacity %d needs %d in each subnet %s", wg.Capacity(), addresses, routing(wg.EnhancedVPCRouting)))
		}
		if missingEndpoints > 0 && slices.Contains(net.EndpointSubnetIDs, subnet.ID) {
			need += missingEndpoints
			why = append(why, fmt.Sprintf("the VPC endpoints need %d", missingEndpoints))
		}
		if subnet.AvailableIPAddressCount < need {
			r.Problem("subnet %s has %d free addresses: %s. Free some, or name other subnets with subnetIds.",
				subnet.ID, subnet.AvailableIPAddressCount, strings.Join(why, ", and "))
		}
	}
}
