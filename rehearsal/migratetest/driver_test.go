package migratetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/internal/dataapi"
)

// TestDriver takes internal/dataapi, which its own tests drive with a script,
// through what the Data API and SQL make of it.
func TestDriver(t *testing.T) {
	h, err := newFixture(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	for name, value := range h.environment() {
		t.Setenv(name, value)
	}
	ctx := t.Context()
	db, err := dataapi.Open(ctx, dataapi.Config{Workgroup: "ev-test", Database: "dev", SecretARN: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	t.Run("types", func(t *testing.T) {
		rows, err := db.QueryContext(ctx, `SELECT
			12.50::DECIMAL(10,2) AS energy, 'u1'::VARCHAR(30) AS userid, 7::INT AS n, 0.5::FLOAT8 AS f, TRUE AS ok,
			'2026-03-01 10:20:30.5'::TIMESTAMP AS ts, '2026-03-01'::DATE AS day,
			JSON_PARSE('{"a":1}') AS payload, NULL::INT AS nothing`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		kinds, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		values, into := make([]any, len(kinds)), make([]any, len(kinds))
		for i := range values {
			into[i] = &values[i]
		}
		if !rows.Next() {
			t.Fatalf("no row: %v", rows.Err())
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, k := range kinds {
			got = append(got, fmt.Sprintf("%s %s %T %v", k.Name(), k.DatabaseTypeName(), values[i], values[i]))
		}
		want := []string{
			"energy NUMERIC string 12.50", "userid VARCHAR string u1", "n INT4 int64 7", "f FLOAT8 float64 0.5", "ok BOOL bool true",
			"ts TIMESTAMP time.Time 2026-03-01 10:20:30.5 +0000 UTC", "day DATE time.Time 2026-03-01 00:00:00 +0000 UTC",
			`payload SUPER string {"a":1}`, "nothing INT4 <nil> <nil>",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("columns (-want +got):\n%s", diff)
		}
	})

	t.Run("arguments and pages", func(t *testing.T) {
		if _, err := db.ExecContext(ctx, "CREATE TABLE t (n INT, s VARCHAR(20), taken TIMESTAMP)"); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 3, 1, 10, 20, 30, 0, time.UTC)
		for n := range 5 {
			result, err := db.ExecContext(ctx, "INSERT INTO t VALUES ($1, $2, $3) -- $4", n, "it's :p1 $1", at)
			if err != nil {
				t.Fatal(err)
			}
			if affected, err := result.RowsAffected(); affected != 1 || err != nil {
				t.Errorf("%d rows affected, error %v", affected, err)
			}
		}
		rows, err := db.QueryContext(ctx, "SELECT n FROM t WHERE s = $1 AND taken = $2 AND n >= $3 ORDER BY n", "it's :p1 $1", at, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []int
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if diff := cmp.Diff([]int{1, 2, 3, 4}, got); rows.Err() != nil || diff != "" {
			t.Errorf("error %v, rows (-want +got):\n%s", rows.Err(), diff)
		}
		if n := h.api.Calls("GetStatementResult"); n < 3 {
			t.Errorf("%d pages were read; four rows are two", n)
		}
	})

	t.Run("position of an error", func(t *testing.T) {
		_, err := db.ExecContext(ctx, "SELECT n FROM\nFROM t")
		var refused *dataapi.Error
		if !errors.As(err, &refused) || refused.Position != 15 {
			t.Errorf("error %#v, want one at character 15", err)
		}
	})

	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		h.slow("SELECT 1")
		_, err := db.ExecContext(ctx, "SELECT 1")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if n := h.api.Calls("CancelStatement"); n != 1 {
			t.Errorf("%d calls of CancelStatement", n)
		}
	})

	t.Run("batch", func(t *testing.T) {
		count := func(want int) {
			t.Helper()
			var n int
			if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM b").Scan(&n); err != nil || n != want {
				t.Errorf("%d rows, error %v; want %d", n, err, want)
			}
		}
		results, err := dataapi.Batch(ctx, db, []string{
			"CREATE TABLE b (n INT, s VARCHAR(20))", "INSERT INTO b VALUES ($2, $1)", "INSERT INTO b VALUES (2, 'x'), (3, 'x')", "SELECT n FROM b WHERE s = $1 OR n = $2 -- $3",
		}, "it's :p1", 1)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range results {
			got = append(got, fmt.Sprintf("%s rows=%d set=%t", r.Status, r.Rows, r.HasResultSet))
		}
		if diff := cmp.Diff([]string{"FINISHED rows=-1 set=false", "FINISHED rows=1 set=false", "FINISHED rows=2 set=false", "FINISHED rows=1 set=true"}, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		count(3)

		results, err = dataapi.Batch(ctx, db, []string{"INSERT INTO b VALUES (3, 'y')", "SELECT n FROM\nFROM b", "DELETE FROM b"})
		var refused *dataapi.Error
		if !errors.As(err, &refused) || refused.Number != 2 || refused.Position != 15 || refused.SQL != "SELECT n FROM\nFROM b" {
			t.Errorf("error %#v, want one of statement 2 at character 15", err)
		}
		if len(results) != 3 || results[0].Status != "FINISHED" || results[1].Status != "FAILED" || results[2].Status != "ABORTED" {
			t.Errorf("results %+v, want one finished, one failed, one aborted", results)
		}
		count(3)

		insert := []string{"INSERT INTO b VALUES (4, 'z')"}
		h.api.Control("BatchExecuteStatement", func(*fakedataapi.Call) *fakedataapi.Fault { return &fakedataapi.Fault{CutAfter: true} })
		if _, err := dataapi.Batch(ctx, db, insert); err != nil {
			t.Errorf("after one lost answer: %v", err)
		}
		count(4) // not once for each try
		h.api.Control("BatchExecuteStatement", func(c *fakedataapi.Call) *fakedataapi.Fault { c.Keep(); return &fakedataapi.Fault{CutAfter: true} })
		hasty, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		var unknown *dataapi.UnknownError
		if _, err := dataapi.Batch(hasty, db, insert); !errors.As(err, &unknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want one that says that it may run", err)
		}
	})
}
