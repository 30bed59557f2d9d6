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
	"strconv"
	"strings"
	"sync"
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

	mu     sync.Mutex
	scans  map[string]*scan // under way, by the name their query knows them by
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
		"SET GLOBAL memory_limit = " + quoteText(o.MemoryLimit),
		"SET GLOBAL threads = " + strconv.Itoa(o.Threads),
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
		digits17 = "format('{:.17g}', TRY_CAST(x AS DOUBLE))"
		rewrite  = "rs_json_text(x)"
	)
	jsonBytes, jsonText := "decode(x)", "x"
	if o.reads(nulEscapes, "cut") || o.reads(halfSurrogates, "take") {
		jsonBytes, jsonText = rewrite, rewrite
	}
	return strings.NewReplacer(
		"@database@", database,
		"@number_text@", choose(numberTexts, "long", digits17, "TRY_CAST(x AS VARCHAR)"),
		"@super_digits@", choose(superNumbers, "float", digits17, "TRY_CAST(x AS VARCHAR)"),
		"@lax_cut@", choose(superLongTexts, "null", "CASE WHEN strlen(x) <= n THEN x END", "CASE WHEN strlen(x) <= n THEN x ELSE rs_truncate(x, n) END"),
		"@number_pattern@", choose(superTexts, "plain", `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, `\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*`),
		"@integer_pattern@", choose(superTexts, "plain", `-?(0|[1-9][0-9]*)`, `\s*[+-]?[0-9]+\s*`),
		"@blank@", choose(tryCastBlank, "null", "NULL", "error('TRY_CAST: the expression cannot contain blank or empty strings')"),
		"@missing_is_null@", choose(missingTypeof, "text", "true", "false"),
		"@json_bytes@", jsonBytes,
		"@json_text@", jsonText,
	).Replace(catalogSQL)
}

func (d *database) close() error { return errors.Join(d.db.Close(), os.RemoveAll(d.dir)) }

// register adds the functions that only Go can give the engine.
func register(conn *sql.Conn, d *database, o Options) error {
	blob, err := duckdb.NewTypeInfo(duckdb.TYPE_BLOB)
	if err != nil {
		return err
	}
	varchar, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return err
	}
	boolean, err := duckdb.NewTypeInfo(duckdb.TYPE_BOOLEAN)
	if err != nil {
		return err
	}
	integer, err := duckdb.NewTypeInfo(duckdb.TYPE_INTEGER)
	if err != nil {
		return err
	}
	rules := o.jsonRules()
	for name, f := range map[string]struct {
		out  duckdb.TypeInfo
		call func(data []byte) any
	}{
		"can_json_parse": {boolean, rules.canParse},
		"rs_json_text":   {varchar, func(data []byte) any { return rules.rewrite(data) }},
	} {
		err = duckdb.RegisterScalarUDFSet(conn, name,
			function{[]duckdb.TypeInfo{blob}, f.out, func(args []driver.Value) (any, error) { return f.call(args[0].([]byte)), nil }},
			function{[]duckdb.TypeInfo{varchar}, f.out, func(args []driver.Value) (any, error) { return f.call([]byte(args[0].(string))), nil }},
		)
		if err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	err = duckdb.RegisterScalarUDF(conn, "rs_roll_date", function{[]duckdb.TypeInfo{varchar}, varchar, func(args []driver.Value) (any, error) {
		return rollDate(args[0].(string)), nil
	}})
	if err != nil {
		return fmt.Errorf("register rs_roll_date: %w", err)
	}
	err = duckdb.RegisterScalarUDF(conn, "rs_truncate", function{[]duckdb.TypeInfo{varchar, integer}, varchar, func(args []driver.Value) (any, error) {
		return truncate(args[0].(string), int(args[1].(int32))), nil
	}})
	if err != nil {
		return fmt.Errorf("register rs_truncate: %w", err)
	}
	return registerScan(conn, d)
}

// A function is a scalar function that is NULL when an argument is.
type function struct {
	in   []duckdb.TypeInfo
	out  duckdb.TypeInfo
	call func([]driver.Value) (any, error)
}

func (f function) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{InputTypeInfos: f.in, ResultTypeInfo: f.out}
}

func (f function) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: f.call}
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
