package fakeaws

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

const vpcEndpointToken = "aws:ec2/vpcEndpoint:VpcEndpoint"

// endpointServices are the services with interface endpoints that the stand-in knows: the
// last part of the endpoint's service name by the prefix of the service's IAM actions.
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
func endpointServices() map[string]string {
	return map[string]string{
		"kinesis": "kinesis-streams", "sts": "sts", "redshift-data": "redshift-data", "redshift-serverless": "redshift-serverless",
		"secretsmanager": "secretsmanager", "kms": "kms", "sqs": "sqs", "scheduler": "scheduler", "logs": "logs", "cloudwatch": "monitoring",
	}
}

func (a *Account) endpointService(service string) string {
	return "com.amazonaws." + a.region + "." + service
}

// everything is the policy of an interface endpoint that is given none.
const everything = `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`

// vpcEndpointType is an interface endpoint: internal/service/ec2/vpc_endpoint.go,
// resourceVPCEndpointCreate and resourceVPCEndpointUpdate.
func vpcEndpointType() *resourceType {
	return &resourceType{
		token: vpcEndpointToken, noun: "EC2 VPC Endpoint", service: ec2Service, name: "serviceName",
		schema: tagged(schema{
			"vpcId":       {required: true, replaces: true},
			"serviceName": {required: true, replaces: true},
			"vpcEndpointType": {replaces: true, fallback: "Gateway", check: func(v any) string {
				if reason := oneOf("Gateway", "GatewayLoadBalancer", "Interface")(v); reason != "" || v == "Interface" {
					return reason
				}
				return fmt.Sprintf("the stand-in does not support an endpoint of the type %s, the provider's default: give Interface", v)
			}},
			"subnetIds":           {kind: texts, set: true, computed: true},
			"securityGroupIds":    {kind: texts, set: true, computed: true},
			"privateDnsEnabled":   {kind: flag, computed: true},
			"policy":              {computed: true, document: true, check: isJSON},
			"arn":                 {output: true},
			"ownerId":             {output: true},
			"state":               {output: true},
			"ipAddressType":       {output: true},
			"requesterManaged":    {kind: flag, output: true},
			"networkInterfaceIds": {kind: texts, output: true},
			"dnsEntries":          {kind: someObjects, output: true},
		}),
		create: one("CreateVpcEndpoint", func(o *op) error {
			o.id = o.newID("vpce-", string(o.urn), 17)
			o.props["arn"] = o.arn("ec2", "vpc-endpoint/"+o.id)
			o.props["ownerId"] = o.Account.id
			o.props["state"] = "available"
			o.props["ipAddressType"] = "ipv4"
			o.props["requesterManaged"] = false
			return o.connect()
		}),
		tag:    request{api: "CreateTags"},
		update: one("ModifyVpcEndpoint", (*op).connect),
		delete: request{api: "DeleteVpcEndpoints"},
	}
}

// connect refuses what EC2 refuses about an interface endpoint and completes it.
// https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
func (o *op) connect() error {
	service := o.in.text("serviceName")
	vpc := o.vpc(o.in.text("vpcId"))
	if vpc == nil {
		return o.refuse("InvalidVpcId.NotFound", "The Vpc Id %s does not exist", o.in.text("vpcId"))
	}
	known := false
	for _, name := range endpointServices() {
		known = known || service == o.endpointService(name)
	}
	if !known {
		return o.refuse("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", service)
	}

	o.fill(values{
		"subnetIds": []any{}, "securityGroupIds": list([]string{o.defaultGroup(vpc)}), "policy": everything, "privateDnsEnabled": false,
	})
	if _, err := endpointPolicy.parse(o.api, o.props.text("policy")); err != nil {
		return err
	}
	zones, interfaces := map[string]bool{}, []string{}
	for _, id := range o.props.texts("subnetIds") {
		in, subnet := o.vpcOf(id)
		switch {
		case subnet == nil:
			return o.refuse("InvalidSubnetId.NotFound", "The subnet ID '%s' does not exist", id)
		case in != vpc:
			return o.refuse("InvalidParameter", "The subnet %s is not in the VPC %s", id, vpc.ID)
		case zones[subnet.Zone]:
			return o.refuse("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s", id)
		case o.free(subnet) < 1 && !slices.Contains(o.old.texts("subnetIds"), id):
			return o.refuse("InsufficientFreeAddressesInSubnet", "The subnet %s has no free IP address", id)
		}
		zones[subnet.Zone] = true
		interfaces = append(interfaces, "eni-"+o.digits(o.id+id, 17))
	}
	for _, group := range o.props.texts("securityGroupIds") {
		if o.groupVPC(group) != vpc.ID {
			return o.refuse("InvalidGroup.NotFound", "The security group '%s' does not exist in %s", group, vpc.ID)
		}
	}
	if o.props.flag("privateDnsEnabled") {
		if vpc.NoDNSSupport || vpc.NoDNSHostnames {
			return o.refuse("InvalidParameter",
				"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", vpc.ID)
		}
		if other := o.privateEndpoint(vpc, service); other != nil && other.id != o.id {
			return o.refuse("InvalidParameter",
				"private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s in the VPC %s", service, vpc.ID)
		}
	}
	o.props["networkInterfaceIds"] = list(interfaces)
	o.props["dnsEntries"] = o.names(strings.TrimSuffix(service[strings.LastIndex(service, ".")+1:], "-streams"), slices.Sorted(maps.Keys(zones)))
	return nil
}

