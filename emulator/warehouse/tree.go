package warehouse

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A node is a part of the engine's syntax tree, as json_serialize_sql gives it.
type node = map[string]any

// parse gives the syntax tree of a query that was rendered for the engine's parser.
func parse(ctx context.Context, db querier, r rendering) (node, error) {
	var out string
	err := db.QueryRowContext(ctx, "SELECT json_serialize_sql("+quoteText(r.text)+", skip_null := true, skip_default := true)::VARCHAR").Scan(&out)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(out))
	dec.UseNumber() // constants may have more digits than a float64
	var tree struct {
		Error      bool   `json:"error"`
		Message    string `json:"error_message"`
		Position   string `json:"position"`
		Statements []node `json:"statements"`
	}
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if tree.Error {
		message, _, _ := strings.Cut(tree.Message, "\n")
		e := errorf("%s", strings.ReplaceAll(strings.TrimPrefix(message, "Parser Error: "), `""`, `"`))
		if offset, err := strconv.Atoi(tree.Position); err == nil {
			e.at(r.sql, r.at(offset))
		}
		return nil, e
	}
	if len(tree.Statements) != 1 || tree.Statements[0]["named_param_map"] != nil {
		return nil, errorf("syntax error: one query without placeholders is expected")
	}
	return tree.Statements[0], nil
}

// format is the inverse of parse.
func format(ctx context.Context, db querier, statement node) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(node{"error": false, "statements": []any{statement}}); err != nil {
		return "", fmt.Errorf("format: %w", err)
	}
	var out string
	err := db.QueryRowContext(ctx, "SELECT json_deserialize_sql("+quoteText(b.String())+"::JSON)").Scan(&out)
	if err != nil {
		return "", fmt.Errorf("format: %w", err)
	}
	return out, nil
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// inspect calls visit for the nodes below v, from the outside in, until one gives an error.
func inspect(v any, visit func(node) error) error {
	switch v := v.(type) {
	case node:
		if err := visit(v); err != nil {
			return err
		}
		for _, below := range v {
			if err := inspect(below, visit); err != nil {
				return err
			}
		}
	case []any:
		for _, below := range v {
			if err := inspect(below, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// contains says whether an expression, without the queries in it, has a node that is looked
// for.
func contains(v any, is func(node) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(below any) bool { return contains(below, is) })
	case node:
		if v["type"] == "SELECT_NODE" {
			return false
		}
		if is(v) {
			return true
		}
		for _, below := range v {
			if contains(below, is) {
				return true
			}
		}
	}
	return false
}

// replace puts change's results in the place of the nodes below v.
func replace(v any, change func(node) node) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = replace(v[i], change)
		}
	case node:
		for key := range v {
			v[key] = replace(v[key], change)
		}
		return change(v)
	}
	return v
}

// commonTables lists the names of a statement's WITH clauses.
func commonTables(tree node) map[string]bool {
	names := make(map[string]bool)
	_ = inspect(tree, func(n node) error { // which gives no error
		if ctes, ok := n["cte_map"].(node); ok {
			for _, e := range list(ctes["map"]) {
				names[strings.ToLower(str(e.(node)["key"]))] = true
			}
		}
		return nil
	})
	return names
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// constantText gives the text of a constant, "" of anything else.
func constantText(v any) string {
	n, _ := v.(node)
	if n["class"] != "CONSTANT" {
		return ""
	}
	value, _ := n["value"].(node)
	switch v := value["value"].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func constant(typeID string, v any) node {
	return node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": typeID}, "is_null": false, "value": v}}
}

func constantOf(typeName, text string) node {
	return cast(constant("VARCHAR", text), typeName, false)
}

func call(name string, args ...any) node {
	return node{"class": "FUNCTION", "type": "FUNCTION", "function_name": name, "children": append([]any{}, args...), "order_bys": node{"type": "ORDER_MODIFIER"}, "is_operator": name == "+" || name == "||"}
}

func cast(child any, duckType string, try bool) node {
	castType := node{"id": "UNBOUND", "type_info": node{"type": "UNBOUND_TYPE_INFO", "name": strings.ToLower(duckType)}}
	var width, scale int
	if n, _ := fmt.Sscanf(duckType, "DECIMAL(%d,%d)", &width, &scale); n == 2 {
		castType = node{"id": "DECIMAL", "type_info": node{"type": "DECIMAL_TYPE_INFO", "width": width, "scale": scale}}
	}
	return node{"class": "CAST", "type": "OPERATOR_CAST", "child": child, "cast_type": castType, "try_cast": try}
}

// conjunction joins conditions by AND or OR.
func conjunction(word string, conditions ...any) node {
	return node{"class": "CONJUNCTION", "type": "CONJUNCTION_" + word, "children": conditions}
}

// null is a constant.
func null() node {
	return node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": "NULL"}, "is_null": true}}
}

func isNull(v any) node {
	return node{"class": "OPERATOR", "type": "OPERATOR_IS_NULL", "children": []any{v}}
}

func choose(when, then, otherwise any) node {
	return node{"class": "CASE", "type": "CASE_EXPR", "case_checks": []any{node{"when_expr": when, "then_expr": then}}, "else_expr": otherwise}
}
