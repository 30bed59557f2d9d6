// Package awsdoor is what the network doors of the AWS stand-ins have in common:
// the loopback port, who may come in, and for whom a request is signed.
package awsdoor

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/evstream/emulator/internal/awsmodel"
)

// Door is a loopback port. Its zero value is closed.
type Door struct {
	url    string
	server *http.Server
	done   chan struct{} // closed when the accept loop has ended
}

// Open serves the handler of a service, by its name in the AWS CLI, on a free port of
// 127.0.0.1. In a test all traffic is held against the service's model, and what breaks it
// ends the test: no test can pass on answers that AWS can't give. Without a name nothing is
// held against anything, for measurements.
func (d *Door) Open(service string, h http.Handler) error {
	if d.server != nil {
		return errors.New("the network door was opened already")
	}
	if testing.Testing() && service != "" {
		model, err := awsmodel.Of(service)
		if err != nil {
			return err
		}
		h = model.Checked(h, func(problem string) {
			go panic("the stand-in of " + service + ": " + problem) // the HTTP server would recover one of its own
			select {}
		})
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening the network door: %w", err)
	}
	d.url = "http://" + l.Addr().String()
	d.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	d.done = make(chan struct{})
	go func() {
		defer close(d.done)
		_ = d.server.Serve(l) // always ends with ErrServerClosed, by Close
	}()
	return nil
}

// URL is the endpoint, without a trailing slash; "" before Open.
func (d *Door) URL() string { return d.url }

// Close closes the port and its connections.
func (d *Door) Close() error {
	if d.server == nil {
		return nil
	}
	err := d.server.Close()
	<-d.done
	return err
}

// Direct says whether a request was made to the loopback address by a program. A
// page in a browser must not reach a stand-in, neither by a request from its own
// origin nor by a name that it had resolved to that address.
func Direct(r *http.Request) bool {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	ip := net.ParseIP(name)
	return r.Header.Get("Origin") == "" && (name == "localhost" || ip != nil && ip.IsLoopback())
}

// CheckSigner says what AWS has against an Authorization header, by whom and for
// where the request is signed; code is "" if nothing. The signature itself isn't
// verified.
func CheckSigner(authorization, region, service string) (code, message string) {
	if authorization == "" {
		return "MissingAuthenticationTokenException", "Missing Authentication Token"
	}
	_, credential, _ := strings.Cut(authorization, "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	scope := strings.Split(credential, "/")
	switch {
	case !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 "), len(scope) != 5, scope[0] == "", !strings.Contains(authorization, "Signature="):
		return "IncompleteSignatureException",
			"Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' of AWS4-HMAC-SHA256."
	case scope[2] != region:
		return "InvalidSignatureException",
			fmt.Sprintf("Credential should be scoped to a valid region, not '%s'; this endpoint is in %s.", scope[2], region)
	case scope[3] != service:
		return "InvalidSignatureException", fmt.Sprintf("Credential should be scoped to correct service: '%s'.", service)
	}
	return "", ""
}
