package fakedataapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/internal/awsdoor"
	"example.com/evstream/emulator/warehouse"
)

// Secrets gives the text of a secret, or an error when there is none of that name or ARN.
type Secrets func(nameOrARN string) (string, error)

// A Server is the Data API of one account in one region. Its methods may be called from
// several goroutines.
type Server struct {
	warehouse *warehouse.Warehouse
	secrets   Secrets
	region    string
	now       func() time.Time
	pageRows  int
	limits    bool
	readings  doubt.Readings // checked by Start

	operations map[string]operation
	requests   atomic.Uint64

	controlMu sync.Mutex
	controls  []*control

	mu         sync.Mutex // guards what follows
	statements map[string]*statement
	order      []*statement // by time of submission
	sessions   map[string]*session
	reclaimed  map[string]bool // ids of sessions that are gone
	tokens     map[string]token
	calls      map[string]int
	rates      map[string]rate
	serial     int

	running sync.WaitGroup
	ctx     context.Context // of all running statements
	cancel  context.CancelFunc

	door awsdoor.Door
}

// An Option changes how a Server behaves.
type Option func(*Server)

// WithRegion sets the region, us-east-1 unless given. Requests signed for another one
// are refused, as they would not reach this one's endpoint.
func WithRegion(region string) Option { return func(s *Server) { s.region = region } }

// WithClock sets the clock, time.Now unless given. It must be safe for concurrent use.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithPageRows sets how many rows a page of a result has, 1,000 unless given.
func WithPageRows(n int) Option { return func(s *Server) { s.pageRows = n } }

// WithRateLimits enforces the documented calls per second of each operation, by the
// clock. Unless given there is no such limit.
func WithRateLimits() Option { return func(s *Server) { s.limits = true } }

// New makes a server in front of w. [Server.Start] opens its network door.
func New(w *warehouse.Warehouse, secrets Secrets, options ...Option) *Server {
	s := &Server{
		warehouse:  w,
		secrets:    secrets,
		region:     "us-east-1",
		now:        time.Now,
		pageRows:   1000,
		statements: make(map[string]*statement),
		sessions:   make(map[string]*session),
		reclaimed:  make(map[string]bool),
		tokens:     make(map[string]token),
		calls:      make(map[string]int),
		rates:      make(map[string]rate),
	}
	s.operations = map[string]operation{
		"ExecuteStatement":      {30, decodeInto[executeStatement]},
		"BatchExecuteStatement": {20, decodeInto[batchExecuteStatement]},
		"DescribeStatement":     {100, decodeInto[describeStatement]},
		"GetStatementResult":    {20, decodeInto[getStatementResult]},
		"CancelStatement":       {3, decodeInto[cancelStatement]},
		"ListStatements":        {3, decodeInto[listStatements]},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, o := range options {
		o(s)
	}
	return s
}

// Start opens the network door on a free port of 127.0.0.1.
func (s *Server) Start() error {
	if err := Doubts().Check(s.readings); err != nil {
		return fmt.Errorf("fakedataapi: %w", err)
	}
	if err := s.door.Open("redshift-data", s); err != nil {
		return fmt.Errorf("fakedataapi: %w", err)
	}
	return nil
}

// URL is the endpoint of the network door, without a trailing slash; "" before Start.
func (s *Server) URL() string { return s.door.URL() }

// Close closes the network door, stops what still runs and ends all sessions.
func (s *Server) Close() error {
	err := s.door.Close()
	s.cancel()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, ses := range s.sessions {
		err = errors.Join(err, ses.close())
		delete(s.sessions, id)
	}
	return err
}

// Calls counts the requests of the network door that reached operation, refused by it or
// not. Those that a control answered or cut before don't count.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// An operation is one of the service's, with its documented calls per second:
// https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
type operation struct {
	perSecond int
	decode    func([]byte) (input, error)
}

// An input is a decoded request.
type input interface {
	check(*checks) // constraints of the service model
	// names gives the statement that the request names, or the SQL that it starts.
	names() (id string, sql []string)
	// apply does the work with s.mu held, at the time now.
	apply(s *Server, now time.Time, f Fault) (reply any, err error)
}

func decodeInto[T any, P interface {
	*T
	input
}](body []byte) (input, error) {
	in := P(new(T))
	// Names count as they are written. The service ignores a member that it does not
	// know; here it is more likely one that a caller relies on and the stand-in lacks.
	if err := jsonv2.Unmarshal(body, in, jsonv2.RejectUnknownMembers(true)); err != nil {
		return nil, &Error{Code: "SerializationException", Message: "the stand-in can't read the request: " + err.Error()}
	}
	return in, nil
}

const (
	contentType = "application/x-amz-json-1.1"
	target      = "RedshiftData."
	maxBody     = 16 << 20 // 40 statements of 200 KB, escaped
)

// ServeHTTP is the network door.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !awsdoor.Direct(r) {
		http.Error(w, "fakedataapi answers only direct requests to its loopback address", http.StatusForbidden)
		return
	}
	w.Header().Set("x-amzn-RequestId", fmt.Sprintf("00000000-0000-0000-0000-%012d", s.requests.Add(1)))
	w.Header().Set("Content-Type", contentType)
	reply, err := s.serve(r)
	var out []byte
	if err == nil {
		out, err = json.Marshal(reply)
	}
	status := http.StatusOK
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Status: http.StatusInternalServerError, Code: "InternalServerException", Message: err.Error()}
		}
		status = e.status()
		body := map[string]string{"__type": e.Code, "Message": e.Message}
		if e.ResourceID != "" {
			body["ResourceId"] = e.ResourceID
		}
		out, _ = json.Marshal(body) // strings always marshal
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	_, _ = w.Write(out) // a client that went away is no concern of ours
}

