package fakekinesis

import (
	"fmt"
	"os"
	"sort"
)

// An entry is one record, on its way in or out.
type entry struct {
	buf     []byte // partition key, then data; capacity ends with it
	keyLen  int32  // bytes
	arrived int64  // milliseconds since 1970
}

func (e entry) key() []byte  { return e.buf[:e.keyLen] }
func (e entry) data() []byte { return e.buf[e.keyLen:] }

// A recordLog holds the records of a shard under consecutive places, and forgets from
// its old end. What it keeps in memory of a record is where it is: keys and data go to a
// file, block by block. The file has no name, so that it goes with the log; the room of
// forgotten records goes with it too, not before.
type recordLog struct {
	dir         string // of the file
	first, next int64  // place of the oldest record kept, and of the next to come
	last        int64  // arrival of the newest record ever, milliseconds
	chunks      [][]slot
	head        int // forgotten slots in chunks[0]

	file  *os.File // nil until the first block is full
	size  int64    // of the file
	block []byte   // what follows the file's end
}

// A slot says where a record is.
type slot struct {
	arrived      int64 // milliseconds since 1970
	at           int64 // in the file, or beyond its end in the block
	size, keyLen int32 // bytes: of key and data, and of the key
}

const (
	chunkSlots = 1024
	blockBytes = 1 << 20
)

func (l *recordLog) slot(place int64) *slot {
	i := l.head + int(place-l.first)
	return &l.chunks[i/chunkSlots][i%chunkSlots]
}

func (l *recordLog) append(e entry) error {
	if len(l.block)+len(e.buf) > blockBytes {
		if err := l.flush(); err != nil {
			return fmt.Errorf("storing records: %w", err)
		}
	}
	if n := len(l.chunks); n == 0 || len(l.chunks[n-1]) == chunkSlots {
		l.chunks = append(l.chunks, nil)
	}
	c := &l.chunks[len(l.chunks)-1]
	*c = append(*c, slot{arrived: e.arrived, at: l.size + int64(len(l.block)), size: int32(len(e.buf)), keyLen: e.keyLen})
	l.block = append(l.block, e.buf...)
	l.next++
	return nil
}

// flush moves the block to the file.
func (l *recordLog) flush() error {
	if l.file == nil {
		file, err := os.CreateTemp(l.dir, "shard-*")
		if err != nil {
			return err
		}
		if err := os.Remove(file.Name()); err != nil {
			return err
		}
		l.file = file
	}
	if _, err := l.file.WriteAt(l.block, l.size); err != nil {
		return err
	}
	l.size += int64(len(l.block))
	l.block = l.block[:0]
	return nil
}

// skip gives a place to a record that isn't kept. A log either skips or appends.
func (l *recordLog) skip() {
	l.next++
	l.first = l.next
}

// forget drops the records that arrived before ms.
func (l *recordLog) forget(ms int64) {
	for l.first < l.next && l.slot(l.first).arrived < ms {
		l.first++
		if l.head++; l.head == chunkSlots {
			l.chunks, l.head = l.chunks[1:], 0
		}
	}
}

// from is the place of the oldest record kept that arrived at ms or later.
func (l *recordLog) from(ms int64) int64 {
	n := sort.Search(int(l.next-l.first), func(i int) bool { return l.slot(l.first+int64(i)).arrived >= ms })
	return l.first + int64(n)
}

// read copies records from place on, at most limit of them and maxBytes of keys and
// data, but at least one if there is one.
func (l *recordLog) read(place int64, limit, maxBytes int) ([]entry, error) {
	n, bytes := 0, 0
	for p := place; p < l.next && n < limit; p++ {
		more := int(l.slot(p).size)
		if bytes+more > maxBytes && n > 0 {
			break
		}
		n, bytes = n+1, bytes+more
	}
	if n == 0 {
		return nil, nil
	}
	start := l.slot(place).at
	buf := make([]byte, bytes)
	stored := buf[:max(0, min(int64(bytes), l.size-start))] // what the file has of it
	if len(stored) > 0 {
		if _, err := l.file.ReadAt(stored, start); err != nil {
			return nil, fmt.Errorf("reading stored records: %w", err)
		}
	}
	copy(buf[len(stored):], l.block[max(0, start-l.size):])
	entries := make([]entry, n)
	for i := range entries {
		s := l.slot(place + int64(i))
		from, to := s.at-start, s.at-start+int64(s.size)
		entries[i] = entry{buf: buf[from:to:to], keyLen: s.keyLen, arrived: s.arrived}
	}
	return entries, nil
}
