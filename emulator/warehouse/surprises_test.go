package warehouse_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/evstream/emulator/warehouse"
)

// The tests of this file are about what Redshift does and a newcomer does not expect. The
// stand-in is worth nothing where it is kinder.

func TestMixedCaseKeys(t *testing.T) {
	f := newFixture(t)
	f.exec(
		"CREATE TABLE t (doc SUPER)",
		`INSERT INTO t SELECT JSON_PARSE('{"stationID":7,"stationid":8,"nested":{"spaceID":9}}')`,
		"CREATE VIEW before AS SELECT doc.stationID::INTEGER AS s FROM t",
	)
	const unquoted, delimited, deep = "SELECT doc.stationID::INTEGER FROM t", `SELECT doc."stationID"::INTEGER FROM t`, "SELECT t.doc.nested.spaceID::INTEGER FROM t"

	f.want(unquoted, "8") // folded to lower case
	f.want(delimited, "8")
	f.want(deep, "NULL")

	f.exec("SET enable_case_sensitive_super_attribute TO TRUE")
	f.want(unquoted, "7")
	f.want(deep, "9")
	f.want("SELECT DOC.stationID::INTEGER FROM T", "7") // for SUPER paths only

	f.exec("CREATE VIEW after AS SELECT doc.stationID::INTEGER AS s FROM t", "RESET enable_case_sensitive_super_attribute")
	f.want("SELECT s FROM before", "8") // an ordinary view keeps the setting that it was created with
	f.want("SELECT s FROM after", "7")
	f.want(unquoted, "8")

	f.exec("SET enable_case_sensitive_identifier TO on")
	f.want(unquoted, "8")
	f.want(delimited, "7")

	f.session = f.connect()
	f.want(delimited, "8") // the setting was the session's
}

