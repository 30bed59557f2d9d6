package dataapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"

	"example.com/evstream/internal/interrupt"
)

const (
	callTimeout = 20 * time.Second // for one call; the service answers at once
	patience    = time.Minute      // with what the service says will pass
)

// retried makes a call until it succeeds, fails for good, or has failed for too
// long. Each kind of call may be repeated: those that read change nothing, and
// ExecuteStatement carries a token.
func retried[T any](ctx context.Context, c *connector, call func(context.Context) (T, error)) (T, error) {
	waited := false
	start := time.Now()
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		once, cancel := context.WithTimeout(ctx, callTimeout)
		out, err := call(once)
		cancel()
		if err == nil {
			return out, nil
		}
		if ended := ctx.Err(); ended != nil {
			return out, interrupted(ended, err)
		}
		limit := time.Duration(0)
		switch {
		case isNotReady(err):
			limit = c.Wait
			if limit > 0 && !waited && c.OnWait != nil {
				c.OnWait(err)
			}
			waited = true
		case isTransient(err):
			limit = patience
		}
		if limit == 0 {
			return out, err
		}
		if time.Since(start)+delay > limit {
			return out, fmt.Errorf("gave up after %v: %w", limit, err)
		}
		// Callers turned away together should not come back together.
		if ended := interrupt.Sleep(ctx, delay/2+rand.N(delay/2)); ended != nil {
			return out, interrupted(ended, err)
		}
	}
}

// interrupted is the error of a call whose context has ended, and which had failed
// before.
func interrupted(ended, before error) error {
	if errors.Is(before, ended) {
		return ended
	}
	return fmt.Errorf("%w, after: %w", ended, before)
}

// isNotReady says whether an error is about a workgroup that is not there yet.
// Known is "Redshift endpoint doesn't exist in this region."; what the service
// says in the states CREATING and MODIFYING is not documented.
func isNotReady(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ValidationException", "ResourceNotFoundException", "ConflictException":
		return notReady.MatchString(api.ErrorMessage())
	}
	return false
}

var notReady = regexp.MustCompile(`(?i)\b(endpoint|workgroup)\b.*` +
	`(does ?n[o']t exist|not exist|not found|not (yet )?(available|ready)|\b(creating|modifying|resuming)\b)`)

// isTransient says whether the same call may well succeed a little later.
func isTransient(err error) bool {
	var (
		statements *types.ActiveStatementsExceededException
		sessions   *types.ActiveSessionsExceededException
		internal   *types.InternalServerException
		unread     *smithy.DeserializationError // an answer cut off on its way
	)
	switch {
	case errors.As(err, &statements), errors.As(err, &sessions), errors.As(err, &internal), errors.As(err, &unread):
		return true
	case errors.Is(err, context.DeadlineExceeded): // callTimeout's
		return true
	}
	return retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}
