package fakeaws

import (
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Operations, as calls and events name them.
const (
	Create = "create"
	Read   = "read"
	Update = "update"
	Delete = "delete"
	Lookup = "lookup"
)

// Call is a request as a control sees it: valid, not yet made. A change of a resource may make
// several, one after the other; a read or a lookup is one.
type Call struct {
	Operation string
	Request   string       // of the service's API, for a change: StartStreamEncryption
	Type      string       // of the resource, or the token of the lookup
	URN       resource.URN // of the resource; "" for a lookup

	preview, keep bool
}

// Keep leaves the control in place after the present call.
func (c *Call) Keep() { c.keep = true }

// Fault says what happens to a call instead of the ordinary. Its parts take effect in
// the order of the fields; the zero Fault changes nothing.
type Fault struct {
	// Hold keeps the call waiting until the channel is closed, or the engine
	// cancels it.
	Hold <-chan struct{}

	// Err is answered, and nothing done.
	Err error

	// Then is called when the request was carried out, before anything is answered.
	Then func()

	// Lost is answered though the request was carried out: the provider does not know of it.
	Lost error

	// NotReady is the reason why the wait after the request fails.
	NotReady error
}

// Control registers fn for the next request of an operation on a resource type, or for a
// lookup; "" is any of them. Previews of changes are not asked about. It serves one call
// and is then gone, unless it called [Call.Keep]. It may decline by returning nil: it
// then stays, and the next control, or else the ordinary work, has the call. Controls are
// asked in the order of their registration, one call at a time.
func (s *Server) Control(operation, kind string, fn func(*Call) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controls = append(s.controls, &control{operation, kind, fn})
}

type control struct {
	operation, kind string
	fn              func(*Call) *Fault
}

// fault asks the controls about a call; the zero Fault means that none took it.
func (s *Server) fault(call Call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.controls {
		if c.operation != "" && c.operation != call.Operation || c.kind != "" && c.kind != call.Type {
			continue
		}
		call.keep = false // whatever a control that declined has said
		f := c.fn(&call)
		if f == nil {
			continue
		}
		if !call.keep {
			s.controls = slices.Delete(s.controls, i, i+1)
		}
		return *f
	}
	return Fault{}
}

// Event is an operation that has ended.
type Event struct {
	Operation string
	Type      string // of the resource, or the token of the lookup
	URN       resource.URN
	ID        string // of the resource, "" when it has none
	Preview   bool
	Err       string // "" when it succeeded; never a secret's value
	Took      time.Duration
}

// Events returns what was done so far, in the order in which it ended.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}
