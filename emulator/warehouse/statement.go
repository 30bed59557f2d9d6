package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A cursor reads the head of a statement.
type cursor struct {
	sql     string
	toks    []token
	i       int
	dialect dialect
	target  string // the table that the statement writes to, which its expressions may name
}

// look gives the token n places ahead; past the end one that is nothing.
func (c *cursor) look(n int) token {
	if c.i+n < len(c.toks) {
		return c.toks[c.i+n]
	}
	return token{kind: symbol, pos: len(c.sql), end: len(c.sql)}
}

func (c *cursor) peek(vals ...string) bool { return c.look(0).is(vals...) }

func (c *cursor) next() token {
	t := c.look(0)
	c.i++
	return t
}

// accept moves past the words if they are next.
func (c *cursor) accept(words ...string) bool {
	for n, w := range words {
		if !c.look(n).is(w) {
			return false
		}
	}
	c.i += len(words)
	return true
}

func (c *cursor) expect(words ...string) error {
	for _, w := range words {
		if !c.accept(w) {
			return c.syntaxError()
		}
	}
	return nil
}

func (c *cursor) end() error {
	if c.i < len(c.toks) {
		return c.syntaxError()
	}
	return nil
}

func (c *cursor) syntaxError() *Error {
	t := c.look(0)
	if t.pos == t.end {
		return errorf("syntax error at end of input").at(c.sql, len(c.sql))
	}
	return errorf("syntax error at or near %q", c.sql[t.pos:t.end]).at(c.sql, t.pos)
}

// text gives tokens as they are written.
func (c *cursor) text(toks []token) string {
	if len(toks) == 0 {
		return ""
	}
	return c.sql[toks[0].pos:toks[len(toks)-1].end]
}

// rest gives the tokens up to the end.
func (c *cursor) rest() []token { return c.toks[min(c.i, len(c.toks)):] }

func (c *cursor) name() (string, error) {
	switch t := c.look(0); t.kind {
	case word:
		c.i++
		return t.val, nil
	case quoted:
		c.i++
		return c.dialect.fold(t.val), nil
	}
	return "", c.syntaxError()
}

// names reads a comma-separated list in parentheses.
func (c *cursor) names() ([]string, error) {
	if err := c.expect("("); err != nil {
		return nil, err
	}
	var names []string
	for {
		name, err := c.name()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if c.accept(")") {
			return names, nil
		}
		if err := c.expect(","); err != nil {
			return nil, err
		}
	}
}

func (c *cursor) relation() (relation, error) {
	name, err := c.name()
	if err != nil || !c.accept(".") {
		return relation{defaultSchema, name}, err
	}
	table, err := c.name()
	if err == nil && c.peek(".") {
		err = unsupported("a database name before a schema")
	}
	return relation{name, table}, err
}

// until gives the tokens before the next comma or closing parenthesis of this depth, or
// before one of the stop words.
func (c *cursor) until(stops ...string) []token {
	from, depth := c.i, 0
	for ; c.i < len(c.toks); c.i++ {
		switch t := c.toks[c.i]; {
		case t.is("("):
			depth++
		case depth == 0 && (t.is(")", ",") || t.is(stops...)):
			return c.toks[from:c.i]
		case t.is(")"):
			depth--
		}
	}
	return c.toks[from:]
}

