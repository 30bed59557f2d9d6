package kinesisput_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"example.com/evstream/internal/kinesisput"
)

const throttledCode = "ProvisionedThroughputExceededException"

// refuseEvery refuses every n-th record of a request.
func refuseEvery(n int, code string) reply {
	return reply{refuse: func(i int, r entry) (string, string) {
		if i%n > 0 {
			return "", ""
		}
		return code, "Rate exceeded for shard " + shardOf(r) + " in stream ev under account 123456789012."
	}}
}

// TestFaults sends 8 requests' worth of records, one request at a time, while
// something goes wrong with the first. Every record is delivered in the end and stored
// once, but for those whose sending had no known outcome; only what was not taken is
// sent again.
func TestFaults(t *testing.T) {
	const records = 4000
	for _, test := range []struct {
		name      string
		requests  int // to which the fault happens
		fault     reply
		again     int64 // records sent again, 0 for any number
		throttled bool  // whether records are refused for the write limit
		uncertain int64 // sends without a known outcome
		copies    int   // how many of those the stream took
		slowest   time.Duration
	}{
		{name: "some records throttled", requests: 4, fault: refuseEvery(3, throttledCode), throttled: true},
		{name: "all records throttled", requests: 4, fault: refuseEvery(1, throttledCode), throttled: true},
		{name: "requests throttled", requests: 4, fault: reply{status: 400, code: "LimitExceededException"}, throttled: true},
		{name: "requests throttled by a proxy", requests: 2, fault: reply{status: 429, text: page}, again: 1000, uncertain: 1000},
		{name: "partial failures", requests: 4, fault: refuseEvery(5, "InternalFailure"), again: 400},
		{name: "a request refused as a whole", requests: 1, fault: reply{status: 400, code: "ValidationException"}, again: 500},
		{name: "no connection", requests: 2, fault: reply{cut: unwritten}, again: 1000},
		{name: "status 500", requests: 2, fault: reply{status: 500, code: "InternalFailure"}, again: 1000, uncertain: 1000},
		{name: "connections cut before the records are applied", requests: 2, fault: reply{cut: before}, again: 1000, uncertain: 1000},
		{name: "connections cut after the records are applied", requests: 2, fault: reply{cut: after}, again: 1000, uncertain: 1000, copies: 1000},
		{name: "answers for too few records", requests: 2, fault: reply{more: -1}, again: 1000, uncertain: 1000, copies: 1000},
		{name: "slow responses", requests: 4, fault: reply{wait: 20 * time.Second}, slowest: 20 * time.Second},
		{name: "responses slower than the timeout", requests: 2, fault: reply{wait: 40 * time.Second}, again: 1000, uncertain: 1000, copies: 1000, slowest: 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				e.answer = func(n int, _ []entry) reply {
					if n < test.requests {
						return test.fault
					}
					return reply{}
				}
				w, f := start(t, e, kinesisput.Config{InFlight: 1, RetryFor: 5 * time.Minute})
				put(t, w, records, "a", "b", "c", "d")
				s := settled(t, w, f)
				if s.Delivered != records || s.Uncertain != test.uncertain || (s.Throttled > 0) != test.throttled {
					t.Errorf("%+v: want all delivered, %d uncertain, throttled %t", s, test.uncertain, test.throttled)
				}
				if test.again > 0 && s.Retries != test.again {
					t.Errorf("%d records sent again, want %d", s.Retries, test.again)
				}
				if all, extra := e.copies(); all-extra != records || extra != test.copies {
					t.Errorf("the stream holds %d records and %d copies, want %d and %d", all-extra, extra, records, test.copies)
				}
				request, record := w.Latency()
				if request.Max.Round(time.Second) != test.slowest || record.Max < test.slowest || request.P50 > time.Second {
					t.Errorf("latency of requests %v, of records %v: want %s at most for a request", request, record, test.slowest)
				}
			})
		})
	}
}

// TestShardSplit: the writer learns of new shards from the answers.
func TestShardSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		began := time.Now()
		e.shard = func(r entry) string {
			if shard := shardOf(r); shard == left || time.Since(began) < 20*time.Second {
				return shard
			}
			return "shardId-000000000002"
		}
		// Each shard takes nothing for a while, one after the other.
		e.answer = func(int, []entry) reply {
			return reply{refuse: func(_ int, r entry) (string, string) {
				if e.shard(r) == right && time.Since(began) > 5*time.Second {
					return throttledCode, "Rate exceeded for shard " + right + " in stream ev."
				}
				return "", ""
			}}
		}
		w, f := start(t, e, kinesisput.Config{BufferBytes: 1 << 18})
		for time.Since(began) < 30*time.Second {
			put(t, w, 100, leftKey, rightKey)
			time.Sleep(time.Second)
		}
		if s := settled(t, w, f); s.Failed > 0 || s.Throttled == 0 {
			t.Errorf("%d failed, %d throttled: want all delivered after the split", s.Failed, s.Throttled)
		}
	})
}

// TestMisbehavingServer: whatever a server does at random, no record is lost, none that
// was stored is said to have surely failed, and none that was not is said to be delivered.
func TestMisbehavingServer(t *testing.T) {
	const runs, records = 4, 15_000
	for run := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(run, 1))
			e := newEndpoint(t)
			faults := []reply{
				{cut: unwritten}, {cut: before}, {cut: after},
				{wait: 20 * time.Second}, {wait: time.Minute},
				{more: 1}, {more: -1},
				{status: 500, code: "InternalFailure"}, {status: 503, text: page}, {status: 302, text: page}, {status: 200, text: page},
				{status: 400, code: "LimitExceededException"}, {status: 429, text: page},
				{status: 413, text: page}, {status: 408, text: page},
				{status: 400, code: "ValidationException"},
				refuseEvery(1, throttledCode), refuseEvery(2, throttledCode), refuseEvery(1, "InternalFailure"), refuseEvery(3, "InternalFailure"),
			}
			e.answer = func(int, []entry) reply {
				if random.IntN(2) == 0 {
					return reply{}
				}
				return faults[random.IntN(len(faults))]
			}
			w, f := start(t, e, kinesisput.Config{MaxAttempts: 8, RetryFor: time.Hour})
			put(t, w, records, "a", "b", "c", "d", "e", "f", "g")
			s := settled(t, w, f)
			failed := 0
			for _, failure := range f.list {
				switch stored := e.stored[string(failure.Data)]; {
				case stored > 0 && !failure.Uncertain:
					t.Errorf("%s is stored and was said to have failed: %v", failure.Data, failure.Err)
				case stored == 0:
					failed++
				}
			}
			if lost := records - failed - len(e.stored); lost != 0 {
				t.Errorf("%d records are lost", lost)
			}
			if _, extra := e.copies(); int64(extra) > s.Uncertain {
				t.Errorf("%d copies, %d uncertain", extra, s.Uncertain)
			}
			t.Logf("%+v", s)
		})
	}
}
