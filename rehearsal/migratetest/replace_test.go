package migratetest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"example.com/evstream/internal/migrate"
	evsql "example.com/evstream/sql"
)

// configured returns a fixture and what Up needs to reach it, without the SQL.
func configured(t *testing.T) (*fixture, migrate.Config) {
	t.Helper()
	f, err := newFixture(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	for name, value := range f.environment() {
		t.Setenv(name, value)
	}
	config, err := migrate.Environment(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	config.AutoRefresh = "NO"
	return f, config
}

// TestManyPrivilegesAreTaken: a reader loses more of them than one batch has room for,
// which the files of several releases can add up to.
func TestManyPrivilegesAreTaken(t *testing.T) {
	f, config := configured(t)
	archive, err := evsql.Pack(os.DirFS("testdata/sample/migrations"), os.DirFS("testdata/sample/repeatable"))
	if err != nil {
		t.Fatal(err)
	}
	if config.SQL, err = evsql.Unpack(archive); err != nil {
		t.Fatal(err)
	}
	run := func(statement string) {
		t.Helper()
		if err := f.query(io.Discard, "", statement); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE USER ana PASSWORD DISABLE")
	config.Readers = []string{"ana"}
	if err := migrate.Up(t.Context(), config, io.Discard); err != nil {
		t.Fatal(err)
	}
	for i := range 45 {
		run(fmt.Sprintf("CREATE TABLE t%d (n INT)", i))
		run(fmt.Sprintf("GRANT SELECT ON t%d TO ana", i))
		run(fmt.Sprintf("INSERT INTO ev_schema_readers VALUES ('ana', 'SELECT ON t%d', GETDATE())", i))
	}
	config.Readers = nil
	var progress strings.Builder
	if err := migrate.Up(t.Context(), config, &progress); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(progress.String(), "readers removed: ana; all 3 migrations are applied\n") {
		t.Errorf("it ended with:\n%s", &progress)
	}
	for _, table := range []string{"readings", "t0", "t44"} {
		if err := f.query(io.Discard, "ana", "SELECT 1 FROM "+table); err == nil {
			t.Errorf("ana may read %s still", table)
		}
	}
}

// TestReplacedViewHasNoGap: one file drops a view, makes it with another column and gives
// it to its readers, as "Add a column" in docs/operations.md does. Whoever reads meanwhile
// gets the old view or the new one.
func TestReplacedViewHasNoGap(t *testing.T) {
	f, config := configured(t)
	config.Readers = []string{"ana", "group:analysts"}
	for _, statement := range []string{"CREATE USER ana PASSWORD DISABLE", "CREATE USER bo PASSWORD DISABLE", "CREATE GROUP analysts WITH USER bo"} {
		if err := f.query(io.Discard, "", statement); err != nil {
			t.Fatal(err)
		}
	}
	up := func(change string) {
		t.Helper()
		migrations := os.DirFS("testdata/sample/migrations")
		if change != "" {
			dir := t.TempDir()
			if err := os.CopyFS(dir, migrations); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir+"/00004_change.sql", []byte(change), 0o600); err != nil {
				t.Fatal(err)
			}
			migrations = os.DirFS(dir)
		}
		archive, err := evsql.Pack(migrations, os.DirFS("testdata/sample/repeatable"))
		if err != nil {
			t.Fatal(err)
		}
		if config.SQL, err = evsql.Unpack(archive); err != nil {
			t.Fatal(err)
		}
		var progress strings.Builder
		if err := migrate.Up(t.Context(), config, &progress); err != nil {
			t.Fatalf("%v\n%s", err, &progress)
		}
		if strings.Contains(progress.String(), "may read now") != (change == "") {
			t.Errorf("the readers' privileges were given by:\n%s", &progress)
		}
	}
	up("")

	var reading sync.WaitGroup
	end := make(chan struct{})
	for _, user := range []string{"ana", "bo"} {
		began := make(chan struct{})
		reading.Go(func() {
			once := sync.OnceFunc(func() { close(began) })
			for {
				if err := f.query(io.Discard, user, "SELECT a FROM readings"); err != nil {
					t.Errorf("%s could not read: %v", user, err)
				}
				once()
				select {
				case <-end:
					return
				default:
				}
			}
		})
		<-began
	}
	up(`-- With one more column.
SET enable_case_sensitive_super_attribute TO TRUE;
DROP VIEW readings_over_nine;
DROP VIEW readings;
CREATE VIEW readings AS
SELECT payload.upperCase::INT AS a, payload.added::INT AS b FROM records;
CREATE VIEW readings_over_nine AS
SELECT a, b FROM readings WHERE a > 9;
`)
	close(end)
	reading.Wait()
	for _, user := range []string{"ana", "bo"} {
		if err := f.query(io.Discard, user, "SELECT a, b FROM readings"); err != nil {
			t.Errorf("%s reads the new column: %v", user, err)
		}
	}
}