func TestNamesOfResultColumns(t *testing.T) {
	f := newFixture(t)
	f.exec("SET enable_case_sensitive_super_attribute TO TRUE", "CREATE TABLE t (doc SUPER, n INTEGER)")
	res, err := f.session.Execute(t.Context(), `SELECT doc.stationID, doc.stationID::INTEGER, N, COUNT(*), MAX(n), n + 1, CASE WHEN TRUE THEN 1 END, 1 AS "Mixed" FROM t GROUP BY doc, n`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range res.Columns {
		names = append(names, c.Name)
	}
	if got, want := strings.Join(names, " "), "stationid stationid n count max ?column? case mixed"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
}

func TestCastsOfSuperAreLaxAndOthersAreNot(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (doc SUPER, raw VARBYTE(100), s VARCHAR(100))",
		`INSERT INTO t SELECT JSON_PARSE('{"text":"abc","int":" 12 ","fraction":"12.7","num":12.7,"hex":"0x1A","under":"1_000","empty":"","list":[1],"obj":{"a":1},"yes":true,"day":"2026-02-03","moment":"2026-02-03 11:08:04","badday":"2026-02-30","null":null,"umlaut":"Grüße"}'), TO_VARBYTE('Grüße','utf8'), 'Grüße'`)

	for expr, want := range map[string]string{
		"doc.text::INTEGER":                        "NULL",
		"CAST(doc.text AS INTEGER)":                "NULL",
		"TRY_CAST(doc.text AS INTEGER)":            "NULL",
		"TRY_CAST(doc.int AS INTEGER)":             "12",
		"TRY_CAST(doc.num AS DECIMAL(10,2))":       "12.70",
		"TRY_CAST(doc.text AS VARCHAR(2))":         "ab",
		"TRY_CAST(doc.obj AS FLOAT8)":              "NULL",
		"doc.moment::DATE":                         "2026-02-03", // as in AWS's tutorial
		"doc.moment::TIMESTAMP":                    "2026-02-03 11:08:04",
		"doc.int::INTEGER":                         "12",
		"doc.fraction::INTEGER":                    "NULL",
		"doc.fraction::DECIMAL(10,2)":              "12.70",
		"doc.num::INTEGER":                         "12", // the fraction is cut off
		"doc.num::DECIMAL(2,0)":                    "12",
		"doc.num::FLOAT8::INTEGER":                 "13", // of a FLOAT8 it is rounded
		"doc.num::DECIMAL(2,1)":                    "NULL",
		"doc.hex::INTEGER":                         "NULL",
		"doc.under::INTEGER":                       "NULL",
		"doc.under::DECIMAL(10,2)":                 "NULL",
		"doc.empty::DECIMAL(10,2)":                 "NULL",
		"doc.empty::VARCHAR(3)":                    "",
		"doc.day::DATE":                            "2026-02-03",
		"doc.badday::DATE":                         "NULL",
		"doc.text::TIMESTAMP":                      "NULL",
		"doc.list::VARCHAR(10)":                    "NULL", // JSON_SERIALIZE is for these
		"doc.obj::VARCHAR(10)":                     "NULL",
		"doc.obj::INTEGER":                         "NULL",
		"JSON_SERIALIZE(doc.obj)":                  `{"a":1}`,
		"doc.yes::BOOLEAN":                         "true",
		"doc.missing::INTEGER":                     "NULL",
		"doc.text.deeper.still::INTEGER":           "NULL",
		"doc.umlaut::VARCHAR(4)":                   "Grü", // bytes are counted, characters kept whole
		"doc.umlaut::VARCHAR(3)":                   "Gr",
		"doc.umlaut::CHAR(3)":                      "NULL",
		"raw::VARCHAR(100)":                        "Grüße",
		"s::VARCHAR(3)":                            "Gr",
		"'abcdef'::CHAR(3)":                        "abc",
		"TRY_CAST('abc' AS INTEGER)":               "NULL",
		"TRY_CAST('12.7' AS INTEGER)":              "NULL",
		"TRY_CAST('2026-02-30' AS DATE)":           "NULL",
		"TRY_CAST(doc.day::VARCHAR(20) AS DATE)":   "2026-02-03",
		"JSON_TYPEOF(doc.null)":                    "null",
		"JSON_TYPEOF(doc.missing)":                 "NULL",
		"JSON_TYPEOF(doc.obj.a)":                   "number",
		"JSON_TYPEOF(doc)":                         "object",
		"JSON_TYPEOF(t.doc)":                       "object",
		"JSON_TYPEOF(doc.list)":                    "array",
		"JSON_TYPEOF(doc.list[0])":                 "number",
		"doc.list[0]::INTEGER":                     "1",
		"doc.list[1]::INTEGER":                     "NULL",
		"doc.null IS NULL":                         "true",
		"OCTET_LENGTH(doc.umlaut::VARCHAR(65535))": "7",
		"LEN(s)":      "5",
		"LENGTH(raw)": "7",
	} {
		f.want("SELECT "+expr+" FROM t", want)
	}
	for expr, want := range map[string]string{
		"s::INTEGER":             "Invalid digit",
		"'12.7'::INTEGER":        "Invalid digit",
		"''::INTEGER":            "Invalid digit",
		"'abc'::DECIMAL(10,2)":   "Invalid digit",
		"'99999999999'::INTEGER": "Could not convert string '99999999999' to INT32",
		"s::TIMESTAMP":           "invalid timestamp field format",
		"s::CHAR(10)":            "invalid ASCII character",
		"TRY_CAST(s AS CHAR(10)) || TRY_CAST('' AS INTEGER)": "cannot contain blank or empty strings",
		"TRY_CAST(doc.day AS DATE)":                          "TRY_CAST from super to date is not supported",
		"TRY_CAST(doc.day AS TIMESTAMPTZ)":                   "TRY_CAST from super to timestamptz is not supported",
		"12345::DECIMAL(4,2)":                                "Could not cast value",
		"doc.num::VARBYTE":                                   "cannot cast type super to binary varying",
		"1::UUID":                                            `type "UUID" does not exist`,
		"1::VARCHAR(70000)":                                  "must be between 1 and 65535",
		"1::DECIMAL(40,2)":                                   "precision 40",
	} {
		f.fails("SELECT "+expr+" FROM t", want)
	}
}

// TestNumbersInTexts: each numeric type takes the same texts from SUPER.
func TestNumbersInTexts(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (doc SUPER)")
	for text, want := range map[string]string{
		`"00007"`: "7 | 7.00 | 7", `"+7"`: "7 | 7.00 | 7", `" 7 "`: "7 | 7.00 | 7", `"-7"`: "-7 | -7.00 | -7",
		`"7.939"`: "NULL | 7.93 | 7.939", `".5"`: "NULL | 0.50 | 0.5", `"7e0"`: "NULL | 7.00 | 7",
		`""`: "NULL | NULL | NULL", `" "`: "NULL | NULL | NULL", `"7 kWh"`: "NULL | NULL | NULL", `"NaN"`: "NULL | NULL | NULL", `"1e400"`: "NULL | NULL | NULL",
		`7.939`: "7 | 7.93 | 7.939", `-7.939`: "-7 | -7.93 | -7.939", `1.5e3`: "1500 | 1500.00 | 1500", `99999999999`: "NULL | NULL | 99999999999", `1e39`: "NULL | NULL | 1e+39",
		`true`: "1 | NULL | NULL", `null`: "NULL | NULL | NULL", `[7]`: "NULL | NULL | NULL",
	} {
		f.exec("TRUNCATE t", "INSERT INTO t SELECT JSON_PARSE('{\"a\":"+text+"}')")
		f.want("SELECT doc.a::INTEGER, doc.a::DECIMAL(10,2), doc.a::FLOAT8::VARCHAR FROM t", want)
	}
}

