package produce

import (
	"context"
	"errors"
	"io"
	"time"

	"example.com/evstream/internal/interrupt"
	"example.com/evstream/internal/kinesisput"
)

var errTimeIsUp = errors.New("the duration is over")

// within returns a context for o.duration, if there is one.
func within(ctx context.Context, o options) (context.Context, context.CancelFunc) {
	if o.duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, o.duration, errTimeIsUp)
}

// feed takes records from src until ctx ends, as many and at the rate that are
// asked for, and gives each to accept. It returns nil when there are no more.
func feed(ctx context.Context, o options, src source, accept func(context.Context, kinesisput.Record) error) error {
	for range o.skip {
		if ctx.Err() != nil {
			return end(context.Cause(ctx))
		}
		if err := src.next(nil); err != nil {
			return end(err)
		}
	}
	due := schedule{rate: o.rate, start: time.Now()}
	for n := int64(0); o.count < 0 || n < o.count; n++ {
		due.wait(ctx, n)
		if ctx.Err() != nil {
			return end(context.Cause(ctx))
		}
		var r kinesisput.Record
		if err := src.next(&r); err != nil {
			return end(err)
		}
		if err := accept(ctx, r); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return end(err)
		}
	}
	return nil
}

// aside runs fn, which feeds, and returns how the input ended. When ctx is done or
// stopped is closed it does not wait for a read or a write that nothing can interrupt.
func aside(ctx context.Context, stopped <-chan struct{}, fn func() error) error {
	const grace = 200 * time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- fn() }()
	select {
	case err := <-ended:
		return err
	case <-stopped:
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(grace):
		return end(context.Cause(ctx))
	}
}

// end drops the errors that are an ordinary end.
func end(err error) error {
	if err == io.EOF || errors.Is(err, errTimeIsUp) {
		return nil
	}
	return err
}

// schedule says when each record is due, so that nothing is lost when a timer fires
// late. A rate of 0 is no schedule.
type schedule struct {
	rate  float64 // records per second
	start time.Time
}

// forgiven is how late a record may be without moving the schedule. Later than that
// it is the stream or the input that is too slow, and making up for it would exceed
// the rate for long.
const forgiven = time.Second

// wait waits until record n is due, or ctx ends.
func (s *schedule) wait(ctx context.Context, n int64) {
	if s.rate == 0 {
		return
	}
	early := time.Until(s.start.Add(seconds(float64(n) / s.rate)))
	switch {
	case early > 0:
		_ = interrupt.Sleep(ctx, early) // the caller looks at ctx
	case early < -forgiven:
		s.start = s.start.Add(-early)
	}
}

// seconds is a duration of so many of them, or of almost the longest that there is.
func seconds(n float64) time.Duration {
	const most = 9e9 // some 285 years
	return time.Duration(min(n, most) * float64(time.Second))
}
