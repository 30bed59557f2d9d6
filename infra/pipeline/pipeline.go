// Package pipeline brings one stream's records into a warehouse, as a component: the
// stream, the warehouse's right to read it, the schedule on which its view is
// refreshed, and the alarms. A second stream is a second pipeline.
package pipeline

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/parent"
	"example.com/evstream/infra/internal/policy"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/internal/update"
	"example.com/evstream/infra/internal/watch"
	"example.com/evstream/infra/warehouse"
	"example.com/evstream/internal/alarm"
	"example.com/evstream/internal/cost"
)

// Args are the inputs of a pipeline. The zero value of an optional field means that
// there is none of it.
type Args struct {
	Scope     arn.Scope
	Tags      pulumi.StringMap // of every resource that takes tags
	KMSKeyARN string           // optional; of the stream
	Protect   bool             // refuse to delete or replace the stream

	Warehouse *warehouse.Warehouse
	Name      string // prefix of the names in AWS of alarms and schedule

	Stream StreamArgs

	LagMinutes int // optional; alarm when records wait longer
}

// StreamArgs are a stream's.
type StreamArgs struct {
	Name     string
	Existing bool   // the stream is someone else's: it is read and never changed
	Found    *Found // as AWS has it; nil if it is not there yet

	// Of a stream that the pipeline makes.
	Mode           string // cost.OnDemand or cost.Provisioned
	Shards         int    // of a provisioned one
	RetentionHours int
}

// Found is a stream as AWS has it.
type Found struct {
	ARN, Status              string
	EncryptionType, KMSKeyID string
	RetentionHours           int
	Tags                     map[string]string
}

// ownKey says whether a key of the customer's encrypts the stream.
func (f *Found) ownKey() bool {
	return f.EncryptionType == "KMS" && !strings.HasSuffix(f.KMSKeyID, "alias/aws/kinesis")
}

// A Pipeline is the component. Its resources have names that begin with its own.
type Pipeline struct {
	pulumi.ResourceState

	StreamName, StreamARN pulumi.StringOutput

	// FailedRefreshes is the queue of the scheduled refreshes that could not be
	// started; nil without a schedule.
	FailedRefreshes *sqs.Queue

	// Ready is what must be there before Redshift can read the stream.
	Ready []pulumi.Resource

	name string
	args *Args
}

// New makes a pipeline, but for the schedule of its refreshes: for that the view has
// to be there.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Pipeline, error) {
	p := &Pipeline{name: name, args: args}
	if err := ctx.RegisterComponentResource("evstream:infra:Pipeline", name, p, opts...); err != nil {
		return nil, err
	}
	if err := p.stream(ctx); err != nil {
		return nil, fmt.Errorf("stream %s: %w", args.Stream.Name, err)
	}
	if err := p.right(ctx); err != nil {
		return nil, fmt.Errorf("right to read stream %s: %w", args.Stream.Name, err)
	}
	alarms := alarm.OfStream(args.LagMinutes)
	if err := p.watch(ctx, alarms, pulumi.StringMap{"StreamName": p.StreamName}); err != nil {
		return nil, err
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"streamName": p.StreamName, "streamArn": p.StreamARN})
}

// watch makes alarms of the pipeline's.
func (p *Pipeline) watch(ctx *pulumi.Context, alarms []alarm.Alarm, dimensions pulumi.StringMap) error {
	return watch.Alarms(ctx, alarms, watch.Args{
		Resource: p.name, Name: p.args.Name, Topic: p.args.Warehouse.AlarmTopic, Dimensions: dimensions, Tags: p.args.Tags,
	}, parent.Of(p))
}

