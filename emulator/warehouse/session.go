package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A Session is one database connection. It runs one statement at a time; a second call
// waits for the first.
type Session struct {
	w         *Warehouse
	data      *database
	conn      *sql.Conn
	namespace string
	workgroup string
	user      string
	superuser bool
	detach    func()

	mu       sync.Mutex
	settings settings
	inTx     bool
	aborted  bool // the open transaction failed and only waits for its end
	dead     bool

	locks []chan struct{} // that LOCK got, until the transaction ends
}

// A Result is what a statement gives. Values are nil, bool, int64, float64 or string;
// Column.Type says what a string stands for.
type Result struct {
	Columns  []Column // nil for a statement that gives no rows
	Rows     [][]any
	Affected int64 // rows written; -1 when the statement writes none
}

// A Column describes a result column.
type Column struct {
	Name string
	Type Type
}

// Close ends the session and rolls back what it left open.
func (s *Session) Close() error {
	s.detach()
	return s.end()
}

func (s *Session) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return nil
	}
	s.dead = true
	if s.inTx {
		_, _ = s.conn.ExecContext(context.Background(), "ROLLBACK")
	}
	s.unlock()
	return s.conn.Close()
}

// Execute runs one statement. A failure of the statement is an [*Error]; when ctx ends it
// is ctx's error.
func (s *Session) Execute(ctx context.Context, statement string) (*Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return nil, errorf("terminating connection due to administrator command")
	}
	res, err := s.execute(ctx, statement)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = asError(err)
		s.aborted = s.inTx
	}
	if !s.inTx {
		s.unlock()
	}
	s.w.note(LoggedStatement{s.w.o.Clock(), s.workgroup, s.user, statement, err})
	return res, err
}

func (s *Session) execute(ctx context.Context, statement string) (*Result, error) {
	toks, err := lex(statement)
	if err != nil {
		return nil, err
	}
	for len(toks) > 0 && toks[len(toks)-1].is(";") {
		toks = toks[:len(toks)-1]
	}
	for _, t := range toks {
		if t.is(";") {
			return nil, errorf("cannot insert multiple commands into a prepared statement")
		}
	}
	if len(toks) == 0 {
		return nil, errorf("syntax error at end of input")
	}
	c := &cursor{sql: statement, toks: toks, dialect: s.settings.dialect()}
	if s.aborted && !c.peek("rollback", "commit", "end", "abort") {
		return nil, errorf("current transaction is aborted, commands ignored until end of transaction block")
	}
	if !s.inTx || c.peek("begin", "start") {
		if err := s.setTime(ctx); err != nil {
			return nil, err
		}
	}
	return s.dispatch(ctx, c)
}

// setTime makes the clock's time that of the statement, or of the transaction it begins.
func (s *Session) setTime(ctx context.Context) error {
	now := s.w.o.Clock().UTC().Format("2006-01-02 15:04:05.000000")
	_, err := s.conn.ExecContext(ctx, "SET VARIABLE rs_now = TIMESTAMP "+quoteText(now))
	if err != nil && !s.aborted {
		return fmt.Errorf("set the time: %w", err)
	}
	return nil
}

// beginStatement is BEGIN or START TRANSACTION.
func (s *Session) beginStatement(ctx context.Context, c *cursor) (*Result, error) {
	c.accept("transaction")
	c.accept("work")
	if len(c.rest()) > 0 {
		return nil, unsupported("a transaction mode")
	}
	if s.inTx {
		return nil, errorf("there is already a transaction in progress")
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	s.inTx = true
	return done, nil
}

// finish is the handler of COMMIT or ROLLBACK; without an open transaction there is
// nothing to do. One that failed is rolled back whatever is asked for.
func finish(how string) handler {
	return func(s *Session, ctx context.Context, _ *cursor) (*Result, error) {
		if !s.inTx {
			return done, nil
		}
		end := how
		if s.aborted {
			end = "ROLLBACK"
		}
		s.inTx, s.aborted = false, false
		if _, err := s.conn.ExecContext(ctx, end); err != nil {
			return nil, err
		}
		return done, nil
	}
}

// done is the result of a statement that neither gives nor writes rows.
var done = &Result{Affected: -1}

// atomically runs fn in the open transaction, or in one of its own.
func (s *Session) atomically(ctx context.Context, fn func() error) error {
	if s.inTx {
		return fn()
	}
	return transactOn(ctx, s.conn, fn)
}

func (s *Session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := s.conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, asError(err)
	}
	return res.RowsAffected()
}

// translate gives the engine's text of a query, and what it reads and calls.
func (s *Session) translate(ctx context.Context, c *cursor, toks []token) (string, *rewriter, error) {
	tree, err := s.parse(ctx, c, toks)
	if err != nil {
		return "", nil, err
	}
	r := s.rewriter(ctx, 0)
	if err := r.statement(tree); err != nil {
		return "", nil, err
	}
	out, err := format(ctx, s.conn, tree)
	return out, r, err
}

