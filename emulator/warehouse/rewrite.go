package warehouse

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"example.com/evstream/emulator/doubt"
)

// A rewriter turns a Redshift query into one that means the same to the engine. It works
// on the engine's own syntax tree, so that the extent of every expression is the
// parser's business, and refuses each function, clause and type that it doesn't know.
type rewriter struct {
	// relation says what stands for a table of a FROM clause: nil for the table of
	// that name.
	relation func(schema, table string) (node, error)
	readings doubt.Readings

	ctes      map[string]bool
	unnested  map[string]bool   // aliases of items that go over SUPER values
	given     map[string]bool   // names that the statement gives to columns
	scopes    []map[string]bool // names of relations of the query being walked, and of those around it
	relations []relation        // read by the query
	functions []string          // called by the query, by their Redshift names
}

// A relation names a table, a view or a materialized view.
type relation struct{ Schema, Name string }

func (r relation) String() string { return quoteIdent(r.Schema) + "." + quoteIdent(r.Name) }

const defaultSchema = "public"

// statement rewrites a whole query in place.
func (r *rewriter) statement(s node) error {
	resolve(s, nil)
	r.ctes, r.unnested = commonTables(s), make(map[string]bool)
	err := inspect(s, func(n node) error {
		if n["type"] == "TABLE_FUNCTION" {
			r.unnested[str(n["alias"])] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = r.walk(s)
	return err
}

// walk rewrites what is below v, then v itself, and gives what takes its place.
func (r *rewriter) walk(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			child, err := r.walk(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = child
		}
	case node:
		if v["class"] == nil && v["type"] == "SELECT_NODE" {
			if err := r.selectNode(v); err != nil {
				return nil, err
			}
			r.scopes = append(r.scopes, relationNames(v["from_table"]))
			defer func() { r.scopes = r.scopes[:len(r.scopes)-1] }()
		}
		for key, below := range v {
			if key == "value" && v["class"] == "CONSTANT" || key == "cast_type" {
				continue
			}
			child, err := r.walk(below)
			if err != nil {
				return nil, err
			}
			v[key] = child
		}
		if v["class"] != nil {
			n, err := r.expression(v)
			if err != nil {
				return nil, err
			}
			if alias := v["alias"]; alias != nil {
				n["alias"] = alias
			}
			return n, nil
		}
		return r.clause(v)
	}
	return v, nil
}

// selectNode names the result columns as Redshift does.
func (r *rewriter) selectNode(n node) error {
	if n["aggregate_handling"] != "STANDARD_HANDLING" {
		return unsupported("GROUP BY ALL")
	}
	// https://docs.aws.amazon.com/redshift/latest/dg/r_QUALIFY_clause.html
	if from, _ := n["from_table"].(node); n["qualify"] != nil && n["where_clause"] == nil && n["group_expressions"] == nil && from["type"] == "BASE_TABLE" && from["alias"] == nil {
		return errorf("QUALIFY directly after the FROM clause: the relation %q must have an alias", from["table_name"])
	}
	for _, item := range list(n["select_list"]) {
		item := item.(node)
		bare := item["class"] == "COLUMN_REF" && len(list(item["column_names"])) == 1
		if bare && isCurrentUser(item) && readsTable(n["from_table"]) && r.reads(currentUser, "refuse") {
			alias := str(item["alias"])
			if alias == "" {
				alias = "current_user"
			}
			return errorf(`Column %q has unsupported type "name".`, alias)
		}
		if alias := str(item["alias"]); alias != "" {
			if r.given == nil { // in an expression by itself
				r.given = make(map[string]bool)
			}
			r.given[alias] = true
		}
		if item["alias"] == nil && item["class"] != "STAR" && !bare {
			item["alias"] = resultName(item)
		}
	}
	return nil
}

// isCurrentUser says whether a name is CURRENT_USER or SESSION_USER, which are of the type
// name.
func isCurrentUser(n node) bool {
	name := str(list(n["column_names"])[0])
	return name == "current_user" || name == "session_user"
}

// readsTable says whether a FROM clause reads more than the leader node's own tables.
func readsTable(from any) bool {
	f, _ := from.(node)
	return f != nil && f["type"] != "EMPTY" && !(f["type"] == "BASE_TABLE" && strings.HasPrefix(str(f["table_name"]), "pg_"))
}

// resultName is the name of a result column that was given none.
func resultName(n node) string {
	children := list(n["children"])
	switch n["class"] {
	case "COLUMN_REF":
		names := list(n["column_names"])
		return strings.ToLower(str(names[len(names)-1]))
	case "CAST":
		return resultName(n["child"].(node))
	case "CASE":
		return "case"
	case "FUNCTION", "WINDOW":
		name := str(n["function_name"])
		switch {
		case name == "count_star":
			return "count"
		case name == "decode", name == "nvl2": // which Redshift takes for a CASE
			return "case"
		case name == "nvl":
			return "coalesce"
		case n["is_operator"] == true:
			return "?column?"
		}
		return strings.Replace(name, "quantile_", "percentile_", 1) // which is what the parser makes of it
	case "OPERATOR":
		switch n["type"] {
		case "STRUCT_EXTRACT":
			return strings.ToLower(constantText(children[1]))
		case "ARRAY_EXTRACT":
			return resultName(children[0].(node))
		case "OPERATOR_COALESCE":
			return "coalesce"
		}
	}
	return "?column?"
}

// clause rewrites what is not an expression.
func (r *rewriter) clause(n node) (any, error) {
	switch n["type"] {
	case "BASE_TABLE":
		return r.baseTable(n)
	case "SELECT_NODE":
		// A name of the result is ordered as the engine does: its expression may be an error.
		named := make(map[string]bool)
		for _, item := range list(n["select_list"]) {
			item := item.(node)
			named[str(item["alias"])] = item["class"] != "COLUMN_REF" && item["type"] != "STRUCT_EXTRACT" && item["type"] != "ARRAY_EXTRACT"
		}
		for _, m := range list(n["modifiers"]) {
			orderSuper(m.(node)["orders"], named)
		}
		witness(n, r.given)
	case "TABLE_FUNCTION":
		if name := str(n["function"].(node)["function_name"]); !strings.HasPrefix(name, "rs_un") { // of unnest (from.go)
			return nil, unsupported("a function in a FROM clause")
		}
	case "JOIN":
		if n["join_type"] == "RIGHT" || n["join_type"] == "OUTER" {
			return n, withoutSuper(n)
		}
	case "RECURSIVE_CTE_NODE", "CTE_NODE":
		return nil, unsupported("a recursive common table expression")
	case "LIMIT_PERCENT_MODIFIER":
		return nil, errorf("syntax error at or near %q", "%")
	case "DISTINCT_MODIFIER":
		if n["distinct_on_targets"] != nil {
			return nil, unsupported("DISTINCT ON")
		}
	}
	return n, nil
}

// baseTable gives what stands for a table of a FROM clause, under its name.
func (r *rewriter) baseTable(n node) (node, error) {
	if n["catalog_name"] != nil {
		return nil, unsupported("a database name in a FROM clause")
	}
	schema, table := strings.ToLower(str(n["schema_name"])), str(n["table_name"])
	if schema == "" && r.ctes[strings.ToLower(table)] {
		return n, nil
	}
	replacement, err := r.relation(schema, table)
	if err != nil {
		return nil, err
	}
	r.relations = append(r.relations, relation{schema, table})
	if replacement == nil {
		return n, nil
	}
	if replacement["alias"] = n["alias"]; n["alias"] == nil {
		replacement["alias"] = table
	}
	if columns := n["column_name_alias"]; columns != nil {
		replacement["column_name_alias"] = columns
	}
	return replacement, nil
}

// expression gives an expression Redshift's meaning, or refuses it.
func (r *rewriter) expression(n node) (node, error) {
	switch n["class"] {
	case "CONSTANT", "CASE", "SUBQUERY":
		return n, nil
	case "CONJUNCTION":
		if n["type"] == "CONJUNCTION_AND" && r.reads(andOrder, "right") {
			slices.Reverse(list(n["children"]))
		}
		return n, nil
	case "BETWEEN":
		if isPlain(n["input"]) || r.correlated([]any{n["input"], n["lower"], n["upper"]}) {
			return n, nil
		}
		return conjunction("AND", call("rs_ge", n["input"], n["lower"]), call("rs_le", n["input"], n["upper"])), nil
	case "COMPARISON":
		return r.comparison(n)
	case "STAR":
		return star(n)
	case "COLUMN_REF":
		return r.column(n)
	case "CAST":
		return r.cast(n)
	case "FUNCTION":
		return r.function(n, list(n["children"]))
	case "WINDOW":
		return r.window(n)
	case "OPERATOR":
		return r.syntaxOperator(n)
	}
	return nil, unsupported("%v %v", n["class"], n["type"])
}

func (r *rewriter) comparison(n node) (node, error) {
	macro, ok := comparisons[str(n["type"])]
	if !ok {
		return nil, unsupported("IS DISTINCT FROM")
	}
	sides := []any{n["left"], n["right"]}
	if r.correlated(sides) {
		return n, nil
	}
	plain := isPlain(sides[0]) && isPlain(sides[1])
	if r.reads(trailingBlanks, "ignore") {
		withoutBlanks(sides)
		n["left"], n["right"] = sides[0], sides[1]
	}
	if plain {
		return n, nil
	}
	return call(macro, sides...), nil
}

// star refuses what the engine allows behind an asterisk.
func star(n node) (node, error) {
	for key, v := range n {
		if l, isList := v.([]any); isList && len(l) == 0 || slices.Contains([]string{"class", "type", "query_location", "relation_name"}, key) {
			continue
		}
		return nil, unsupported("* %s", strings.ReplaceAll(key, "_", " "))
	}
	return n, nil
}

// column gives what a name means that is no column's, and the elements of an unnested one.
func (r *rewriter) column(n node) (node, error) {
	names := list(n["column_names"])
	first := str(names[0])
	if r.unnested[first] && (len(names) == 1 || names[1] != names[0]) {
		n["column_names"] = append([]any{first}, names...) // the column is named as its table
		return n, nil
	}
	if len(names) > 1 {
		return n, nil
	}
	switch first {
	case "sysdate":
		r.functions = append(r.functions, "sysdate")
		return call("rs_sysdate"), nil
	case "current_date":
		r.functions = append(r.functions, "current_date")
		return cast(call("getdate"), "date", false), nil
	case "current_user", "session_user":
		r.functions = append(r.functions, "current_user")
		return call("rs_current_user"), nil
	case "current_timestamp", "current_time", "localtime", "localtimestamp", "user":
		return nil, unsupported("%s", strings.ToUpper(first))
	}
	return n, nil
}

var windowFunctions = []string{"row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value", "sum", "count", "count_star", "min", "max"}

func (r *rewriter) window(n node) (node, error) {
	if name := str(n["function_name"]); !slices.Contains(windowFunctions, name) {
		return nil, unsupported("window function %s", name)
	}
	// https://docs.aws.amazon.com/redshift/latest/dg/r_Window_function_synopsis.html
	if n["type"] == "WINDOW_AGGREGATE" && n["orders"] != nil && n["end"] == "CURRENT_ROW_RANGE" {
		return nil, errorf("Aggregate window functions with an ORDER BY clause require a frame clause")
	}
	r.functions = append(r.functions, "over")
	orderSuper(n["orders"], nil)
	return n, nil
}

// syntaxOperator is for the operators that have a syntax of their own.
func (r *rewriter) syntaxOperator(n node) (node, error) {
	children := list(n["children"])
	switch n["type"] {
	case "OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "STRUCT_EXTRACT":
		return n, nil
	case "COMPARE_IN", "COMPARE_NOT_IN":
		if r.correlated(children) {
			return n, nil
		}
		if r.reads(trailingBlanks, "ignore") {
			withoutBlanks(children)
		}
		return in(n, children), nil
	case "ARRAY_EXTRACT": // of a SUPER array, the only subscript in Redshift; it counts from 0
		index, err := strconv.Atoi(constantText(children[1]))
		if err != nil || index < 0 {
			return nil, unsupported("a subscript other than a constant of at least 0")
		}
		children[1] = constant("INTEGER", json.Number(strconv.Itoa(index+1)))
		return n, nil
	}
	return nil, unsupported("%v %v", n["class"], n["type"])
}

// withoutBlanks makes a comparison with a constant text see no blanks at the ends. Between
// two columns they count: in a correlated subquery the engine's binder can't choose a macro
// by the type of an outer column.
func withoutBlanks(sides []any) {
	text := func(v any) (value node, ok bool) {
		n := v.(node)
		value, _ = n["value"].(node)
		_, ok = value["value"].(string)
		return value, ok && n["class"] == "CONSTANT"
	}
	if !slices.ContainsFunc(sides, func(v any) bool { _, ok := text(v); return ok }) {
		return
	}
	for i := range sides {
		if value, ok := text(sides[i]); ok {
			value["value"] = strings.TrimRight(value["value"].(string), " ")
		} else if sides[i].(node)["class"] != "CONSTANT" {
			sides[i] = call("rs_compared", sides[i])
		}
	}
}

// in gives x [NOT] IN (a, b) its meaning for SUPER: x = a OR x = b.
func in(n node, children []any) node {
	if isPlain(children[0]) {
		return n
	}
	var equal []any
	for _, element := range children[1:] {
		equal = append(equal, call("rs_eq", children[0], element))
	}
	either := conjunction("OR", equal...)
	if len(equal) == 1 {
		either = equal[0].(node)
	}
	if n["type"] == "COMPARE_NOT_IN" {
		either = node{"class": "OPERATOR", "type": "OPERATOR_NOT", "children": []any{either}}
	}
	return choose(isSuper(children[0]), either, n)
}

// relationNames lists what the relations of a FROM clause are called.
func relationNames(from any) map[string]bool {
	names := make(map[string]bool)
	f, _ := from.(node)
	switch {
	case f == nil:
	case f["alias"] != nil:
		names[strings.ToLower(str(f["alias"]))] = true
	case f["type"] == "BASE_TABLE":
		names[strings.ToLower(str(f["table_name"]))] = true
	case f["type"] == "JOIN":
		for _, side := range []string{"left", "right"} {
			maps.Copy(names, relationNames(f[side]))
		}
	}
	return names
}

// correlated says whether an expression names a relation of a query around its own. The
// engine finds no type for such a column when it chooses a macro, so that its operators
// stay the engine's.
func (r *rewriter) correlated(v any) bool {
	if len(r.scopes) < 2 {
		return false
	}
	own := r.scopes[len(r.scopes)-1]
	return contains(v, func(n node) bool {
		columns := list(n["column_names"])
		if len(columns) < 2 || own[strings.ToLower(str(columns[0]))] {
			return false
		}
		return slices.ContainsFunc(r.scopes[:len(r.scopes)-1], func(around map[string]bool) bool { return around[strings.ToLower(str(columns[0]))] })
	})
}

// orderSuper gives each ORDER BY expression of a list the order of SUPER values, but for
// those names.
func orderSuper(orders any, but map[string]bool) {
	for _, o := range list(orders) {
		o := o.(node)
		by := o["expression"].(node)
		names := list(by["column_names"])
		if isPlain(by) || len(names) == 1 && but[str(names[0])] {
			continue
		}
		o["expression"] = call("rs_order", by)
	}
}

// withoutSuper keeps SUPER out of a right or full outer join:
// https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
func withoutSuper(join node) error {
	if contains([]any{join["left"], join["right"]}, func(n node) bool { return n["type"] == "TABLE_FUNCTION" }) {
		return errorf("SUPER can't be used in a RIGHT or FULL JOIN")
	}
	join["condition"] = replace(join["condition"], func(n node) node {
		if n["class"] == "COLUMN_REF" {
			return call("rs_not_super", n)
		}
		return n
	})
	return nil
}
