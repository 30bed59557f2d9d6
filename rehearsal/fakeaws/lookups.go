package fakeaws

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// lookup is a function of the provider that finds something.
type lookup struct {
	args   []string
	answer func(*Account, values) (values, error) // with the account locked
}

func lookups() map[string]lookup {
	return map[string]lookup{
		"aws:index/getRegion:getRegion":                 {nil, getRegion},
		"aws:index/getPartition:getPartition":           {nil, getPartition},
		"aws:index/getCallerIdentity:getCallerIdentity": {nil, getCallerIdentity},

		"aws:ec2/getVpcs:getVpcs":               {[]string{"filters", "tags"}, getVpcs},
		"aws:ec2/getVpc:getVpc":                 {[]string{"id", "default", "filters", "tags"}, getVpc},
		"aws:ec2/getSubnets:getSubnets":         {[]string{"filters", "tags"}, getSubnets},
		"aws:ec2/getSubnet:getSubnet":           {[]string{"id", "vpcId", "availabilityZone", "filters", "tags"}, getSubnet},
		"aws:ec2/getRouteTables:getRouteTables": {[]string{"vpcId", "filters", "tags"}, getRouteTables},
		"aws:ec2/getRouteTable:getRouteTable":   {[]string{"routeTableId", "subnetId", "vpcId", "filters", "tags"}, getRouteTable},

		"aws:ec2/getVpcEndpoint:getVpcEndpoint": {[]string{"id", "vpcId", "serviceName", "state", "filters", "tags"}, getVpcEndpoint},

		getStreamToken: {[]string{"name"}, getStream},

		"aws:secretsmanager/getSecret:getSecret":               {[]string{"name", "arn"}, getSecret},
		"aws:secretsmanager/getSecretVersion:getSecretVersion": {[]string{"secretId", "versionId", "versionStage"}, getSecretVersion},

		"aws:redshiftserverless/getWorkgroup:getWorkgroup": {[]string{"workgroupName"}, getWorkgroup},
		"aws:redshiftserverless/getNamespace:getNamespace": {[]string{"namespaceName"}, getNamespace},
	}
}

func getRegion(a *Account, _ values) (values, error) {
	return values{"id": a.region, "name": a.region, "description": a.region, "endpoint": "ec2." + a.region + ".amazonaws.com"}, nil
}