// TestBlanksAtTheEnd: they mean nothing in a comparison, are no part of a CHAR and may be
// cut off to fit a column.
func TestBlanksAtTheEnd(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (s VARCHAR(3), c CHAR(3))", "INSERT INTO t VALUES ('ab     ', 'ab     ')")
	f.want("SELECT LEN(s), s = 'ab', s = 'ab      ', s < 'ab ', s IN ('ab') FROM t", "3 | true | true | false | true")
	f.want("SELECT LEN(c), c = 'ab', LEN('ab  '::CHAR(4)) FROM t", "2 | true | 2")
	f.want("SELECT s FROM t WHERE NOT EXISTS (SELECT 1 FROM t AS other WHERE other.s <> t.s)", "ab ")
	f.exec("UPDATE t SET s = 'abc      '")
	f.want("SELECT s || '.' FROM t", "abc.")
	f.fails("INSERT INTO t (s) VALUES ('abcd')", "value too long for type character varying(3)")
	f.fails("INSERT INTO t (s) VALUES ('ab   d')", "value too long for type character varying(3)")
}

// TestCastsThatAreRefused by the types alone, whatever the value:
// https://docs.aws.amazon.com/redshift/latest/dg/r_TRY_CAST.html and limitations-super.html.
func TestCastsThatAreRefused(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (day DATE, d DECIMAL(10,2), ok BOOLEAN)", "INSERT INTO t VALUES ('2026-02-03', 1.5, TRUE)")
	for expr, want := range map[string]string{
		"day::SUPER":                  "cannot cast type date to super",
		"GETDATE()::SUPER":            "cannot cast type timestamp to super",
		"d::BOOL":                     "cannot cast type decimal(10,2) to bool",
		"TRY_CAST(ok AS TIMESTAMP)":   "cannot cast type boolean to timestamp",
		"TRY_CAST(TRUE AS TIMESTAMP)": "cannot cast type boolean to timestamp",
		"ok::DECIMAL(5,2)":            "cannot cast type boolean to numeric",
		"ok::VARCHAR(5)":              "cannot cast type boolean to varchar",
	} {
		f.fails("SELECT "+expr+" FROM t", want)
	}
	f.want("SELECT ok::INTEGER, 5::SUPER::BOOL, 5.0::SUPER::BOOL, d::INTEGER FROM t", "1 | true | NULL | 1")
}

func TestLinesAndAverages(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER, d DECIMAL(10,2))", "INSERT INTO t VALUES (7, 1.25), (2, 2.5), (NULL, NULL)")
	f.want("SELECT SUM(n), AVG(n), SUM(d), COUNT(*), COUNT(d) FROM t", "9 | 4 | 3.75 | 3 | 2") // an average of integers is one
	f.want("SELECT 'ab\nc' ~ 'b$', 'ab\nc' ~ '^c', 'ab\nc' ~ 'a$'", "true | true | false")
	f.fails("SELECT AVG(d) FROM t", "AVG of a NUMERIC: not supported")
}

func TestTime(t *testing.T) {
	f := newFixture(t)
	f.clock.advance(123456789) // nanoseconds
	f.want("SELECT GETDATE(), SYSDATE, CURRENT_DATE", "2026-03-01 12:00:00 | 2026-03-01 12:00:00.123456 | 2026-03-01")
	f.want("SELECT DATEDIFF(second, TIMESTAMP '2026-03-01 11:59:58.9', GETDATE()), DATEDIFF(h, DATE '2026-02-28', GETDATE())", "2 | 36")

	f.exec("CREATE VIEW ago AS SELECT DATEDIFF(second, TIMESTAMP '2026-03-01 12:00:00', GETDATE()) AS s")
	f.clock.advance(60e9)
	f.want("SELECT s FROM ago", "60") // a view asks the clock when it is read
}

