package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	evsql "example.com/evstream/sql"
)

// ledgerTable has a row for each migration that was applied.
const ledgerTable = "ev_schema_migrations"

// createLedger runs before the first batch, which locks the table.
const createLedger = `CREATE TABLE IF NOT EXISTS public.` + ledgerTable + ` (
    file VARCHAR(255) NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    placeholders VARCHAR(4096) NOT NULL,
    applied_at TIMESTAMP NOT NULL
)`

// records returns what was applied by file. That is nothing before the table is
// made. Redshift enforces no unique key, so equal rows count once.
func (r *runner) records(ctx context.Context) ([]evsql.Record, error) {
	exists, err := r.hasTable(ctx, ledgerTable)
	if err != nil || !exists {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, `SELECT file, sha256, placeholders, MIN(applied_at) AS applied_at
FROM public.`+ledgerTable+`
GROUP BY file, sha256, placeholders
ORDER BY file, applied_at`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []evsql.Record
	for rows.Next() {
		var (
			record evsql.Record
			values string
		)
		if err := rows.Scan(&record.File, &record.SHA256, &values, &record.AppliedAt); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(values), &record.Values); err != nil {
			return nil, fmt.Errorf("placeholders of %s: %w", record.File, err)
		}
		records = append(records, record)
	}
	return records, rows.Err()
}

// hasTable says whether the schema public has a table.
func (r *runner) hasTable(ctx context.Context, name string) (bool, error) {
	var n int
	err := r.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name = '`+name+`'`).Scan(&n)
	return n > 0, err
}

// record returns the statement that records a migration.
func (r *runner) record(m evsql.Migration) (string, error) {
	used := make(map[string]string)
	for _, p := range m.Placeholders {
		used[p.Name] = r.Placeholders[p.Name]
	}
	values, err := json.Marshal(used)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("INSERT INTO public.%s (file, sha256, placeholders, applied_at) VALUES (%s, %s, %s, GETDATE())",
		ledgerTable, literal(m.File), literal(m.SHA256), literal(string(values))), nil
}

// literal writes a text as a literal, in which Redshift takes a backslash for an
// escape.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
}

// once returns the statements that a batch starts with so that no other run applies
// the same migration. The first waits until the batch of another run has ended, and
// comes before anything that takes the transaction's snapshot of the data, so that
// the second sees what that run recorded. It then fails, by a division by zero.
// https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html
// https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
func once(m evsql.Migration) []string {
	return []string{
		"LOCK TABLE public." + ledgerTable,
		fmt.Sprintf("SELECT 1 / (CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END) AS free FROM public.%s WHERE LEFT(file, 5) = '%05d'", ledgerTable, m.Version),
	}
}

// errNotRecorded is about a migration that ran outside a transaction and is not in
// the ledger.
var errNotRecorded = errors.New("it was applied, but could not be recorded")

// lastWord is how long something that must not be left half done goes on after an
// interrupt.
const lastWord = 700 * time.Millisecond

// outlive returns a context that ends lastWord after ctx does.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWord, cancel) })
	return late, func() { stop(); cancel() }
}
