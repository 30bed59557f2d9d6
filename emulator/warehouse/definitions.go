package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// define keeps what SHOW gives of a relation, and the query of a late-binding view.
func (s *Session) define(ctx context.Context, rel relation, definition string, query any) error {
	if _, err := s.exec(ctx, "DELETE FROM rs.definitions WHERE schema_name = $1 AND name = $2", rel.Schema, rel.Name); err != nil {
		return err
	}
	_, err := s.exec(ctx, "INSERT INTO rs.definitions VALUES ($1, $2, $3, $4)", rel.Schema, rel.Name, definition, query)
	return err
}

// showDefinition is SHOW TABLE name or SHOW VIEW name, of views of every kind:
// https://docs.aws.amazon.com/redshift/latest/dg/r_SHOW_VIEW.html and r_SHOW_TABLE.html
// there. Redshift writes the query of an ordinary view anew; this gives it as it was written.
func (s *Session) showDefinition(ctx context.Context, c *cursor) (*Result, error) {
	what := c.next().val
	rel, err := c.relation()
	if err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	kind, err := s.kindOf(ctx, rel)
	if err != nil {
		return nil, err
	}
	if kind == "" {
		return nil, errorf("relation %q does not exist", rel.Name)
	}
	if (kind == "table") != (what == "table") {
		return nil, errorf("%q is not a %s", rel.Name, what)
	}
	if err := s.mayUse(ctx, rel, "select"); err != nil {
		return nil, err
	}
	var definition string
	err = s.conn.QueryRowContext(ctx, "SELECT definition FROM rs.definitions WHERE schema_name = $1 AND name = $2", rel.Schema, rel.Name).Scan(&definition)
	if err != nil {
		return nil, fmt.Errorf("look up the definition of %s: %w", rel, err)
	}
	column := Column{"Show " + strings.ToUpper(what[:1]) + what[1:] + " DDL statement", Type{Name: "varchar"}}
	return &Result{Columns: []Column{column}, Rows: [][]any{{definition}}, Affected: -1}, nil
}

// defineTable keeps what SHOW TABLE gives.
func (s *Session) defineTable(ctx context.Context, rel relation, a attributes) error {
	l, err := s.layout(ctx, rel)
	if err != nil {
		return err
	}
	style := strings.ToUpper(strings.Fields(l.distribution + " auto")[0])
	if key, ok := cutBetween(l.distribution, `distkey("`, `")`); ok {
		i := slices.IndexFunc(a.columns, func(line string) bool { return strings.HasPrefix(line, key+" ") })
		a.columns[i] += " distkey"
	}
	definition := "CREATE TABLE " + rel.Schema + "." + rel.Name + " (\n    " + strings.Join(append(a.columns, a.constraints...), ",\n    ") + "\n)\nDISTSTYLE " + style
	if a.sortKeys != nil {
		if a.sortStyle == "interleaved" {
			definition += " INTERLEAVED"
		}
		definition += " SORTKEY ( " + strings.Join(a.sortKeys, ", ") + " )"
	}
	return s.define(ctx, rel, definition+";", nil)
}

// createLateView is CREATE VIEW name AS query WITH NO SCHEMA BINDING, whose query is read
// when the view is:
// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html
func (s *Session) createLateView(ctx context.Context, c *cursor, rel relation, replace bool) error {
	rest := c.rest()
	query := rest[:len(rest)-4]
	tree, err := s.parse(ctx, c, query)
	if err != nil {
		return err
	}
	ctes := commonTables(tree)
	err = inspect(tree, func(n node) error {
		if n["type"] == "BASE_TABLE" && str(n["schema_name"]) == "" && !ctes[strings.ToLower(str(n["table_name"]))] {
			return errorf("All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING.")
		}
		return nil
	})
	if err != nil {
		return err
	}
	kind, err := s.kindOf(ctx, rel)
	if err != nil {
		return err
	}
	if replace && kind == "view" {
		if err := s.mustOwn(ctx, rel); err != nil {
			return err
		}
		if _, err := s.exec(ctx, "DROP VIEW IF EXISTS "+rel.String()); err != nil { // that was not a late-binding one
			return err
		}
	} else {
		if err := s.mayCreate(ctx, rel); err != nil {
			return err
		}
		if err := s.own(ctx, rel); err != nil {
			return err
		}
	}
	return s.define(ctx, rel, c.text(c.toks)+";", c.text(query))
}

// maxViews is how deep late-binding views may read each other here, as one could itself.
const maxViews = 32

// lateView gives the query of a late-binding view as an item of a FROM clause: nil when
// there is no such view. The settings of the session that reads it count.
func (s *Session) lateView(ctx context.Context, rel relation, depth int) (node, error) {
	var query string
	err := s.conn.QueryRowContext(ctx, "SELECT query FROM rs.definitions WHERE schema_name = $1 AND name = $2 AND query IS NOT NULL", rel.Schema, rel.Name).Scan(&query)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up view %s: %w", rel, err)
	}
	if depth == maxViews {
		return nil, errorf("view %q reads itself, or views are more than %d deep", rel.Name, maxViews)
	}
	toks, err := lex(query)
	if err != nil {
		return nil, err
	}
	tree, err := s.parse(ctx, &cursor{sql: query, toks: toks, dialect: s.settings.dialect()}, toks)
	if err != nil {
		return nil, err
	}
	r := &rewriter{readings: s.w.o.Readings, relation: func(schema, table string) (node, error) { return s.table(ctx, schema, table, depth+1) }}
	if err := r.statement(tree); err != nil {
		return nil, err
	}
	return node{"type": "SUBQUERY", "subquery": tree}, nil
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

// columnLines writes the columns of a table that a query made as SHOW TABLE has them.
func (s *Session) columnLines(ctx context.Context, rel relation) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2 ORDER BY column_index", rel.Schema, rel.Name)
	if err != nil {
		return nil, fmt.Errorf("look up the columns of %s: %w", rel, err)
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		var name, duck string
		if err := rows.Scan(&name, &duck); err != nil {
			return nil, fmt.Errorf("look up the columns of %s: %w", rel, err)
		}
		t, err := typeOfDuck(duck)
		if err != nil {
			return nil, err
		}
		columns = append(columns, name+" "+t.String()+encoding(t))
	}
	return columns, rows.Err()
}

// encoding is the one that Redshift gives a column of a type:
// https://docs.aws.amazon.com/redshift/latest/dg/c_Compression_encodings.html
func encoding(t Type) string {
	switch {
	case slices.Contains([]string{"varchar", "bpchar", "varbyte"}, t.Name):
		return " ENCODE lzo"
	case slices.Contains([]string{"bool", "float4", "float8"}, t.Name):
		return " ENCODE raw"
	case t.Name == "super":
		return " ENCODE zstd"
	}
	return " ENCODE az64"
}
