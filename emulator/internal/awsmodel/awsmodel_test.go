package awsmodel_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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
		{"kinesis", "PutRecords", key(257), ".Records[0].PartitionKey has 257 of 1 to 256"}, // characters, not bytes
		{"kinesis", "PutRecords", `{"Records":[]}`, ".Records has 0 of 1 to 500"},
		{"kinesis", "PutRecords", `{"Records":{}}`, ".Records is map[string]interface {}, not a list"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"eA=="}`, ""},
		{"kinesis", "PutRecord", `{"PartitionKey":"a"}`, ".Data is missing"},
		{"kinesis", "PutRecord", `{"partitionKey":"a","PartitionKey":"a","Data":""}`, "has no member partitionKey"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"eB=="}`, ".Data is no base64"},
		{"kinesis", "PutRecord", `{"PartitionKey":"a","Data":"","ExplicitHashKey":"01"}`, "which does not match"},
		{"kinesis", "PutRecord", `{"PartitionKey":1,"Data":""}`, ".PartitionKey is float64, not a string"},
		{"kinesis", "UpdateStreamMode", `{"StreamName":"ev","StreamARN":"arn:aws:kinesis:us-east-1:123456789012:stream/ev","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}`, "has no member StreamName"},
		{"kinesis", "CreateStream", `{"StreamName":"ev","StreamModeDetails":{"StreamMode":"SOMETIMES"}}`, `"SOMETIMES", not one of PROVISIONED, ON_DEMAND`},
		{"kinesis", "CreateStream", `{"StreamName":"ev","ShardCount":1.5}`, ".ShardCount is 1.5, not a whole number"},
		{"kinesis", "AddTagsToStream", `{"StreamName":"ev","Tags":{"":"x"}}`, ".Tags key has 0 of 1 to 128"},
		{"kinesis", "GetShardIterator", `{"StreamName":"ev","ShardId":"s","ShardIteratorType":"AT_TIMESTAMP","Timestamp":"now"}`, ".Timestamp is now, not a time"},
		{"kinesis", "DeleteStream", `{"EnforceConsumerDeletion":"yes"}`, ".EnforceConsumerDeletion is string, not a boolean"},
		{"kinesis", "RegisterStreamConsumer", `{}`, "no operation"},
		{"redshift-data", "ExecuteStatement", `{"Sql":"SELECT 1","WorkgroupName":"ev-dev","ClientToken":"` + strings.Repeat("é", 64) + `"}`, ""},
		{"redshift-data", "ExecuteStatement", `{"Sql":"SELECT 1","WorkgroupName":"EV"}`, "which does not match"},
		{"redshift-data", "ListStatements", `{"Status":"DONE"}`, "not one of"},
		{"redshift-serverless", "ListSnapshots", `{"maxResults":101}`, ".maxResults has 101 of 1 to 100"},
	} {
		err := of(t, c.service).Request(c.operation, []byte(c.body))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %.100s\nerror %v, want %q", c.operation, c.body, err, c.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ service, operation, body, want string }{
		{"kinesis", "CreateStream", ``, ""},
		{"kinesis", "CreateStream", `{}`, "it has no answer"},
		{"redshift-data", "GetStatementResult", `{"Records":[[{"longValue":1}]]}`, ""},
		{"redshift-data", "GetStatementResult", `{"Records":[[{"longValue":1,"stringValue":"1"}]]}`, "2 members of a union"},
		{"redshift-data", "DescribeStatement", `{"Id":"00000000-0000-4000-8000-000000000001","CreatedAt":"2026-03-01T12:00:00Z"}`, ".CreatedAt is 2026-03-01T12:00:00Z, not a time"},
		{"redshift-serverless", "GetSnapshot", `{"snapshot":{"snapshotCreateTime":"2026-03-01T12:00:00Z"}}`, ""},
		{"redshift-serverless", "GetSnapshot", `{"snapshot":{"snapshotCreateTime":1772366400}}`, "not a time"},
	} {
		err := of(t, c.service).Answer(c.operation, []byte(c.body))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %.100s\nerror %v, want %q", c.operation, c.body, err, c.want)
		}
	}
}

// What a handler accepts and what it answers is reported; what it refuses may break the
// model.
func TestChecked(t *testing.T) {
	for _, c := range []struct {
		name, operation, request string
		status                   int
		answer                   string
		reported                 int
	}{
		{"all is well", "DeleteStream", `{"StreamName":"ev"}`, 200, ``, 0},
		{"an accepted request that breaks the model", "DeleteStream", `{"StreamName":"e v"}`, 200, ``, 1},
		{"a refused one", "DeleteStream", `{"StreamName":"e v"}`, 400, `{"__type":"ValidationException"}`, 0},
		{"an answer that breaks it", "DescribeLimits", `{}`, 200, `{"ShardLimit":"many"}`, 1},
		{"an error of another operation", "DescribeLimits", `{}`, 400, `{"__type":"ExpiredIteratorException"}`, 1},
		{"an operation that it lacks", "SubscribeToShard", `{}`, 200, ``, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			reported := 0
			h := of(t, "kinesis").Checked(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.answer)
			}), func(problem string) {
				reported++
				t.Log(problem)
			})
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.request))
			r.Header.Set("X-Amz-Target", "Kinesis_20131202."+c.operation)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if reported != c.reported || w.Code != c.status || w.Body.String() != c.answer {
				t.Errorf("%d problems, want %d; answer %d %s", reported, c.reported, w.Code, w.Body)
			}
		})
	}
}
