package warehouse

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	word   tokenKind = iota // an unquoted identifier or keyword
	quoted                  // "an identifier"
	text                    // 'a string'
	number
	symbol   // an operator or punctuation; "::" is one, all others are one character
	verbatim // of the stand-in's own, for the engine's parser as it is
)

// A token is one lexical unit of Redshift SQL. Its source is sql[pos:end].
type token struct {
	kind     tokenKind
	val      string // of a word, in lower case; of a quoted identifier or a string, what it stands for
	pos, end int
}

func (t token) is(vals ...string) bool {
	if t.kind != word && t.kind != symbol {
		return false
	}
	for _, v := range vals {
		if t.val == v {
			return true
		}
	}
	return false
}

// isWordStart is for names without quotation marks. A # begins the name of a temporary
// table, and AWS's own tutorial names a column #Users:
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-example-station-data.html
func isWordStart(r rune) bool { return r == '_' || r == '#' || unicode.IsLetter(r) }
func isWordPart(r rune) bool  { return isWordStart(r) && r != '#' || r == '$' || unicode.IsDigit(r) }

// lex splits SQL into tokens without comments. Redshift reads a backslash in a string
// as an escape, as PostgreSQL did before 9.1.
func lex(sql string) ([]token, error) {
	var toks []token
	for i := 0; i < len(sql); {
		r, size := utf8.DecodeRuneInString(sql[i:])
		start := i
		switch {
		case unicode.IsSpace(r):
			i += size
			continue
		case strings.HasPrefix(sql[i:], "--"):
			if n := strings.IndexByte(sql[i:], '\n'); n >= 0 {
				i += n + 1
			} else {
				i = len(sql)
			}
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			n := commentLen(sql[i:])
			if n < 0 {
				return nil, errorf("unterminated /* comment").at(sql, start)
			}
			i += n
			continue
		case r == '\'':
			val, n := unquote(sql[i:], '\'', true)
			if n < 0 {
				return nil, errorf("unterminated quoted string").at(sql, start)
			}
			i += n
			if last := len(toks) - 1; last >= 0 && toks[last].kind == text && strings.Contains(sql[toks[last].end:start], "\n") {
				toks[last] = token{text, toks[last].val + val, toks[last].pos, i} // texts on two lines are one
				continue
			}
			toks = append(toks, token{text, val, start, i})
		case r == '"':
			val, n := unquote(sql[i:], '"', false)
			if n < 0 || val == "" {
				return nil, errorf("unterminated or empty quoted identifier").at(sql, start)
			}
			i += n
			toks = append(toks, token{quoted, val, start, i})
		case strings.HasPrefix(sql[i:], "$$"): // the body of a function
			n := strings.Index(sql[i+2:], "$$")
			if n < 0 {
				return nil, errorf("unterminated dollar-quoted string").at(sql, start)
			}
			i += n + 4
			toks = append(toks, token{text, sql[start+2 : i-2], start, i})
		case isWordStart(r):
			for i += size; i < len(sql); i += size {
				if r, size = utf8.DecodeRuneInString(sql[i:]); !isWordPart(r) {
					break
				}
			}
			toks = append(toks, token{word, strings.ToLower(sql[start:i]), start, i})
		case r >= '0' && r <= '9', r == '.' && i+1 < len(sql) && sql[i+1] >= '0' && sql[i+1] <= '9':
			i += numberLen(sql[i:])
			toks = append(toks, token{number, sql[start:i], start, i})
		case strings.HasPrefix(sql[i:], "::"):
			i += 2
			toks = append(toks, token{symbol, "::", start, i})
		case strings.ContainsRune("()[],;.+-*/%<>=!|&~^:$", r):
			i += size
			toks = append(toks, token{symbol, string(r), start, i})
		default:
			return nil, errorf("syntax error at or near %q", string(r)).at(sql, start)
		}
	}
	return toks, nil
}

func commentLen(s string) int {
	depth := 0
	for i := 0; i < len(s)-1; i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func numberLen(s string) int {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if j < len(s) && s[j] >= '0' && s[j] <= '9' {
			for i = j; i < len(s) && s[i] >= '0' && s[i] <= '9'; {
				i++
			}
		}
	}
	return i
}

// unquote gives what a quoted text at the start of s stands for, and its length there.
func unquote(s string, quote byte, escapes bool) (string, int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			b.WriteByte(quote)
			i++
		case s[i] == quote:
			return b.String(), i + 1
		case s[i] == '\\' && escapes && i+1 < len(s):
			i++
			if c := strings.IndexByte("nrtbf", s[i]); c >= 0 {
				b.WriteByte("\n\r\t\b\f"[c])
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", -1
}

func quoteText(s string) string  { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// quoteIdents writes names as a list.
func quoteIdents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteIdent(name)
	}
	return strings.Join(quoted, ", ")
}

// A Parameter is a named value of a statement, written :name in its text.
type Parameter struct{ Name, Value string }

// Bind puts the parameters' values in the place of their names, as string constants
// whose type follows from where they stand. Names in strings and comments and the ::
// of a cast are left alone, as the Data API documents. The texts share the parameters: a
// name without a value is an error, and so is a value that none of the texts names.
func Bind(params []Parameter, sqls ...string) ([]string, error) {
	if len(params) == 0 {
		return sqls, nil
	}
	values := make(map[string]string, len(params))
	for _, p := range params {
		if _, twice := values[p.Name]; twice {
			return nil, errorf("parameter %q is given twice", p.Name)
		}
		values[p.Name] = p.Value
	}
	used := make(map[string]bool)
	bound := make([]string, len(sqls))
	for i, sql := range sqls {
		var err error
		if bound[i], err = bindOne(sql, values, used); err != nil {
			return nil, err
		}
	}
	for _, p := range params {
		if !used[p.Name] {
			return nil, errorf("parameter %q is not used in the statement", p.Name)
		}
	}
	return bound, nil
}

// bindOne binds one text and notes which names it uses.
func bindOne(sql string, values map[string]string, used map[string]bool) (string, error) {
	toks, err := lex(sql)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	from := 0
	for i := 0; i+1 < len(toks); i++ {
		name := toks[i+1]
		if !toks[i].is(":") || name.kind != word && name.kind != number || name.pos != toks[i].end {
			continue
		}
		key := sql[name.pos:name.end]
		value, ok := values[key]
		if !ok {
			return "", errorf("parameter :%s has no value", key)
		}
		used[key] = true
		b.WriteString(sql[from:toks[i].pos])
		b.WriteString(quoteText(strings.ReplaceAll(value, `\`, `\\`)))
		from = name.end
	}
	b.WriteString(sql[from:])
	return b.String(), nil
}
