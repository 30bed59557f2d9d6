package kinesisput

import (
	"math/rand/v2"
	"regexp"
	"slices"
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
}

// line is records in turn. Those that were sent before come first.
type line struct{ again, fresh []*record }

func (l *line) push(r *record) {
	if r.attempts > 0 {
		l.again = append(l.again, r)
	} else {
		l.fresh = append(l.fresh, r)
	}
}

// first returns the next record, or nil.
func (l *line) first() *record {
	switch {
	case len(l.again) > 0:
		return l.again[0]
	case len(l.fresh) > 0:
		return l.fresh[0]
	}
	return nil
}

func (l *line) pop() {
	from := &l.fresh
	if len(l.again) > 0 {
		from = &l.again
	}
	(*from)[0] = nil // which the array would keep
	*from = (*from)[1:]
}

func (l *line) drain() []*record {
	all := append(l.again, l.fresh...)
	*l = line{}
	return all
}

// queue holds the records that wait to be sent, and decides which of them go
// into the next request. It knows time only from its callers.
type queue struct {
	cfg Config
	len int // records

	waiting line
	bytes   int // of the next request and of what has arrived since it was looked at
	paused  []pause
	batch   []*record // the next request
	size    int       // of batch, in bytes
	due     time.Time // when batch goes though it is not full

	unknown *lane // of records whose shard is not known
	lanes   []*lane
	byShard map[string]*lane
	buckets [1 << bucketBits]*lane // the shard that took the last record of a bucket, as far as known
	turn    int                    // the lane that comes first in the next request
}

// pause is rejected records until they may be sent again.
type pause struct {
	until   time.Time
	records []*record
}

// Kinesis maps a record to a shard by the MD5 of its partition key, each shard
// taking one range of it. The writer looks at so many of its first bits.
const bucketBits = 12

func newQueue(cfg Config) queue {
	unknown := &lane{patience: cfg.RetryFor}
	return queue{cfg: cfg, unknown: unknown, lanes: []*lane{unknown}, byShard: map[string]*lane{}}
}

// accept takes a new record. It reports whether there may now be a request to
// send, or a time to wait for.
func (q *queue) accept(r *record) bool {
	requests := func() int {
		return (len(q.batch)+len(q.waiting.fresh))/MaxRequestRecords + q.bytes/MaxRequestBytes
	}
	if q.len == 0 {
		q.due = r.accepted.Add(q.cfg.Linger)
	}
	before := requests()
	q.waiting.push(r)
	q.len++
	q.bytes += r.size
	return q.len == 1 || requests() > before
}

// retry takes back records that are to be sent again.
func (q *queue) retry(rejected []*record, now time.Time) {
	byAttempts := map[int][]*record{}
	for _, r := range rejected {
		byAttempts[r.attempts] = append(byAttempts[r.attempts], r)
	}
	for attempts, records := range byAttempts {
		q.paused = append(q.paused, pause{now.Add(backoff(attempts)), records})
	}
	q.len += len(rejected)
}

// drain removes and returns all records.
func (q *queue) drain() []*record {
	all := append(q.batch, q.waiting.drain()...)
	for _, p := range q.paused {
		all = append(all, p.records...)
	}
	for _, l := range q.lanes {
		all = append(all, l.held.drain()...)
	}
	q.paused, q.batch, q.size, q.bytes, q.len = nil, nil, 0, 0, 0
	return all
}

// next returns the records of the request to send now, or nil. A request goes
// when it is full, when its time has come, or when flush is set and nothing
// else could join it.
func (q *queue) next(now time.Time, records, bytes int, flush bool) []*record {
	q.paused = slices.DeleteFunc(q.paused, func(p pause) bool {
		if now.Before(p.until) {
			return false
		}
		for _, r := range p.records {
			q.waiting.push(r)
		}
		return true
	})
	full := q.fill(now, records, bytes)
	if !full && (len(q.batch) == 0 || now.Before(q.due) && !(flush && len(q.batch) == q.len)) {
		return nil
	}
	batch := q.batch
	q.batch, q.size = nil, 0
	q.due = now.Add(q.cfg.Linger)
	q.len -= len(batch)
	q.turn = (q.turn + 1) % len(q.lanes)
	return batch
}

