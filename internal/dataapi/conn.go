package dataapi

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"

	"example.com/evstream/internal/interrupt"
)

// DescribeStatement is asked after firstPoll, then ever less often. It may be
// called 100 times a second.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// cancelTimeout bounds the call that cancels a statement, made when the
// caller's context is already done.
const cancelTimeout = 5 * time.Second

// A conn is a Data API session. Its methods are not called concurrently.
type conn struct {
	*connector
	session string // empty before the first statement
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

// Close leaves the session to its keep-alive time.
func (c *conn) Close() error { return nil }

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

// run runs one statement to its end and returns its last description.
func (c *conn) run(ctx context.Context, query string, args []driver.NamedValue) (*redshiftdata.DescribeStatementOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, parameters, err := bind(query, args)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		first := c.session == ""
		id, err := c.submit(ctx, text, parameters)
		if err != nil {
			return nil, err
		}
		done, err := c.await(ctx, id)
		switch {
		case err != nil && ctx.Err() != nil:
			c.bad = true
			return nil, c.cancel(ctx, id)
		case err != nil:
			c.bad = true
			return nil, fmt.Errorf("asking for the state of statement %s, which may still run: %w", id, err)
		case done.Status == types.StatusStringFinished:
			return done, nil
		}
		failed := newError(id, text, done.Status, aws.ToString(done.Error))
		if !first || !isUnconnected(done) || time.Since(start)+delay > patience {
			return nil, failed
		}
		c.session = "" // it has no database connection, and no SET to lose
		if err := interrupt.Sleep(ctx, delay); err != nil {
			return nil, fmt.Errorf("%w, after: %w", err, failed)
		}
	}
}

// submit starts a statement and returns its id.
func (c *conn) submit(ctx context.Context, text string, parameters []types.SqlParameter) (string, error) {
	input := &redshiftdata.ExecuteStatementInput{
		Sql:        aws.String(text),
		Parameters: parameters,
		// One token for all tries of this statement: when an answer is lost on its
		// way, the next try gets the id of the statement that was started instead
		// of starting another. AWS advises against a token of one's own only
		// because the SDK makes one for its own retries, and those are off.
		ClientToken: aws.String(rand.Text()),
	}
	// A call names either its session or what to connect to.
	if c.session != "" {
		input.SessionId = aws.String(c.session)
	} else {
		input.WorkgroupName = aws.String(c.Workgroup)
		input.Database = aws.String(c.Database)
		if c.SecretARN != "" {
			input.SecretArn = aws.String(c.SecretARN)
		}
		input.SessionKeepAliveSeconds = aws.Int32(int32(keepAlive.Seconds()))
	}
	unsure := false // whether a try may have started it
	out, err := retried(ctx, c.connector, func(once context.Context) (*redshiftdata.ExecuteStatementOutput, error) {
		// Without its answer there would be no id to cancel the statement by, so
		// the call itself is not cut short.
		once, cancel := context.WithTimeout(context.WithoutCancel(once), callTimeout)
		defer cancel()
		out, err := c.client.ExecuteStatement(once, input)
		unsure = unsure || err != nil && !isRefused(err)
		return out, err
	})
	switch {
	case err == nil:
	case c.session != "" && !unsure && isSessionGone(err):
		c.bad = true
		return "", sessionError{err}
	case unsure:
		c.bad = true
		return "", fmt.Errorf("starting a statement in workgroup %s, which may run all the same: %w", c.Workgroup, err)
	default:
		return "", fmt.Errorf("starting a statement in workgroup %s: %w", c.Workgroup, err)
	}
	if c.session == "" {
		c.session = aws.ToString(out.SessionId)
	}
	if c.session == "" {
		c.bad = true
		return "", fmt.Errorf("statement %s was started without a session", aws.ToString(out.Id))
	}
	return aws.ToString(out.Id), nil
}

// await returns the description of a statement that has ended.
func (c *conn) await(ctx context.Context, id string) (*redshiftdata.DescribeStatementOutput, error) {
	for delay := firstPoll; ; delay = min(delay*3/2, lastPoll) {
		if err := interrupt.Sleep(ctx, delay); err != nil {
			return nil, err
		}
		out, err := retried(ctx, c.connector, func(once context.Context) (*redshiftdata.DescribeStatementOutput, error) {
			return c.client.DescribeStatement(once, &redshiftdata.DescribeStatementInput{Id: aws.String(id)})
		})
		if err != nil {
			return nil, err
		}
		switch out.Status {
		case types.StatusStringFinished, types.StatusStringFailed, types.StatusStringAborted:
			return out, nil
		case types.StatusStringSubmitted, types.StatusStringPicked, types.StatusStringStarted:
		default:
			return nil, fmt.Errorf("its status %q is not one that is known", out.Status)
		}
	}
}

// cancel stops a statement whose context is done and returns the error to report.
func (c *conn) cancel(ctx context.Context, id string) error {
	fresh, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer stop()
	_, err := c.client.CancelStatement(fresh, &redshiftdata.CancelStatementInput{Id: aws.String(id)})
	if err != nil {
		return fmt.Errorf("%w; statement %s could not be cancelled and may still run: %w", ctx.Err(), id, err)
	}
	return fmt.Errorf("%w; statement %s was cancelled", ctx.Err(), id)
}

// Prepare returns a statement that is sent when it runs: the Data API prepares none.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return &stmt{conn: c, query: query}, nil
}

type stmt struct {
	conn  *conn
	query string
}

var (
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
)

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 } // bind counts

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

// Exec and Query are there for the interface; database/sql calls those above.
func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s *stmt) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }
