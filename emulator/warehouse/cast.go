package warehouse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// isSuper asks for the type of an expression, which the engine's binder replaces by a
// constant.
func isSuper(v any) node {
	return node{"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": call("typeof", v), "right": constant("VARCHAR", "VARIANT")}
}

// splitPath takes the last key off a path into a SUPER value.
func splitPath(n node) (parent node, key string, ok bool) {
	switch {
	case n["class"] == "COLUMN_REF":
		names := list(n["column_names"])
		if len(names) < 2 || names[0] == names[1] && len(names) == 2 { // an unnested value itself
			return nil, "", false
		}
		return node{"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": names[:len(names)-1]}, str(names[len(names)-1]), true
	case n["type"] == "STRUCT_EXTRACT":
		children := list(n["children"])
		return children[0].(node), constantText(children[1]), true
	}
	return nil, "", false
}

// cast gives a cast Redshift's meaning, which depends on what is cast: a SUPER value that
// does not convert gives NULL, a text is an error. Only the engine's binder knows the
// type, so that the result asks typeof(), which it replaces by a constant.
func (r *rewriter) cast(n node) (node, error) {
	child := n["child"].(node)
	try := n["try_cast"] == true
	castType := n["cast_type"].(node)
	info, _ := castType["type_info"].(node)
	t, ok := decodeType(str(info["name"]))
	if !ok {
		if child["class"] == "CONSTANT" && slices.Contains([]any{"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME", "INTERVAL", "BOOLEAN"}, castType["id"]) {
			return n, nil // a literal such as TIMESTAMP '2026-01-01' or TRUE
		}
		return nil, unsupported("a literal of type %v", castType["id"])
	}
	if child["class"] == "CONSTANT" && child["value"].(node)["is_null"] == true {
		return cast(child, t.duck(), false), nil
	}
	super := isSuper(child)
	refused := call("rs_refused", call("typeof", child), constant("VARCHAR", t.Name))
	refuse := cast(call("rs_refuse", call("typeof", child), constant("VARCHAR", t.Name)), t.duck(), false)
	flag := constantOf("BOOLEAN", map[bool]string{true: "t", false: "f"}[try])
	if try {
		child = call("rs_not_blank", child)
		if r.reads(tryCastDate, "roll") && slices.Contains([]string{"date", "timestamp", "timestamptz"}, t.Name) {
			child = call("rs_rolled", child)
		}
	}
	var lax, strict node
	switch t.Name {
	case "varchar", "bpchar":
		lax, strict = call("rs_lax_text", child), call("rs_text", child, flag)
		if t.Name == "bpchar" {
			lax, strict = call("rs_lax_ascii", lax), call("rs_ascii", strict, flag)
		}
		if t.Precision > 0 {
			limit := constant("INTEGER", json.Number(strconv.Itoa(t.Precision)))
			lax, strict = call("rs_lax_cut", lax, limit), call("rs_cut", strict, limit)
		}
		if t.Name == "bpchar" { // whose blanks at the end mean nothing
			lax, strict = call("rtrim", lax, constant("VARCHAR", " ")), call("rtrim", strict, constant("VARCHAR", " "))
		}
		return choose(refused, refuse, choose(super, lax, strict)), nil
	case "int2", "int4", "int8":
		digits := call("rs_integer_digits", child)
		lax, strict = r.inRange(digits, cast(r.superDecimal(digits, t), t.duck(), true)), r.strictNumber("rs_integer", child, flag, t, try)
		return choose(refused, refuse, choose(super, lax, strict)), nil
	case "numeric":
		digits := call("rs_digits", child)
		lax, strict = r.inRange(digits, cast(r.superDecimal(digits, t), t.duck(), true)), r.strictNumber("rs_number", child, flag, t, try)
		return choose(refused, refuse, choose(super, lax, strict)), nil
	case "float4", "float8":
		lax, strict = r.inRange(call("rs_digits", child), cast(call("rs_super_float", child), t.duck(), true)), cast(call("rs_number", child, flag), t.duck(), try)
		return choose(refused, refuse, choose(super, lax, strict)), nil
	case "super":
		return choose(refused, refuse, choose(super, cast(child, "variant", false), cast(child, "variant", try))), nil
	case "varbyte":
		return choose(super, cast(call("error", constant("VARCHAR", "cannot cast type super to binary varying")), "blob", false), call("rs_bytes", child)), nil
	case "bool":
		lax, strict = call("rs_super_bool", child), call("rs_strict", child)
	default:
		lax, strict = call("rs_super_text", child), call("rs_strict", child)
		if try {
			lax = call("error", constant("VARCHAR", "TRY_CAST from super to "+t.Name+" is not supported"))
		}
	}
	return choose(refused, refuse, choose(super, cast(lax, t.duck(), true), cast(strict, t.duck(), try))), nil
}

// reads says whether a doubt is read in one way.
func (r *rewriter) reads(name, answer string) bool {
	return Doubts().Answer(r.readings, name) == answer
}

// wide is a DECIMAL that holds the digits of a number for a cast to t, and some more.
func wide(t Type) string {
	return fmt.Sprintf("DECIMAL(38,%d)", min(38-(t.Precision-t.Scale), t.Scale+9))
}

// superDecimal gives the number with these digits, of a SUPER value, so that a cast to t
// takes from it what Redshift's does.
func (r *rewriter) superDecimal(digits node, t Type) node {
	number := cast(digits, wide(t), true)
	cut := r.reads(decimalCasts, "cut")
	if r.reads(superNumbers, "float") {
		cut = r.reads(floatCasts, "cut")
	}
	if !cut {
		return number
	}
	return call("trunc", number, constant("INTEGER", json.Number(strconv.Itoa(t.Scale))))
}

// strictNumber casts what is not SUPER to an integer or a DECIMAL.
func (r *rewriter) strictNumber(macro string, child, flag any, t Type, try bool) node {
	scale := constant("INTEGER", json.Number(strconv.Itoa(t.Scale)))
	number := call(macro, child, flag)
	if r.reads(decimalCasts, "cut") {
		number = call("rs_decimal_cut", number, scale)
	}
	strict := cast(number, t.duck(), try)
	if !r.reads(floatCasts, "cut") {
		return strict
	}
	isFloat := call("regexp_matches", call("typeof", child), constant("VARCHAR", "^(DOUBLE|FLOAT)$"))
	return choose(isFloat, cast(call("trunc", cast(call("rs_float_digits", child), wide(t), try), scale), t.duck(), try), strict)
}

// inRange makes an error of a SUPER number that has digits and no value, if it is read so.
func (r *rewriter) inRange(digits, value node) node {
	if r.reads(superOverflow, "error") {
		return call("rs_in_range", digits, value)
	}
	return value
}
