package slim

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// RoleArgs are the inputs of an IAM role. The trust is a policy in JSON.
type RoleArgs struct {
	Name, Description, Trust string
	Tags                     pulumi.StringMap
}

// A Role is an IAM role.
type Role struct {
	pulumi.CustomResourceState
	Name pulumi.StringOutput `pulumi:"name"`
	ARN  pulumi.StringOutput `pulumi:"arn"`
}

// NewRole makes a role.
func NewRole(ctx *pulumi.Context, name string, args *RoleArgs, opts ...pulumi.ResourceOption) (*Role, error) {
	role := &Role{}
	return role, ctx.RegisterResource("aws:iam/role:Role", name, pulumi.Map{
		"name":             pulumi.String(args.Name),
		"description":      pulumi.String(args.Description),
		"assumeRolePolicy": pulumi.String(args.Trust),
		"tags":             args.Tags,
	}, role, versioned(opts)...)
}

// RolePolicyArgs are the inputs of a role's own policy, in JSON.
type RolePolicyArgs struct {
	Name         string
	Role, Policy pulumi.StringInput
}

// NewRolePolicy gives a role a policy of its own.
func NewRolePolicy(ctx *pulumi.Context, name string, args *RolePolicyArgs, opts ...pulumi.ResourceOption) (pulumi.Resource, error) {
	return register(ctx, "aws:iam/rolePolicy:RolePolicy", name, pulumi.Map{
		"name":   pulumi.String(args.Name),
		"role":   args.Role,
		"policy": args.Policy,
	}, opts)
}
