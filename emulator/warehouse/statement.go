package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A handler runs the statements that begin with its words, which are read.
type handler func(*Session, context.Context, *cursor) (*Result, error)

// handlers are the statements there are, by the words they begin with.
var handlers = []struct {
	words string
	run   handler
}{
	{"begin", (*Session).beginStatement},
	{"start transaction", (*Session).beginStatement},
	{"commit", finish("COMMIT")},
	{"end", finish("COMMIT")},
	{"rollback", finish("ROLLBACK")},
	{"abort", finish("ROLLBACK")},
	{"lock", (*Session).lock},
	{"set", (*Session).setParameter},
	{"reset", (*Session).resetParameter},
	{"show", (*Session).show},
	{"insert into", (*Session).insert},
	{"update", (*Session).update},
	{"delete", (*Session).delete},
	{"truncate", (*Session).truncate},
	{"alter table", (*Session).appendFrom},
	{"refresh materialized view", (*Session).refreshStatement},

	{"create external schema", ofStream(change((*Session).createExternalSchema))},
	{"create materialized view", ofStream(change((*Session).createMaterializedView))},
	{"alter materialized view", change((*Session).alterMaterializedView)},
	{"create schema", change((*Session).createSchema)},
	{"create view", changeOf((*Session).createView, false)},
	{"create or replace view", changeOf((*Session).createView, true)},
	{"create table", change((*Session).createTable)},
	{"create user", changeOf((*Session).createIdentity, "user")},
	{"create group", changeOf((*Session).createIdentity, "group")},
	{"create role", changeOf((*Session).createIdentity, "role")},
	{"alter group", change((*Session).alterGroup)},
	{"grant", changeOf((*Session).grant, false)},
	{"revoke", changeOf((*Session).grant, true)},
	{"drop schema", change((*Session).dropSchema)},
	{"drop view", changeOf((*Session).drop, "view")},
	{"drop materialized view", ofStream(changeOf((*Session).drop, "materialized view"))},
	{"drop table", changeOf((*Session).drop, "table")},
	{"drop user", changeOf((*Session).dropIdentity, "user")},
	{"drop group", changeOf((*Session).dropIdentity, "group")},
	{"drop role", changeOf((*Session).dropIdentity, "role")},
}

// change is the handler of a statement that changes the catalog: it does so as a whole,
// and one after another.
func change(run func(*Session, context.Context, *cursor) error) handler {
	return func(s *Session, ctx context.Context, c *cursor) (*Result, error) {
		s.data.changing.Lock()
		defer s.data.changing.Unlock()
		return done, s.atomically(ctx, func() error { return run(s, ctx, c) })
	}
}

// changeOf is change for a function that serves several statements.
func changeOf[T any](run func(*Session, context.Context, *cursor, T) error, what T) handler {
	return change(func(s *Session, ctx context.Context, c *cursor) error { return run(s, ctx, c, what) })
}

// ofStream is the handler of a statement that may not be in a transaction.
func ofStream(run handler) handler {
	return func(s *Session, ctx context.Context, c *cursor) (*Result, error) {
		if s.inTx && s.w.o.reads(streamsInTransactions, "refuse") {
			return nil, errorf("%s cannot run inside a transaction block", strings.ToUpper(c.source(c.toks[:c.i])))
		}
		return run(s, ctx, c)
	}
}

// known begin statements that Redshift has.
var known = []string{
	"alter", "analyze", "analyse", "attach", "call", "cancel", "close", "comment", "copy", "create", "deallocate", "declare", "desc", "describe", "detach",
	"drop", "execute", "explain", "fetch", "grant", "insert", "lock", "merge", "prepare", "refresh", "revoke", "unload", "use", "vacuum",
}

func (s *Session) dispatch(ctx context.Context, c *cursor) (*Result, error) {
	if c.peek("select", "with", "(") {
		query, _, err := s.translate(ctx, c, c.rest())
		if err != nil {
			return nil, err
		}
		return s.query(ctx, query)
	}
	for _, h := range handlers {
		if c.accept(strings.Fields(h.words)...) {
			return h.run(s, ctx, c)
		}
	}
	first := c.look(0)
	if first.kind != word || !slices.Contains(known, first.val) {
		return nil, c.syntaxError()
	}
	return nil, unsupported("%s", strings.ToUpper(strings.TrimSpace(first.val+" "+c.look(1).val)))
}

// catalogRow reads the row that a query over the catalog has for a relation, which is $1
// and $2 there: its schema and its name. found is false when there is none.
func (s *Session) catalogRow(ctx context.Context, rel relation, query string, into ...any) (found bool, err error) {
	return s.row(ctx, query, []any{rel.Schema, rel.Name}, into...)
}

// row reads the one row of a query over the catalog.
func (s *Session) row(ctx context.Context, query string, args []any, into ...any) (found bool, err error) {
	err = s.conn.QueryRowContext(ctx, query, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up %v: %w", args, err)
	}
	return true, nil
}

