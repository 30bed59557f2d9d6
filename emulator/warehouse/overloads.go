package warehouse

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strings"
	"sync"
)

// The engine chooses among the forms of a macro by the types of its arguments, but finds
// no type for one that has an aggregate, a window function or the name of a result column
// in it. So each macro with several forms, NAME, has a twin NAME_as, which takes
// witnesses of the types before the arguments: expressions of the same types without any of those.

// twins gives the twins of the macros in SQL text, and the names of those that have one.
func twins(text string) (sql string, names map[string]bool) {
	var b strings.Builder
	names = make(map[string]bool)
	for _, statement := range splitOutside(comments.ReplaceAllString(text, ""), ';') {
		_, macro, ok := strings.Cut(statement, "CREATE MACRO main.")
		if !ok {
			continue
		}
		name, forms, _ := strings.Cut(macro, "(")
		list := splitOutside("("+forms, ',')
		if len(list) < 2 || strings.Contains(forms, ") AS TABLE") {
			continue
		}
		names[name] = true
		for i, form := range list {
			form = strings.TrimSpace(form)
			end := strings.Index(form, ")")
			var witnesses, params []string
			for k, param := range strings.Split(form[1:end], ",") {
				param, typ, _ := strings.Cut(strings.TrimSpace(param), " ")
				witnesses = append(witnesses, strings.TrimSpace("w"+string(rune('0'+k))+" "+typ))
				params = append(params, param)
			}
			list[i] = "(" + strings.Join(append(witnesses, params...), ", ") + ")" + form[end+1:]
		}
		b.WriteString("CREATE MACRO main." + name + "_as" + strings.Join(list, ", ") + ";\n")
	}
	return b.String(), names
}

// overloaded are the macros that have a twin.
var overloaded = sync.OnceValue(func() map[string]bool {
	_, names := twins(catalogSQL + functionsSQL)
	return names
})

// splitOutside splits SQL at a character that is in neither quotes nor parentheses.
func splitOutside(sql string, at rune) []string {
	var parts []string
	depth, from := 0, 0
	var quote rune
	for i, r := range sql {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '(' || r == '[' || r == '{':
			depth++
		case r == ')' || r == ']' || r == '}':
			depth--
		case r == at && depth == 0:
			parts = append(parts, sql[from:i])
			from = i + 1
		}
	}
	return append(parts, sql[from:])
}

// comments are what follows --, which no text in the stand-in's SQL has.
var comments = regexp.MustCompile(`(?m)--.*$`)

// aggregates are functions over rows, by the engine's names, and what witnesses the type
// of each: "" its first argument.
var aggregates = map[string]string{
	"count": "bigint", "count_star": "bigint", "row_number": "bigint", "rank": "bigint", "dense_rank": "bigint",
	"rs_listagg": "varchar", "median": "double", "quantile_cont": "double", "quantile_disc": "double",
	"stddev": "double", "stddev_samp": "double", "stddev_pop": "double", "variance": "double", "var_samp": "double", "var_pop": "double",
	"bool_and": "boolean", "bool_or": "boolean",
	"sum": "", "avg": "", "min": "", "max": "", "any_value": "", "bit_and": "", "bit_or": "", "rs_sum": "", "rs_avg": "", "rs_min": "", "rs_max": "",
}

// witness gives the calls of a query the twins that they need. given are the names that
// the statement itself gives to columns of results.
func witness(query node, given map[string]bool) {
	names := make(map[string]node)
	for _, item := range list(query["select_list"]) {
		item := item.(node)
		// A name that its own expression has is a column's, which comes before the result's.
		if alias := str(item["alias"]); given[alias] && !mentions(item, alias) {
			names[alias] = witnessOf(item, names).(node)
		}
	}
	for _, key := range []string{"select_list", "having", "qualify", "modifiers"} {
		useTwins(query[key], names)
	}
}

// mentions says whether a name without a relation is in an expression.
func mentions(v any, name string) bool {
	return contains(v, func(n node) bool {
		columns := list(n["column_names"])
		return len(columns) == 1 && strings.EqualFold(str(columns[0]), name)
	})
}

func useTwins(v any, names map[string]node) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			useTwins(child, names)
		}
	case node:
		if v["type"] == "SELECT_NODE" {
			return // which has had its own
		}
		args := list(v["children"])
		if name := str(v["function_name"]); v["class"] == "FUNCTION" && overloaded()[name] && untyped(args, names) {
			if _, aggregate := aggregates[name]; !aggregate {
				witnesses := list(witnessOf(args, names))
				v["function_name"] = name + "_as"
				defer func() { v["children"] = append(witnesses, args...) }()
			}
		}
		for _, child := range v {
			useTwins(child, names)
		}
	}
}

// untyped says that the engine's choice of a macro finds no type for an expression.
func untyped(v any, names map[string]node) bool {
	return contains(v, func(n node) bool {
		_, aggregate := aggregates[str(n["function_name"])]
		columns := list(n["column_names"])
		return aggregate || n["class"] == "WINDOW" || len(columns) == 1 && names[str(columns[0])] != nil
	})
}

// witnessOf copies an expression with others of the same types in the place of those
// that have none.
func witnessOf(v any, names map[string]node) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = witnessOf(v[i], names)
		}
		return out
	case node:
		typ, aggregate := aggregates[str(v["function_name"])]
		args, columns := list(v["children"]), list(v["column_names"])
		switch {
		case typ != "":
			return cast(null(), typ, false)
		case (aggregate || v["class"] == "WINDOW") && len(args) > 0:
			return witnessOf(args[0], names)
		case len(columns) == 1 && names[str(columns[0])] != nil:
			item := maps.Clone(names[str(columns[0])])
			delete(item, "alias")
			return item
		}
		out := make(node, len(v))
		for key, child := range v {
			out[key] = witnessOf(child, names)
		}
		return out
	}
	return v
}

// unknownColumn gives the error of a query that the engine found no form of a macro for:
// that of a column which there is not, if that is why, as an unknown column has no type.
func (s *Session) unknownColumn(ctx context.Context, query string, err error) error {
	if err == nil || !strings.Contains(err.Error(), "has multiple overloads that match") {
		return err
	}
	tree, parseErr := parse(ctx, s.conn, rendering{text: query})
	if parseErr != nil {
		return err
	}
	plain, formatErr := format(ctx, s.conn, replace(tree, func(n node) node {
		if n["class"] == "FUNCTION" && overloaded()[strings.TrimSuffix(str(n["function_name"]), "_as")] {
			return call("hash", list(n["children"])...) // which takes everything
		}
		return n
	}).(node))
	if formatErr != nil {
		return err
	}
	rows, plainErr := s.conn.QueryContext(ctx, "DESCRIBE "+plain)
	if plainErr == nil {
		return errors.Join(err, rows.Close())
	}
	if e := asError(plainErr); strings.Contains(e.Error(), "does not exist") {
		return e
	}
	return err
}
