package fakedataapi

import (
	"fmt"
	"regexp"
	"strings"
)

// checks collects what is wrong with a request, in the wording of the service's
// validation of its model.
type checks []string

func (c *checks) failf(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

func (c *checks) require(member, value string) {
	if value == "" {
		c.failf("Value null at '%s' failed to satisfy constraint: Member must not be null", member)
	}
}

func (c *checks) match(member, value string, pattern *regexp.Regexp) {
	if value != "" && !pattern.MatchString(value) {
		c.failf("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", value, member, pattern)
	}
}

func (c *checks) length(member, value string, lowest, highest int) {
	if n := len(value); n < lowest || n > highest {
		c.failf("Value at '%s' failed to satisfy constraint: Member must have length between %d and %d, not %d", member, lowest, highest, n)
	}
}

func (c checks) err() error {
	if len(c) == 0 {
		return nil
	}
	s := ""
	if len(c) > 1 {
		s = "s"
	}
	return invalid("%d validation error%s detected: %s", len(c), s, strings.Join(c, "; "))
}

var (
	workgroupPattern = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)
	workgroupARN     = regexp.MustCompile(`^arn:aws(-[a-z]+)*:redshift-serverless:`)
	idPattern        = regexp.MustCompile(`^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d{0,2})?$`)
	parameterPattern = regexp.MustCompile(`^[0-9a-zA-Z_]+$`)
)
