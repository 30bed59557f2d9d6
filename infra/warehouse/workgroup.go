package warehouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/internal/update"
)

// WorkgroupArgs are what computes.
type WorkgroupArgs struct {
	Name                     string
	BaseCapacity             int // Redshift processing units (RPU); 0 with a price target
	MaxCapacity              int // RPU; 0 for no limit
	PriceTarget              int // 1, the cheapest, to 100, the fastest; 0 for none
	EnhancedVPCRouting       bool
	CaseSensitiveIdentifiers bool // takes effect only when the workgroup is created
}

// Capacity is the base capacity in RPU that the workgroup is created with: with a
// price target that is the service's default.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html
func (args WorkgroupArgs) Capacity() int {
	if args.PriceTarget != 0 {
		return 128
	}
	return args.BaseCapacity
}

// workgroup makes the workgroup, which computes.
func (b *builder) workgroup(namespace *redshiftserverless.Namespace, groups *securityGroups) (*redshiftserverless.Workgroup, error) {
	given := b.args.Workgroup
	args := &redshiftserverless.WorkgroupArgs{
		WorkgroupName:      pulumi.String(given.Name),
		NamespaceName:      namespace.NamespaceName,
		EnhancedVpcRouting: pulumi.Bool(given.EnhancedVPCRouting),
		PubliclyAccessible: pulumi.Bool(false),
		Port:               pulumi.Int(Port),
		SubnetIds:          pulumi.ToStringArray(b.args.Network.SubnetIDs()),
		SecurityGroupIds:   pulumi.StringArray{groups.warehouse.ID()},
		Tags:               b.args.Tags,
	}
	if given.PriceTarget > 0 {
		args.PricePerformanceTarget = &redshiftserverless.WorkgroupPricePerformanceTargetArgs{
			Enabled: pulumi.Bool(true),
			Level:   pulumi.Int(given.PriceTarget),
		}
	} else {
		args.BaseCapacity = pulumi.Int(given.BaseCapacity)
	}
	if given.MaxCapacity > 0 {
		args.MaxCapacity = pulumi.Int(given.MaxCapacity)
	}
	checked, err := update.Before(b.ctx, b.part("workgroup-changes"), b.args.checkWorkgroup)
	if err != nil {
		return nil, err
	}
	options := []pulumi.ResourceOption{
		b.of,
		checked,
		pulumi.DeleteBeforeReplace(true),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "30m", Update: "60m", Delete: "30m"}),
	}
	if given.CaseSensitiveIdentifiers {
		// AWS returns more parameters than this provider can express, so a list
		// given here never converges. It is used at creation only. TLS and
		// activity logging are on by default.
		args.ConfigParameters = redshiftserverless.WorkgroupConfigParameterArray{
			&redshiftserverless.WorkgroupConfigParameterArgs{
				ParameterKey:   pulumi.String("enable_case_sensitive_identifier"),
				ParameterValue: pulumi.String("true"),
			},
		}
		options = append(options, pulumi.IgnoreChanges([]string{"configParameters"}))
	}
	return redshiftserverless.NewWorkgroup(b.ctx, b.name, args, options...)
}

// checkWorkgroup refuses an update of the workgroup that AWS would refuse, and says
// what another one does.
func (args *Args) checkWorkgroup(c update.Change, r *report.Report) {
	args.checkCapacities(c, r)
	args.checkMove(c, r)
	args.checkResize(c, r)
	if len(r.Problems()) > 0 {
		return
	}
	switch calls := workgroupRequests(c); len(calls) {
	case 0:
	case 1:
		r.Note("workgroup %s: AWS changes %s in place. The data stays.", args.Workgroup.Name, calls[0])
	default:
		r.Note("workgroup %s: AWS changes one thing at a time, so this takes %d requests, each followed by a wait of minutes: %s. "+
			"The data stays; if one fails, pulumi up --refresh goes on from there.",
			args.Workgroup.Name, len(calls), strings.Join(calls, ", then "))
	}
}

// checkCapacities refuses what this release of the AWS provider gets wrong.
func (args *Args) checkCapacities(c update.Change, r *report.Report) {
	priced := func(target resource.PropertyMap) bool {
		return target["enabled"].IsBool() && target["enabled"].BoolValue()
	}
	if was, is := c.Object("pricePerformanceTarget"); priced(was) && !priced(is) {
		// github.com/hashicorp/terraform-provider-aws/issues/43164
		r.Problem("priceTarget can't be switched off: this release of the AWS provider fails to. "+
			"Set it back, and limit the cost of workgroup %s with maxCapacity or usageLimitRpuHours.", args.Workgroup.Name)
	}
	base, newBase := c.Number("baseCapacity")
	if limit, newLimit := c.Number("maxCapacity"); c.Sets("baseCapacity") && limit != 0 && newLimit == 0 {
		// Such an update sends only the end of the limit.
		// github.com/hashicorp/terraform-provider-aws/pull/46137
		r.Problem("baseCapacity changes and maxCapacity is removed: this release of the AWS provider loses the change of baseCapacity. "+
			"One after the other: pulumi config set baseCapacity %d, pulumi up; then pulumi config set baseCapacity %d, pulumi up.", base, newBase)
	}
}

