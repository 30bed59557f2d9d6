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
