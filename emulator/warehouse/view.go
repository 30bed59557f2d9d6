package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// createView is CREATE [OR REPLACE] VIEW name [(column, ...)] AS query [WITH NO SCHEMA
// BINDING]. Its names are bound by the settings of now: the engine keeps the rewritten
// text. The query of a late-binding view is read when the view is:
// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html
func (s *Session) createView(ctx context.Context, c *cursor, replace bool) error {
	rel := c.relation()
	columns := ""
	if c.peek("(") {
		columns = " (" + quoteIdents(c.names()) + ")"
	}
	c.expect("as")
	query := c.rest()
	if c.err != nil {
		return c.err
	}
	if n := len(query) - 4; n > 0 && query[n].is("with") && query[n+1].is("no") && query[n+2].is("schema") && query[n+3].is("binding") {
		if columns != "" {
			return unsupported("a late-binding view with a list of columns")
		}
		return s.createLateView(ctx, c, rel, query[:n], replace)
	}
	translated, r, err := s.translate(ctx, c, query)
	if err != nil {
		return err
	}
	if err := s.mayDefine(ctx, rel, replace); err != nil {
		return err
	}
	before, err := s.shape(ctx, rel)
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, "CREATE OR REPLACE VIEW "+rel.String()+columns+" AS "+translated); err != nil {
		return s.unknownColumn(ctx, translated, err)
	}
	after, err := s.shape(ctx, rel)
	if err != nil {
		return err
	}
	if before != "" && before != after {
		return errorf("cannot change the columns of view %q: CREATE OR REPLACE VIEW must keep their names and types", rel.Name)
	}
	if err := s.define(ctx, rel, c.source(query)+";", nil); err != nil {
		return err
	}
	return s.depend(ctx, rel, r.relations)
}

// createLateView is CREATE VIEW with NO SCHEMA BINDING.
func (s *Session) createLateView(ctx context.Context, c *cursor, rel relation, query []token, replace bool) error {
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
	if err := s.mayDefine(ctx, rel, replace); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "DROP VIEW IF EXISTS "+rel.String()); err != nil { // that was not a late-binding one
		return err
	}
	return s.define(ctx, rel, c.source(c.toks)+";", c.source(query))
}

// mayDefine checks that a view may be made or replaced, and makes the user the owner of a
// new one.
func (s *Session) mayDefine(ctx context.Context, rel relation, replace bool) error {
	kind, err := s.kindOf(ctx, rel)
	if err != nil {
		return err
	}
	if replace && kind == "view" {
		return s.mustOwn(ctx, rel)
	}
	if err := s.mayCreate(ctx, rel); err != nil {
		return err
	}
	return s.own(ctx, rel)
}

// shape lists a relation's columns and their types; "" when the engine has no such relation.
func (s *Session) shape(ctx context.Context, rel relation) (shape string, err error) {
	_, err = s.catalogRow(ctx, rel, `
		SELECT coalesce(string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_index), '')
		FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2`, &shape)
	return shape, err
}

// define keeps what SHOW gives of a relation, and the query of a late-binding view. What
// the relation read before is forgotten.
func (s *Session) define(ctx context.Context, rel relation, definition string, query any) error {
	err := s.execAll(ctx, []string{
		"DELETE FROM rs.definitions WHERE schema_name = $1 AND name = $2",
		"DELETE FROM rs.dependencies WHERE schema_name = $1 AND name = $2",
	}, rel.Schema, rel.Name)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "INSERT INTO rs.definitions VALUES ($1, $2, $3, $4)", rel.Schema, rel.Name, definition, query)
	return err
}

// showDefinition is SHOW TABLE name or SHOW VIEW name, of views of every kind:
// https://docs.aws.amazon.com/redshift/latest/dg/r_SHOW_VIEW.html and r_SHOW_TABLE.html
// there. Redshift rewrites the query of an ordinary view; this gives it as it was written.
func (s *Session) showDefinition(ctx context.Context, c *cursor) (*Result, error) {
	what := c.next().val
	rel := c.relation()
	if err := c.end(); err != nil {
		return nil, err
	}
	kind, err := s.kindOf(ctx, rel)
	switch {
	case err != nil:
		return nil, err
	case kind == "":
		return nil, errorf("relation %q does not exist", rel.Name)
	case (kind == "table") != (what == "table"):
		return nil, errorf("%q is not a %s", rel.Name, what)
	}
	if err := s.mayUse(ctx, rel, "select"); err != nil {
		return nil, err
	}
	var definition string
	_, err = s.catalogRow(ctx, rel, "SELECT definition FROM rs.definitions WHERE schema_name = $1 AND name = $2", &definition)
	if err != nil {
		return nil, err
	}
	return texts([]string{"Show " + strings.ToUpper(what[:1]) + what[1:] + " DDL statement"}, []any{definition}), nil
}

// maxViews is how deep late-binding views may read each other here, as one could itself.
const maxViews = 32

// lateView gives the query of a late-binding view as an item of a FROM clause: nil when
// there is no such view. The settings of the session that reads it count.
func (s *Session) lateView(ctx context.Context, rel relation, depth int) (node, error) {
	var query string
	found, err := s.catalogRow(ctx, rel, "SELECT query FROM rs.definitions WHERE schema_name = $1 AND name = $2 AND query IS NOT NULL", &query)
	if err != nil || !found {
		return nil, err
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
	if err := s.rewriter(ctx, depth+1).statement(tree); err != nil {
		return nil, err
	}
	return node{"type": "SUBQUERY", "subquery": tree}, nil
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
	lines := strings.Join(append(a.columns, a.constraints...), ",\n    ")
	definition := fmt.Sprintf("CREATE TABLE %s.%s (\n    %s\n)\nDISTSTYLE %s", rel.Schema, rel.Name, lines, style)
	if a.sortKeys != nil {
		if a.sortStyle == "interleaved" {
			definition += " INTERLEAVED"
		}
		definition += " SORTKEY ( " + strings.Join(a.sortKeys, ", ") + " )"
	}
	return s.define(ctx, rel, definition+";", nil)
}

// columnLines writes the columns of a table that a query made as SHOW TABLE has them.
func (s *Session) columnLines(ctx context.Context, rel relation) (columns []string, err error) {
	const query = "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2 ORDER BY column_index"
	err = s.eachRow(ctx, query, []any{rel.Schema, rel.Name}, func(scan func(...any) error) error {
		var name, duck string
		if err := scan(&name, &duck); err != nil {
			return err
		}
		t, err := typeOfDuck(duck)
		columns = append(columns, name+" "+t.String()+encoding(t))
		return err
	})
	return columns, err
}

// encoding is the one that Redshift gives a column of a type:
// https://docs.aws.amazon.com/redshift/latest/dg/c_Compression_encodings.html
func encoding(t Type) string {
	switch t.Name {
	case "varchar", "bpchar", "varbyte":
		return " ENCODE lzo"
	case "bool", "float4", "float8":
		return " ENCODE raw"
	case "super":
		return " ENCODE zstd"
	}
	return " ENCODE az64"
}
