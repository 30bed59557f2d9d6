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
	"time"

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

	shard func(entry) string // shardOf unless set

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
	text   []byte // with status: an answer instead of the service's own
	cut    cut
	wait   time.Duration // before the answer, with the records stored
	more   int           // results than there are records
}

// page is what a proxy answers.
var page = []byte("<html><h1>Please try again</h1></html>")

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
	what := e.decide(in.Records)
	if what.cut == unwritten {
		return nil, errors.New("connection refused")
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders() // as net/http does
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	var answer *http.Response
	switch {
	case what.cut == before:
		return nil, io.ErrUnexpectedEOF
	case what.text != nil:
		answer = response(what.status, what.text)
	case what.code != "":
		answer = response(what.status, fmt.Appendf(nil, `{"__type": %q, "message": "because"}`, what.code))
	default:
		answer = e.store(in.Records, what)
	}
	if what.cut == after {
		return nil, io.ErrUnexpectedEOF
	}
	select {
	case <-time.After(what.wait):
		return answer, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

func (e *endpoint) decide(records []entry) (what reply) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.answer != nil {
		what = e.answer(e.requests, records)
	}
	e.requests++
	return what
}

// store stores the records that are not refused, and answers.
func (e *endpoint) store(records []entry, what reply) *http.Response {
	e.mu.Lock()
	defer e.mu.Unlock()
	type result struct{ SequenceNumber, ShardId, ErrorCode, ErrorMessage *string }
	results := make([]result, len(records), len(records)+1)
	size, failed := 0, 0
	for i, r := range records {
		size += len(r.PartitionKey) + len(r.Data)
		if what.refuse != nil {
			if code, message := what.refuse(i, r); code != "" {
				results[i] = result{ErrorCode: &code, ErrorMessage: &message}
				failed++
				continue
			}
		}
		e.stored[string(r.Data)]++
		shard := shardOf
		if e.shard != nil {
			shard = e.shard
		}
		results[i] = result{SequenceNumber: aws.String("1"), ShardId: aws.String(shard(r))}
	}
	e.largest.records = max(e.largest.records, len(records))
	e.largest.bytes = max(e.largest.bytes, size)
	results = results[:len(results)+what.more]
	body, _ := json.Marshal(map[string]any{"Records": results, "FailedRecordCount": failed}) // of strings and numbers: always marshals
	return response(200, body)
}

func response(status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body:   io.NopCloser(bytes.NewReader(body)),
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
