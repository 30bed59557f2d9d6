// Package interrupt stops a command on signals: the first ends its context, the
// second the process.
package interrupt

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Context returns a context that is done when the command should stop, by
// Ctrl-C, SIGTERM or its terminal going away; a command that was started to outlive
// its terminal, with nohup, goes on. A second signal ends the process at once.
func Context() context.Context {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	received := make(chan os.Signal, 1)
	signal.Notify(received, signals...)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		first := <-received
		// First, so that whoever sees that ctx is done can be sure of the second.
		signal.Stop(received)
		cancel(fmt.Errorf("%s signal received", first))
	}()
	return ctx
}

// Await runs something that no context ends, such as opening a FIFO or reading a
// terminal, and returns its results. When ctx is done first, it returns ctx's cause,
// and fn goes on by itself until the process ends: what fn returns and writes must
// not be used then.
func Await[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := fn()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// Sleep waits, or returns the context's error if that is done first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
