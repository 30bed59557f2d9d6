package fakeaws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/rehearsal/fakeaws"
)

const (
	refreshRole  = "arn:aws:iam::123456789012:role/refresh"
	failedQueue  = "arn:aws:sqs:us-east-1:123456789012:failed"
	trustedByUs  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["scheduler.amazonaws.com"]},"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}]}`
	dataAPICall  = "arn:aws:scheduler:::aws-sdk:redshiftdata:executeStatement"
	scheduleARN  = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/refresh"
	refreshOfAll = "REFRESH MATERIALIZED VIEW ev_station_data"
)

func statementInput(changes ...any) string {
	text, err := json.Marshal(with(props{
		"WorkgroupName": "ev-dev", "Database": "dev", "SecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift/admin-000000",
		"Sql": refreshOfAll, "StatementName": "refresh",
	}, changes...))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func targetInputs(changes ...any) props {
	return with(props{
		"arn": dataAPICall, "roleArn": refreshRole, "input": statementInput(), "deadLetterConfig": props{"arn": failedQueue},
		"retryPolicy": props{"maximumEventAgeInSeconds": 300, "maximumRetryAttempts": 2},
	}, changes...)
}

func scheduleInputs(changes ...any) props {
	return with(props{
		"name": "refresh", "scheduleExpression": "rate(5 minutes)", "flexibleTimeWindow": props{"mode": "OFF"}, "target": targetInputs(),
	}, changes...)
}

func queueInputs() props { return props{"name": "failed"} }

func TestSchedule(t *testing.T) {
	b := start(t)
	b.mustCreate("role", "r", props{"name": "refresh", "assumeRolePolicy": trustedByUs})
	m := b.mustCreate("schedule", "s", scheduleInputs())
	want := props{
		"arn": scheduleARN, "name": "refresh", "groupName": "default", "scheduleExpression": "rate(5 minutes)", "scheduleExpressionTimezone": "UTC",
		"state": "ENABLED", "flexibleTimeWindow": props{"mode": "OFF"},
		"target": targetInputs("retryPolicy", props{"maximumEventAgeInSeconds": 300.0, "maximumRetryAttempts": 2.0}),
	}
	if diff := cmp.Diff(want, shown(m.state)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct {
		in   props
		want map[string]string
	}{
		"nothing":        {scheduleInputs("scheduleExpressionTimezone", "UTC", "state", "ENABLED"), nil},
		"the expression": {scheduleInputs("scheduleExpression", "rate(1 hour)"), map[string]string{"scheduleExpression": "update"}},
		"the statement":  {scheduleInputs("target", targetInputs("input", statementInput("Sql", "SELECT 1"))), map[string]string{"target.input": "update"}},
		"the retries":    {scheduleInputs("target", targetInputs("retryPolicy", props{"maximumEventAgeInSeconds": 300, "maximumRetryAttempts": 3})), map[string]string{"target.retryPolicy.maximumRetryAttempts": "update"}},
		"the name":       {scheduleInputs("name", "other"), map[string]string{"name": "update-replace"}},
	} {
		got, _, err := b.diff(m, c.in)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("a change of %s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	_, err := b.create("schedule", "twin", scheduleInputs())
	wantError(t, err, "ConflictException: Schedule refresh already exists.")
	b.mustDelete(b.mustUpdate(m, scheduleInputs("scheduleExpression", "cron(0 6 * * ? *)")))
}

func TestScheduleRefused(t *testing.T) {
	b := start(t)
	b.mustCreate("role", "r", props{"name": "refresh", "assumeRolePolicy": trustedByUs})
	b.mustCreate("role", "other", roleInputs())
	for _, c := range []struct {
		name   string
		change []any
		want   string
	}{
		{"a name", []any{"name", "a b"}, `invalid value "a b"`},
		{"no window", []any{"flexibleTimeWindow", nil}, `The argument "flexibleTimeWindow" is required`},
		{"a window's mode", []any{"flexibleTimeWindow", props{"mode": "SOMETIMES"}}, "got SOMETIMES"},
		{"a window of no length", []any{"flexibleTimeWindow", props{"mode": "FLEXIBLE"}}, "MaximumWindowInMinutes goes with"},
		{"tags", []any{"tags", props{"a": "b"}}, "does not support the input tags"},
		{"too many retries", []any{"target", targetInputs("retryPolicy", props{"maximumRetryAttempts": 186})}, "retryPolicy.maximumRetryAttempts: expected a number in the range (0 - 185), got 186"},
		{"an age in which nothing is tried", []any{"target", targetInputs("retryPolicy", props{"maximumEventAgeInSeconds": 59})}, "range (60 - 86400), got 59"},
		{"an unknown part of the target", []any{"target", targetInputs("sqsParameters", props{})}, "target: it takes an object"},
		{"another target", []any{"target", targetInputs("arn", "arn:aws:scheduler:::aws-sdk:redshiftdata:batchExecuteStatement")}, "does not support the target"},
		{"a queue that is none", []any{"target", targetInputs("deadLetterConfig", props{"arn": "arn:aws:sns:us-east-1:123456789012:failed"})}, "'target.deadLetterConfig.arn' failed to satisfy constraint"},
		{"an input that is no JSON", []any{"target", targetInputs("input", "REFRESH")}, "Invalid RequestJson provided."},
		{"an input in the wrong case", []any{"target", targetInputs("input", `{"sql":"SELECT 1"}`)}, "does not support the field sql of ExecuteStatement"},
		{"an input without a statement", []any{"target", targetInputs("input", statementInput("Sql", nil))}, "request payload is missing the following field(s): Sql"},
		{"a role that is not there", []any{"target", targetInputs("roleArn", refreshRole+"2")}, "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."},
		{"a role that trusts others", []any{"target", targetInputs("roleArn", roleARN)}, "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."},
		{"a time zone", []any{"scheduleExpressionTimezone", "Mars/Base"}, "Invalid Time Zone Mars/Base."},
		{"an expression", []any{"scheduleExpression", "every 5 minutes"}, "ValidationException: Invalid Schedule Expression every 5 minutes."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := b.create("schedule", "s", scheduleInputs(c.change...))
			wantError(t, err, c.want)
		})
	}
}

func TestScheduleExpressions(t *testing.T) {
	b := start(t)
	b.mustCreate("role", "r", props{"name": "refresh", "assumeRolePolicy": trustedByUs})
	for expression, valid := range map[string]bool{
		"rate(1 minute)": true, "rate(5 minutes)": true, "rate(12 hours)": true, "rate(1 day)": true, "at(2026-12-01T06:00:00)": true,
		"cron(0 6 * * ? *)": true, "cron(*/5 8-17 ? * MON-FRI *)": true, "cron(0 0 L * ? *)": true, "cron(0 10 ? * 6L 2026-2030)": true,
		"cron(15,45 0/6 1W JAN,JUL ? *)": true, "cron(0 8 ? * MON#1 *)": true,

		"rate(0 minutes)": false, "rate(5 seconds)": false, "rate(5minutes)": false, "rate(-1 hours)": false, "rate(1.5 hours)": false,
		"cron(0 6 * * *)": false, "cron(0 6 * * * *)": false, "cron(0 6 ? * ? *)": false, "cron(60 6 * * ? *)": false, "cron(0 24 * * ? *)": false,
		"cron(0 6 32 * ? *)": false, "cron(0 6 * 13 ? *)": false, "cron(0 6 ? * 8 *)": false, "cron(0 6 * * ? 1969)": false,
		"cron(5-1 6 * * ? *)": false, "cron(0/0 6 * * ? *)": false, "cron( 0 6 * * ? *": false, "at(tomorrow)": false,
	} {
		m, err := b.create("schedule", "s", scheduleInputs("scheduleExpression", expression))
		if valid != (err == nil) {
			t.Errorf("%s: %v, want valid: %t", expression, err, valid)
		}
		if err == nil {
			b.mustDelete(m)
		}
	}
}

// dataAPI stands for the Data API and remembers what it was asked.
type dataAPI struct {
	asked   []fakeaws.Statement
	refuses int   // so many requests
	fails   error // of the statement that is accepted
}

// throttled is a refusal as the AWS SDK has it.
type throttled struct{}

func (throttled) Error() string     { return "ThrottlingException: Rate exceeded" }
func (throttled) ErrorCode() string { return "ThrottlingException" }

func (d *dataAPI) ExecuteStatement(_ context.Context, s fakeaws.Statement) (func(context.Context) error, error) {
	d.asked = append(d.asked, s)
	if d.refuses > 0 {
		d.refuses--
		return nil, throttled{}
	}
	return func(context.Context) error { return d.fails }, nil
}

// What becomes of a schedule when its time has come.
func TestFire(t *testing.T) {
	const (
		run  = `{"Effect":"Allow","Action":"redshift-data:ExecuteStatement","Resource":"WORKGROUP"}`
		read = `{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"SECRET"}`
		send = `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + failedQueue + `"}`
	)
	all := []string{run, read, send}
	for _, c := range []struct {
		name    string
		may     []string // statements of the role's policy
		api     dataAPI
		in      []any    // changes of the schedule
		want    string   // "" is success
		asked   int      // requests to the Data API
		letters []string // codes and retries of what is in the queue
	}{
		{name: "it runs", may: all, asked: 1},
		{name: "it runs after two refusals", may: all, api: dataAPI{refuses: 2}, asked: 3},
		{
			name: "it is refused more often than it tries", may: all, api: dataAPI{refuses: 3}, asked: 3,
			want:    "firing the schedule refresh: tried 3 times: ThrottlingException: Rate exceeded; the event is in the queue " + failedQueue,
			letters: []string{"ThrottlingException after 2"},
		},
		{
			name: "without retries", may: all, api: dataAPI{refuses: 1}, asked: 1,
			in:   []any{"target", targetInputs("retryPolicy", props{"maximumRetryAttempts": 0})},
			want: "tried 1 times", letters: []string{"ThrottlingException after 0"},
		},
		{name: "the statement fails", may: all, api: dataAPI{fails: errors.New("ERROR: no such view")}, asked: 1, want: "its statement failed, which the scheduler does not see: ERROR: no such view"},
		{name: "a role that may not run statements", may: []string{read, send}, want: "not authorized to perform: redshift-data:ExecuteStatement", letters: []string{"AccessDeniedException after 2"}},
		{name: "a role that may not read the secret", may: []string{run, send}, want: "not authorized to perform: secretsmanager:GetSecretValue", letters: []string{"AccessDeniedException after 2"}},
		{name: "a role that may not fill the queue", may: []string{run, read}, api: dataAPI{refuses: 3}, asked: 3, want: "the event is lost: " + refreshRole + " is not authorized to perform: sqs:SendMessage"},
		{name: "no dead-letter queue", may: all, api: dataAPI{refuses: 3}, asked: 3, in: []any{"target", targetInputs("deadLetterConfig", nil)}, want: "the event is lost: there is no dead-letter queue"},
		{name: "a queue that is not there", may: all, api: dataAPI{refuses: 3}, asked: 3, in: []any{"target", targetInputs("deadLetterConfig", props{"arn": failedQueue + "2"})}, want: "the event is lost: there is no queue " + failedQueue + "2"},
		{name: "switched off", may: all, in: []any{"state", "DISABLED"}, want: "the schedule refresh can't be fired: it is DISABLED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startWith(t, nil, fakeaws.Options{DataAPI: &c.api})
			b.mustCreate("namespace", "n", namespaceInputs())
			group := b.mustCreate("workgroup", "w", workgroupInputs())
			found, err := b.look("aws:secretsmanager/getSecret:getSecret", props{"name": "redshift/admin"})
			if err != nil {
				t.Fatal(err)
			}
			arn := found["arn"].(string)
			b.mustCreate("queue", "q", queueInputs())
			b.mustCreate("role", "r", props{"name": "refresh", "assumeRolePolicy": trustedByUs})
			policy := strings.NewReplacer("WORKGROUP", group.state["arn"].StringValue(), "SECRET", arn).
				Replace(`{"Version":"2012-10-17","Statement":[` + strings.Join(c.may, ",") + `]}`)
			b.mustCreate("role policy", "p", props{"name": "p", "role": "refresh", "policy": policy})
			in := scheduleInputs(c.in...)
			in["target"] = with(in["target"].(props), "input", statementInput("SecretArn", arn))
			b.mustCreate("schedule", "s", in)

			err = b.server.Fire(t.Context(), "refresh")
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
			if len(c.api.asked) != c.asked {
				t.Errorf("the Data API was asked %d times, want %d", len(c.api.asked), c.asked)
			}
			for _, asked := range c.api.asked {
				want := fakeaws.Statement{SQL: refreshOfAll, Workgroup: "ev-dev", Database: "dev", SecretARN: arn, Name: "refresh"}
				if asked != want {
					t.Errorf("the Data API was asked for %+v, want %+v", asked, want)
				}
			}
			letters, err := b.account.Messages("failed")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, letter := range letters {
				got = append(got, fmt.Sprintf("%s after %s", letter.Attributes["ERROR_CODE"], letter.Attributes["RETRY_ATTEMPTS"]))
				if letter.Body != statementInput("SecretArn", arn) || letter.Attributes["SCHEDULE_ARN"] != scheduleARN || letter.Attributes["TARGET_ARN"] != dataAPICall {
					t.Errorf("the event in the queue is %+v", letter)
				}
			}
			if diff := cmp.Diff(c.letters, got); diff != "" {
				t.Errorf("in the queue (-want +got):\n%s", diff)
			}
		})
	}
	b := start(t)
	wantError(t, b.server.Fire(t.Context(), "none"), "there is no schedule none")
	_, err := b.account.Messages("none")
	wantError(t, err, "QueueDoesNotExist")
}

func TestQueue(t *testing.T) {
	b := start(t)
	m := b.mustCreate("queue", "q", with(queueInputs(), "messageRetentionSeconds", 1209600, "sqsManagedSseEnabled", true, "tags", props{"a": "b"}))
	want := props{
		"arn": failedQueue, "url": "https://sqs.us-east-1.amazonaws.com/123456789012/failed", "name": "failed",
		"delaySeconds": 0.0, "maxMessageSize": 262144.0, "messageRetentionSeconds": 1209600.0, "receiveWaitTimeSeconds": 0.0,
		"visibilityTimeoutSeconds": 30.0, "sqsManagedSseEnabled": true, "kmsDataKeyReusePeriodSeconds": 300.0, "tags": props{"a": "b"}, "tagsAll": props{"a": "b"},
	}
	if diff := cmp.Diff(want, shown(m.state)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if changes, _, err := b.diff(m, with(queueInputs(), "tags", props{"a": "b"})); err != nil || !cmp.Equal(changes, map[string]string{"messageRetentionSeconds": "update"}) {
		t.Errorf("the default retention changes %v, %v", changes, err)
	}
	for name, c := range map[string]struct {
		in   props
		want string
	}{
		"a name twice":         {queueInputs(), "QueueAlreadyExists"},
		"a name":               {props{"name": "a.b"}, `invalid value "a.b"`},
		"a retention too long": {with(queueInputs(), "messageRetentionSeconds", 1209601), "range (60 - 1209600), got 1209601"},
		"two encryptions":      {with(queueInputs(), "kmsMasterKeyId", "alias/x", "sqsManagedSseEnabled", true), "conflicts with sqs_managed_sse_enabled"},
		"first in, first out":  {with(queueInputs(), "fifoQueue", true), "does not support the input fifoQueue"},
	} {
		_, err := b.create("queue", "x", c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want in it %s", name, err, c.want)
		}
	}
}

func TestTopic(t *testing.T) {
	b := start(t)
	topic := b.mustCreate("topic", "t", props{"name": "alarms", "tags": props{"a": "b"}})
	arn := "arn:aws:sns:us-east-1:123456789012:alarms"
	if diff := cmp.Diff(props{"arn": arn, "name": "alarms", "owner": "123456789012", "tags": props{"a": "b"}, "tagsAll": props{"a": "b"}}, shown(topic.state)); diff != "" {
		t.Errorf("the topic (-want +got):\n%s", diff)
	}
	in := props{"topic": arn, "protocol": "email", "endpoint": "ops@example.com"}
	subscription := b.mustCreate("subscription", "s", in)
	want := props{
		"arn": string(subscription.id), "ownerId": "123456789012", "topic": arn, "protocol": "email", "endpoint": "ops@example.com",
		"pendingConfirmation": true, "confirmationWasAuthenticated": false,
	}
	if diff := cmp.Diff(want, shown(subscription.state)); diff != "" {
		t.Errorf("the subscription (-want +got):\n%s", diff)
	}
	if changes, _, err := b.diff(subscription, with(in, "endpoint", "other@example.com")); err != nil || !cmp.Equal(changes, map[string]string{"endpoint": "update-replace"}) {
		t.Errorf("another address changes %v, %v; want a replacement", changes, err)
	}
	for name, c := range map[string]struct {
		kind string
		in   props
		want string
	}{
		"a topic's name":       {"topic", props{"name": "a b"}, `invalid value "a b"`},
		"no address":           {"subscription", with(in, "endpoint", "ops"), "InvalidParameter: Invalid parameter: Email address"},
		"no such topic":        {"subscription", with(in, "topic", arn+"2"), "NotFound: Topic does not exist"},
		"a topic by name":      {"subscription", with(in, "topic", "alarms"), "(alarms) is an invalid ARN"},
		"another protocol":     {"subscription", with(in, "protocol", "sms"), "supports only subscriptions by email"},
		"a protocol of no one": {"subscription", with(in, "protocol", "mail"), "got mail"},
		"tags":                 {"subscription", with(in, "tags", props{"a": "b"}), "does not support the input tags"},
	} {
		_, err := b.create(c.kind, "x", c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want in it %s", name, err, c.want)
		}
	}
	b.mustDelete(topic)
	for _, r := range b.account.Resources() {
		if r.Type == types["subscription"] {
			t.Errorf("the subscription %s is left of a deleted topic", r.ID)
		}
	}
}