func TestCanJSONParse(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (raw VARBYTE(100000))")
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for text, want := range map[string]string{
		`{"a":1}`:                        "true",
		` [1, "x", null] `:               "true",
		`5`:                              "true",
		`-0.5e-3`:                        "true",
		`"x"`:                            "true",
		`123456789012345678901234567890`: "true",
		deep(1000):                       "true",
		deep(1001):                       "false",
		``:                               "false",
		` `:                              "false",
		`{"a":1`:                         "false",
		`{"a":1}}`:                       "false",
		`1 2`:                            "false",
		`{"a":1,"a":2}`:                  "false",
		`{"a":{"b":1,"b":2}}`:            "false",
		`[1,]`:                           "false",
		`{"a":1,}`:                       "false",
		`{'a':1}`:                        "false",
		`{a:1}`:                          "false",
		`NaN`:                            "false",
		`Infinity`:                       "false",
		`01`:                             "false",
		`.5`:                             "false",
		`+1`:                             "false",
		`TRUE`:                           "false",
		"\"a\tb\"":                       "false",
		`"a\u0000b"`:                     "false",
		`"a\\u0000b"`:                    "true",
		"\xef\xbb\xbf{}":                 "false",
		`// comment` + "\n{}":            "false",
	} {
		f.exec("TRUNCATE t")
		f.exec("INSERT INTO t SELECT TO_VARBYTE('" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "', 'utf8')")
		f.want("SELECT CAN_JSON_PARSE(raw) FROM t", want)
		if want == "false" {
			f.fails("SELECT JSON_PARSE(raw) FROM t", "JSON parsing error")
		} else {
			f.want("SELECT JSON_PARSE(raw) IS NULL FROM t", "false")
		}
	}
	f.exec("TRUNCATE t", "INSERT INTO t SELECT TO_VARBYTE('ff', 'hex') UNION ALL SELECT NULL")
	f.want("SELECT CAN_JSON_PARSE(raw) FROM t ORDER BY 1", "false", "NULL")
	f.want(`SELECT CAN_JSON_PARSE('{"a":1}'), CAN_JSON_PARSE('x')`, "true | false")
	f.want(`SELECT JSON_EXTRACT_PATH_TEXT('{"a":{"b/c":"x"}}', 'a', 'b/c'), JSON_EXTRACT_PATH_TEXT('{"a":1}', 'b'), JSON_EXTRACT_PATH_TEXT('no', 'b', true)`, "x | NULL | NULL")
	f.fails("SELECT JSON_EXTRACT_PATH_TEXT('no', 'b')", "JSON parsing error")
}

func TestTransactions(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER)", "BEGIN", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT n FROM t")
	f.fails("SELECT nothing FROM t", `column "nothing" does not exist`)
	f.fails("SELECT 1", "current transaction is aborted, commands ignored until end of transaction block")
	f.exec("COMMIT") // which rolls back
	f.want("SELECT COUNT(*) FROM t", "0")
	f.fails("SELECT * FROM v", `relation "v" does not exist`)

	f.exec("BEGIN", "INSERT INTO t VALUES (1)")
	other := f.connect()
	res, err := other.Execute(t.Context(), "SELECT COUNT(*) FROM t")
	if err != nil || lines(res)[0] != "0" {
		t.Errorf("another session sees %v %v of an open transaction, want 0", lines(res), err)
	}
	f.exec("COMMIT")
	f.want("SELECT COUNT(*) FROM t", "1")
}

// TestLock: LOCK waits for the transaction that has the table, and the transaction that
// waited sees what that one wrote.
func TestLock(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER)", "CREATE TABLE u (n INTEGER)", "BEGIN", "LOCK t, u", "LOCK TABLE t", "INSERT INTO t VALUES (1)")
	other := f.connect()
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, statement := range []string{"BEGIN", "LOCK TABLE public.u"} {
		_, err := other.Execute(short, statement)
		if waits := strings.HasPrefix(statement, "LOCK"); waits != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s gives %v while another transaction has the table", statement, err)
		}
	}
	got := make(chan string)
	go func() {
		for _, statement := range []string{"ROLLBACK", "BEGIN", "LOCK TABLE t", "SELECT COUNT(*) FROM t"} {
			res, err := other.Execute(t.Context(), statement)
			if err != nil {
				got <- err.Error()
				return
			}
			if len(res.Rows) > 0 {
				got <- lines(res)[0]
			}
		}
	}()
	f.exec("COMMIT")
	if n := <-got; n != "1" {
		t.Errorf("the transaction that waited sees %s rows, want the one that was written meanwhile", n)
	}
	f.exec("BEGIN")
	f.fails("LOCK TABLE nowhere", `relation "nowhere" does not exist`)
}