func (s *Session) parse(ctx context.Context, c *cursor, toks []token) (node, error) {
	if c.err != nil {
		return nil, c.err
	}
	if len(toks) == 0 {
		return nil, errorf("syntax error at end of input").at(c.sql, len(c.sql))
	}
	for _, t := range toks[1:] { // the first may be that of an INSERT
		if t.is("values") {
			return nil, errorf("syntax error at or near %q", "VALUES").at(c.sql, t.pos)
		}
	}
	r, err := c.dialect.render(c.sql, toks)
	if err != nil {
		return nil, err
	}
	return parse(ctx, s.conn, r)
}

// rewriter gives one for a query of the session, or for that of a view depth views below it.
func (s *Session) rewriter(ctx context.Context, depth int) *rewriter {
	return &rewriter{readings: s.w.o.Readings, relation: func(schema, table string) (node, error) { return s.table(ctx, schema, table, depth) }}
}

// systemViews are those of Redshift's that the stand-in has.
var systemViews = []string{
	"sys_mv_refresh_history", "sys_stream_scan_states", "sys_stream_scan_errors", "sys_serverless_usage",
	"svv_mv_info", "svv_all_schemas", "svv_external_schemas", "svv_tables", "svv_columns",
	"svv_relation_privileges", "svv_schema_privileges", "svv_roles", "pg_user", "pg_group",
}

// table says what stands for a table of a query's FROM clause, or of that of a view depth
// views below it, which is read with the view's privilege.
func (s *Session) table(ctx context.Context, schema, table string, depth int) (node, error) {
	switch schema {
	case "", defaultSchema:
		if strings.HasPrefix(table, "duckdb_") || strings.HasPrefix(table, "sqlite_") || strings.HasPrefix(table, "pragma_") {
			return nil, errorf("relation %q does not exist", table)
		}
	case "pg_catalog":
	case "information_schema":
		if table == "tables" || table == "columns" {
			return node{"type": "BASE_TABLE", "schema_name": "main", "table_name": "svv_" + table}, nil
		}
		return nil, unsupported("information_schema.%s", table)
	case "main", "rs":
		return nil, errorf("schema %q does not exist", schema)
	default:
		_, external, err := s.externalSchema(ctx, schema)
		if err != nil {
			return nil, err
		}
		if external {
			return nil, unsupported("reading the stream %s.%q outside of a materialized view", schema, table)
		}
		return s.readable(ctx, relation{schema, strings.ToLower(table)}, depth)
	}
	if slices.Contains(systemViews, table) {
		return node{"type": "BASE_TABLE", "schema_name": "main", "table_name": table}, nil
	}
	for _, prefix := range []string{"sys_", "svv_", "svl_", "stv_", "stl_", "svcs_", "pg_"} {
		if strings.HasPrefix(table, prefix) || schema == "pg_catalog" {
			return nil, unsupported("the system view %s", table)
		}
	}
	return s.readable(ctx, relation{defaultSchema, strings.ToLower(table)}, depth)
}

// readable checks that the session may read a relation, and gives what stands for it.
func (s *Session) readable(ctx context.Context, rel relation, depth int) (node, error) {
	if depth == 0 {
		if err := s.mayUse(ctx, rel, "select"); err != nil {
			return nil, err
		}
	}
	return s.lateView(ctx, rel, depth)
}

// maxResult is how long a result may be. The Data API's limit was 100 MB, and is 500 MB
// now; the lower one leaves this process room.
const maxResult = 100 << 20

// query runs a translated query and gives its rows in Redshift's types.
func (s *Session) query(ctx context.Context, translated string) (*Result, error) {
	described, err := s.conn.QueryContext(ctx, "DESCRIBE "+translated)
	if err != nil {
		return nil, s.unknownColumn(ctx, translated, err)
	}
	defer described.Close()
	res := &Result{Columns: []Column{}, Rows: [][]any{}, Affected: -1}
	var exprs, names []string
	for described.Next() {
		var name, duck string
		var skip any
		if err := described.Scan(&name, &duck, &skip, &skip, &skip, &skip); err != nil {
			return nil, err
		}
		t, err := typeOfDuck(duck)
		if err != nil {
			return nil, err
		}
		res.Columns = append(res.Columns, Column{s.settings.dialect().fold(name), t})
		column := fmt.Sprintf("c%d", len(names))
		names = append(names, column)
		exprs = append(exprs, resultExpression(t, column))
	}
	if err := described.Err(); err != nil {
		return nil, err
	}
	described.Close()
	rows, err := s.conn.QueryContext(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM ("+translated+") AS q("+strings.Join(names, ", ")+")")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		row := make([]any, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, v := range row {
			if text, ok := v.(string); ok {
				size += len(text)
			}
			size += 16
		}
		if size > maxResult {
			return nil, errorf("Database response exceeded size limit: more than %d bytes", maxResult)
		}
		res.Rows = append(res.Rows, row)
	}
	return res, rows.Err()
}

// resultExpression converts a column to bool, int64, float64 or text.
func resultExpression(t Type, column string) string {
	switch t.Name {
	case "bool", "varchar":
		return column
	case "int2", "int4", "int8":
		return column + "::BIGINT"
	case "float4", "float8":
		return column + "::DOUBLE"
	case "super":
		return "rs_json_serialize(" + column + ")"
	case "varbyte":
		return "rs_hex(" + column + ")"
	}
	return column + "::VARCHAR"
}
