package fakecommand

import (
	"fmt"
	"slices"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"example.com/evstream/rehearsal/internal/plugindoor"
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
	opts Options
	door *plugindoor.Door

	mu       sync.Mutex
	engine   *grpc.ClientConn // of the engine that attached last; nil before
	created  int
	runs     []Run
	running  map[*running]struct{}
	controls []*control
}

// Run is one command that was run.
type Run struct {
	Operation string // create, update or delete, as the engine asked
	URN       resource.URN
	Failed    bool
}

// running is a command under way.
type running struct {
	cancel func()
	group  int // process group
}

// Start serves the stand-in on a free port of 127.0.0.1.
func Start(opts Options) (*Server, error) {
	s := &Server{opts: opts, running: map[*running]struct{}{}}
	door, err := plugindoor.Open(&commands{Server: s})
	if err != nil {
		return nil, fmt.Errorf("fakecommand: %w", err)
	}
	s.door = door
	return s, nil
}

// Port is the port on 127.0.0.1, for PULUMI_DEBUG_PROVIDERS=command:PORT.
func (s *Server) Port() int { return s.door.Port() }

// Runs returns the commands run so far, in the order in which they ended.
func (s *Server) Runs() []Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs)
}

// Close kills what still runs, with the processes it started, and closes the door.
func (s *Server) Close() {
	s.mu.Lock()
	for r := range s.running {
		r.cancel()
		killGroup(r.group)
	}
	s.mu.Unlock()
	s.door.Close()

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
