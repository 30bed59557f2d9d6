package migratetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/dataapi"
)

// TestDriver takes internal/dataapi, which its own tests drive with a script,
// through what the Data API and SQL make of it.
func TestDriver(t *testing.T) {
	h, err := newHouse(nil)
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
}
