package fakeaws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
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

// streamType is a Kinesis stream. The provider waits until it is ACTIVE, before it notes its id,
// and after each request: internal/service/kinesis/stream.go, resourceStreamCreate and
// resourceStreamUpdate.
func streamType() *resourceType {
	tell := func(o *op) error { return o.stream(Kinesis.UpdateStream) }
	to := func(encryption string) func(*op) bool {
		return func(o *op) bool { return o.in.text("encryptionType") == encryption }
	}
	growing := func(o *op) bool { return o.in.number("retentionPeriod") >= o.state.number("retentionPeriod") }
	retention, encryption := []string{"retentionPeriod"}, []string{"encryptionType", "kmsKeyId"}
	longer := request{api: "IncreaseStreamRetentionPeriod", sends: retention, when: growing, do: tell}
	shorter := request{api: "DecreaseStreamRetentionPeriod", sends: retention, when: func(o *op) bool { return !growing(o) }, do: tell}
	encrypted := request{api: "StartStreamEncryption", sends: encryption, when: to("KMS"), do: func(o *op) error {
		if !o.in.has("kmsKeyId") {
			return errors.New("KMS Key ID required when setting encryption_type is not set as NONE")
		}
		return tell(o)
	}}
	plaintext := request{api: "StopStreamEncryption", sends: encryption, when: to("NONE"), do: tell}
	return &resourceType{
		token: streamToken, noun: "Kinesis Stream", service: kinesisService, invalid: "ValidationException", name: "name", autoname: 128, idAfterWait: true, importsBy: "name",
		schema: tagged(schema{
			"name":                    {replaces: true},
			"retentionPeriod":         {kind: number, fallback: 24, check: between(24, 8760)},
			"shardCount":              {kind: number},
			"encryptionType":          {fallback: "NONE", check: oneOf("NONE", "KMS")},
			"kmsKeyId":                {},
			"enforceConsumerDeletion": {kind: flag, fallback: false, unread: true},
			"streamModeDetails": {kind: anObject, computed: true, fields: schema{
				"streamMode": {required: true, check: oneOf(onDemand, provisioned)},
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
		create: []request{
			{api: "CreateStream", sends: []string{"name", "streamModeDetails", "shardCount"}, do: func(o *op) error {
				name := o.in.text("name")
				if !streamName.MatchString(name) {
					return o.refuse("ValidationException", "1 validation error detected: Value '%s' at 'streamName' failed to satisfy "+
						"constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length less than or equal to 128", name)
				}
				o.id = o.arn("kinesis", "stream/"+name)
				if o.find(streamToken, o.id) != nil {
					return o.refuse("ResourceInUseException", "Stream %s under account %s already exists.", name, o.Account.id)
				}
				o.props["arn"] = o.id
				o.props["streamModeDetails"] = map[string]any{"streamMode": streamMode(o.in)}
				o.props["retentionPeriod"], o.props["encryptionType"] = 24.0, "NONE"
				return o.stream(Kinesis.CreateStream)
			}},
			longer, // also to the 24 hours that it has
			encrypted,
			{api: "AddTagsToStream", sends: tagKeys, when: func(o *op) bool { return o.in.has("tags") }, do: tell},
		},
		tag: request{api: "AddTagsToStream", do: tell},
		update: []request{
			{api: "UpdateStreamMode", sends: []string{"streamModeDetails"}, do: func(o *op) error {
				delete(o.props, "shardCount") // of one on demand it is not read; another keeps what it has
				return tell(o)
			}},
			{api: "UpdateShardCount", sends: []string{"shardCount"}, when: func(o *op) bool { return streamMode(o.in) == provisioned }, do: tell},
			longer, shorter, encrypted, plaintext,
		},
		delete: request{api: "DeleteStream", do: func(o *op) error {
			o.kinesis(func(ctx context.Context, k Kinesis) error { return k.DeleteStream(ctx, o.state.text("name")) })
			return nil
		}},
	}
}

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// streamMode is the mode of a stream; AWS takes the old one if the program gives none.
func streamMode(props values) string {
	if mode := props.object("streamModeDetails").text("streamMode"); mode != "" {
		return mode
	}
	return provisioned
}

// stream has Kinesis do what the present request asks for.
func (o *op) stream(put func(Kinesis, context.Context, Stream) error) error {
	s := Stream{
		Name: o.props.text("name"), ARN: o.id, Mode: streamMode(o.props), Shards: o.props.number("shardCount"),
		RetentionHours: o.props.number("retentionPeriod"),
	}
	if tags := o.props.textMap("tags"); len(tags) > 0 {
		s.Tags = tags
	}
	if o.props.text("encryptionType") == "KMS" {
		s.KMSKey = o.props.text("kmsKeyId")
	}
	o.kinesis(func(ctx context.Context, k Kinesis) error { return put(k, ctx, s) })
	return nil
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
	for _, p := range kind.schema.problems(kind.token, "", in) {
		return errors.New(p.reason)
	}
	if err := kind.refine(in, nil); err != nil {
		return err
	}
	return a.putWorldThing(kind, in, "")
}

// putWorldThing makes something that was there before, with an id of its own unless given.
func (a *Account) putWorldThing(kind *resourceType, in values, id string) error {
	first := kind.create[0]
	o := &op{Account: a, kind: kind, in: in, api: first.api, props: kind.schema.sent(nil, in, nil)}
	if err := first.do(o); err != nil {
		return err
	}
	maps.Copy(o.props, in)
	a.put(&thing{kind: kind, id: cmp.Or(id, o.id), props: o.props})
	return nil
}
