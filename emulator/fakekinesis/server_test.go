package fakekinesis_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"example.com/evstream/emulator/fakekinesis"
)

// A clock stands still until it is told to go on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// start returns a running server, closed with the test.
func start(t testing.TB, options ...fakekinesis.Option) *fakekinesis.Server {
	t.Helper()
	s := fakekinesis.New(options...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client returns an SDK client of s that doesn't retry.
func client(s *fakekinesis.Server) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		BaseEndpoint: aws.String(s.URL()),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   plainBody{awshttp.NewBuildableClient()},
	})
}

// plainBody hides that a request body can write itself. The SDK closes the body as soon
// as the answer begins; if net/http then asks it whether it is at its end, its WriteTo
// says EOF where only nil is right, and net/http drops the connection with the answer
// half read. A server as near as this one is fast enough for that to happen.
type plainBody struct{ client *awshttp.BuildableClient }

func (p plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.client.Do(r)
}

// provisioned makes an ACTIVE stream without a request.
func provisioned(t testing.TB, s *fakekinesis.Server, name string, shards int) {
	t.Helper()
	if _, err := s.CreateStream(fakekinesis.StreamSettings{Name: name, Shards: shards}); err != nil {
		t.Fatal(err)
	}
}

// wantCode fails the test unless err carries the AWS error code, of a request or a method.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var remote smithy.APIError
	var direct *fakekinesis.Error
	switch {
	case errors.As(err, &remote) && remote.ErrorCode() == code:
	case errors.As(err, &direct) && direct.Code == code:
	default:
		t.Errorf("got error %v, want code %s", err, code)
	}
}

