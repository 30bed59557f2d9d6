package fakekinesis

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// scanPutRecords reads a PutRecords body of the plain kind that SDKs send, without copying
// what it finds. It gives up, with false, on whatever is unusual (escapes, nulls, repeated
// or unknown members, any mistake) and leaves that to the service's model.
// TestScanAgreesWithTheModel holds the two together.
func (s *Server) scanPutRecords(body []byte) (any, bool) {
	ref, raw, ok := scanBody(body)
	if !ok || !s.plain(ref, raw) {
		return nil, false
	}
	in := &putRecords{streamRef: ref}
	return in, in.load(raw) == nil
}

// plain says whether what was read certainly fits the model.
func (s *Server) plain(ref streamRef, raw []rawRecord) bool {
	if len(raw) < 1 || len(raw) > maxPutRecords ||
		ref.StreamName != nil && !s.Fits("StreamName", *ref.StreamName) ||
		ref.StreamARN != nil && !s.Fits("StreamARN", *ref.StreamARN) {
		return false
	}
	for _, r := range raw {
		if len(r.key) < 1 || len(r.key) > 256 || r.data == nil || len(r.data) > base64.StdEncoding.EncodedLen(maxDataBytes)-2 ||
			r.explicit != nil && (len(r.explicit) == 0 || len(r.explicit) > 1 && r.explicit[0] == '0') {
			return false
		}
	}
	return true
}

// scanBody finds the records of a body; they point into it.
func scanBody(body []byte) (ref streamRef, records []rawRecord, ok bool) {
	s := scanner{body, 0}
	if !s.token('{') {
		return ref, nil, false
	}
	for first := true; !s.token('}'); first = false {
		if !first && !s.token(',') {
			return ref, nil, false
		}
		name, ok := s.text()
		if !ok || !s.token(':') {
			return ref, nil, false
		}
		switch string(name) {
		case "StreamName", "StreamARN":
			value, ok := s.text()
			at := &ref.StreamName
			if name[len(name)-1] == 'N' {
				at = &ref.StreamARN
			}
			if !ok || *at != nil {
				return ref, nil, false
			}
			text := string(value)
			*at = &text
		case "Records":
			if records != nil {
				return ref, nil, false
			}
			if records, ok = s.records(); !ok {
				return ref, nil, false
			}
		default:
			return ref, nil, false
		}
	}
	s.space()
	return ref, records, s.at == len(body)
}

type scanner struct {
	b  []byte
	at int
}

func (s *scanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// token passes over space and c, if c is next.
func (s *scanner) token(c byte) bool {
	s.space()
	if s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

// text reads a string without escapes.
func (s *scanner) text() ([]byte, bool) {
	if !s.token('"') {
		return nil, false
	}
	n := bytes.IndexByte(s.b[s.at:], '"')
	if n < 0 {
		return nil, false
	}
	t := s.b[s.at : s.at+n : s.at+n]
	s.at += n + 1
	ascii := true
	for _, c := range t {
		if c < ' ' || c == '\\' {
			return nil, false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return t, ascii || utf8.Valid(t)
}

func (s *scanner) records() ([]rawRecord, bool) {
	if !s.token('[') {
		return nil, false
	}
	records := make([]rawRecord, 0, maxPutRecords)
	for !s.token(']') {
		if len(records) > 0 && !s.token(',') {
			return nil, false
		}
		r, ok := s.record()
		if !ok {
			return nil, false
		}
		records = append(records, r)
	}
	return records, true
}

func (s *scanner) record() (r rawRecord, ok bool) {
	if !s.token('{') {
		return r, false
	}
	for first := true; !s.token('}'); first = false {
		if !first && !s.token(',') {
			return r, false
		}
		name, ok := s.text()
		if !ok || !s.token(':') {
			return r, false
		}
		var at *[]byte
		switch string(name) {
		case "Data":
			at = &r.data
		case "PartitionKey":
			at = &r.key
		case "ExplicitHashKey":
			at = &r.explicit
		default:
			return r, false
		}
		value, ok := s.text()
		if !ok || *at != nil {
			return r, false
		}
		*at = value
	}
	return r, true
}
