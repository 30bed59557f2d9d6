package fakekinesis

import (
	"fmt"
	"strconv"
	"time"
)

// A shard is a range of hash keys and the records that fell into it. Its fields are
// guarded by Server.mu.
type shard struct {
	number           int    // counts up within the stream, closed shards included
	id               string // the number as the service writes it
	parent, adjacent string // ids of the shards it was split or merged from
	start, end       hashKey

	created, closed time.Time // closed is zero while open
	prefix, suffix  string    // of its sequence numbers
	birth           int64     // in prefix: milliseconds since 1970, later than its parents'

	log    recordLog
	writes meter
	reads  meter
}

func newShard(number int, start, end hashKey, now time.Time, birth int64, dir string) *shard {
	return &shard{
		number: number, id: shardID(number),
		start: start, end: end,
		created: now, birth: birth,
		prefix: fmt.Sprintf("49%013d", birth),
		suffix: fmt.Sprintf("%010d", number),
		log:    recordLog{dir: dir, first: 1, next: 1},
	}
}

func shardID(number int) string { return fmt.Sprintf("shardId-%012d", number) }

func (sh *shard) open() bool { return sh.closed.IsZero() }

// A sequence number has 56 digits, as the service's have today, and is:
//
//	49  birth of the shard  place in the shard  arrival, seconds  number of the shard
//	2   13                  20                  11                10  digits
//
// So it grows within a shard and from parent to child, never repeats in a stream,
// says which shard it is of, and can't be guessed by adding one to the one before.
// The shard itself starts at place 0, its first record has place 1.
const sequenceDigits = 56

func (sh *shard) appendSequence(b []byte, place, arrivedMS int64) []byte {
	b = append(b, sh.prefix...)
	b = appendPadded(b, place, 20)
	b = appendPadded(b, max(arrivedMS, 0)/1000, 11)
	return append(b, sh.suffix...)
}

func (sh *shard) sequence(place, arrivedMS int64) string {
	return string(sh.appendSequence(make([]byte, 0, sequenceDigits), place, arrivedMS))
}

func (sh *shard) firstSequence() string { return sh.sequence(0, sh.created.UnixMilli()) }
func (sh *shard) lastSequence() string  { return sh.sequence(sh.log.next, sh.closed.UnixMilli()) }

func appendPadded(b []byte, n int64, width int) []byte {
	at := len(b) + width
	for range width {
		b = append(b, '0')
	}
	for ; n > 0; n /= 10 {
		at--
		b[at] = byte('0' + n%10)
	}
	return b
}

// place finds what a sequence number of this shard stands for. It is false for one that the
// shard has not issued, as far as it still knows: it forgets when forgotten records arrived.
func (sh *shard) place(sequence string) (int64, bool) {
	number, ok := shardOfSequence(sequence)
	if !ok || number != sh.number || sequence[:15] != sh.prefix {
		return 0, false
	}
	place, err := strconv.ParseInt(sequence[15:35], 10, 64)
	switch {
	case err != nil || place < 0:
		return 0, false
	case place == 0:
		return place, sequence == sh.firstSequence()
	case place < sh.log.first:
		return place, true
	case place < sh.log.next:
		return place, sequence == sh.sequence(place, sh.log.slot(place).arrived)
	}
	return place, place == sh.log.next && !sh.open() && sequence == sh.lastSequence()
}

// issued says whether a sequence number is one of a shard of the stream.
func (st *stream) issued(sequence string) bool {
	number, ok := shardOfSequence(sequence)
	if !ok {
		return false
	}
	sh := st.shard(shardID(number))
	if sh == nil {
		return false
	}
	_, ok = sh.place(sequence)
	return ok
}

func shardOfSequence(sequence string) (number int, ok bool) {
	if len(sequence) != sequenceDigits {
		return 0, false
	}
	number, err := strconv.Atoi(sequence[46:])
	return number, err == nil
}

// A meter counts what passes within a second. Bytes beyond the rate burden the seconds
// that follow, as a large record or answer does in the service.
type meter struct {
	start int64 // milliseconds
	count int
	bytes int
}

func (m *meter) advance(nowMS int64, bytesPerSecond int) {
	if seconds := (nowMS - m.start) / 1000; seconds > 0 {
		m.start += seconds * 1000
		m.count = 0
		m.bytes -= int(min(seconds, int64(m.bytes/bytesPerSecond)+1)) * bytesPerSecond
		m.bytes = max(m.bytes, 0)
	}
}