func TestTables(t *testing.T) {
	f := newFixture(t)
	f.exec(`CREATE TABLE IF NOT EXISTS ledger (
		id INTEGER IDENTITY(1,1) NOT NULL ENCODE az64,
		version BIGINT NOT NULL PRIMARY KEY,
		name VARCHAR(8) DEFAULT 'x' ENCODE lzo,
		code CHAR(2),
		at TIMESTAMP DEFAULT GETDATE(),
		doc SUPER,
		UNIQUE (name)
	) DISTSTYLE ALL SORTKEY (version)`)
	f.exec("CREATE TABLE IF NOT EXISTS ledger (other INTEGER)")
	f.fails("CREATE TABLE ledger (other INTEGER)", `relation "ledger" already exists`)
	f.exec("INSERT INTO ledger (version, name) VALUES (7, 'seven'), (7, 'seven')") // keys are hints
	f.want("SELECT id, version, name, code, at, doc FROM ledger ORDER BY id",
		"1 | 7 | seven | NULL | 2026-03-01 12:00:00 | NULL", "2 | 7 | seven | NULL | 2026-03-01 12:00:00 | NULL")
	f.fails("INSERT INTO ledger (version, name) VALUES (8, 'too long!')", "value too long for type character varying(8)")
	f.fails("INSERT INTO ledger (version, name) VALUES (8, 'ééééé')", "value too long for type character varying(8)")
	f.fails("INSERT INTO ledger (name) VALUES ('x')", `null value in column "version" violates not-null constraint`)
	f.fails("INSERT INTO ledger (id, version) VALUES (1, 1)", "cannot set an identity column to a value")
	f.exec("UPDATE ledger SET name = UPPER(name), at = DATEADD(hour, 1, at) WHERE id = 1 AND version = '7'")
	f.exec("DELETE FROM ledger WHERE id = 2")
	f.want("SELECT name, at FROM ledger", "SEVEN | 2026-03-01 13:00:00")
	f.want("SELECT table_schema, table_type FROM svv_tables WHERE table_name = 'ledger'", "public | BASE TABLE")
	f.want("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'", "1")
	f.want("SELECT data_type FROM svv_columns WHERE table_name = 'ledger' ORDER BY ordinal_position", "integer", "bigint", "character varying", "character varying", "timestamp without time zone", "super")
	f.exec("CREATE TABLE copy AS SELECT version, name FROM ledger", "DROP TABLE ledger, copy")
	f.want("SELECT COUNT(*) FROM svv_tables", "0")
	f.exec("CREATE SCHEMA other", "CREATE TABLE other.t (n INTEGER)", "INSERT INTO other.t VALUES (1)")
	f.want("SELECT n FROM other.t", "1")
	f.fails("DROP SCHEMA other", "other objects depend on it")
	f.exec("DROP SCHEMA other CASCADE")
	f.fails("SELECT n FROM other.t", "does not exist")
}

func TestViews(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER)", "CREATE VIEW v (m) AS SELECT n FROM t", "CREATE VIEW w AS SELECT m FROM v")
	f.fails("CREATE VIEW v AS SELECT 1", `relation "v" already exists`)
	f.exec("CREATE OR REPLACE VIEW v (m) AS SELECT n + 1 FROM t")
	f.fails("CREATE OR REPLACE VIEW v AS SELECT n FROM t", "cannot change the columns of view")
	f.exec("INSERT INTO t VALUES (1)")
	f.want("SELECT m FROM w", "2")
	f.fails("DROP TABLE t", "cannot drop table t because other objects depend on it: v")
	f.fails("DROP VIEW v", "cannot drop view v because other objects depend on it: w")
	f.fails("DROP TABLE v", `"v" is not a table`)
	f.fails("DROP VIEW t", `"t" is not a view`)
	f.fails("DROP MATERIALIZED VIEW IF EXISTS v", `"v" is not a materialized view`)
	f.exec("DROP VIEW IF EXISTS nothing", "DROP TABLE t CASCADE")
	f.fails("SELECT m FROM w", `relation "w" does not exist`)
	f.fails("INSERT INTO nothing VALUES (1)", `relation "nothing" does not exist`)
}