func (s *Session) dispatch(ctx context.Context, c *cursor) (*Result, error) {
	switch {
	case c.peek("select", "with", "("):
		query, _, err := s.translate(ctx, c, c.rest())
		if err != nil {
			return nil, err
		}
		return s.query(ctx, query)
	case c.accept("begin"), c.accept("start", "transaction"):
		c.accept("transaction")
		c.accept("work")
		if err := c.end(); err != nil {
			return nil, unsupported("a transaction mode")
		}
		return s.begin(ctx)
	case c.accept("commit"), c.accept("end"):
		return s.finish(ctx, "COMMIT")
	case c.accept("rollback"), c.accept("abort"):
		return s.finish(ctx, "ROLLBACK")
	case c.accept("lock"):
		return s.lock(ctx, c)
	case c.accept("set"):
		return s.setParameter(c)
	case c.accept("reset"):
		return done, s.reset(c.next().val)
	case c.accept("show"):
		return s.show(ctx, c)
	case c.accept("insert", "into"):
		return s.insert(ctx, c)
	case c.accept("update"):
		return s.update(ctx, c)
	case c.accept("delete"):
		return s.delete(ctx, c)
	case c.accept("truncate"):
		c.accept("table")
		return s.delete(ctx, c)
	case c.accept("refresh", "materialized", "view"):
		return s.refreshStatement(ctx, c)
	case c.peek("alter") && c.look(1).is("table") && slices.ContainsFunc(c.toks, func(t token) bool { return t.is("append") }):
		c.accept("alter", "table")
		return s.appendFrom(ctx, c)
	}
	var run func(context.Context, *cursor) error
	switch {
	case c.accept("create", "external", "schema"):
		run = s.createExternalSchema
	case c.accept("create", "materialized", "view"):
		run = s.createMaterializedView
	case c.accept("create", "schema"):
		run = s.createSchema
	case c.accept("create", "view"):
		run = func(ctx context.Context, c *cursor) error { return s.createView(ctx, c, false) }
	case c.accept("create", "or", "replace", "view"):
		run = func(ctx context.Context, c *cursor) error { return s.createView(ctx, c, true) }
	case c.accept("create", "table"):
		run = s.createTable
	case c.accept("alter", "materialized", "view"):
		run = s.alterMaterializedView
	case c.accept("alter", "group"):
		run = s.alterGroup
	case c.peek("create", "drop") && c.look(1).is("user", "group", "role"):
		create, kind := c.next().is("create"), c.next().val
		run = func(ctx context.Context, c *cursor) error {
			if create {
				return s.createIdentity(ctx, c, kind)
			}
			return s.dropIdentity(ctx, c, kind)
		}
	case c.accept("grant"):
		run = func(ctx context.Context, c *cursor) error { return s.grant(ctx, c, false) }
	case c.accept("revoke"):
		run = func(ctx context.Context, c *cursor) error { return s.grant(ctx, c, true) }
	case c.accept("drop", "schema"):
		run = s.dropSchema
	case c.accept("drop", "materialized", "view"):
		run = func(ctx context.Context, c *cursor) error { return s.drop(ctx, c, "materialized view") }
	case c.accept("drop", "view"):
		run = func(ctx context.Context, c *cursor) error { return s.drop(ctx, c, "view") }
	case c.accept("drop", "table"):
		run = func(ctx context.Context, c *cursor) error { return s.drop(ctx, c, "table") }
	default:
		if c.look(0).kind != word || !slices.Contains(known, c.look(0).val) {
			return nil, c.syntaxError()
		}
		return nil, unsupported("%s", strings.ToUpper(strings.TrimSpace(c.look(0).val+" "+c.look(1).val)))
	}
	s.data.changing.Lock()
	defer s.data.changing.Unlock()
	return done, s.atomically(ctx, func() error { return run(ctx, c) })
}

// known begin statements that Redshift has.
var known = []string{
	"alter", "analyze", "analyse", "attach", "call", "cancel", "close", "comment", "copy", "create", "deallocate", "declare", "desc", "describe", "detach",
	"drop", "execute", "explain", "fetch", "grant", "insert", "lock", "merge", "prepare", "refresh", "revoke", "unload", "use", "vacuum",
}

// kindOf says what a name stands for: "table", "view", "materialized view" or "".
func (s *Session) kindOf(ctx context.Context, rel relation) (string, error) {
	var kind string
	err := s.conn.QueryRowContext(ctx, `
		SELECT coalesce(
			(SELECT 'materialized view' FROM rs.materialized_views WHERE schema_name = $1 AND name = $2),
			(SELECT 'view' FROM duckdb_views() WHERE schema_name = $1 AND view_name = $2),
			(SELECT 'view' FROM rs.definitions WHERE schema_name = $1 AND name = $2 AND query IS NOT NULL),
			(SELECT 'table' FROM duckdb_tables() WHERE schema_name = $1 AND table_name = $2), '')`, rel.Schema, rel.Name).Scan(&kind)
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", rel, err)
	}
	return kind, nil
}

// mayCreate checks that a name is free and its schema can hold it.
func (s *Session) mayCreate(ctx context.Context, rel relation) error {
	if strings.HasPrefix(rel.Name, "#") {
		return unsupported("a temporary table")
	}
	kind, err := s.kindOf(ctx, rel)
	if err != nil {
		return err
	}
	if kind != "" {
		return errorf("relation %q already exists", rel.Name)
	}
	if _, external, err := s.externalSchema(ctx, rel.Schema); err != nil || external {
		if err == nil {
			err = errorf("Operations on local objects in external schema %q are not enabled.", rel.Schema)
		}
		return err
	}
	if slices.Contains([]string{"main", "rs", "pg_catalog", "information_schema"}, rel.Schema) {
		return errorf("schema %q does not exist", rel.Schema)
	}
	return s.mayCreateIn(ctx, rel.Schema)
}

func (s *Session) createSchema(ctx context.Context, c *cursor) error {
	ifNotExists := c.accept("if", "not", "exists")
	if slices.ContainsFunc(c.rest(), func(t token) bool { return t.is("authorization", "quota") }) {
		return unsupported("CREATE SCHEMA with AUTHORIZATION or QUOTA")
	}
	name, err := c.name()
	if err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	exists, err := s.schemaExists(ctx, name)
	if err != nil || exists && ifNotExists {
		return err
	}
	if exists {
		return errorf("schema %q already exists", name)
	}
	if err := s.mustBeSuperuser("create schemas"); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "CREATE SCHEMA "+quoteIdent(name)); err != nil {
		return err
	}
	return s.own(ctx, relation{Schema: name})
}

