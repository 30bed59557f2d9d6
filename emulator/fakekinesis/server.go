package fakekinesis

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/evstream/emulator/internal/awsdoor"
)

// A Server holds the streams of one account in one region. Its methods may be called
// from several goroutines. The direct door works whether or not it was started.
type Server struct {
	region     string
	account    string
	now        func() time.Time
	stateDelay time.Duration
	limits     bool
	discard    bool
	dir        string

	operations map[string]func(body []byte) (input, error)
	buffers    sync.Pool // of *[]byte, for request and response bodies
	requests   atomic.Uint64

	controlMu sync.Mutex
	controls  []*control

	mu      sync.Mutex // guards what follows
	streams map[string]*stream
	serial  uint64 // of the newest stream
	calls   map[string]int

	door awsdoor.Door
}

// An Option changes how a Server behaves.
type Option func(*Server)

// WithRegion sets the region, us-east-1 unless given. Requests signed for another one
// are refused, as they would not reach this one's endpoint.
func WithRegion(region string) Option { return func(s *Server) { s.region = region } }

// WithAccount sets the twelve-digit account number, 123456789012 unless given.
func WithAccount(id string) Option { return func(s *Server) { s.account = id } }

// WithClock sets the clock, time.Now unless given. It must be safe for concurrent use.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithStateDelay sets how long, by the clock, a stream stays CREATING, UPDATING or
// DELETING. Unless given the next request finds the work done.
func WithStateDelay(d time.Duration) Option { return func(s *Server) { s.stateDelay = d } }

// WithShardLimits enforces the throughput of a shard, by the clock: 1,000 records and
// 1 MiB written, 5 GetRecords calls and 2 MiB read per second. Unless given there is
// no such limit.
func WithShardLimits() Option { return func(s *Server) { s.limits = true } }

// WithDiscard makes the server accept, check and count records, and forget them. It is
// for measuring producers.
func WithDiscard() Option { return func(s *Server) { s.discard = true } }

// WithDir sets the folder for the files that records are kept in, the system's for
// temporary files unless given. The files have no names there.
func WithDir(dir string) Option { return func(s *Server) { s.dir = dir } }

// New makes a server without streams. [Server.Start] opens its network door.
func New(options ...Option) *Server {
	s := &Server{
		region:     "us-east-1",
		account:    "123456789012",
		now:        time.Now,
		operations: operations(),
		streams:    map[string]*stream{},
		calls:      map[string]int{},
	}
	s.buffers.New = func() any { return new([]byte) }
	for _, o := range options {
		o(s)
	}
	return s
}

// Start opens the network door on a free port of 127.0.0.1.
func (s *Server) Start() error {
	service := "kinesis"
	if s.discard {
		service = "" // what measures a producer should not measure the check
	}
	if err := s.door.Open(service, s); err != nil {
		return fmt.Errorf("fakekinesis: %w", err)
	}
	return nil
}

// URL is the endpoint of the network door, without a trailing slash; "" before Start.
func (s *Server) URL() string { return s.door.URL() }

// Close closes the network door and its connections. Streams stay readable through the
// direct door.
func (s *Server) Close() error { return s.door.Close() }

// An input is a decoded request.
type input interface {
	check(*checks) // constraints of the service model
	stream() string
	// apply does the work with s.mu held. A nil reply is an empty body.
	apply(s *Server, now time.Time) (reply any, err error)
}

// A writer is an input that writes records.
type writer interface {
	entries() []Entry
	refuse(map[int]string)
}

// An appender writes its own JSON: the replies that carry records.
type appender interface{ appendJSON([]byte) []byte }

// operations lists what the network door understands.
func operations() map[string]func([]byte) (input, error) {
	return map[string]func([]byte) (input, error){
		"CreateStream":                  parse[createStream],
		"DeleteStream":                  parse[deleteStream],
		"DescribeStream":                parse[describeStream],
		"DescribeStreamSummary":         parse[describeStreamSummary],
		"DescribeLimits":                parse[describeLimits],
		"ListStreams":                   parse[listStreams],
		"UpdateStreamMode":              parse[updateStreamMode],
		"UpdateMaxRecordSize":           parse[updateMaxRecordSize],
		"IncreaseStreamRetentionPeriod": parse[increaseRetention],
		"DecreaseStreamRetentionPeriod": parse[decreaseRetention],
		"StartStreamEncryption":         parse[startEncryption],
		"StopStreamEncryption":          parse[stopEncryption],
		"ListShards":                    parse[listShards],
		"SplitShard":                    parse[splitShard],
		"MergeShards":                   parse[mergeShards],
		"UpdateShardCount":              parse[updateShardCount],
		"AddTagsToStream":               parse[addTags],
		"RemoveTagsFromStream":          parse[removeTags],
		"ListTagsForStream":             parse[listTagsForStream],
		"ListTagsForResource":           parse[listTagsForResource],
		"PutRecord":                     parsePutRecord,
		"PutRecords":                    parsePutRecords,
		"GetShardIterator":              parse[getShardIterator],
		"GetRecords":                    parse[getRecords],
	}
}

