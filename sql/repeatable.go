package sql

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Environment variables with the values of the placeholders in what is repeated.
const (
	AutoRefresh = "AUTO_REFRESH" // YES or NO
	Readers     = "READERS"      // a JSON list of NAME, group:NAME and role:NAME
)

// Repeatable is the SQL that runs after the migrations each time. Unlike them it
// may change.
type Repeatable struct {
	Refresh Repeated   // of refresh.sql; On is the materialized view
	Grants  []Repeated // of grant.sql; On is a privilege such as SELECT ON ev_station_data
}

// A Repeated is one statement with one placeholder.
type Repeated struct {
	Statement
	File string // such as repeatable/grant.sql
	On   string // what it is about
}

// SQL returns the statement with a value in the place of its placeholder. The
// value is SQL: the caller answers for it.
func (r Repeated) SQL(value string) string {
	return placeholder.ReplaceAllLiteralString(r.Text, value)
}

// What a statement of each file is. Names are plain ones, so that On can be compared
// with the catalog.
var (
	refreshForm = regexp.MustCompile(`^ALTER MATERIALIZED VIEW ([a-z_][a-z0-9_]*) AUTO REFRESH \$\{AUTO_REFRESH\}$`)
	grantForm   = regexp.MustCompile(`^GRANT ((?:SELECT ON|USAGE ON SCHEMA) [a-z_][a-z0-9_]*) TO \$\{READER\}$`)
)

// maxGrants leaves room in a batch for what records the grants.
const maxGrants = maxBatch - 1

// listRepeatable returns the statements in fsys, which holds refresh.sql and
// grant.sql or nothing, or everything that is wrong with them.
func listRepeatable(fsys fs.FS) (Repeatable, error) {
	names, err := fs.Glob(fsys, "*")
	if err != nil || len(names) == 0 {
		return Repeatable{}, err
	}
	refresh, err := readRepeatable(fsys, "refresh.sql", refreshForm, 1,
		"ALTER MATERIALIZED VIEW name AUTO REFRESH ${AUTO_REFRESH};")
	grants, grantErr := readRepeatable(fsys, "grant.sql", grantForm, maxGrants,
		"GRANT SELECT ON name TO ${READER}; or GRANT USAGE ON SCHEMA name TO ${READER};")
	problems := []error{err, grantErr}
	for _, name := range names {
		if name != "refresh.sql" && name != "grant.sql" {
			problems = append(problems, fmt.Errorf("%s%s: the files there are refresh.sql and grant.sql", repeatableDir, name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Repeatable{}, err
	}
	return Repeatable{Refresh: refresh[0], Grants: grants}, nil
}

// readRepeatable reads a file of one statement or more, up to a limit.
func readRepeatable(fsys fs.FS, name string, form *regexp.Regexp, limit int, example string) ([]Repeated, error) {
	file := repeatableDir + name
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if err := checkText(file, data); err != nil {
		return nil, err
	}
	statements, err := Split(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	var list []Repeated
	for _, s := range statements {
		match := form.FindStringSubmatch(s.Text)
		switch {
		case match == nil:
			return nil, fmt.Errorf("%s:%d: each statement is %s", file, s.Line, example)
		case slices.ContainsFunc(list, func(r Repeated) bool { return r.On == match[1] }):
			return nil, fmt.Errorf("%s:%d: %s is here twice", file, s.Line, match[1])
		case len(list) == limit:
			return nil, fmt.Errorf("%s:%d: statement %d; there can be %d", file, s.Line, limit+1, limit)
		}
		list = append(list, Repeated{Statement: s, File: file, On: match[1]})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: holds no statement", file)
	}
	return list, nil
}

// privilege matches what a Repeated of grant.sql is about.
var privilege = regexp.MustCompile(`^(?:SELECT ON|USAGE ON SCHEMA) [a-z_][a-z0-9_]*$`)

// Revoke returns the statement that takes a privilege that a statement of
// grant.sql gave, also one that is no longer there. The grantee is SQL: the caller
// answers for it.
func Revoke(on, grantee string) (string, error) {
	if !privilege.MatchString(on) {
		return "", fmt.Errorf("%q is no privilege that %sgrant.sql gives", on, repeatableDir)
	}
	return strings.Join([]string{"REVOKE", on, "FROM", grantee}, " "), nil
}
