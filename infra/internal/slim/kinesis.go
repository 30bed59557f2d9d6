package slim

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// A StreamState is a Kinesis data stream as AWS has it.
type StreamState struct {
	ARN            string            `pulumi:"arn"`
	Status         string            `pulumi:"status"`
	EncryptionType string            `pulumi:"encryptionType"`
	KMSKeyID       string            `pulumi:"kmsKeyId"`
	RetentionHours int               `pulumi:"retentionPeriod"`
	Tags           map[string]string `pulumi:"tags"`
}

// LookupStream finds a stream by its name.
func LookupStream(ctx *pulumi.Context, name string) (*StreamState, error) {
	return lookup[StreamState](ctx, "aws:kinesis/getStream:getStream", map[string]any{"name": name})
}

// StreamArgs are the inputs of a stream.
type StreamArgs struct {
	Name           string
	Mode           string // ON_DEMAND or PROVISIONED
	Shards         int    // of a provisioned one; else 0
	RetentionHours int
	KMSKeyID       string
	Tags           pulumi.StringMap
}

// A Stream is a Kinesis data stream.
type Stream struct {
	pulumi.CustomResourceState
	Name pulumi.StringOutput `pulumi:"name"`
	ARN  pulumi.StringOutput `pulumi:"arn"`
}

// NewStream makes a stream, encrypted with a key.
func NewStream(ctx *pulumi.Context, name string, args *StreamArgs, opts ...pulumi.ResourceOption) (*Stream, error) {
	inputs := pulumi.Map{
		"name":              pulumi.String(args.Name),
		"retentionPeriod":   pulumi.Int(args.RetentionHours),
		"streamModeDetails": pulumi.Map{"streamMode": pulumi.String(args.Mode)},
		"encryptionType":    pulumi.String("KMS"),
		"kmsKeyId":          pulumi.String(args.KMSKeyID),
		"tags":              args.Tags,
	}
	if args.Shards > 0 {
		inputs["shardCount"] = pulumi.Int(args.Shards)
	}
	stream := &Stream{}
	return stream, ctx.RegisterResource("aws:kinesis/stream:Stream", name, inputs, stream, versioned(opts)...)
}
