package warehouse

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/ec2"
	"example.com/evstream/infra/internal/policy"
)

// Redshift with enhanced VPC routing calls two services to read a stream. The
// names are those of their interface endpoints.
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
const (
	KinesisService = "kinesis-streams"
	STSService     = "sts"
)

// EndpointServices are the services with an endpoint, if the warehouse makes them.
func EndpointServices() []string { return []string{KinesisService, STSService} }

// securityGroups are the group of SQL clients, the warehouse's, and the rule that
// lets the warehouse out.
type securityGroups struct {
	clients, warehouse *pulumi.CustomResourceState
	egress             *vpc.SecurityGroupEgressRule
}

// securityGroups makes two groups: one for SQL clients, and one for the
// warehouse, which admits the first on the Redshift port. The warehouse reaches
// Kinesis, KMS and S3 over HTTPS; AWS's allow-all egress rule is not there, so
// that is said explicitly. Rules are resources of their own, because in-line
// rules would remove each other.
func (b *builder) securityGroups() (*securityGroups, error) {
	clients, err := b.securityGroup(b.part("clients"), "clients", "SQL clients of Redshift Serverless "+b.args.Workgroup.Name)
	if err != nil {
		return nil, err
	}
	warehouse, err := b.securityGroup(b.name, "warehouse", "Redshift Serverless "+b.args.Workgroup.Name)
	if err != nil {
		return nil, err
	}
	if _, err := b.admit(b.part("from-clients"), "SQL from the client group", warehouse, clients, Port); err != nil {
		return nil, err
	}
	_, err = vpc.NewSecurityGroupEgressRule(b.ctx, b.part("clients-out"), &vpc.SecurityGroupEgressRuleArgs{
		Description:               pulumi.String("SQL to the warehouse"),
		SecurityGroupId:           clients.ID(),
		ReferencedSecurityGroupId: warehouse.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(Port),
		ToPort:                    pulumi.Int(Port),
		Tags:                      b.args.Tags,
	}, b.of)
	if err != nil {
		return nil, err
	}
	egress, err := vpc.NewSecurityGroupEgressRule(b.ctx, b.part("to-aws"), &vpc.SecurityGroupEgressRuleArgs{
		Description:     pulumi.String("Kinesis and other AWS services over HTTPS"),
		SecurityGroupId: warehouse.ID(),
		CidrIpv4:        pulumi.String("0.0.0.0/0"),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(443),
		ToPort:          pulumi.Int(443),
		Tags:            b.args.Tags,
	}, b.of)
	return &securityGroups{clients: clients, warehouse: warehouse, egress: egress}, err
}

func (b *builder) securityGroup(name, tag, description string) (*pulumi.CustomResourceState, error) {
	return ec2.NewSecurityGroup(b.ctx, name, &ec2.SecurityGroupArgs{
		Description: description, VPCID: b.args.Network.VPCID, Tags: b.tagged(tag),
	}, b.of)
}

// admit lets one security group reach a port of another.
func (b *builder) admit(name, description string, to, from *pulumi.CustomResourceState, port int) (pulumi.Resource, error) {
	return vpc.NewSecurityGroupIngressRule(b.ctx, name, &vpc.SecurityGroupIngressRuleArgs{
		Description:               pulumi.String(description),
		SecurityGroupId:           to.ID(),
		ReferencedSecurityGroupId: from.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(port),
		ToPort:                    pulumi.Int(port),
		Tags:                      b.args.Tags,
	}, b.of)
}

// endpoints makes the endpoints through which Redshift reads streams, in a
// security group of their own that admits only the warehouse. Their policies let
// through what the streaming role may do and that Redshift takes on the role, by
// whatever principal it calls.
func (b *builder) endpoints(groups *securityGroups) ([]pulumi.Resource, error) {
	if !b.args.CreateEndpoints {
		return nil, nil
	}
	group, err := b.securityGroup(b.part("endpoints"), "endpoints", "VPC endpoints of Redshift Serverless "+b.args.Workgroup.Name)
	if err != nil {
		return nil, err
	}
	rule, err := b.admit(b.part("endpoints-from-warehouse"), "HTTPS from the warehouse", group, groups.warehouse, 443)
	if err != nil {
		return nil, err
	}
	assumeRole := policy.Allow("AssumeStreamingRole", b.args.Scope.Role(b.args.RoleName), "sts:AssumeRole")
	statements := map[string][]policy.Statement{
		KinesisService: policy.ReadStreams(b.args.StreamARNs),
		STSService:     {assumeRole},
	}
	made := []pulumi.Resource{rule}
	for _, service := range EndpointServices() {
		for i := range statements[service] {
			statements[service][i].Principal = "*"
		}
		document, err := policy.Document(statements[service]...)
		if err != nil {
			return nil, err
		}
		endpoint, err := ec2.NewInterfaceEndpoint(b.ctx, b.part(service), &ec2.InterfaceEndpointArgs{
			VPCID:           b.args.Network.VPCID,
			ServiceName:     b.args.Scope.Endpoint(service),
			Policy:          document,
			SubnetIDs:       b.args.Network.EndpointSubnetIDs,
			SecurityGroupID: group.ID(),
			Tags:            b.tagged(service),
		}, b.of)
		if err != nil {
			return nil, err
		}
		made = append(made, endpoint)
	}
	return made, nil
}
