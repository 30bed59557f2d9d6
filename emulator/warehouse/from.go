package warehouse

import (
	"maps"
	"slices"
	"strings"
)

// An item of a FROM clause goes over the elements of a SUPER array if it begins with the
// name of another item, or with UNPIVOT over the attributes of a SUPER object:
//
//	FROM t, t.doc.stops AS stop AT i, UNPIVOT stop AS value AT name
//
// https://docs.aws.amazon.com/redshift/latest/dg/query-super.html
//
// The engine's grammar has the form NAME.NAME.NAME AS alias alone, for a table; resolve
// tells those apart in the syntax tree. The others are no tables, and become calls of table
// functions before the engine's parser reads them.

// unnest writes the items that can't be tables as calls of table functions.
func (d dialect) unnest(toks []token) []token {
	// Of each open parenthesis: was there a SELECT, so that FROM begins its items, and is
	// this among them?
	type query struct{ open, inFrom bool }
	queries := []query{{}}
	expected := false // an item comes next
	var out []token
	for i := 0; i < len(toks); i++ {
		t, q := toks[i], &queries[len(queries)-1]
		if expected && !t.is("(", "lateral") {
			expected = false
			item, end := d.item(toks, i)
			out = append(out, item...)
			if end > i {
				i = end - 1
				continue
			}
		}
		switch {
		case t.is("("):
			expected = false
			queries = append(queries, query{})
		case t.is(")") && len(queries) > 1:
			queries = queries[:len(queries)-1]
		case t.is("select"):
			*q = query{open: true}
		case t.is("from") && q.open:
			q.inFrom, expected = true, true
		case t.is("where", "group", "having", "order", "limit", "offset", "union", "intersect", "except", "minus", "qualify"):
			q.inFrom = false
		case t.is(",", "join"):
			expected = q.inFrom
		}
		out = append(out, t)
	}
	return out
}

// item reads an item that begins at i, without its alias if it may be a table, and gives
// it as the engine's parser takes it, and its end.
func (d dialect) item(toks []token, i int) (item []token, end int) {
	function := "rs unnest"
	from := i
	if toks[i].is("unpivot") {
		function = "rs unpivot"
		from++
	}
	end, names := d.path(toks, from)
	if end == from {
		return nil, i
	}
	path := toks[from:end]
	alias, next := d.alias(toks, end)
	if alias == "" {
		alias = names[len(names)-1]
	}
	columns := quoteIdent(alias)
	switch isTable := from == i && len(names) <= 3 && !slices.ContainsFunc(path, func(t token) bool { return t.is("[") }); {
	case next+1 < len(toks) && toks[next].is("at"):
		function += " at"
		columns += ", " + quoteIdent(d.nameOf(toks[next+1]))
		next += 2
	case isTable:
		return path, end
	}
	call := token{verbatim, quoteIdent(function) + "(", path[0].pos, path[0].pos}
	named := token{verbatim, ") AS " + quoteIdent(alias) + "(" + columns + ")", path[len(path)-1].end, toks[next-1].end}
	return slices.Concat([]token{call}, path, []token{named}), next
}

// path gives the end of a name with its . and [ ] that begins at i, and the names in it.
func (d dialect) path(toks []token, i int) (end int, names []string) {
	if d.nameOf(at(toks, i)) == "" {
		return i, nil
	}
	names = append(names, d.nameOf(toks[i]))
	for end = i + 1; end < len(toks); {
		switch {
		case toks[end].is(".") && d.nameOf(at(toks, end+1)) != "":
			names = append(names, d.nameOf(toks[end+1]))
			end += 2
		case toks[end].is("["):
			for end < len(toks) && !toks[end].is("]") {
				end++
			}
			end = min(end+1, len(toks))
		default:
			return end, names
		}
	}
	return end, names
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

// resolve puts calls of a table function in the place of the tables of FROM clauses that
// are paths into other items. around names the items of the queries around v.
func resolve(v any, around map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			resolve(child, around)
		}
	case node:
		if v["type"] == "SELECT_NODE" {
			own := make(map[string]bool)
			v["from_table"] = resolveItem(v["from_table"], own, around)
			around = union(around, own)
		}
		for key, child := range v {
			if key != "from_table" {
				resolve(child, around)
			}
		}
	}
}

// resolveItem resolves an item of a FROM clause and those in it, and adds what they are
// called to own.
func resolveItem(item any, own, around map[string]bool) any {
	n, _ := item.(node)
	name := strings.ToLower(str(n["alias"]))
	switch n["type"] {
	case "JOIN":
		n["left"] = resolveItem(n["left"], own, around)
		n["right"] = resolveItem(n["right"], own, around)
		resolve(n["condition"], union(around, own))
		return n
	case "BASE_TABLE":
		var path []any
		for _, key := range []string{"catalog_name", "schema_name", "table_name"} {
			if part := str(n[key]); part != "" {
				path = append(path, part)
			}
		}
		last := str(path[len(path)-1])
		if name == "" {
			name = strings.ToLower(last)
		}
		// A name alone is a table, whatever the query around reads.
		if first := strings.ToLower(str(path[0])); own[first] || len(path) > 1 && around[first] {
			column := node{"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": path}
			item = node{"type": "TABLE_FUNCTION", "function": call("rs unnest", column), "alias": name, "column_name_alias": []any{name}}
		}
	default:
		resolve(item, union(around, own))
	}
	if name != "" {
		own[name] = true
	}
	return item
}

func union(a, b map[string]bool) map[string]bool {
	all := maps.Clone(b)
	maps.Copy(all, a)
	return all
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
