package infra

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/sync/errgroup"

	"example.com/evstream/internal/cost"
)

// redshiftPort is where SQL clients reach the workgroup.
const redshiftPort = 5439

// lookUpPlace asks the AWS provider where it works. A provider that can't say,
// as one without a region or valid credentials, answers no other lookup either.
func lookUpPlace(ctx *pulumi.Context, wrong *problems) (place, bool) {
	region, regionErr := aws.GetRegion(ctx, nil)
	partition, partitionErr := aws.GetPartition(ctx, nil)
	caller, callerErr := aws.GetCallerIdentity(ctx, nil)
	for _, err := range []error{regionErr, partitionErr, callerErr} {
		if err != nil {
			wrong.add("the AWS provider can't tell its region and account: %s. Is the region set (pulumi config set aws:region REGION), "+
				"and are the credentials valid (aws sts get-caller-identity)?", said(err))
			return place{}, false
		}
	}
	return place{partition: partition.Partition, region: region.Name, account: caller.AccountId}, true
}

// network is where the workgroup goes, and its endpoints if it has them.
type network struct {
	vpcID   string
	subnets []*subnetResult // sorted by id

	// endpointSubnetIDs are the subnets of the interface endpoints; none unless
	// the stack makes endpoints.
	endpointSubnetIDs []string
}

func (n network) subnetIDs() []string { return idsOf(n.subnets) }

func idsOf(subnets []*subnetResult) []string {
	var ids []string
	for _, subnet := range subnets {
		ids = append(ids, subnet.ID)
	}
	return ids
}

// lookUpNetwork finds the VPC and the subnets for the workgroup, and checks that
// Redshift Serverless can be created there and reaches the stream.
func lookUpNetwork(ctx *pulumi.Context, s settings, at place, wrong *problems) network {
	found := lookUpVPC(ctx, s, wrong)
	if found == nil {
		return network{}
	}
	routes, ok := describeRoutes(ctx, found, wrong)
	if !ok {
		return network{}
	}
	subnets, ok := lookUpSubnets(ctx, s, found, routes, wrong)
	if !ok {
		return network{}
	}
	n := network{vpcID: found.ID, subnets: subnets}
	missing := 0
	switch {
	case s.CreateVPCEndpoints:
		n.endpointSubnetIDs = onePerZone(subnets)
		missing = checkEndpoints(ctx, s, at, found, wrong)
	case s.EnhancedVPCRouting:
		warnOfNoWayOut(ctx, at, n, routes)
	}
	checkSubnets(ctx, s, at, n, missing, wrong)
	return n
}

func lookUpVPC(ctx *pulumi.Context, s settings, wrong *problems) *vpcResult {
	id := s.VPCID
	switch {
	case s.VPCName == "" && id == "", s.VPCName != "" && id != "", strings.ContainsAny(s.VPCName, "*?"):
		return nil // already reported
	case s.VPCName == "default":
		found, err := defaultVPC(ctx)
		if err != nil {
			wrong.add("vpcName is default: the region's default VPC can't be looked up: %s", said(err))
			return nil
		}
		return found
	case id == "":
		named, err := vpcsNamed(ctx, s.VPCName)
		if err != nil {
			wrong.add("vpcName is %q: VPCs can't be listed: %s", s.VPCName, said(err))
			return nil
		}
		slices.Sort(named)
		switch len(named) {
		case 0:
			wrong.add("vpcName is %q: no VPC of this region and account has that Name tag. "+
				"List them with: aws ec2 describe-vpcs", s.VPCName)
			return nil
		case 1:
			id = named[0]
		default:
			wrong.add("vpcName is %q: %d VPCs have that Name tag (%s). Remove vpcName and choose one with vpcId.",
				s.VPCName, len(named), strings.Join(named, ", "))
			return nil
		}
	case !vpcID.MatchString(id):
		return nil // already reported
	}
	found, err := vpcByID(ctx, id)
	if err != nil {
		wrong.add("VPC %s can't be looked up in this region and account: %s", id, said(err))
		return nil
	}
	return found
}

