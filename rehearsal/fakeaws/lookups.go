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
	const network = "filters tags "
	all := map[string]lookup{}
	for token, l := range map[string]struct {
		args   string
		answer func(*Account, values) (values, error)
	}{
		"index/getRegion":         {"", getRegion},
		"index/getPartition":      {"", getPartition},
		"index/getCallerIdentity": {"", getCallerIdentity},

		"ec2/getVpcs":        {network, ids(vpcs, vpcFilters)},
		"ec2/getVpc":         {network + "id default", only("EC2 VPC", vpcs, vpcFilters)},
		"ec2/getSubnets":     {network, ids(subnets, subnetFilters)},
		"ec2/getSubnet":      {network + "id vpcId availabilityZone", only("EC2 Subnet", subnets, subnetFilters)},
		"ec2/getRouteTables": {network + "vpcId", ids(routeTables, tableFilters)},
		"ec2/getRouteTable":  {network + "routeTableId subnetId vpcId", getRouteTable},
		"ec2/getVpcEndpoint": {network + "id vpcId serviceName state", only("EC2 VPC Endpoint", endpoints, endpointFilters)},

		"kinesis/getStream": {"name", getStream},

		"secretsmanager/getSecret":        {"name arn", getSecret},
		"secretsmanager/getSecretVersion": {"secretId versionId versionStage", getSecretVersion},

		"redshiftserverless/getWorkgroup": {"workgroupName", getWorkgroup},
		"redshiftserverless/getNamespace": {"namespaceName", getNamespace},
	} {
		_, name, _ := strings.Cut(token, "/")
		all["aws:"+token+":"+name] = lookup{strings.Fields(l.args), l.answer}
	}
	return all
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

// finding is a part of the network that a lookup may find.
type finding struct {
	tags map[string]string
	// by are other properties by which it is found, as EC2's filters name them.
	by map[string]string
	// shown are its properties. Arguments of a lookup have their names.
	shown values
}

// The filters that the stand-in supports, besides those of tags.
const (
	vpcFilters      = "vpc-id cidr is-default"
	subnetFilters   = "vpc-id subnet-id availability-zone"
	tableFilters    = "vpc-id route-table-id association.main"
	endpointFilters = "vpc-id vpc-endpoint-id service-name vpc-endpoint-type vpc-endpoint-state"
)

// find returns what the arguments of a lookup ask for.
func find(a *Account, all func(*Account) []finding, filters string, args values) ([]values, error) {
	for _, filter := range args.objects("filters") {
		if name := filter.text("name"); !strings.HasPrefix(name, "tag:") && !slices.Contains(strings.Fields(filters), name) {
			return nil, fmt.Errorf("the stand-in does not support the filter %s", name)
		}
	}
	var found []values
	for _, f := range all(a) {
		matches := true
		for key, want := range args.textMap("tags") {
			have, ok := f.tags[key]
			matches = matches && ok && have == want
		}
		for _, filter := range args.objects("filters") {
			have := f.by[filter.text("name")]
			if key, ok := strings.CutPrefix(filter.text("name"), "tag:"); ok {
				have = f.tags[key]
			}
			matches = matches && slices.Contains(filter.texts("values"), have)
		}
		for key, want := range args {
			matches = matches && (key == "filters" || key == "tags" || f.shown[key] == want)
		}
		if matches {
			found = append(found, f.shown)
		}
	}
	return found, nil
}

// only is a lookup of the one thing that there is.
func only(noun string, all func(*Account) []finding, filters string) func(*Account, values) (values, error) {
	return func(a *Account, args values) (values, error) {
		found, err := find(a, all, filters, args)
		switch {
		case err != nil:
			return nil, err
		case len(found) == 0:
			return nil, fmt.Errorf("no matching %s found", noun)
		case len(found) > 1:
			return nil, fmt.Errorf("multiple %ss matched; use additional constraints to reduce matches to a single %s", noun, noun)
		}
		return found[0], nil
	}
}

// ids is a lookup of many.
func ids(all func(*Account) []finding, filters string) func(*Account, values) (values, error) {
	return func(a *Account, args values) (values, error) {
		found, err := find(a, all, filters, args)
		var ids []string
		for _, f := range found {
			ids = append(ids, f.text("id"))
		}
		result := args.clone()
		result["id"] = a.region
		result["ids"] = list(a.shuffled(ids))
		return result, err
	}
}

