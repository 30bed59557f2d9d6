// Package migrate applies the SQL of package sql to a warehouse: each migration
// once, and then what is repeated each time.
//
// A migration is one batch of the Data API, which is one transaction, together with
// its row in the table ev_schema_migrations: it is applied whole and recorded, or
// not at all. Only what does not run in a transaction is recorded after it was
// applied; when a run is killed in between, the next one says how to adopt what it
// finds. A statement that does not fail the second time, such as TRUNCATE, is then
// repeated.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"example.com/evstream/internal/dataapi"
	evsql "example.com/evstream/sql"
)

// A runner works on one database.
type runner struct {
	Config
	db       *sql.DB
	progress io.Writer
}

// open checks the Config and signs in.
func open(ctx context.Context, c Config, all bool, progress io.Writer) (*runner, error) {
	if err := c.check(all); err != nil {
		return nil, err
	}
	c.Warehouse.OnWait = func(reason error) {
		message := reason.Error()
		var service interface{ ErrorMessage() string } // without the call's details
		if errors.As(reason, &service) {
			message = service.ErrorMessage()
		}
		fmt.Fprintf(progress, "waiting for workgroup %s: %s\n", c.Warehouse.Workgroup, message)
	}
	db, err := dataapi.Open(ctx, c.Warehouse)
	if err != nil {
		return nil, err
	}
	// No connection is used twice, so that what runs outside a transaction has a
	// session of its own, and its SET reaches nothing else.
	db.SetMaxIdleConns(-1)
	r := &runner{Config: c, db: db, progress: progress}
	if err := r.signIn(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return r, nil
}

// entries compares the migrations with the ledger.
func (r *runner) entries(ctx context.Context) ([]evsql.Entry, error) {
	records, err := r.records(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	entries := evsql.Match(r.SQL.Migrations, records)
	evsql.MatchValues(entries, r.Placeholders)
	return entries, nil
}

// pending returns the migrations that are not applied, in order, or what is wrong
// with those that are.
func (r *runner) pending(ctx context.Context) ([]evsql.Migration, error) {
	entries, err := r.entries(ctx)
	if err != nil {
		return nil, err
	}
	var list []evsql.Migration
	for _, e := range entries {
		if e.State == evsql.Pending {
			list = append(list, *e.Migration)
		}
	}
	return list, problems(entries)
}

// problems joins what is wrong with entries.
func problems(entries []evsql.Entry) error {
	var all []error
	for _, e := range entries {
		if e.Problem != "" {
			all = append(all, errors.New(e.Problem))
		}
	}
	return errors.Join(all...)
}
