package fakekinesis_test

import (
	"context"
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

// A clock stands still until a test advances it.
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

// serve answers a request without a connection.
func serve(s *fakekinesis.Server, operation, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header["X-Amz-Target"] = []string{"Kinesis_20131202." + operation}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
