// Package awsmodel checks requests and answers against the models of AWS's services:
// members and their types, what is required, lengths, patterns, ranges and enumerations.
//
// models.json has, of botocore's models, the operations that the emulator serves; extract.py
// writes it.
package awsmodel

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
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
	Sensitive       bool // its value must not be shown

	matches *regexp.Regexp
}

var load = sync.OnceValues(func() (map[string]*Service, error) {
	var all struct{ Services map[string]*Service }
	if err := jsonv2.Unmarshal(text, &all, jsonv2.MatchCaseInsensitiveNames(true)); err != nil {
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

// A Problem is a value that breaks the model.
type Problem struct {
	Kind   Kind
	Member string // where it is, as the services write it: records.1.member.partitionKey
	Value  string // as the services show it: null, '-1'; "" if it must not be shown
	Rule   string // as the services word it, except for Malformed, where it says what it is instead
}

// A Kind tells problems that services answer in different ways.
type Kind int

// The kinds of problems.
const (
	Broken    Kind = iota // a constraint: required, length, pattern, range, enumeration
	Malformed             // a value of another type, or no JSON at all
	Unknown               // a member that the model does not have; services ignore it
)

// String is the problem in the words of the services.
func (p Problem) String() string {
	switch {
	case p.Kind == Malformed:
		return fmt.Sprintf("%s %s", p.Member, p.Rule)
	case p.Kind == Unknown:
		return fmt.Sprintf("%s is not a member in the service's model", p.Member)
	case p.Value == "":
		return fmt.Sprintf("Value at '%s' failed to satisfy constraint: %s", p.Member, p.Rule)
	}
	return fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", p.Value, p.Member, p.Rule)
}

// Message names broken constraints in one text, as Kinesis does in recorded answers.
func Message(problems []Problem) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.String()
	}
	s := "s"
	if len(problems) == 1 {
		s = ""
	}
	return fmt.Sprintf("%d validation error%s detected: %s", len(problems), s, strings.Join(texts, "; "))
}

// Request says what breaks the model in an operation's request.
func (s *Service) Request(operation string, body []byte) []Problem {
	op, known := s.Operations[operation]
	if !known {
		return []Problem{{Kind: Malformed, Member: operation, Rule: "is no operation of the service, or models.json lacks it"}}
	}
	return s.check(op.Input, body)
}

// Answer says what breaks the model in an operation's answer.
func (s *Service) Answer(operation string, body []byte) []Problem {
	op := s.Operations[operation]
	switch {
	case op.Output == "" && len(body) > 0:
		return []Problem{{Kind: Malformed, Member: operation, Rule: fmt.Sprintf("has no answer, not %.100s", body)}}
	case op.Output == "":
		return nil
	}
	return s.check(op.Output, body)
}

// Error says why an operation can't answer with an error: its code is neither one of the
// operation's nor of those that every operation has.
func (s *Service) Error(operation, code string) error {
	if code == "" {
		return errors.New("the error has no code")
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

func (s *Service) check(shape string, body []byte) []Problem {
	var v any
	if err := jsonv2.Unmarshal(body, &v); err != nil {
		return []Problem{{Kind: Malformed, Member: "the body", Rule: "is no JSON: " + err.Error()}}
	}
	c := checker{service: s}
	c.value("", shape, v)
	return c.found
}

type checker struct {
	service *Service
	found   []Problem
}

func (c *checker) malformed(at, format string, args ...any) {
	c.found = append(c.found, Problem{Kind: Malformed, Member: cmp.Or(at, "the body"), Rule: fmt.Sprintf(format, args...)})
}

// value checks one value; at is where it is.
func (c *checker) value(at, name string, v any) {
	sh := c.service.Shapes[name]
	switch sh.Type {
	case "structure":
		c.structure(at, sh, v)
	case "list":
		c.list(at, sh, v)
	case "map":
		c.mapping(at, sh, v)
	default:
		problem, rules := c.simple(sh, v)
		if problem != "" {
			c.malformed(at, "%s", problem)
		}
		for _, rule := range rules {
			c.broken(at, sh, v, rule)
		}
	}
}

func (c *checker) broken(at string, sh *shape, v any, rule string) {
	shown := ""
	if !sh.Sensitive {
		shown = c.shown(sh, v)
	}
	c.found = append(c.found, Problem{Member: at, Value: shown, Rule: rule})
}

func (c *checker) structure(at string, sh *shape, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		c.malformed(at, "is not a structure: %.100s", fmt.Sprint(v))
		return
	}
	in := func(member string) string {
		first, size := utf8.DecodeRuneInString(member)
		member = string(unicode.ToLower(first)) + member[size:]
		if at != "" {
			return at + "." + member
		}
		return member
	}
	for _, key := range sh.Required {
		if object[key] == nil {
			c.found = append(c.found, Problem{Member: in(key), Value: "null", Rule: "Member must not be null"})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if _, known := sh.Members[key]; !known {
			c.found = append(c.found, Problem{Kind: Unknown, Member: strings.TrimPrefix(at+"."+key, ".")})
		} else if object[key] != nil {
			c.value(in(key), sh.Members[key], object[key])
		}
	}
	if sh.Union && len(object) != 1 {
		c.malformed(at, "has %d members of a union", len(object))
	}
}

func (c *checker) list(at string, sh *shape, v any) {
	list, ok := v.([]any)
	if !ok {
		c.malformed(at, "is not a list: %.100s", fmt.Sprint(v))
		return
	}
	for _, rule := range bounds(sh, "length", float64(len(list))) {
		c.broken(at, sh, v, rule)
	}
	item := c.service.Shapes[sh.Member]
	plain := c.plain(item)
	var all []string
	for i, it := range list {
		inside := fmt.Sprintf("%s.%d.member", at, i+1)
		switch {
		case it == nil:
			c.malformed(inside, "is null")
		case !plain:
			c.value(inside, sh.Member, it)
		default:
			problem, rules := c.simple(item, it)
			if problem != "" {
				c.malformed(inside, "%s", problem)
			}
			all = append(all, rules...)
		}
	}
	if len(all) > 0 {
		c.broken(at, sh, v, "Member must satisfy constraint: ["+constraints(item)+"]")
	}
}

func (c *checker) mapping(at string, sh *shape, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		c.malformed(at, "is not a map: %.100s", fmt.Sprint(v))
		return
	}
	for _, rule := range bounds(sh, "length", float64(len(object))) {
		c.broken(at, sh, v, rule)
	}
	keys, values := c.service.Shapes[sh.Key], c.service.Shapes[sh.Value]
	badKeys, badValues := false, false
	for _, key := range slices.Sorted(maps.Keys(object)) {
		_, rules := c.simple(keys, key)
		badKeys = badKeys || len(rules) > 0
		if !c.plain(values) {
			c.value(at+"."+key, sh.Value, object[key])
			continue
		}
		problem, rules := c.simple(values, object[key])
		if problem != "" {
			c.malformed(at+"."+key, "%s", problem)
		}
		badValues = badValues || len(rules) > 0
	}
	if badKeys {
		c.broken(at, sh, v, "Map keys must satisfy constraint: ["+constraints(keys)+"]")
	}
	if badValues {
		c.broken(at, sh, v, "Map value must satisfy constraint: ["+constraints(values)+"]")
	}
}

func (c *checker) plain(sh *shape) bool {
	return !slices.Contains([]string{"structure", "list", "map"}, sh.Type)
}

// simple checks a value without members: what it is instead of its type, and the rules
// that it breaks.
func (c *checker) simple(sh *shape, v any) (malformed string, rules []string) {
	switch sh.Type {
	case "string":
		text, ok := v.(string)
		if !ok {
			return fmt.Sprintf("is not a string: %.100s", fmt.Sprint(v)), nil
		}
		rules = bounds(sh, "length", float64(utf8.RuneCountInString(text)))
		if sh.matches != nil && !sh.matches.MatchString(text) {
			rules = append(rules, patternRule+sh.Pattern)
		}
		if len(sh.Enum) > 0 && !slices.Contains(sh.Enum, text) {
			rules = append(rules, fmt.Sprintf("Member must satisfy enum value set: [%s]", strings.Join(sh.Enum, ", ")))
		}
	case "blob":
		data, err := Blob(v)
		if err != nil {
			return err.Error(), nil
		}
		rules = bounds(sh, "length", float64(len(data)))
	case "integer", "long":
		number, ok := v.(float64)
		if !ok || number != math.Trunc(number) || sh.Type == "integer" && math.Abs(number) > math.MaxInt32 {
			return fmt.Sprintf("is not a whole number of its size: %v", v), nil
		}
		rules = bounds(sh, "value", number)
	case "float", "double":
		number, ok := v.(float64)
		if !ok {
			return fmt.Sprintf("is not a number: %.100s", fmt.Sprint(v)), nil
		}
		rules = bounds(sh, "value", number)
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Sprintf("is not a boolean: %.100s", fmt.Sprint(v)), nil
		}
	case "timestamp":
		_, isNumber := v.(float64)
		stamp, isText := v.(string)
		_, err := time.Parse(time.RFC3339, stamp)
		if sh.TimestampFormat == "iso8601" && (!isText || err != nil) || sh.TimestampFormat != "iso8601" && !isNumber {
			return fmt.Sprintf("is not a time: %.100s", fmt.Sprint(v)), nil
		}
	default:
		return "is of the unknown type " + sh.Type, nil
	}
	return "", rules
}

const patternRule = "Member must satisfy regular expression pattern: "

// Pattern is the regular expression that a broken constraint is about; "" if it is about
// something else.
func (p Problem) Pattern() string {
	pattern, ok := strings.CutPrefix(p.Rule, patternRule)
	if !ok {
		return ""
	}
	return pattern
}

// Blob is what a value holds in base64, without line breaks.
func Blob(v any) ([]byte, error) {
	encoded, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("is not a string of base64: %.100s", fmt.Sprint(v))
	}
	if strings.ContainsAny(encoded, "\r\n") {
		return nil, errors.New("is not base64: it has a line break")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("is not base64: %w", err)
	}
	return data, nil
}

