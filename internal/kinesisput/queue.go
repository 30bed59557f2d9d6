package kinesisput

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// record is an accepted record on its way.
type record struct {
	Record
	size      int    // data and key
	bucket    uint16 // the part of the hash space that its key falls in
	attempts  int
	uncertain bool // the outcome of an attempt is unknown
	err       error
	accepted  time.Time
	rejected  time.Time // the first time
	notBefore time.Time // of the next attempt
}

// queue holds the records that wait to be sent, and decides which of them go
// into the next request. It knows time only from its callers.
type queue struct {
	cfg Config

	arrived      []*record // accepted, not yet given to a lane
	arrivedBytes int
	lanes        []*lane // lanes[0] is for records whose shard is not known
	byShard      map[string]*lane
	buckets      [1 << bucketBits]*lane // the shard that took the last record of a bucket, as far as known
	learned      bool                   // a bucket's shard became known since the last routing
	turn         int                    // the lane that is first in the next request

	halves    [][]*record // parts of a request that was refused as a whole; each is sent as it is
	partialAt time.Time   // when a request goes that is not full
	heldUntil time.Time   // nothing is sent before
	holds     int         // in a row
	heldSince time.Time   // when the last hold began
}

// Kinesis maps a record to a shard by the MD5 of its partition key, each shard
// taking one range of it. The writer looks at so many of its first bits.
const bucketBits = 12

func newQueue(cfg Config) queue {
	return queue{cfg: cfg, lanes: []*lane{{}}, byShard: map[string]*lane{}}
}

// accept takes a new record. It reports whether there may now be a request to
// send, or a time to wait for.
func (q *queue) accept(r *record) bool {
	idle := q.empty()
	if idle {
		q.partialAt = r.accepted.Add(q.cfg.Linger)
	}
	before := len(q.arrived)/MaxRequestRecords + q.arrivedBytes/MaxRequestBytes
	q.arrived = append(q.arrived, r)
	q.arrivedBytes += r.size
	return idle || len(q.arrived)/MaxRequestRecords+q.arrivedBytes/MaxRequestBytes > before
}

func (q *queue) empty() bool {
	if len(q.arrived)+len(q.halves) > 0 {
		return false
	}
	return !slices.ContainsFunc(q.lanes, func(l *lane) bool { return l.len() > 0 })
}

// retry takes back a record that is to be sent again.
func (q *queue) retry(r *record, now time.Time) {
	r.notBefore = now.Add(backoff(r.attempts))
	heap.Push(&q.lane(r.bucket).retries, r)
}

// split takes back a request that the service refused as a whole, to send its
// halves.
func (q *queue) split(batch []*record) {
	middle := len(batch) / 2
	q.halves = append(q.halves, batch[:middle], batch[middle:])
}

// drain removes and returns all records.
func (q *queue) drain() []*record {
	all := q.arrived
	q.arrived, q.arrivedBytes = nil, 0
	for _, half := range q.halves {
		all = append(all, half...)
	}
	q.halves = nil
	for _, l := range q.lanes {
		all = append(all, l.drain()...)
	}
	return all
}

// next returns the records of the request to send now, or nil. A request goes
// when it is full, when its time has come, or when flush is set and nothing
// else could join it.
func (q *queue) next(now time.Time, flush bool) []*record {
	if now.Before(q.heldUntil) {
		return nil
	}
	if n := len(q.halves); n > 0 {
		half := q.halves[n-1]
		q.halves = q.halves[:n-1]
		return half
	}
	q.route()

	ready, readyBytes, waiting := 0, 0, 0
	var open []*lane
	for i := range q.lanes {
		l := q.lanes[(q.turn+i)%len(q.lanes)]
		waiting += l.len()
		if n, bytes := l.ready(now); n > 0 {
			ready += n
			readyBytes += bytes
			open = append(open, l)
		}
	}
	full := ready >= MaxRequestRecords || readyBytes >= MaxRequestBytes
	if ready == 0 || !full && now.Before(q.partialAt) && !(flush && ready >= waiting) {
		return nil
	}
	q.turn = (q.turn + 1) % len(q.lanes)
	q.partialAt = now.Add(q.cfg.Linger)
	return fill(open, now)
}

// fill takes records from the lanes by turns until a request is full.
func fill(open []*lane, now time.Time) []*record {
	batch := make([]*record, 0, MaxRequestRecords)
	bytes := 0
	for len(open) > 0 {
		still := open[:0]
		for _, l := range open {
			if len(batch) == MaxRequestRecords {
				return batch
			}
			r := l.take(now, MaxRequestBytes-bytes)
			if r == nil {
				continue
			}
			batch = append(batch, r)
			bytes += r.size
			still = append(still, l)
		}
		open = still
	}
	return batch
}

// route gives every record that arrived to the lane of its shard.
func (q *queue) route() {
	if q.learned {
		q.learned = false
		for _, r := range q.lanes[0].drain() {
			q.lane(r.bucket).add(r)
		}
	}
	for i, r := range q.arrived {
		q.lane(r.bucket).add(r)
		q.arrived[i] = nil
	}
	q.arrived, q.arrivedBytes = q.arrived[:0], 0
}

// lane returns the lane of a bucket. A bucket that had no record yet is taken
// to lie in the shard that its nearest known neighbours on both sides lie in.
func (q *queue) lane(bucket uint16) *lane {
	if l := q.buckets[bucket]; l != nil {
		return l
	}
	below, above := int(bucket)-1, int(bucket)+1
	for below >= 0 && q.buckets[below] == nil {
		below--
	}
	for above < len(q.buckets) && q.buckets[above] == nil {
		above++
	}
	if below >= 0 && above < len(q.buckets) && q.buckets[below] == q.buckets[above] {
		return q.buckets[below]
	}
	return q.lanes[0]
}

