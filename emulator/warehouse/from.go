package warehouse

import "slices"

// An unnesting is an item of a FROM clause that goes over the elements of a SUPER array,
// or with UNPIVOT over the attributes of a SUPER object:
//
//	FROM t, t.doc.stops AS stop AT i, UNPIVOT stop AS value AT name
//
// https://docs.aws.amazon.com/redshift/latest/dg/query-super.html
type unnesting struct {
	path   []token
	object bool
	alias  string
	at     string // "" without AT
	to     int    // the token after it
}

// unnest writes the items that are no relations as calls of table functions, of which
// clause and expression (rewrite.go) know.
func (d dialect) unnest(toks []token) []token {
	found := d.unnestings(toks)
	if len(found) == 0 {
		return toks
	}
	var out []token
	for i := 0; i < len(toks); i++ {
		u, ok := found[i]
		if !ok {
			out = append(out, toks[i])
			continue
		}
		function, names := "rs unnest", quoteIdent(u.alias)
		if u.object {
			function = "rs unpivot"
		}
		if u.at != "" {
			function, names = function+" at", names+", "+quoteIdent(u.at)
		}
		first, last := u.path[0], toks[u.to-1]
		out = append(out, token{verbatim, quoteIdent(function) + "(", first.pos, first.pos})
		out = append(out, u.path...)
		out = append(out, token{verbatim, ") AS " + quoteIdent(u.alias) + "(" + names + ")", u.path[len(u.path)-1].end, last.end})
		i = u.to - 1
	}
	return out
}

// A fromClause is the FROM of one query, while it is read.
type fromClause struct {
	outer    *fromClause
	open     bool // a SELECT was seen, so that FROM begins the clause
	inside   bool
	names    map[string]bool
	expected bool // an item comes next
}

// knows says whether an item may go over what a name stands for: an item before it, or
// one of a query around it.
func (f *fromClause) knows(name string) bool {
	for ; f != nil; f = f.outer {
		if f.names[name] {
			return true
		}
	}
	return false
}

// unnestings finds the items of FROM clauses that aren't relations, by where they begin.
// The tokens are read twice: a query inside another may go over items that follow it.
func (d dialect) unnestings(toks []token) map[int]unnesting {
	clauses := make(map[int]*fromClause) // by the parenthesis they are in
	found := make(map[int]unnesting)
	for range 2 {
		clear(found)
		at := &fromClause{names: make(map[string]bool)}
		if clauses[-1] == nil {
			clauses[-1] = at
		}
		at = clauses[-1]
		at.open, at.inside, at.expected = false, false, false
		own := make(map[*fromClause]map[string]bool)
		for i := 0; i < len(toks); i++ {
			t := toks[i]
			if at.expected && !t.is("(", "lateral") {
				at.expected = false
				if u, ok := d.unnesting(toks, i, func(name string, alone bool) bool { return own[at][name] || !alone && at.outer.knows(name) }); ok {
					found[i] = u
					remember(own, at, u.alias)
					i = u.to - 1
					continue
				}
				end, name := d.path(toks, i)
				if alias, next := d.alias(toks, end); alias != "" {
					name, end = alias, next
				}
				remember(own, at, name)
				i = max(i, end-1)
				continue
			}
			switch {
			case t.is("("):
				if clauses[i] == nil {
					clauses[i] = &fromClause{outer: at, names: make(map[string]bool)}
				}
				at.expected = false
				at = clauses[i]
				at.open, at.inside, at.expected = false, false, false
			case t.is(")"):
				if at.outer != nil {
					at = at.outer
				}
				if at.inside { // of a subquery, whose alias follows
					if alias, next := d.alias(toks, i+1); alias != "" {
						remember(own, at, alias)
						i = next - 1
					}
				}
			case t.is("select"):
				at.open, at.inside = true, false
				delete(own, at) // each query of a UNION begins anew
			case t.is("from") && at.open:
				at.inside, at.expected = true, true
			case t.is("where", "group", "having", "order", "limit", "offset", "union", "intersect", "except", "minus", "qualify", "on"):
				at.inside = at.inside && t.is("on")
			case at.inside && t.is(",", "join"):
				at.expected = true
			}
		}
	}
	return found
}

func remember(own map[*fromClause]map[string]bool, at *fromClause, name string) {
	if own[at] == nil {
		own[at] = make(map[string]bool)
	}
	own[at][name], at.names[name] = true, true
}