// names are the names of an endpoint for a service: of all its addresses, of those in each
// zone, and with private DNS the service's own.
func (o *op) names(service string, zones []string) []any {
	entry := func(name, hosted string) any {
		return map[string]any{"dnsName": name, "hostedZoneId": "Z" + strings.ToUpper(o.digits("zone of "+hosted, 13))}
	}
	own, domain := o.id+"-"+o.digits(o.id, 8), "."+service+"."+o.region+".vpce.amazonaws.com"
	all := []any{entry(own+domain, service)}
	for _, zone := range zones {
		all = append(all, entry(own+"-"+zone+domain, service))
	}
	if o.props.flag("privateDnsEnabled") {
		all = append(all, entry(service+"."+o.region+".amazonaws.com", "private "+service))
	}
	return all
}

// privateEndpoint returns the endpoint to which a VPC's own DNS leads for a service.
func (a *Account) privateEndpoint(vpc *VPC, service string) *thing {
	return first(a.where(vpcEndpointToken, values{"vpcId": vpc.ID, "serviceName": service, "privateDnsEnabled": true}))
}

// putWorldEndpoint makes an endpoint that was there before, in the first subnet of each
// zone unless it names others, with a group that admits the VPC.
func (a *Account) putWorldEndpoint(vpc *VPC, e Endpoint) error {
	subnets, zones := slices.Clone(e.SubnetIDs), map[string]bool{}
	for _, s := range vpc.Subnets {
		if len(e.SubnetIDs) == 0 && !zones[s.Zone] {
			subnets, zones[s.Zone] = append(subnets, s.ID), true
		}
	}
	group := &thing{kind: securityGroupType(), id: a.newID("sg-", vpc.ID+e.Service, 17)}
	group.props = values{"name": "endpoint-" + e.Service, "vpcId": vpc.ID, "arn": a.arn("ec2", "security-group/"+group.id)}
	rule := &thing{kind: ingressRuleType(), id: a.newID("sgr-", vpc.ID+e.Service, 17)}
	rule.props = values{
		"securityGroupId": group.id, "securityGroupRuleId": rule.id, "ipProtocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "cidrIpv4": vpc.CIDR,
	}
	a.put(group)
	a.put(rule)

	in := values{
		"vpcId": vpc.ID, "serviceName": a.endpointService(e.Service), "vpcEndpointType": "Interface", "subnetIds": list(subnets),
		"securityGroupIds": list([]string{group.id}), "privateDnsEnabled": e.PrivateDNS, "tags": object(e.Tags),
	}
	if e.Policy != "" {
		in["policy"] = e.Policy
	}
	return a.putWorldThing(vpcEndpointType(), in, e.ID)
}

