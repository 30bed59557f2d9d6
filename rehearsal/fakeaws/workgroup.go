package fakeaws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/evstream/emulator/fakeredshift"
)

// Workgroup is a Redshift Serverless workgroup: it computes for a namespace.
type Workgroup = fakeredshift.Workgroup

const workgroupToken = "aws:redshiftserverless/workgroup:Workgroup"

// configKeys are the parameters that this release of the provider knows.
var configKeys = []string{
	"auto_mv", "datestyle", "enable_case_sensitive_identifier", "enable_user_activity_logging", "query_group", "search_path",
	"require_ssl", "use_fips_ssl", "max_query_cpu_time", "max_query_blocks_read", "max_scan_row_count",
	"max_query_execution_time", "max_query_queue_time", "max_query_cpu_usage_percent", "max_query_temp_blocks_to_disk",
	"max_join_row_count", "max_nested_loop_join_row_count",
}

// freshParameters are those of a new workgroup. The last one is not among configKeys: no
// list that a program gives can be the whole.
func freshParameters() map[string]string {
	return map[string]string{
		"auto_mv": "true", "datestyle": "ISO, MDY", "enable_case_sensitive_identifier": "false",
		"enable_user_activity_logging": "true", "query_group": "default", "require_ssl": "true",
		"search_path": "$user, public", "use_fips_ssl": "false", "max_query_execution_time": "14400",
		"enable_large_strings_opt_in": "false",
	}
}

// workgroupType is a workgroup. Each setting has a request of its own, in the provider's order,
// and AWS sees the states between: internal/service/redshiftserverless/workgroup.go,
// resourceWorkgroupCreate and resourceWorkgroupUpdate.
func workgroupType() *resourceType {
	return &resourceType{
		token: workgroupToken, noun: "Redshift Serverless Workgroup", service: redshiftService, invalid: "ValidationException", name: "workgroupName",
		schema: tagged(schema{
			"workgroupName": {required: true, replaces: true},
			"namespaceName": {required: true, replaces: true},
			"baseCapacity":  {kind: number, computed: true},
			"maxCapacity":   {kind: number},
			"pricePerformanceTarget": {kind: anObject, computed: true, fields: schema{
				"enabled": {kind: flag, required: true}, "level": {kind: number, check: oneOfNumbers(1, 25, 50, 75, 100)},
			}},
			"configParameters": {kind: someObjects, set: true, computed: true, fields: schema{
				"parameterKey": {required: true, check: oneOf(configKeys...)}, "parameterValue": {required: true},
			}},
			"enhancedVpcRouting": {kind: flag},
			"publiclyAccessible": {kind: flag},
			"port":               {kind: number, computed: true},
			"securityGroupIds":   {kind: texts, set: true, computed: true},
			"subnetIds":          {kind: texts, set: true, computed: true},
			"arn":                {output: true},
			"workgroupId":        {output: true},
			"endpoints":          {kind: someObjects, output: true},
		}),
		create: one("CreateWorkgroup", func(o *op) error {
			name := o.in.text("workgroupName")
			if o.find(workgroupToken, name) != nil {
				return o.refuse("ConflictException", "Workgroup %s already exists.", name)
			}
			// The provider says so, but not in a preview.
			if o.in.number("baseCapacity") > 0 && o.in.object("pricePerformanceTarget").flag("enabled") {
				return errors.New("base_capacity cannot be set when price_performance_target.enabled is true")
			}
			o.id = name
			id := o.newUUID("workgroup", name)
			o.props["workgroupId"] = id
			o.props["arn"] = o.arn("redshift-serverless", "workgroup/"+id)
			return o.workgroup(freshParameters(), Redshift.CreateWorkgroup)
		}),
		update: slices.Concat(capacities(), []request{
			updateWorkgroup("pricePerformanceTarget"), updateWorkgroup("configParameters"), updateWorkgroup("enhancedVpcRouting"), updateWorkgroup("port"),
			updateWorkgroup("publiclyAccessible"), updateWorkgroup("securityGroupIds"), updateWorkgroup("subnetIds"),
		}),
		delete: request{api: "DeleteWorkgroup", do: func(o *op) error {
			// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless_delete-workgroup.html
			for _, limit := range o.limitsOf(o.find(workgroupToken, o.id)) {
				o.remove(limit)
			}
			o.redshift(func(ctx context.Context, r Redshift) error { return r.DeleteWorkgroup(ctx, o.id) })
			return nil
		}},
	}
}

