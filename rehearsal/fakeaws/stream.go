package fakeaws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// Stream is a Kinesis stream.
type Stream struct {
	Name           string
	ARN            string
	Mode           string // ON_DEMAND or PROVISIONED
	Shards         int    // of a PROVISIONED one; 0 otherwise
	RetentionHours int
	KMSKey         string // "" without encryption
	Tags           map[string]string
}

const (
	onDemand    = "ON_DEMAND"
	provisioned = "PROVISIONED"
)

const streamToken = "aws:kinesis/stream:Stream"

func streamType() *resourceType {
	return &resourceType{
		token: streamToken, noun: "Kinesis Stream", name: "name", autoname: 128, idAfterWait: true, importsBy: "name",
		schema: tagged(schema{
			"name":                    {replaces: true, check: matching(`[a-zA-Z0-9_.-]{1,128}`)},
			"retentionPeriod":         {kind: number, fallback: 24, check: between(24, 8760)},
			"shardCount":              {kind: number},
			"encryptionType":          {fallback: "NONE", check: oneOf("NONE", "KMS")},
			"kmsKeyId":                {},
			"enforceConsumerDeletion": {kind: flag, fallback: false},
			"streamModeDetails": {kind: anObject, computed: true, fields: schema{
				"streamMode": {required: true, check: oneOf(onDemand, provisioned)},
			}, check: func(v any) string {
				return oneOf(onDemand, provisioned)(values(v.(map[string]any)).text("streamMode"))
			}},
			"arn": {output: true},
		}),
		refine: func(in, _ values) error {
			if !isKnown(in["streamModeDetails"]) || !isKnown(in["shardCount"]) {
				return nil
			}
			mode, shards := streamMode(in), in.number("shardCount")
			switch {
			case mode == onDemand && shards > 0:
				return fmt.Errorf("shard_count must not be set when stream_mode is %s", mode)
			case mode == provisioned && shards < 1:
				return fmt.Errorf("shard_count must be at least 1 when stream_mode is %s", mode)
			}
			return nil
		},
		create: func(o *op) (effect, error) {
			name := o.in.text("name")
			o.id = o.arn("kinesis", "stream/"+name)
			if o.find(streamToken, o.id) != nil {
				return nil, refuse(kinesisService, "CreateStream", "ResourceInUseException", "Stream %s under account %s already exists.", name, o.Account.id)
			}
			return o.stream(Kinesis.CreateStream)
		},
		update: func(o *op) (effect, error) { return o.stream(Kinesis.UpdateStream) },
		delete: func(o *op) (effect, error) {
			if o.opts.Kinesis == nil {
				return nil, nil
			}
			name := o.old.text("name")
			return func(ctx context.Context) error { return o.opts.Kinesis.DeleteStream(ctx, name) }, nil
		},
	}
}

// streamMode is the mode of a stream; AWS takes the old one if the program gives none.
func streamMode(props values) string {
	if mode := props.object("streamModeDetails").text("streamMode"); mode != "" {
		return mode
	}
	return provisioned
}

// stream completes the properties of a stream and puts it to work.
func (o *op) stream(put func(Kinesis, context.Context, Stream) error) (effect, error) {
	s := Stream{
		Name: o.in.text("name"), ARN: o.id, Mode: streamMode(o.in), Shards: o.in.number("shardCount"),
		RetentionHours: o.in.number("retentionPeriod"), Tags: o.in.textMap("tags"),
	}
	if o.in.text("encryptionType") == "KMS" {
		if s.KMSKey = o.in.text("kmsKeyId"); s.KMSKey == "" {
			return nil, errors.New("KMS Key Id required when setting encryption_type is not set as NONE")
		}
	}
	o.props["arn"] = s.ARN
	o.props["streamModeDetails"] = map[string]any{"streamMode": s.Mode}
	if o.opts.Kinesis == nil {
		return nil, nil
	}
	return func(ctx context.Context) error { return put(o.opts.Kinesis, ctx, s) }, nil
}

// putWorldStream makes a stream that was there before.
func (a *Account) putWorldStream(s Stream) error {
	in := values{
		"name": s.Name, "retentionPeriod": float64(cmp.Or(s.RetentionHours, 24)), "encryptionType": "NONE", "enforceConsumerDeletion": false,
		"streamModeDetails": map[string]any{"streamMode": cmp.Or(s.Mode, onDemand)}, "tags": object(s.Tags),
	}
	if s.Shards > 0 {
		in["shardCount"] = float64(s.Shards)
	}
	if s.KMSKey != "" {
		in["encryptionType"], in["kmsKeyId"] = "KMS", s.KMSKey
	}
	kind := streamType()
	for _, p := range kind.schema.problems(kind.token, in) {
		return errors.New(p.reason)
	}
	if err := kind.refine(in, nil); err != nil {
		return err
	}
	o := &op{Account: a, in: in, props: kind.schema.planned(in, values{})}
	if _, err := kind.create(o); err != nil {
		return err
	}
	a.put(&thing{kind: kind, id: o.id, props: o.props})
	return nil
}