// Egress says why a workgroup can't do an action with a role on a resource, because of the
// network between it and the action's service; nil is that it can. Without enhanced VPC
// routing it always can. With it, the VPC's DNS decides the way: to an interface endpoint
// with private DNS, which must admit the workgroup and whose policy must allow the action,
// or else to the internet, for which each subnet needs a default route. The workgroup's
// security groups must let the traffic out.
// https://docs.aws.amazon.com/redshift/latest/mgmt/enhanced-vpc-routing.html
func (a *Account) Egress(workgroup, roleARN, action, resource string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	group := a.find(workgroupToken, workgroup)
	if group == nil {
		return fmt.Errorf("fakeaws: there is no workgroup %s", workgroup)
	}
	g := workgroupOf(group.props)
	if !g.EnhancedVPCRouting {
		return nil
	}
	prefix, _, _ := strings.Cut(strings.ToLower(action), ":")
	service, known := endpointServices()[prefix]
	if !known {
		return fmt.Errorf("the stand-in does not know the network way of %s", action)
	}
	vpc, _ := a.vpcOf(g.SubnetIDs[0])
	if endpoint := a.privateEndpoint(vpc, a.endpointService(service)); endpoint != nil {
		r := a.requestOf(roleARN, action, resource)
		if strings.EqualFold(action, "sts:AssumeRole") {
			// Redshift asks, not the role. As which principal is not documented.
			r.principal, r.context = "", nil
		}
		return a.throughEndpoint(g, endpoint, r)
	}
	if !a.letsOut(g, "0.0.0.0/0", nil) {
		return fmt.Errorf("no egress rule of %s lets port 443 out to 0.0.0.0/0", strings.Join(g.SecurityGroupIDs, ", "))
	}
	var problems []error
	for _, id := range g.SubnetIDs {
		_, subnet := a.vpcOf(id)
		table := vpc.table(subnet)
		if !slices.ContainsFunc(table.Routes, func(r Route) bool { return r.Destination == "0.0.0.0/0" }) {
			problems = append(problems, fmt.Errorf("%s has no default route: its route table is %s", id, table.ID))
		}
	}
	return errors.Join(problems...)
}

func (a *Account) throughEndpoint(g Workgroup, endpoint *thing, r question) error {
	subnets, groups := endpoint.props.texts("subnetIds"), endpoint.props.texts("securityGroupIds")
	switch {
	case len(subnets) == 0:
		return fmt.Errorf("the endpoint %s is in no subnet", endpoint.id)
	case !slices.ContainsFunc(subnets, func(id string) bool { return a.letsOut(g, a.cidrOf(id), groups) }):
		return fmt.Errorf("no egress rule of %s lets port 443 out to the endpoint %s", strings.Join(g.SecurityGroupIDs, ", "), endpoint.id)
	}
	for _, id := range g.SubnetIDs {
		if !a.admits(groups, a.cidrOf(id), g.SecurityGroupIDs) {
			return fmt.Errorf("no ingress rule of %s admits port 443 from %s, in which the workgroup is, to the endpoint %s", strings.Join(groups, ", "), id, endpoint.id)
		}
	}
	policy, err := endpointPolicy.parse("DescribeVpcEndpoints", endpoint.props.text("policy"))
	if err != nil {
		return err
	}
	if !policy.allows(r) {
		return fmt.Errorf("%s is not authorized to perform: %s on resource: %s because no VPC endpoint policy allows the %s action: the policy of %s",
			cmp.Or(r.principal, "Redshift"), r.action, r.resource, r.action, endpoint.id)
	}
	return nil
}

func (a *Account) cidrOf(subnet string) string {
	vpc, s := a.vpcOf(subnet)
	if s.CIDR == "" {
		return vpc.CIDR
	}
	return s.CIDR
}

// letsOut says whether a workgroup's groups let HTTPS out to a block of addresses, or to
// other groups.
func (a *Account) letsOut(g Workgroup, to string, groups []string) bool {
	return slices.ContainsFunc(g.SecurityGroupIDs, func(id string) bool {
		return a.find(securityGroupToken, id) == nil || // a VPC's default group
			a.hasRule(egressRuleToken, id, to, groups)
	})
}

// admits says whether groups admit HTTPS from a block of addresses, or from other groups.
func (a *Account) admits(groups []string, from string, others []string) bool {
	return slices.ContainsFunc(groups, func(id string) bool {
		if a.find(securityGroupToken, id) == nil { // a VPC's default group admits itself
			return slices.Contains(others, id)
		}
		return a.hasRule(ingressRuleToken, id, from, others)
	})
}

// hasRule says whether a group has a rule for HTTPS and the whole of a block of addresses,
// or one of other groups.
func (a *Account) hasRule(kind, group, block string, groups []string) bool {
	return slices.ContainsFunc(a.where(kind, values{"securityGroupId": group}), func(rule *thing) bool {
		p := rule.props
		port := p.text("ipProtocol") == "-1" || p.text("ipProtocol") == "tcp" && p.number("fromPort") <= 443 && 443 <= p.number("toPort")
		return port && (covers(p.text("cidrIpv4"), block) || slices.Contains(groups, p.text("referencedSecurityGroupId")))
	})
}

// covers says whether a block of addresses holds the whole of another.
func covers(outer, inner string) bool {
	o, err := netip.ParsePrefix(outer)
	i, failed := netip.ParsePrefix(inner)
	return err == nil && failed == nil && o.Bits() <= i.Bits() && o.Contains(i.Addr())
}