func parse[T any, P interface {
	*T
	input
}](body []byte) (input, error) {
	in := P(new(T))
	if err := decode(body, in); err != nil {
		return nil, err
	}
	return in, nil
}

const (
	contentType = "application/x-amz-json-1.1"
	target      = "Kinesis_20131202."

	// A request may carry 10 MiB of keys and data. As JSON with base64 that is at
	// most 4/3 of it, more for escaped keys; beyond this it can only be too long.
	maxBody = 32 << 20
)

// ServeHTTP is the network door.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !awsdoor.Direct(r) {
		http.Error(w, "fakekinesis answers only direct requests to its loopback address", http.StatusForbidden)
		return
	}
	requestID := fmt.Sprintf("00000000-0000-0000-0000-%012d", s.requests.Add(1))
	w.Header().Set("x-amzn-RequestId", requestID)
	w.Header().Set("Content-Type", contentType)

	out := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(out)
	reply, err := s.serve(r)
	if err == nil {
		*out, err = appendReply((*out)[:0], reply)
	}
	status := http.StatusOK
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Status: http.StatusInternalServerError, Code: InternalFailure, Message: err.Error()}
		}
		status = e.status()
		*out, _ = json.Marshal(map[string]string{"__type": e.Code, "message": e.Message}) // strings always marshal
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(*out)))
	w.WriteHeader(status)
	_, _ = w.Write(*out) // a client that went away is no concern of ours
}

func appendReply(b []byte, reply any) ([]byte, error) {
	switch reply := reply.(type) {
	case nil:
		return b, nil
	case appender:
		return reply.appendJSON(b), nil
	default:
		j, err := json.Marshal(reply)
		return append(b, j...), err
	}
}

// serve answers one request. It panics with http.ErrAbortHandler to cut the connection.
func (s *Server) serve(r *http.Request) (any, error) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	parse := s.operations[operation]
	if r.Method != http.MethodPost || r.URL.Path != "/" || !ok || parse == nil {
		return nil, errorf("UnknownOperationException",
			"fakekinesis does not support %s %s with target %q", r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))
	}
	if got := r.Header.Get("Content-Type"); got != contentType {
		return nil, errorf("SerializationException",
			"fakekinesis reads %s, not %q; switch CBOR off in the SDK", contentType, got)
	}
	if code, message := awsdoor.CheckSigner(r.Header.Get("Authorization"), s.region, "kinesis"); code != "" {
		return nil, errorf(code, "%s", message)
	}

	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	body, err := readBody((*buffer)[:0], r)
	*buffer = body
	if err != nil {
		return nil, err
	}
	in, err := parse(body)
	if err != nil {
		return nil, err
	}
	var c checks
	in.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}

	f := s.fault(operation, in, body)
	f.wait(r.Context())
	switch {
	case f.CutBefore:
		panic(http.ErrAbortHandler)
	case f.Err != nil:
		return nil, f.Err
	}
	if w, ok := in.(writer); ok && f.Refuse != nil {
		w.refuse(f.Refuse)
	}
	reply, err := s.apply(operation, in)
	if f.CutAfter {
		panic(http.ErrAbortHandler)
	}
	return reply, err
}

func (s *Server) apply(operation string, in input) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
	return in.apply(s, s.settle())
}

// Calls counts the requests of the network door that reached operation, refused by it
// or not. Those that a control answered or cut before don't count.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// readBody appends the request body to b, whose room is used again.
func readBody(b []byte, r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		return b, &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
			Message: fmt.Sprintf("request bodies have a stated length of at most %d bytes", maxBody)}
	}
	if n := int(r.ContentLength); cap(b) < n {
		b = make([]byte, n)
	} else {
		b = b[:n]
	}
	if _, err := io.ReadFull(r.Body, b); err != nil {
		return b, errorf("SerializationException", "request body ended early: %v", err)
	}
	return b, nil
}
