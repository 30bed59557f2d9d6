package sql_test

import (
	"context"
	databasesql "database/sql"
	"database/sql/driver"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"example.com/evstream/sql"
)

// FuzzArchive: an archive that Unpack takes is the one that Pack makes of its files, and
// what Pack takes comes back byte for byte.
func FuzzArchive(f *testing.F) {
	packed, err := sql.Pack(sql.Migrations(), sql.SettingsFiles())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed, migration("SELECT 1;\n"))
	f.Add("-- 00001_a.sql --\n"+migration("CREATE VIEW a AS SELECT 1;\n"), migration("SET a TO 1;\nSELECT '語 -- ;' ; -- x\n"))
	f.Add("hello\n-- 00001_a.sql --\n", migration("SELECT 1;\r\n"))
	f.Add("-- ../00001_a.sql --\n"+migration("SELECT 1;\n"), migration("SELECT 1;\n-- 00002_b.sql --\n"))
	f.Fuzz(func(t *testing.T, archive, text string) {
		if fsys, settings, err := sql.Unpack(archive); err == nil {
			if again, err := sql.Pack(fsys, settings); err != nil || again != archive {
				t.Errorf("packed again it is another archive (error %v):\n%s", err, again)
			}
		}
		packed, err := sql.Pack(files("00001_a.sql", text), sql.SettingsFiles())
		if err != nil {
			return
		}
		fsys, _, err := sql.Unpack(packed)
		if err != nil {
			t.Fatalf("what was packed does not unpack: %v", err)
		}
		if diff := cmp.Diff(map[string]string{"00001_a.sql": text}, contents(t, fsys)); diff != "" {
			t.Errorf("(-packed +unpacked)\n%s", diff)
		}
	})
}

// FuzzStatements: what List says of a migration is what goose runs: the same statements,
// with the placeholders' values in them and nothing else expanded.
func FuzzStatements(f *testing.F) {
	values := map[string]string{sql.StreamingRoleARN: "arn:aws:iam::123456789012:role/r", sql.StreamName: "ev-Stream.1"}
	var substitute []string
	for name, value := range values {
		f.Setenv(name, value)
		substitute = append(substitute, "${"+name+"}", value)
	}
	f.Setenv("HOME", "expanded")
	for _, text := range contents(f, sql.Migrations()) {
		f.Add(text)
	}
	for _, text := range []string{
		migration("SET a TO '1;'; -- a; b;\n\nSELECT ';' -- no end;\n  ;\n"),
		migration("SELECT '\\${STREAM_NAME}';\n"),
		migration("SELECT '$HOME $$ ${HOME:-x}';\n"),
		migration("-- +goose StatementBegin\nCREATE PROCEDURE p() AS $$ BEGIN; END; $$;\n-- +goose StatementEnd\n"),
		migration("-- +goose StatementBegin\n-- +goose StatementEnd\nSELECT 1;\n"),
		migration("-- +goose StatementBegin\n  \n-- +goose StatementEnd\nSELECT 1;\n"),
		migration("  \n-- a comment;\nSELECT 1;\n"),
		migration("-- +goose ENVSUB OFF\nSELECT '$HOME';\n"),
		migration("/* ; */ SELECT 1 /* \n; */;\n"),
		migration("SELECT 1;\u00a0--\u2003;\n"),
		migration(";\n"),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, migration(text), migration(text + ";\n")} {
			fsys := files("00001_a.sql", text)
			list, err := sql.List(fsys)
			if err != nil {
				continue
			}
			var want []string
			for _, s := range list[0].Statements {
				want = append(want, strings.NewReplacer(substitute...).Replace(s.Text))
			}
			if diff := cmp.Diff(want, runByGoose(t, fsys)); diff != "" {
				t.Errorf("%s\n(-listed +run by goose)\n%s", text, diff)
			}
		}
	})
}

func runByGoose(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var r recorder
	db := databasesql.OpenDB(&r)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectCustom, db, fsys, goose.WithStore(emptyLedger{}),
		goose.WithIsolateDDL(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatalf("goose refuses what List takes: %v", err)
	}
	if _, err := provider.ApplyVersion(t.Context(), 1, true); err != nil {
		t.Fatalf("goose refuses what List takes: %v", err)
	}
	return r.statements
}

// A recorder is a database that writes down what it is to run.
type recorder struct{ statements []string }

func (r *recorder) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r *recorder) Driver() driver.Driver                        { return nil }
func (r *recorder) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (r *recorder) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }
func (r *recorder) Close() error                                 { return nil }

func (r *recorder) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	r.statements = append(r.statements, query)
	return driver.ResultNoRows, nil
}

// An emptyLedger is one in which nothing is applied.
type emptyLedger struct{ database.Store }

func (emptyLedger) Tablename() string { return "ledger" }

func (emptyLedger) GetMigration(_ context.Context, _ database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	if version == 0 {
		return &database.GetMigrationResult{IsApplied: true}, nil
	}
	return nil, database.ErrVersionNotFound
}

func (emptyLedger) GetLatestVersion(context.Context, database.DBTxConn) (int64, error) { return 0, nil }

func (emptyLedger) ListMigrations(context.Context, database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	return []*database.ListMigrationsResult{{Version: 0, IsApplied: true}}, nil
}

func (emptyLedger) Insert(context.Context, database.DBTxConn, database.InsertRequest) error {
	return nil
}
