package warehouse

import (
	"context"
	"fmt"
)

// lock keeps tables for the open transaction. Another LOCK of one waits until this
// transaction has ended; other statements on it do not, unlike in Redshift.
// https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html
func (s *Session) lock(ctx context.Context, c *cursor) (*Result, error) {
	c.accept("table")
	rels := commaList(c, c.relation)
	if err := c.end(); err != nil {
		return nil, err
	}
	for _, rel := range rels {
		// By another connection, because the transaction's view of the data must not
		// begin before it has the lock.
		var tables int
		err := s.data.db.QueryRowContext(ctx, "SELECT count(*) FROM duckdb_tables() WHERE schema_name = $1 AND table_name = $2", rel.Schema, rel.Name).Scan(&tables)
		switch {
		case err != nil:
			return nil, fmt.Errorf("look up %s: %w", rel, err)
		case tables == 0:
			return nil, errorf("relation %q does not exist", rel.Name)
		case !s.inTx:
			return nil, errorf("LOCK TABLE can only be used in transaction blocks")
		}
		if err := s.acquire(ctx, s.data.lockOf(rel)); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func (s *Session) acquire(ctx context.Context, lock chan struct{}) error {
	for _, held := range s.locks {
		if held == lock {
			return nil
		}
	}
	select {
	case lock <- struct{}{}:
		s.locks = append(s.locks, lock)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unlock gives back what the transaction kept.
func (s *Session) unlock() {
	for _, lock := range s.locks {
		<-lock
	}
	s.locks = nil
}

// lockOf returns the lock of a table, which is held while there is a value in it.
func (d *database) lockOf(rel relation) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locks == nil {
		d.locks = make(map[relation]chan struct{})
	}
	if d.locks[rel] == nil {
		d.locks[rel] = make(chan struct{}, 1)
	}
	return d.locks[rel]
}
