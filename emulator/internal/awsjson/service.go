// Package awsjson serves AWS's JSON protocol, version 1.1: what every emulated service has in
// common. A service gives a function for each operation, which gets a request that fits the
// service's model; routing, signatures, validation, faults, errors and connections are here.
package awsjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsmodel"
)

// Config says what a service is.
type Config struct {
	Name       string // in the AWS CLI, for example "kinesis"; also selects the model
	Region     string // requests signed for another one are refused
	Operations map[string]Handler
	MaxBody    int64  // bytes of a request
	Internal   string // code of an error of the emulator's own; InternalServerException unless given
	Message    string // member of an error that has its message; "message" unless given

	// Invalid words what breaks the model; awsmodel.Message unless given.
	Invalid func([]awsmodel.Problem) string

	// Describe tells a fault's control what a decoded request is about; nil if nothing
	// more than its body.
	Describe func(in any, call *fault.Call)

	// Unchecked keeps Start from setting Checked, for measurements.
	Unchecked bool
}

// A Service answers the requests of one AWS service. Its faults may be those of others too.
type Service struct {
	Server
	Faults *fault.Controls

	// Checked compares what is accepted and what is answered with the model; what breaks it
	// ends the process. In tests Start sets it, so that no test can pass on answers that AWS
	// can't give.
	Checked bool

	config   Config
	model    *awsmodel.Service
	buffers  sync.Pool // of *[]byte, for request and response bodies
	requests atomic.Uint64

	mu    sync.Mutex
	calls map[string]int
}

// New makes a service. It panics if there is no model of it or of one of its operations,
// which is a mistake in the program.
func New(c Config) *Service {
	model, err := awsmodel.Of(c.Name)
	if err != nil {
		panic(err)
	}
	for name := range c.Operations {
		if _, known := model.Operations[name]; !known {
			panic(fmt.Sprintf("the model of %s has no operation %s", c.Name, name))
		}
	}
	s := &Service{config: c, Faults: new(fault.Controls), model: model, calls: map[string]int{}}
	s.buffers.New = func() any { return new([]byte) }
	return s
}

// Target is what stands before the operation in X-Amz-Target, with the dot.
func (s *Service) Target() string { return s.model.Target + "." }

// Fits says whether a value fits a shape of the service's model.
func (s *Service) Fits(shape string, value any) bool { return s.model.Fits(shape, value) }

// Start serves the service alone on a free port of 127.0.0.1.
func (s *Service) Start() error {
	s.Checked = s.Checked || testing.Testing() && !s.config.Unchecked
	if err := s.Server.Start("127.0.0.1:0", s); err != nil {
		return fmt.Errorf("serving %s: %w", s.config.Name, err)
	}
	return nil
}

// Control registers fn for the next request of operation, or of any operation when it is
// "", as [fault.Controls.Add] does.
func (s *Service) Control(operation string, fn func(*fault.Call) *fault.Fault) {
	s.Faults.Add(s.config.Name, operation, fn)
}

// Calls counts the requests that reached operation, refused by it or not. Those that a
// control answered or cut before don't count.
func (s *Service) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// A Handler carries out one operation.
type Handler struct {
	decode func(body []byte) (any, error)
	scan   func(body []byte) (any, bool)
	apply  func(ctx context.Context, in any) (any, error)
}

// Handle makes a handler of a function that gets the request decoded into In, whose
// exported fields are the members that the emulator supports. Its reply is written as
// JSON, or by itself if it is an [Appender]; nil is an empty body.
// An error that is no *fault.Error is one of the emulator.
func Handle[In any](apply func(ctx context.Context, in *In) (any, error)) Handler {
	return Handler{
		decode: func(body []byte) (any, error) {
			in := new(In)
			if err := decode(body, in); err != nil {
				return nil, err
			}
			if p, ok := any(in).(Preparer); ok {
				return in, p.Prepare()
			}
			return in, nil
		},
		apply: func(ctx context.Context, in any) (any, error) { return apply(ctx, in.(*In)) },
	}
}

// Scan is the handler with a fast way to read a body. It gives what Handle's function takes,
// prepared, or false for whatever may not fit the model, which is then read the ordinary way.
func (h Handler) Scan(scan func(body []byte) (any, bool)) Handler {
	h.scan = scan
	return h
}

// A Preparer does what is left to do with a request once it is decoded.
type Preparer interface{ Prepare() error }

// An Appender writes its own JSON.
type Appender interface{ AppendJSON([]byte) []byte }

// decode reads a body into in. A member that in lacks is refused: the emulator does not
// support it, and a caller may rely on it.
func decode(body []byte, in any) error {
	err := jsonv2.Unmarshal(body, in, jsonv2.RejectUnknownMembers(true))
	var own *fault.Error
	var semantic *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.Is(err, jsonv2.ErrUnknownName) && errors.As(err, &semantic):
		return fault.Errorf("ValidationException", "the emulator does not support the request member %q", semantic.JSONPointer.LastToken())
	}
	return fault.Errorf("SerializationException", "%v", err)
}

const contentType = "application/x-amz-json-1.1"

// ServeHTTP answers a request of the service.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !Direct(r) {
		forbid(w)
		return
	}
	w.Header().Set("x-amzn-RequestId", fmt.Sprintf("00000000-0000-0000-0000-%012d", s.requests.Add(1)))
	w.Header().Set("Content-Type", contentType)

	body, out := s.buffers.Get().(*[]byte), s.buffers.Get().(*[]byte)
	defer s.buffers.Put(body)
	defer s.buffers.Put(out)
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), s.Target())
	status, err := http.StatusOK, s.answer(w, r, operation, body, out)
	if err != nil {
		var e *fault.Error
		if !errors.As(err, &e) {
			e = &fault.Error{Status: http.StatusInternalServerError, Code: s.internal(), Message: err.Error()}
		}
		status, *out = e.HTTPStatus(), s.appendError((*out)[:0], e)
		err = e
	}
	if s.Checked {
		s.hold(operation, *body, *out, err)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(*out)))
	w.WriteHeader(status)
	_, _ = w.Write(*out) // a client that went away is no concern of ours
}

