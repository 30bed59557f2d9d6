package kinesisput

import "time"

// What one shard takes in a second, from the service's quotas. The bytes are
// data and partition keys.
const (
	shardRecords = 1000
	shardBytes   = 1 << 20
)

// pace holds back the records of a shard that has said that its write limit is
// reached. Until then it lets everything pass. From then on records pass at
// the shard's limit, which is the same for all shards, or at a share of it
// when the shard still refuses some because others write to it too.
type pace struct {
	limited time.Time // from when on the limit is kept to; zero if none was met
	share   float64   // of the limit, up to 1

	// When the next record may pass, by the limit in records and by that in bytes.
	records, bytes time.Time

	// What came back since counted began.
	counted            time.Time
	delivered, refused int
	clean              int // counts in a row without a refusal
}

const (
	// second is the time for which a shard's limit counts: having refused a
	// record it takes no more until a second is over.
	second = time.Second
	// saved is how much unused allowance is kept: enough that the limit is used
	// in full though requests go every now and then.
	saved = 500 * time.Millisecond
	// counting is how long answers are counted before the share is recalculated.
	counting = 500 * time.Millisecond
	// regained is how much of the limit is tried again after such a time without
	// a refusal; after the n-th in a row it is n times as much.
	regained = 0.02
	smallest = 0.02
)

// open reports whether a record may pass.
func (p *pace) open(now time.Time) bool { return !now.Before(p.records) && !now.Before(p.bytes) }

// shut lets nothing pass for a time.
func (p *pace) shut(until time.Time) { p.records = later(p.records, until) }

// spend notes that a record passes.
func (p *pace) spend(size int, now time.Time) {
	if p.limited.IsZero() {
		return
	}
	unused := now.Add(-saved)
	take := func(next *time.Time, part float64) {
		*next = later(*next, unused).Add(time.Duration(part / p.share * float64(second)))
	}
	take(&p.records, 1.0/shardRecords)
	take(&p.bytes, float64(size)/shardBytes)
}

// answered notes how many records of one request the shard took and how many
// it refused for its limit. The refused part of what was sent is the part by
// which the share was too large, or else a burst at the turn of a second; the
// share is lowered by half of it.
func (p *pace) answered(delivered, refused int, sent, now time.Time) {
	if p.limited.IsZero() {
		if refused > 0 {
			start := now.Add(second)
			*p = pace{limited: start, share: 1, records: start, bytes: start, counted: start}
		}
		return
	}
	if sent.Before(p.limited) {
		return // sent before there was a limit to keep to
	}
	p.delivered += delivered
	p.refused += refused
	if now.Sub(p.counted) < counting {
		return
	}
	if p.refused > 0 {
		taken := float64(p.delivered) / float64(p.delivered+p.refused)
		p.share = max(p.share*(1+taken)/2, smallest)
		p.clean = 0
	} else {
		p.clean++
		p.share = min(p.share+regained*float64(p.clean), 1)
	}
	p.counted, p.delivered, p.refused = now, 0, 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