func getPartition(*Account, values) (values, error) {
	return values{"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}, nil
}

func getCallerIdentity(a *Account, _ values) (values, error) {
	return values{"id": a.id, "accountId": a.id, "arn": "arn:aws:iam::" + a.id + ":user/rehearsal", "userId": "AIDAREHEARSAL"}, nil
}

// matches says whether something with an id, tags and other attributes is what the
// arguments filters and tags of a lookup ask for. Attributes have the names of EC2's
// filters.
func matches(args values, tags map[string]string, attributes map[string]string) (bool, error) {
	for key, want := range args.textMap("tags") {
		if have, ok := tags[key]; !ok || have != want {
			return false, nil
		}
	}
	for _, filter := range args.objects("filters") {
		name := filter.text("name")
		have, known := attributes[name]
		if key, ok := strings.CutPrefix(name, "tag:"); ok {
			have, known = tags[key], true
		}
		if !known {
			return false, fmt.Errorf("the stand-in does not support the filter %s", name)
		}
		if !slices.Contains(filter.texts("values"), have) {
			return false, nil
		}
	}
	return true, nil
}

// tableMatch is a route table with its VPC.
type tableMatch struct {
	vpc   *VPC
	table RouteTable
}

func (a *Account) vpcsLike(args values) ([]*VPC, error) {
	var found []*VPC
	for i := range a.vpcs {
		v := &a.vpcs[i]
		ok, err := matches(args, v.Tags, map[string]string{"vpc-id": v.ID, "cidr": v.CIDR, "is-default": fmt.Sprint(v.Default)})
		if err != nil {
			return nil, err
		}
		if ok && asked(args, "id", v.ID) && (!args.has("default") || args.flag("default") == v.Default) {
			found = append(found, v)
		}
	}
	return found, nil
}

func (a *Account) subnetsLike(args values) ([]*Subnet, error) {
	var found []*Subnet
	for i := range a.vpcs {
		v := &a.vpcs[i]
		for j := range v.Subnets {
			s := &v.Subnets[j]
			ok, err := matches(args, s.Tags, map[string]string{"vpc-id": v.ID, "subnet-id": s.ID, "availability-zone": s.Zone})
			if err != nil {
				return nil, err
			}
			if ok && asked(args, "id", s.ID) && asked(args, "vpcId", v.ID) && asked(args, "availabilityZone", s.Zone) {
				found = append(found, s)
			}
		}
	}
	return found, nil
}

func (a *Account) tablesLike(args values) ([]tableMatch, error) {
	var found []tableMatch
	for i := range a.vpcs {
		v := &a.vpcs[i]
		for _, t := range append([]RouteTable{v.MainRouteTable}, v.RouteTables...) {
			ok, err := matches(args, t.Tags, map[string]string{
				"vpc-id": v.ID, "route-table-id": t.ID, "association.main": fmt.Sprint(t.ID == v.MainRouteTable.ID),
			})
			if err != nil {
				return nil, err
			}
			// A subnet that uses the main table has no association to be found by.
			associated := slices.ContainsFunc(v.Subnets, func(s Subnet) bool { return s.ID == args.text("subnetId") && s.RouteTable == t.ID })
			if ok && asked(args, "routeTableId", t.ID) && asked(args, "vpcId", v.ID) && (!args.has("subnetId") || associated) {
				found = append(found, tableMatch{v, t})
			}
		}
	}
	return found, nil
}

// asked says whether a thing with the value is what an argument, if given, asks for.
func asked(args values, key, value string) bool { return !args.has(key) || args.text(key) == value }

// only returns the one thing that a lookup is about.
func only[T any](found []T, noun string) (T, error) {
	var none T
	switch len(found) {
	case 0:
		return none, fmt.Errorf("no matching %s found", noun)
	case 1:
		return found[0], nil
	}
	return none, fmt.Errorf("multiple %ss matched; use additional constraints to reduce matches to a single %s", noun, noun)
}

// idsOf is the result of a lookup of many.
func (a *Account) idsOf(args values, ids []string) values {
	result := args.clone()
	result["id"] = a.region
	result["ids"] = list(a.shuffled(ids))
	return result
}

func getVpcs(a *Account, args values) (values, error) {
	found, err := a.vpcsLike(args)
	var ids []string
	for _, v := range found {
		ids = append(ids, v.ID)
	}
	return a.idsOf(args, ids), err
}

func getVpc(a *Account, args values) (values, error) {
	found, err := a.vpcsLike(args)
	if err != nil {
		return nil, err
	}
	v, err := only(found, "EC2 VPC")
	if err != nil {
		return nil, err
	}
	return values{
		"id": v.ID, "arn": a.arn("ec2", "vpc/"+v.ID), "cidrBlock": v.CIDR, "default": v.Default, "ownerId": a.id, "state": "available",
		"enableDnsHostnames": !v.NoDNSHostnames, "enableDnsSupport": !v.NoDNSSupport, "instanceTenancy": "default",
		"mainRouteTableId": v.MainRouteTable.ID, "tags": object(v.Tags),
	}, nil
}

func getSubnets(a *Account, args values) (values, error) {
	found, err := a.subnetsLike(args)
	var ids []string
	for _, s := range found {
		ids = append(ids, s.ID)
	}
	return a.idsOf(args, ids), err
}

func getSubnet(a *Account, args values) (values, error) {
	found, err := a.subnetsLike(args)
	if err != nil {
		return nil, err
	}
	s, err := only(found, "EC2 Subnet")
	if err != nil {
		return nil, err
	}
	v, _ := a.vpcOf(s.ID)
	return values{
		"id": s.ID, "arn": a.arn("ec2", "subnet/"+s.ID), "vpcId": v.ID, "ownerId": a.id, "state": "available",
		"availabilityZone": s.Zone, "availableIpAddressCount": float64(a.free(s)), "cidrBlock": s.CIDR,
		"mapPublicIpOnLaunch": s.MapPublicIP, "tags": object(s.Tags),
	}, nil
}

func getRouteTables(a *Account, args values) (values, error) {
	found, err := a.tablesLike(args)
	var ids []string
	for _, m := range found {
		ids = append(ids, m.table.ID)
	}
	return a.idsOf(args, ids), err
}

func getRouteTable(a *Account, args values) (values, error) {
	found, err := a.tablesLike(args)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("query returned no results. Please change your search criteria and try again")
	}
	m, err := only(found, "Route Table")
	if err != nil {
		return nil, err
	}
	id, routes, associations := m.table.ID, []any{}, []any{}
	for _, r := range m.table.Routes {
		target, _ := routeTarget(r.Target)
		route := map[string]any{target: r.Target}
		if strings.Contains(r.Destination, ":") {
			route["ipv6CidrBlock"] = r.Destination
		} else {
			route["cidrBlock"] = r.Destination
		}
		routes = append(routes, route)
	}
	associate := func(main bool, subnet string) {
		associations = append(associations, map[string]any{
			"main": main, "routeTableAssociationId": "rtbassoc-" + a.digits(id+subnet, 17), "routeTableId": id, "subnetId": subnet, "gatewayId": "",
		})
	}
	if id == m.vpc.MainRouteTable.ID {
		associate(true, "")
	}
	for _, s := range m.vpc.Subnets {
		if s.RouteTable == id {
			associate(false, s.ID)
		}
	}
	return values{
		"id": id, "routeTableId": id, "arn": a.arn("ec2", "route-table/"+id), "vpcId": m.vpc.ID, "ownerId": a.id,
		"routes": routes, "associations": associations, "subnetId": args.text("subnetId"), "tags": object(m.table.Tags),
	}, nil
}

