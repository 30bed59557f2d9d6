package sql

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
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

// maxStatement is how many bytes the Data API takes:
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
const maxStatement = 200 << 10

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
//   - a statement is not longer than the Data API takes, and no file is a copy of
//     another;
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
	same := make(map[string]string) // file by SHA-256
	for i, m := range list {
		want := int64(i + 1)
		switch {
		case i > 0 && m.Version == list[i-1].Version:
			return nil, fmt.Errorf("%s and %s have the same number", list[i-1].File, m.File)
		case m.Version != want:
			return nil, fmt.Errorf("%s: number %05d is missing before it; migrations count from 00001 without a gap", m.File, want)
		case same[m.SHA256] != "":
			return nil, fmt.Errorf("%s is the same as %s; to run it again on purpose, say why in a comment", m.File, same[m.SHA256])
		}
		same[m.SHA256] = m.File
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
	p := parser{migration: m}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := p.line(i+1, line); err != nil {
			return fmt.Errorf("%s:%d: %w", m.File, i+1, err)
		}
	}
	switch {
	case !p.up:
		return fmt.Errorf("%s: lacks the line -- +goose Up", m.File)
	case !p.noTransaction:
		return fmt.Errorf("%s: lacks the line -- +goose NO TRANSACTION; the Redshift Data API runs each statement on its own", m.File)
	case p.block:
		return fmt.Errorf("%s: lacks the line -- +goose StatementEnd", m.File)
	case strings.TrimSpace(strings.Join(p.begun, "")) != "":
		return fmt.Errorf("%s:%d: the statement does not end in a semicolon", m.File, p.begunLine)
	case len(m.Statements) == 0:
		return fmt.Errorf("%s: holds no statement", m.File)
	}
	for i, s := range m.Statements {
		if len(s.Text) > maxStatement {
			return fmt.Errorf("%s:%d: the statement has %d bytes, and the Redshift Data API takes %d; split it into several migrations",
				m.File, s.Line, len(s.Text), maxStatement)
		}
		last := i == len(m.Statements)-1
		if isSet := strings.EqualFold(strings.Fields(s.Text)[0], "SET"); isSet == last {
			return fmt.Errorf("%s:%d: a migration is one statement, after the SET statements it needs; "+
				"make a file of each further statement", m.File, s.Line)
		}
	}
	return nil
}

// A parser is at one line of a migration.
type parser struct {
	migration *Migration

	up, noTransaction, envsub bool // annotations met
	block                     bool // between StatementBegin and StatementEnd

	begun     []string // lines of the statement being read
	begunLine int      // number of its first line that is not blank
}

func (p *parser) line(number int, line string) error {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "--") && strings.Contains(line, "+goose") {
		return p.annotation(line)
	}
	if len(p.begun) == 0 && (line == "" || strings.HasPrefix(trimmed, "--")) {
		return nil // between statements
	}
	if !p.up {
		if trimmed == "" {
			return nil
		}
		return errors.New("SQL before -- +goose Up")
	}
	found, err := placeholders(line, p.envsub)
	if err != nil {
		return err
	}
	for _, name := range found {
		p.migration.Placeholders = append(p.migration.Placeholders, Placeholder{Name: name, Line: number})
	}
	if p.begunLine == 0 && trimmed != "" {
		p.begunLine = number
	}
	p.begun = append(p.begun, line)
	if !p.block && endsStatement(line) {
		p.end()
	}
	return nil
}

func (p *parser) annotation(line string) error {
	annotation, ok := strings.CutPrefix(line, "-- +goose ")
	if !ok {
		return errors.New("an annotation is written -- +goose NAME at the start of its line")
	}
	switch annotation {
	case "NO TRANSACTION":
		p.noTransaction = true
	case "ENVSUB ON":
		p.envsub = true
	case "ENVSUB OFF":
		p.envsub = false
	case "Up":
		if p.up {
			return errors.New("a second -- +goose Up")
		}
		p.up = true
	case "StatementBegin":
		if !p.up || p.block || len(p.begun) > 0 {
			return errors.New("-- +goose StatementBegin before -- +goose Up or inside a statement")
		}
		p.block = true
	case "StatementEnd":
		if !p.block {
			return errors.New("-- +goose StatementEnd without -- +goose StatementBegin")
		}
		if strings.TrimSpace(strings.Join(p.begun, "")) == "" {
			// goose would leave the line after it out.
			return errors.New("nothing between -- +goose StatementBegin and -- +goose StatementEnd")
		}
		p.block = false
		p.end()
	case "Down":
		return errors.New("migrations are never taken back; delete -- +goose Down and what follows it")
	default:
		return fmt.Errorf("unknown annotation %q", annotation)
	}
	return nil
}

// end adds the statement that was read to the migration.
func (p *parser) end() {
	if text := strings.TrimSpace(strings.Join(p.begun, "\n")); text != "" {
		p.migration.Statements = append(p.migration.Statements, Statement{Line: p.begunLine, Text: text})
	}
	p.begun, p.begunLine = nil, 0
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_]*)\}`)

// placeholders returns the names of those in a line. Where substitution is on,
// goose would expand any other $ as a shell does, and an unknown name to nothing.
func placeholders(line string, envsub bool) ([]string, error) {
	if !envsub {
		if strings.Contains(line, "${") {
			return nil, errors.New("${ is not replaced here: the file lacks -- +goose ENVSUB ON before it")
		}
		return nil, nil
	}
	var names []string
	for _, match := range placeholder.FindAllStringSubmatch(line, -1) {
		if match[1] != StreamingRoleARN && match[1] != StreamName {
			return nil, fmt.Errorf("unknown placeholder %s; known are ${%s} and ${%s}", match[0], StreamingRoleARN, StreamName)
		}
		names = append(names, match[1])
	}
	if strings.Contains(line, `\${`) {
		return nil, errors.New("a backslash before ${ would keep the placeholder from being replaced")
	}
	if strings.Contains(placeholder.ReplaceAllString(line, ""), "$") {
		return nil, errors.New("a $ that starts no placeholder ${NAME} would be expanded as in a shell")
	}
	return names, nil
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
