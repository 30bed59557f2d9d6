package awsjson

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"example.com/evstream/emulator/fault"
)

// A Server is a port. Its zero value is closed.
type Server struct {
	url    string
	server *http.Server
	done   chan struct{} // closed when the accept loop has ended
}

// Start serves h on an address, a loopback one.
func (s *Server) Start(address string, h http.Handler) error {
	if s.server != nil {
		return errors.New("the server was started already")
	}
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	s.url = "http://" + l.Addr().String()
	s.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		_ = s.server.Serve(l) // always ends with ErrServerClosed, by Close
	}()
	return nil
}

// URL is the endpoint, without a trailing slash; "" before Start.
func (s *Server) URL() string { return s.url }

// Close closes the port and its connections. It may be called again, and without Start.
func (s *Server) Close() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	<-s.done
	return err
}

// Direct says whether a request was made to the loopback address by a program. A page in a
// browser must not reach the emulator, neither by a request from its own origin nor by a
// name that it had resolved to that address.
func Direct(r *http.Request) bool {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	ip := net.ParseIP(name)
	return r.Header.Get("Origin") == "" && (name == "localhost" || ip != nil && ip.IsLoopback())
}

func forbid(w http.ResponseWriter) {
	http.Error(w, "the emulator answers only direct requests to its loopback address, not those of web pages", http.StatusForbidden)
}

// Scope is for whom a request is signed.
type Scope struct{ Region, Service string }

// SignedFor reads an Authorization header; it is false for one that is not of Signature
// Version 4. The signature itself isn't verified.
func SignedFor(authorization string) (Scope, bool) {
	_, credential, _ := strings.Cut(authorization, "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	scope := strings.Split(credential, "/")
	if !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 ") || len(scope) != 5 || scope[0] == "" || !strings.Contains(authorization, "Signature=") {
		return Scope{}, false
	}
	return Scope{Region: scope[2], Service: scope[3]}, true
}

// checkSigner says what AWS has against an Authorization header.
func checkSigner(authorization, region, service string) error {
	if authorization == "" {
		return fault.Errorf("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	scope, ok := SignedFor(authorization)
	switch {
	case !ok:
		return fault.Errorf("IncompleteSignatureException",
			"Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' of AWS4-HMAC-SHA256.")
	case scope.Region != region:
		return fault.Errorf("InvalidSignatureException",
			"Credential should be scoped to a valid region, not '%s'; this endpoint is in %s.", scope.Region, region)
	case scope.Service != service:
		return fault.Errorf("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", service)
	}
	return nil
}

// stalled is how long a client may send nothing in the middle of a request.
const stalled = 30 * time.Second

// readBody appends the request body to b, whose room is used again.
func readBody(b []byte, w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	tooLong := &fault.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
		Message: fmt.Sprintf("a request has at most %d bytes", most)}
	if r.ContentLength > most {
		return b, tooLong
	}
	if n := int(r.ContentLength) + 1; cap(b) < n {
		b = make([]byte, 0, n)
	}
	control := http.NewResponseController(w) // not every ResponseWriter has deadlines
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		_ = control.SetReadDeadline(time.Now().Add(stalled))
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > most:
			return b, tooLong
		case err == io.EOF:
			_ = control.SetReadDeadline(time.Time{})
			return b, nil
		case err != nil:
			return b, fault.Errorf("SerializationException", "the request body ended early: %v", err)
		}
	}
}