func getVpcEndpoint(a *Account, args values) (values, error) {
	var found []*thing
	for _, endpoint := range a.all(vpcEndpointToken) {
		p := endpoint.props
		ok, err := matches(args, p.textMap("tags"), map[string]string{
			"vpc-id": p.text("vpcId"), "vpc-endpoint-id": endpoint.id, "service-name": p.text("serviceName"),
			"vpc-endpoint-type": p.text("vpcEndpointType"), "vpc-endpoint-state": p.text("state"),
		})
		if err != nil {
			return nil, err
		}
		if ok && asked(args, "id", endpoint.id) && asked(args, "vpcId", p.text("vpcId")) &&
			asked(args, "serviceName", p.text("serviceName")) && asked(args, "state", p.text("state")) {
			found = append(found, endpoint)
		}
	}
	endpoint, err := only(found, "EC2 VPC Endpoint")
	if err != nil {
		return nil, err
	}
	result := endpoint.props.clone()
	delete(result, "tagsAll")
	result["id"] = endpoint.id
	result["cidrBlocks"], result["routeTableIds"], result["prefixListId"] = []any{}, []any{}, ""
	return result, nil
}

const getStreamToken = "aws:kinesis/getStream:getStream"

// getStream answers for the streams of the account, made by a program or there before.
func getStream(a *Account, args values) (values, error) {
	name := args.text("name")
	stream := a.find(streamToken, a.arn("kinesis", "stream/"+name))
	if stream == nil {
		return nil, fmt.Errorf("reading Kinesis Stream (%s): couldn't find resource", name)
	}
	p, shards := stream.props, []string{}
	for i := range cmp.Or(p.number("shardCount"), 4) { // an on-demand one begins with four
		shards = append(shards, fmt.Sprintf("shardId-%012d", i))
	}
	return values{
		"id": stream.id, "arn": stream.id, "name": name, "status": "ACTIVE", "openShards": list(shards), "closedShards": []any{},
		"encryptionType": p.text("encryptionType"), "kmsKeyId": p.text("kmsKeyId"), "retentionPeriod": p["retentionPeriod"],
		"shardLevelMetrics": []any{}, "streamModeDetails": []any{p["streamModeDetails"]}, "tags": object(p.textMap("tags")),
		"creationTimestamp": float64(a.now().Unix()),
	}, nil
}

func getSecret(a *Account, args values) (values, error) {
	id := args.text("arn") + args.text("name")
	if args.has("arn") == args.has("name") {
		return nil, errors.New("one of arn and name must be given")
	}
	secret := a.secretNamed(id)
	if secret == nil {
		return nil, fmt.Errorf("reading Secrets Manager Secret (%s): couldn't find resource", id)
	}
	return values{
		"id": secret.id, "arn": secret.id, "name": secret.props.text("name"), "description": secret.props.text("description"),
		"kmsKeyId": secret.props.text("kmsKeyId"), "policy": "", "tags": object(secret.props.textMap("tags")),
	}, nil
}

func getSecretVersion(a *Account, args values) (values, error) {
	id, label := args.text("secretId"), args.text("versionStage")
	if label == "" {
		label = current
	}
	var version *thing
	if secret := a.secretNamed(id); secret != nil {
		version = a.staged(secret.id, label)
		if args.has("versionId") {
			version = a.find(secretVersionToken, secret.id+"|"+args.text("versionId"))
			if version != nil && args.has("versionStage") && !slices.Contains(version.props.texts("versionStages"), label) {
				return nil, refuse(secretsService, "GetSecretValue", "InvalidRequestException",
					"You provided a VersionStage that is not associated to the provided VersionId.")
			}
		}
	}
	if version == nil {
		return nil, fmt.Errorf("reading Secrets Manager Secret Version (%s|%s): couldn't find resource", id, label)
	}
	return values{
		"id": id + "|" + label, "arn": version.props.text("arn"), "secretId": id, "secretString": version.props.text("secretString"), "secretBinary": "",
		"versionId": version.props.text("versionId"), "versionStage": label, "versionStages": version.props["versionStages"],
	}, nil
}

// getWorkgroup and getNamespace answer with the properties of the resource, as far as
// the lookup has them.
func getWorkgroup(a *Account, args values) (values, error) {
	found, err := a.described(workgroupToken, "Redshift Serverless Workgroup", args.text("workgroupName"),
		"arn", "endpoints", "namespaceName", "securityGroupIds", "subnetIds", "workgroupId", "workgroupName")
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"enhancedVpcRouting", "publiclyAccessible"} {
		found[key] = a.find(workgroupToken, args.text("workgroupName")).props.flag(key)
	}
	return found, nil
}

func getNamespace(a *Account, args values) (values, error) {
	return a.described(namespaceToken, "Redshift Serverless Namespace", args.text("namespaceName"),
		"adminUsername", "arn", "dbName", "defaultIamRoleArn", "iamRoles", "kmsKeyId", "logExports", "namespaceId", "namespaceName")
}

func (a *Account) described(kind, noun, id string, keys ...string) (values, error) {
	t := a.find(kind, id)
	if t == nil {
		return nil, fmt.Errorf("reading %s (%s): couldn't find resource", noun, id)
	}
	result := values{"id": id}
	for _, key := range keys {
		if t.props.has(key) {
			result[key] = t.props[key]
		}
	}
	return result, nil
}