// TestRefusals lists more of what must not pass for Redshift SQL than README.md has rows for.
func TestRefusals(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER, doc SUPER)", "CREATE VIEW v AS SELECT n FROM t")
	for statement, want := range map[string]string{
		"SELECT COLUMNS('n') FROM t":                         "not supported by the warehouse stand-in",
		"SELECT {'a': 1}":                                    "syntax error",
		"SELECT list_value(1)":                               "function list_value does not exist",
		"SELECT strftime(GETDATE(), '%Y')":                   "function strftime does not exist",
		"SELECT * FROM generate_series(1, 3)":                "function generate_series does not exist",
		"SELECT * FROM main.svv_tables":                      "does not exist",
		"SELECT * FROM pg_class":                             "the system view pg_class: not supported",
		"SELECT n FROM t GROUP BY ALL":                       "not supported",
		"SELECT DISTINCT ON (n) n FROM t":                    "not supported",
		"SELECT n FROM t POSITIONAL JOIN v":                  "syntax error",
		"SELECT abs(1), trunc(n) OVER () FROM t":             "not supported",
		"SELECT date_trunc(fortnight, GETDATE())":            "does not exist",
		"SELECT CURRENT_TIMESTAMP":                           "not supported",
		"SELECT $1":                                          "syntax error",
		"SELECT :n":                                          "syntax error",
		"SELECT n FROM":                                      "syntax error",
		"VALUES (1)":                                         "syntax error",
		"PRAGMA database_list":                               "syntax error",
		"ATTACH ':memory:' AS x":                             "not supported",
		"INSTALL httpfs":                                     "syntax error",
		"COPY t FROM 's3://bucket/key' IAM_ROLE default":     "COPY T: not supported",
		"EXPLAIN SELECT 1":                                   "not supported",
		"MERGE INTO t USING v ON t.n = v.n":                  "not supported",
		"INSERT INTO v VALUES (1)":                           "cannot insert into view",
		"SET memory_limit TO '1GB'":                          "unrecognized configuration parameter",
		"SET enable_case_sensitive_super_attribute TO maybe": "requires a Boolean value",
		"CREATE EXTERNAL TABLE x (n INTEGER)":                "not supported",
		"":                                                   "syntax error at end of input",
		"-- nothing":                                         "syntax error at end of input",
	} {
		f.fails(statement, want)
	}
	f.want("SELECT 1; -- with an end", "1")
	f.want("SELECT /* a /* nested */ comment */ 1", "1")
}

func TestNamespacesOutliveWorkgroups(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")
	f.exec("CREATE USER u PASSWORD 'Secret1234'")
	if err := f.DeleteNamespace("ev"); err == nil {
		t.Error("a namespace was deleted while it had a workgroup")
	}
	if err := f.DeleteWorkgroup("ev"); err != nil {
		t.Fatal(err)
	}
	f.fails("SELECT 1", "terminating connection")
	if _, err := f.Connect(t.Context(), "ev", "dev", "admin", "Secret1234"); err != warehouse.ErrNoWorkgroup {
		t.Errorf("connecting to a deleted workgroup: %v", err)
	}
	if err := f.CreateWorkgroup(warehouse.Workgroup{Name: "next", Namespace: "ev", ReadyAt: f.clock.Now().Add(60e9)}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Connect(t.Context(), "next", "dev", "admin", "Secret1234"); err != warehouse.ErrNotReady {
		t.Errorf("connecting to a workgroup that is being created: %v", err)
	}
	f.clock.advance(60e9)
	res, err := f.Query(t.Context(), "ev", "SELECT n FROM t")
	if err != nil || len(res.Rows) != 1 {
		t.Errorf("the data did not outlive the workgroup: %v", err)
	}
	for what, login := range map[string][3]string{
		"password authentication failed": {"dev", "admin", "Secret12345"},
		`database "prod" does not exist`: {"prod", "admin", "Secret1234"},
	} {
		if _, err := f.Connect(t.Context(), "next", login[0], login[1], login[2]); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("connecting as %s to %s: %v, want %q", login[1], login[0], err, what)
		}
	}
	if err := f.DeleteWorkgroup("next"); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteNamespace("ev"); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Log() {
		if strings.Contains(s.SQL, "Secret1234") {
			t.Errorf("a password is in the log: %s", s.SQL)
		}
	}
	log := f.Log()
	if last := log[len(log)-1]; last.SQL != "SELECT n FROM t" || last.User != "admin" || last.Err != nil {
		t.Errorf("the last logged statement is %+v", last)
	}
}
