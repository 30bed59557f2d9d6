package fakedataapi

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// checks collects what is wrong with a request, in the wording of AWS's validation of
// models; a pattern has words of this service's own.
type checks []string

func (c *checks) failf(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

func (c *checks) require(member, value string) {
	if value == "" {
		c.failf("Value null at '%s' failed to satisfy constraint: Member must not be null", member)
	}
}

func (c *checks) match(member, value string, pattern *regexp.Regexp) {
	if value != "" && !pattern.MatchString(value) {
		c.failf("%s must satisfy regex pattern: %s", member, strings.Trim(pattern.String(), "^$"))
	}
}

func (c *checks) length(member, value string, lowest, highest int) {
	if n := utf8.RuneCountInString(value); n < lowest || n > highest {
		c.failf("Value at '%s' failed to satisfy constraint: Member must have length between %d and %d, not %d", member, lowest, highest, n)
	}
}

func (c checks) err() error {
	if len(c) == 0 {
		return nil
	}
	s := "s"
	if len(c) == 1 {
		if strings.Contains(c[0], " must satisfy regex pattern: ") {
			return invalid("%s", c[0])
		}
		s = ""
	}
	return invalid("%d validation error%s detected: %s", len(c), s, strings.Join(c, "; "))
}

var (
	workgroupPattern = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)
	workgroupARN     = regexp.MustCompile(`^arn:aws(-[a-z]+)*:redshift-serverless:`)
	idPattern        = regexp.MustCompile(`^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d{0,2})?$`)
	parameterPattern = regexp.MustCompile(`^[0-9a-zA-Z_]+$`)
)
