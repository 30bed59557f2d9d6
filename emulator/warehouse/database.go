package warehouse

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// A database is what a namespace holds: a DuckDB file. Users' objects are in its schema
// public and those they create, the stand-in's own tables in rs, its macros and system
// views in main.
type database struct {
	name string
	dir  string
	db   *sql.DB

	// changing is held by a statement that changes the catalog or refreshes a view, as it
	// would hold a table's lock there. It does not last until the end of a transaction
	// of several statements: two of those may conflict, and the second one fails.
	changing sync.Mutex

	prepared atomic.Bool // the catalog is made

	mu     sync.Mutex
	locks  map[relation]chan struct{} // of tables that a LOCK named
	scans  map[string]*scan           // under way, by the name their query knows them by
	serial int
}

//go:embed catalog.sql
var catalogSQL string

func openDatabase(ctx context.Context, name string, o Options) (*database, error) {
	dir, err := os.MkdirTemp(o.Dir, "warehouse-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the database: %w", err)
	}
	// Small row groups are written as they fill up, so that a refresh of any number of
	// records needs little memory. Macros with types need the newest format.
	attach := "ATTACH IF NOT EXISTS " + quoteText(filepath.Join(dir, "data.db")) + " AS data (STORAGE_VERSION 'latest', ROW_GROUP_SIZE 16384); USE data;" +
		"CREATE SCHEMA IF NOT EXISTS public; SET search_path = 'data.public,data.main'"
	connector, err := duckdb.NewConnector("", func(conn driver.ExecerContext) error {
		_, err := conn.ExecContext(context.Background(), attach, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open a database: %w", err)
	}
	d := &database{name: name, dir: dir, db: sql.OpenDB(connector), scans: make(map[string]*scan)}
	conn, err := d.db.Conn(ctx)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("open a database: %w", err)
	}
	defer conn.Close()
	if err := register(conn, d, o); err != nil {
		d.close()
		return nil, err
	}
	for _, s := range []string{
		"SET GLOBAL autoinstall_known_extensions = false",
		"SET GLOBAL autoload_known_extensions = false",
		"SET GLOBAL memory_limit = '300MB'", // of its buffers; what expressions hold comes on top
		"SET GLOBAL threads = 2",
		"SET GLOBAL temp_directory = " + quoteText(filepath.Join(dir, "spilled")),
		"SET GLOBAL enable_external_access = false",
		"SET GLOBAL integer_division = true",
		"SET GLOBAL default_null_order = 'nulls_last_on_asc_first_on_desc'",
		"SET GLOBAL TimeZone = 'UTC'",
		o.catalog(name),
	} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			d.close()
			return nil, fmt.Errorf("prepare a database: %w", err)
		}
	}
	d.prepared.Store(true)
	return d, nil
}

