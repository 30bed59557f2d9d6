package awsjson

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/evstream/emulator/fault"
)

// A Mux serves several services at one address, which is all of AWS to its clients: requests
// to any other service are refused in words.
type Mux struct {
	Faults *fault.Controls // of all its services

	services []*Service
	others   map[string]http.Handler // by the service that requests are signed for
}

// NewMux makes a mux of services of this protocol and of others.
func NewMux(services []*Service, others map[string]http.Handler) *Mux {
	m := &Mux{services: services, others: others}
	m.Faults = &fault.Controls{Check: m.checkRule}
	for _, s := range services {
		s.Faults = m.Faults
		s.Checked = s.Checked || testing.Testing() && !s.config.Unchecked
	}
	return m
}

// checkRule finds the service and the operation that a rule for faults is about: a rule for
// none would never take effect.
func (m *Mux) checkRule(service, operation string) error {
	var names []string
	for _, s := range m.services {
		if s.config.Name != service {
			names = append(names, s.config.Name)
			continue
		}
		if _, known := s.config.Operations[operation]; operation != "" && !known {
			return fmt.Errorf(`"operation" is %q: it must be one of %s`, operation, strings.Join(slices.Sorted(maps.Keys(s.config.Operations)), ", "))
		}
		return nil
	}
	return fmt.Errorf(`"service" is %q: it must be one of %s`, service, strings.Join(names, ", "))
}

// Names lists what is served, by the names in the AWS CLI.
func (m *Mux) Names() []string {
	names := slices.Collect(maps.Keys(m.others))
	for _, s := range m.services {
		names = append(names, s.config.Name)
	}
	slices.Sort(names)
	return names
}

// HealthPath is answered with the services once they are served.
const HealthPath = "/_emulator/health"

func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !Direct(r) {
		forbid(w)
		return
	}
	switch r.URL.Path {
	case fault.Path:
		m.Faults.ServeHTTP(w, r)
		return
	case HealthPath:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"services": m.Names()}) // a client that went away is no concern of ours
		return
	}
	target := r.Header.Get("X-Amz-Target")
	for _, s := range m.services {
		if strings.HasPrefix(target, s.Target()) {
			s.ServeHTTP(w, r)
			return
		}
	}
	scope, _ := SignedFor(r.Header.Get("Authorization"))
	if other := m.others[scope.Service]; other != nil {
		other.ServeHTTP(w, r)
		return
	}
	m.refuse(w, r, scope.Service)
}

// refuse answers a request to a service that is not served, in the protocol that the client
// most likely understands. The status is none after which clients try again.
func (m *Mux) refuse(w http.ResponseWriter, r *http.Request, service string) {
	target, form := r.Header.Get("X-Amz-Target"), strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	what := service
	if prefix, _, ok := strings.Cut(target, "."); ok && what == "" {
		what = prefix
	}
	if what == "" {
		what = r.Method + " " + r.URL.Path
	}
	WriteError(w, r, service, &fault.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: fmt.Sprintf(
		"The emulator does not serve %s, only %s. The request did not reach AWS.", what, strings.Join(m.Names(), ", "))}, form)
}

// WriteError answers an error to a client of any service, in the service's protocol as far as
// the request tells it: CBOR, the query protocols (form is whether the body is a form), JSON.
func WriteError(w http.ResponseWriter, r *http.Request, service string, e *fault.Error, form bool) {
	var body []byte
	h := w.Header()
	h.Set("x-amzn-RequestId", requestID)
	h.Set("x-amzn-ErrorType", e.Code)
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
		body = cborMap([][2]string{{"__type", e.Code}, {"message", e.Message}})
	case service == "ec2":
		h.Set("Content-Type", "text/xml")
		body = xmlText(struct {
			XMLName   xml.Name `xml:"Response"`
			Code      string   `xml:"Errors>Error>Code"`
			Message   string   `xml:"Errors>Error>Message"`
			RequestID string
		}{Code: e.Code, Message: e.Message, RequestID: requestID})
	case service == "s3", service == "s3express":
		h.Set("Content-Type", "application/xml")
		body = xmlText(struct {
			XMLName                  xml.Name `xml:"Error"`
			Code, Message, RequestId string
		}{Code: e.Code, Message: e.Message, RequestId: requestID})
	case form, service == "route53", service == "cloudfront":
		h.Set("Content-Type", "text/xml")
		body = xmlText(struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Type      string   `xml:"Error>Type"`
			Code      string   `xml:"Error>Code"`
			Message   string   `xml:"Error>Message"`
			RequestId string
		}{Type: "Sender", Code: e.Code, Message: e.Message, RequestId: requestID})
	default:
		h.Set("Content-Type", "application/x-amz-json-1.1")
		body, _ = json.Marshal(map[string]string{"__type": e.Code, "message": e.Message}) // strings always marshal
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.HTTPStatus())
	_, _ = w.Write(body) // a client that went away is no concern of ours
}

// requestID is that of answers that are not a service's own.
const requestID = "00000000-0000-0000-0000-000000000000"

func xmlText(v any) []byte {
	text, _ := xml.Marshal(v) // a struct of strings always marshals
	return append([]byte(xml.Header), text...)
}

// cborMap is a map of texts in CBOR, RFC 8949.
func cborMap(pairs [][2]string) []byte {
	text := func(b []byte, s string) []byte {
		return append(append(b, 0x79, byte(len(s)>>8), byte(len(s))), s...) // a text with a length of two bytes
	}
	b := []byte{0xa0 | byte(len(pairs))}
	for _, p := range pairs {
		b = text(text(b, p[0]), p[1])
	}
	return b
}
