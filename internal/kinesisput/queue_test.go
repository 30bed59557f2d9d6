package kinesisput

import (
	"testing"
	"time"
)

// TestLimitFallsBelowAWaitingRequest: a request that waits to fill up when the window
// shrinks takes no further records.
func TestLimitFallsBelowAWaitingRequest(t *testing.T) {
	now := time.Now()
	q := newQueue(Config{Linger: time.Second, RetryFor: time.Minute})
	accept := func(n int) {
		for range n {
			q.accept(&record{size: 1, accepted: now})
		}
	}
	accept(300)
	if batch := q.next(now, MaxRequestRecords, MaxRequestBytes, false); batch != nil {
		t.Fatalf("%d records go before their time", len(batch))
	}
	accept(400)
	for _, want := range []int{300, 250} {
		if batch := q.next(now, 250, MaxRequestBytes, false); len(batch) != want {
			t.Errorf("the next request has %d records, want %d", len(batch), want)
		}
	}
}

// TestShardThatFailedLongAgo: after a pause without records a shard is tried again as
// if it had never failed.
func TestShardThatFailedLongAgo(t *testing.T) {
	began := time.Now()
	l := &lane{patience: time.Minute}
	fails := func(after time.Duration) {
		at := began.Add(after)
		l.answered(0, 0, 1, at, at)
	}
	for _, step := range []struct {
		after    time.Duration
		hopeless bool
	}{
		{0, false},
		{40 * time.Second, false},
		{80 * time.Second, true},
		{10 * time.Minute, false},
		{10*time.Minute + 40*time.Second, false},
		{10*time.Minute + 80*time.Second, true},
	} {
		fails(step.after)
		if got := l.hopeless(began.Add(step.after)); got != step.hopeless {
			t.Errorf("after a failure at %s the shard is hopeless: %t", step.after, got)
		}
	}
}
