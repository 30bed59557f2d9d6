// Package warehouse makes Redshift Serverless in an existing VPC, as one component:
// the role with which it reads streams, a namespace that holds the data, a workgroup
// that computes, their network, the usage limit and the final snapshot.
package warehouse

import (
	"errors"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/ec2"
	"example.com/evstream/infra/internal/parent"
	"example.com/evstream/infra/internal/policy"
	"example.com/evstream/infra/internal/watch"
	"example.com/evstream/internal/alarm"
)

// Port is where SQL clients reach the workgroup.
const Port = 5439

// Args are the inputs of a warehouse. The zero value of an optional field means that
// there is none of it.
type Args struct {
	Scope     arn.Scope
	Tags      pulumi.StringMap // of every resource that takes tags
	KMSKeyARN string           // optional; of the namespace and the secrets that are made
	Protect   bool             // refuse to delete what holds data

	NamespaceName string
	DatabaseName  string
	LogExports    []string
	RoleName      string // of the role with which the namespace reads streams
	Admin         Admin

	Workgroup WorkgroupArgs
	Network   Network

	// CreateEndpoints makes interface endpoints for Kinesis and STS, which let
	// these streams through.
	CreateEndpoints bool
	StreamARNs      []string

	UsageLimit UsageLimitArgs

	AlarmEmail     string // optional, as is AlarmTopicARN: whom alarms tell
	AlarmTopicARN  string
	AlarmStorageGB int

	SnapshotRetentionDays int // optional; of a last snapshot

	// CommandEnvironment has a command talk to AWS as the AWS provider does.
	CommandEnvironment pulumi.StringMap
}

// Admin is the Redshift admin. Name and password are secrets from the moment they
// are known.
type Admin struct {
	Managed bool // AWS keeps the password; what follows is not used then

	SecretName, SecretARN string
	Readable              bool // by the Data API, as the secret is
	Username, Password    pulumi.StringOutput
}

// Network is where the workgroup goes, and its endpoints if it has them.
type Network struct {
	VPCID             string
	Subnets           []*ec2.Subnet // sorted by id
	EndpointSubnetIDs []string
}

// SubnetIDs are the ids of the workgroup's subnets.
func (n Network) SubnetIDs() []string {
	var ids []string
	for _, subnet := range n.Subnets {
		ids = append(ids, subnet.ID)
	}
	return ids
}

// UsageLimitArgs limit what the workgroup computes; 0 RPU-hours is no limit.
type UsageLimitArgs struct {
	RPUHours       int
	Period, Action string
}

// HasAlarms says whether there is someone to alarm.
func (args *Args) HasAlarms() bool { return args.AlarmEmail != "" || args.AlarmTopicARN != "" }

// Alarms are the alarms of a warehouse with these inputs.
func (args *Args) Alarms() []alarm.Alarm {
	alarms := alarm.OfWarehouse(args.AlarmStorageGB)
	if limit := args.UsageLimit; limit.RPUHours > 0 {
		alarms = append(alarms, alarm.OfUsageLimit(limit.RPUHours, limit.Period, limit.Action)...)
	}
	return alarms
}

// A Warehouse is the component. Its resources have names that begin with its own.
type Warehouse struct {
	pulumi.ResourceState

	Namespace *redshiftserverless.Namespace
	Workgroup *redshiftserverless.Workgroup
	Role      *iam.Role // with which the namespace reads streams; it may read none yet

	ClientGroupID pulumi.IDOutput     // of the security group that SQL clients are in
	LoginSecret   pulumi.StringOutput // ARN of the secret with which the Data API logs in
	AlarmTopic    pulumi.StringInput  // ARN; nil if there is nobody to alarm

	// Ready is what must be there before SQL can run.
	Ready []pulumi.Resource
}

// builder is what the parts of a warehouse are made with.
type builder struct {
	ctx  *pulumi.Context
	name string
	args *Args
	of   pulumi.ResourceOption // that every part has
}

// part is the name of a part's resource.
func (b *builder) part(name string) string { return b.name + "-" + name }

// tagged are the tags of a resource that the console shows by a tag.
func (b *builder) tagged(name string) pulumi.StringMap {
	tags := pulumi.StringMap{"Name": pulumi.String(b.args.Workgroup.Name + "-" + name)}
	maps.Copy(tags, b.args.Tags)
	return tags
}

// New makes a warehouse. It reads no stream before a pipeline gives its role the
// right to.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Warehouse, error) {
	w := &Warehouse{}
	if err := ctx.RegisterComponentResource("evstream:infra:Warehouse", name, w, opts...); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, name: name, args: args, of: parent.Of(w)}

	var err error
	if w.Role, err = b.role(); err != nil {
		return nil, fmt.Errorf("streaming role %s: %w", args.RoleName, err)
	}
	groups, err := b.securityGroups()
	if err != nil {
		return nil, fmt.Errorf("security groups in %s: %w", args.Network.VPCID, err)
	}
	w.ClientGroupID = groups.clients.ID()
	endpoints, err := b.endpoints(groups)
	if err != nil {
		return nil, fmt.Errorf("VPC endpoints in %s: %w", args.Network.VPCID, err)
	}
	if w.Namespace, err = b.namespace(w.Role); err != nil {
		return nil, fmt.Errorf("namespace %s: %w", args.NamespaceName, err)
	}
	if w.Workgroup, err = b.workgroup(w.Namespace, groups); err != nil {
		return nil, fmt.Errorf("workgroup %s: %w", args.Workgroup.Name, err)
	}
	// Without a way out the SQL would fail.
	w.Ready = append(endpoints, groups.egress, w.Workgroup)
	if w.LoginSecret, err = b.loginSecret(w.Namespace); err != nil {
		return nil, fmt.Errorf("secret for the Data API: %w", err)
	}
	limit, err := b.usageLimit(w.Workgroup)
	if err != nil {
		return nil, fmt.Errorf("usage limit of %s: %w", args.Workgroup.Name, err)
	}
	if limit != nil { // with one that is used up and about to be raised SQL fails too
		w.Ready = append(w.Ready, limit)
	}
	snapshot, err := b.finalSnapshot(w)
	if err != nil {
		return nil, fmt.Errorf("final snapshot of namespace %s: %w", args.NamespaceName, err)
	}
	if snapshot != nil {
		w.Ready = append(w.Ready, snapshot)
	}
	if err := b.alarms(w, limit); err != nil {
		return nil, err
	}
	outputs := pulumi.Map{
		"namespaceName": w.Namespace.NamespaceName,
		"workgroupName": w.Workgroup.WorkgroupName,
		"endpoint":      w.Address(),
		"roleArn":       w.Role.Arn,
		"secretArn":     w.LoginSecret,
		"clientGroupId": w.ClientGroupID,
	}
	return w, ctx.RegisterResourceOutputs(w, outputs)
}

