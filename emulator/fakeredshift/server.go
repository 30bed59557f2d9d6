package fakeredshift

import (
	"context"
	"sync"
	"time"

	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
)

// Namespace is what the service knows of a namespace when it takes a snapshot.
type Namespace struct {
	ARN            string
	AdminUser      string
	AdminSecretARN string // "" unless AWS keeps the admin's password
	Workgroup      string // name; "" if it has none
}

// Namespaces gives a namespace by its name, if there is one.
type Namespaces func(name string) (Namespace, bool)

// Snapshot is a snapshot of a namespace.
type Snapshot struct {
	Name          string
	Namespace     string // name
	Status        string // CREATING, AVAILABLE, FAILED and so on
	RetentionDays int    // -1 is for ever
	Created       time.Time

	of Namespace
}

// What a test says about requests; see package fault.
type (
	Error = fault.Error
	Call  = fault.Call
	Fault = fault.Fault
)

func invalid(format string, args ...any) error {
	return fault.Errorf("ValidationException", format, args...)
}

// A Server is the service of one account in one region. Its methods may be called from
// several goroutines.
type Server struct {
	*awsjson.Service // the network: Start, URL, Close, ServeHTTP, Control, Calls

	namespaces Namespaces
	region     string
	now        func() time.Time

	mu        sync.Mutex // guards what follows
	snapshots []*Snapshot
	held      bool
}

// An Option changes how a Server behaves.
type Option func(*Server)

// WithRegion sets the region, us-east-1 unless given. Requests signed for another one
// are refused, as they would not reach this one's endpoint.
func WithRegion(region string) Option { return func(s *Server) { s.region = region } }

// WithClock sets the clock, time.Now unless given. It must be safe for concurrent use.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// New makes a server. [Server.Start] opens its network door.
func New(namespaces Namespaces, options ...Option) *Server {
	s := &Server{namespaces: namespaces, region: "us-east-1", now: time.Now}
	for _, o := range options {
		o(s)
	}
	s.Service = awsjson.New(awsjson.Config{
		Name:   "redshift-serverless",
		Region: s.region,
		Operations: map[string]awsjson.Handler{
			"CreateSnapshot": op(s, createSnapshot.apply), "GetSnapshot": op(s, getSnapshot.apply), "ListSnapshots": op(s, listSnapshots.apply),
		},
		MaxBody: 1 << 20,
	})
	return s
}

// Snapshots are those that were taken, oldest first.
func (s *Server) Snapshots() []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Snapshot
	for _, snapshot := range s.snapshots {
		all = append(all, *snapshot)
	}
	return all
}

// Hold keeps the snapshots taken from now on CREATING, until [Server.Release].
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// Release ends the snapshots that are CREATING with a status, AVAILABLE or FAILED. Later
// ones are AVAILABLE at once.
func (s *Server) Release(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	for _, snapshot := range s.snapshots {
		if snapshot.Status == creating {
			snapshot.Status = status
		}
	}
}

const (
	creating  = "CREATING"
	available = "AVAILABLE"
)

// op makes a handler of an operation's function, which is called with s.mu held.
func op[In any](s *Server, apply func(In, *Server) (any, error)) awsjson.Handler {
	return awsjson.Handle(func(_ context.Context, in *In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return apply(*in, s)
	})
}
