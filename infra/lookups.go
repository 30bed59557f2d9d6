package infra

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/sync/errgroup"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/ec2"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
	"example.com/evstream/internal/naming"
)

// facts are what the rules need to know of the AWS account. What was not asked for,
// because a setting is wrong or not given, is zero.
type facts struct {
	scope answer[arn.Scope]

	vpcs        answer[[]string] // ids of those with the Name tag of vpcName
	vpc         answer[*ec2.VPC]
	routeTables answer[[]string] // ids; routes has what is known of them
	routes      []answer[*ec2.RouteTable]
	subnetIDs   answer[[]string] // sorted; subnets has what is known of them
	subnets     []answer[*ec2.Subnet]
	endpoints   map[string]endpointFacts // by service

	workgroup answer[[]string] // ids of the subnets that the workgroup is in, if it is there
	secret    answer[*secretFacts]
	value     answer[*secretValue] // of the secret
	stream    answer[*pipeline.Found]
}

// An answer is what a lookup found, or why it did not.
type answer[T any] struct {
	is  T
	err error // as a person should read it
}

// endpointFacts are the endpoints of a VPC for a service: this stack's, and any one.
type endpointFacts struct {
	own, any *ec2.Endpoint // nil if there is none
	err      error
}

type secretFacts struct {
	arn, kmsKeyID string
}

// secretValue is the value of a secret. No message shows its text.
type secretValue struct {
	text string

	// version is the secret's, and changed the time since when it is.
	version, changed string
}

// found is the answer to a lookup.
func found[T any](value T, err error) answer[T] {
	if err != nil {
		return answer[T]{err: cause(err)}
	}
	return answer[T]{is: value}
}

// cause is what went wrong in a lookup: the provider's text covers several lines, of
// which the first ones only name the lookup.
func cause(err error) error {
	return errors.New(lookupPrefix.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), ""))
}

var lookupPrefix = regexp.MustCompile(`^.* errors? occurred: \* `)

// isNotFound says whether a lookup failed because there is no such thing. The
// provider passes on only a text: the service's code, or its own words.
func isNotFound(err error) bool {
	return slices.ContainsFunc([]string{"ResourceNotFoundException", "couldn't find resource", "empty result", "no matching"},
		func(words string) bool { return strings.Contains(err.Error(), words) })
}

// readFacts reads all of the account that the rules need. It asks for nothing by the
// value of a setting that was refused.
func readFacts(ctx *pulumi.Context, s settings, refused *report.Report) *facts {
	f := &facts{scope: lookUpScope(ctx)}
	if f.scope.err != nil {
		return f // such a provider answers no other lookup either
	}
	if !refused.Refuses("vpcName", "vpcId") {
		f.readNetwork(ctx, s)
	}
	if !refused.Refuses("workgroupName") {
		f.workgroup = lookUpWorkgroup(ctx, s.Warehouse.Workgroup.Name)
	}
	if !s.Warehouse.Admin.Managed && !refused.Refuses("secretName") {
		f.readSecret(ctx, s.SecretName)
	}
	if naming.Stream(s.Stream.Name) {
		f.stream = lookUpStream(ctx, s.Stream.Name)
	}
	return f
}

// lookUpScope asks the AWS provider where it works.
func lookUpScope(ctx *pulumi.Context) answer[arn.Scope] {
	region, regionErr := aws.GetRegion(ctx, nil)
	partition, partitionErr := aws.GetPartition(ctx, nil)
	caller, callerErr := aws.GetCallerIdentity(ctx, nil)
	for _, err := range []error{regionErr, partitionErr, callerErr} {
		if err != nil {
			return found(arn.Scope{}, err)
		}
	}
	return answer[arn.Scope]{is: arn.Scope{Partition: partition.Partition, Region: region.Name, Account: caller.AccountId}}
}

// readNetwork reads the VPC of the settings, its route tables and its subnets, or
// those of the setting subnetIds.
func (f *facts) readNetwork(ctx *pulumi.Context, s settings) {
	switch {
	case s.VPCID != "":
		f.vpc = found(ec2.LookupVPC(ctx, s.VPCID))
	case s.VPCName == "default":
		f.vpc = found(ec2.LookupDefaultVPC(ctx))
	default:
		f.vpcs = found(ec2.VPCsNamed(ctx, s.VPCName))
		slices.Sort(f.vpcs.is)
		if len(f.vpcs.is) == 1 {
			f.vpc = found(ec2.LookupVPC(ctx, f.vpcs.is[0]))
		}
	}
	vpc := f.vpc.is
	if vpc == nil {
		return
	}
	f.routeTables = found(ec2.RouteTablesOf(ctx, vpc.ID))
	f.routes = lookUpEach(f.routeTables.is, func(id string) (*ec2.RouteTable, error) { return ec2.LookupRouteTable(ctx, id) })
	if len(s.SubnetIDs) > 0 {
		f.subnetIDs.is = slices.DeleteFunc(slices.Clone(s.SubnetIDs), func(id string) bool { return !subnetID.MatchString(id) })
	} else {
		f.subnetIDs = found(ec2.SubnetsOf(ctx, vpc.ID))
	}
	slices.Sort(f.subnetIDs.is)
	f.subnets = lookUpEach(f.subnetIDs.is, func(id string) (*ec2.Subnet, error) { return ec2.LookupSubnet(ctx, id) })

	if needsEndpoints(s, f) {
		f.endpoints = map[string]endpointFacts{}
		for _, service := range warehouse.EndpointServices() {
			f.endpoints[service] = lookUpEndpoints(ctx, vpc.ID, f.scope.is.Endpoint(service), s)
		}
	}
}

