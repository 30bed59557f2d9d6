package fakekinesis

import (
	"fmt"
	"sort"
	"strconv"
	"time"
)

// A shard is a range of hash keys and the records that fell into it. Its fields are
// guarded by Server.mu; what an entry points to never changes.
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

func newShard(number int, start, end hashKey, now time.Time, birth int64) *shard {
	return &shard{
		number: number, id: shardID(number),
		start: start, end: end,
		created: now, birth: birth,
		prefix: fmt.Sprintf("49%013d", birth),
		suffix: fmt.Sprintf("%010d", number),
		log:    recordLog{first: 1, next: 1},
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

// place finds what a sequence number of this shard stands for. It is false for one
// that the shard can't have issued.
func (sh *shard) place(sequence string) (int64, bool) {
	number, ok := shardOfSequence(sequence)
	if !ok || number != sh.number || sequence[:15] != sh.prefix {
		return 0, false
	}
	place, err := strconv.ParseInt(sequence[15:35], 10, 64)
	return place, err == nil && (place < sh.log.next || place == sh.log.next && !sh.open())
}

func shardOfSequence(sequence string) (number int, ok bool) {
	if len(sequence) != sequenceDigits {
		return 0, false
	}
	number, err := strconv.Atoi(sequence[46:])
	return number, err == nil
}

// An entry is one stored record.
type entry struct {
	buf     []byte // partition key, then data; capacity ends with it
	keyLen  int32  // bytes
	arrived int64  // milliseconds since 1970
}

func (e entry) key() []byte  { return e.buf[:e.keyLen] }
func (e entry) data() []byte { return e.buf[e.keyLen:] }

// A recordLog holds the records of a shard under consecutive places. It grows by
// chunks, so that a long one isn't copied, and forgets from its old end.
type recordLog struct {
	first, next int64 // place of the oldest record kept, and of the next to come
	last        int64 // arrival of the newest record ever, milliseconds
	chunks      [][]entry
	head        int // forgotten entries in chunks[0]
}

const chunkEntries = 1024

func (l *recordLog) at(place int64) *entry {
	i := l.head + int(place-l.first)
	return &l.chunks[i/chunkEntries][i%chunkEntries]
}

func (l *recordLog) append(e entry) {
	if n := len(l.chunks); n == 0 || len(l.chunks[n-1]) == chunkEntries {
		l.chunks = append(l.chunks, nil)
	}
	c := &l.chunks[len(l.chunks)-1]
	*c = append(*c, e)
	l.next++
}

// skip gives a place to a record that isn't kept. A log either skips or appends.
func (l *recordLog) skip() {
	l.next++
	l.first = l.next
}

// forget drops the records that arrived before ms.
func (l *recordLog) forget(ms int64) {
	for l.first < l.next && l.at(l.first).arrived < ms {
		*l.at(l.first) = entry{}
		l.first++
		if l.head++; l.head == chunkEntries {
			l.chunks, l.head = l.chunks[1:], 0
		}
	}
}

// from is the place of the oldest record kept that arrived at ms or later.
func (l *recordLog) from(ms int64) int64 {
	n := sort.Search(int(l.next-l.first), func(i int) bool { return l.at(l.first+int64(i)).arrived >= ms })
	return l.first + int64(n)
}

// read copies entries from place on, at most limit of them and maxBytes of keys and
// data, but at least one if there is one.
func (l *recordLog) read(place int64, limit, maxBytes int) []entry {
	n, bytes := 0, 0
	for p := place; p < l.next && n < limit; p++ {
		bytes += len(l.at(p).buf)
		if bytes > maxBytes && n > 0 {
			break
		}
		n++
	}
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = *l.at(place + int64(i))
	}
	return entries
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
