package fakecommand

import (
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"example.com/evstream/rehearsal/internal/provider"
)

// Options say what surrounds the commands.
type Options struct {
	// Dir is the working directory of commands that name none. The real provider
	// is started in the folder of the Pulumi project.
	Dir string

	// Env are NAME=value pairs that each command gets besides this process's
	// environment; they win over it.
	Env []string
}

// Server is a running stand-in. Its methods may be called from several goroutines.
type Server struct {
	opts   Options
	server *provider.Server

	controls provider.Controls

	mu      sync.Mutex
	engine  *grpc.ClientConn // of the engine that attached last; nil before
	created int
	running map[*running]struct{}
}

// Call is a command that is about to be run, as a control sees it, and Fault what happens to
// it. A command is not held.
type (
	Call  = provider.Call
	Fault = provider.Fault
)

// Control registers a control for the next command of an operation, create, update or delete,
// or of any when it is ""; see [provider.Controls].
func (s *Server) Control(operation string, decide func(*Call) *Fault) {
	s.controls.Add(operation, commandType, decide)
}

// running is a command under way.
type running struct {
	cancel func()
	group  int // process group
}

// Start serves the stand-in on a free port of 127.0.0.1.
func Start(opts Options) (*Server, error) {
	s := &Server{opts: opts, running: map[*running]struct{}{}}
	server, err := provider.Serve(func() provider.Provider { return &commands{provider.Base{Version: "1.2.1"}, s} })
	if err != nil {
		return nil, fmt.Errorf("fakecommand: %w", err)
	}
	s.server = server
	return s, nil
}

// Port is the port on 127.0.0.1, for PULUMI_DEBUG_PROVIDERS=command:PORT.
func (s *Server) Port() int { return s.server.Port() }

// Close kills what still runs, with the processes it started, and ends serving.
func (s *Server) Close() {
	s.mu.Lock()
	for r := range s.running {
		r.cancel()
		killGroup(r.group)
	}
	s.mu.Unlock()
	s.server.Close()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != nil {
		_ = s.engine.Close()
		s.engine = nil
	}
}

// cancel stops the commands under way as the provider does: the process that was
// started is killed, those that it started are not.
func (s *Server) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.running {
		r.cancel()
	}
}

// attach makes the engine at the address the one that gets log lines.
func (s *Server) attach(address string) error {
	engine, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("fakecommand: attaching to the engine at %s: %w", address, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != nil {
		_ = s.engine.Close()
	}
	s.engine = engine
	return nil
}
