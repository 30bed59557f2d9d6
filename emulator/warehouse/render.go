package warehouse

import (
	"sort"
	"strings"
)

// A dialect holds the session settings that decide what names in a statement mean.
type dialect struct {
	superCase bool // enable_case_sensitive_super_attribute
	identCase bool // enable_case_sensitive_identifier
}

// fold gives the name that a quoted identifier stands for.
func (d dialect) fold(quotedIdent string) string {
	if d.identCase {
		return quotedIdent
	}
	return strings.ToLower(quotedIdent)
}

// A rendering is a part of a statement as text for the engine's parser.
type rendering struct {
	text    string
	sql     string
	offsets [][2]int // of each token: in text, in sql
}

// at says which byte of the statement a byte of the rendering comes from.
func (r rendering) at(offset int) int {
	i := sort.Search(len(r.offsets), func(i int) bool { return r.offsets[i][0] > offset })
	if i == 0 {
		return 0
	}
	return r.offsets[i-1][1]
}

// after gives the rendering behind a text that is not the statement's.
func (r rendering) after(head string) rendering {
	r.text = head + r.text
	for i := range r.offsets {
		r.offsets[i][0] += len(head)
	}
	return r
}

// dateParts are the names that Redshift knows for parts of a date:
// https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html
var dateParts = map[string]string{
	"year": "year", "years": "year", "y": "year", "yr": "year", "yrs": "year",
	"quarter": "quarter", "quarters": "quarter", "qtr": "quarter", "qtrs": "quarter",
	"month": "month", "months": "month", "mon": "month", "mons": "month",
	"week": "week", "weeks": "week", "w": "week",
	"day": "day", "days": "day", "d": "day",
	"hour": "hour", "hours": "hour", "h": "hour", "hr": "hour", "hrs": "hour",
	"minute": "minute", "minutes": "minute", "m": "minute", "min": "minute", "mins": "minute",
	"second": "second", "seconds": "second", "s": "second", "sec": "second", "secs": "second",
	"millisecond": "millisecond", "milliseconds": "millisecond", "ms": "millisecond", "msec": "millisecond",
	"msecs": "millisecond", "msecond": "millisecond", "mseconds": "millisecond", "millisec": "millisecond", "millisecs": "millisecond", "millisecon": "millisecond",
	"microsecond": "microsecond", "microseconds": "microsecond", "us": "microsecond", "usec": "microsecond",
	"microsec": "microsecond", "microsecs": "microsecond", "usecs": "microsecond", "usecond": "microsecond", "useconds": "microsecond",
	"epoch": "epoch", "dow": "dow", "doy": "doy",
}

// grammar holds the words that mean something in a query. Every other one is a name.
var grammar = func() map[string]bool {
	words := make(map[string]bool)
	for w := range strings.FieldsSeq(`
		all and any as asc between both by case cast cross current date default desc distinct else end escape except exists
		extract false first following for from full group having ilike in inner intersect interval is join last leading left
		like limit natural not null nulls offset on or order outer over partition preceding qualify range recursive right row rows
		select similar some then time timestamp timestamptz timetz to trailing true try_cast unbounded union using values when where with`) {
		words[w] = true
	}
	return words
}()

// render writes tokens so that the engine's parser reads from them what Redshift would:
// names are folded, the parts of a SUPER path by the rules for those; types are replaced
// by names that keep their length; a date part becomes a string.
//
// The engine's catalog ignores case, so that folding matters only for SUPER paths, whose
// keys it compares exactly.
func (d dialect) render(sql string, toks []token) (rendering, error) {
	r := rendering{sql: sql}
	if err := gap(sql, toks); err != nil {
		return r, err
	}
	toks = d.unnest(inside(toks))
	var b strings.Builder
	var casts []bool // of each open parenthesis: is it a cast's
	for i := 0; i < len(toks); i++ {
		t, prev := toks[i], at(toks, i-1)
		if b.Len() > 0 && (i == 0 || prev.end != t.pos) {
			b.WriteByte(' ')
		}
		r.offsets = append(r.offsets, [2]int{b.Len(), t.pos})
		isType := t.is("::")
		switch {
		case t.is("("):
			casts = append(casts, prev.is("cast", "try_cast"))
		case t.is(")") && len(casts) > 0:
			casts = casts[:len(casts)-1]
		case t.is("as"):
			isType = len(casts) > 0 && casts[len(casts)-1]
		case t.is(":"):
			return r, errorf("syntax error at or near %q", ":").at(sql, t.pos)
		}
		b.WriteString(d.token(sql, toks, i))
		if isType {
			typ, n, err := parseType(sql, toks[i+1:])
			if err != nil {
				return r, err
			}
			b.WriteString(" " + typ.encode() + " ")
			i += n
		}
	}
	r.text = b.String()
	return r, nil
}

// at gives a token; before the first and behind the last one that is nothing.
func at(toks []token, i int) token {
	if i < 0 || i >= len(toks) {
		return token{kind: symbol}
	}
	return toks[i]
}

// token writes one token for the engine's parser.
func (d dialect) token(sql string, toks []token, i int) string {
	switch t := toks[i]; t.kind {
	case word:
		return d.word(sql, toks, i)
	case quoted:
		return quoteIdent(d.fold(t.val))
	case text:
		return quoteText(t.val)
	case verbatim:
		return t.val
	default:
		return sql[t.pos:t.end]
	}
}

// datePartFunctions take a part of a date as their first argument.
var datePartFunctions = []string{"datediff", "date_diff", "dateadd", "date_add", "date_part", "datepart", "pgdate_part", "date_trunc"}

// word writes a word: as it is where it belongs to the grammar, else as a name.
func (d dialect) word(sql string, toks []token, i int) string {
	t, prev, next := toks[i], at(toks, i-1), at(toks, i+1)
	switch {
	case prev.is("(") && next.is(",") && at(toks, i-2).is(datePartFunctions...) && dateParts[t.val] != "":
		return quoteText(dateParts[t.val])
	case prev.is(".") && !next.is("("):
		if d.superCase {
			return quoteIdent(sql[t.pos:t.end])
		}
		return quoteIdent(t.val)
	case t.is("approximate") && next.is("count", "percentile_disc"): // which the exact one is too
		return ""
	case t.is("minus") && next.is("select", "("):
		return "EXCEPT"
	case grammar[t.val], inPhrase(t, prev, next), next.is("(") && t.val != "array":
		return t.val
	}
	return quoteIdent(t.val) // which may be a keyword to the engine only
}

// inPhrase says whether a word belongs to the grammar because of the one beside it.
func inPhrase(t, prev, next token) bool {
	return t.is("ignore", "respect") && next.is("nulls") ||
		t.is("grouping") && next.is("sets") || t.is("sets") && prev.is("grouping") ||
		t.is("at") && next.is("time") || t.is("zone") && prev.is("time") ||
		t.is("within") && next.is("group")
}
