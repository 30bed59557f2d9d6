package fakeaws

import (
	"errors"
	"slices"
)

const queueToken = "aws:sqs/queue:Queue"

// queueType is a standard queue of SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func queueType() *resourceType {
	return &resourceType{
		token: queueToken, noun: "SQS Queue", name: "name", autoname: 80,
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
		create: func(o *op) (effect, error) {
			name := o.in.text("name")
			o.id = "https://sqs." + o.region + ".amazonaws.com/" + o.Account.id + "/" + name
			if o.find(queueToken, o.id) != nil {
				return nil, refuse(sqsService, "CreateQueue", "QueueAlreadyExists", "A queue already exists with the name %s.", name)
			}
			o.props["url"] = o.id
			o.props["arn"] = o.arn("sqs", name)
			o.encrypt()
			return nil, nil
		},
		update: func(o *op) (effect, error) {
			o.encrypt()
			return nil, nil
		},
		delete: func(o *op) (effect, error) {
			delete(o.messages, o.old.text("arn"))
			return nil, nil
		},
	}
}

// encrypt completes how a queue is encrypted: by SQS itself unless a key is given.
func (o *op) encrypt() {
	if !o.props.has("kmsDataKeyReusePeriodSeconds") {
		o.props["kmsDataKeyReusePeriodSeconds"] = 300.0
	}
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
	for _, queue := range a.all(queueToken) {
		if id == queue.props.text("arn") || id == queue.props.text("name") {
			return queue
		}
	}
	return nil
}