func vpcs(a *Account) []finding {
	var all []finding
	for _, v := range a.vpcs {
		all = append(all, finding{v.Tags, map[string]string{"vpc-id": v.ID, "cidr": v.CIDR, "is-default": fmt.Sprint(v.Default)}, values{
			"id": v.ID, "arn": a.arn("ec2", "vpc/"+v.ID), "cidrBlock": v.CIDR, "default": v.Default, "ownerId": a.id, "state": "available",
			"enableDnsHostnames": !v.NoDNSHostnames, "enableDnsSupport": !v.NoDNSSupport, "instanceTenancy": "default",
			"mainRouteTableId": v.MainRouteTable.ID, "tags": object(v.Tags),
		}})
	}
	return all
}

func subnets(a *Account) []finding {
	var all []finding
	for _, v := range a.vpcs {
		for _, s := range v.Subnets {
			all = append(all, finding{s.Tags, map[string]string{"vpc-id": v.ID, "subnet-id": s.ID, "availability-zone": s.Zone}, values{
				"id": s.ID, "arn": a.arn("ec2", "subnet/"+s.ID), "vpcId": v.ID, "ownerId": a.id, "state": "available",
				"availabilityZone": s.Zone, "availableIpAddressCount": float64(a.free(&s)), "cidrBlock": s.CIDR,
				"mapPublicIpOnLaunch": s.MapPublicIP, "tags": object(s.Tags),
			}})
		}
	}
	return all
}

func routeTables(a *Account) []finding {
	var all []finding
	for _, v := range a.vpcs {
		for i, t := range append([]RouteTable{v.MainRouteTable}, v.RouteTables...) {
			all = append(all, finding{t.Tags, map[string]string{"vpc-id": v.ID, "route-table-id": t.ID, "association.main": fmt.Sprint(i == 0)}, values{
				"id": t.ID, "routeTableId": t.ID, "arn": a.arn("ec2", "route-table/"+t.ID), "vpcId": v.ID, "ownerId": a.id,
				"routes": t.routes(), "associations": a.associations(v, t, i == 0), "subnetId": "", "tags": object(t.Tags),
			}})
		}
	}
	return all
}

func (t RouteTable) routes() []any {
	routes := []any{}
	for _, r := range t.Routes {
		target, _ := routeTarget(r.Target)
		block := "cidrBlock"
		if strings.Contains(r.Destination, ":") {
			block = "ipv6CidrBlock"
		}
		routes = append(routes, map[string]any{target: r.Target, block: r.Destination})
	}
	return routes
}

// associations are a route table's, with the VPC if it is the main one. A subnet that uses the
// main table has none.
func (a *Account) associations(v VPC, t RouteTable, main bool) []any {
	all := []any{}
	associate := func(subnet string) {
		all = append(all, map[string]any{
			"main": subnet == "", "routeTableAssociationId": "rtbassoc-" + a.digits(t.ID+subnet, 17), "routeTableId": t.ID, "subnetId": subnet, "gatewayId": "",
		})
	}
	if main {
		associate("")
	}
	for _, s := range v.Subnets {
		if s.RouteTable == t.ID {
			associate(s.ID)
		}
	}
	return all
}

// getRouteTable finds a table by one of its associations too.
func getRouteTable(a *Account, args values) (values, error) {
	of := func(*Account) []finding {
		all := routeTables(a)
		if !args.has("subnetId") {
			return all
		}
		subnet := args.text("subnetId")
		return slices.DeleteFunc(all, func(f finding) bool {
			f.shown["subnetId"] = subnet
			return !slices.ContainsFunc(f.shown.objects("associations"), func(association values) bool { return association.text("subnetId") == subnet })
		})
	}
	found, err := find(a, of, tableFilters, args)
	if err == nil && len(found) == 0 {
		return nil, errors.New("query returned no results. Please change your search criteria and try again")
	}
	return only("Route Table", of, tableFilters)(a, args)
}

func endpoints(a *Account) []finding {
	var all []finding
	for _, endpoint := range a.all(vpcEndpointToken) {
		p := endpoint.props.clone()
		delete(p, "tagsAll")
		p["id"] = endpoint.id
		p["cidrBlocks"], p["routeTableIds"], p["prefixListId"] = []any{}, []any{}, ""
		all = append(all, finding{p.textMap("tags"), map[string]string{
			"vpc-id": p.text("vpcId"), "vpc-endpoint-id": endpoint.id, "service-name": p.text("serviceName"),
			"vpc-endpoint-type": p.text("vpcEndpointType"), "vpc-endpoint-state": p.text("state"),
		}, p})
	}
	return all
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
	id, label := args.text("secretId"), cmp.Or(args.text("versionStage"), current)
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
