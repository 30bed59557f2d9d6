package infra

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/sql"
)

// beforeUpdate has a function look at what an update changes, in previews too.
// What it reports refuses the update.
//
// There is no such hook before a replacement: the one before a creation does not
// see the old inputs, and the engine looks for the one before a deletion in a
// destroy too, which does not run the program.
func beforeUpdate(ctx *pulumi.Context, name string, look func(change, *problems) error) (pulumi.ResourceOption, error) {
	hook, err := ctx.RegisterResourceHook(name, func(args *pulumi.ResourceHookArgs) error {
		var wrong problems
		if err := look(change{urn: args.URN, old: args.OldInputs, new: args.NewInputs, state: args.OldOutputs}, &wrong); err != nil {
			return err
		}
		if len(wrong.found) == 0 {
			return nil
		}
		return errors.New(strings.Join(wrong.found, "\n"))
	}, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{hook}}), nil
}

// change is what an update changes.
type change struct {
	urn      pulumi.URN
	old, new resource.PropertyMap // inputs
	state    resource.PropertyMap // outputs before the update
}

// of says whether an update changes an input. One that is not known yet may
// change; that it is secret, which an import does not know, is no change.
func (c change) of(key resource.PropertyKey) bool {
	value := func(inputs resource.PropertyMap) resource.PropertyValue {
		if v := inputs[key]; v.IsSecret() {
			return v.SecretValue().Element
		}
		return inputs[key]
	}
	return !value(c.old).DeepEquals(value(c.new))
}

// sets says whether an update gives an input another value. One that is left out
// keeps its value where the provider computes it: there is no difference then.
func (c change) sets(key resource.PropertyKey) bool { return c.of(key) && !c.new[key].IsNull() }

// keys are the inputs that an update gives another value, by name. Tags change in
// a request of their own, which AWS takes next to any other.
func (c change) keys() []resource.PropertyKey {
	all := maps.Clone(c.old)
	maps.Copy(all, c.new)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(key resource.PropertyKey) bool {
		return !c.sets(key) || key == "tags" || resource.IsInternalPropertyKey(key)
	})
}

// number and flag are an input before and after; 0 and false if it is not given.
func (c change) number(key resource.PropertyKey) (before, after int) {
	value := func(inputs resource.PropertyMap) int {
		if v := inputs[key]; v.IsNumber() {
			return int(v.NumberValue())
		}
		return 0
	}
	return value(c.old), value(c.new)
}

func (c change) flag(key resource.PropertyKey) (before, after bool) {
	value := func(inputs resource.PropertyMap) bool { return inputs[key].IsBool() && inputs[key].BoolValue() }
	return value(c.old), value(c.new)
}

// describe says what becomes of an input: its values if they are short.
func (c change) describe(key resource.PropertyKey) string {
	short := func(v resource.PropertyValue) bool { return v.IsNull() || v.IsNumber() || v.IsBool() }
	text := func(v resource.PropertyValue) string {
		if v.IsNull() {
			return "none"
		}
		return fmt.Sprint(v.V)
	}
	if short(c.old[key]) && short(c.new[key]) {
		return fmt.Sprintf("%s %s → %s", key, text(c.old[key]), text(c.new[key]))
	}
	return string(key)
}

// schemaChanges refuses what up would refuse of the SQL and of the names
// in it, and a change of a name that deletes what holds the data. The inputs of a
// command stay the old ones when it fails, so the old ones are those of the last
// run that succeeded: each migration in them was applied.
func schemaChanges(s settings, at place) func(change, *problems) error {
	return func(c change, wrong *problems) error {
		old, now := c.environment()
		// A new namespace is empty, and has an id that is not known before it is
		// made. Once it is made there is nothing to keep.
		id := text(now["REDSHIFT_NAMESPACE_ID"])
		if id != "" && id != text(old["REDSHIFT_NAMESPACE_ID"]) {
			return nil
		}
		was := func(name string) string { return text(old[resource.PropertyKey(name)]) }
		// changed reports a setting that has another value than the last run's, and
		// says so. What the last run did not have can't be compared.
		changed := func(setting, was, is, consequence string) bool {
			if was == "" || was == is {
				return false
			}
			wrong.add("%s is %s, and was %s when the SQL was applied: %s", setting, short(is), short(was), consequence)
			return true
		}
		const another = "Set it back: pulumi config set %s %s. To have both, deploy another stack (pulumi stack init) and move there; " +
			"to start empty on purpose, pulumi destroy and then pulumi up."
		replaced := changed("aws:region", was("AWS_REGION"), at.region, fmt.Sprintf("every resource would be replaced by one in the other region, and the data lost. "+
			another, "aws:region", was("AWS_REGION")))
		for _, name := range []struct{ setting, variable, is string }{
			{"databaseName", "REDSHIFT_DATABASE", s.DatabaseName},
			{"namespaceName", "REDSHIFT_NAMESPACE", s.NamespaceName},
		} {
			replaced = changed(name.setting, was(name.variable), name.is, fmt.Sprintf("the namespace would be replaced, and all its data lost. "+
				another, name.setting, was(name.variable))) || replaced
		}
		if replaced || id == "" {
			return nil
		}

		sqls := sql.Compare(text(c.old["stdin"]), text(c.new["stdin"]))
		for _, problem := range sqls.Problems {
			wrong.add("%s", problem)
		}
		const rebuild = "To change it on purpose, add migrations that drop what was created with it and recreate it, " +
			"with ${%s} in them, for the same pulumi up: docs/operations.md, \"Rebuild the streaming view\"."
		if stream := was("STREAM_NAME"); !sqls.AddedUse(sql.StreamName) {
			setting, back := "streamName", "pulumi config set streamName "+stream
			if s.ExistingStreamName != "" {
				setting, back = "existingStreamName", "pulumi config rm existingStreamName"
			}
			changed(setting, stream, s.StreamName, fmt.Sprintf("the streaming view can't be given another stream. "+
				"Set it back: %s if this stack made it, else pulumi config set existingStreamName %s. "+rebuild+
				" A stream that this stack made is then deleted, with the records that wait in it.", back, stream, sql.StreamName))
		}
		if _, role, _ := strings.Cut(was("STREAMING_ROLE_ARN"), ":role/"); !sqls.AddedUse(sql.StreamingRoleARN) {
			changed("roleName", role, s.RoleName, fmt.Sprintf("the external schema can't be given another role. "+
				"Set it back: pulumi config set roleName %s. "+rebuild, role, sql.StreamingRoleARN))
		}
		return nil
	}
}