// learn notes which shard a bucket lies in, if the answer said, and returns the
// bucket's lane.
func (q *queue) learn(bucket uint16, shard string) *lane {
	if shard == "" {
		return q.lane(bucket)
	}
	l := q.byShard[shard]
	if l == nil {
		l = &lane{}
		q.byShard[shard] = l
		q.lanes = append(q.lanes, l)
	}
	if q.buckets[bucket] == nil {
		q.learned = true
	}
	q.buckets[bucket] = l
	return l
}

// healthy reports whether some shard took the last records it was sent, and
// that not so long ago that the shard may be closed by now.
func (q *queue) healthy(now time.Time) bool {
	return slices.ContainsFunc(q.lanes, func(l *lane) bool {
		return l.failingSince.IsZero() && now.Sub(l.delivered) < 2*q.cfg.RetryFor
	})
}

// hold makes all records wait after a request of which none was taken, longer
// each time until release.
func (q *queue) hold(sent, now time.Time) {
	if !sent.After(q.heldSince) {
		return // sent before the last hold began, which was for the same trouble
	}
	q.holds++
	q.heldSince = now
	q.heldUntil = now.Add(backoff(q.holds))
}

func (q *queue) release() { q.holds = 0 }

// lane holds the records of one shard.
type lane struct {
	fresh      []*record // not yet sent, from head on
	head       int
	freshBytes int
	retries    retries
	pace       pace

	heldUntil    time.Time
	heldSince    time.Time
	holds        int       // in a row
	failingSince time.Time // nothing was delivered since; zero if the last records were
	delivered    time.Time // the last time that something was

	// hopeless is set when the shard has taken nothing for as long as a record
	// is retried. Until it takes one its records get a single attempt each,
	// without pauses or pace, so that they neither fill the buffer nor hold up
	// the other shards.
	hopeless bool
}

func (l *lane) len() int { return len(l.fresh) - l.head + len(l.retries) }

func (l *lane) add(r *record) {
	if r.attempts > 0 {
		heap.Push(&l.retries, r)
		return
	}
	l.fresh = append(l.fresh, r)
	l.freshBytes += r.size
}

func (l *lane) drain() []*record {
	all := append(slices.Clone(l.fresh[l.head:]), l.retries...)
	l.fresh, l.head, l.freshBytes, l.retries = nil, 0, 0, nil
	return all
}

// ready returns about how many records and bytes take could return now.
func (l *lane) ready(now time.Time) (records, bytes int) {
	if now.Before(l.heldUntil) && !l.hopeless {
		return 0, 0
	}
	records, bytes = len(l.fresh)-l.head, l.freshBytes
	if len(l.retries) > 0 && !now.Before(l.retries[0].notBefore) {
		records += len(l.retries)
		bytes += l.retries[0].size
	}
	if l.hopeless {
		return records, bytes
	}
	return l.pace.allow(records, bytes, now)
}

// take removes the next record that fits into room bytes and may be sent now.
// Records that were rejected go before those that were never sent.
func (l *lane) take(now time.Time, room int) *record {
	if !l.hopeless && !l.pace.open() {
		return nil
	}
	if len(l.retries) > 0 && !now.Before(l.retries[0].notBefore) {
		if l.retries[0].size > room {
			return nil
		}
		r := heap.Pop(&l.retries).(*record)
		l.pace.spend(r.size)
		return r
	}
	if l.head == len(l.fresh) || l.fresh[l.head].size > room {
		return nil
	}
	r := l.fresh[l.head]
	l.fresh[l.head] = nil
	l.head++
	l.freshBytes -= r.size
	if l.head == len(l.fresh) {
		l.fresh, l.head = l.fresh[:0], 0
	}
	l.pace.spend(r.size)
	return r
}

// answered notes what became of the records of one request sent at the given
// time; patience is how long a record is retried.
func (l *lane) answered(delivered, throttled, failed int, sent, now time.Time, patience time.Duration) {
	l.pace.answered(delivered, throttled, sent, now)
	switch {
	case delivered > 0:
		l.holds = 0
		l.failingSince = time.Time{}
		l.delivered = now
		l.hopeless = false
	case throttled+failed > 0 && sent.After(l.heldSince):
		if l.failingSince.IsZero() {
			l.failingSince = now
		}
		l.hopeless = now.Sub(l.failingSince) >= patience
		l.holds++
		l.heldSince = now
		l.heldUntil = now.Add(backoff(l.holds))
	}
}

// retries is a heap of records by the time of their next attempt.
type retries []*record

func (h retries) Len() int           { return len(h) }
func (h retries) Less(i, j int) bool { return h[i].notBefore.Before(h[j].notBefore) }
func (h retries) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *retries) Push(r any)        { *h = append(*h, r.(*record)) }
func (h *retries) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return r
}

// backoff returns the pause after the n-th failure: 50 ms, doubled each time up
// to 5 s, less a random part of up to half.
func backoff(n int) time.Duration {
	const first, longest = 50 * time.Millisecond, 5 * time.Second
	pause := min(first<<min(n-1, 10), longest)
	return pause - rand.N(pause/2)
}

// shardIn returns the shard that an error message names, or "". A message that
// a record was throttled names its shard.
func shardIn(message string) string {
	const prefix = "shardId-"
	i := strings.Index(message, prefix)
	if i < 0 {
		return ""
	}
	end := i + len(prefix)
	for end < len(message) && '0' <= message[end] && message[end] <= '9' {
		end++
	}
	return message[i:end]
}
