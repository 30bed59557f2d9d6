package infra

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/internal/cost"
)

// stream is the Kinesis data stream that the warehouse reads.
type stream struct {
	name, arn pulumi.StringOutput
}

// existingStream is a stream that the stack reads and does not own.
type existingStream struct {
	name, arn      string
	encrypted      bool // with a key of the customer's
	retentionHours int
}

// lookUpStream finds the existing stream that the settings name, if they do.
func lookUpStream(ctx *pulumi.Context, s settings, wrong *problems) *existingStream {
	name := s.ExistingStreamName
	if name == "" || !streamName.MatchString(name) {
		return nil // none, or already reported
	}
	found, err := kinesis.LookupStream(ctx, &kinesis.LookupStreamArgs{Name: name})
	if err != nil {
		wrong.add("existingStreamName is %q: the stream can't be looked up in this region and account: %s. "+
			"List them with: aws kinesis list-streams", name, said(err))
		return nil
	}
	if found.Status != "ACTIVE" && found.Status != "UPDATING" {
		wrong.add("existingStreamName is %q: the stream is %s. Wait until it is ACTIVE, or name another.", name, found.Status)
		return nil
	}
	if found.Tags["pulumi:project"] == s.project && found.Tags["pulumi:stack"] == s.stack {
		// It would leave the program, and Pulumi would delete it.
		wrong.add("existingStreamName is %q: this stack made that stream, and would delete it with its records when it is no longer the stack's own. "+
			"Remove existingStreamName. Or give the stream away first: "+
			"pulumi state delete --force --target-dependents 'urn:pulumi:%s::%s::aws:kinesis/stream:Stream::stream', and "+
			"aws kinesis remove-tags-from-stream --stream-name %[1]s --tag-keys pulumi:project pulumi:stack.", name, s.stack, s.project)
		return nil
	}
	return &existingStream{
		name:           name,
		arn:            found.Arn,
		retentionHours: found.RetentionPeriod,
		encrypted:      found.EncryptionType == "KMS" && !strings.HasSuffix(found.KmsKeyId, "alias/aws/kinesis"),
	}
}

// lookUpOwnStream finds the stack's own stream as AWS has it, if it is there
// already.
func lookUpOwnStream(ctx *pulumi.Context, s settings) *kinesis.LookupStreamResult {
	if s.ExistingStreamName != "" || !streamName.MatchString(s.StreamName) {
		return nil // none, or already reported
	}
	found, err := kinesis.LookupStream(ctx, &kinesis.LookupStreamArgs{Name: s.StreamName})
	if err != nil {
		if !isNotFound(err) {
			// Who may read this stream only may not read one of another name.
			_ = ctx.Log.Warn(fmt.Sprintf("whether stream %s has the encryption and retention of the settings can't be checked: %s", s.StreamName, said(err)), nil)
		}
		return nil
	}
	return found
}

// newStream makes the Kinesis data stream, encrypted at rest, unless there is one
// to read.
func newStream(ctx *pulumi.Context, s settings, existing *existingStream, inAWS *kinesis.LookupStreamResult) (stream, error) {
	if existing != nil {
		return stream{
			name: pulumi.String(existing.name).ToStringOutput(),
			arn:  pulumi.String(existing.arn).ToStringOutput(),
		}, nil
	}
	args := &kinesis.StreamArgs{
		Name:              pulumi.String(s.StreamName),
		RetentionPeriod:   pulumi.Int(s.RetentionHours),
		StreamModeDetails: &kinesis.StreamStreamModeDetailsArgs{StreamMode: pulumi.String(s.StreamMode)},
		EncryptionType:    pulumi.String("KMS"),
		KmsKeyId:          pulumi.String("alias/aws/kinesis"),
		Tags:              s.tags(),
	}
	if s.StreamMode == cost.Provisioned {
		args.ShardCount = pulumi.Int(s.ShardCount)
	}
	if s.KMSKeyARN != "" {
		args.KmsKeyId = pulumi.String(s.KMSKeyARN)
	}
	var repaired atomic.Bool
	checked, err := beforeUpdate(ctx, "stream-changes", func(c change, _ *problems) error {
		repaired.Store(c.of("encryptionType") || c.of("retentionPeriod"))
		return nil
	})
	if err != nil {
		return stream{}, err
	}
	made, err := kinesis.NewStream(ctx, "stream", args, checked,
		pulumi.Protect(s.Protect),
		// The provider's own are two hours for an update and for a deletion.
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "15m", Update: "30m", Delete: "15m"}))
	if err != nil {
		return stream{}, err
	}
	if lack := lacking(s, inAWS); lack != "" {
		// It has an id, known in a preview too, once it is in the state.
		made.ID().ApplyT(func(id pulumi.ID) (pulumi.ID, error) {
			if repaired.Load() {
				return id, nil
			}
			return id, ctx.Log.Warn(fmt.Sprintf("stream %s %s, against the settings: its creation or an update failed halfway, or somebody changed it. "+
				"Pulumi does not see that by itself. To repair it, run: pulumi up --refresh", s.StreamName, lack), nil)
		})
	}
	return stream{name: made.Name, arn: made.Arn}, nil
}