// Address is the host name of the workgroup. It has one endpoint, but the state
// of a workgroup whose creation timed out has none until it is updated.
func (w *Warehouse) Address() pulumi.StringOutput {
	return w.Workgroup.Endpoints.ApplyT(func(endpoints []redshiftserverless.WorkgroupEndpoint) string {
		if len(endpoints) == 0 || endpoints[0].Address == nil {
			return ""
		}
		return *endpoints[0].Address
	}).(pulumi.StringOutput)
}

// keptSecret is the ARN of the secret in which AWS keeps the admin's password. The
// AWS provider does not wait for a namespace, so that its first answer may lack it.
func keptSecret(namespace *redshiftserverless.Namespace) pulumi.StringOutput {
	return namespace.AdminPasswordSecretArn.ApplyT(func(arn string) (string, error) {
		if arn == "" {
			return "", errors.New("AWS had not made the secret of the admin's password yet; run: pulumi up --refresh")
		}
		return arn, nil
	}).(pulumi.StringOutput)
}

// role makes the role with which Redshift reads streams. Its name, and so its ARN,
// stays the same for as long as the external schema lives, because that cannot be
// altered.
//
// It trusts both of Redshift's principals, as Serverless asks. There is no
// condition: the documented one, sts:ExternalId, needs the id of the workgroup,
// which needs the role.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-security-other-services.html
func (b *builder) role() (*iam.Role, error) {
	trust, err := policy.Document(policy.TrustedBy("redshift-serverless.amazonaws.com", "redshift.amazonaws.com"))
	if err != nil {
		return nil, err
	}
	return iam.NewRole(b.ctx, b.part("streaming"), &iam.RoleArgs{
		Name:             pulumi.String(b.args.RoleName),
		Description:      pulumi.String("Lets Redshift Serverless " + b.args.NamespaceName + " read Kinesis streams"),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             b.args.Tags,
	}, b.of)
}

// usageLimit limits what the workgroup computes, if there is a limit.
func (b *builder) usageLimit(workgroup *redshiftserverless.Workgroup) (*redshiftserverless.UsageLimit, error) {
	limit := b.args.UsageLimit
	if limit.RPUHours == 0 {
		return nil, nil
	}
	return redshiftserverless.NewUsageLimit(b.ctx, b.part("compute"), &redshiftserverless.UsageLimitArgs{
		ResourceArn:  workgroup.Arn,
		UsageType:    pulumi.String("serverless-compute"),
		Amount:       pulumi.Int(limit.RPUHours),
		Period:       pulumi.String(limit.Period),
		BreachAction: pulumi.String(limit.Action),
	}, b.of)
}

// alarms makes the topic that all alarms tell, unless there is one, and the
// warehouse's own alarms.
func (b *builder) alarms(w *Warehouse, limit *redshiftserverless.UsageLimit) error {
	if !b.args.HasAlarms() {
		return nil
	}
	var err error
	if w.AlarmTopic, err = b.alarmTopic(); err != nil {
		return fmt.Errorf("topic of the alarms: %w", err)
	}
	dimensions := pulumi.StringMap{"Workgroup": w.Workgroup.WorkgroupName, "Namespace": w.Namespace.NamespaceName}
	if limit != nil {
		dimensions["UsageLimitId"] = limit.ID()
		dimensions["UsageType"] = pulumi.String("SERVERLESS_COMPUTE")
	}
	return watch.Alarms(b.ctx, b.args.Alarms(), watch.Args{
		Resource: b.name, Name: b.args.Workgroup.Name, Topic: w.AlarmTopic, Dimensions: dimensions, Tags: b.args.Tags,
	}, b.of)
}

func (b *builder) alarmTopic() (pulumi.StringInput, error) {
	if b.args.AlarmTopicARN != "" {
		return pulumi.String(b.args.AlarmTopicARN), nil
	}
	topic, err := sns.NewTopic(b.ctx, b.part("alarms"), &sns.TopicArgs{
		Name: pulumi.String(b.args.Workgroup.Name + "-alarms"),
		Tags: b.args.Tags,
	}, b.of)
	if err != nil {
		return nil, err
	}
	_, err = sns.NewTopicSubscription(b.ctx, b.part("alarms"), &sns.TopicSubscriptionArgs{
		Topic:    topic.Arn,
		Protocol: pulumi.String("email"),
		Endpoint: pulumi.String(b.args.AlarmEmail),
	}, b.of)
	return topic.Arn, err
}