// checkMove refuses a move that the requests, one after the other, can't make: the
// provider sends groups before subnets, and both after the routing.
func (args *Args) checkMove(c update.Change, r *report.Report) {
	switch routedBefore, routed := c.Flag("enhancedVpcRouting"); {
	case c.Sets("securityGroupIds") && c.Sets("subnetIds"):
		r.Problem("the workgroup moves into another VPC, which AWS does not do in place: its security groups and its subnets are changed one after the other, "+
			"and would be of two VPCs in between. Replace it: pulumi up --replace '%s'. "+
			"The data stays in the namespace; queries fail for some minutes, and the workgroup gets another host name.", c.URN)
	case routed && !routedBefore && c.Sets("subnetIds"):
		r.Problem("enhancedVpcRouting becomes true and the subnets change: the routing comes first, and needs three availability zones, which the old subnets may lack. " +
			"One after the other: pulumi config set enhancedVpcRouting false, pulumi up; then pulumi config set enhancedVpcRouting true, pulumi up.")
	}
}

// workgroupRequests are the requests that an update takes, in order. AWS takes one
// kind of change per request. The order is the provider's, of which that of the two
// capacities follows from their values; an input that is not named here comes last.
// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_UpdateWorkgroup.html
func workgroupRequests(c update.Change) []string {
	order := []resource.PropertyKey{
		"baseCapacity", "maxCapacity", "pricePerformanceTarget", "configParameters", "enhancedVpcRouting", "port",
		"publiclyAccessible", "securityGroupIds", "subnetIds",
	}
	_, newBase := c.Number("baseCapacity")
	limit, newLimit := c.Number("maxCapacity")
	if limit != 0 && newBase > limit {
		order[0], order[1] = order[1], order[0]
	}
	keys := c.Keys()
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
		calls = append(calls, c.Describe(key))
	}
	return calls
}

// checkResize refuses a larger capacity for which the subnets that the workgroup is
// in have too few free addresses. AWS's table has no row for a smaller one, which is
// taken to need none, and none for a change of routing, of which it warns.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func (args *Args) checkResize(c update.Change, r *report.Report) {
	routedBefore, routed := c.Flag("enhancedVpcRouting")
	before, after := c.Number("baseCapacity")
	lacking := func(need int) string {
		var have []string
		for _, subnet := range args.Network.Subnets {
			if subnet.AvailableIPAddressCount < need {
				have = append(have, fmt.Sprintf("%s has %d", subnet.ID, subnet.AvailableIPAddressCount))
			}
		}
		return strings.Join(have, ", ")
	}
	switch need := AddressesFor(after); {
	case after == 0: // Redshift chooses
	case routed && !routedBefore:
		if have := lacking(need); have != "" {
			r.Warn("enhancedVpcRouting becomes true: a new workgroup of %d RPU needs %d free addresses in each subnet, and %s. "+
				"AWS does not say how many this one needs; if the update fails, free some or name other subnets with subnetIds.", after, need, have)
		}
	case after > before:
		need, routing := 3, "without enhancedVpcRouting"
		if routed {
			need, routing = addressesToGrow(after), "with enhancedVpcRouting"
		}
		if have := lacking(need); have != "" {
			r.Problem("baseCapacity goes from %d to %d RPU %s, for which each subnet needs %d free addresses: %s. "+
				"Free some, or name other subnets with subnetIds.", before, after, routing, need, have)
		}
	}
}

// A step is how many addresses a capacity up to so many RPU needs.
type step struct{ rpu, addresses int }

func addresses(rpu int, steps []step, most int) int {
	for _, step := range steps {
		if rpu <= step.rpu {
			return step.addresses
		}
	}
	return most
}

// AddressesFor is how many free addresses each subnet must have for a workgroup of
// so many RPU to be created with enhanced VPC routing.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-usage-considerations.html
func AddressesFor(rpu int) int {
	return addresses(rpu, []step{{8, 9}, {32, 13}, {64, 21}, {128, 37}, {256, 69}, {512, 133}}, 261)
}

// addressesToGrow is how many free addresses each subnet must have for a
// workgroup with enhanced VPC routing to grow to so many RPU. AWS gives them for
// one step up each.
func addressesToGrow(rpu int) int {
	return addresses(rpu, []step{{16, 10}, {32, 13}, {64, 16}, {128, 28}, {256, 52}, {512, 100}}, 197)
}
