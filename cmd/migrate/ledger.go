package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/database"

	evsql "example.com/evstream/sql"
)

const ledgerTable = "ev_schema_migrations"

// A record says that a migration was applied, from which file and with which
// values of its placeholders.
type record struct {
	Version   int64
	File      string
	SHA256    string
	Values    map[string]string
	AppliedAt time.Time // UTC
}

// A ledger is goose's store for Redshift: a table with one row for each applied
// migration.
//
// Redshift enforces no unique key and this driver has no transactions, so two
// runs that apply the same migration at once may both record it. Almost all
// migrations create something, which only one of them can; read takes two equal
// rows for one.
type ledger struct {
	records map[int64]record // what Insert is to write
}

var _ database.StoreExtender = (*ledger)(nil)

func newLedger(list []evsql.Migration, values map[string]string) *ledger {
	l := &ledger{records: make(map[int64]record)}
	for _, m := range list {
		used := make(map[string]string)
		for _, p := range m.Placeholders {
			used[p.Name] = values[p.Name]
		}
		l.records[m.Version] = record{Version: m.Version, File: m.File, SHA256: m.SHA256, Values: used}
	}
	return l
}

// read returns all records by version. There are none before the table is made.
func (l *ledger) read(ctx context.Context, db *sql.DB) ([]record, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	exists, err := l.TableExists(ctx, conn)
	if err != nil || !exists {
		return nil, err
	}
	rows, err := conn.QueryContext(ctx, `SELECT version, file, sha256, placeholders, MIN(applied_at) AS applied_at
FROM `+ledgerTable+`
GROUP BY version, file, sha256, placeholders
ORDER BY version, applied_at`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []record
	for rows.Next() {
		var (
			r      record
			values string
		)
		if err := rows.Scan(&r.Version, &r.File, &r.SHA256, &values, &r.AppliedAt); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(values), &r.Values); err != nil {
			return nil, fmt.Errorf("placeholders of version %d: %w", r.Version, err)
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

func (l *ledger) Tablename() string { return ledgerTable }

func (l *ledger) TableExists(ctx context.Context, db database.DBTxConn) (bool, error) {
	var n int
	err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name = '`+ledgerTable+`'`).Scan(&n)
	return n > 0, err
}

func (l *ledger) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+ledgerTable+` (
    version BIGINT NOT NULL,
    file VARCHAR(255) NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    placeholders VARCHAR(4096) NOT NULL,
    applied_at TIMESTAMP NOT NULL
)`)
	return err
}

// errNotRecorded is about a migration that ran and is not in the ledger.
var errNotRecorded = errors.New("it was applied, but could not be recorded")

// Insert records that a migration was applied. It is not interrupted, because the
// next run would find the migration's object and no record.
//
// goose records a version 0 when it makes the table, to know a fresh database
// from a broken one. It is not written here: a run killed before that would
// leave a table that goose refuses for ever.
func (l *ledger) Insert(ctx context.Context, db database.DBTxConn, request database.InsertRequest) error {
	if request.Version == 0 {
		return nil
	}
	r, ok := l.records[request.Version]
	if !ok {
		return fmt.Errorf("version %d is not among the migrations", request.Version)
	}
	values, err := json.Marshal(r.Values)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, err = db.ExecContext(ctx,
		`INSERT INTO `+ledgerTable+` (version, file, sha256, placeholders, applied_at) VALUES ($1, $2, $3, $4, GETDATE())`,
		r.Version, r.File, r.SHA256, string(values))
	if err != nil {
		return fmt.Errorf("%w: %w", errNotRecorded, err)
	}
	return nil
}

// Delete is for migrations that are taken back; none is.
func (l *ledger) Delete(context.Context, database.DBTxConn, int64) error {
	return errors.ErrUnsupported
}

func (l *ledger) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var at sql.NullTime
	err := db.QueryRowContext(ctx, `SELECT MIN(applied_at) AS applied_at FROM `+ledgerTable+` WHERE version = $1`, version).Scan(&at)
	if err != nil {
		return nil, err
	}
	if !at.Valid {
		return nil, database.ErrVersionNotFound
	}
	return &database.GetMigrationResult{Timestamp: at.Time, IsApplied: true}, nil
}

func (l *ledger) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var version int64
	err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) AS version FROM `+ledgerTable).Scan(&version)
	return version, err
}

func (l *ledger) ListMigrations(ctx context.Context, db database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	rows, err := db.QueryContext(ctx, `SELECT DISTINCT version FROM `+ledgerTable+` ORDER BY version DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*database.ListMigrationsResult
	for rows.Next() {
		r := &database.ListMigrationsResult{IsApplied: true}
		if err := rows.Scan(&r.Version); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return append(list, &database.ListMigrationsResult{IsApplied: true}), rows.Err() // version 0, see Insert
}