// updateWorkgroup is the request for one setting.
func updateWorkgroup(key string) request {
	return request{api: "UpdateWorkgroup", sends: []string{key}, do: func(o *op) error {
		return o.workgroup(parameters(o.old), Redshift.UpdateWorkgroup)
	}}
}

// capacities are the requests for the two capacities, of which that goes first that the other
// one leaves room for. A limit that is taken away is all that is sent, though the base capacity
// differs too: github.com/hashicorp/terraform-provider-aws/pull/46137 mends that, in 6.x.
func capacities() []request {
	base, limit, limitFirst := updateWorkgroup("baseCapacity"), updateWorkgroup("maxCapacity"), updateWorkgroup("maxCapacity")
	unlimited := func(o *op) bool { return o.differs["maxCapacity"] && o.in.number("maxCapacity") == 0 }
	exceeds := func(o *op) bool {
		was := o.state.number("maxCapacity")
		return o.differs["baseCapacity"] && was != 0 && o.in.number("baseCapacity") > was
	}
	base.when = func(o *op) bool { return !unlimited(o) }
	limitFirst.when = func(o *op) bool { return exceeds(o) && !unlimited(o) }
	limit.when = func(o *op) bool { return !limitFirst.when(o) }
	return []request{limitFirst, base, limit}
}

// workgroup completes the properties, refuses what Redshift refuses and puts the
// workgroup to work.
func (o *op) workgroup(config map[string]string, put func(Redshift, context.Context, Workgroup) error) error {
	for _, check := range []func() error{o.checkNames, o.checkTarget, o.checkSizes} {
		if err := check(); err != nil {
			return err
		}
	}
	given := maps.Clone(config)
	maps.Copy(given, parameters(o.props))
	if o.old != nil && o.changed("configParameters") && maps.Equal(given, config) {
		return o.invalid("You didn't specify any changes to the configuration parameters.")
	}
	o.props["configParameters"] = parameterList(given)

	if err := o.settle(capacity(o.props)); err != nil {
		return err
	}
	g := workgroupOf(o.props)
	o.redshift(func(ctx context.Context, r Redshift) error { return put(r, ctx, g) })
	return nil
}

// checkNames checks a workgroup's name and its namespace, which has no other one.
func (o *op) checkNames() error {
	name, namespace := o.in.text("workgroupName"), o.in.text("namespaceName")
	if !serverlessName.MatchString(name) {
		return o.invalid("1 validation error detected: Value '%s' at 'workgroupName' failed to satisfy constraint: "+
			"Member must have 3 to 64 characters and satisfy regular expression pattern: ^[a-z0-9-]+$", name)
	}
	if o.find(namespaceToken, namespace) == nil {
		return o.refuse("ResourceNotFoundException", "The namespace %s was not found.", namespace)
	}
	if other := first(o.where(workgroupToken, values{"namespaceName": namespace})); other != nil && other.id != name {
		return o.refuse("ConflictException", "The namespace %s is associated with the workgroup %s.", namespace, other.id)
	}
	return nil
}

