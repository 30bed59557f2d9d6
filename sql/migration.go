package sql

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The placeholders a migration may hold, written ${NAME}. Their values come from
// the environment variables of the same names.
const (
	StreamingRoleARN = "STREAMING_ROLE_ARN" // the role with which Redshift reads the stream
	StreamName       = "STREAM_NAME"        // the Kinesis stream
)

// AloneLine is the first line of a file whose statement does not run in a
// transaction, because Redshift does not allow it, or does not document it.
const AloneLine = "-- Runs alone, outside a transaction."

// A Migration is one file of SQL that is applied once.
type Migration struct {
	Version      int64
	File         string      // base name, NNNNN_name.sql
	SHA256       string      // of the file's bytes, in lower-case hexadecimal
	Alone        bool        // its one statement runs outside a transaction
	Sets         []Statement // the SETs before the statements
	Statements   []Statement
	Placeholders []Placeholder
}

// A Placeholder is one place in a file where a value is put in.
type Placeholder struct {
	Name string
	Line int // from 1
}

// What the Data API takes: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
const (
	maxStatement = 200 << 10 // bytes
	maxBatch     = 40        // statements

	// besides is how many statements of a batch are not the file's: two that keep
	// out another run, and the record.
	besides = 3
)

// List returns the migrations in fsys in order of version, or everything that is
// wrong with them:
//
//   - names are NNNNN_name.sql, versions count from 1 without gap or duplicate;
//   - files are UTF-8 text that an archive gives back byte for byte, and no file
//     is a copy of another;
//   - each is SET statements, if it needs any, and then at least one statement;
//   - all statements of a file fit into one batch of the Data API, which is one
//     transaction, and none of them begins or ends one;
//   - what may not or is not documented to run in a transaction has a file of its
//     own that starts with [AloneLine];
//   - ${NAME} is one of the known placeholders.
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

// The rule for the name of a migration's file.
var fileName = regexp.MustCompile(`^([0-9]{5})_[a-z0-9_]+\.sql$`)

// versionOf returns the number in a migration's file name, or 0 if that is none.
func versionOf(file string) int64 {
	match := fileName.FindStringSubmatch(file)
	if match == nil {
		return 0
	}
	version, _ := strconv.ParseInt(match[1], 10, 64) // five digits
	return version
}

func read(fsys fs.FS, name string) (Migration, error) {
	if !fileName.MatchString(name) {
		return Migration{}, fmt.Errorf("%s: a migration's file is named NNNNN_name.sql, five digits and then a-z, 0-9 and _", name)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Migration{}, fmt.Errorf("reading a migration: %w", err)
	}
	if err := checkText(name, data); err != nil {
		return Migration{}, err
	}
	m := Migration{Version: versionOf(name), File: name, SHA256: checksum(data)}
	if err := m.parse(string(data)); err != nil {
		return Migration{}, fmt.Errorf("%s:%w", name, err)
	}
	return m, nil
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// parse finds what the text holds. An error starts with a line number.
func (m *Migration) parse(text string) error {
	m.Alone = strings.HasPrefix(text, AloneLine+"\n")
	statements, err := Split(text)
	if err != nil {
		return err
	}
	isNoSet := func(s Statement) bool { return words(s.Text, 1) != "SET" }
	first := slices.IndexFunc(statements, isNoSet)
	if first < 0 {
		return errors.New("1: holds no statement besides SET")
	}
	m.Sets, m.Statements = statements[:first], statements[first:]
	for _, s := range statements {
		if err := m.add(s); err != nil {
			return fmt.Errorf("%d: %w", s.Line, err)
		}
	}
	if m.Alone && len(m.Statements) > 1 {
		return fmt.Errorf("%d: a second statement in a file that runs outside a transaction: put each into a file of its own", m.Statements[1].Line)
	}
	batch := besides + len(m.Sets)
	for i, s := range m.Statements {
		batch++
		if viewOf(s) != "" {
			batch++ // a grant
		}
		if batch > maxBatch && !m.Alone {
			return fmt.Errorf("%d: statement %d of the file: one batch of the Redshift Data API has room for %d, beside the SETs, the grants on the views and the record: split the file",
				s.Line, i+1, i)
		}
	}
	return nil
}

// add checks a statement and notes its placeholders.
func (m *Migration) add(s Statement) error {
	start := words(s.Text, 5)
	switch {
	case len(s.Text) > maxStatement:
		return fmt.Errorf("the statement has %d bytes, and the Redshift Data API takes %d", len(s.Text), maxStatement)
	case s.Line > m.Statements[0].Line && words(s.Text, 1) == "SET":
		return errors.New("a SET after another statement; SETs come first and hold for the whole file")
	case transactional.MatchString(start):
		return fmt.Errorf("%s: the file is a transaction already, so it holds no statement that begins or ends one", start)
	case !m.Alone && alone.MatchString(start):
		return fmt.Errorf("%s may not, or is not documented to, run in a transaction: put this statement into a file of its own, whose first line is\n%s", start, AloneLine)
	}
	for _, match := range placeholder.FindAllStringSubmatchIndex(s.Text, -1) {
		name := s.Text[match[2]:match[3]]
		line := s.Line + strings.Count(s.Text[:match[0]], "\n")
		if name != StreamingRoleARN && name != StreamName {
			return fmt.Errorf("unknown placeholder ${%s} in line %d; known are ${%s} and ${%s}", name, line, StreamingRoleARN, StreamName)
		}
		m.Placeholders = append(m.Placeholders, Placeholder{Name: name, Line: line})
	}
	return nil
}

var placeholder = regexp.MustCompile(`\$\{([^}\n]*)\}`)

// Expand puts values in the place of placeholders.
func Expand(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string { return values[p[2:len(p)-1]] })
}

// Statements that begin or end a transaction.
var transactional = regexp.MustCompile(`^(BEGIN|START|COMMIT|END|ROLLBACK|ABORT)\b`)

// alone matches the statements that the pages of Redshift's commands bar from a
// transaction block, TRUNCATE, which commits the one it is in, and those of
// external schemas and materialized views, of which no page says whether they may
// be in one. https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html
//
// What is missing here does no harm: Redshift refuses it, and with it the file.
var alone = regexp.MustCompile(`^((CREATE|ALTER|DROP) (OR REPLACE )?(EXTERNAL|MATERIALIZED VIEW|DATABASE|LIBRARY)|REFRESH|TRUNCATE|VACUUM|ALTER TABLE \w+ APPEND)\b`)

// createsView matches a statement that makes a view with a plain name.
var createsView = regexp.MustCompile(`(?i)^CREATE\s+(?:OR\s+REPLACE\s+)?VIEW\s+(?:public\s*\.\s*)?"?(\w+)`)

// Views returns the names of the views that the statements make, in lower case.
func (m *Migration) Views() []string {
	var names []string
	for _, s := range m.Statements {
		if name := viewOf(s); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// viewOf returns the name of the view that a statement makes, in lower case, or "".
func viewOf(s Statement) string {
	match := createsView.FindStringSubmatch(s.Text)
	if match == nil {
		return ""
	}
	return strings.ToLower(match[1])
}
