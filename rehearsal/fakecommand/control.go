package fakecommand

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Call is a command that is about to be run, as a control sees it.
type Call struct {
	Operation string // create, update or delete
	URN       resource.URN

	keep bool
}

// Keep leaves the control in place after the present call.
func (c *Call) Keep() { c.keep = true }

// Fault says what happens to a call instead of the ordinary. Its parts take effect in
// the order of the fields; the zero Fault changes nothing.
type Fault struct {
	// Err is answered, and nothing run.
	Err error

	// Then is called when the command has ended, before anything is answered.
	Then func()

	// Lost is answered though the command succeeded.
	Lost error
}

// Control registers fn for the next command of an operation, or of any when it is "".
// It serves one command and is then gone, unless it called [Call.Keep]. It may decline by
// returning nil: it then stays, and the next control, or else the ordinary work, has the
// call. Controls are asked in the order of their registration, one call at a time.
func (s *Server) Control(operation string, fn func(*Call) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controls = append(s.controls, &control{operation, fn})
}

type control struct {
	operation string
	fn        func(*Call) *Fault
}

// fault asks the controls about a call; the zero Fault means that none took it.
func (s *Server) fault(call Call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.controls {
		if c.operation != "" && c.operation != call.Operation {
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
