package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A materializedView is a row of rs.materialized_views.
type materializedView struct {
	relation
	id             int64
	externalSchema string // "" when it is not over a stream
	stream         string
	query          string // reads the scan named scanPlaceholder
	autoRefresh    bool
}

// scanPlaceholder stands for the name of a refresh's scan in a streaming view's query.
const scanPlaceholder = "@scan@"

// createMaterializedView is CREATE MATERIALIZED VIEW name [BACKUP {YES|NO}]
// [DISTSTYLE ...] [DISTKEY (column)] [SORTKEY (column, ...)] [AUTO REFRESH {YES|NO}]
// AS query. There is neither IF NOT EXISTS nor OR REPLACE.
func (s *Session) createMaterializedView(ctx context.Context, c *cursor) error {
	if c.peek("if") {
		return c.syntaxError()
	}
	mv := materializedView{relation: c.relation()}
	if c.accept("backup") {
		c.yes()
	}
	attributes := viewAttributes(c)
	if c.accept("auto", "refresh") {
		mv.autoRefresh = c.yes()
	}
	c.expect("as")
	query := c.rest()
	if c.err != nil {
		return c.err
	}
	if err := s.mayCreate(ctx, mv.relation); err != nil {
		return err
	}
	reads, err := s.materialize(ctx, c, query, &mv)
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, "CREATE TABLE "+mv.String()+" AS "+mv.query); err != nil {
		return err
	}
	_, err = s.exec(ctx, "INSERT INTO rs.materialized_views VALUES (nextval('rs.ids'), $1, $2, $3, nullif($4, ''), nullif($5, ''), $6, $7, 0)",
		mv.Schema, mv.Name, s.user, mv.externalSchema, mv.stream, mv.query, mv.autoRefresh)
	if err != nil {
		return err
	}
	if err := s.own(ctx, mv.relation); err != nil {
		return err
	}
	if err := s.define(ctx, mv.relation, c.source(c.toks)+";", nil); err != nil {
		return err
	}
	if err := s.setLayout(ctx, mv.relation, attributes); err != nil {
		return err
	}
	return s.depend(ctx, mv.relation, reads)
}

// materialize translates the query of a materialized view into mv, and gives the
// relations that it reads, other than a stream.
func (s *Session) materialize(ctx context.Context, c *cursor, query []token, mv *materializedView) ([]relation, error) {
	tree, err := s.parse(ctx, c, query)
	if err != nil {
		return nil, err
	}
	r := &rewriter{readings: s.w.o.Readings, relation: func(schema, table string) (node, error) {
		e, external, err := s.externalSchema(ctx, schema)
		switch {
		case err != nil:
			return nil, err
		case !external:
			return nil, s.mayMaterialize(ctx, schema, table, mv.autoRefresh)
		case mv.stream != "":
			return nil, streamError("a view can read one stream only")
		}
		if err := s.mustHave(ctx, relation{Schema: schema}, "usage"); err != nil {
			return nil, err
		}
		if _, err := s.w.openStream(s.namespace, e.role, table); err != nil {
			return nil, err
		}
		mv.externalSchema, mv.stream = schema, table
		return node{"type": "TABLE_FUNCTION", "function": call("kinesis_scan", constant("VARCHAR", scanPlaceholder))}, nil
	}}
	written := tree["node"].(node)
	from, names := written["from_table"], aliases(written)
	if err := r.statement(tree); err != nil {
		return nil, err
	}
	reads := r.relations
	if mv.stream != "" {
		reads, err = nil, r.streamable(written, from, names)
	} else {
		err = r.materializable(written)
	}
	if err != nil {
		return nil, err
	}
	mv.query, err = format(ctx, s.conn, tree)
	return reads, err
}

// viewAttributes reads the table attributes of a materialized view, in their documented
// order.
func viewAttributes(c *cursor) (a attributes) {
	if c.accept("diststyle") {
		a.style = c.oneOf("even", "all", "key")
		if a.style != "key" && c.peek("distkey") {
			c.fail(errorf("DISTKEY column specified with a DISTSTYLE that is not KEY"))
		}
	}
	if c.accept("distkey") {
		a.distKey = c.distKey()
	} else if a.style == "key" {
		c.fail(errorf("DISTSTYLE KEY requires a DISTKEY column"))
	}
	c.accept("compound")
	if c.accept("sortkey") {
		a.sortStyle, a.sortKeys = "compound", c.keys()
	}
	return a
}

// mayMaterialize checks a relation that is not a stream as the source of a materialized view.
func (s *Session) mayMaterialize(ctx context.Context, schema, table string, autoRefresh bool) error {
	if schema == "" {
		schema = defaultSchema
	}
	rel := relation{schema, strings.ToLower(table)}
	kind, err := s.kindOf(ctx, rel)
	switch {
	case err != nil:
		return err
	case kind == "view":
		return errorf("Materialized view could not be created: it can't be defined on the standard view %q", table)
	case kind == "materialized view" && autoRefresh:
		return errorf("Auto-refresh is not supported for materialized views defined on other materialized views.")
	case kind == "":
		return errorf("relation %q does not exist, or can't be the source of a materialized view", table)
	}
	return s.mayUse(ctx, rel, "select")
}

