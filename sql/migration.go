package sql

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// The placeholders a migration may hold, written ${NAME} where the file has
// "-- +goose ENVSUB ON". Their values come from the environment variables of the
// same names.
const (
	StreamingRoleARN = "STREAMING_ROLE_ARN" // the role with which Redshift reads the stream
	StreamName       = "STREAM_NAME"        // the Kinesis stream
)

// A Migration is one file of SQL that is applied once.
type Migration struct {
	Version      int64
	File         string // base name, NNNNN_name.sql
	SHA256       string // of the file's bytes, in lower-case hexadecimal
	Statements   []Statement
	Placeholders []Placeholder
}

// A Statement is one SQL statement of a migration as it stands in the file:
// without the comments before it, with its semicolon, placeholders not replaced.
type Statement struct {
	Line int // of its first line, from 1
	Text string
}

// A Placeholder is one place in a file where a value is put in.
type Placeholder struct {
	Name string
	Line int // from 1
}

// List returns the migrations in fsys in order of version, or everything that is
// wrong with them:
//
//   - names are NNNNN_name.sql, versions count from 1 without gap or duplicate;
//   - files are UTF-8 text that an archive gives back byte for byte;
//   - each file says "-- +goose NO TRANSACTION" and has no "-- +goose Down":
//     Redshift cannot take most of this DDL back without losing data, so what
//     was applied is changed only by a further migration;
//   - each file is one statement, after the SET statements it needs. Without
//     transactions that is what makes a migration either done or not done;
//   - ${NAME} is one of the known placeholders, and stands where goose replaces it.
func List(fsys fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("listing the migrations: %w", err)
	}
	if len(entries) == 0 {
		return nil, errors.New("there are no migrations")
	}
	var (
		list     []Migration
		problems []error
	)
	for _, entry := range entries { // sorted by name, so by version
		m, err := read(fsys, entry.Name())
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, m)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for i, m := range list {
		want := int64(i + 1)
		switch {
		case i > 0 && m.Version == list[i-1].Version:
			return nil, fmt.Errorf("%s and %s have the same number", list[i-1].File, m.File)
		case m.Version != want:
			return nil, fmt.Errorf("%s: number %05d is missing before it; migrations count from 00001 without a gap", m.File, want)
		}
	}
	return list, nil
}

func read(fsys fs.FS, name string) (Migration, error) {
	version, err := checkName(name)
	if err != nil {
		return Migration{}, err
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Migration{}, fmt.Errorf("reading a migration: %w", err)
	}
	if err := checkText(name, data); err != nil {
		return Migration{}, err
	}
	sum := sha256.Sum256(data)
	m := Migration{Version: version, File: name, SHA256: hex.EncodeToString(sum[:])}
	if err := m.parse(string(data)); err != nil {
		return Migration{}, err
	}
	return m, nil
}

// parse splits the text into statements exactly as goose does when it runs them,
// so that rules hold for what runs and a failed statement is found in its file.
func (m *Migration) parse(text string) error {
	var (
		up, noTransaction, envsub, block bool

		begun     []string // lines of the statement being read
		begunLine int
	)
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		at := func(format string, args ...any) error {
			return fmt.Errorf("%s:%d: %s", m.File, i+1, fmt.Sprintf(format, args...))
		}
		end := false
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "--") && strings.Contains(line, "+goose") {
			annotation, ok := strings.CutPrefix(line, "-- +goose ")
			if !ok {
				return at("an annotation is written -- +goose NAME at the start of its line")
			}
			switch annotation {
			case "NO TRANSACTION":
				noTransaction = true
			case "ENVSUB ON":
				envsub = true
			case "ENVSUB OFF":
				envsub = false
			case "Up":
				if up {
					return at("a second -- +goose Up")
				}
				up = true
			case "StatementBegin":
				if !up || block || len(begun) > 0 {
					return at("-- +goose StatementBegin inside a statement or before -- +goose Up")
				}
				block = true
			case "StatementEnd":
				if !block {
					return at("-- +goose StatementEnd without -- +goose StatementBegin")
				}
				block, end = false, true
			case "Down":
				return at("migrations are never taken back; delete -- +goose Down and what follows it")
			default:
				return at("unknown annotation %q", annotation)
			}
			if !end {
				continue
			}
		}
		if len(begun) == 0 && (line == "" || strings.HasPrefix(trimmed, "--")) {
			continue // between statements
		}
		if !end {
			if !up {
				if trimmed == "" {
					continue
				}
				return at("SQL before -- +goose Up")
			}
			if err := m.placeholders(line, i+1, envsub); err != nil {
				return at("%v", err)
			}
			if len(begun) == 0 {
				begunLine = i + 1
			}
			begun = append(begun, line)
			end = !block && endsStatement(line)
		}
		if end {
			if statement := strings.TrimSpace(strings.Join(begun, "\n")); statement != "" {
				m.Statements = append(m.Statements, Statement{Line: begunLine, Text: statement})
			}
			begun = nil
		}
	}
	switch {
	case !noTransaction:
		return fmt.Errorf("%s: lacks the line -- +goose NO TRANSACTION; the Redshift Data API runs each statement on its own", m.File)
	case !up:
		return fmt.Errorf("%s: lacks the line -- +goose Up", m.File)
	case block:
		return fmt.Errorf("%s: lacks the line -- +goose StatementEnd", m.File)
	case strings.TrimSpace(strings.Join(begun, "")) != "":
		return fmt.Errorf("%s:%d: the statement does not end in a semicolon", m.File, begunLine)
	case len(m.Statements) == 0:
		return fmt.Errorf("%s: holds no statement", m.File)
	}
	for i, s := range m.Statements {
		last := i == len(m.Statements)-1
		if isSet := strings.EqualFold(strings.Fields(s.Text)[0], "SET"); isSet == last {
			return fmt.Errorf("%s:%d: a migration is one statement, after the SET statements it needs; "+
				"make a file of each further statement", m.File, s.Line)
		}
	}
	return nil
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_]*)\}`)

// placeholders notes those in a line. Where substitution is on, goose would
// expand any other $ as a shell does, and an unknown name to nothing.
func (m *Migration) placeholders(line string, number int, envsub bool) error {
	if !envsub {
		if strings.Contains(line, "${") {
			return errors.New("${ is not replaced here: the file lacks -- +goose ENVSUB ON before it")
		}
		return nil
	}
	for _, match := range placeholder.FindAllStringSubmatch(line, -1) {
		if !slices.Contains([]string{StreamingRoleARN, StreamName}, match[1]) {
			return fmt.Errorf("unknown placeholder %s; known are ${%s} and ${%s}", match[0], StreamingRoleARN, StreamName)
		}
		m.Placeholders = append(m.Placeholders, Placeholder{Name: match[1], Line: number})
	}
	if strings.Contains(placeholder.ReplaceAllString(line, ""), "$") {
		return errors.New("a $ that starts no placeholder ${NAME}; it would be expanded as in a shell")
	}
	return nil
}

// endsStatement says whether goose ends a statement at this line: its last word
// before a comment ends in a semicolon.
func endsStatement(line string) bool {
	last := ""
	for _, word := range strings.Fields(line) {
		if strings.HasPrefix(word, "--") {
			break
		}
		last = word
	}
	return strings.HasSuffix(last, ";")
}
