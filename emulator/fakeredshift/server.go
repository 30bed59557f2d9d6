package fakeredshift

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/evstream/emulator/internal/awsdoor"
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

// An Error is an answer of the service that is not a success.
type Error struct {
	Status  int    // HTTP status; 0 means 400
	Code    string // for example "ValidationException"
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func invalid(format string, args ...any) error {
	return &Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// A Server is the service of one account in one region. Its methods may be called from
// several goroutines.
type Server struct {
	namespaces Namespaces
	region     string
	now        func() time.Time

	requests atomic.Uint64
	door     awsdoor.Door

	mu        sync.Mutex // guards what follows
	snapshots []*Snapshot
	held      bool
	controls  []control
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
	return s
}

// Start opens the network door on a free port of 127.0.0.1.
func (s *Server) Start() error {
	if err := s.door.Open("redshift-serverless", s); err != nil {
		return fmt.Errorf("fakeredshift: %w", err)
	}
	return nil
}

// URL is the endpoint of the network door, without a trailing slash; "" before Start.
func (s *Server) URL() string { return s.door.URL() }

// Close closes the network door. The snapshots stay.
func (s *Server) Close() error { return s.door.Close() }

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

// A Fault says what happens to a request instead of the ordinary.
type Fault struct {
	// Err is answered, and nothing done.
	Err *Error
	// CutAfter closes the connection after the request was carried out, so that the
	// client can't know that it was.
	CutAfter bool
}

type control struct {
	operation string
	fn        func() *Fault
}

// Control registers fn for the next request of an operation. It serves one request and is
// then gone, unless it declines by returning nil.
func (s *Server) Control(operation string, fn func() *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controls = append(s.controls, control{operation, fn})
}

func (s *Server) fault(operation string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.controls {
		if c.operation != operation {
			continue
		}
		if f := c.fn(); f != nil {
			s.controls = slices.Delete(s.controls, i, i+1)
			return *f
		}
	}
	return Fault{}
}

const (
	contentType = "application/x-amz-json-1.1"
	target      = "RedshiftServerless."
	maxBody     = 1 << 20
)

// ServeHTTP is the network door.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !awsdoor.Direct(r) {
		http.Error(w, "fakeredshift answers only direct requests to its loopback address", http.StatusForbidden)
		return
	}
	w.Header().Set("x-amzn-RequestId", fmt.Sprintf("00000000-0000-0000-0000-%012d", s.requests.Add(1)))
	w.Header().Set("Content-Type", contentType)
	reply, err := s.serve(r)
	status := http.StatusOK
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Status: http.StatusInternalServerError, Code: "InternalServerException", Message: err.Error()}
		}
		if status = e.Status; status == 0 {
			status = http.StatusBadRequest
		}
		reply = map[string]string{"__type": e.Code, "message": e.Message}
	}
	out, _ := json.Marshal(reply) // maps of texts and numbers always marshal
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	_, _ = w.Write(out) // a client that went away is no concern of ours
}

// serve answers one request. It panics with http.ErrAbortHandler to cut the connection.
func (s *Server) serve(r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	op := map[string]func(*Server, []byte) (any, error){
		"CreateSnapshot": serve[createSnapshot], "GetSnapshot": serve[getSnapshot], "ListSnapshots": serve[listSnapshots],
	}[name]
	if r.Method != http.MethodPost || r.URL.Path != "/" || !ok || op == nil {
		return nil, &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("fakeredshift does not support %s %s with target %q", r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))}
	}
	if got := r.Header.Get("Content-Type"); got != contentType {
		return nil, &Error{Code: "SerializationException", Message: fmt.Sprintf("fakeredshift reads %s, not %q", contentType, got)}
	}
	if code, message := awsdoor.CheckSigner(r.Header.Get("Authorization"), s.region, "redshift-serverless"); code != "" {
		return nil, &Error{Code: code, Message: message}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, &Error{Code: "SerializationException", Message: "the request can't be read: " + err.Error()}
	}
	f := s.fault(name)
	if f.Err != nil {
		return nil, f.Err
	}
	reply, err := op(s, body)
	if f.CutAfter {
		panic(http.ErrAbortHandler)
	}
	return reply, err
}

// input is a decoded request; apply carries it out with s.mu held.
type input interface {
	apply(s *Server) (any, error)
}

func serve[T input](s *Server, body []byte) (any, error) {
	var in T
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, &Error{Code: "SerializationException", Message: "the stand-in can't read the request: " + err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return in.apply(s)
}
