package dataapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"

	"example.com/evstream/internal/interrupt"
)

// DescribeStatement is asked after firstPoll, then ever less often. It may be
// called 100 times a second; the service model has no call that waits.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// A caller whose context is done does not wait longer. One answer of the service is waited
// for as long as lastAnswer; what a service that answers takes several calls for, as
// when it throttles them, as long as cancelLimit.
const (
	lastAnswer  = 800 * time.Millisecond
	cancelLimit = 2 * time.Second
)

// A request is what one call starts: a statement, or the statements of a batch.
type request struct {
	sqls       []string
	parameters []types.SqlParameter
	batch      bool

	// session is the one to run in. When it is empty and keep is set, the call
	// opens one, whose id start puts here.
	session string
	keep    bool
}

// run runs a request to its end and returns its last description. An end other
// than FINISHED is an [*Error], one that is not known an [*UnknownError].
func (c *connector) run(ctx context.Context, r *request) (*redshiftdata.DescribeStatementOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	connects := r.session == ""
	begun := time.Now()
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		id, err := c.start(ctx, r)
		if err != nil {
			return nil, err
		}
		done, err := c.await(ctx, id)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, c.cancel(ctx, r, id)
		case err != nil:
			return nil, unknown(id, "asking for the state of statement %s, which may still run: %w", id, err)
		case done.Status == types.StatusStringFinished:
			return done, nil
		}
		failed := newError(r, done)
		if !connects || !isUnconnected(done) || time.Since(begun)+delay > patience {
			return done, failed
		}
		r.session = "" // it has no database connection, and no SET to lose
		if err := interrupt.Sleep(ctx, delay); err != nil {
			return nil, fmt.Errorf("%w, after: %w", err, failed)
		}
	}
}

// start starts a request and returns the id of its statement.
func (c *connector) start(ctx context.Context, r *request) (string, error) {
	// One token for all tries of this statement: when an answer is lost on its
	// way, the next try gets the id of the statement that was started instead of
	// starting another. AWS advises against a token of one's own only because the
	// SDK makes one for its own retries, and those are off.
	token := rand.Text()
	unsure := false // whether a try may have started it
	out, err := retried(ctx, c, func(once context.Context) (*redshiftdata.ExecuteStatementOutput, error) {
		// Without its answer there would be no id to cancel the statement by.
		late, cancel := outlive(once, lastAnswer)
		defer cancel()
		out, err := c.execute(late, r, token)
		unsure = unsure || err != nil && !isRefused(err)
		return out, err
	})
	switch {
	case err == nil:
	case unsure:
		return "", unknown("", "starting a statement in workgroup %s, which may run all the same: %w", c.Workgroup, err)
	case r.session != "" && isSessionGone(err):
		return "", sessionError{err}
	default:
		return "", fmt.Errorf("starting a statement in workgroup %s: %w", c.Workgroup, err)
	}
	id := aws.ToString(out.Id)
	if r.keep && r.session == "" {
		r.session = aws.ToString(out.SessionId)
	}
	if r.keep && r.session == "" {
		return "", unknown(id, "statement %s was started without a session", id)
	}
	return id, nil
}

// execute makes the call that starts a request.
func (c *connector) execute(ctx context.Context, r *request, token string) (*redshiftdata.ExecuteStatementOutput, error) {
	in := redshiftdata.ExecuteStatementInput{Parameters: r.parameters, ClientToken: aws.String(token)}
	// A call names either its session or what to connect to.
	if r.session != "" {
		in.SessionId = aws.String(r.session)
	} else {
		in.WorkgroupName = aws.String(c.Workgroup)
		in.Database = aws.String(c.Database)
		if c.SecretARN != "" {
			in.SecretArn = aws.String(c.SecretARN)
		}
		if r.keep {
			in.SessionKeepAliveSeconds = aws.Int32(int32(keepAlive.Seconds()))
		}
	}
	if !r.batch {
		in.Sql = aws.String(r.sqls[0])
		return c.client.ExecuteStatement(ctx, &in)
	}
	out, err := c.client.BatchExecuteStatement(ctx, &redshiftdata.BatchExecuteStatementInput{
		Sqls: r.sqls, Parameters: in.Parameters, ClientToken: in.ClientToken, SessionId: in.SessionId,
		WorkgroupName: in.WorkgroupName, Database: in.Database, SecretArn: in.SecretArn,
		SessionKeepAliveSeconds: in.SessionKeepAliveSeconds,
	})
	if err != nil {
		return nil, err
	}
	return &redshiftdata.ExecuteStatementOutput{Id: out.Id, SessionId: out.SessionId}, nil
}

// outlive returns a context that ends at most d after ctx does.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return late, func() { stop(); cancel() }
}

// await returns the description of a statement that has ended.
func (c *connector) await(ctx context.Context, id string) (*redshiftdata.DescribeStatementOutput, error) {
	for delay := firstPoll; ; delay = min(delay*3/2, lastPoll) {
		if err := interrupt.Sleep(ctx, delay); err != nil {
			return nil, err
		}
		out, err := retried(ctx, c, func(once context.Context) (*redshiftdata.DescribeStatementOutput, error) {
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

// cancel stops a statement whose context is done. The error that it returns says what
// became of the statement, and wraps no context's error but that one's.
func (c *connector) cancel(ctx context.Context, r *request, id string) error {
	fresh, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelLimit)
	defer stop()
	_, refused := retried(fresh, c, func(once context.Context) (*redshiftdata.CancelStatementOutput, error) {
		brief, stop := context.WithTimeout(once, lastAnswer)
		defer stop()
		out, err := c.client.CancelStatement(brief, &redshiftdata.CancelStatementInput{Id: aws.String(id)})
		if err != nil && statusOf(err) == 0 {
			err = fmt.Errorf("%w: %v", errSilent, err) // which is not tried again
		}
		return out, err
	})
	if errors.Is(refused, errSilent) {
		return unknown(id, "%w; statement %s could not be cancelled and may still run: %v", ctx.Err(), id, refused)
	}
	// Cancelled or refused, the statement may have ended by itself.
	brief, stop := context.WithTimeout(fresh, lastAnswer)
	defer stop()
	done, err := c.await(brief, id)
	switch {
	case err != nil && refused != nil:
		return unknown(id, "%w; statement %s could not be cancelled and may still run: %v", ctx.Err(), id, refused)
	case err != nil:
		return unknown(id, "%w; statement %s was told to stop, was not seen to end and may still run: %v", ctx.Err(), id, err)
	case done.Status == types.StatusStringFinished:
		return fmt.Errorf("%w; statement %s %w", ctx.Err(), id, ErrFinished)
	case done.Status == types.StatusStringAborted:
		return fmt.Errorf("%w; statement %s was cancelled", ctx.Err(), id)
	default:
		return fmt.Errorf("%w; %w", ctx.Err(), newError(r, done))
	}
}

var errSilent = errors.New("the service did not answer")
