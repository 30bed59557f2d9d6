package awsmodel_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/evstream/emulator/internal/awsmodel"
)

func of(t *testing.T, service string) *awsmodel.Service {
	t.Helper()
	s, err := awsmodel.Of(service)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRequests(t *testing.T) {
	key := func(n int) string {
		return `{"Records":[{"PartitionKey":"` + strings.Repeat("ü", n) + `","Data":""}]}`
	}
	for _, c := range []struct {
		service, operation, body string
		want                     string // in the error; "" is none
	}{
		{"kinesis", "PutRecords", key(256), ""},
		{"kinesis", "PutRecords", key(257), "at 'records.1.member.partitionKey' failed to satisfy constraint: Member must have length less than or equal to 256"}, // characters, not bytes
		{"kinesis", "PutRecords", `{"Records":[]}`, "Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"kinesis", "PutRecords", `{"Records":{}}`, "records is not a list"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"eA=="}`, ""},
		{"kinesis", "PutRecord", `{"PartitionKey":"a"}`, "Value null at 'data' failed to satisfy constraint: Member must not be null"},
		{"kinesis", "PutRecord", `{"partitionKey":"a","PartitionKey":"a","Data":""}`, "partitionKey is not a member"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"eB=="}`, "data is not base64"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"","ExplicitHashKey":"01"}`, `Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})`},
		{"kinesis", "PutRecord", `{"PartitionKey":1,"Data":""}`, "partitionKey is not a string: 1"},
		{"kinesis", "UpdateStreamMode", `{"StreamName":"ev","StreamARN":"arn:aws:kinesis:us-east-1:123456789012:stream/ev","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}`, "StreamName is not a member"},
		{"kinesis", "CreateStream", `{"StreamName":"ev","StreamModeDetails":{"StreamMode":"SOMETIMES"}}`, "at 'streamModeDetails.streamMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]"},
		{"kinesis", "CreateStream", `{"StreamName":"ev","ShardCount":1.5}`, "shardCount is not a whole number"},
		{"kinesis", "AddTagsToStream", `{"StreamName":"ev","Tags":{"":"x"}}`, "Value '{=x}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, "},
		{"kinesis", "GetShardIterator", `{"StreamName":"ev","ShardId":"s","ShardIteratorType":"AT_TIMESTAMP","Timestamp":"now"}`, "timestamp is not a time: now"},
		{"kinesis", "DeleteStream", `{"EnforceConsumerDeletion":"yes"}`, "enforceConsumerDeletion is not a boolean: yes"},
		{"kinesis", "RemoveTagsFromStream", `{"StreamName":"ev","TagKeys":["a",""]}`, "Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length"},
		{"secretsmanager", "CreateSecret", `{"Name":"s","ClientRequestToken":"00000000-0000-4000-8000-000000000001","SecretString":""}`, "Value at 'secretString' failed"}, // not the value
		{"kinesis", "PutRecord", `{"PartitionKey":"\ud800","Data":""}`, "is no JSON"},
		{"kinesis", "RemoveTagsFromStream", `{"StreamName":"ev","TagKeys":["a",1]}`, "tagKeys.2.member is not a string: 1"},
		{"kinesis", "RemoveTagsFromStream", `{"StreamName":"ev","TagKeys":["a",null]}`, "tagKeys.2.member is null"},
		{"kinesis", "AddTagsToStream", `{"StreamName":"ev","Tags":["a"]}`, "tags is not a map"},
		{"kinesis", "AddTagsToStream", `{"StreamName":"ev","Tags":{"a":1}}`, "tags.a is not a string: 1"},
		{"kinesis", "CreateStream", `{"StreamName":"ev","StreamModeDetails":"ON_DEMAND"}`, "streamModeDetails is not a structure"},
		{"kinesis", "CreateStream", `{"StreamName":"ev","ShardCount":4294967296}`, "shardCount is not a whole number of its size"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":1}`, "data is not a string of base64: 1"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"eA==\n"}`, "it has a line break"},
		{"kinesis", "RegisterStreamConsumer", `{}`, "no operation"},
		{"redshift-data", "ExecuteStatement", `{"Sql":"SELECT 1","WorkgroupName":"ev-dev","ClientToken":"` + strings.Repeat("é", 64) + `"}`, ""},
		{"redshift-data", "ExecuteStatement", `{"Sql":"SELECT 1","WorkgroupName":"EV"}`, "Member must satisfy regular expression pattern: .*((^[a-z0-9-]{3,63}$)"},
		{"redshift-data", "ListStatements", `{"Status":"DONE"}`, "enum value set: [SUBMITTED, "},
		{"redshift-serverless", "ListSnapshots", `{"maxResults":101}`, "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"},
	} {
		got := fmt.Sprint(of(t, c.service).Request(c.operation, []byte(c.body)))
		if c.want == "" && got != "[]" || !strings.Contains(got, c.want) {
			t.Errorf("%s %.100s\nproblems %s, want %q", c.operation, c.body, got, c.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ service, operation, body, want string }{
		{"kinesis", "CreateStream", ``, ""},
		{"kinesis", "CreateStream", `{}`, "has no answer"},
		{"redshift-data", "GetStatementResult", `{"Records":[[{"longValue":1}]]}`, ""},
		{"redshift-data", "GetStatementResult", `{"Records":[[{"longValue":1,"stringValue":"1"}]]}`, "2 members of a union"},
		{"redshift-data", "DescribeStatement", `{"Id":"00000000-0000-4000-8000-000000000001","CreatedAt":"2026-03-01T12:00:00Z"}`, "createdAt is not a time: 2026-03-01T12:00:00Z"},
		{"redshift-serverless", "GetSnapshot", `{"snapshot":{"snapshotCreateTime":"2026-03-01T12:00:00Z"}}`, ""},
		{"redshift-serverless", "GetSnapshot", `{"snapshot":{"snapshotCreateTime":1772366400}}`, "not a time"},
	} {
		got := fmt.Sprint(of(t, c.service).Answer(c.operation, []byte(c.body)))
		if c.want == "" && got != "[]" || !strings.Contains(got, c.want) {
			t.Errorf("%s %.100s\nproblems %s, want %q", c.operation, c.body, got, c.want)
		}
	}
}

// TestMessage: one text names all that is wrong, a value that must not be shown and a long one
// not in full.
func TestMessage(t *testing.T) {
	kinesis := of(t, "kinesis")
	problems := kinesis.Request("CreateStream", []byte(`{"ShardCount":0,"Tags":{"k":"`+strings.Repeat("x", 20000)+`"}}`))
	got := awsmodel.Message(problems)
	for _, want := range []string{
		"3 validation errors detected: Value null at 'streamName' failed", "; Value '0' at 'shardCount' failed",
		"…' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%.300s … %s\ndoes not say %q", got, got[max(0, len(got)-300):], want)
		}
	}
	broken := kinesis.Request("DescribeStream", []byte(`{"StreamName":"a b"}`))
	if len(broken) != 1 || broken[0].Pattern() != "[a-zA-Z0-9_.-]+" || problems[0].Pattern() != "" {
		t.Errorf("the pattern of %v is %q", broken, broken[0].Pattern())
	}
}

func TestFits(t *testing.T) {
	kinesis := of(t, "kinesis")
	for value, want := range map[string]bool{"ev": true, "": false, "e v": false} {
		if got := kinesis.Fits("StreamName", value); got != want {
			t.Errorf("%q fits the name of a stream: %v", value, got)
		}
	}
	if _, err := awsmodel.Of("sqs"); err == nil {
		t.Error("there is a model of a service that is not served")
	}
}
