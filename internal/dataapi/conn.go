package dataapi

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
)

// A conn is a Data API session. Its methods are not called concurrently.
type conn struct {
	*connector
	session string // empty before the first statement
	counted bool   // among the connector's sessions
	bad     bool   // its session has ended or may still be busy
}

var (
	_ driver.ConnBeginTx       = (*conn)(nil)
	_ driver.ExecerContext     = (*conn)(nil)
	_ driver.NamedValueChecker = (*conn)(nil)
	_ driver.Pinger            = (*conn)(nil)
	_ driver.QueryerContext    = (*conn)(nil)
	_ driver.Validator         = (*conn)(nil)
)

func (c *conn) IsValid() bool { return !c.bad }

// Close leaves the session to its keep-alive time. That long it still counts.
func (c *conn) Close() error {
	if c.counted {
		time.AfterFunc(keepAlive, func() { <-c.sessions })
	}
	return nil
}

func (c *conn) Begin() (driver.Tx, error) { return nil, ErrNoTransactions }

func (c *conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return nil, ErrNoTransactions
}

func (c *conn) Ping(ctx context.Context) error {
	_, err := c.run(ctx, "SELECT 1", nil)
	return err
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	done, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if done.ResultRows < 0 {
		return driver.ResultNoRows, nil
	}
	return driver.RowsAffected(done.ResultRows), nil
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	done, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	r := &rows{ctx: ctx, connector: c.connector, id: aws.ToString(done.Id)}
	if !aws.ToBool(done.HasResultSet) {
		return r, nil
	}
	if err := r.fetch(nil); err != nil {
		return nil, err
	}
	return r, nil
}

// run runs one statement in the connection's session.
func (c *conn) run(ctx context.Context, query string, args []driver.NamedValue) (*redshiftdata.DescribeStatementOutput, error) {
	texts, parameters, err := bind([]string{query}, args)
	if err != nil {
		return nil, err
	}
	if !c.counted {
		select {
		case c.sessions <- struct{}{}:
			c.counted = true
		case <-ctx.Done():
			return nil, fmt.Errorf("%w, while waiting for one of this handle's %d Data API sessions to end", ctx.Err(), maxSessions)
		}
	}
	r := &request{sqls: texts, parameters: parameters, session: c.session, keep: true}
	done, err := c.connector.run(ctx, r)
	c.session = r.session
	var failed *Error
	if err != nil && (!errors.As(err, &failed) || ctx.Err() != nil) {
		c.bad = true
	}
	return done, err
}

// Prepare is there for the interface: the Data API prepares no statements.
func (c *conn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("the Redshift Data API prepares no statements: run this one with its arguments")
}
