package kinesisput_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/internal/kinesisput"
)

// FuzzAnswer: whatever the service answers to the first requests, each record ends as
// delivered or failed, and the writer ends.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"},{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded for shard shardId-000000000001 in stream ev"},{"ErrorCode":"InternalFailure"}],"FailedRecordCount":2}`},
		{200, `{"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"shardId-"},{"ErrorCode":""},{}]}`},
		{200, `{"Records":[]}`},
		{200, `{"Records":[null,null,null]}`},
		{200, ``},
		{200, `<html>`},
		{204, ``},
		{400, `{"__type":"ValidationException","message":"1 validation error detected"}`},
		{400, `{"__type":"com.amazonaws.kinesis#LimitExceededException"}`},
		{400, `{"__type":"ExpiredTokenException"}`},
		{413, ``},
		{429, `Too many`},
		{500, `{"__type":"InternalFailure"}`},
		{503, "\x00"},
		{301, ``},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return // no HTTP client gives these
		}
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint(t)
			client := kinesis.New(kinesis.Options{
				Region:       "us-east-1",
				BaseEndpoint: aws.String("http://127.0.0.1"),
				Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
				HTTPClient:   &odd{endpoint: e, status: status, body: body},
			})
			failed := &failures{}
			w, err := kinesisput.New(client, kinesisput.Config{Stream: "ev", InFlight: 1, MaxAttempts: 5, RetryFor: time.Minute, OnFailure: failed.add})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{leftKey, rightKey, "c"} {
				if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: key, Data: []byte(key)}); err != nil {
					t.Fatal(err)
				}
			}
			_ = w.Close(t.Context()) // it may have stopped before
			if s := w.Stats(); s.Accepted != 3 || s.Delivered+s.Failed != 3 || int64(len(failed.list)) != s.Failed {
				t.Errorf("%+v, %d failures reported", s, len(failed.list))
			}
		})
	})
}

// odd answers the first three requests with a fixed answer, the rest as the endpoint does.
type odd struct {
	*endpoint
	status int
	body   []byte
	n      int
}

func (o *odd) Do(r *http.Request) (*http.Response, error) {
	if o.n++; o.n > 3 {
		return o.endpoint.Do(r)
	}
	return &http.Response{
		StatusCode: o.status, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body:   io.NopCloser(bytes.NewReader(o.body)),
	}, nil
}