// lookUpSubnets returns the subnets for the workgroup sorted by id: those of the
// setting subnetIds, or the VPC's private subnets with egress, or, if it has none
// and the stack makes endpoints, its isolated ones. Unless it is ok, it has
// reported why.
func lookUpSubnets(ctx *pulumi.Context, s settings, in *vpcResult, routes routes, wrong *problems) (chosen []*subnetResult, ok bool) {
	if len(s.SubnetIDs) > 0 {
		valid := slices.DeleteFunc(slices.Clone(s.SubnetIDs), func(id string) bool { return !subnetID.MatchString(id) })
		subnets, ok := describeSubnets(ctx, valid, wrong)
		for _, subnet := range subnets {
			if subnet != nil && subnet.VPCID != in.ID {
				wrong.add("subnetIds holds %s, which is in %s and not in %s. All of them must be in one VPC.", subnet.ID, subnet.VPCID, in.ID)
				ok = false
			}
		}
		return subnets, ok && len(valid) == len(s.SubnetIDs)
	}

	listed, err := subnetsOf(ctx, in.ID)
	if err != nil {
		wrong.add("the subnets of %s can't be listed: %s", in.ID, said(err))
		return nil, false
	}
	slices.Sort(listed)
	subnets, ok := describeSubnets(ctx, listed, wrong)
	if !ok {
		return nil, false
	}
	var isolated []*subnetResult
	var others []string
	for _, subnet := range subnets {
		kind, because := classify(subnet, routes.of(subnet.ID))
		switch kind {
		case unknownSubnet:
			wrong.add("subnet %s of %s has the tag aws-cdk:subnet-type with the value %q: it must be %s, %s or %s, and the CDK stops here too. "+
				"Correct the tag, or name the subnets with subnetIds.", subnet.ID, in.ID, short(because), publicSubnet, privateSubnet, isolatedSubnet)
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
	switch {
	case !ok:
		return nil, false
	case len(chosen) > 0:
		return chosen, true
	case s.CreateVPCEndpoints && len(isolated) > 0:
		_ = ctx.Log.Info(fmt.Sprintf("VPC %s has no private subnet with egress: the workgroup and its endpoints go into the isolated %s.",
			in.ID, strings.Join(idsOf(isolated), ", ")), nil)
		return isolated, true
	}
	none, remedy := "no private subnet with egress", "name the subnets with subnetIds, or set createVpcEndpoints to true, which needs no egress"
	if s.CreateVPCEndpoints {
		none, remedy = "neither a private nor an isolated subnet", "or name the subnets with subnetIds"
	}
	wrong.add("VPC %s has %s: %s. Give its private subnets a default route to a NAT gateway, tag them aws-cdk:subnet-type=Private, %s.",
		in.ID, none, strings.Join(append(others, fmt.Sprintf("%d subnets in all", len(subnets))), "; "), remedy)
	return nil, false
}

func describeSubnets(ctx *pulumi.Context, ids []string, wrong *problems) ([]*subnetResult, bool) {
	return describe("subnet", ids, wrong, func(id string) (*subnetResult, error) {
		return subnetByID(ctx, id)
	})
}

// describe looks up each id, several at a time, and returns what it found in the
// order of the ids. It reports every id that can't be looked up; nil is found
// for it, and ok is false.
func describe[T any](kind string, ids []string, wrong *problems, lookUp func(id string) (*T, error)) (found []*T, ok bool) {
	found = make([]*T, len(ids))
	failed := make([]error, len(ids))
	var each errgroup.Group
	each.SetLimit(8)
	for i, id := range ids {
		each.Go(func() error {
			found[i], failed[i] = lookUp(id)
			return nil
		})
	}
	_ = each.Wait() // each error is in failed
	ok = true
	for i, err := range failed {
		if err != nil {
			wrong.add("%s %s can't be looked up: %s", kind, ids[i], said(err))
			ok = false
		}
	}
	return found, ok
}

// routes are a VPC's routes by subnet. A subnet that no route table names uses
// the VPC's main one.
type routes struct {
	main     []route
	explicit map[string][]route
}

func (r routes) of(subnet string) []route {
	if own, ok := r.explicit[subnet]; ok {
		return own
	}
	return r.main
}

// describeRoutes reads every route table of the VPC. Asking for a subnet's table
// by the subnet's id would fail for subnets that use the main table.
func describeRoutes(ctx *pulumi.Context, in *vpcResult, wrong *problems) (routes, bool) {
	tables, err := routeTablesOf(ctx, in.ID)
	if err != nil {
		wrong.add("the route tables of %s can't be listed: %s", in.ID, said(err))
		return routes{}, false
	}
	described, ok := describe("route table", tables, wrong, func(id string) (*routeTableResult, error) {
		return routeTableByID(ctx, id)
	})
	if !ok {
		return routes{}, false
	}
	found := routes{explicit: map[string][]route{}}
	for i, table := range described {
		if tables[i] == in.MainRouteTableID {
			found.main = table.Routes
		}
		for _, association := range table.Associations {
			if association.SubnetID != "" {
				found.explicit[association.SubnetID] = table.Routes
			}
		}
	}
	return found, true
}

// leadOut says whether a subnet's traffic to any address leaves the VPC. With
// enhanced routing an internet gateway takes only that of a publicly accessible
// workgroup, which this one is not.
// https://docs.aws.amazon.com/redshift/latest/mgmt/enhanced-vpc-routing.html
func (r routes) leadOut(subnet string) bool {
	return slices.ContainsFunc(r.of(subnet), func(r route) bool {
		return r.CIDRBlock == everywhere && !strings.HasPrefix(r.GatewayID, "igw-")
	})
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
func classify(subnet *subnetResult, routes []route) (kind, because string) {
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

// checkSubnets reports what keeps Redshift Serverless from being created in the
// subnets: too few availability zones, or too few free addresses. An existing
// workgroup holds its addresses; checkResize says what a change of it needs. Of
// the endpoints some may be missing; each takes an address in each of its subnets.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func checkSubnets(ctx *pulumi.Context, s settings, at place, n network, missingEndpoints int, wrong *problems) {
	zones, addresses, routing := 2, 3, "without enhancedVpcRouting"
	if s.EnhancedVPCRouting {
		zones, addresses, routing = 3, addressesFor(s.capacity()), "with enhancedVpcRouting"
		if at.region == "us-west-1" { // has two: three subnets are enough there
			zones = 2
			if len(n.subnets) < 3 {
				wrong.add("the subnets chosen in %s are %d: Redshift Serverless needs three %s, two of them in one availability zone in %s. Add subnets.",
					n.vpcID, len(n.subnets), routing, at.region)
			}
		}
	}
	var have []string
	for _, subnet := range n.subnets {
		have = append(have, subnet.AvailabilityZone)
	}
	slices.Sort(have)
	have = slices.Compact(have)
	if len(have) < zones {
		hint := ""
		if s.EnhancedVPCRouting && len(have) == 2 {
			hint = ", or set enhancedVpcRouting to false"
		}
		wrong.add("the subnets chosen in %s (%d) reach only %s: Redshift Serverless needs %d availability zones %s. "+
			"Add subnets in other zones%s.", n.vpcID, len(n.subnets), strings.Join(have, " and "), zones, routing, hint)
	}
	if !cost.IsBaseCapacity(s.capacity()) {
		return // already reported
	}

	taken, err := subnetsInUse(ctx, s.WorkgroupName)
	if err != nil {
		wrong.add("workgroup %s can't be looked up: %s", s.WorkgroupName, said(err))
		return
	}
	for _, subnet := range n.subnets {
		need, why := 0, []string{}
		if !slices.Contains(taken, subnet.ID) {
			need += addresses
			why = append(why, fmt.Sprintf("Redshift Serverless with baseCapacity %d needs %d in each subnet %s", s.capacity(), addresses, routing))
		}
		if missingEndpoints > 0 && slices.Contains(n.endpointSubnetIDs, subnet.ID) {
			need += missingEndpoints
			why = append(why, fmt.Sprintf("the VPC endpoints need %d", missingEndpoints))
		}
		if subnet.AvailableIPAddressCount < need {
			wrong.add("subnet %s has %d free addresses: %s. Free some, or name other subnets with subnetIds.",
				subnet.ID, subnet.AvailableIPAddressCount, strings.Join(why, ", and "))
		}
	}
}

// addressesFor is how many free addresses each subnet must have for a workgroup
// of so many RPU to be created with enhanced VPC routing.
func addressesFor(rpu int) int {
	for _, step := range []struct{ rpu, addresses int }{{8, 9}, {32, 13}, {64, 21}, {128, 37}, {256, 69}, {512, 133}} {
		if rpu <= step.rpu {
			return step.addresses
		}
	}
	return 261
}

// subnetsInUse returns the subnets of the workgroup if it exists already: it
// holds its addresses there, so that free ones are no longer needed.
func subnetsInUse(ctx *pulumi.Context, workgroup string) ([]string, error) {
	found, err := redshiftserverless.LookupWorkgroup(ctx, &redshiftserverless.LookupWorkgroupArgs{WorkgroupName: workgroup})
	switch {
	case err == nil:
		return found.SubnetIds, nil
	case isNotFound(err):
		return nil, nil
	}
	return nil, err
}

// isNotFound says whether a lookup failed because there is no such thing. The
// provider passes on only a text: the service's code, or its own words.
func isNotFound(err error) bool {
	for _, words := range []string{"ResourceNotFoundException", "couldn't find resource", "empty result", "no matching"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// securityGroups are the group of SQL clients, the warehouse's, and the rule that
// lets the warehouse out.
type securityGroups struct {
	clients, warehouse *pulumi.CustomResourceState
	egress             *vpc.SecurityGroupEgressRule
}

// newSecurityGroups makes two groups: one for SQL clients, and one for the
// warehouse, which admits the first on the Redshift port. The warehouse reaches
// Kinesis, KMS and S3 over HTTPS; AWS's allow-all egress rule is not there, so
// that is said explicitly. Rules are resources of their own, because in-line
// rules would remove each other.
func newSecurityGroups(ctx *pulumi.Context, s settings, net network) (*securityGroups, error) {
	group := func(name, description string) (*pulumi.CustomResourceState, error) {
		tags := s.tags()
		tags["Name"] = pulumi.String(s.WorkgroupName + "-" + name)
		return newSecurityGroup(ctx, name, description, net.vpcID, tags)
	}
	clients, err := group("clients", "SQL clients of Redshift Serverless "+s.WorkgroupName)
	if err != nil {
		return nil, err
	}
	warehouse, err := group("warehouse", "Redshift Serverless "+s.WorkgroupName)
	if err != nil {
		return nil, err
	}
	_, err = vpc.NewSecurityGroupIngressRule(ctx, "warehouse-from-clients", &vpc.SecurityGroupIngressRuleArgs{
		Description:               pulumi.String("SQL from the client group"),
		SecurityGroupId:           warehouse.ID(),
		ReferencedSecurityGroupId: clients.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(redshiftPort),
		ToPort:                    pulumi.Int(redshiftPort),
		Tags:                      s.tags(),
	})
	if err != nil {
		return nil, err
	}
	_, err = vpc.NewSecurityGroupEgressRule(ctx, "clients-to-warehouse", &vpc.SecurityGroupEgressRuleArgs{
		Description:               pulumi.String("SQL to the warehouse"),
		SecurityGroupId:           clients.ID(),
		ReferencedSecurityGroupId: warehouse.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(redshiftPort),
		ToPort:                    pulumi.Int(redshiftPort),
		Tags:                      s.tags(),
	})
	if err != nil {
		return nil, err
	}
	egress, err := vpc.NewSecurityGroupEgressRule(ctx, "warehouse-to-aws", &vpc.SecurityGroupEgressRuleArgs{
		Description:     pulumi.String("Kinesis and other AWS services over HTTPS"),
		SecurityGroupId: warehouse.ID(),
		CidrIpv4:        pulumi.String("0.0.0.0/0"),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(443),
		ToPort:          pulumi.Int(443),
		Tags:            s.tags(),
	})
	return &securityGroups{clients: clients, warehouse: warehouse, egress: egress}, err
}
