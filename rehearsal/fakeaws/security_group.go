package fakeaws

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	securityGroupToken = "aws:ec2/securityGroup:SecurityGroup"
	ingressRuleToken   = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	egressRuleToken    = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
)

// EC2 takes these characters in the description of a group or a rule.
const describing = `[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]{0,255}`

// securityGroupType is a security group. AWS makes it with a rule that lets everything out, which
// the provider takes away with a request of its own: internal/service/ec2/vpc_security_group.go,
// resourceSecurityGroupCreate. If that fails, no later update does it.
func securityGroupType() *resourceType {
	return &resourceType{
		token: securityGroupToken, noun: "Security Group", service: ec2Service, invalid: "InvalidParameterValue", name: "name", autoname: 255,
		schema: tagged(schema{
			"name":                {replaces: true, check: matching(`.{1,255}`)},
			"description":         {replaces: true, fallback: "Managed by Pulumi", check: matching(describing)},
			"vpcId":               {replaces: true, computed: true},
			"revokeRulesOnDelete": {kind: flag, fallback: false, unread: true},
			"arn":                 {output: true},
			"ownerId":             {output: true},
		}),
		create: []request{{api: "CreateSecurityGroup", do: func(o *op) error {
			name, vpc := o.in.text("name"), o.vpc(o.in.text("vpcId"))
			switch {
			case vpc == nil && o.in.has("vpcId"):
				return o.refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", o.in.text("vpcId"))
			case vpc == nil:
				return o.refuse("VPCIdNotSpecified", "No default VPC for this user")
			case strings.HasPrefix(name, "sg-"):
				return o.refuse("InvalidParameterValue",
					"Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*", name)
			case o.in.text("description") == "":
				return o.refuse("MissingParameter", "The request must contain the parameter GroupDescription")
			}
			if len(o.where(securityGroupToken, values{"name": name, "vpcId": vpc.ID})) > 0 {
				return o.refuse("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpc.ID)
			}
			o.id = o.newID("sg-", string(o.urn), 17)
			o.props["vpcId"] = vpc.ID
			o.props["ownerId"] = o.Account.id
			o.props["arn"] = o.arn("ec2", "security-group/"+o.id)
			rule := "sgr-" + o.digits("default of "+o.id, 17)
			o.put(&thing{kind: egressRuleType(), id: rule, props: values{
				"securityGroupId": o.id, "securityGroupRuleId": rule, "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0",
				"arn": o.arn("ec2", "security-group-rule/"+rule), "tagsAll": map[string]any{},
			}})
			return nil
		}}, {api: "RevokeSecurityGroupEgress", sends: []string{}, do: func(o *op) error {
			delete(o.objects, objectKey{egressRuleToken, "sgr-" + o.digits("default of "+o.id, 17)})
			return nil
		}}},
		tag: request{api: "CreateTags"},
		delete: request{api: "DeleteSecurityGroup", do: func(o *op) error {
			var uses []string
			rules := append(o.all(ingressRuleToken), o.all(egressRuleToken)...)
			for _, rule := range rules {
				if rule.props.text("referencedSecurityGroupId") == o.id && rule.props.text("securityGroupId") != o.id {
					uses = append(uses, rule.id)
				}
			}
			for _, group := range o.where(workgroupToken, values{"securityGroupIds": o.id}) {
				uses = append(uses, "workgroup "+group.id)
			}
			for _, endpoint := range o.where(vpcEndpointToken, values{"securityGroupIds": o.id}) {
				uses = append(uses, endpoint.id)
			}
			if len(uses) > 0 {
				return o.refuse("DependencyViolation",
					"resource %s has a dependent object (%s)", o.id, strings.Join(uses, ", "))
			}
			for _, rule := range rules {
				if rule.props.text("securityGroupId") == o.id {
					o.remove(rule)
				}
			}
			return nil
		}},
	}
}

// vpc returns a VPC by its id, or the default one.
func (a *Account) vpc(id string) *VPC {
	for i := range a.vpcs {
		if a.vpcs[i].ID == id || id == "" && a.vpcs[i].Default {
			return &a.vpcs[i]
		}
	}
	return nil
}

// defaultGroup is the id of the group that AWS makes with a VPC. It lets everything out.
func (a *Account) defaultGroup(vpc *VPC) string { return "sg-" + a.digits("default of "+vpc.ID, 17) }

// groupVPC is the VPC of a security group, "" if there is no such group.
func (a *Account) groupVPC(id string) string {
	if group := a.find(securityGroupToken, id); group != nil {
		return group.props.text("vpcId")
	}
	for i := range a.vpcs {
		if a.defaultGroup(&a.vpcs[i]) == id {
			return a.vpcs[i].ID
		}
	}
	return ""
}

func ingressRuleType() *resourceType {
	return ruleType(ingressRuleToken, "VPC Security Group Ingress Rule", "SecurityGroupIngress")
}

func egressRuleType() *resourceType {
	return ruleType(egressRuleToken, "VPC Security Group Egress Rule", "SecurityGroupEgress")
}

// peers are the properties of which a rule has exactly one.
var peers = []string{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"}

// ruleType is a rule. The provider knows its id only when it has its tags too:
// internal/service/ec2/vpc_security_group_ingress_rule.go, Create.
func ruleType(token, noun, direction string) *resourceType {
	rule := schema{
		"securityGroupId":           {required: true, replaces: true},
		"ipProtocol":                {required: true, check: oneOf("-1", "tcp", "udp", "icmp", "icmpv6")},
		"fromPort":                  {kind: number, check: between(-1, 65535)},
		"toPort":                    {kind: number, check: between(-1, 65535)},
		"cidrIpv4":                  {check: isCIDR},
		"cidrIpv6":                  {check: isCIDR},
		"prefixListId":              {},
		"referencedSecurityGroupId": {},
		"description":               {check: matching(describing)},
		"arn":                       {output: true},
		"securityGroupRuleId":       {output: true},
	}
	own := slices.Collect(maps.Keys(rule))
	return &resourceType{
		token: token, noun: noun, service: ec2Service, invalid: "InvalidParameterValue", name: "description", framework: true,
		schema: tagged(rule),
		refine: func(in, _ values) error {
			given := slices.DeleteFunc(slices.Clone(peers), func(peer string) bool { return !in.has(peer) })
			if len(given) != 1 {
				return fmt.Errorf("exactly one of [%s] must be given, not %q", strings.Join(peers, ", "), given)
			}
			return nil
		},
		create: []request{{api: "Authorize" + direction, sends: own, do: func(o *op) error {
			o.id = o.newID("sgr-", string(o.urn), 17)
			o.props["securityGroupRuleId"] = o.id
			o.props["arn"] = o.arn("ec2", "security-group-rule/"+o.id)
			return o.checkRule(token)
		}}, {api: "CreateTags", sends: tagKeys, when: func(o *op) bool { return o.in.has("tags") }}},
		tag:    request{api: "CreateTags"},
		update: one("ModifySecurityGroupRules", func(o *op) error { return o.checkRule(token) }),
		delete: request{api: "Revoke" + direction},
	}
}

func (o *op) checkRule(token string) error {
	protocol, from, to := o.in.text("ipProtocol"), o.in.number("fromPort"), o.in.number("toPort")
	ports := o.in.has("fromPort") && o.in.has("toPort")
	for _, key := range []string{"securityGroupId", "referencedSecurityGroupId"} {
		if group := o.in.text(key); o.in.has(key) && o.groupVPC(group) == "" {
			return o.refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", group)
		}
	}
	switch {
	case protocol == "-1" && (o.in.has("fromPort") || o.in.has("toPort")):
		return o.invalid("Protocol -1 means all ports: give no fromPort and toPort")
	case protocol != "-1" && !ports:
		return o.invalid("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
	case (protocol == "tcp" || protocol == "udp") && (from < 0 || to < from):
		return o.invalid("Invalid TCP port range (%d:%d)", from, to)
	}
	is := values{}
	for _, key := range append([]string{"securityGroupId", "ipProtocol", "fromPort", "toPort"}, peers...) {
		is[key] = o.in[key]
	}
	if rule := first(o.where(token, is)); rule != nil && rule.id != o.id {
		return o.refuse("InvalidPermission.Duplicate", "the specified rule already exists: %s", rule.id)
	}
	return nil
}
