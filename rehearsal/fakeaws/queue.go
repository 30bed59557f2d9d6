package fakeaws

import (
	"errors"
	"slices"
	"strings"
)

const queueToken = "aws:sqs/queue:Queue"

// queueType is a standard queue of SQS, which one request makes: internal/service/sqs/queue.go,
// resourceQueueCreate and resourceQueueUpdate.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func queueType() *resourceType {
	return &resourceType{
		token: queueToken, noun: "SQS Queue", service: sqsService, name: "name", autoname: 80,
		schema: tagged(schema{
			"name":                         {replaces: true, check: matching(`[0-9A-Za-z_-]{1,80}`)},
			"delaySeconds":                 {kind: number, fallback: 0, check: between(0, 900)},
			"maxMessageSize":               {kind: number, fallback: 262144, check: between(1024, 262144)},
			"messageRetentionSeconds":      {kind: number, fallback: 345600, check: between(60, 1209600)},
			"receiveWaitTimeSeconds":       {kind: number, fallback: 0, check: between(0, 20)},
			"visibilityTimeoutSeconds":     {kind: number, fallback: 30, check: between(0, 43200)},
			"sqsManagedSseEnabled":         {kind: flag, computed: true},
			"kmsMasterKeyId":               {},
			"kmsDataKeyReusePeriodSeconds": {kind: number, computed: true, check: between(60, 86400)},
			"arn":                          {output: true},
			"url":                          {output: true},
		}),
		refine: func(in, _ values) error {
			if in.has("kmsMasterKeyId") && in.has("sqsManagedSseEnabled") {
				return errors.New(`conflicting configuration arguments: "kms_master_key_id": conflicts with sqs_managed_sse_enabled`)
			}
			return nil
		},
		create: one("CreateQueue", func(o *op) error {
			name := o.in.text("name")
			o.id = "https://sqs." + o.region + ".amazonaws.com/" + o.Account.id + "/" + name
			if found := o.find(queueToken, o.id); found != nil {
				// The queue that is there is the answer, if it has the attributes that are given:
				// recorded by LocalStack, tests/aws/services/sqs/test_sqs.snapshot.json,
				// test_create_queue_with_different_attributes_raises_exception, 2024-04-30.
				for key := range o.in {
					if key != "tags" && !isSame(o.in[key], found.props[key]) {
						return o.refuse("QueueAlreadyExists",
							"A queue already exists with the same name and a different value for attribute %s%s", strings.ToUpper(key[:1]), key[1:])
					}
				}
				o.props = found.props
				return nil
			}
			o.props["url"] = o.id
			o.props["arn"] = o.arn("sqs", name)
			o.encrypt()
			return nil
		}),
		tag: request{api: "TagQueue"},
		update: one("SetQueueAttributes", func(o *op) error {
			o.encrypt()
			return nil
		}),
		delete: request{api: "DeleteQueue", do: func(o *op) error {
			delete(o.messages, o.state.text("arn"))
			return nil
		}},
	}
}

// encrypt completes how a queue is encrypted: by SQS itself unless a key is given.
func (o *op) encrypt() {
	o.fill(values{"kmsDataKeyReusePeriodSeconds": 300.0})
	if !o.in.has("sqsManagedSseEnabled") {
		o.props["sqsManagedSseEnabled"] = !o.in.has("kmsMasterKeyId")
	}
}

// Message is a message in a queue.
type Message struct {
	Body       string
	Attributes map[string]string
}

// Messages returns what is in a queue, by its name or ARN, the oldest first, and leaves it
// there.
func (a *Account) Messages(queue string) ([]Message, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.queueNamed(queue)
	if found == nil {
		return nil, refuse(sqsService, "ReceiveMessage", "QueueDoesNotExist", "The specified queue %s does not exist.", queue)
	}
	return slices.Clone(a.messages[found.props.text("arn")]), nil
}

// queueNamed finds a queue by its name or ARN.
func (a *Account) queueNamed(id string) *thing {
	return first(append(a.where(queueToken, values{"arn": id}), a.where(queueToken, values{"name": id})...))
}
