package fakeaws

import (
	"context"
	"fmt"
	"time"

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
}

// Start serves a provider for the account on a free port of 127.0.0.1.
func Start(account *Account, opts Options) (*Server, error) {
	s := &Server{account: account, opts: opts, types: resourceTypes()}
	server, err := provider.Serve(func() provider.Provider {
		return &bridge{Base: provider.Base{Version: "6.83.2"}, Server: s, cancelled: make(chan struct{})}
	})
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