func TestWriteAndReadThroughTheSDK(t *testing.T) {
	ctx, c := context.Background(), newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	k := client(s)
	if _, err := k.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("ev"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	put, err := k.PutRecords(ctx, &kinesis.PutRecordsInput{
		StreamName: aws.String("ev"),
		Records: []types.PutRecordsRequestEntry{
			{PartitionKey: aws.String("plain"), Data: []byte(`{"a":1}`)},
			{PartitionKey: aws.String("käse \"\\\n"), Data: []byte{0, 0xff}},
			{PartitionKey: aws.String("empty"), Data: []byte{}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	it, err := k.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: aws.String("ev"), ShardId: put.Records[0].ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(3 * time.Second)
	got, err := k.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ key, data string }{{"plain", `{"a":1}`}, {"käse \"\\\n", "\x00\xff"}, {"empty", ""}}
	if len(got.Records) != len(want) {
		t.Fatalf("got %d records, want %d", len(got.Records), len(want))
	}
	for i, r := range got.Records {
		if *r.PartitionKey != want[i].key || string(r.Data) != want[i].data {
			t.Errorf("record %d is %q=%q, want %q=%q", i, *r.PartitionKey, r.Data, want[i].key, want[i].data)
		}
		if *r.SequenceNumber != *put.Records[i].SequenceNumber {
			t.Errorf("record %d read with number %s, written with %s", i, *r.SequenceNumber, *put.Records[i].SequenceNumber)
		}
		if want := c.Now().Add(-3 * time.Second); !r.ApproximateArrivalTimestamp.Equal(want) {
			t.Errorf("record %d arrived %v, want %v", i, r.ApproximateArrivalTimestamp, want)
		}
	}
	if got.NextShardIterator == nil || *got.MillisBehindLatest != 0 {
		t.Errorf("next iterator %v, behind %d ms; want one, and 0", got.NextShardIterator, *got.MillisBehindLatest)
	}
}

// post sends a request around the SDK and returns how it is answered.
func post(t *testing.T, s *fakekinesis.Server, operation, body string) (status int, code string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var reply struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &reply) // an empty answer has no error
	return w.Code, reply.Type
}

// TestValidation sends requests that the service model forbids. They go around the SDK,
// which would refuse some of them itself.
func TestValidation(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 1)
	if _, err := s.CreateStream(fakekinesis.StreamSettings{Name: "od", Mode: fakekinesis.OnDemand}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateStream(fakekinesis.StreamSettings{Name: "kept", Shards: 1, RetentionHours: 48}); err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:kinesis:us-east-1:123456789012:stream/"
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ operation, body, code string }{
		{"CreateStream", `{"ShardCount":1}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"","ShardCount":1}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"with space","ShardCount":1}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"` + long + `","ShardCount":1}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"new","ShardCount":0}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"new","StreamModeDetails":{"StreamMode":"PROVISIONED"}}`, "InvalidArgumentException"},
		{"CreateStream", `{"StreamName":"new","ShardCount":20001}`, "LimitExceededException"},
		{"CreateStream", `{"StreamName":"new","ShardCount":2,"StreamModeDetails":{"StreamMode":"ON_DEMAND"}}`, "InvalidArgumentException"},
		{"CreateStream", `{"StreamName":"new","StreamModeDetails":{"StreamMode":"SOMETIMES"}}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"new","StreamModeDetails":{}}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"new","ShardCount":1,"MaxRecordSizeInKiB":1000}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"new","ShardCount":1,"Tags":{"aws:x":"y"}}`, "InvalidArgumentException"},
		{"CreateStream", `{"StreamName":"new","ShardCount":1,"WarmThroughputMiBps":100}`, "ValidationException"},
		{"CreateStream", `{"StreamName":"ev","ShardCount":1}`, "ResourceInUseException"},
		{"DeleteStream", `{}`, "InvalidArgumentException"},
		{"DeleteStream", `{"StreamName":"none"}`, "ResourceNotFoundException"},
		{"DescribeStream", `{"StreamName":"ev","Limit":0}`, "ValidationException"},
		{"DescribeStream", `{"StreamName":"ev","StreamARN":"` + arn + `od"}`, "InvalidArgumentException"},
		{"DescribeStream", `{"StreamARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/ev"}`, "ResourceNotFoundException"},
		{"DescribeStream", `{"StreamARN":"arn:aws:s3:::bucket"}`, "ValidationException"},
		{"DescribeStreamSummary", `{"StreamName":"none"}`, "ResourceNotFoundException"},
		{"ListStreams", `{"Limit":10001}`, "ValidationException"},
		{"ListStreams", `{"NextToken":"garbage"}`, "InvalidArgumentException"},
		{"ListShards", `{}`, "InvalidArgumentException"},
		{"ListShards", `{"StreamName":"ev","NextToken":"x"}`, "InvalidArgumentException"},
		{"ListShards", `{"StreamName":"ev","ShardFilter":{"Type":"AT_TIMESTAMP"}}`, "InvalidArgumentException"},
		{"ListShards", `{"StreamName":"ev","ShardFilter":{"Type":"SOME"}}`, "ValidationException"},
		{"UpdateStreamMode", `{"StreamModeDetails":{"StreamMode":"ON_DEMAND"}}`, "ValidationException"},
		{"UpdateStreamMode", `{"StreamARN":"` + arn + `od","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}`, "ValidationException"},
		{"UpdateStreamMode", `{"StreamName":"od","StreamARN":"` + arn + `od","StreamModeDetails":{"StreamMode":"PROVISIONED"}}`, "ValidationException"},
		{"UpdateMaxRecordSize", `{"StreamARN":"` + arn + `ev","MaxRecordSizeInKiB":10241}`, "ValidationException"},
		{"UpdateMaxRecordSize", `{"StreamName":"ev","MaxRecordSizeInKiB":2048}`, "ValidationException"},
		{"IncreaseStreamRetentionPeriod", `{"StreamName":"ev","RetentionPeriodHours":8761}`, "InvalidArgumentException"},
		{"IncreaseStreamRetentionPeriod", `{"StreamName":"kept","RetentionPeriodHours":24}`, "InvalidArgumentException"},
		{"DecreaseStreamRetentionPeriod", `{"StreamName":"ev","RetentionPeriodHours":23}`, "InvalidArgumentException"},
		{"DecreaseStreamRetentionPeriod", `{"StreamName":"ev","RetentionPeriodHours":48}`, "InvalidArgumentException"},
		{"StartStreamEncryption", `{"StreamName":"ev","EncryptionType":"NONE","KeyId":"alias/aws/kinesis"}`, "InvalidArgumentException"},
		{"StartStreamEncryption", `{"StreamName":"ev","EncryptionType":"KMS","KeyId":"my key"}`, "InvalidArgumentException"},
		{"SplitShard", `{"StreamName":"od","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"9"}`, "ValidationException"},
		{"SplitShard", `{"StreamName":"ev","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"1"}`, "InvalidArgumentException"},
		{"SplitShard", `{"StreamName":"ev","ShardToSplit":"shardId-000000000007","NewStartingHashKey":"9"}`, "ResourceNotFoundException"},
		{"SplitShard", `{"StreamName":"ev","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"007"}`, "ValidationException"},
		{"MergeShards", `{"StreamName":"ev","ShardToMerge":"shardId-000000000000","AdjacentShardToMerge":"shardId-000000000000"}`, "InvalidArgumentException"},
		{"UpdateShardCount", `{"StreamName":"ev","TargetShardCount":3,"ScalingType":"UNIFORM_SCALING"}`, "InvalidArgumentException"},
		{"UpdateShardCount", `{"StreamName":"ev","TargetShardCount":2,"ScalingType":"OTHER"}`, "ValidationException"},
		{"UpdateShardCount", `{"StreamName":"od","TargetShardCount":5,"ScalingType":"UNIFORM_SCALING"}`, "ValidationException"},
		{"AddTagsToStream", `{"StreamName":"ev","Tags":{}}`, "ValidationException"},
		{"AddTagsToStream", `{"StreamName":"ev","Tags":{"k":"` + long + `"}}`, "ValidationException"},
		{"AddTagsToStream", `{"StreamName":"ev","Tags":{"k":"a*b"}}`, "InvalidArgumentException"},
		{"ListTagsForStream", `{"StreamName":"ev","Limit":51}`, "ValidationException"},
		{"ListTagsForResource", `{"ResourceARN":"` + arn + `none"}`, "ResourceNotFoundException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk="}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","PartitionKey":"k"}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":""}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":"` + long + `"}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"***","PartitionKey":"k"}`, "SerializationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":"k","ExplicitHashKey":"012"}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":"k","ExplicitHashKey":""}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211456"}`, "InvalidArgumentException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":"k","SequenceNumberForOrdering":"12"}`, "InvalidArgumentException"},
		{"PutRecord", `{"Data":"aGk=","PartitionKey":"k"}`, "InvalidArgumentException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","partitionKey":"k","PartitionKey":"k"}`, "ValidationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aG\n k=","PartitionKey":"k"}`, "SerializationException"},
		{"PutRecord", `{"StreamName":"ev","Data":"aGk=","PartitionKey":"\ud800"}`, "SerializationException"},
		{"PutRecords", `{"StreamName":"ev","Records":[{"Data":"aGk=","partitionkey":"k"}]}`, "ValidationException"},
		{"PutRecords", `{"StreamName":"ev"}`, "ValidationException"},
		{"PutRecords", `{"StreamName":"ev","Records":[]}`, "ValidationException"},
		{"PutRecords", `{"StreamName":"ev","Records":[{"Data":"aGk="}]}`, "ValidationException"},
		{"PutRecords", `{"StreamName":"ev","Records":[{"Data":"aGk","PartitionKey":"k"}]}`, "SerializationException"},
		{"PutRecords", `{"StreamName":"ev","Records":[{"Data":"aGk=","PartitionKey":"k"}],"DryRun":true}`, "ValidationException"},
		{"PutRecords", `{"StreamName":"none","Records":[{"Data":"aGk=","PartitionKey":"k"}]}`, "ResourceNotFoundException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000"}`, "ValidationException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000009","ShardIteratorType":"LATEST"}`, "ResourceNotFoundException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER"}`, "InvalidArgumentException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"0"}`, "InvalidArgumentException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000","ShardIteratorType":"LATEST","StartingSequenceNumber":"0"}`, "InvalidArgumentException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP"}`, "InvalidArgumentException"},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":99999999999}`, "InvalidArgumentException"},
		{"GetRecords", `{}`, "ValidationException"},
		{"GetRecords", `{"ShardIterator":"garbage"}`, "InvalidArgumentException"},
		{"GetRecords", `{"ShardIterator":"garbage","Limit":10001}`, "ValidationException"},
	} {
		name := c.body
		if len(name) > 100 {
			name = name[:100] + "…"
		}
		t.Run(c.operation+" "+name, func(t *testing.T) {
			status, code := post(t, s, c.operation, c.body)
			if status != 400 || code != c.code {
				t.Errorf("got %d %q, want 400 %q", status, code, c.code)
			}
		})
	}
}

func TestBrokenConstraintsAreNamedTogether(t *testing.T) {
	s := start(t)
	_, err := client(s).PutRecords(context.Background(), &kinesis.PutRecordsInput{
		StreamName: aws.String("no such name"),
		Records:    []types.PutRecordsRequestEntry{{PartitionKey: aws.String(""), Data: []byte("x")}},
	})
	wantCode(t, err, "ValidationException")
	want := "2 validation errors detected: " +
		"Value '' at 'records.1.member.partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
		"Value 'no such name' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant … %s", err, want)
	}
}

func TestServersShareNothing(t *testing.T) {
	var servers []*fakekinesis.Server
	for range 10 {
		servers = append(servers, start(t))
	}
	provisioned(t, servers[0], "ev", 1)
	for i, s := range servers {
		got, err := client(s).ListStreams(context.Background(), &kinesis.ListStreamsInput{})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 1, false: 0}[i == 0]; len(got.StreamNames) != want {
			t.Errorf("server %d has streams %v, want %d", i, got.StreamNames, want)
		}
	}
}
