package infra

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// This file stands in for the AWS SDK's package ec2, of which the program needs
// seven lookups and two resources. Compiling that package takes more than 3 GB of
// memory, three times what all the rest takes, on every machine that runs
// pulumi; docs/design.md has the measurement. Tokens and property names are the
// SDK's own.

// awsVersion is the release of the AWS provider that the SDK's packages ask for.
// Without it the engine would use another provider for these.
const awsVersion = "6.83.2"

type vpcResult struct {
	ID                 string `pulumi:"id"`
	MainRouteTableID   string `pulumi:"mainRouteTableId"`
	EnableDNSSupport   bool   `pulumi:"enableDnsSupport"`
	EnableDNSHostnames bool   `pulumi:"enableDnsHostnames"`
}

type subnetResult struct {
	ID                      string            `pulumi:"id"`
	VPCID                   string            `pulumi:"vpcId"`
	AvailabilityZone        string            `pulumi:"availabilityZone"`
	AvailableIPAddressCount int               `pulumi:"availableIpAddressCount"`
	MapPublicIPOnLaunch     bool              `pulumi:"mapPublicIpOnLaunch"`
	Tags                    map[string]string `pulumi:"tags"`
}

type routeTableResult struct {
	Routes       []route       `pulumi:"routes"`
	Associations []association `pulumi:"associations"`
}

type route struct {
	CIDRBlock        string `pulumi:"cidrBlock"`
	GatewayID        string `pulumi:"gatewayId"`
	NATGatewayID     string `pulumi:"natGatewayId"`
	TransitGatewayID string `pulumi:"transitGatewayId"`
}

type association struct {
	SubnetID string `pulumi:"subnetId"`
}

type endpointResult struct {
	ID                string `pulumi:"id"`
	PrivateDNSEnabled bool   `pulumi:"privateDnsEnabled"`
}

type idsResult struct {
	IDs []string `pulumi:"ids"`
}

func vpcByID(ctx *pulumi.Context, id string) (*vpcResult, error) {
	return lookUp[vpcResult](ctx, "aws:ec2/getVpc:getVpc", map[string]any{"id": id})
}

func defaultVPC(ctx *pulumi.Context) (*vpcResult, error) {
	return lookUp[vpcResult](ctx, "aws:ec2/getVpc:getVpc", map[string]any{"default": true})
}

func vpcsNamed(ctx *pulumi.Context, name string) ([]string, error) {
	return ids(ctx, "aws:ec2/getVpcs:getVpcs", map[string]any{"tags": map[string]string{"Name": name}})
}

func subnetsOf(ctx *pulumi.Context, vpcID string) ([]string, error) {
	filter := map[string]any{"name": "vpc-id", "values": []string{vpcID}}
	return ids(ctx, "aws:ec2/getSubnets:getSubnets", map[string]any{"filters": []map[string]any{filter}})
}

func subnetByID(ctx *pulumi.Context, id string) (*subnetResult, error) {
	return lookUp[subnetResult](ctx, "aws:ec2/getSubnet:getSubnet", map[string]any{"id": id})
}

func routeTablesOf(ctx *pulumi.Context, vpcID string) ([]string, error) {
	return ids(ctx, "aws:ec2/getRouteTables:getRouteTables", map[string]any{"vpcId": vpcID})
}

func routeTableByID(ctx *pulumi.Context, id string) (*routeTableResult, error) {
	return lookUp[routeTableResult](ctx, "aws:ec2/getRouteTable:getRouteTable", map[string]any{"routeTableId": id})
}

// endpointIn finds a VPC's endpoint for a service, with the tags if any are given.
// There is an error if it has none, or several.
func endpointIn(ctx *pulumi.Context, vpcID, service string, tags map[string]string) (*endpointResult, error) {
	args := map[string]any{
		"vpcId": vpcID, "serviceName": service,
		"state": "available", // AWS goes on showing deleted ones for a while
	}
	if len(tags) > 0 {
		args["tags"] = tags
	}
	return lookUp[endpointResult](ctx, "aws:ec2/getVpcEndpoint:getVpcEndpoint", args)
}

func ids(ctx *pulumi.Context, token string, args map[string]any) ([]string, error) {
	found, err := lookUp[idsResult](ctx, token, args)
	if err != nil {
		return nil, err
	}
	return found.IDs, nil
}

func lookUp[T any](ctx *pulumi.Context, token string, args map[string]any) (*T, error) {
	var found T
	if err := ctx.Invoke(token, args, &found, pulumi.Version(awsVersion)); err != nil {
		return nil, err
	}
	return &found, nil
}

// newSecurityGroup makes a security group without rules.
func newSecurityGroup(ctx *pulumi.Context, name, description, vpcID string, tags pulumi.StringMap) (*pulumi.CustomResourceState, error) {
	var group struct{ pulumi.CustomResourceState }
	err := ctx.RegisterResource("aws:ec2/securityGroup:SecurityGroup", name, pulumi.Map{
		"description": pulumi.String(description),
		"vpcId":       pulumi.String(vpcID),
		"tags":        tags,
	}, &group, pulumi.Version(awsVersion))
	return &group.CustomResourceState, err
}

// newInterfaceEndpoint makes an endpoint that answers for a service's ordinary
// name.
func newInterfaceEndpoint(
	ctx *pulumi.Context, name, vpcID, service, policy string, subnetIDs []string, group pulumi.IDOutput, tags pulumi.StringMap,
) (pulumi.Resource, error) {
	var endpoint struct{ pulumi.CustomResourceState }
	err := ctx.RegisterResource("aws:ec2/vpcEndpoint:VpcEndpoint", name, pulumi.Map{
		"vpcId":             pulumi.String(vpcID),
		"serviceName":       pulumi.String(service),
		"vpcEndpointType":   pulumi.String("Interface"),
		"subnetIds":         pulumi.ToStringArray(subnetIDs),
		"securityGroupIds":  pulumi.StringArray{group},
		"privateDnsEnabled": pulumi.Bool(true),
		"policy":            pulumi.String(policy),
		"tags":              tags,
	}, &endpoint, pulumi.Version(awsVersion))
	return &endpoint.CustomResourceState, err
}