// exists says whether a query over the catalog has a row.
func (s *Session) exists(ctx context.Context, query string, args ...any) (found bool, err error) {
	_, err = s.row(ctx, "SELECT EXISTS ("+query+")", args, &found)
	return found, err
}

// relations gives the relations that a query over the catalog lists.
func (s *Session) relations(ctx context.Context, query string, args ...any) ([]relation, error) {
	var rels []relation
	err := s.eachRow(ctx, query, args, func(scan func(...any) error) error {
		var r relation
		err := scan(&r.Schema, &r.Name)
		rels = append(rels, r)
		return err
	})
	return rels, err
}

// eachRow calls read for every row of a query over the catalog.
func (s *Session) eachRow(ctx context.Context, query string, args []any, read func(scan func(...any) error) error) error {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("look up %v: %w", args, err)
	}
	defer rows.Close()
	scan := func(into ...any) error {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("look up %v: %w", args, err)
		}
		return nil
	}
	for rows.Next() {
		if err := read(scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// execAll runs statements with the same arguments, of which each must use all.
func (s *Session) execAll(ctx context.Context, statements []string, args ...any) error {
	for _, statement := range statements {
		if _, err := s.exec(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// kindOf says what a name stands for: "table", "view", "materialized view" or "".
func (s *Session) kindOf(ctx context.Context, rel relation) (kind string, err error) {
	_, err = s.catalogRow(ctx, rel, `
		SELECT coalesce(
			(SELECT 'materialized view' FROM rs.materialized_views WHERE schema_name = $1 AND name = $2),
			(SELECT 'view' FROM duckdb_views() WHERE schema_name = $1 AND view_name = $2),
			(SELECT 'view' FROM rs.definitions WHERE schema_name = $1 AND name = $2 AND query IS NOT NULL),
			(SELECT 'table' FROM duckdb_tables() WHERE schema_name = $1 AND table_name = $2), '')`, &kind)
	return kind, err
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
	_, external, err := s.externalSchema(ctx, rel.Schema)
	switch {
	case err != nil:
		return err
	case external:
		return errorf("Operations on local objects in external schema %q are not enabled.", rel.Schema)
	case slices.Contains([]string{"main", "rs", "pg_catalog", "information_schema"}, rel.Schema):
		return errorf("schema %q does not exist", rel.Schema)
	}
	return s.mustHave(ctx, relation{Schema: rel.Schema}, "create")
}

// createSchema is CREATE SCHEMA [IF NOT EXISTS] name.
func (s *Session) createSchema(ctx context.Context, c *cursor) error {
	ifNotExists := c.accept("if", "not", "exists")
	name := c.name()
	if c.peek("authorization", "quota") {
		c.refuse("CREATE SCHEMA with AUTHORIZATION or QUOTA")
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
	return s.exists(ctx, "SELECT name FROM rs.external_schemas WHERE name = $1 UNION ALL SELECT schema_name FROM duckdb_schemas() WHERE schema_name = $1", name)
}

// dropSchema is DROP SCHEMA [IF EXISTS] name [CASCADE|RESTRICT].
func (s *Session) dropSchema(ctx context.Context, c *cursor) error {
	ifExists := c.accept("if", "exists")
	name := c.name()
	if c.peek("drop", ",") {
		c.refuse("DROP SCHEMA of several schemas or with DROP EXTERNAL DATABASE")
	}
	cascade := c.cascade()
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
	if err := s.forget(ctx, relation{Schema: name}); err != nil {
		return err
	}
	n, err := s.exec(ctx, "DELETE FROM rs.external_schemas WHERE name = $1", name)
	if err != nil || n > 0 {
		return err
	}
	_, err = s.exec(ctx, "DROP SCHEMA "+quoteIdent(name))
	return err
}

// drop is DROP kind [IF EXISTS] name [, ...] [CASCADE|RESTRICT].
func (s *Session) drop(ctx context.Context, c *cursor, kind string) error {
	ifExists := c.accept("if", "exists")
	rels := commaList(c, c.relation)
	cascade := c.cascade()
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
	engine := "TABLE "
	if kind == "view" {
		engine = "VIEW IF EXISTS " // a late-binding view is none of the engine's
	}
	if _, err := s.exec(ctx, "DROP "+engine+rel.String()); err != nil {
		return err
	}
	return s.forget(ctx, rel)
}

// forget takes a relation, or a schema, whose relation has no name, out of the catalog.
func (s *Session) forget(ctx context.Context, rel relation) error {
	statements := []string{"DELETE FROM rs.positions WHERE mv_id IN (SELECT mv_id FROM rs.materialized_views WHERE schema_name = $1 AND name = $2)"}
	for _, table := range []string{"materialized_views", "dependencies", "identity_columns", "layouts", "definitions", "owners", "privileges"} {
		statements = append(statements, "DELETE FROM rs."+table+" WHERE schema_name = $1 AND name = $2")
	}
	return s.execAll(ctx, statements, rel.Schema, rel.Name)
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
