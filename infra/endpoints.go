package infra

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Redshift with enhanced VPC routing calls two services to read a stream. The
// names are those of their interface endpoints.
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
const (
	kinesisService = "kinesis-streams"
	stsService     = "sts"
)

// endpointService is the full name of a service with interface endpoints.
func (p place) endpointService(service string) string {
	return fmt.Sprintf("com.amazonaws.%s.%s", p.region, service)
}

// checkEndpoints reports what keeps the stack's endpoints from being made in the
// VPC, and returns how many of them are not there yet.
func checkEndpoints(ctx *pulumi.Context, s settings, at place, in *vpcResult, wrong *problems) (missing int) {
	// https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html
	if !in.EnableDNSSupport || !in.EnableDNSHostnames {
		wrong.add("createVpcEndpoints is true, but %s has enableDnsSupport %t and enableDnsHostnames %t: an endpoint answers for a service's name only with both. "+
			"Turn them on with aws ec2 modify-vpc-attribute.", in.ID, in.EnableDNSSupport, in.EnableDNSHostnames)
	}
	ours := map[string]string{"pulumi:project": s.project, "pulumi:stack": s.stack}
	for _, service := range []string{kinesisService, stsService} {
		name := at.endpointService(service)
		found, err := findEndpoint(ctx, in.ID, name, ours)
		if found != nil {
			continue
		}
		missing++
		if err == nil {
			found, err = findEndpoint(ctx, in.ID, name, nil)
		}
		switch {
		case err != nil:
			wrong.add("createVpcEndpoints is true, but the endpoints for %s in %s can't be looked up: %s", name, in.ID, said(err))
		case found != nil && found.PrivateDNSEnabled:
			wrong.add("createVpcEndpoints is true, but %s has %s for %s already, and only one can answer for the service's name: another is not needed. "+
				"Remove createVpcEndpoints, and let that one's security groups admit port 443 from the group %s-warehouse, and its policy the streaming role. "+
				"Redshift needs endpoints for %s and %s; make the one that is not there by hand.",
				in.ID, found.ID, name, s.WorkgroupName, kinesisService, stsService)
		}
	}
	if missing > 0 {
		_ = ctx.Log.Warn(fmt.Sprintf("createVpcEndpoints: the endpoints will answer for %s and %s in all of %s, and admit only the warehouse. "+
			"Whatever else there calls these services by their ordinary names, such as a producer, will not reach them any more.",
			kinesisService, stsService, in.ID), nil)
	}
	return missing
}

// findEndpoint returns a VPC's endpoint for a service, with the tags if any are
// given, or nil if there is none. Of several it knows nothing but that they are
// there; at most one of them has the service's name.
func findEndpoint(ctx *pulumi.Context, vpcID, service string, tags map[string]string) (*endpointResult, error) {
	found, err := endpointIn(ctx, vpcID, service, tags)
	switch {
	case err == nil:
		return found, nil
	case isNotFound(err):
		return nil, nil
	case strings.Contains(err.Error(), "multiple"):
		return &endpointResult{ID: "several endpoints", PrivateDNSEnabled: true}, nil
	}
	return nil, err
}

// warnOfNoWayOut warns if the workgroup's traffic to Kinesis and STS, which
// enhanced routing sends through the VPC, does not reach them: the deployment
// works then, and the streaming view stays empty.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
func warnOfNoWayOut(ctx *pulumi.Context, at place, n network, routes routes) {
	var stranded []string
	for _, id := range n.subnetIDs() {
		if !routes.leadOut(id) {
			stranded = append(stranded, id)
		}
	}
	if len(stranded) == 0 {
		return
	}
	var missing []string
	for _, service := range []string{kinesisService, stsService} {
		name := at.endpointService(service)
		found, err := findEndpoint(ctx, n.vpcID, name, nil)
		switch {
		case err != nil:
			missing = append(missing, fmt.Sprintf("%s (it can't be looked up: %s)", name, said(err)))
		case found == nil || !found.PrivateDNSEnabled:
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return
	}
	_ = ctx.Log.Warn(fmt.Sprintf("enhancedVpcRouting is true, but %s has no default route to a NAT or transit gateway, and no endpoint in %s answers for %s: "+
		"Redshift may not reach the stream, and the view stay empty. "+
		"Give the subnets a route out, make what is missing (createVpcEndpoints makes both endpoints), or set enhancedVpcRouting to false.",
		strings.Join(stranded, ", "), n.vpcID, strings.Join(missing, " and ")), nil)
}

// onePerZone returns the ids of the first subnet in each availability zone: an
// endpoint takes no more.
func onePerZone(subnets []*subnetResult) []string {
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

// newEndpoints makes the endpoints through which Redshift reads the stream, in a
// security group of their own that admits only the warehouse. Their policies let
// through what the streaming role may do and that Redshift takes on the role, by
// whatever principal it calls.
func newEndpoints(ctx *pulumi.Context, s settings, at place, net network, groups *securityGroups) ([]pulumi.Resource, error) {
	if !s.CreateVPCEndpoints {
		return nil, nil
	}
	tagged := func(name string) pulumi.StringMap {
		tags := s.tags()
		tags["Name"] = pulumi.String(s.WorkgroupName + "-" + name)
		return tags
	}
	group, err := newSecurityGroup(ctx, "endpoints", "VPC endpoints of Redshift Serverless "+s.WorkgroupName, net.vpcID, tagged("endpoints"))
	if err != nil {
		return nil, err
	}
	rule, err := vpc.NewSecurityGroupIngressRule(ctx, "endpoints-from-warehouse", &vpc.SecurityGroupIngressRuleArgs{
		Description:               pulumi.String("HTTPS from the warehouse"),
		SecurityGroupId:           group.ID(),
		ReferencedSecurityGroupId: groups.warehouse.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(443),
		ToPort:                    pulumi.Int(443),
		Tags:                      s.tags(),
	})
	if err != nil {
		return nil, err
	}
	made := []pulumi.Resource{rule}
	for _, endpoint := range []struct {
		service string
		policy  []statement
	}{
		{kinesisService, readsStream(at.arn("kinesis", "stream/"+s.StreamName))},
		{stsService, []statement{{
			Sid:      "AssumeStreamingRole",
			Effect:   "Allow",
			Action:   []string{"sts:AssumeRole"},
			Resource: fmt.Sprintf("arn:%s:iam::%s:role/%s", at.partition, at.account, s.RoleName),
		}}},
	} {
		for i := range endpoint.policy {
			endpoint.policy[i].Principal = "*"
		}
		policy, err := policyDocument(endpoint.policy...)
		if err != nil {
			return nil, err
		}
		resource, err := newInterfaceEndpoint(ctx, endpoint.service, net.vpcID, at.endpointService(endpoint.service), policy,
			net.endpointSubnetIDs, group.ID(), tagged(endpoint.service))
		if err != nil {
			return nil, err
		}
		made = append(made, resource)
	}
	return made, nil
}