// catalog is catalogSQL for a database and the readings of the doubts.
func (o Options) catalog(database string) string {
	choose := func(doubt, answer, then, otherwise string) string {
		if o.reads(doubt, answer) {
			return then
		}
		return otherwise
	}
	const (
		digits17 = "format('{:.17g}', TRY_CAST(v AS DOUBLE))"
		rewrite  = "rs_json_text(x)"
	)
	jsonBytes, jsonText := "decode(x)", "x"
	if o.reads(nulEscapes, "cut") || o.reads(halfSurrogates, "take") {
		jsonBytes, jsonText = rewrite, rewrite
	}
	text := strings.NewReplacer(
		"@database@", database,
		"@number_text@", choose(numberTexts, "long", digits17, "TRY_CAST(v AS VARCHAR)"),
		"@super_digits@", choose(superNumbers, "float", digits17, "TRY_CAST(v AS VARCHAR)"),
		"@lax_cut@", choose(superLongTexts, "null", "CASE WHEN strlen(v) <= n THEN v END", "CASE WHEN strlen(v) <= n THEN v ELSE rs_truncate(v, n) END"),
		"@number_pattern@", choose(superTexts, "plain", `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, `\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*`),
		"@integer_pattern@", choose(superTexts, "plain", `-?(0|[1-9][0-9]*)`, `\s*[+-]?[0-9]+\s*`),
		"@blank@", choose(tryCastBlank, "null", "NULL", "error('TRY_CAST: the expression cannot contain blank or empty strings')"),
		"@missing_is_null@", choose(missingTypeof, "text", "true", "false"),
		"@json_bytes@", jsonBytes,
		"@json_text@", jsonText,
	).Replace(catalogSQL + functionsSQL)
	more, _ := twins(text)
	return text + more
}

func (d *database) close() error { return errors.Join(d.db.Close(), os.RemoveAll(d.dir)) }

// register adds the functions that only Go can give the engine.
func register(conn *sql.Conn, d *database, o Options) error {
	rules := o.jsonRules()
	for name, overloads := range map[string][]function{
		"can_json_parse": {
			{in: []duckdb.Type{duckdb.TYPE_BLOB}, out: duckdb.TYPE_BOOLEAN, call: func(a []driver.Value) (any, error) { return rules.canParse(a[0].([]byte)), nil }},
			{in: varchars(1), out: duckdb.TYPE_BOOLEAN, call: func(a []driver.Value) (any, error) { return rules.canParse([]byte(a[0].(string))), nil }},
		},
		"rs_json_text": {
			{in: []duckdb.Type{duckdb.TYPE_BLOB}, out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) { return rules.rewrite(a[0].([]byte)), nil }},
			{in: varchars(1), out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) { return rules.rewrite([]byte(a[0].(string))), nil }},
		},
		"rs_roll_date": {{in: varchars(1), out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) { return rollDate(a[0].(string)), nil }}},
		"rs_truncate": {{in: []duckdb.Type{duckdb.TYPE_VARCHAR, duckdb.TYPE_INTEGER}, out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) {
			return truncate(a[0].(string), int(a[1].(int32))), nil
		}}},
		"rs_same":    {{in: varchars(2), out: duckdb.TYPE_BOOLEAN, call: func(a []driver.Value) (any, error) { return superSame(a[0].(string), a[1].(string)) }}},
		"rs_less":    {{in: varchars(2), out: duckdb.TYPE_BOOLEAN, call: func(a []driver.Value) (any, error) { return superLess(a[0].(string), a[1].(string)) }}},
		"rs_reckon":  {{in: varchars(3), out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) { return reckon(a[0].(string), a[1].(string), a[2].(string)) }}},
		"rs_flatten": {{in: varchars(1), out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) { return flatten(a[0].(string)) }}},
		"rs_is_json": {{in: varchars(2), out: duckdb.TYPE_BOOLEAN, call: func(a []driver.Value) (any, error) { return isJSON(a[0].(string), a[1].(string)), nil }}},
		"rs_format_time": {{in: []duckdb.Type{duckdb.TYPE_TIMESTAMP, duckdb.TYPE_VARCHAR}, out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) {
			return formatTime(a[0].(time.Time).UTC(), a[1].(string))
		}}},
		"rs_format_number": {{in: varchars(2), out: duckdb.TYPE_VARCHAR, call: func(a []driver.Value) (any, error) { return formatNumber(a[0].(string), a[1].(string)) }}},
		"rs_read_time": {{in: []duckdb.Type{duckdb.TYPE_VARCHAR, duckdb.TYPE_VARCHAR, duckdb.TYPE_BOOLEAN}, out: duckdb.TYPE_TIMESTAMP, call: func(a []driver.Value) (any, error) {
			return readTime(a[0].(string), a[1].(string), a[2].(bool))
		}}},
		// rs_mistyped(why, x) is an error when a query that has it is read, and so tells a
		// macro's types apart without a row.
		"rs_mistyped": {{in: []duckdb.Type{duckdb.TYPE_VARCHAR, duckdb.TYPE_ANY}, out: duckdb.TYPE_VARCHAR,
			call: func(a []driver.Value) (any, error) { return nil, errorf("%s", a[0]) },
			bind: func(ctx context.Context, args []duckdb.ScalarUDFArg) (context.Context, error) {
				if !d.prepared.Load() { // but a macro that is made
					return ctx, nil
				}
				return ctx, errorf("%s", args[0].Value)
			},
		}},
	} {
		var set []duckdb.ScalarFunc
		for _, f := range overloads {
			set = append(set, f)
		}
		if err := duckdb.RegisterScalarUDFSet(conn, name, set...); err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return registerScan(conn, d)
}

func varchars(n int) []duckdb.Type { return slices.Repeat([]duckdb.Type{duckdb.TYPE_VARCHAR}, n) }

// A function is a scalar function that is NULL when an argument is. bind, if there is
// one, looks at a call before it has a row.
type function struct {
	in   []duckdb.Type
	out  duckdb.Type
	call func([]driver.Value) (any, error)
	bind duckdb.ScalarBinderFn
}

func (f function) Config() duckdb.ScalarFuncConfig {
	config := duckdb.ScalarFuncConfig{ResultTypeInfo: simpleType(f.out)}
	for _, t := range f.in {
		config.InputTypeInfos = append(config.InputTypeInfos, simpleType(t))
	}
	return config
}

func (f function) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: f.call, ScalarBinder: f.bind}
}

// simpleType is for a type without parameters.
func simpleType(t duckdb.Type) duckdb.TypeInfo {
	info, err := duckdb.NewTypeInfo(t)
	if err != nil {
		panic(err) // which NewTypeInfo gives for types with parameters only
	}
	return info
}

// rollDate gives the day that a date which there is not rolls over to, 2026-03-02 for
// 2026-02-30; every other text as it is.
func rollDate(s string) string {
	var year, month, day int
	if len(s) < len("2026-02-30") {
		return s
	}
	if n, err := fmt.Sscanf(s[:10], "%4d-%2d-%2d", &year, &month, &day); n != 3 || err != nil || year < 1 || month < 1 || month > 12 || day < 29 || day > 31 {
		return s
	}
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) + s[10:]
}

// truncate cuts a text to at most n bytes, without splitting a character.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// transactOn runs fn in a transaction on conn.
func transactOn(ctx context.Context, conn *sql.Conn, fn func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return asError(err)
	}
	if err := fn(); err != nil {
		// The statement may have failed because ctx ended; the transaction still has to.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return err
	}
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return asError(err)
	}
	return nil
}