func (s *Session) schemaExists(ctx context.Context, name string) (bool, error) {
	var n int
	err := s.conn.QueryRowContext(ctx, `
		SELECT (SELECT count(*) FROM rs.external_schemas WHERE name = $1) + (SELECT count(*) FROM duckdb_schemas() WHERE schema_name = $1)`, name).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up schema %q: %w", name, err)
	}
	return n > 0, nil
}

func (s *Session) dropSchema(ctx context.Context, c *cursor) error {
	ifExists := c.accept("if", "exists")
	name, err := c.name()
	if err != nil {
		return err
	}
	if c.peek("drop", ",") {
		return unsupported("DROP SCHEMA of several schemas or with DROP EXTERNAL DATABASE")
	}
	cascade := c.accept("cascade")
	if !cascade {
		c.accept("restrict")
	}
	if err := c.end(); err != nil {
		return err
	}
	exists, err := s.schemaExists(ctx, name)
	if err != nil {
		return err
	}
	if !exists || slices.Contains([]string{"main", "rs"}, name) {
		if ifExists {
			return nil
		}
		return errorf("schema %q does not exist", name)
	}
	if slices.Contains([]string{defaultSchema, "pg_catalog", "information_schema"}, name) {
		return unsupported("DROP SCHEMA %s", name)
	}
	if err := s.mustOwn(ctx, relation{Schema: name}); err != nil {
		return err
	}
	held, err := s.relations(ctx, `
		SELECT schema_name, name FROM rs.materialized_views WHERE external_schema = $1 OR schema_name = $1
		UNION SELECT schema_name, view_name FROM duckdb_views() WHERE schema_name = $1
		UNION SELECT schema_name, name FROM rs.definitions WHERE schema_name = $1 AND query IS NOT NULL
		UNION SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name = $1 ORDER BY ALL`, name)
	if err != nil {
		return err
	}
	if len(held) > 0 && !cascade {
		return errorf("cannot drop schema %s because other objects depend on it: %s", name, held[0].Name)
	}
	for _, rel := range held {
		if err := s.dropRelation(ctx, rel, true); err != nil {
			return err
		}
	}
	if err := s.disown(ctx, relation{Schema: name}); err != nil {
		return err
	}
	if _, external, err := s.externalSchema(ctx, name); err != nil || !external {
		if err == nil {
			_, err = s.exec(ctx, "DROP SCHEMA "+quoteIdent(name))
		}
		return err
	}
	_, err = s.exec(ctx, "DELETE FROM rs.external_schemas WHERE name = $1", name)
	return err
}

func (s *Session) relations(ctx context.Context, query string, args ...any) ([]relation, error) {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look up relations: %w", err)
	}
	defer rows.Close()
	var rels []relation
	for rows.Next() {
		var r relation
		if err := rows.Scan(&r.Schema, &r.Name); err != nil {
			return nil, fmt.Errorf("look up relations: %w", err)
		}
		rels = append(rels, r)
	}
	return rels, rows.Err()
}

// drop is DROP kind [IF EXISTS] name [, ...] [CASCADE|RESTRICT].
func (s *Session) drop(ctx context.Context, c *cursor, kind string) error {
	ifExists := c.accept("if", "exists")
	var rels []relation
	for {
		rel, err := c.relation()
		if err != nil {
			return err
		}
		rels = append(rels, rel)
		if !c.accept(",") {
			break
		}
	}
	cascade := c.accept("cascade")
	if !cascade {
		c.accept("restrict")
	}
	if err := c.end(); err != nil {
		return err
	}
	for _, rel := range rels {
		found, err := s.kindOf(ctx, rel)
		switch {
		case err != nil:
			return err
		case found == "" && ifExists:
			continue
		case found == "":
			return errorf("%s %q does not exist", kind, rel.Name)
		case found != kind:
			return errorf("%q is not a %s", rel.Name, kind)
		}
		if err := s.mustOwn(ctx, rel); err != nil {
			return err
		}
		if err := s.dropRelation(ctx, rel, cascade); err != nil {
			return err
		}
	}
	return nil
}

