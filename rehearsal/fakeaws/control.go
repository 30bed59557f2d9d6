package fakeaws

import "example.com/evstream/rehearsal/internal/provider"

// Operations, as calls name them.
const (
	Create = provider.Create
	Read   = provider.Read
	Update = provider.Update
	Delete = provider.Delete
	Lookup = provider.Lookup
)

// Call is a request as a control sees it, and Fault what happens to it. A change of a resource
// may make several requests, one after the other; a read or a lookup is one.
type (
	Call  = provider.Call
	Fault = provider.Fault
)

// Control registers a control for the next request of an operation on a resource type, or for
// a lookup; see [provider.Controls]. Previews of changes are not asked about.
func (s *Server) Control(operation, kind string, decide func(*Call) *Fault) {
	s.controls.Add(operation, kind, decide)
}