// lacking says what a stream in AWS lacks of the settings. The AWS provider makes a
// stream first, and sets its retention and its encryption after that. If one of these
// is refused, the state has the wanted values all the same.
func lacking(s settings, inAWS *kinesis.LookupStreamResult) string {
	if inAWS == nil || inAWS.Status != "ACTIVE" {
		return "" // not there yet, or being changed
	}
	var lacks []string
	if inAWS.EncryptionType != "KMS" {
		lacks = append(lacks, "is not encrypted")
	}
	if inAWS.RetentionPeriod < s.RetentionHours {
		lacks = append(lacks, fmt.Sprintf("keeps records for %d hours instead of %d", inAWS.RetentionPeriod, s.RetentionHours))
	}
	return strings.Join(lacks, " and ")
}

// streamingRole is the role with which Redshift reads the stream, and its
// policy.
type streamingRole struct {
	role   *iam.Role
	policy *iam.RolePolicy
}

// newStreamingRole makes the role. Its name, and so its ARN, stays the same for
// as long as the external schema lives, because that cannot be altered.
func newStreamingRole(ctx *pulumi.Context, s settings, at place, existing *existingStream) (*streamingRole, error) {
	trust, err := policyDocument(trustedByRedshift())
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, "streaming", &iam.RoleArgs{
		Name:             pulumi.String(s.RoleName),
		Description:      pulumi.String("Lets Redshift Serverless " + s.NamespaceName + " read the Kinesis stream " + s.StreamName),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             s.tags(),
	})
	if err != nil {
		return nil, err
	}
	// The stream's ARN is written out, not taken from the stream, so that the
	// first preview shows the policy.
	streamARN := at.arn("kinesis", "stream/"+s.StreamName)
	reads := readsStream(streamARN)
	switch {
	case existing != nil && existing.encrypted:
		reads = append(reads, decrypts("aws:kinesis:arn", streamARN))
	case existing == nil && s.KMSKeyARN != "":
		reads = append(reads, statement{Sid: "DecryptStream", Effect: "Allow", Action: []string{"kms:Decrypt"}, Resource: s.KMSKeyARN})
	}
	document, err := policyDocument(reads...)
	if err != nil {
		return nil, err
	}
	policy, err := iam.NewRolePolicy(ctx, "streaming", &iam.RolePolicyArgs{
		Name:   pulumi.String("read-stream"),
		Role:   role.Name,
		Policy: pulumi.String(document),
	})
	return &streamingRole{role: role, policy: policy}, err
}

// trustedByRedshift names both of Redshift's principals, as Serverless asks.
// There is no condition: the documented one, sts:ExternalId, needs the id of the
// workgroup, which needs the role.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-security-other-services.html
func trustedByRedshift() statement {
	return statement{
		Effect:    "Allow",
		Principal: map[string][]string{"Service": {"redshift-serverless.amazonaws.com", "redshift.amazonaws.com"}},
		Action:    []string{"sts:AssumeRole"},
	}
}

// readsStream is what streaming ingestion needs and no more. The key that AWS
// manages for Kinesis needs no permission.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
func readsStream(streamARN string) []statement {
	return []statement{{
		Sid:    "ReadStream",
		Effect: "Allow",
		Action: []string{
			"kinesis:DescribeStream",
			"kinesis:DescribeStreamSummary",
			"kinesis:GetRecords",
			"kinesis:GetShardIterator",
			"kinesis:ListShards",
		},
		Resource: streamARN,
	}, {
		Sid:      "ListStreams",
		Effect:   "Allow",
		Action:   []string{"kinesis:ListStreams"},
		Resource: "*",
	}}
}
