package warehouse

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

//go:embed functions.sql
var functionsSQL string

// functions are Redshift's functions by name: the name of what stands for each in the
// engine, "" for one that a rule of syntax rewrites alone.
var functions = func() map[string]string {
	all := make(map[string]string)
	for name := range strings.FieldsSeq(`
		count count_star bool_and bool_or any_value median stddev stddev_samp stddev_pop variance var_samp var_pop bit_and bit_or
		power pow sqrt cbrt sign exp ln log10 greatest least nullif degrees radians pi sin cos tan cot asin acos atan atan2
		upper lower trim ltrim rtrim substring substr left right replace translate lpad rpad split_part strpos position reverse repeat md5 chr ascii
		datediff date_trunc date_part getdate timezone current_schema
		like_escape not_like_escape ilike_escape not_ilike_escape can_json_parse`) {
		all[name] = name
	}
	for _, macro := range regexp.MustCompile(`MACRO main\.(fn_(\w+))`).FindAllStringSubmatch(functionsSQL, -1) {
		all[macro[2]] = macro[1]
	}
	for name, engine := range map[string]string{
		"sum": "rs_sum", "avg": "rs_avg", "min": "rs_min", "max": "rs_max",
		"len": "rs_length", "length": "rs_length", "char_length": "rs_length", "character_length": "rs_length", "textlen": "rs_length",
		"octet_length": "rs_octet_length", "json_parse": "rs_json_parse", "json_typeof": "rs_json_typeof", "json_serialize": "rs_json_serialize",
		"date_diff": "datediff", "datepart": "date_part", "pgdate_part": "date_part", "btrim": "trim", "concat": "||",
		"regexp_full_match": "regexp_matches", // what the parser makes of ~, which in Redshift is true for a part
		"quantile_cont":     "quantile_cont",  // and of PERCENTILE_CONT
		"quantile_disc":     "quantile_disc",
		"rs unnest":         "rs_unnest", "rs unnest at": "rs_unnest_at", "rs unpivot": "rs_unpivot", "rs unpivot at": "rs_unpivot_at", // of unnest (from.go)
	} {
		all[name] = engine
	}
	return all
}()

// operators are those of expressions, by the macros that stand for them.
var operators = map[string]string{
	"+": "rs_add", "-": "rs_subtract", "*": "rs_multiply", "/": "rs_divide", "%": "rs_remainder", "||": "rs_concat",
}

// likes are the operators of LIKE without ESCAPE, by the functions that take the escape
// character, which is a backslash then:
// https://docs.aws.amazon.com/redshift/latest/dg/r_patternmatching_condition_like.html
var likes = map[string]string{"~~": "like_escape", "!~~": "not_like_escape", "~~*": "ilike_escape", "!~~*": "not_ilike_escape"}

var comparisons = map[string]string{
	"COMPARE_EQUAL": "rs_eq", "COMPARE_NOTEQUAL": "rs_ne", "COMPARE_LESSTHAN": "rs_lt", "COMPARE_GREATERTHAN": "rs_gt",
	"COMPARE_LESSTHANOREQUALTO": "rs_le", "COMPARE_GREATERTHANOREQUALTO": "rs_ge",
}

// A rule rewrites a call whose meaning is in its syntax. It gives nil where the call is
// none of the forms that it is for.
type rule func(r *rewriter, call node, args []any) (node, error)

// byLines is for the functions whose second argument is a pattern: whether ^ and $ match at
// every line is in doubt.
func byLines(engine string) rule {
	return func(r *rewriter, _ node, args []any) (node, error) {
		if len(args) < 2 || !r.reads(lineEnds, "lines") {
			return nil, nil
		}
		args = slices.Clone(args)
		args[1] = call("||", constant("VARCHAR", "(?m)"), args[1])
		return call(engine, args...), nil
	}
}

