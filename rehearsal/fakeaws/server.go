package fakeaws

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/peer"

	"example.com/evstream/rehearsal/internal/provider"
)

// Options say what surrounds the account.
type Options struct {
	Kinesis  Kinesis  // nil: streams have no effect outside the account
	Redshift Redshift // nil: the same for namespaces and workgroups
	DataAPI  DataAPI  // nil: schedules can't be fired
}

// Kinesis has streams. An error is what the program hears of it.
type Kinesis interface {
	CreateStream(context.Context, Stream) error
	UpdateStream(context.Context, Stream) error
	DeleteStream(ctx context.Context, name string) error
	// StreamTags are those that a stream has now: others than this program may
	// change them.
	StreamTags(name string) (map[string]string, error)
}

// Redshift has namespaces and workgroups. An error is what the program hears of it.
type Redshift interface {
	CreateNamespace(context.Context, Namespace) error
	UpdateNamespace(context.Context, Namespace) error
	DeleteNamespace(ctx context.Context, name string) error
	CreateWorkgroup(context.Context, Workgroup) error
	UpdateWorkgroup(context.Context, Workgroup) error
	DeleteWorkgroup(ctx context.Context, name string) error
}

// DataAPI is the Redshift Data API, as EventBridge Scheduler calls it.
type DataAPI interface {
	// ExecuteStatement starts a statement. The error is the refusal to start it. The
	// result waits until the statement has ended, and says why it failed.
	ExecuteStatement(context.Context, Statement) (wait func(context.Context) error, _ error)
}

// Statement is a statement for a workgroup.
type Statement struct {
	SQL, Workgroup, Database, SecretARN, Name string
}

// Server is a running stand-in. Its methods may be called from several goroutines.
type Server struct {
	account *Account
	opts    Options
	server  *provider.Server
	types   map[string]*resourceType

	controls provider.Controls

	mu      sync.Mutex
	engines map[string]*engine // by the address they call from
}

// engine is one that is connected. Each has a connection of its own, and its own
// settings: several may work on the account at once.
type engine struct {
	defaultTags map[string]string // nil until it has configured the provider
	cancelled   chan struct{}     // closed to end what it waits for
}

// engine returns the one that makes a call, and holds on to it. It is called with s.mu
// held.
func (s *Server) engine(ctx context.Context) *engine {
	caller, _ := peer.FromContext(ctx)
	address := caller.Addr.String()
	if s.engines[address] == nil {
		s.engines[address] = &engine{cancelled: make(chan struct{})}
	}
	return s.engines[address]
}

// Start serves a provider for the account on a free port of 127.0.0.1.
func Start(account *Account, opts Options) (*Server, error) {
	s := &Server{account: account, opts: opts, types: resourceTypes(), engines: map[string]*engine{}}
	server, err := provider.Serve(&bridge{provider.Base{Version: "6.83.2"}, s})
	if err != nil {
		return nil, fmt.Errorf("fakeaws: %w", err)
	}
	s.server = server
	return s, nil
}

// Port is the port on 127.0.0.1, for PULUMI_DEBUG_PROVIDERS=aws:PORT.
func (s *Server) Port() int { return s.server.Port() }

// Close ends what waits. The account stays.
func (s *Server) Close() { s.server.Close() }

func (s *Server) now() time.Time { return s.account.now() }

// stopped is closed when the engine that makes a call gives up.
func (s *Server) stopped(ctx context.Context) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine(ctx).cancelled
}
