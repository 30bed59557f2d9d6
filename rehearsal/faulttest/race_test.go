package faulttest

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestTwoUps runs a second pulumi up while the first one applies the SQL: with the
// stack's lock, and with the lock taken away. Every statement has its effect once.
func TestTwoUps(t *testing.T) {
	t.Parallel()
	s := start(t)
	reached, released := make(chan struct{}), make(chan struct{})
	s.StandIns.DataAPI.Control("ExecuteStatement", func(c *fakedataapi.Call) *fakedataapi.Fault {
		if !strings.HasPrefix(c.SQL[0], "CREATE MATERIALIZED VIEW") {
			return nil
		}
		close(reached)
		return &fakedataapi.Fault{Hold: released}
	})
	first := make(chan error, 1)
	go func() {
		_, err := s.up()
		first <- err
	}()
	select {
	case <-reached:
	case err := <-first:
		t.Fatalf("the first pulumi up ended before the SQL: %v", err)
	}

	if _, err := s.up(); err == nil || !strings.Contains(err.Error(), "the stack is currently locked by 1 lock(s)") {
		t.Errorf("the second pulumi up: %v, want that the stack is locked", err)
	}
	if err := s.pulumi.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Either may fail: without the lock both write one file of state, and both engines
	// share the stand-ins of the providers, so that the end of one stops the other's
	// command. What counts is what the next pulumi up makes of it.
	if _, err := s.up(); err != nil {
		t.Logf("the second pulumi up without a lock: %v", err)
	}
	close(released)
	<-first
	s.clearPending()
	s.mustUp()
	s.unchanged()

	count := map[string]int{}
	for _, statement := range s.changes() {
		if strings.HasPrefix(statement, "CREATE") {
			count[statement]++
		}
		if strings.HasPrefix(statement, "DROP") {
			t.Errorf("this was run: %s", statement)
		}
	}
	for statement, n := range count {
		if n != 1 {
			t.Errorf("this was run %d times with success: %s", n, statement)
		}
	}
	s.mustDestroy()
}

// TestOtherState deploys a stack of the same name with a state of its own, as from
// another machine with a local backend. What AWS refuses to make twice is named, and nothing of
// it is touched. What AWS overwrites, or answers with, becomes the other stack's, and goes with it;
// up --refresh recreates it.
func TestOtherState(t *testing.T) {
	t.Parallel()
	s := start(t, everything...)
	s.mustUp()
	before := s.StandIns.Left()

	other := s.Elsewhere(stacktest.With(everything...))
	_, err := other.Up(t.Context(), optup.ContinueOnError())
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("pulumi up with another state: %v, want what exists already", err)
	}
	if _, err := other.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	var gone []string
	for _, name := range before {
		if !slices.Contains(s.StandIns.Left(), name) {
			kind, _, _ := strings.Cut(name, " ")
			gone = append(gone, kind)
		}
	}
	if want := []string{"cloudwatch.MetricAlarm", "sns.Topic", "sns.TopicSubscription", "sqs.Queue"}; !slices.Equal(slices.Compact(gone), want) {
		t.Errorf("pulumi up and destroy with another state deleted %q, want %q", gone, want)
	}
	if printed, err := s.up(optup.Refresh()); err != nil {
		t.Errorf("pulumi up --refresh: %v\n%s", err, printed)
	}
	s.settled()
}
