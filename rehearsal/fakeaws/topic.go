package fakeaws

import "strings"

const (
	topicToken        = "aws:sns/topic:Topic"
	subscriptionToken = "aws:sns/topicSubscription:TopicSubscription"
)

func topicType() *resourceType {
	return &resourceType{
		token: topicToken, noun: "SNS Topic", name: "name", autoname: 256,
		schema: tagged(schema{
			"name":           {replaces: true, check: matching(`[A-Za-z0-9_-]{1,256}`)},
			"displayName":    {check: matching(`.{0,100}`)},
			"kmsMasterKeyId": {},
			"arn":            {output: true},
			"owner":          {output: true},
		}),
		create: func(o *op) (effect, error) {
			o.id = o.arn("sns", o.in.text("name"))
			if o.find(topicToken, o.id) != nil {
				return nil, refuse(snsService, "CreateTopic", "InvalidParameter", "Invalid parameter: Topic already exists: %s", o.id)
			}
			o.props["arn"] = o.id
			o.props["owner"] = o.Account.id
			return nil, nil
		},
		update: func(*op) (effect, error) { return nil, nil },
		delete: func(o *op) (effect, error) {
			for _, subscription := range o.all(subscriptionToken) {
				if subscription.props.text("topic") == o.id {
					o.remove(subscription)
				}
			}
			return nil, nil
		},
	}
}

// subscriptionType is a subscription by e-mail, which waits for the reader's confirmation.
func subscriptionType() *resourceType {
	return &resourceType{
		token: subscriptionToken, noun: "SNS Topic Subscription", name: "endpoint",
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
		create: func(o *op) (effect, error) {
			topic, endpoint := o.in.text("topic"), o.in.text("endpoint")
			if o.find(topicToken, topic) == nil {
				return nil, refuse(snsService, "Subscribe", "NotFound", "Topic does not exist")
			}
			if name, host, ok := strings.Cut(endpoint, "@"); !ok || name == "" || host == "" || strings.ContainsAny(endpoint, " \t\n") {
				return nil, refuse(snsService, "Subscribe", "InvalidParameter", "Invalid parameter: Email address")
			}
			o.id = topic + ":" + o.newUUID("subscription", topic+endpoint)
			o.props["arn"] = o.id
			o.props["ownerId"] = o.Account.id
			o.props["confirmationWasAuthenticated"] = false
			o.props["pendingConfirmation"] = true
			return nil, nil
		},
		update: func(*op) (effect, error) { return nil, nil },
		delete: func(*op) (effect, error) { return nil, nil },
	}
}
