// Package ec2 stands in for the AWS SDK's package ec2, of which the program needs
// seven lookups and two resources. Compiling that package takes more than 3 GB of
// memory, three times what all the rest takes, on every machine that runs
// pulumi; docs/design.md has the measurement. Tokens and property names are the
// SDK's own.
package ec2

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// version is the release of the AWS provider that the SDK's packages ask for.
// Without it the engine would use another provider for these.
const version = "6.83.2"

// A VPC is a virtual private cloud.
type VPC struct {
	ID                 string `pulumi:"id"`
	MainRouteTableID   string `pulumi:"mainRouteTableId"`
	EnableDNSSupport   bool   `pulumi:"enableDnsSupport"`
	EnableDNSHostnames bool   `pulumi:"enableDnsHostnames"`
}

// A Subnet is one subnet of a VPC.
type Subnet struct {
	ID                      string            `pulumi:"id"`
	VPCID                   string            `pulumi:"vpcId"`
	AvailabilityZone        string            `pulumi:"availabilityZone"`
	AvailableIPAddressCount int               `pulumi:"availableIpAddressCount"`
	MapPublicIPOnLaunch     bool              `pulumi:"mapPublicIpOnLaunch"`
	Tags                    map[string]string `pulumi:"tags"`
}

// A RouteTable has the routes of the subnets that are associated with it.
type RouteTable struct {
	ID           string        `pulumi:"routeTableId"`
	Routes       []Route       `pulumi:"routes"`
	Associations []Association `pulumi:"associations"`
}

// A Route is where traffic to some addresses goes.
type Route struct {
	CIDRBlock        string `pulumi:"cidrBlock"`
	GatewayID        string `pulumi:"gatewayId"`
	NATGatewayID     string `pulumi:"natGatewayId"`
	TransitGatewayID string `pulumi:"transitGatewayId"`
}

// An Association is with a subnet, or with the VPC if it names none.
type Association struct {
	SubnetID string `pulumi:"subnetId"`
}

// An Endpoint is an interface endpoint of a VPC.
type Endpoint struct {
	ID                string `pulumi:"id"`
	PrivateDNSEnabled bool   `pulumi:"privateDnsEnabled"`
}

// LookupVPC finds a VPC by its id.
func LookupVPC(ctx *pulumi.Context, id string) (*VPC, error) {
	return lookup[VPC](ctx, "aws:ec2/getVpc:getVpc", map[string]any{"id": id})
}

// LookupDefaultVPC finds the region's default VPC.
func LookupDefaultVPC(ctx *pulumi.Context) (*VPC, error) {
	return lookup[VPC](ctx, "aws:ec2/getVpc:getVpc", map[string]any{"default": true})
}

// VPCsNamed lists the ids of the VPCs with a Name tag.
func VPCsNamed(ctx *pulumi.Context, name string) ([]string, error) {
	return ids(ctx, "aws:ec2/getVpcs:getVpcs", map[string]any{"tags": map[string]string{"Name": name}})
}

// SubnetsOf lists the ids of a VPC's subnets.
func SubnetsOf(ctx *pulumi.Context, vpcID string) ([]string, error) {
	filter := map[string]any{"name": "vpc-id", "values": []string{vpcID}}
	return ids(ctx, "aws:ec2/getSubnets:getSubnets", map[string]any{"filters": []map[string]any{filter}})
}

// LookupSubnet finds a subnet by its id.
func LookupSubnet(ctx *pulumi.Context, id string) (*Subnet, error) {
	return lookup[Subnet](ctx, "aws:ec2/getSubnet:getSubnet", map[string]any{"id": id})
}

// RouteTablesOf lists the ids of a VPC's route tables.
func RouteTablesOf(ctx *pulumi.Context, vpcID string) ([]string, error) {
	return ids(ctx, "aws:ec2/getRouteTables:getRouteTables", map[string]any{"vpcId": vpcID})
}

// LookupRouteTable finds a route table by its id.
func LookupRouteTable(ctx *pulumi.Context, id string) (*RouteTable, error) {
	return lookup[RouteTable](ctx, "aws:ec2/getRouteTable:getRouteTable", map[string]any{"routeTableId": id})
}

// LookupEndpoint finds a VPC's endpoint for a service, with the tags if any are
// given. There is an error if it has none, or several.
func LookupEndpoint(ctx *pulumi.Context, vpcID, service string, tags map[string]string) (*Endpoint, error) {
	args := map[string]any{
		"vpcId": vpcID, "serviceName": service,
		"state": "available", // AWS goes on showing deleted ones for a while
	}
	if len(tags) > 0 {
		args["tags"] = tags
	}
	return lookup[Endpoint](ctx, "aws:ec2/getVpcEndpoint:getVpcEndpoint", args)
}

func ids(ctx *pulumi.Context, token string, args map[string]any) ([]string, error) {
	found, err := lookup[struct {
		IDs []string `pulumi:"ids"`
	}](ctx, token, args)
	if err != nil {
		return nil, err
	}
	return found.IDs, nil
}

func lookup[T any](ctx *pulumi.Context, token string, args map[string]any) (*T, error) {
	var found T
	if err := ctx.Invoke(token, args, &found, pulumi.Version(version)); err != nil {
		return nil, err
	}
	return &found, nil
}

// SecurityGroupArgs are the inputs of a security group.
type SecurityGroupArgs struct {
	Description, VPCID string
	Tags               pulumi.StringMap
}

// NewSecurityGroup makes a security group without rules.
func NewSecurityGroup(ctx *pulumi.Context, name string, args *SecurityGroupArgs, opts ...pulumi.ResourceOption) (*pulumi.CustomResourceState, error) {
	return register(ctx, "aws:ec2/securityGroup:SecurityGroup", name, pulumi.Map{
		"description": pulumi.String(args.Description),
		"vpcId":       pulumi.String(args.VPCID),
		"tags":        args.Tags,
	}, opts)
}

// InterfaceEndpointArgs are the inputs of an interface endpoint.
type InterfaceEndpointArgs struct {
	VPCID, ServiceName, Policy string
	SubnetIDs                  []string
	SecurityGroupID            pulumi.StringInput
	Tags                       pulumi.StringMap
}

// NewInterfaceEndpoint makes an endpoint that answers for a service's ordinary
// name.
func NewInterfaceEndpoint(ctx *pulumi.Context, name string, args *InterfaceEndpointArgs, opts ...pulumi.ResourceOption) (*pulumi.CustomResourceState, error) {
	return register(ctx, "aws:ec2/vpcEndpoint:VpcEndpoint", name, pulumi.Map{
		"vpcId":             pulumi.String(args.VPCID),
		"serviceName":       pulumi.String(args.ServiceName),
		"vpcEndpointType":   pulumi.String("Interface"),
		"subnetIds":         pulumi.ToStringArray(args.SubnetIDs),
		"securityGroupIds":  pulumi.StringArray{args.SecurityGroupID},
		"privateDnsEnabled": pulumi.Bool(true),
		"policy":            pulumi.String(args.Policy),
		"tags":              args.Tags,
	}, opts)
}

func register(ctx *pulumi.Context, token, name string, inputs pulumi.Map, opts []pulumi.ResourceOption) (*pulumi.CustomResourceState, error) {
	var made struct{ pulumi.CustomResourceState }
	err := ctx.RegisterResource(token, name, inputs, &made, append(opts, pulumi.Version(version))...)
	return &made.CustomResourceState, err
}