// environment is a command's environment before and after an update.
func (c change) environment() (before, after resource.PropertyMap) {
	of := func(inputs resource.PropertyMap) resource.PropertyMap {
		if v := inputs["environment"]; v.IsObject() {
			return v.ObjectValue()
		}
		return nil
	}
	return of(c.old), of(c.new)
}

// text is a value's text, empty if it has none or is not known.
func text(v resource.PropertyValue) string {
	if v.IsString() {
		return v.StringValue()
	}
	return ""
}

// workgroupChanges refuses an update of the workgroup that AWS would refuse, and
// says what another one does.
func workgroupChanges(ctx *pulumi.Context, s settings, net network) func(change, *problems) error {
	return func(c change, wrong *problems) error {
		if was, is := priced(c.old), priced(c.new); was && !is {
			// github.com/hashicorp/terraform-provider-aws/issues/43164
			wrong.add("priceTarget can't be switched off: this release of the AWS provider fails to. "+
				"Set it back, and limit the cost of workgroup %s with maxCapacity or usageLimitRpuHours.", s.WorkgroupName)
		}
		base, newBase := c.number("baseCapacity")
		limit, newLimit := c.number("maxCapacity")
		if c.sets("baseCapacity") && limit != 0 && newLimit == 0 {
			// Such an update sends only the end of the limit.
			// github.com/hashicorp/terraform-provider-aws/pull/46137
			wrong.add("baseCapacity changes and maxCapacity is removed: this release of the AWS provider forgets the first of them. "+
				"One after the other: pulumi config set baseCapacity %d, pulumi up; then pulumi config set baseCapacity %d, pulumi up.", base, newBase)
		}
		// The provider sends groups before subnets, and both after the routing.
		switch routedBefore, routed := c.flag("enhancedVpcRouting"); {
		case c.sets("securityGroupIds") && c.sets("subnetIds"):
			wrong.add("the workgroup moves into another VPC, which AWS does not do in place: its security groups and its subnets are changed one after the other, "+
				"and would be of two VPCs in between. Replace it: pulumi up --replace '%s'. "+
				"The data stays in the namespace; queries fail for some minutes, and the workgroup gets another host name.", c.urn)
		case routed && !routedBefore && c.sets("subnetIds"):
			wrong.add("enhancedVpcRouting becomes true and the subnets change: the routing comes first, and needs three availability zones, which the old subnets may lack. " +
				"One after the other: pulumi config set enhancedVpcRouting false, pulumi up; then pulumi config set enhancedVpcRouting true, pulumi up.")
		}
		if err := checkResize(ctx, c, net, wrong); err != nil || len(wrong.found) > 0 {
			return err
		}
		// AWS takes one kind of change per request; this is the provider's order,
		// of which that of the two capacities follows from their values.
		// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_UpdateWorkgroup.html
		order := []resource.PropertyKey{
			"baseCapacity", "maxCapacity", "pricePerformanceTarget", "configParameters", "enhancedVpcRouting", "port",
			"publiclyAccessible", "securityGroupIds", "subnetIds",
		}
		if limit != 0 && newBase > limit {
			order[0], order[1] = order[1], order[0]
		}
		keys := c.keys()
		if limit != 0 && newLimit == 0 { // no limit is a value
			keys = append(keys, "maxCapacity")
		}
		turn := func(key resource.PropertyKey) int {
			if i := slices.Index(order, key); i >= 0 {
				return i
			}
			return len(order)
		}
		slices.SortStableFunc(keys, func(a, b resource.PropertyKey) int { return cmp.Compare(turn(a), turn(b)) })
		var calls []string
		for _, key := range keys {
			calls = append(calls, c.describe(key))
		}
		switch len(calls) {
		case 0:
			return nil
		case 1:
			return ctx.Log.Info(fmt.Sprintf("workgroup %s: AWS changes %s in place. The data stays.", s.WorkgroupName, calls[0]), nil)
		}
		return ctx.Log.Info(fmt.Sprintf("workgroup %s: AWS changes one thing at a time, so this takes %d requests, each followed by a wait of minutes: %s. "+
			"The data stays; if one fails, pulumi up --refresh goes on from there.",
			s.WorkgroupName, len(calls), strings.Join(calls, ", then ")), nil)
	}
}

