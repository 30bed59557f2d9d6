package fakekinesis

import (
	"context"
	"sync"
	"time"

	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
)

// A Server holds the streams of one account in one region. Its methods may be called
// from several goroutines. All but its URL works whether or not it was started.
type Server struct {
	*awsjson.Service // the network: Start, URL, Close, ServeHTTP, Control, Calls

	region     string
	account    string
	now        func() time.Time
	stateDelay time.Duration
	limits     bool
	discard    bool
	dir        string

	mu      sync.Mutex // guards what follows
	streams map[string]*stream
	serial  uint64 // of the newest stream
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

// New makes a server without streams. Start serves it on a free port of 127.0.0.1.
func New(options ...Option) *Server {
	s := &Server{
		region:  "us-east-1",
		account: "123456789012",
		now:     time.Now,
		streams: map[string]*stream{},
	}
	for _, o := range options {
		o(s)
	}
	s.Service = awsjson.New(awsjson.Config{
		Name:       "kinesis",
		Region:     s.region,
		Operations: s.operations(),
		MaxBody:    maxBody,
		Internal:   InternalFailure,
		Describe:   describe,
		Unchecked:  s.discard, // what measures a producer should not measure the check
	})
	return s
}

const maxBody = 32 << 20 // 10 MiB of keys and data as JSON with base64: 4/3 of it, more for escaped keys

// op makes a handler of an operation's function, which is called with s.mu held.
func op[In any](s *Server, apply func(*In, *Server, time.Time) (any, error)) awsjson.Handler {
	return awsjson.Handle(func(_ context.Context, in *In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return apply(in, s, s.settle())
	})
}

func (s *Server) operations() map[string]awsjson.Handler {
	return map[string]awsjson.Handler{
		"CreateStream":                  op(s, (*createStream).apply),
		"DeleteStream":                  op(s, (*deleteStream).apply),
		"DescribeStream":                op(s, (*describeStream).apply),
		"DescribeStreamSummary":         op(s, (*describeStreamSummary).apply),
		"DescribeLimits":                op(s, (*describeLimits).apply),
		"ListStreams":                   op(s, (*listStreams).apply),
		"UpdateStreamMode":              op(s, (*updateStreamMode).apply),
		"UpdateMaxRecordSize":           op(s, (*updateMaxRecordSize).apply),
		"IncreaseStreamRetentionPeriod": op(s, (*increaseRetention).apply),
		"DecreaseStreamRetentionPeriod": op(s, (*decreaseRetention).apply),
		"StartStreamEncryption":         op(s, (*startEncryption).apply),
		"StopStreamEncryption":          op(s, (*stopEncryption).apply),
		"ListShards":                    op(s, (*listShards).apply),
		"SplitShard":                    op(s, (*splitShard).apply),
		"MergeShards":                   op(s, (*mergeShards).apply),
		"UpdateShardCount":              op(s, (*updateShardCount).apply),
		"AddTagsToStream":               op(s, (*addTags).apply),
		"RemoveTagsFromStream":          op(s, (*removeTags).apply),
		"ListTagsForStream":             op(s, (*listTagsForStream).apply),
		"ListTagsForResource":           op(s, (*listTagsForResource).apply),
		"PutRecord":                     awsjson.Handle(s.putRecord),
		"PutRecords":                    awsjson.Handle(s.putRecords).Scan(s.scanPutRecords),
		"GetShardIterator":              op(s, (*getShardIterator).apply),
		"GetRecords":                    op(s, (*getRecords).apply),
	}
}

// describe tells a fault's control which stream a request is about, and what it writes.
func describe(in any, call *fault.Call) {
	if r, ok := in.(interface{ stream() string }); ok {
		call.Stream = r.stream()
	}
	if w, ok := in.(interface{ entries() []fault.Entry }); ok {
		call.Records = w.entries()
	}
}
