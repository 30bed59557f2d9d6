package sql

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A Statement is one SQL statement as its file has it: without the comments
// before it and the semicolon after it, placeholders not replaced.
type Statement struct {
	Line int // of its first line, from 1
	Text string
}

// Split returns the statements of a text, each of which ends in a semicolon. One
// in a comment, a literal, a quoted identifier or a body between dollar quotes
// ends nothing. An error starts with the number of the line that it is about.
//
// Redshift takes a backslash in a literal for an escape, as PostgreSQL did before
// 9.1, and no page of its documentation says so. Before a quote, where it would
// decide about the literal's end, it is refused.
func Split(text string) ([]Statement, error) {
	var list []Statement
	begun := Statement{} // the one that is read; without a line between statements
	line, begin := 1, 0
	for i := 0; i < len(text); {
		kind, n, err := next(text[i:])
		switch {
		case err != nil:
			return nil, fmt.Errorf("%d: %w", line, err)
		case kind == semicolon && begun.Line == 0:
			return nil, fmt.Errorf("%d: a semicolon that ends no statement", line)
		case kind == semicolon:
			begun.Text = strings.TrimRight(text[begin:i], "\t\n\f\r ")
			list, begun = append(list, begun), Statement{}
		case kind != blank && begun.Line == 0:
			begin, begun.Line = i, line
		}
		line += strings.Count(text[i:i+n], "\n")
		i += n
	}
	if begun.Line != 0 {
		return nil, fmt.Errorf("%d: the statement does not end in a semicolon", begun.Line)
	}
	return list, nil
}

// words returns the words a statement starts with, at most n of them, in upper case
// and separated by single spaces.
func words(statement string, n int) string {
	var found []string
	for i := 0; i < len(statement) && len(found) < n; {
		kind, length, err := next(statement[i:])
		if err != nil || kind == other || kind == semicolon {
			break
		}
		if kind == word {
			found = append(found, strings.ToUpper(statement[i:i+length]))
		}
		i += length
	}
	return strings.Join(found, " ")
}

type kind int

const (
	blank kind = iota // white space or a comment
	word              // a keyword or an identifier without quotes
	semicolon
	other
)

var (
	space       = regexp.MustCompile(`^(?:\s+|--[^\n]*)`)
	plainWord   = regexp.MustCompile(`^[\pL_][\pL\pN_$]*`)
	dollarQuote = regexp.MustCompile(`^\$(?:[\pL_][\pL\pN_]*)?\$`)
)

// next returns what a text that is not empty starts with, and the length of that.
func next(text string) (kind, int, error) {
	if n := len(space.FindString(text)); n > 0 {
		return blank, n, nil
	}
	if n := len(plainWord.FindString(text)); n > 0 {
		return word, n, nil
	}
	quote := dollarQuote.FindString(text)
	switch {
	case quote != "":
		end := strings.Index(text[len(quote):], quote)
		if end < 0 {
			return 0, 0, fmt.Errorf("%s has no other %[1]s after it", quote)
		}
		return other, len(quote) + end + len(quote), nil
	case strings.HasPrefix(text, "/*"):
		n, err := comment(text)
		return blank, n, err
	case text[0] == '\'':
		n, err := literal(text)
		return other, n, err
	case text[0] == '"':
		end := strings.IndexByte(text[1:], '"') // "" reads as two identifiers in a row
		if end < 0 {
			return 0, 0, errors.New(`the identifier after " has no end`)
		}
		return other, end + 2, nil
	case text[0] == ';':
		return semicolon, 1, nil
	}
	return other, 1, nil
}

// comment returns the length of the comment between /* and */ that a text starts
// with. Such comments nest.
func comment(text string) (int, error) {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1, nil
		}
	}
	return 0, errors.New("the comment after /* has no end")
}

// literal returns the length of the literal a text starts with.
func literal(text string) (int, error) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\'': // '' reads as two literals in a row
			return i + 1, nil
		case '\\':
			if i++; i < len(text) && text[i] == '\'' {
				return 0, errors.New(`a backslash before a quote in a literal: it is not documented whether the literal ends there. Write '' for a quote`)
			}
		}
	}
	return 0, errors.New("the literal after ' has no end")
}