var rules = map[string]rule{
	"regexp_full_match": byLines("regexp_matches"), // what the parser makes of ~
	"regexp_count":      byLines("fn_regexp_count"), "regexp_instr": byLines("fn_regexp_instr"),
	"regexp_replace": byLines("fn_regexp_replace"), "regexp_substr": byLines("fn_regexp_substr"),
	"json_typeof": func(_ *rewriter, _ node, args []any) (node, error) {
		if len(args) == 1 {
			if parent, key, ok := splitPath(args[0].(node)); ok {
				return call("rs_json_typeof_at", parent, constant("VARCHAR", key)), nil
			}
		}
		return nil, nil
	},
	"nvl": func(_ *rewriter, _ node, args []any) (node, error) {
		return node{"class": "OPERATOR", "type": "OPERATOR_COALESCE", "children": args}, nil
	},
	"decode":   decode,
	"datediff": ofTimes, "date_diff": ofTimes, "date_trunc": ofTimes, "date_part": ofTimes, "datepart": ofTimes, "pgdate_part": ofTimes,
	"json_extract_path_text": extractPath,
	"listagg":                listagg,
	"array": func(_ *rewriter, _ node, args []any) (node, error) {
		if len(args) == 0 {
			return cast(cast(constant("VARCHAR", "[]"), "json", false), "variant", false), nil
		}
		elements := make([]any, len(args))
		for i := range args {
			elements[i] = call("rs_to_super", args[i])
		}
		return cast(call("list_value", elements...), "variant", false), nil
	},
	"object": func(_ *rewriter, _ node, args []any) (node, error) {
		values := slices.Clone(args)
		for i := 1; i < len(values); i += 2 {
			values[i] = cast(call("rs_to_super", args[i]), "json", false)
		}
		if len(args)%2 != 0 {
			return nil, errorf("OBJECT takes pairs of a key and a value")
		}
		return cast(call("json_object", values...), "variant", false), nil
	},
}

// function gives a call Redshift's meaning, or refuses it.
func (r *rewriter) function(n node, args []any) (node, error) {
	name := str(n["function_name"])
	if schema := n["schema"]; schema != nil && schema != "main" && schema != "pg_catalog" {
		return nil, unsupported("function %v.%s", schema, name)
	}
	if n["is_operator"] == true {
		return r.operator(name, n, args)
	}
	r.functions = append(r.functions, name)
	distinct := n["distinct"] != nil
	if distinct {
		r.functions = append(r.functions, "distinct")
	}
	order, _ := n["order_bys"].(node)
	switch {
	case n["filter"] != nil:
		return nil, errorf("syntax error at or near %q", "FILTER")
	case order["orders"] != nil && name != "listagg" && !strings.HasPrefix(name, "quantile_"):
		return nil, unsupported("ORDER BY in the arguments of %s", name)
	}
	if rewrite, ok := rules[name]; ok {
		if out, err := rewrite(r, n, args); out != nil || err != nil {
			return out, err
		}
	}
	engine := functions[name]
	switch {
	case engine == "":
		return nil, errorf("function %s does not exist, or is not supported by the warehouse stand-in", name)
	case engine == name, distinct && (name == "sum" || name == "min" || name == "max"): // of a macro's result there is no DISTINCT
		return n, nil
	case distinct:
		return nil, unsupported("%s(DISTINCT)", name)
	}
	return call(engine, args...), nil
}

