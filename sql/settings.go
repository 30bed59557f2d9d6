package sql

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// Environment variables with the values of the settings that take effect in the
// warehouse.
const (
	AutoRefresh = "AUTO_REFRESH" // YES or NO
	Readers     = "READERS"      // a JSON list of NAME, group:NAME and role:NAME
)

// Settings are the statements through which settings take effect in the
// warehouse. They run after the migrations, each time, and unlike those they may
// change: each is a change that can be repeated.
type Settings struct {
	Refresh Setting   // of refresh.sql; On is the materialized view
	Grants  []Setting // of grant.sql; On is a privilege such as SELECT ON ev_station_data
	Revokes []Setting // of revoke.sql; On is a privilege
}

// A Setting is one statement with one placeholder.
type Setting struct {
	File string // such as settings/grant.sql
	Line int    // from 1
	Text string // as it stands in the file
	On   string // what it is about
}

// SQL returns the statement with a value in the place of its placeholder. The
// value is SQL: the caller answers for it.
func (s Setting) SQL(value string) string {
	return settingPlaceholder.ReplaceAllLiteralString(s.Text, value)
}

// Empty says whether there are no such statements, as in an archive of nothing
// but migrations.
func (s Settings) Empty() bool { return s.Refresh.Text == "" }

var settingPlaceholder = regexp.MustCompile(`\$\{(AUTO_REFRESH|READER)\}`)

// The form of a statement in each file. A line is a statement, a comment or blank.
// Names are plain ones, so that On can be compared with the catalog.
var settingForms = []struct {
	file, example string
	form          *regexp.Regexp
}{
	{
		"refresh.sql", "ALTER MATERIALIZED VIEW name AUTO REFRESH ${AUTO_REFRESH};",
		regexp.MustCompile(`^ALTER MATERIALIZED VIEW ([a-z_][a-z0-9_]*) AUTO REFRESH \$\{AUTO_REFRESH\};$`),
	},
	{
		"grant.sql", "GRANT SELECT ON name TO ${READER}; or GRANT USAGE ON SCHEMA name TO ${READER};",
		regexp.MustCompile(`^GRANT ((?:SELECT ON|USAGE ON SCHEMA) [a-z_][a-z0-9_]*) TO \$\{READER\};$`),
	},
	{
		"revoke.sql", "REVOKE SELECT ON name FROM ${READER}; or REVOKE USAGE ON SCHEMA name FROM ${READER};",
		regexp.MustCompile(`^REVOKE ((?:SELECT ON|USAGE ON SCHEMA) [a-z_][a-z0-9_]*) FROM \$\{READER\};$`),
	},
}

// ListSettings returns the statements in fsys, which holds the three files
// refresh.sql, grant.sql and revoke.sql or nothing, or everything that is wrong
// with them. What grant.sql gives, revoke.sql must be able to take.
func ListSettings(fsys fs.FS) (Settings, error) {
	names, err := fs.Glob(fsys, "*")
	if err != nil || len(names) == 0 {
		return Settings{}, err
	}
	known := make(map[string][]Setting)
	var problems []error
	for _, form := range settingForms {
		list, err := readSettings(fsys, form.file, form.form, form.example)
		if err != nil {
			problems = append(problems, err)
		}
		known[form.file] = list
	}
	for _, name := range names {
		if _, ok := known[name]; !ok {
			problems = append(problems, fmt.Errorf("settings/%s: the files of settings are refresh.sql, grant.sql and revoke.sql", name))
		}
	}
	if len(problems) > 0 {
		return Settings{}, errors.Join(problems...)
	}
	refresh := known["refresh.sql"]
	if len(refresh) > 1 {
		return Settings{}, fmt.Errorf("%s:%d: a second statement; one view is refreshed", refresh[1].File, refresh[1].Line)
	}
	s := Settings{Refresh: refresh[0], Grants: known["grant.sql"], Revokes: known["revoke.sql"]}
	for _, g := range s.Grants {
		if _, ok := s.Revoke(g.On); !ok {
			problems = append(problems, fmt.Errorf("%s:%d: settings/revoke.sql lacks REVOKE %s FROM ${READER};", g.File, g.Line, g.On))
		}
	}
	return s, errors.Join(problems...)
}

// Revoke returns the statement that takes a privilege.
func (s Settings) Revoke(privilege string) (Setting, bool) {
	for _, r := range s.Revokes {
		if r.On == privilege {
			return r, true
		}
	}
	return Setting{}, false
}

func readSettings(fsys fs.FS, name string, form *regexp.Regexp, example string) ([]Setting, error) {
	file := "settings/" + name
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if err := checkText(file, data); err != nil {
		return nil, err
	}
	var list []Setting
	seen := make(map[string]bool)
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		match := form.FindStringSubmatch(line)
		switch {
		case match == nil:
			return nil, fmt.Errorf("%s:%d: each line is a comment or %s", file, i+1, example)
		case seen[match[1]]:
			return nil, fmt.Errorf("%s:%d: %s stands here twice", file, i+1, match[1])
		}
		seen[match[1]] = true
		list = append(list, Setting{File: file, Line: i + 1, Text: line, On: match[1]})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: holds no statement", file)
	}
	return list, nil
}
