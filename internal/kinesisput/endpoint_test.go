package kinesisput_test

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/internal/kinesisput"
)

// endpoint is a Kinesis endpoint without a network: the HTTP client of an SDK
// client. It keeps what it is sent.
type endpoint struct {
	t *testing.T

	// answer, if set, decides about the n-th request (from 0) with its records.
	// The zero reply takes them all. It is called by one goroutine at a time.
	answer func(n int, records []entry) reply

	mu       sync.Mutex
	requests int
	stored   map[string]int // how many times each data was stored
	largest  struct{ records, bytes int }
}

type entry struct {
	PartitionKey string
	Data         []byte
}

// reply is what happens to a request.
type reply struct {
	refuse func(i int, r entry) (code, message string) // "" takes the record
	status int                                         // with code: an error instead of results
	code   string
	cut    cut
}

type cut int

const (
	uncut     cut = iota
	unwritten     // the connection could not be made
	before        // the connection broke before the records were stored
	after         // the connection broke after they were stored
)

func newEndpoint(t *testing.T) *endpoint { return &endpoint{t: t, stored: map[string]int{}} }

func (e *endpoint) client() *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://127.0.0.1"),
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		HTTPClient:   e,
	})
}

func (e *endpoint) Do(req *http.Request) (*http.Response, error) {
	if _, ok := req.Body.(io.WriterTo); ok {
		e.t.Error("the request's body has WriteTo, with which net/http may lose the answer")
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		e.t.Errorf("read the request: %v", err)
	}
	var in struct {
		StreamName string
		Records    []entry
	}
	if err := json.Unmarshal(body, &in); err != nil || in.StreamName != "ev" {
		e.t.Errorf("request for stream %q: %v", in.StreamName, err)
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	var what reply
	if e.answer != nil {
		what = e.answer(e.requests, in.Records)
	}
	e.requests++
	if what.cut == unwritten {
		return nil, errors.New("connection refused")
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders() // as net/http does
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if what.cut == before {
		return nil, io.ErrUnexpectedEOF
	}
	if what.code != "" {
		return response(what.status, map[string]string{"__type": what.code, "message": "because"}), nil
	}

	type result struct{ SequenceNumber, ShardId, ErrorCode, ErrorMessage *string }
	results := make([]result, len(in.Records))
	size, failed := 0, 0
	for i, r := range in.Records {
		size += len(r.PartitionKey) + len(r.Data)
		if what.refuse != nil {
			if code, message := what.refuse(i, r); code != "" {
				results[i] = result{ErrorCode: &code, ErrorMessage: &message}
				failed++
				continue
			}
		}
		e.stored[string(r.Data)]++
		results[i] = result{SequenceNumber: aws.String("1"), ShardId: aws.String(shardOf(r))}
	}
	e.largest.records = max(e.largest.records, len(in.Records))
	e.largest.bytes = max(e.largest.bytes, size)
	if what.cut == after {
		return nil, io.ErrUnexpectedEOF
	}
	return response(200, map[string]any{"Records": results, "FailedRecordCount": failed}), nil
}

func response(status int, body any) *http.Response {
	b, _ := json.Marshal(body) // of strings and numbers: always marshals
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body:   io.NopCloser(bytes.NewReader(b)),
	}
}

// The endpoint has two shards, each with one half of the hash space.
const (
	left  = "shardId-000000000000"
	right = "shardId-000000000001"

	leftKey  = "a" // MD5 0cc1…
	rightKey = "b" // MD5 92eb…
)

func shardOf(r entry) string {
	if sum := md5.Sum([]byte(r.PartitionKey)); sum[0] < 0x80 {
		return left
	}
	return right
}

// copies returns how many records are stored, and how many of them more than once.
func (e *endpoint) copies() (all, extra int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.stored {
		all += n
		extra += n - 1
	}
	return all, extra
}

// failures collects what a writer gives up.
type failures struct {
	mu   sync.Mutex
	list []kinesisput.Failure
}

func (f *failures) add(failure kinesisput.Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, failure)
}

// put gives n records to w, a different data each, under keys in turn.
func put(t *testing.T, w *kinesisput.Writer, n int, keys ...string) {
	t.Helper()
	for i := range n {
		r := kinesisput.Record{PartitionKey: keys[i%len(keys)], Data: fmt.Appendf(nil, "record %d of %s", i, t.Name())}
		if err := w.Put(t.Context(), r); err != nil {
			t.Fatalf("put record %d: %v", i, err)
		}
	}
}

// settled closes w and checks that every record is accounted for.
func settled(t *testing.T, w *kinesisput.Writer, f *failures) kinesisput.Stats {
	t.Helper()
	if err := w.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	s := w.Stats()
	if s.Delivered+s.Failed != s.Accepted {
		t.Errorf("%d delivered + %d failed is not %d accepted", s.Delivered, s.Failed, s.Accepted)
	}
	if int64(len(f.list)) != s.Failed {
		t.Errorf("%d failures reported, %d counted", len(f.list), s.Failed)
	}
	return s
}