// dropRelation drops what a name stands for, and with cascade what depends on it.
func (s *Session) dropRelation(ctx context.Context, rel relation, cascade bool) error {
	kind, err := s.kindOf(ctx, rel)
	if err != nil || kind == "" { // gone with another one
		return err
	}
	dependents, err := s.relations(ctx, "SELECT DISTINCT schema_name, name FROM rs.dependencies WHERE on_schema = $1 AND on_name = $2 ORDER BY ALL", rel.Schema, rel.Name)
	if err != nil {
		return err
	}
	if len(dependents) > 0 && !cascade {
		return errorf("cannot drop %s %s because other objects depend on it: %s", kind, rel.Name, dependents[0].Name)
	}
	for _, d := range dependents {
		if err := s.dropRelation(ctx, d, true); err != nil {
			return err
		}
	}
	engine := map[string]string{"view": "VIEW IF EXISTS", "table": "TABLE", "materialized view": "TABLE"}[kind] // a late-binding view is none of the engine's
	if _, err := s.exec(ctx, "DROP "+engine+" "+rel.String()); err != nil {
		return err
	}
	for _, cleanup := range []string{
		"DELETE FROM rs.positions WHERE mv_id IN (SELECT mv_id FROM rs.materialized_views WHERE schema_name = $1 AND name = $2)",
		"DELETE FROM rs.materialized_views WHERE schema_name = $1 AND name = $2",
		"DELETE FROM rs.dependencies WHERE schema_name = $1 AND name = $2",
		"DELETE FROM rs.identities WHERE schema_name = $1 AND table_name = $2",
		"DELETE FROM rs.layouts WHERE schema_name = $1 AND name = $2",
		"DELETE FROM rs.definitions WHERE schema_name = $1 AND name = $2",
	} {
		if _, err := s.exec(ctx, cleanup, rel.Schema, rel.Name); err != nil {
			return err
		}
	}
	return s.disown(ctx, rel)
}

// depend records what a view reads, so that it can't be dropped underneath.
func (s *Session) depend(ctx context.Context, view relation, on []relation) error {
	for _, o := range on {
		if o.Schema == "" {
			o.Schema = defaultSchema
		}
		if _, err := s.exec(ctx, "INSERT INTO rs.dependencies VALUES ($1, $2, $3, $4)", view.Schema, view.Name, o.Schema, strings.ToLower(o.Name)); err != nil {
			return err
		}
	}
	return nil
}

// createView is CREATE [OR REPLACE] VIEW name [(column, ...)] AS query. Its names are
// bound by the settings of now: the engine keeps the rewritten text.
func (s *Session) createView(ctx context.Context, c *cursor, replace bool) error {
	rel, err := c.relation()
	if err != nil {
		return err
	}
	columns := ""
	if c.peek("(") {
		names, err := c.names()
		if err != nil {
			return err
		}
		for i := range names {
			names[i] = quoteIdent(names[i])
		}
		columns = " (" + strings.Join(names, ", ") + ")"
	}
	if err := c.expect("as"); err != nil {
		return err
	}
	if n := len(c.toks); n > c.i+4 && c.toks[n-4].is("with") && c.toks[n-3].is("no") && c.toks[n-2].is("schema") && c.toks[n-1].is("binding") {
		if columns != "" {
			return unsupported("a late-binding view with a list of columns")
		}
		return s.createLateView(ctx, c, rel, replace)
	}
	written := c.text(c.rest())
	query, r, err := s.translate(ctx, c, c.rest())
	if err != nil {
		return err
	}
	kind, err := s.kindOf(ctx, rel)
	if err != nil {
		return err
	}
	if !replace || kind != "view" {
		if err := s.mayCreate(ctx, rel); err != nil {
			return err
		}
		if _, err := s.exec(ctx, "CREATE VIEW "+rel.String()+columns+" AS "+query); err != nil {
			return s.unknownColumn(ctx, query, err)
		}
		if err := s.own(ctx, rel); err != nil {
			return err
		}
		if err := s.define(ctx, rel, written+";", nil); err != nil {
			return err
		}
		return s.depend(ctx, rel, r.relations)
	}
	if err := s.mustOwn(ctx, rel); err != nil {
		return err
	}
	before, err := s.shape(ctx, rel)
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, "CREATE OR REPLACE VIEW "+rel.String()+columns+" AS "+query); err != nil {
		return err
	}
	after, err := s.shape(ctx, rel)
	if err != nil {
		return err
	}
	if before != after {
		return errorf("cannot change the columns of view %q: CREATE OR REPLACE VIEW must keep their names and types", rel.Name)
	}
	if _, err := s.exec(ctx, "DELETE FROM rs.dependencies WHERE schema_name = $1 AND name = $2", rel.Schema, rel.Name); err != nil {
		return err
	}
	if err := s.define(ctx, rel, written+";", nil); err != nil {
		return err
	}
	return s.depend(ctx, rel, r.relations)
}

func (s *Session) shape(ctx context.Context, rel relation) (string, error) {
	var shape string
	err := s.conn.QueryRowContext(ctx, "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_index) FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2", rel.Schema, rel.Name).Scan(&shape)
	if err != nil {
		return "", fmt.Errorf("look up the columns of %s: %w", rel, err)
	}
	return shape, nil
}
