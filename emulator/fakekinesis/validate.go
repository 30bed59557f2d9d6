package fakekinesis

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
)

// Constraints of the service model, API version 2013-12-02.
var (
	streamNameRule  = textRule{1, 128, regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)}
	streamARNRule   = textRule{1, 2048, regexp.MustCompile(`^arn:aws.*:kinesis:.*:\d{12}:stream/\S+$`)}
	resourceARNRule = textRule{1, 2048, regexp.MustCompile(`^arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+$`)}
	shardIDRule     = textRule{1, 128, regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)}
	sequenceRule    = textRule{0, 1 << 20, regexp.MustCompile(`^(?:0|([1-9]\d{0,128}))$`)}
	hashKeyRule     = textRule{0, 1 << 20, regexp.MustCompile(`^(?:0|([1-9]\d{0,38}))$`)}
	partitionRule   = textRule{1, 256, nil}
	iteratorRule    = textRule{1, 512, nil}
	nextTokenRule   = textRule{1, 1 << 20, nil}
	keyIDRule       = textRule{1, 2048, nil}
	tagKeyRule      = textRule{1, 128, nil}
	tagValueRule    = textRule{0, 256, nil}
)

// A textRule bounds a string in characters and, unless nil, by a pattern.
type textRule struct {
	min, max int
	pattern  *regexp.Regexp
}

func (r textRule) fits(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= r.min && n <= r.max
}

func (r textRule) String() string {
	return fmt.Sprintf("[Member must have length less than or equal to %d, Member must have length greater than or equal to %d]", r.max, r.min)
}

// checks collects broken constraints, so that one answer names them all, as the
// service's does.
type checks struct{ problems []string }

func (c *checks) add(member, value, rule string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s",
		value, member, fmt.Sprintf(rule, args...)))
}

func (c *checks) required(member string, present bool) {
	if !present {
		c.add(member, "null", "Member must not be null")
	}
}

// text checks an optional string.
func (c *checks) text(member string, value *string, rule textRule) {
	if value == nil {
		return
	}
	n, shown := utf8.RuneCountInString(*value), "'"+*value+"'"
	if n < rule.min {
		c.add(member, shown, "Member must have length greater than or equal to %d", rule.min)
	}
	if n > rule.max {
		c.add(member, shown, "Member must have length less than or equal to %d", rule.max)
	}
	if rule.pattern != nil && !rule.pattern.MatchString(*value) {
		c.add(member, shown, "Member must satisfy regular expression pattern: %s",
			strings.NewReplacer("^", "", "$", "", "(?:0|([1-9]", "0|([1-9]", "}))", "})").Replace(rule.pattern.String()))
	}
}

// number checks an optional integer; max 0 means no upper bound.
func (c *checks) number(member string, value *int, min, max int) {
	if value == nil {
		return
	}
	shown := "'" + strconv.Itoa(*value) + "'"
	if *value < min {
		c.add(member, shown, "Member must have value greater than or equal to %d", min)
	}
	if max != 0 && *value > max {
		c.add(member, shown, "Member must have value less than or equal to %d", max)
	}
}

// size checks how many members a list or a map has; shown is what it holds.
func (c *checks) size(member, shown string, n, max int) {
	if n < 1 {
		c.add(member, "'"+shown+"'", "Member must have length greater than or equal to 1")
	}
	if n > max {
		c.add(member, "'"+shown+"'", "Member must have length less than or equal to %d", max)
	}
}

func (c *checks) oneOf(member string, value *string, allowed ...string) {
	if value == nil {
		return
	}
	for _, a := range allowed {
		if *value == a {
			return
		}
	}
	c.add(member, "'"+*value+"'", "Member must satisfy enum value set: [%s]", strings.Join(allowed, ", "))
}

func (c *checks) err() error {
	switch n := len(c.problems); n {
	case 0:
		return nil
	case 1:
		return errorf("ValidationException", "1 validation error detected: %s", c.problems[0])
	default:
		return errorf("ValidationException", "%d validation errors detected: %s", n, strings.Join(c.problems, "; "))
	}
}

// decode reads a request body into in. A member that in lacks is refused: the service
// would ignore one it doesn't know, but here it is more likely a feature that a caller
// relies on and the stand-in lacks. Names count as they are written.
func decode(body []byte, in any) error {
	err := jsonv2.Unmarshal(body, in, jsonv2.RejectUnknownMembers(true))
	var own *Error
	var semantic *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.Is(err, jsonv2.ErrUnknownName) && errors.As(err, &semantic):
		return errorf("ValidationException", "fakekinesis does not support the request member %q", semantic.JSONPointer.LastToken())
	}
	return errorf("SerializationException", "%v", err)
}

// An epoch is a time as the protocol writes it: seconds since 1970 with milliseconds.
type epoch time.Time

func (e epoch) MarshalJSON() ([]byte, error) { return appendEpoch(nil, time.Time(e).UnixMilli()), nil }

func (e *epoch) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return errorf("SerializationException", "a timestamp is a number of seconds, not %s", b)
	}
	*e = epoch(time.UnixMilli(int64(seconds*1000 + 0.5)))
	return nil
}

func appendEpoch(b []byte, ms int64) []byte {
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', 3, 64)
}
