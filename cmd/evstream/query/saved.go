package main

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// actions are the names that no saved query may have.
var actions = []string{"list", "refresh"}

// savedQuery is one file of sql/queries.
type savedQuery struct {
	name string
	text string
}

type savedQueries []savedQuery

// readSaved reads the files name.sql, in the order of their names.
func readSaved(dir fs.FS) (savedQueries, error) {
	files, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("read the saved queries: %w", err)
	}
	var queries savedQueries
	for _, file := range files {
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, fmt.Errorf("read the saved queries: %w", err)
		}
		queries = append(queries, savedQuery{strings.TrimSuffix(file, ".sql"), string(text)})
	}
	return queries, nil
}

// description is the first sentence of the file's header comment.
func (q savedQuery) description() string {
	var words []string
	for line := range strings.Lines(q.text) {
		comment, ok := strings.CutPrefix(line, "--")
		if !ok {
			break
		}
		words = append(words, strings.TrimSpace(comment))
		if strings.HasSuffix(words[len(words)-1], ".") {
			break
		}
	}
	return strings.Join(words, " ")
}

func (qs savedQueries) names() []string {
	var names []string
	for _, q := range qs {
		names = append(names, q.name)
	}
	return names
}

// text returns the SQL of the saved query of that name.
func (qs savedQueries) text(name string) (string, error) {
	i := slices.IndexFunc(qs, func(q savedQuery) bool { return q.name == name })
	if i >= 0 {
		return qs[i].text, nil
	}

	names := qs.names()
	hint := ""
	if near := nearest(name, append(names, actions...)); near != "" {
		hint = fmt.Sprintf(" Did you mean %s?", near)
	} else if strings.HasSuffix(name, ".sql") {
		hint = fmt.Sprintf(" A file of your own runs with --sql %s.", name)
	}
	return "", usagef("there is no saved query %q.%s The saved ones are %s; beside them there are %s",
		name, hint, strings.Join(names, ", "), strings.Join(actions, " and "))
}

// nearest returns the name that is most probably meant, or nothing when none is
// near.
func nearest(name string, names []string) string {
	best, fewest := "", len(name)/3+2 // so many edits are no slip of the finger
	for _, candidate := range names {
		edits := levenshtein.Distance(strings.ToLower(name), candidate, nil)
		if len(name) >= 3 && strings.HasPrefix(candidate, strings.ToLower(name)) {
			edits = 1
		}
		if edits < fewest {
			best, fewest = candidate, edits
		}
	}
	return best
}

// list describes the saved queries, one a line.
func (qs savedQueries) list(w io.Writer) error {
	widest := len("refresh")
	for _, q := range qs {
		widest = max(widest, len(q.name))
	}
	for _, q := range qs {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", widest, q.name, q.description()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%-*s  %s\n", widest, "refresh", "Take what the stream holds into the streaming view now.")
	return err
}