// checkTarget checks and completes a workgroup's price-performance target.
func (o *op) checkTarget() error {
	targeted := priceTarget(o.old) > 0
	if o.old != nil && (targeted && o.changed("baseCapacity") || o.changed("pricePerformanceTarget") && priceTarget(o.props) == 0) {
		// The base capacity goes first, or a level with the end of the target:
		// github.com/hashicorp/terraform-provider-aws/issues/43164
		return o.invalid("You can't set the base capacity of a workgroup whose price-performance target is enabled, nor a level when it is not.")
	}
	if !o.props.has("baseCapacity") {
		// Read from a workgroup of 2026-07-11 that was given neither: go-to-k/cdk-real-drift,
		// tests/corpus/AWS__RedshiftServerless__Workgroup.HuntWorkgroup.json.
		o.fill(values{"pricePerformanceTarget": map[string]any{"enabled": true, "level": 50.0}})
	}
	switch {
	case priceTarget(o.props) > 0:
		o.props["baseCapacity"] = -1.0 // what AWS shows when it chooses
	case o.props.object("pricePerformanceTarget").has("level"):
		o.props["pricePerformanceTarget"] = map[string]any{"enabled": false, "level": 0.0}
	}
	return nil
}

// checkSizes checks and completes a workgroup's capacities and its port.
func (o *op) checkSizes() error {
	o.fill(values{"baseCapacity": 128.0, "port": 5439.0})
	managed := priceTarget(o.props) > 0
	base, limit, port := capacity(o.props), o.props.number("maxCapacity"), o.props.number("port")
	switch {
	case base != 4 && (base < 8 || base > 1024 || base%8 != 0 || base > 512 && base%32 != 0):
		return o.invalid("Invalid base capacity %d: 4, 8 to 512 in steps of 8, or up to 1024 in steps of 32", base)
	case limit != 0 && (limit < base && !managed || limit > 5632 || limit%8 != 0):
		return o.invalid("Invalid max capacity %d: from the base capacity, %d, to 5632 in steps of 8", limit, base)
	case (port < 5431 || port > 5455) && (port < 8191 || port > 8215):
		return o.invalid("Invalid port %d: 5431 to 5455 or 8191 to 8215", port)
	}
	return nil
}

// capacity is a workgroup's base capacity in RPU. When AWS chooses it, the service's
// default counts for the addresses: nothing is documented.
func capacity(props values) int {
	if priceTarget(props) > 0 {
		return 128
	}
	return props.number("baseCapacity")
}

// priceTarget is the level of a workgroup's price-performance target, 0 without one.
// Balanced is the service's default.
func priceTarget(props values) int {
	target := props.object("pricePerformanceTarget")
	if !target.flag("enabled") {
		return 0
	}
	return cmp.Or(target.number("level"), 50)
}

// parameters are the configuration parameters by key.
func parameters(props values) map[string]string {
	found := map[string]string{}
	for _, parameter := range props.objects("configParameters") {
		found[parameter.text("parameterKey")] = parameter.text("parameterValue")
	}
	return found
}

func parameterList(byKey map[string]string) []any {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, map[string]any{"parameterKey": key, "parameterValue": byKey[key]})
	}
	return list
}

// settle puts the workgroup into the network, checks that there are enough
// addresses, and gives it an endpoint.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func (o *op) settle(base int) error {
	if !o.props.has("subnetIds") {
		vpc := o.vpc("")
		if vpc == nil {
			return o.invalid("There is no default VPC: specify subnetIds.")
		}
		var ids []string
		for _, s := range vpc.Subnets {
			ids = append(ids, s.ID)
		}
		o.props["subnetIds"] = list(ids)
	}
	var subnets []*Subnet
	var vpc *VPC
	for _, id := range o.props.texts("subnetIds") {
		in, subnet := o.vpcOf(id)
		if subnet == nil {
			return o.invalid("The subnet ID '%s' does not exist.", id)
		}
		if vpc != nil && in != vpc {
			return o.invalid("The subnets are in more than one VPC: %s and %s.", vpc.ID, in.ID)
		}
		vpc, subnets = in, append(subnets, subnet)
	}

	routed := o.props.flag("enhancedVpcRouting")
	zones, need := 2, holds(o.props)
	if routed {
		zones = 3
	}
	var reached []string
	for _, s := range subnets {
		reached = append(reached, s.Zone)
	}
	slices.Sort(reached)
	if reached = slices.Compact(reached); len(reached) < zones || len(subnets) < zones {
		return o.invalid("A workgroup with enhanced VPC routing %t needs %d subnets in %d Availability Zones; these are in %s.",
			routed, zones, zones, strings.Join(reached, ", "))
	}
	o.fill(values{"securityGroupIds": list([]string{o.defaultGroup(vpc)})})
	for _, group := range o.props.texts("securityGroupIds") {
		if in := o.groupVPC(group); in != vpc.ID {
			return o.invalid("The security group '%s' does not exist in %s.", group, vpc.ID)
		}
	}

	for _, s := range subnets {
		want := need
		if o.old != nil && slices.Contains(o.old.texts("subnetIds"), s.ID) && routed == o.old.flag("enhancedVpcRouting") {
			switch {
			case base <= capacity(o.old):
				want = 0
			case routed:
				want = addresses(base, changing)
			}
		}
		if free := o.free(s); free < want {
			return o.invalid("The subnet %s has %d free IP addresses; %d RPU with enhanced VPC routing %t need %d.", s.ID, free, base, routed, want)
		}
	}
	if o.old == nil || o.changed("port") || o.changed("subnetIds") {
		o.props["endpoints"] = o.endpoints(vpc, subnets)
	}
	return nil
}