func streamError(reason string, args ...any) *Error {
	return errorf("Materialized view over stream could not be created, reason: %s", fmt.Sprintf(reason, args...))
}

// mutable gives a function that the query calls and whose value changes by itself, or "".
func (r *rewriter) mutable() string {
	for _, f := range []string{"getdate", "sysdate", "current_date", "random"} {
		if slices.Contains(r.functions, f) {
			return f
		}
	}
	return ""
}

// materializable checks what every materialized view must keep to.
func (r *rewriter) materializable(query node) error {
	for _, m := range list(query["modifiers"]) {
		if t := m.(node)["type"]; t == "ORDER_MODIFIER" || t == "LIMIT_MODIFIER" {
			return errorf("ORDER BY, LIMIT and OFFSET are not supported in a materialized view")
		}
	}
	if f := r.mutable(); f != "" {
		return unsupported("the mutable function %s in a materialized view", f)
	}
	return nil
}

// streamColumns are what a Kinesis stream has for columns.
var streamColumns = []string{"approximate_arrival_timestamp", "partition_key", "shard_id", "sequence_number", "refresh_time", "kinesis_data"}

// aliases lists the names that a query gives its result columns itself.
func aliases(query node) (names []string) {
	for _, item := range list(query["select_list"]) {
		if alias := str(item.(node)["alias"]); alias != "" && !slices.Contains(streamColumns, alias) {
			names = append(names, alias)
		}
	}
	return names
}

// streamable checks the rules for a view over a stream: its query must be maintained
// record by record. from and aliases are those of the query as it was written.
func (r *rewriter) streamable(query node, from any, aliases []string) error {
	if query["type"] != "SELECT_NODE" || len(r.ctes) > 0 {
		return streamError("set operations and common table expressions are not supported")
	}
	if f, _ := from.(node); f["type"] != "BASE_TABLE" {
		return streamError("joins and subqueries are not supported")
	}
	if len(list(query["modifiers"])) > 0 {
		return streamError("ORDER BY, LIMIT, OFFSET and DISTINCT are not supported")
	}
	if query["group_expressions"] != nil || slices.ContainsFunc(r.functions, func(f string) bool {
		_, aggregate := aggregates[f]
		return aggregate || f == "listagg"
	}) {
		return unsupported("an aggregation in a streaming view")
	}
	if slices.Contains(r.functions, "over") {
		return streamError("window functions are not supported")
	}
	if f := r.mutable(); f != "" {
		return streamError("the mutable function %s is not supported", f)
	}
	return inspect(query, func(n node) error {
		if n["class"] == "SUBQUERY" {
			return streamError("Subqueries are not supported.")
		}
		if names := list(n["column_names"]); len(names) > 0 && slices.Contains(aliases, strings.ToLower(str(names[0]))) {
			return streamError("Column aliases are not supported.")
		}
		return nil
	})
}

func (s *Session) materializedView(ctx context.Context, rel relation) (materializedView, error) {
	mv := materializedView{relation: rel}
	const query = `
		SELECT mv_id, coalesce(external_schema, ''), coalesce(stream, ''), query, auto_refresh
		FROM rs.materialized_views WHERE schema_name = $1 AND name = $2`
	found, err := s.catalogRow(ctx, rel, query, &mv.id, &mv.externalSchema, &mv.stream, &mv.query, &mv.autoRefresh)
	if err == nil && !found {
		err = errorf("materialized view %q does not exist", rel.Name)
	}
	return mv, err
}

// alterMaterializedView is ALTER MATERIALIZED VIEW name AUTO REFRESH {YES|NO}, or ALTER
// DISTSTYLE, DISTKEY or SORTKEY, which counts only for ALTER TABLE APPEND.
func (s *Session) alterMaterializedView(ctx context.Context, c *cursor) error {
	rel := c.relation()
	altersLayout := c.accept("alter")
	var layout attributes
	autoRefresh := false
	if altersLayout {
		layout = viewAttributes(c)
	} else {
		c.expect("auto", "refresh")
		autoRefresh = c.yes()
	}
	if err := c.end(); err != nil {
		return err
	}
	mv, err := s.materializedView(ctx, rel)
	if err != nil {
		return err
	}
	if err := s.mustOwn(ctx, rel); err != nil {
		return err
	}
	if altersLayout {
		return s.setLayout(ctx, rel, layout)
	}
	_, err = s.exec(ctx, "UPDATE rs.materialized_views SET auto_refresh = $1 WHERE mv_id = $2", autoRefresh, mv.id)
	return err
}
