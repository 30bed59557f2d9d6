// Package awsmodel holds requests and answers against the models of AWS's services:
// members and their types, what is required, lengths, patterns, ranges and enumerations.
//
// models.json has, of botocore's models, the operations that the stand-ins serve over HTTP.
package awsmodel

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

//go:embed models.json
var text []byte

// A Service is the model of one.
type Service struct {
	Target     string // before the operation in X-Amz-Target
	Operations map[string]Operation
	Shapes     map[string]*shape
}

// An Operation names the shapes of its input, its output and its own errors.
type Operation struct {
	Input, Output string
	Errors        []string
}

type shape struct {
	Type            string
	Members         map[string]string // of a structure: shapes
	Required        []string
	Union           bool   // one member only
	Member          string // of a list
	Key, Value      string // of a map
	Min, Max        *float64
	Pattern         string
	Enum            []string
	TimestampFormat string

	matches *regexp.Regexp
}

var load = sync.OnceValues(func() (map[string]*Service, error) {
	var all struct{ Services map[string]*Service }
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("reading the models: %w", err)
	}
	for name, s := range all.Services {
		for _, sh := range s.Shapes {
			var err error
			if sh.Pattern == "" {
				continue
			}
			if sh.matches, err = regexp.Compile("^(?:" + sh.Pattern + ")$"); err != nil {
				return nil, fmt.Errorf("a pattern of %s: %w", name, err)
			}
		}
	}
	return all.Services, nil
})

// Of returns the model of a service, by its name in the AWS CLI.
func Of(service string) (*Service, error) {
	all, err := load()
	if err != nil {
		return nil, err
	}
	if all[service] == nil {
		return nil, fmt.Errorf("there is no model of %q", service)
	}
	return all[service], nil
}

// Request says what the model has against an operation's request.
func (s *Service) Request(operation string, body []byte) error {
	op, known := s.Operations[operation]
	if !known {
		return fmt.Errorf("the service has no operation %q, or models.json lacks it", operation)
	}
	return s.check(op.Input, body)
}

// Answer says what the model has against an operation's answer.
func (s *Service) Answer(operation string, body []byte) error {
	op, known := s.Operations[operation]
	switch {
	case !known:
		return fmt.Errorf("the service has no operation %q, or models.json lacks it", operation)
	case op.Output == "" && len(body) > 0:
		return fmt.Errorf("it has no answer, not %.100s", body)
	case op.Output == "":
		return nil
	}
	return s.check(op.Output, body)
}

// Error says what the model has against an error: it has a code, one of the operation's
// or of those that every operation has. A message is in no model's requirements, and an
// InternalFailure has none.
func (s *Service) Error(operation string, body []byte) error {
	var e map[string]any
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	code, _ := e["__type"].(string)
	if code == "" {
		return fmt.Errorf("it has no __type: %.200s", body)
	}
	if !slices.Contains(common, code) && !slices.Contains(s.Operations[operation].Errors, code) {
		return fmt.Errorf("%s has no error %s", operation, code)
	}
	return nil
}

// common are errors that every operation has.
// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
var common = []string{
	"AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InternalFailure", "InternalFailureException", "InternalServerException",
	"InvalidSignatureException", "MissingAuthenticationTokenException", "RequestEntityTooLargeException", "SerializationException",
	"ServiceUnavailable", "ServiceUnavailableException", "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException", "ValidationException",
}

func (s *Service) check(shape string, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	var found []error
	s.value("", shape, v, func(format string, args ...any) {
		if len(found) < 10 {
			found = append(found, fmt.Errorf(format, args...))
		}
	})
	return errors.Join(found...)
}

// value checks one value; at is where it is.
func (s *Service) value(at, name string, v any, report func(string, ...any)) {
	sh := s.Shapes[name]
	n, counted := 0.0, true // what min and max are about
	switch sh.Type {
	case "structure":
		object, ok := v.(map[string]any)
		if !ok {
			report("%s is %T, not a structure", at, v)
			return
		}
		for _, key := range sh.Required {
			if object[key] == nil {
				report("%s.%s is missing", at, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			member, known := sh.Members[key]
			if !known {
				report("%s has no member %s", at, key)
			} else if object[key] != nil {
				s.value(at+"."+key, member, object[key], report)
			}
		}
		if sh.Union && len(object) != 1 {
			report("%s has %d members of a union", at, len(object))
		}
		return
	case "list":
		list, ok := v.([]any)
		if !ok {
			report("%s is %T, not a list", at, v)
			return
		}
		for i, item := range list {
			if item == nil {
				report("%s[%d] is null", at, i)
				continue
			}
			s.value(fmt.Sprintf("%s[%d]", at, i), sh.Member, item, report)
		}
		n = float64(len(list))
	case "map":
		object, ok := v.(map[string]any)
		if !ok {
			report("%s is %T, not a map", at, v)
			return
		}
		for key, item := range object {
			s.value(at+" key", sh.Key, key, report)
			s.value(at+"."+key, sh.Value, item, report)
		}
		n = float64(len(object))
	case "string":
		text, ok := v.(string)
		if !ok {
			report("%s is %T, not a string", at, v)
			return
		}
		if sh.matches != nil && !sh.matches.MatchString(text) {
			report("%s is %.100q, which does not match %s", at, text, sh.Pattern)
		}
		if len(sh.Enum) > 0 && !slices.Contains(sh.Enum, text) {
			report("%s is %q, not one of %s", at, text, strings.Join(sh.Enum, ", "))
		}
		n = float64(utf8.RuneCountInString(text))
	case "blob":
		encoded, ok := v.(string)
		data, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !ok || err != nil {
			report("%s is no base64", at)
			return
		}
		n = float64(len(data))
	case "integer", "long":
		number, ok := v.(float64)
		if !ok || number != math.Trunc(number) {
			report("%s is %v, not a whole number", at, v)
			return
		}
		n = number
	case "float", "double":
		number, ok := v.(float64)
		if !ok {
			report("%s is %T, not a number", at, v)
			return
		}
		n = number
	case "boolean":
		if _, ok := v.(bool); !ok {
			report("%s is %T, not a boolean", at, v)
		}
		counted = false
	case "timestamp":
		counted = false
		_, isNumber := v.(float64)
		stamp, isText := v.(string)
		_, err := time.Parse(time.RFC3339, stamp)
		if sh.TimestampFormat == "iso8601" && (!isText || err != nil) || sh.TimestampFormat != "iso8601" && !isNumber {
			report("%s is %v, not a time", at, v)
		}
	default:
		report("%s is of the unknown type %s", at, sh.Type)
	}
	if counted && (sh.Min != nil && n < *sh.Min || sh.Max != nil && n > *sh.Max) {
		report("%s has %v of %s to %s", at, n, bound(sh.Min), bound(sh.Max))
	}
}

func bound(b *float64) string {
	if b == nil {
		return "any"
	}
	return fmt.Sprint(*b)
}
