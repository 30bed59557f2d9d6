package infra

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// beforeUpdate has a function look at what an update changes, in previews too.
// An error of it refuses the update.
func beforeUpdate(ctx *pulumi.Context, name string, look func(change) error) (pulumi.ResourceOption, error) {
	hook, err := ctx.RegisterResourceHook(name, func(args *pulumi.ResourceHookArgs) error {
		return look(change{old: args.OldInputs, new: args.NewInputs})
	}, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{hook}}), nil
}

// change is a resource's inputs before and after an update.
type change struct {
	old, new resource.PropertyMap
}

// of says whether an update changes an input. One that is not known yet may
// change.
func (c change) of(key resource.PropertyKey) bool { return !c.old[key].DeepEquals(c.new[key]) }

// sets says whether an update gives an input another value. One that is left out
// keeps its value where the provider computes it: there is no difference then.
func (c change) sets(key resource.PropertyKey) bool { return c.of(key) && !c.new[key].IsNull() }

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

// workgroupChanges refuses an update of the workgroup that AWS would refuse, and
// says what another one does.
func workgroupChanges(ctx *pulumi.Context, s settings, net network) func(change) error {
	return func(c change) error {
		if was, is := priced(c.old), priced(c.new); was && !is {
			// github.com/hashicorp/terraform-provider-aws/issues/43164
			return fmt.Errorf("priceTarget can't be switched off: this release of the AWS provider fails to. "+
				"Set it back, and limit the cost of workgroup %s with maxCapacity or usageLimitRpuHours", s.WorkgroupName)
		}
		if err := checkResize(ctx, c, net); err != nil {
			return err
		}
		// AWS takes one kind of change per request; this is the provider's order,
		// of which that of the two capacities follows from their values.
		// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_UpdateWorkgroup.html
		order := []resource.PropertyKey{
			"baseCapacity", "maxCapacity", "pricePerformanceTarget", "configParameters", "enhancedVpcRouting", "port",
			"publiclyAccessible", "securityGroupIds", "subnetIds",
		}
		_, base := c.number("baseCapacity")
		if limit, _ := c.number("maxCapacity"); limit != 0 && base > limit {
			order[0], order[1] = order[1], order[0]
		}
		var calls []string
		for _, key := range order {
			if c.sets(key) || key == "maxCapacity" && c.of(key) { // no limit is a value
				calls = append(calls, c.describe(key))
			}
		}
		switch len(calls) {
		case 0:
			return nil
		case 1:
			return ctx.Log.Info(fmt.Sprintf("workgroup %s: AWS changes %s in place. The data stays.", s.WorkgroupName, calls[0]), nil)
		}
		return ctx.Log.Info(fmt.Sprintf("workgroup %s: AWS changes one thing at a time, so this takes %d requests, each followed by a wait of minutes: %s. "+
			"The data stays; if one fails, the next pulumi up goes on from there.",
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
func checkResize(ctx *pulumi.Context, c change, net network) error {
	routedBefore, routed := c.flag("enhancedVpcRouting")
	before, after := c.number("baseCapacity")
	short := func(need int) string {
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
		if have := short(need); have != "" {
			return ctx.Log.Warn(fmt.Sprintf("enhancedVpcRouting becomes true: a new workgroup of %d RPU needs %d free addresses in each subnet, and %s. "+
				"AWS does not say how many this one needs; if the update fails, free some or name other subnets with subnetIds.", after, need, have), nil)
		}
	case after > before:
		need, routing := 3, "without enhancedVpcRouting"
		if routed {
			need, routing = addressesToGrow(after), "with enhancedVpcRouting"
		}
		if have := short(need); have != "" {
			return fmt.Errorf("baseCapacity goes from %d to %d RPU %s, for which each subnet needs %d free addresses: %s. "+
				"Free some, or name other subnets with subnetIds", before, after, routing, need, have)
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
func namespaceChanges(s settings) func(change) error {
	return func(c change) error {
		if was, is := c.flag("manageAdminPassword"); was != is {
			back := "Set secretName again and manageAdminPassword to false"
			if was {
				back = "Set manageAdminPassword to true again and remove secretName"
			}
			// github.com/hashicorp/terraform-provider-aws/issues/39250
			return fmt.Errorf("who keeps the admin's password is chosen when the namespace is created: this release of the AWS provider fails to change it. "+
				"%s; to change it for namespace %s, deploy another stack and move there", back, s.NamespaceName)
		}
		if c.of("adminPasswordSecretKmsKeyId") {
			return errors.New("kmsKeyArn can't change while AWS keeps the admin's password: it is the key of that secret and of the namespace, " +
				"and AWS changes one at a time, its provider only both. Set it back")
		}
		var kinds []string
		for _, kind := range []struct {
			name string
			keys []resource.PropertyKey
		}{
			{"the admin of secretName", []resource.PropertyKey{"adminUsername", "adminUserPassword"}},
			{"the role of roleName", []resource.PropertyKey{"iamRoles", "defaultIamRoleArn"}},
			{"kmsKeyArn", []resource.PropertyKey{"kmsKeyId"}},
			{"logExports", []resource.PropertyKey{"logExports"}},
		} {
			if slices.ContainsFunc(kind.keys, c.sets) {
				kinds = append(kinds, kind.name)
			}
		}
		if len(kinds) > 1 {
			// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_UpdateNamespace.html
			// github.com/hashicorp/terraform-provider-aws/issues/39249
			return fmt.Errorf("%s of namespace %s change together: AWS changes one at a time, and this release of its provider asks for all at once. "+
				"Set back all but one, run pulumi up, and go on with the next", strings.Join(kinds, " and "), s.NamespaceName)
		}
		return nil
	}
}