// fill adds records to the next request until it is full, which it reports, or
// nothing else may be sent now. What a shard holds back moves to its lane.
func (q *queue) fill(now time.Time, records, bytes int) bool {
	add := func(from *line) (full bool) {
		for r := from.first(); r != nil; r = from.first() {
			l := q.lane(r.bucket)
			switch {
			case !l.open(now) && from == &l.held:
				return false
			case !l.open(now):
				l.held.push(r)
			case len(q.batch) >= records || len(q.batch) > 0 && q.size+r.size > bytes:
				return true
			default:
				q.batch = append(q.batch, r)
				q.size += r.size
				l.pace.spend(r.size, now)
			}
			from.pop()
		}
		return false
	}
	for i := range q.lanes {
		if add(&q.lanes[(q.turn+i)%len(q.lanes)].held) {
			return true
		}
	}
	full := add(&q.waiting)
	q.bytes = q.size
	return full || len(q.batch) >= records
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
	return q.unknown
}

// learn notes which shard a bucket lies in, if the answer said, and returns the
// bucket's lane.
func (q *queue) learn(bucket uint16, shard string) *lane {
	if shard == "" {
		return q.lane(bucket)
	}
	l := q.byShard[shard]
	if l == nil {
		l = &lane{patience: q.cfg.RetryFor}
		q.byShard[shard] = l
		q.lanes = append(q.lanes, l)
	}
	q.buckets[bucket] = l
	return l
}

// healthy reports whether some shard took the last records it was sent, and
// that not so long ago that the shard may be closed by now.
func (q *queue) healthy(now time.Time) bool {
	return slices.ContainsFunc(q.lanes, func(l *lane) bool {
		return l.failing.IsZero() && now.Sub(l.delivered) < 2*q.cfg.RetryFor
	})
}

// lane holds what is known of a shard, and the records that it does not take now.
type lane struct {
	held     line
	pace     pace
	patience time.Duration // how long a record is retried

	failing   time.Time // nothing was delivered since; zero if the last records were
	failures  int       // answers in a row with which nothing was
	shut      time.Time // when the pause after the last of them began
	delivered time.Time // the last time that something was
}

// hopeless reports whether the shard has taken nothing for as long as a record
// is retried, and refused something within that time. Until it takes one its records get a single attempt each, without
// pauses or pace, so that they neither fill the buffer nor hold up the other
// shards.
func (l *lane) hopeless(now time.Time) bool {
	return !l.failing.IsZero() && now.Sub(l.failing) >= l.patience && !l.longAgo(now)
}

// longAgo reports whether the last failure is so old that it says nothing about the
// shard any more.
func (l *lane) longAgo(now time.Time) bool { return now.Sub(l.shut) >= l.patience }

func (l *lane) open(now time.Time) bool { return l.pace.open(now) || l.hopeless(now) }

// answered notes what became of the records of one request sent at the given
// time. A shard that takes nothing is left alone for longer each time.
func (l *lane) answered(delivered, throttled, failed int, sent, now time.Time) {
	l.pace.answered(delivered, throttled, sent, now)
	switch {
	case delivered > 0:
		l.delivered = now
		l.failing, l.failures = time.Time{}, 0
	case throttled+failed > 0 && sent.After(l.shut):
		if l.failing.IsZero() || l.longAgo(now) {
			l.failing, l.failures = now, 0
		}
		l.failures++
		l.shut = now
		l.pace.shut(now.Add(backoff(l.failures)))
	}
}

// backoff returns the pause after the n-th failure: 50 ms, doubled each time up
// to 5 s, less a random part of up to half.
func backoff(n int) time.Duration {
	const first, longest = 50 * time.Millisecond, 5 * time.Second
	pause := min(first<<min(n-1, 10), longest)
	return pause - rand.N(pause/2)
}

// shardName is what a message that a record was throttled names its shard by.
var shardName = regexp.MustCompile(`shardId-\d*`)