// operator gives an operator its meaning for SUPER, where an operand may be one.
func (r *rewriter) operator(name string, n node, args []any) (node, error) {
	if like := likes[name]; like != "" {
		return call(like, append(args, constant("VARCHAR", `\`))...), nil
	}
	macro, ok := operators[name]
	switch {
	case !ok:
		return nil, unsupported("operator %s", name)
	case r.correlated(args):
		return n, nil
	case len(args) == 1 && name == "-" && !isPlain(args[0]):
		return call("rs_negate", args[0]), nil
	case len(args) != 2:
		return n, nil
	case name == "||" && isJoin(args[0]):
		return n, nil // of a long chain the first two only, as each level of macros doubles what the engine binds
	case name == "||" || name == "/" || name == "%" || !isPlain(args[0]) || !isPlain(args[1]):
		return call(macro, args...), nil
	}
	return n, nil
}

func isJoin(v any) bool {
	n, _ := v.(node)
	return n["function_name"] == "||" || n["function_name"] == "rs_concat"
}

// isPlain says that an expression is certainly no SUPER value.
func isPlain(v any) bool {
	n, _ := v.(node)
	switch n["class"] {
	case "CONSTANT", "COMPARISON", "CONJUNCTION", "BETWEEN":
		return true
	case "CAST":
		castType, _ := n["cast_type"].(node)
		info, _ := castType["type_info"].(node)
		return info["name"] != "variant"
	case "CASE":
		for _, check := range list(n["case_checks"]) {
			if !isPlain(check.(node)["then_expr"]) {
				return false
			}
		}
		return isPlain(n["else_expr"])
	case "OPERATOR":
		return !slices.Contains([]any{"STRUCT_EXTRACT", "ARRAY_EXTRACT", "OPERATOR_COALESCE"}, n["type"])
	case "FUNCTION":
		return n["is_operator"] == true || slices.Contains([]any{
			"count", "count_star", "datediff", "date_part", "date_trunc", "strpos", "upper", "lower", "rs_length", "rs_octet_length", "rs_cut", "rs_lax_cut", "rs_text", "rs_lax_text", "rtrim",
			"rs_sysdate", "rs_current_user", "getdate", "rs_json_typeof", "rs_json_typeof_at", "rs_json_serialize", "fn_get_array_length", "fn_to_char", "fn_to_timestamp",
		}, n["function_name"])
	}
	return false
}

// decode is DECODE(x, search, result, ... [, default]), where NULL matches NULL.
func decode(_ *rewriter, _ node, args []any) (node, error) {
	if len(args) < 3 {
		return nil, errorf("DECODE takes at least three arguments")
	}
	var checks []any
	pairs := args[1:]
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		when := node{"class": "COMPARISON", "type": "COMPARE_NOT_DISTINCT_FROM", "left": args[0], "right": pairs[0]}
		if !isPlain(args[0]) {
			when = conjunction("OR", call("rs_eq", args[0], pairs[0]), conjunction("AND", isNull(args[0]), isNull(pairs[0])))
		}
		checks = append(checks, node{"when_expr": when, "then_expr": pairs[1]})
	}
	otherwise := any(null())
	if len(pairs) == 1 {
		otherwise = pairs[0]
	}
	return node{"class": "CASE", "type": "CASE_EXPR", "case_checks": checks, "else_expr": otherwise}, nil
}

// ofTimes takes constant texts among a function's arguments for times; the first is a part
// of a date.
func ofTimes(_ *rewriter, _ node, args []any) (node, error) {
	for i := range args {
		if i > 0 && constantText(args[i]) != "" {
			args[i] = cast(args[i], "timestamp", false)
		}
	}
	return nil, nil
}

// extractPath is JSON_EXTRACT_PATH_TEXT(text, key [, ...] [, null_if_invalid]).
func extractPath(_ *rewriter, _ node, args []any) (node, error) {
	if len(args) < 2 {
		return nil, errorf("JSON_EXTRACT_PATH_TEXT takes at least two arguments")
	}
	lenient := constantOf("BOOLEAN", "f")
	keys := args[1:]
	if last := keys[len(keys)-1].(node); last["class"] == "CAST" {
		lenient, keys = last, keys[:len(keys)-1]
	}
	pointer := ""
	for _, k := range keys {
		key := constantText(k)
		if key == "" {
			return nil, unsupported("JSON_EXTRACT_PATH_TEXT with a key that is not a constant text")
		}
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	}
	return call("rs_json_extract_path_text", args[0], constant("VARCHAR", pointer), lenient), nil
}

// listagg is LISTAGG([DISTINCT] x [, delimiter]), whose WITHIN GROUP the rendering has
// put into the parentheses.
func listagg(_ *rewriter, n node, args []any) (node, error) {
	delimiter := any(constant("VARCHAR", ""))
	switch len(args) {
	case 1:
	case 2:
		delimiter = args[1]
	default:
		return nil, errorf("LISTAGG takes one or two arguments")
	}
	values := call("list", args[0])
	values["order_bys"] = n["order_bys"]
	if n["distinct"] != nil {
		values["distinct"] = n["distinct"]
	}
	return call("rs_listagg", values, delimiter), nil
}
