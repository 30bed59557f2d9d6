// Package doubt holds what nobody here knows about AWS: the questions that no source
// settles, or that sources answer differently. A stand-in behaves by one answer to each,
// and can be told to behave by another, so that a test can show that the program is right
// whichever it is.
package doubt

import (
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
	Program  string // what this project's SQL and programs do about it

	// Ask is the expression that tells on a real Redshift, over a row t with the
	// column text, which is Text, and doc, which is JSON_PARSE(text) when Ask
	// mentions it. "" when SQL can't tell.
	Ask  string
	Text string
}

// An Answer is one way in which AWS may behave.
type Answer struct {
	Name    string
	Meaning string
	Source  string // what speaks for it
	Gives   string // what the doubt's Ask gives then: a value, NULL, or Fails
}

// Fails stands for an error in [Answer.Gives].
const Fails = "an error"

// A List is the doubts of a stand-in.
type List []Doubt

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

// Parse reads "name=answer,name=answer"; "others" gives every doubt its last answer.
func (l List) Parse(text string) (Readings, error) {
	if text == "others" {
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
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		parts = append(parts, name+"="+r[name])
	}
	return strings.Join(parts, ",")
}

// Table writes the list as a table of Markdown.
func (l List) Table() string {
	var b strings.Builder
	b.WriteString("| switch | question | answers, the default first | what the program does |\n|---|---|---|---|\n")
	for _, d := range l {
		var answers []string
		for _, a := range d.Answers {
			answers = append(answers, fmt.Sprintf("`%s`: %s (%s)", a.Name, a.Meaning, a.Source))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Question, strings.Join(answers, "; "), d.Program)
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