// bounds are the bounds that a length or a value is beyond.
func bounds(sh *shape, what string, n float64) (rules []string) {
	if sh.Min != nil && n < *sh.Min {
		rules = append(rules, fmt.Sprintf("Member must have %s greater than or equal to %.0f", what, *sh.Min))
	}
	if sh.Max != nil && n > *sh.Max {
		rules = append(rules, fmt.Sprintf("Member must have %s less than or equal to %.0f", what, *sh.Max))
	}
	return rules
}

// constraints are all rules of a string, as the services list them for members of lists
// and maps.
func constraints(sh *shape) string {
	var rules []string
	if sh.Max != nil {
		rules = append(rules, fmt.Sprintf("Member must have length less than or equal to %.0f", *sh.Max))
	}
	if sh.Min != nil {
		rules = append(rules, fmt.Sprintf("Member must have length greater than or equal to %.0f", *sh.Min))
	}
	if sh.Pattern != "" {
		rules = append(rules, patternRule+sh.Pattern)
	}
	return strings.Join(rules, ", ")
}

// shown is a value as the services write it in a message: in quotes, lists and maps as
// Java prints them, here in the order of the keys.
func (c *checker) shown(sh *shape, v any) string {
	const longest = 10 << 10
	text := ""
	switch v := v.(type) {
	case []any:
		if len(v) > 0 && !c.plain(c.service.Shapes[sh.Member]) {
			text = fmt.Sprintf("[%d members]", len(v))
			break
		}
		text = "[" + strings.Join(texts(v), ", ") + "]"
	case map[string]any:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, fmt.Sprintf("%s=%v", k, v[k]))
		}
		text = "{" + strings.Join(pairs, ", ") + "}"
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		text = fmt.Sprint(v)
	}
	if sh.Type == "blob" {
		data, _ := Blob(v) // what is no base64 has no length to be wrong
		text = fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", len(data), len(data))
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return "'" + text + "'"
}

func texts(values []any) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = fmt.Sprint(v)
	}
	return all
}

// Fits says whether a value fits a shape.
func (s *Service) Fits(shape string, value any) bool {
	c := checker{service: s}
	c.value("", shape, value)
	return len(c.found) == 0
}