// holds is how many addresses a workgroup takes in each of its subnets.
func holds(workgroup values) int {
	if workgroup.flag("enhancedVpcRouting") {
		return addresses(capacity(workgroup), creating)
	}
	return 3
}

// Free IP addresses that each subnet needs with enhanced VPC routing, for a base
// capacity up to so many RPU: to create a workgroup, and to change it.
var (
	creating = []step{{8, 9}, {32, 13}, {64, 21}, {128, 37}, {256, 69}, {512, 133}, {1024, 261}}
	changing = []step{{16, 10}, {32, 13}, {64, 16}, {128, 28}, {256, 52}, {512, 100}, {1024, 197}}
)

type step struct{ rpu, addresses int }

func addresses(rpu int, steps []step) int {
	i, _ := slices.BinarySearchFunc(steps, rpu, func(s step, rpu int) int { return cmp.Compare(s.rpu, rpu) })
	return steps[i].addresses
}

func (o *op) endpoints(vpc *VPC, subnets []*Subnet) []any {
	var interfaces []any
	for i, s := range subnets {
		interfaces = append(interfaces, map[string]any{
			"availabilityZone": s.Zone, "networkInterfaceId": "eni-" + o.digits(o.id+s.ID, 17),
			"privateIpAddress": fmt.Sprintf("10.0.%d.10", i), "subnetId": s.ID,
		})
	}
	return []any{map[string]any{
		"address": fmt.Sprintf("%s.%s.%s.redshift-serverless.amazonaws.com", o.id, o.Account.id, o.region),
		"port":    o.props["port"],
		"vpcEndpoints": []any{map[string]any{
			"vpcEndpointId": "vpce-" + o.digits(o.id, 17), "vpcId": vpc.ID, "networkInterfaces": interfaces,
		}},
	}}
}

func workgroupOf(props values) Workgroup {
	return Workgroup{
		Name: props.text("workgroupName"), ID: props.text("workgroupId"), ARN: props.text("arn"), Namespace: props.text("namespaceName"),
		Port: props.number("port"), BaseCapacity: props.number("baseCapacity"), MaxCapacity: props.number("maxCapacity"),
		EnhancedVPCRouting: props.flag("enhancedVpcRouting"), PubliclyAccessible: props.flag("publiclyAccessible"),
		PriceTarget: priceTarget(props),
		SubnetIDs:   props.texts("subnetIds"), SecurityGroupIDs: props.texts("securityGroupIds"), ConfigParameters: parameters(props),
	}
}

// Workgroup returns a workgroup.
func (a *Account) Workgroup(name string) (Workgroup, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.find(workgroupToken, name)
	if t == nil {
		return Workgroup{}, fmt.Errorf("fakeaws: there is no workgroup %s", name)
	}
	return workgroupOf(t.props), nil
}
