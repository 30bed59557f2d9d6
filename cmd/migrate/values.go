package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"example.com/evstream/internal/naming"
	evsql "example.com/evstream/sql"
)

// rules say what a placeholder's value may be. Each stands between quotes in the
// SQL, and no value that fits its rule can end them.
var rules = map[string]struct {
	ok   func(value string) bool
	rule string
}{
	// A comma, though IAM allows it in a role's name, separates chained roles in
	// Redshift's IAM_ROLE.
	evsql.StreamingRoleARN: {
		regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=.@/-]{1,576}$`).MatchString,
		"the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME, without a comma",
	},
	evsql.StreamName: {naming.Stream, "a stream's name, " + naming.StreamRule},
}

// readValues returns the values of the placeholders in the migrations from the
// environment, where goose takes them from as well, or everything that is wrong
// with them. What is unset is an error only where all are needed.
func readValues(list []evsql.Migration, needed bool) (map[string]string, error) {
	values := make(map[string]string)
	var problems []error
	for _, m := range list {
		for _, p := range m.Placeholders {
			value := os.Getenv(p.Name)
			_, seen := values[p.Name]
			switch rule := rules[p.Name]; {
			case value == "" && needed:
				problems = append(problems, fmt.Errorf("%s:%d: ${%s} has no value: set the environment variable %s to %s",
					m.File, p.Line, p.Name, p.Name, rule.rule))
			case value == "" || seen:
			case !rule.ok(value):
				problems = append(problems, fmt.Errorf("%s:%d: ${%s} is %q: it must be %s",
					m.File, p.Line, p.Name, value, rule.rule))
			default:
				values[p.Name] = value
			}
		}
	}
	return values, errors.Join(problems...)
}
