// Package slim has the few resources and lookups that the program needs of the AWS
// provider's services ec2, kinesis, cloudwatch and iam. The AWS SDK has a package for
// each, of which most is for other resources. Compiling those is most of what the first
// pulumi up takes on a machine, and ec2 alone takes more than 3 GB of memory;
// docs/design.md has the measurement. Tokens and property names are the SDK's own.
package slim

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// version is the release of the AWS provider that the SDK's packages ask for.
// Without it the engine would use another provider for these.
const version = "6.83.2"

func lookup[T any](ctx *pulumi.Context, token string, args map[string]any) (*T, error) {
	var found T
	if err := ctx.Invoke(token, args, &found, pulumi.Version(version)); err != nil {
		return nil, err
	}
	return &found, nil
}

// register makes a resource of which only the id is needed.
func register(ctx *pulumi.Context, token, name string, inputs pulumi.Map, opts []pulumi.ResourceOption) (*pulumi.CustomResourceState, error) {
	var made struct{ pulumi.CustomResourceState }
	err := ctx.RegisterResource(token, name, inputs, &made, versioned(opts)...)
	return &made.CustomResourceState, err
}

func versioned(opts []pulumi.ResourceOption) []pulumi.ResourceOption {
	return append(opts, pulumi.Version(version))
}