// unnesting reads an item that begins at i, if it is one. A name alone is one only after an
// item of that name: in a subquery it is a table, whatever the query around reads.
func (d dialect) unnesting(toks []token, i int, known func(name string, alone bool) bool) (unnesting, bool) {
	u := unnesting{object: toks[i].is("unpivot")}
	if u.object {
		i++
	}
	end, last := d.path(toks, i)
	if end == i || !u.object && !known(d.nameOf(toks[i]), end == i+1) {
		return u, false
	}
	u.path, u.alias, u.to = toks[i:end], last, end
	if alias, next := d.alias(toks, end); alias != "" {
		u.alias, u.to = alias, next
	}
	if u.to+1 < len(toks) && toks[u.to].is("at") {
		u.at = d.nameOf(toks[u.to+1])
		u.to += 2
	}
	return u, true
}

// path gives the end of a name with its . and [ ] that begins at i, and its last part.
func (d dialect) path(toks []token, i int) (end int, last string) {
	if i >= len(toks) || d.nameOf(toks[i]) == "" {
		return i, ""
	}
	last = d.nameOf(toks[i])
	for end = i + 1; end+1 < len(toks); {
		switch {
		case toks[end].is(".") && d.nameOf(toks[end+1]) != "":
			last = d.nameOf(toks[end+1])
			end += 2
		case toks[end].is("["):
			for end < len(toks) && !toks[end].is("]") {
				end++
			}
			end++
		default:
			return min(end, len(toks)), last
		}
	}
	return min(end, len(toks)), last
}

// alias reads [AS] name at i.
func (d dialect) alias(toks []token, i int) (name string, next int) {
	explicit := i < len(toks) && toks[i].is("as")
	if explicit {
		i++
	}
	if i >= len(toks) || toks[i].kind != quoted && (toks[i].kind != word || grammar[toks[i].val] || !explicit && toks[i].is("at")) {
		return "", i
	}
	return d.nameOf(toks[i]), i + 1
}

// nameOf gives the name that a token is, or "".
func (d dialect) nameOf(t token) string {
	switch t.kind {
	case word:
		return t.val
	case quoted:
		return d.fold(t.val)
	}
	return ""
}

// inside moves what Redshift writes behind a call into its parentheses, where the engine's
// grammar has it: the ORDER BY of LISTAGG(x) WITHIN GROUP (ORDER BY y), and IGNORE NULLS
// of a window function.
func inside(toks []token) []token {
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].kind != word || !toks[i+1].is("(") {
			continue
		}
		end := closing(toks, i+1)
		from, to, next := end, end, end // what moves, and what follows it
		switch {
		case end+3 < len(toks) && toks[i].is("listagg") && toks[end+1].is("within") && toks[end+2].is("group") && toks[end+3].is("("):
			from, to = end+4, closing(toks, end+3)
			next = to + 1
		case end+2 < len(toks) && toks[end+1].is("ignore", "respect") && toks[end+2].is("nulls"):
			from, to, next = end+1, end+3, end+3
		}
		if next > end && next <= len(toks) {
			toks = slices.Concat(toks[:end], toks[from:to], toks[end:end+1], toks[next:])
		}
	}
	return toks
}

// gaps are forms of a query that Redshift has and the stand-in lacks, each by the words it
// begins with, "" being any name. The engine's parser would call them syntax errors.
var gaps = []struct {
	words []string
	name  string
}{
	{[]string{"select", "top"}, "TOP"},
	{[]string{"*", "exclude"}, "EXCLUDE"},
	{[]string{"exclude", "("}, "EXCLUDE"},
	{[]string{"from", "(", "", ")"}, "a relation in parentheses"},
	{[]string{"convert", "("}, "CONVERT"},
	{[]string{"pivot", "("}, "PIVOT"},
	{[]string{"unpivot", "("}, "UNPIVOT of columns"},
	{[]string{"unpivot", "include"}, "UNPIVOT of columns"},
	{[]string{"unpivot", "exclude"}, "UNPIVOT of columns"},
	{[]string{"connect", "by"}, "CONNECT BY"},
	{[]string{"start", "with"}, "CONNECT BY"},
	{[]string{"(", "+", ")"}, "an outer join by (+)"},
	{[]string{"into"}, "SELECT INTO"},
	{[]string{"is", "unknown"}, "IS UNKNOWN"},
	{[]string{"not", "unknown"}, "IS NOT UNKNOWN"},
	{[]string{"similar", "to"}, "SIMILAR TO"},
	{[]string{"collate"}, "COLLATE"},
}

// gap is the error for the first of the gaps in a query.
func gap(sql string, toks []token) *Error {
	for i := range toks {
		for _, g := range gaps {
			if len(toks)-i < len(g.words) {
				continue
			}
			match := true
			for k, w := range g.words {
				match = match && (toks[i+k].is(w) || w == "" && toks[i+k].kind == word)
			}
			if match && (i == 0 || !toks[i-1].is(".")) {
				return unsupported("%s", g.name).at(sql, toks[i].pos)
			}
		}
	}
	return nil
}

// closing gives where the parenthesis that opens at i is closed.
func closing(toks []token, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		switch {
		case toks[i].is("("):
			depth++
		case toks[i].is(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}
