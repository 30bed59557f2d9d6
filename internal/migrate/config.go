package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/naming"
	evsql "example.com/evstream/sql"
)

// A Config says which SQL is applied where, and with which values.
type Config struct {
	// Warehouse is the database. Its Wait is also how long Up waits for a role that
	// cannot be used yet, and a part of it for a password that is refused. OnWait
	// is set here.
	Warehouse dataapi.Config
	SQL       evsql.Set

	// Placeholders are the values of the migrations' placeholders, by name. Up
	// needs all of them, Adopt those of its migration. One that is not known is
	// left out.
	Placeholders map[string]string

	AutoRefresh string   // YES or NO, or empty when it is not known; Up needs it
	Readers     []string // each NAME, group:NAME or role:NAME

	// What messages say about the login, as far as it is known.
	Namespace     string // the workgroup's
	SecretName    string // of the secret that people change
	SecretChanged string // when that was changed last
	Profile       string // of the AWS configuration
}

// Environment returns the Config that the environment variables describe; getenv
// gives the value of one, or "". It has no SQL. What is not set is left empty.
func Environment(getenv func(string) string) (Config, error) {
	c := Config{
		Warehouse: dataapi.Config{
			Workgroup: getenv("REDSHIFT_WORKGROUP"),
			Database:  getenv("REDSHIFT_DATABASE"),
			SecretARN: getenv("REDSHIFT_SECRET_ARN"),
			Region:    getenv("AWS_REGION"),
		},
		Placeholders:  make(map[string]string),
		AutoRefresh:   getenv(evsql.AutoRefresh),
		Namespace:     getenv("REDSHIFT_NAMESPACE"),
		SecretName:    getenv("REDSHIFT_SECRET_NAME"),
		SecretChanged: getenv("REDSHIFT_SECRET_CHANGED"),
		Profile:       getenv("AWS_PROFILE"),
	}
	for name := range rules {
		if value := getenv(name); value != "" {
			c.Placeholders[name] = value
		}
	}
	var problems []error
	if wait := getenv("MIGRATE_WAIT"); wait != "" {
		var err error
		if c.Warehouse.Wait, err = time.ParseDuration(wait); err != nil || c.Warehouse.Wait < 0 {
			problems = append(problems, fmt.Errorf("the environment variable MIGRATE_WAIT is %q: it must be a time such as 90s or 5m", wait))
		}
	}
	if list := getenv(evsql.Readers); list != "" {
		if err := json.Unmarshal([]byte(list), &c.Readers); err != nil {
			problems = append(problems, fmt.Errorf(`the environment variable %s is %q: it must be a JSON list such as ["ana","group:analysts"]: %w`, evsql.Readers, list, err))
		}
	}
	return c, errors.Join(problems...)
}

// rules say what a placeholder's value may be. Each is between quotes in the SQL,
// and no value that fits its rule can end them.
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

// check returns everything that is wrong with the values. That one is missing is
// wrong only where all are needed.
func (c Config) check(all bool) error {
	var problems []error
	seen := make(map[string]bool)
	for _, m := range c.SQL.Migrations {
		for _, p := range m.Placeholders {
			value := c.Placeholders[p.Name]
			switch rule := rules[p.Name]; {
			case value == "" && all:
				problems = append(problems, fmt.Errorf("%s:%d: ${%s} has no value: set the environment variable %s to %s",
					m.File, p.Line, p.Name, p.Name, rule.rule))
			case value != "" && !seen[p.Name] && !rule.ok(value):
				problems = append(problems, fmt.Errorf("%s:%d: ${%s} is %q: it must be %s", m.File, p.Line, p.Name, value, rule.rule))
			}
			seen[p.Name] = true
		}
	}
	repeats := c.SQL.Repeatable.Refresh.Text != ""
	switch {
	case !repeats && all && (c.AutoRefresh != "" || c.Readers != nil):
		problems = append(problems, fmt.Errorf("%s and %s are set, and the SQL has no repeatable/*.sql to use them in", evsql.AutoRefresh, evsql.Readers))
	case c.AutoRefresh == "" && !(repeats && all), c.AutoRefresh == "YES", c.AutoRefresh == "NO":
	default:
		problems = append(problems, fmt.Errorf("the environment variable %s is %q: it must be YES or NO", evsql.AutoRefresh, c.AutoRefresh))
	}
	for _, r := range c.Readers {
		if err := naming.Reader(r).Check(); err != nil {
			problems = append(problems, fmt.Errorf("the environment variable %s holds %q: %w", evsql.Readers, r, err))
		}
	}
	return errors.Join(problems...)
}

// readers returns the readers in order, each once.
func (c Config) readers() []reader {
	var list []reader
	for _, r := range c.Readers {
		list = append(list, reader(r))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
