package fakekinesis

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
)

// TestLog compares a log with a plain list while records of all sizes are appended,
// read and forgotten.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 1))
	l := recordLog{dir: dir, first: 1, next: 1}
	var list []entry // from place 1 on
	for i := range 6000 {
		e := entry{buf: make([]byte, 1+r.IntN(600)), keyLen: 1, arrived: int64(i / 10)}
		if i%1500 == 7 {
			e.buf = make([]byte, blockBytes+r.IntN(blockBytes)) // more than a block holds
		}
		for j := range e.buf {
			e.buf[j] = byte(r.Uint32())
		}
		if err := l.append(e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
		if i%100 != 0 {
			continue
		}
		if i > 2000 {
			l.forget(int64(i/10 - 200))
		}
		place := l.first + r.Int64N(l.next-l.first)
		got, err := l.read(place, 1+r.IntN(3000), 1+r.IntN(4*blockBytes))
		if err != nil || len(got) == 0 {
			t.Fatalf("reading from %d on gave %d records and the error %v", place, len(got), err)
		}
		for j, e := range got {
			want := list[int(place)-1+j]
			if !bytes.Equal(e.buf, want.buf) || e.keyLen != want.keyLen || e.arrived != want.arrived {
				t.Fatalf("the record at place %d is not the one that was appended", int(place)+j)
			}
		}
	}
	if l.size == 0 {
		t.Error("nothing went to the file")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the folder holds %v (%v), want a file without a name", left, err)
	}
}

// TestMemory: stored records take a small part of their size in memory.
func TestMemory(t *testing.T) {
	const records, size = 100_000, 400
	s := New(WithDir(t.TempDir()))
	if _, err := s.CreateStream(StreamSettings{Name: "ev", Shards: 4}); err != nil {
		t.Fatal(err)
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range records {
		if _, err := s.Put("ev", fmt.Sprint(i), make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	// 24 bytes each, and a block of 1 MiB for each shard, which may have grown by
	// doubling.
	if each := (heap() - before) / records; each > size/3 {
		t.Errorf("a stored record of %d bytes takes %d bytes of memory", size, each)
	}
	runtime.KeepAlive(s)
}
