package kinesisput

import (
	"math"
	"time"
)

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
	since time.Time // a second after the first refusal; zero if there was none
	share float64   // of the limit, up to 1

	// Allowances in records and bytes; a record passes while both are above
	// zero and may take them below.
	records, bytes float64
	filled         time.Time

	// What came back since counted began.
	counted            time.Time
	delivered, refused int
	clean              int // counts in a row without a refusal
}

const (
	// second is the time for which a shard's limit counts: having refused a
	// record it takes no more until a second is over.
	second = time.Second
	// saved is how much unused allowance is kept, in seconds: enough that the
	// limit is used in full though requests go every now and then.
	saved = 0.5
	// counting is how long answers are counted before the share is set anew.
	counting = 500 * time.Millisecond
	// regained is how much of the limit is tried again after such a time without
	// a refusal; after the n-th in a row it is n times as much.
	regained = 0.02
	smallest = 0.02
)

// open reports whether a record may pass.
func (p *pace) open() bool { return p.since.IsZero() || p.records > 0 && p.bytes > 0 }

// allow returns how many of the waiting records and bytes may pass now.
func (p *pace) allow(records, bytes int, now time.Time) (int, int) {
	if p.since.IsZero() {
		return records, bytes
	}
	if now.Before(p.filled) {
		return 0, 0
	}
	elapsed := now.Sub(p.filled).Seconds() * p.share
	p.filled = now
	p.records = min(p.records+elapsed*shardRecords, saved*shardRecords)
	p.bytes = min(p.bytes+elapsed*shardBytes, saved*shardBytes)
	if !p.open() || records == 0 {
		return 0, 0
	}
	// The scarcer of the two decides for both.
	part := min(1, p.records/float64(records), p.bytes/float64(bytes))
	return int(math.Ceil(part * float64(records))), int(math.Ceil(part * float64(bytes)))
}

// spend notes that a record passes.
func (p *pace) spend(size int) {
	if !p.since.IsZero() {
		p.records--
		p.bytes -= float64(size)
	}
}

// answered notes how many records of one request the shard took and how many
// it refused for its limit. The refused part of what was sent is the part by
// which the share was too large, or else a burst at the turn of a second; the
// share is lowered by half of it.
func (p *pace) answered(delivered, refused int, sent, now time.Time) {
	if p.since.IsZero() {
		if refused > 0 {
			start := now.Add(second)
			*p = pace{since: start, share: 1, filled: start, counted: start}
		}
		return
	}
	if sent.Before(p.since) {
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
