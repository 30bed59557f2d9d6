package infra

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newStream makes the Kinesis data stream, encrypted at rest.
func newStream(ctx *pulumi.Context, s settings) (*kinesis.Stream, error) {
	args := &kinesis.StreamArgs{
		Name:              pulumi.String(s.StreamName),
		RetentionPeriod:   pulumi.Int(s.RetentionHours),
		StreamModeDetails: &kinesis.StreamStreamModeDetailsArgs{StreamMode: pulumi.String(s.StreamMode)},
		EncryptionType:    pulumi.String("KMS"),
		KmsKeyId:          pulumi.String("alias/aws/kinesis"),
		Tags:              s.tags(),
	}
	if s.StreamMode == provisioned {
		args.ShardCount = pulumi.Int(s.ShardCount)
	}
	if s.KMSKeyARN != "" {
		args.KmsKeyId = pulumi.String(s.KMSKeyARN)
	}
	return kinesis.NewStream(ctx, "stream", args,
		pulumi.Protect(s.Protect),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "15m"}))
}

// streamingRole is the role with which Redshift reads the stream, and its
// policy.
type streamingRole struct {
	role   *iam.Role
	policy *iam.RolePolicy
}

// newStreamingRole makes the role. Its name, and so its ARN, stays the same for
// as long as the external schema lives, because that cannot be altered.
func newStreamingRole(ctx *pulumi.Context, s settings, at place) (*streamingRole, error) {
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
	document, err := policyDocument(readsStream(at.arn("kinesis", "stream/"+s.StreamName), s.KMSKeyARN))
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

// statement is one statement of an IAM policy.
type statement struct {
	Sid       string              `json:"Sid,omitempty"`
	Effect    string              `json:"Effect"`
	Principal map[string][]string `json:"Principal,omitempty"`
	Action    []string            `json:"Action"`
	Resource  string              `json:"Resource,omitempty"`
}

func policyDocument(statements []statement) (string, error) {
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return "", fmt.Errorf("policy: %w", err)
	}
	return string(document), nil
}

// trustedByRedshift names both of Redshift's principals, as Serverless asks.
// There is no condition: the documented one, sts:ExternalId, needs the id of the
// workgroup, which needs the role.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-security-other-services.html
func trustedByRedshift() []statement {
	return []statement{{
		Effect:    "Allow",
		Principal: map[string][]string{"Service": {"redshift-serverless.amazonaws.com", "redshift.amazonaws.com"}},
		Action:    []string{"sts:AssumeRole"},
	}}
}

// readsStream is what streaming ingestion needs and no more. The key that AWS
// manages for Kinesis needs no permission.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
func readsStream(streamARN, kmsKeyARN string) []statement {
	statements := []statement{{
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
	if kmsKeyARN != "" {
		statements = append(statements, statement{
			Sid:      "DecryptStream",
			Effect:   "Allow",
			Action:   []string{"kms:Decrypt"},
			Resource: kmsKeyARN,
		})
	}
	return statements
}
