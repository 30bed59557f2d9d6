package provider

import (
	"slices"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Operations, as calls name them.
const (
	Create = "create"
	Read   = "read"
	Update = "update"
	Delete = "delete"
	Lookup = "lookup"
)

// Call is what a provider is about to do, as a control sees it: valid, not yet done. A change
// of a resource may take several calls, one for each request of AWS's API.
type Call struct {
	Operation string
	Type      string       // of the resource, or the token of the lookup
	URN       resource.URN // of the resource; "" for a lookup
	Request   string       // of the service's API, for a change of AWS's: StartStreamEncryption

	keep bool
}

// Keep leaves the control in place after the present call.
func (c *Call) Keep() { c.keep = true }

// Fault is what happens to a call instead of the ordinary. Its parts take effect in the order
// of the fields; the zero Fault changes nothing.
type Fault struct {
	// Hold keeps a call of AWS waiting until the channel is closed, or the engine cancels it.
	Hold <-chan struct{}

	// Err is answered, and nothing done.
	Err error

	// Then is called when the request was carried out, or the command has ended, before
	// anything is answered.
	Then func()

	// Lost is answered though it was done: the provider does not know of it.
	Lost error

	// NotReady is the reason why the wait after a request of AWS fails.
	NotReady error
}

// Controls are those of one provider. The zero value has none.
type Controls struct {
	mu  sync.Mutex
	all []*control
}

type control struct {
	operation, kind string
	decide          func(*Call) *Fault
}

// Add registers a control for the next call of an operation on a resource type, or for a
// lookup; "" is any of them. It serves one call and is then gone, unless it called
// [Call.Keep]. It may decline by returning nil: it then stays, and the next control, or else
// the ordinary work, has the call. Controls are asked in the order of their registration, one
// call at a time.
func (c *Controls) Add(operation, kind string, decide func(*Call) *Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, &control{operation, kind, decide})
}

// Decide asks the controls about a call; the zero Fault means that none took it.
func (c *Controls) Decide(call Call) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, asked := range c.all {
		if asked.operation != "" && asked.operation != call.Operation || asked.kind != "" && asked.kind != call.Type {
			continue
		}
		call.keep = false // whatever a control that declined has set
		f := asked.decide(&call)
		if f == nil {
			continue
		}
		if !call.keep {
			c.all = slices.Delete(c.all, i, i+1)
		}
		return *f
	}
	return Fault{}
}
