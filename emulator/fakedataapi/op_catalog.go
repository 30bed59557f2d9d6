package fakedataapi

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"example.com/evstream/emulator/warehouse"
)

// catalog is the request of ListDatabases, ListSchemas, ListTables and DescribeTable, each
// of which has some of the members.
type catalog struct {
	connection
	ConnectedDatabase string
	SchemaPattern     string
	TablePattern      string
	Schema            string
	Table             string
	MaxResults        int
	NextToken         string
}

func (in *catalog) listDatabases(s *Server, _ time.Time, _ Fault) (any, error) {
	return in.list(s, "Databases", name, "SELECT DISTINCT database_name FROM svv_all_schemas ORDER BY 1")
}

func (in *catalog) listSchemas(s *Server, _ time.Time, _ Fault) (any, error) {
	return in.list(s, "Schemas", name, "SELECT schema_name FROM svv_all_schemas WHERE schema_name LIKE :schema ORDER BY 1",
		warehouse.Parameter{Name: "schema", Value: cmp.Or(in.SchemaPattern, "%")})
}

func name(row []any) any { return row[0] }

func (in *catalog) listTables(s *Server, _ time.Time, _ Fault) (any, error) {
	table := func(row []any) any { return map[string]any{"name": row[0], "schema": row[1], "type": row[2]} }
	return in.list(s, "Tables", table, `SELECT table_name, table_schema, CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' ELSE table_type END
		FROM svv_tables WHERE table_schema LIKE :schema AND table_name LIKE :table ORDER BY 2, 1`,
		warehouse.Parameter{Name: "schema", Value: cmp.Or(in.SchemaPattern, "%")},
		warehouse.Parameter{Name: "table", Value: cmp.Or(in.TablePattern, "%")})
}

// describeTable lists the columns of a table, or of all tables that have its name or
// schema. Of a table that there is not it lists none.
func (in *catalog) describeTable(s *Server, _ time.Time, _ Fault) (any, error) {
	out, err := in.list(s, "ColumnList", tableColumn,
		`SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default, numeric_precision, numeric_scale
		FROM svv_columns WHERE (:schema = '' OR table_schema = :schema) AND (:table = '' OR table_name = :table)
		ORDER BY table_schema, table_name, ordinal_position`,
		warehouse.Parameter{Name: "schema", Value: in.Schema}, warehouse.Parameter{Name: "table", Value: in.Table})
	if err != nil {
		return nil, err
	}
	out["TableName"] = in.Table
	return out, nil
}

func tableColumn(row []any) any {
	text := func(i int) string { s, _ := row[i].(string); return s }
	number := func(i int) int { n, _ := row[i].(int64); return int(n) }
	t := warehouse.Type{Name: typeName(text(3))}
	if t.Name == "numeric" {
		t.Precision, t.Scale = number(6), number(7)
	}
	m := metadata(warehouse.Column{Name: text(2), Type: t})
	m.SchemaName, m.TableName, m.ColumnDefault = text(0), text(1), text(5)
	if text(4) == "NO" {
		m.Nullable = 0
	}
	return m
}

// typeName gives the short name of a type that the catalog spells out.
func typeName(long string) string {
	short, ok := map[string]string{
		"smallint": "int2", "integer": "int4", "bigint": "int8", "float": "float4", "double": "float8", "boolean": "bool",
		"character varying": "varchar", "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
		"time with time zone": "timetz", "binary varying": "varbyte",
	}[long]
	if !ok {
		return long
	}
	return short
}

// list reads the catalog as the user of the secret. The answer has one page of entries in
// a member, and the token of the next page. s.mu is not held while the warehouse works.
func (in *catalog) list(s *Server, member string, entry func(row []any) any, sql string, params ...warehouse.Parameter) (map[string]any, error) {
	if in.ConnectedDatabase != "" && in.ConnectedDatabase != in.Database {
		return nil, unsupported("a database other than the one that is connected to (ConnectedDatabase)")
	}
	if err := in.complete(); err != nil {
		return nil, err
	}
	from, err := strconv.Atoi(cmp.Or(in.NextToken, "0"))
	if err != nil || from < 0 {
		return nil, invalid("Invalid NextToken")
	}
	bound, err := warehouse.Bind(params, sql)
	if err != nil {
		return nil, invalid("%v", err)
	}
	l, err := s.login(in.connection)
	if err != nil {
		return nil, err
	}
	s.running.Add(1)
	defer s.running.Done()
	s.mu.Unlock()
	defer s.mu.Lock()
	session, err := s.warehouse.Connect(s.ctx, in.WorkgroupName, in.Database, l.Username, l.Password)
	if err != nil {
		return nil, &Error{Status: http.StatusInternalServerError, Code: "DatabaseConnectionException", Message: err.Error()}
	}
	defer session.Close()
	result, err := session.Execute(s.ctx, bound[0])
	if err != nil {
		return nil, err
	}
	from = min(from, len(result.Rows))
	to := min(from+cmp.Or(in.MaxResults, 1000), len(result.Rows))
	entries := []any{}
	for _, row := range result.Rows[from:to] {
		entries = append(entries, entry(row))
	}
	out := map[string]any{member: entries}
	if to < len(result.Rows) {
		out["NextToken"] = strconv.Itoa(to)
	}
	return out, nil
}