func priced(inputs resource.PropertyMap) bool {
	target := inputs["pricePerformanceTarget"]
	return target.IsObject() && target.ObjectValue()["enabled"].IsBool() && target.ObjectValue()["enabled"].BoolValue()
}

// checkResize refuses a larger capacity for which the subnets that the workgroup is
// in have too few free addresses. AWS's table has no row for a smaller one, which is
// taken to need none, and none for a change of routing, of which it warns.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func checkResize(ctx *pulumi.Context, c change, net network, wrong *problems) error {
	routedBefore, routed := c.flag("enhancedVpcRouting")
	before, after := c.number("baseCapacity")
	lacking := func(need int) string {
		var have []string
		for _, subnet := range net.subnets {
			if subnet.AvailableIPAddressCount < need {
				have = append(have, fmt.Sprintf("%s has %d", subnet.ID, subnet.AvailableIPAddressCount))
			}
		}
		return strings.Join(have, ", ")
	}
	switch need := addressesFor(after); {
	case after == 0: // Redshift chooses
	case routed && !routedBefore:
		if have := lacking(need); have != "" {
			return ctx.Log.Warn(fmt.Sprintf("enhancedVpcRouting becomes true: a new workgroup of %d RPU needs %d free addresses in each subnet, and %s. "+
				"AWS does not say how many this one needs; if the update fails, free some or name other subnets with subnetIds.", after, need, have), nil)
		}
	case after > before:
		need, routing := 3, "without enhancedVpcRouting"
		if routed {
			need, routing = addressesToGrow(after), "with enhancedVpcRouting"
		}
		if have := lacking(need); have != "" {
			wrong.add("baseCapacity goes from %d to %d RPU %s, for which each subnet needs %d free addresses: %s. "+
				"Free some, or name other subnets with subnetIds.", before, after, routing, need, have)
		}
	}
	return nil
}

// addressesToGrow is how many free addresses each subnet must have for a
// workgroup with enhanced VPC routing to grow to so many RPU. AWS gives them for
// one step up each.
func addressesToGrow(rpu int) int {
	for _, step := range []struct{ rpu, addresses int }{{16, 10}, {32, 13}, {64, 16}, {128, 28}, {256, 52}, {512, 100}} {
		if rpu <= step.rpu {
			return step.addresses
		}
	}
	return 197
}

// namespaceChanges refuses an update of the namespace that AWS, or this release
// of its provider, would refuse.
func namespaceChanges(s settings) func(change, *problems) error {
	return func(c change, wrong *problems) error {
		// An import has neither the flag nor a password, but the secret that AWS keeps.
		flagged, _ := c.flag("manageAdminPassword")
		managed := flagged || text(c.state["adminPasswordSecretArn"]) != ""
		own := !c.old["adminUserPassword"].IsNull()
		if managed && !s.ManageAdminPassword || own && s.ManageAdminPassword {
			back := "Set secretName again and manageAdminPassword to false"
			if managed {
				back = "Set manageAdminPassword to true again and remove secretName"
			}
			// github.com/hashicorp/terraform-provider-aws/issues/39250
			wrong.add("who keeps the admin's password is chosen when the namespace is created: this release of the AWS provider fails to change it. "+
				"%s; to change it for namespace %s, deploy another stack and move there.", back, s.NamespaceName)
			return nil
		}
		if c.of("adminPasswordSecretKmsKeyId") {
			wrong.add("kmsKeyArn can't change while AWS keeps the admin's password: it is the key of that secret and of the namespace, " +
				"and AWS changes one at a time, its provider only both. Set it back.")
			return nil
		}
		names := map[resource.PropertyKey]string{
			"adminUsername": "the admin of secretName", "adminUserPassword": "the admin of secretName",
			"iamRoles": "the role of roleName", "defaultIamRoleArn": "the role of roleName",
			"kmsKeyId": "kmsKeyArn",
		}
		var kinds []string
		for _, key := range c.keys() {
			if name := cmp.Or(names[key], string(key)); !slices.Contains(kinds, name) {
				kinds = append(kinds, name)
			}
		}
		if len(kinds) > 1 {
			// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_UpdateNamespace.html
			// github.com/hashicorp/terraform-provider-aws/issues/39249
			wrong.add("%s of namespace %s change together: AWS changes one at a time, and this release of its provider asks for all at once. "+
				"Set back all but one, run pulumi up, and go on with the next.", strings.Join(kinds, " and "), s.NamespaceName)
		}
		return nil
	}
}
