package fakeaws

import "strings"

const (
	topicToken        = "aws:sns/topic:Topic"
	subscriptionToken = "aws:sns/topicSubscription:TopicSubscription"
)

// topicType is a topic. Each attribute has a request of its own, also at the creation:
// internal/service/sns/topic.go, resourceTopicCreate and putTopicAttributes.
func topicType() *resourceType {
	attributes := func(sent func(*op, string) bool) []request {
		var all []request
		for _, key := range []string{"displayName", "kmsMasterKeyId"} { // the provider's order is random
			all = append(all, request{api: "SetTopicAttributes", sends: []string{key}, when: func(o *op) bool { return sent(o, key) }})
		}
		return all
	}
	return &resourceType{
		token: topicToken, noun: "SNS Topic", service: snsService, invalid: "InvalidParameter", name: "name", autoname: 256,
		schema: tagged(schema{
			"name":           {replaces: true, check: matching(`[A-Za-z0-9_-]{1,256}`)},
			"displayName":    {check: matching(`.{0,100}`)},
			"kmsMasterKeyId": {},
			"arn":            {output: true},
			"owner":          {output: true},
		}),
		create: append([]request{{api: "CreateTopic", sends: []string{"name", "tags", "tagsAll"}, do: func(o *op) error {
			o.id = o.arn("sns", o.in.text("name"))
			if found := o.find(topicToken, o.id); found != nil {
				// The topic that is there is the answer, unless it lacks a tag that is given:
				// recorded by LocalStack, tests/aws/services/sns/test_sns.snapshot.json,
				// test_create_duplicate_topic_check_idempotency and …_with_more_tags, 2025-10-13.
				have := found.props.textMap("tags")
				for key, value := range o.in.textMap("tags") {
					if had, ok := have[key]; !ok || had != value {
						return o.refuse("InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
					}
				}
				o.props = found.props
				return nil
			}
			o.props["arn"] = o.id
			o.props["owner"] = o.Account.id
			return nil
		}}}, attributes(func(o *op, key string) bool { return o.in.has(key) })...),
		update: attributes(func(o *op, key string) bool { return o.differs[key] }),
		delete: request{api: "DeleteTopic", do: func(o *op) error {
			for _, subscription := range o.where(subscriptionToken, values{"topic": o.id}) {
				o.remove(subscription)
			}
			return nil
		}},
	}
}

// subscriptionType is a subscription by e-mail, which waits for the reader's confirmation.
func subscriptionType() *resourceType {
	return &resourceType{
		token: subscriptionToken, noun: "SNS Topic Subscription", service: snsService, invalid: "InvalidParameter", name: "endpoint",
		schema: schema{
			"topic": {required: true, replaces: true, check: isARN},
			"protocol": {required: true, replaces: true, check: func(v any) string {
				all := []string{"application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"}
				if reason := oneOf(all...)(v); reason != "" || v == "email" {
					return reason
				}
				return "the stand-in supports only subscriptions by email"
			}},
			"endpoint":                     {required: true, replaces: true},
			"arn":                          {output: true},
			"ownerId":                      {output: true},
			"confirmationWasAuthenticated": {kind: flag, output: true},
			"pendingConfirmation":          {kind: flag, output: true},
		},
		create: one("Subscribe", func(o *op) error {
			topic, endpoint := o.in.text("topic"), o.in.text("endpoint")
			if o.find(topicToken, topic) == nil {
				return o.refuse("NotFound", "Topic does not exist")
			}
			if name, host, ok := strings.Cut(endpoint, "@"); !ok || name == "" || host == "" || strings.ContainsAny(endpoint, " \t\n") {
				return o.refuse("InvalidParameter", "Invalid parameter: Email address")
			}
			// A subscription that is there is the answer: recorded by LocalStack,
			// tests/aws/services/sns/test_sns.snapshot.json, test_subscribe_idempotency, 2025-10-06.
			if found := first(o.where(subscriptionToken, values{"topic": topic, "endpoint": endpoint})); found != nil {
				o.id, o.props = found.id, found.props
				return nil
			}
			o.id = topic + ":" + o.newUUID("subscription", topic+endpoint)
			o.props["arn"] = o.id
			o.props["ownerId"] = o.Account.id
			o.props["confirmationWasAuthenticated"] = false
			o.props["pendingConfirmation"] = true
			return nil
		}),
		delete: request{api: "Unsubscribe"},
	}
}