// lookUpEach looks up each id, several at a time.
func lookUpEach[T any](ids []string, lookUp func(id string) (*T, error)) []answer[*T] {
	answers := make([]answer[*T], len(ids))
	var each errgroup.Group
	each.SetLimit(8)
	for i, id := range ids {
		each.Go(func() error {
			answers[i] = found(lookUp(id))
			return nil
		})
	}
	_ = each.Wait() // each error is in its answer
	return answers
}

func lookUpEndpoints(ctx *pulumi.Context, vpcID, service string, s settings) endpointFacts {
	var f endpointFacts
	if s.Warehouse.CreateEndpoints {
		f.own, f.err = lookUpEndpoint(ctx, vpcID, service, map[string]string{"pulumi:project": s.project, "pulumi:stack": s.stack})
		if f.own != nil || f.err != nil {
			return f
		}
	}
	f.any, f.err = lookUpEndpoint(ctx, vpcID, service, nil)
	return f
}

// lookUpEndpoint finds a VPC's endpoint for a service, with the tags if any are
// given, or nil if there is none. Of several it knows nothing but that they are
// there; at most one of them has the service's name.
func lookUpEndpoint(ctx *pulumi.Context, vpcID, service string, tags map[string]string) (*ec2.Endpoint, error) {
	endpoint, err := ec2.LookupEndpoint(ctx, vpcID, service, tags)
	switch {
	case err == nil:
		return endpoint, nil
	case isNotFound(err):
		return nil, nil
	case strings.Contains(err.Error(), "multiple"):
		return &ec2.Endpoint{ID: "several endpoints", PrivateDNSEnabled: true}, nil
	}
	return nil, cause(err)
}

// lookUpWorkgroup returns the subnets of the workgroup if it exists already: it
// holds its addresses there, so that free ones are no longer needed.
func lookUpWorkgroup(ctx *pulumi.Context, name string) answer[[]string] {
	workgroup, err := redshiftserverless.LookupWorkgroup(ctx, &redshiftserverless.LookupWorkgroupArgs{WorkgroupName: name})
	switch {
	case err == nil:
		return answer[[]string]{is: workgroup.SubnetIds}
	case isNotFound(err):
		return answer[[]string]{}
	}
	return answer[[]string]{err: cause(err)}
}

// readSecret reads the existing secret, by its name or its ARN.
func (f *facts) readSecret(ctx *pulumi.Context, name string) {
	by := &secretsmanager.LookupSecretArgs{Name: &name}
	if strings.HasPrefix(name, "arn:") {
		by = &secretsmanager.LookupSecretArgs{Arn: &name}
	}
	secret, err := secretsmanager.LookupSecret(ctx, by)
	if err != nil {
		f.secret.err = cause(err)
		return
	}
	f.secret.is = &secretFacts{arn: secret.Arn, kmsKeyID: secret.KmsKeyId}
	version, err := secretsmanager.LookupSecretVersion(ctx, &secretsmanager.LookupSecretVersionArgs{SecretId: secret.Arn})
	if err != nil {
		f.value.err = cause(err)
		return
	}
	f.value.is = &secretValue{text: version.SecretString, version: version.VersionId, changed: version.CreatedDate}
}

// lookUpStream finds the stream of the settings as AWS has it, or nil if there is
// none.
func lookUpStream(ctx *pulumi.Context, name string) answer[*pipeline.Found] {
	stream, err := kinesis.LookupStream(ctx, &kinesis.LookupStreamArgs{Name: name})
	if err != nil {
		return answer[*pipeline.Found]{err: cause(err)}
	}
	return answer[*pipeline.Found]{is: &pipeline.Found{
		ARN: stream.Arn, Status: stream.Status, EncryptionType: stream.EncryptionType, KMSKeyID: stream.KmsKeyId,
		RetentionHours: stream.RetentionPeriod, Tags: stream.Tags,
	}}
}
