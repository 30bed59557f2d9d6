package fakekinesis

import (
	"context"
	"time"
)

// A Call is a request of the network door as a control sees it: authenticated and
// valid in itself, not yet applied.
type Call struct {
	Operation string  // for example "PutRecords"
	Stream    string  // stream name, also when the request gave an ARN; "" when it names none
	Records   []Entry // what PutRecord or PutRecords would write; nil for other operations
	Body      []byte  // the request body, JSON

	keep bool
}

// An Entry is one record of a write.
type Entry struct {
	PartitionKey    string
	ExplicitHashKey string // decimal; "" when the partition key decides
	Data            []byte
}

// Keep leaves the control in place after the present call.
func (c *Call) Keep() { c.keep = true }

// A Fault says what happens to a call instead of the ordinary. Its parts take effect
// in the order of the fields; the zero Fault changes nothing.
type Fault struct {
	// Hold keeps the request waiting until the channel is closed, Delay for a time
	// of the real clock. Either ends early when the client goes away.
	Hold  <-chan struct{}
	Delay time.Duration

	// CutBefore closes the connection with nothing applied and nothing answered.
	CutBefore bool

	// Err is answered, and nothing applied. Status 500 makes it a server error.
	Err *Error

	// Refuse gives an error code, [Throttled] or [InternalFailure], for records of
	// PutRecords by their place in the request. The others are applied. A refused
	// PutRecord is a refused request.
	Refuse map[int]string

	// CutAfter closes the connection after the request was applied, so that the
	// client can't know that it was.
	CutAfter bool
}

// Control registers fn for the next request of operation, or of any operation when it
// is "". It serves one request and is then gone, unless it called [Call.Keep]. It may
// decline by returning nil: it then stays, and the next control, or else the ordinary
// handler, has the request. Controls are asked in the order of their registration, one
// request at a time; fn must not send requests itself and should leave waiting to the
// Fault it returns.
func (s *Server) Control(operation string, fn func(*Call) *Fault) {
	s.controlMu.Lock()
	defer s.controlMu.Unlock()
	s.controls = append(s.controls, &control{operation, fn})
}

type control struct {
	operation string
	fn        func(*Call) *Fault
}

// fault asks the controls about a call; the zero Fault means none took it.
func (s *Server) fault(operation string, in input, body []byte) Fault {
	s.controlMu.Lock()
	defer s.controlMu.Unlock()
	var call *Call
	for i, c := range s.controls {
		if c.operation != "" && c.operation != operation {
			continue
		}
		if call == nil {
			// A copy, because the control may keep it and the body's buffer is used again.
			call = &Call{Operation: operation, Stream: in.stream(), Body: append([]byte(nil), body...)}
			if w, ok := in.(writer); ok {
				call.Records = w.entries()
			}
		}
		call.keep = false // whatever a control that declined has said
		f := c.fn(call)
		if f == nil {
			continue
		}
		if !call.keep {
			s.controls = append(s.controls[:i:i], s.controls[i+1:]...)
		}
		return *f
	}
	return Fault{}
}

// wait spends the fault's Hold and Delay.
func (f Fault) wait(ctx context.Context) {
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-ctx.Done():
		}
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
		}
	}
}
