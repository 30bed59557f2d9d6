package fakedataapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
	"example.com/evstream/emulator/internal/awsmodel"
	"example.com/evstream/emulator/warehouse"
)

// Secrets gives the text of a secret, or an error when there is none of that name or ARN.
type Secrets func(nameOrARN string) (string, error)

// A Server is the Data API of one account in one region. Its methods may be called from
// several goroutines.
type Server struct {
	*awsjson.Service // the network: URL, ServeHTTP, Control, Calls

	warehouse *warehouse.Warehouse
	secrets   Secrets
	region    string
	now       func() time.Time
	pageRows  int
	readings  doubt.Readings // checked by Start

	mu         sync.Mutex // guards what follows
	statements map[string]*statement
	order      []*statement // by time of submission
	sessions   map[string]*session
	reclaimed  map[string]bool // ids of sessions that are gone
	tokens     map[string]token
	serial     int

	running sync.WaitGroup
	ctx     context.Context // of all running statements
	cancel  context.CancelFunc
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

// New makes a server in front of w. [Server.Start] serves it.
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
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, o := range options {
		o(s)
	}
	s.Service = awsjson.New(awsjson.Config{
		Name:   "redshift-data",
		Region: s.region,
		Operations: map[string]awsjson.Handler{
			"ExecuteStatement":      operation(s, (*execute).apply),
			"BatchExecuteStatement": operation(s, (*execute).apply),
			"DescribeStatement":     operation(s, (*byID).describe),
			"GetStatementResult":    operation(s, (*getStatementResult).apply),
			"CancelStatement":       operation(s, (*byID).cancel),
			"ListStatements":        operation(s, (*listStatements).apply),
			"ListDatabases":         operation(s, (*catalog).listDatabases),
			"ListSchemas":           operation(s, (*catalog).listSchemas),
			"ListTables":            operation(s, (*catalog).listTables),
			"DescribeTable":         operation(s, (*catalog).describeTable),
		},
		MaxBody:  maxBody,
		Message:  "Message",
		Invalid:  invalidMessage,
		Describe: s.describe,
	})
	return s
}

// Start serves the API alone on a free port of 127.0.0.1.
func (s *Server) Start() error {
	if err := Doubts().Check(s.readings); err != nil {
		return fmt.Errorf("fakedataapi: %w", err)
	}
	return s.Service.Start()
}

// Close closes the port, stops what still runs and ends all sessions.
func (s *Server) Close() error {
	err := s.Service.Close()
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

const maxBody = 16 << 20 // 40 statements of 200 KB, escaped

// operation makes a handler of an operation's function, which is called with s.mu held.
func operation[In any](s *Server, apply func(*In, *Server, time.Time, Fault) (any, error)) awsjson.Handler {
	return awsjson.Handle(func(ctx context.Context, in *In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.now()
		s.expire(now)
		return apply(in, s, now, fault.Of(ctx))
	})
}

// invalidMessage words what breaks the model; a pattern has words of this service's own.
func invalidMessage(problems []awsmodel.Problem) string {
	if pattern := problems[0].Pattern(); len(problems) == 1 && pattern != "" {
		return fmt.Sprintf("%s must satisfy regex pattern: %s", problems[0].Member, pattern)
	}
	return awsmodel.Message(problems)
}

// describe tells a fault's control which statement a request is about.
func (s *Server) describe(in any, call *fault.Call) {
	switch in := in.(type) {
	case *execute:
		call.SQL = in.texts()
	case *byID:
		call.ID = in.Id
	case *getStatementResult:
		call.ID = in.Id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, _, err := s.find(call.ID); err == nil {
		call.SQL = slices.Clone(st.texts())
	}
}