func (s *Service) internal() string {
	if s.config.Internal != "" {
		return s.config.Internal
	}
	return "InternalServerException"
}

func (s *Service) appendError(b []byte, e *fault.Error) []byte {
	message := "message"
	if s.config.Message != "" {
		message = s.config.Message
	}
	members := map[string]string{"__type": e.Code, message: e.Message}
	if e.ResourceID != "" {
		members["ResourceId"] = e.ResourceID
	}
	j, _ := json.Marshal(members) // strings always marshal
	return append(b, j...)
}

// answer reads the request into body, carries it out and appends the reply to out. A panic
// becomes an error, so that no request can end the emulator, except for
// http.ErrAbortHandler, which cuts the connection.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, operation string, body, out *[]byte) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			log.Printf("%s %s: %v\n%s", s.config.Name, operation, p, debug.Stack())
			err = fmt.Errorf("the emulator made a mistake: %v", p)
		}
	}()
	h, known := s.config.Operations[operation]
	if r.Method != http.MethodPost || r.URL.Path != "/" || !known {
		return fault.Errorf("UnknownOperationException",
			"the emulator's %s does not support %s %s with target %q", s.config.Name, r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))
	}
	if got, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); got != contentType {
		return fault.Errorf("SerializationException",
			"the emulator's %s reads %s, not %q; switch CBOR off in the SDK", s.config.Name, contentType, got)
	}
	if err := checkSigner(r.Header.Get("Authorization"), s.config.Region, s.config.Name); err != nil {
		return err
	}
	if *body, err = readBody((*body)[:0], w, r, s.config.MaxBody); err != nil {
		return err
	}
	in, err := s.decode(h, operation, *body)
	if err != nil {
		return err
	}
	call := &fault.Call{Service: s.config.Name, Operation: operation}
	f := s.Faults.Decide(call, func(call *fault.Call) {
		call.Body = slices.Clone(*body) // a control may keep it, and the buffer is used again
		if s.config.Describe != nil {
			s.config.Describe(in, call)
		}
	})
	f.Wait(r.Context())
	switch {
	case f.CutBefore:
		panic(http.ErrAbortHandler)
	case f.Err != nil:
		return f.Err
	}
	s.count(operation)
	reply, err := h.apply(fault.With(r.Context(), f), in)
	if f.CutAfter {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		return err
	}
	*out = (*out)[:0]
	switch reply := reply.(type) {
	case nil:
	case Appender:
		*out = reply.AppendJSON(*out)
	default:
		var j []byte
		j, err = json.Marshal(reply)
		*out = append(*out, j...)
	}
	return err
}

func (s *Service) count(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
}

// decode reads a body that fits the service's model.
func (s *Service) decode(h Handler, operation string, body []byte) (any, error) {
	if h.scan != nil {
		if in, ok := h.scan(body); ok {
			return in, nil
		}
	}
	if err := s.invalid(s.model.Request(operation, body)); err != nil {
		return nil, err
	}
	return h.decode(body)
}

// invalid is the answer to a request that breaks the model; nil if it doesn't.
func (s *Service) invalid(problems []awsmodel.Problem) error {
	of := func(kind awsmodel.Kind) (all []awsmodel.Problem) {
		for _, p := range problems {
			if p.Kind == kind {
				all = append(all, p)
			}
		}
		return all
	}
	if malformed := of(awsmodel.Malformed); len(malformed) > 0 {
		return fault.Errorf("SerializationException", "%s", malformed[0])
	}
	// The service ignores a member that it doesn't know. Here it is refused: more likely
	// it is a mistake of the caller's.
	if unknown := of(awsmodel.Unknown); len(unknown) > 0 {
		return fault.Errorf("ValidationException", "%s; AWS would ignore it, the emulator refuses it", unknown[0])
	}
	if len(problems) == 0 {
		return nil
	}
	if s.config.Invalid != nil {
		return fault.Errorf("ValidationException", "%s", s.config.Invalid(problems))
	}
	return fault.Errorf("ValidationException", "%s", awsmodel.Message(problems))
}

// hold compares what was accepted and what is answered with the model.
func (s *Service) hold(operation string, request, answer []byte, failed error) {
	if err := s.breaks(operation, request, answer, failed); err != nil {
		go panic(err.Error()) // the HTTP server would recover one of its own
		select {}
	}
}

func (s *Service) breaks(operation string, request, answer []byte, failed error) error {
	if e := (*fault.Error)(nil); errors.As(failed, &e) {
		if err := s.model.Error(operation, e.Code); err != nil {
			return fmt.Errorf("%s %s %.300s\nis answered with an error that the model does not have: %w", s.config.Name, operation, request, err)
		}
		return nil
	}
	if problems := s.model.Request(operation, request); len(problems) > 0 {
		return fmt.Errorf("%s %s %.300s\nis accepted, and breaks the model: %v", s.config.Name, operation, request, problems)
	}
	if problems := s.model.Answer(operation, answer); len(problems) > 0 {
		return fmt.Errorf("%s %s %.300s\nis answered with %.300s, which breaks the model: %v", s.config.Name, operation, request, answer, problems)
	}
	return nil
}

// Validate checks a request that was made in Go, as it would be as JSON.
func (s *Service) Validate(operation string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.invalid(s.model.Request(operation, body))
}
