// Package fault injects faults into requests of the emulated services: errors, delays, cut
// connections, refused records, outcomes of statements.
//
// A [Control] sees each request, authenticated and valid in itself but not yet applied,
// and returns a [Fault] or declines:
//
//	controls.Add("kinesis", "PutRecords", func(*fault.Call) *fault.Fault {
//		return &fault.Fault{CutAfter: true}
//	})
//
// Clients in other languages do the same over HTTP with a [Rule].
package fault

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// An Error is an answer of a service that is not a success.
type Error struct {
	Status     int // HTTP status; 0 means 400, 500 makes it a server error
	Code       string
	Message    string
	ResourceID string // of the Data API's ResourceNotFoundException
}

// Errorf is an error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus is the status with which the error is answered.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// A Call is a request as a control sees it.
type Call struct {
	Service   string // by its name in the AWS CLI, for example "kinesis"
	Operation string // for example "PutRecords"
	Body      []byte // the request, JSON

	// Kinesis: the stream's name, also when the request gave an ARN, and what PutRecord
	// or PutRecords would write.
	Stream  string
	Records []Entry

	// The Data API: the statement that the request names, and the SQL of that one or of
	// the one that the request starts.
	ID  string
	SQL []string

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

// A Fault says what happens to a call. Its parts take effect in the order of the fields;
// the zero Fault changes nothing.
type Fault struct {
	// Hold keeps the request waiting until the channel is closed, Delay for a time of
	// the real clock. Either ends early when the client goes away.
	Hold  <-chan struct{}
	Delay time.Duration

	// CutBefore closes the connection with nothing applied and nothing answered.
	CutBefore bool

	// Err is answered, and nothing applied.
	Err *Error

	// Refuse gives an error code, ProvisionedThroughputExceededException or
	// InternalFailure, for records of PutRecords by their position in the request. The
	// others are applied. A refused PutRecord is a refused request.
	Refuse map[int]string

	// Outcome decides how the statement ends that ExecuteStatement or
	// BatchExecuteStatement starts, instead of running it.
	Outcome Outcome

	// WithholdRows makes GetStatementResult answer a page without rows and with a
	// token for the rows that it would have had.
	WithholdRows bool

	// CutAfter closes the connection after the request was applied, so that the client
	// can't know that it was.
	CutAfter bool
}

// An Outcome is how a statement ends that is not run. The zero Outcome lets it run.
type Outcome struct {
	Status string // FINISHED, FAILED, ABORTED, any other text, or Running
	Error  string // what DescribeStatement says

	// Unconnected is for a statement that gets no connection to the database: it has no
	// process there, and its session ends.
	Unconnected bool

	// After runs the statement first, so that its effect is there though its end was bad.
	After bool
}

// Running as an outcome's status keeps a statement STARTED until it is cancelled.
const Running = "STARTED"

// A Control takes a call by returning a fault, or declines by returning nil. It must not
// send requests itself and should leave waiting to the fault.
type Control func(*Call) *Fault

// Controls are those of one emulator. The zero value has none.
type Controls struct {
	// Check says what is wrong with the service or the operation of a rule; nil: nothing.
	Check func(service, operation string) error

	mu  sync.Mutex
	all []*registered
}

type registered struct {
	service, operation string
	control            Control
	rule               *Rule // whose control it is; nil for one of Go
}

// Add registers a control for the next request of an operation, or of any operation of the
// service when that is "". It serves one request and is then gone, unless it called
// [Call.Keep]; one that declines stays, and the next control, or else the service itself,
// has the request. Controls are asked in the order of their registration, one request at a
// time.
func (c *Controls) Add(service, operation string, control Control) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, &registered{service: service, operation: operation, control: control})
}

// Decide asks the controls about a call, which complete fills before the first of them
// sees it. The zero Fault means that none took it.
func (c *Controls) Decide(call *Call, complete func(*Call)) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.all {
		if r.service != call.Service || r.operation != "" && r.operation != call.Operation {
			continue
		}
		if complete != nil {
			complete(call)
			complete = nil
		}
		call.keep = false // whatever a control that declined has said
		f := r.control(call)
		if f == nil {
			continue
		}
		if !call.keep {
			c.all = slices.Delete(slices.Clone(c.all), i, i+1)
		}
		return *f
	}
	return Fault{}
}

// Wait spends the fault's Hold and Delay.
func (f Fault) Wait(ctx context.Context) {
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

type key struct{}

// With is a context of a request to which the fault happens.
func With(ctx context.Context, f Fault) context.Context { return context.WithValue(ctx, key{}, f) }

// Of is the fault that happens to the request of the context; the zero Fault if none.
func Of(ctx context.Context) Fault {
	f, _ := ctx.Value(key{}).(Fault)
	return f
}