// stream makes the Kinesis data stream, encrypted at rest, unless there is one to
// read.
func (p *Pipeline) stream(ctx *pulumi.Context) error {
	given := p.args.Stream
	if given.Existing {
		p.StreamName = pulumi.String(given.Name).ToStringOutput()
		p.StreamARN = pulumi.String(given.Found.ARN).ToStringOutput()
		return nil
	}
	args := &kinesis.StreamArgs{
		Name:              pulumi.String(given.Name),
		RetentionPeriod:   pulumi.Int(given.RetentionHours),
		StreamModeDetails: &kinesis.StreamStreamModeDetailsArgs{StreamMode: pulumi.String(given.Mode)},
		EncryptionType:    pulumi.String("KMS"),
		KmsKeyId:          pulumi.String("alias/aws/kinesis"),
		Tags:              p.args.Tags,
	}
	if given.Mode == cost.Provisioned {
		args.ShardCount = pulumi.Int(given.Shards)
	}
	if p.args.KMSKeyARN != "" {
		args.KmsKeyId = pulumi.String(p.args.KMSKeyARN)
	}
	var repaired atomic.Bool
	checked, err := update.Before(ctx, p.name+"-stream-changes", func(c update.Change, _ *report.Report) {
		repaired.Store(c.Of("encryptionType") || c.Of("retentionPeriod"))
	})
	if err != nil {
		return err
	}
	made, err := kinesis.NewStream(ctx, p.name, args, checked,
		parent.Of(p),
		pulumi.Protect(p.args.Protect),
		// The provider's own are two hours for an update and for a deletion.
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "15m", Update: "30m", Delete: "15m"}))
	if err != nil {
		return err
	}
	if lacks := given.lacks(); lacks != "" {
		// It has an id, known in a preview too, once it is in the state.
		made.ID().ApplyT(func(id pulumi.ID) (pulumi.ID, error) {
			if repaired.Load() {
				return id, nil
			}
			return id, ctx.Log.Warn(fmt.Sprintf("stream %s %s, against the settings: its creation or an update failed halfway, or somebody changed it. "+
				"Pulumi does not see that by itself. To repair it, run: pulumi up --refresh", given.Name, lacks), nil)
		})
	}
	p.StreamName, p.StreamARN = made.Name, made.Arn
	p.Ready = append(p.Ready, made)
	return nil
}

// lacks says what a stream in AWS lacks of the settings. The AWS provider makes a
// stream first, and sets its retention and its encryption after that. If one of these
// is refused, the state has the wanted values all the same.
func (s StreamArgs) lacks() string {
	if s.Found == nil || s.Found.Status != "ACTIVE" {
		return "" // not there yet, or being changed
	}
	var lacks []string
	if s.Found.EncryptionType != "KMS" {
		lacks = append(lacks, "is not encrypted")
	}
	if s.Found.RetentionHours < s.RetentionHours {
		lacks = append(lacks, fmt.Sprintf("keeps records for %d hours instead of %d", s.Found.RetentionHours, s.RetentionHours))
	}
	return strings.Join(lacks, " and ")
}

// right lets the warehouse's role read the stream. The stream's ARN is written out,
// not taken from the stream, so that the first preview shows the policy.
func (p *Pipeline) right(ctx *pulumi.Context) error {
	streamARN := p.args.Scope.Stream(p.args.Stream.Name)
	reads := policy.ReadStreams(streamARN)
	switch existing := p.args.Stream.Existing; {
	case existing && p.args.Stream.Found.ownKey():
		reads = append(reads, policy.AllowDecrypt("aws:kinesis:arn", streamARN))
	case !existing && p.args.KMSKeyARN != "":
		reads = append(reads, policy.Allow("DecryptStream", p.args.KMSKeyARN, "kms:Decrypt"))
	}
	document, err := policy.Document(reads...)
	if err != nil {
		return err
	}
	made, err := iam.NewRolePolicy(ctx, p.name+"-read", &iam.RolePolicyArgs{
		Name:   pulumi.String(p.args.Stream.Name),
		Role:   p.args.Warehouse.Role.Name,
		Policy: pulumi.String(document),
	}, parent.Of(p))
	p.Ready = append(p.Ready, made)
	return err
}
