// Package doubt holds what is not known about AWS: the questions that no source settles, or
// that sources answer differently. The emulator gives one answer to each, and can be
// switched to another, so that a test can show that a program is right under each.
package doubt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Doubt is an open question. Its first answer is the default.
type Doubt struct {
	Name     string // of the switch
	Question string
	Answers  []Answer
	Advice   string // how to be right under each of them

	// Ask is the expression that tells on a real Redshift, over a row t with the
	// column text, which is Text, and doc, which is JSON_PARSE(text) when Ask
	// mentions it. "" when SQL can't tell.
	Ask  string
	Text string
}

// Schema holds the table of what is asked about. It is a table because Redshift answers
// a query without one on its leader node, which is PostgreSQL and has other answers.
const Schema = "evstream_doubts"

// Begin lists the statements that make [Schema] and its table, and End the one that drops
// them.
func (l List) Begin() []string {
	var rows []string
	for _, d := range l {
		if d.Ask != "" {
			rows = append(rows, fmt.Sprintf("(%s, %s)", quote(d.Name), quote(d.Text)))
		}
	}
	return []string{
		"CREATE SCHEMA " + Schema,
		"CREATE TABLE " + Schema + ".asked (doubt VARCHAR(64), text VARCHAR(256))",
		"INSERT INTO " + Schema + ".asked VALUES " + strings.Join(rows, ", "),
	}
}

// End drops what Begin makes.
func (l List) End() string { return "DROP SCHEMA " + Schema + " CASCADE" }

// Statement is the query that answers the doubt with one value.
func (d Doubt) Statement() string {
	columns := "text"
	if strings.Contains(d.Ask, "t.doc") {
		columns += ", JSON_PARSE(text) AS doc"
	}
	return fmt.Sprintf("SELECT %s AS answer FROM (SELECT %s FROM %s.asked WHERE doubt = %s) AS t", d.Ask, columns, Schema, quote(d.Name))
}

// Read says which answer a value is, or the error that the statement ended with. A value
// that is none of the listed ones is "".
func (d Doubt) Read(value string, err error) string {
	if err != nil {
		value = Fails
	}
	for _, a := range d.Answers {
		if a.Gives == value || a.Gives == Else && err == nil {
			return a.Name
		}
	}
	return ""
}

// quote writes a text as a literal, in which Redshift takes a backslash for an escape.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
}

// An Answer is one way in which AWS may behave.
type Answer struct {
	Name    string
	Meaning string
	Source  string // what speaks for it
	Gives   string // what the doubt's Ask gives then: a value, NULL, or Fails
}

// Fails stands in [Answer.Gives] for an error, and Else, in the last answer, for any other
// value.
const (
	Fails = "an error"
	Else  = "any other value"
)

// A List is the doubts about a service.
type List []Doubt

// MustLoad reads a list that is part of the program, as JSON with the names of the fields
// in lower case.
func MustLoad(data []byte) List {
	var l List
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		panic(fmt.Sprintf("the list of doubts: %v", err))
	}
	return l
}

// Readings are answers by the doubts' names. A doubt that is not among them has its
// default.
type Readings map[string]string

// Check says which of the readings are no doubt of the list or no answer to it.
func (l List) Check(r Readings) error {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		d, ok := l.find(name)
		if !ok {
			return fmt.Errorf("%q is no doubt; they are %s", name, strings.Join(l.names(), ", "))
		}
		if !slices.Contains(d.answers(), r[name]) {
			return fmt.Errorf("%s=%s: the answers are %s", name, r[name], strings.Join(d.answers(), ", "))
		}
	}
	return nil
}

// Of leaves out the readings of other lists' doubts.
func (l List) Of(r Readings) Readings {
	own := make(Readings)
	for name, answer := range r {
		if _, ok := l.find(name); ok {
			own[name] = answer
		}
	}
	return own
}

// Answer gives the reading of a doubt, which must be in the list.
func (l List) Answer(r Readings, name string) string {
	if answer, ok := r[name]; ok {
		return answer
	}
	d, ok := l.find(name)
	if !ok {
		panic("no doubt is named " + name)
	}
	return d.Answers[0].Name
}

// Parse reads "name=answer,name=answer". "default" is no reading, and "others" gives every
// doubt its last answer.
func (l List) Parse(text string) (Readings, error) {
	switch text {
	case "default":
		return nil, nil
	case "others":
		return l.Others(), nil
	}
	r := make(Readings)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, answer, _ := strings.Cut(part, "=")
		r[name] = answer
	}
	return r, l.Check(r)
}

// Single gives for every answer that is no default the readings that differ in it alone.
func (l List) Single() []Readings {
	var all []Readings
	for _, d := range l {
		for _, a := range d.Answers[1:] {
			all = append(all, Readings{d.Name: a.Name})
		}
	}
	return all
}

// Others gives every doubt its last answer.
func (l List) Others() Readings {
	r := make(Readings)
	for _, d := range l {
		r[d.Name] = d.Answers[len(d.Answers)-1].Name
	}
	return r
}

// String is what [List.Parse] reads.
func (r Readings) String() string {
	if len(r) == 0 {
		return "default"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		parts = append(parts, name+"="+r[name])
	}
	return strings.Join(parts, ",")
}

// Table writes the list as a table of Markdown.
func (l List) Table() string {
	var b strings.Builder
	b.WriteString("| switch | question | answers, the default first | how to be right under each |\n|---|---|---|---|\n")
	for _, d := range l {
		var answers []string
		for _, a := range d.Answers {
			answers = append(answers, fmt.Sprintf("`%s`: %s (%s)", a.Name, a.Meaning, a.Source))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Question, strings.Join(answers, "; "), d.Advice)
	}
	return b.String()
}

func (l List) find(name string) (Doubt, bool) {
	i := slices.IndexFunc(l, func(d Doubt) bool { return d.Name == name })
	if i < 0 {
		return Doubt{}, false
	}
	return l[i], true
}

func (l List) names() []string {
	var names []string
	for _, d := range l {
		names = append(names, d.Name)
	}
	return names
}

func (d Doubt) answers() []string {
	var names []string
	for _, a := range d.Answers {
		names = append(names, a.Name)
	}
	return names
}
