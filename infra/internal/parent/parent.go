// Package parent puts resources into components.
package parent

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Of makes a resource part of a component. One that is in the state outside of it,
// such as what pulumi import was not told the component of, is taken into it:
// otherwise it would be deleted, with its data.
func Of(component pulumi.Resource) pulumi.ResourceOption {
	return pulumi.Composite(
		pulumi.Parent(component),
		pulumi.Aliases([]pulumi.Alias{{NoParent: pulumi.Bool(true)}}),
	)
}