// serve answers one request. It panics with http.ErrAbortHandler to cut the connection.
func (s *Server) serve(r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	op, known := s.operations[name]
	if r.Method != http.MethodPost || r.URL.Path != "/" || !ok || !known {
		return nil, &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("fakedataapi does not support %s %s with target %q", r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))}
	}
	if got := r.Header.Get("Content-Type"); got != contentType {
		return nil, &Error{Code: "SerializationException", Message: fmt.Sprintf("fakedataapi reads %s, not %q", contentType, got)}
	}
	if code, message := awsdoor.CheckSigner(r.Header.Get("Authorization"), s.region, "redshift-data"); code != "" {
		return nil, &Error{Code: code, Message: message}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, &Error{Code: "SerializationException", Message: "the request can't be read: " + err.Error()}
	}
	in, err := op.decode(body)
	if err != nil {
		return nil, err
	}
	var c checks
	in.check(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	f := s.fault(s.call(name, in, body))
	f.wait(r.Context())
	switch {
	case f.CutBefore:
		panic(http.ErrAbortHandler)
	case f.Err != nil:
		return nil, f.Err
	}
	reply, err := s.apply(name, op, in, f)
	if f.CutAfter {
		panic(http.ErrAbortHandler)
	}
	return reply, err
}

func (s *Server) call(operation string, in input, body []byte) *Call {
	id, sql := in.names()
	if id != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if st := s.statements[strings.Split(id, ":")[0]]; st != nil {
			sql = slices.Clone(st.sqls)
		}
	}
	return &Call{Operation: operation, ID: id, SQL: sql, Body: body}
}

func (s *Server) apply(name string, op operation, in input, f Fault) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	now := s.now()
	if s.limits && !s.admit(name, op.perSecond, now) {
		return nil, &Error{Code: "ThrottlingException", Message: "Rate exceeded"}
	}
	s.expire(now)
	return in.apply(s, now, f)
}

// A rate counts an operation's calls within one second.
type rate struct {
	second int64
	calls  int
}

func (s *Server) admit(operation string, perSecond int, now time.Time) bool {
	r := s.rates[operation]
	if r.second != now.Unix() {
		r = rate{second: now.Unix()}
	}
	r.calls++
	s.rates[operation] = r
	return r.calls <= perSecond
}
