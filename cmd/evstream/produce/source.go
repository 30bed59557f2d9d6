package produce

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"example.com/evstream/internal/evdata"
	"example.com/evstream/internal/interrupt"
	"example.com/evstream/internal/kinesisput"
)

// source is where records come from.
type source interface {
	// next sets r, whose data is good until the next call, or leaves a record
	// out if r is nil. It returns io.EOF when there are no more.
	next(r *kinesisput.Record) error
	// progress tells how many bytes have been read and how many there are, 0 if
	// that is not known. Safe for concurrent use.
	progress() (read, total int64)
	// accepted notes that the record of the last call was accepted.
	accepted()
	close()
}

func openSource(ctx context.Context, o options) (source, error) {
	if o.input == "" {
		g, err := evdata.NewGenerator(o.seed, time.Now, o.malformed)
		if err != nil {
			return nil, err
		}
		return &generated{generator: g, kinds: make([]atomic.Int64, len(evdata.Kinds()))}, nil
	}
	l := &lines{name: o.input, field: o.partitionKey}
	if o.input == "-" {
		l.name, l.file = "standard input", os.Stdin
	} else {
		// A FIFO is open when somebody writes to it.
		f, err := interrupt.Await(ctx, func() (*os.File, error) { return os.Open(o.input) })
		if err != nil {
			return nil, fmt.Errorf("--input %s: %w", o.input, err)
		}
		l.file = f
	}
	if info, err := l.file.Stat(); err == nil && info.Mode().IsRegular() {
		l.total = info.Size()
	}
	l.in = bufio.NewReaderSize(l.file, 256<<10)
	return l, nil
}

// generated makes EV charging records.
type generated struct {
	generator *evdata.Generator
	buf       []byte
	kind      evdata.Kind    // of the last record
	kinds     []atomic.Int64 // accepted, by kind
}

func (g *generated) next(r *kinesisput.Record) error {
	var id evdata.UUID
	g.buf, id, g.kind = g.generator.Append(g.buf[:0])
	if r != nil {
		*r = kinesisput.Record{PartitionKey: id.String(), Data: g.buf}
	}
	return nil
}

func (g *generated) accepted()                { g.kinds[g.kind].Add(1) }
func (g *generated) progress() (int64, int64) { return 0, 0 }
func (g *generated) close()                   {}

// lines reads the lines of a file.
type lines struct {
	name  string
	file  *os.File
	in    *bufio.Reader
	field string // that holds the partition key
	total int64  // bytes

	line int64
	long []byte // a line that does not fit into in
	read atomic.Int64
}

// maxLine is the longest line that is taken: a dead letter with the largest
// record that Kinesis takes is shorter.
const maxLine = 16 << 20

func (l *lines) progress() (int64, int64) { return l.read.Load(), l.total }
func (l *lines) accepted()                {}
func (l *lines) close()                   { _ = l.file.Close() }

func (l *lines) next(r *kinesisput.Record) error {
	for {
		line, err := l.readLine()
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if r == nil {
			return nil
		}
		if isDeadLetter(line) {
			if *r, err = parseDeadLetter(line); err != nil {
				return fmt.Errorf("%s, line %d: %w", l.name, l.line, err)
			}
			if r.PartitionKey != "" {
				return nil
			}
			line = r.Data
		}
		*r = kinesisput.Record{PartitionKey: l.key(line), Data: line}
		return nil
	}
}

// readLine returns the next line without its end. It is good until the next call.
func (l *lines) readLine() ([]byte, error) {
	l.line++
	l.long = l.long[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		l.read.Add(int64(len(part)))
		switch {
		case err == bufio.ErrBufferFull:
			if l.long = append(l.long, part...); len(l.long) > maxLine {
				return nil, fmt.Errorf("%s, line %d: longer than %d MiB, which no Kinesis record holds", l.name, l.line, maxLine>>20)
			}
			continue // the longest line is a little more than maxLine then
		case err == io.EOF && len(l.long)+len(part) > 0:
		case err == io.EOF:
			return nil, io.EOF
		case err != nil:
			return nil, fmt.Errorf("read %s after line %d: %w", l.name, l.line-1, err)
		}
		if len(l.long) > 0 {
			l.long = append(l.long, part...)
			part = l.long
		}
		part = bytes.TrimSuffix(part, []byte("\n"))
		return bytes.TrimSuffix(part, []byte("\r")), nil
	}
}

// key returns the partition key of a line, or "" if it has not got the field,
// for which the writer refuses it.
func (l *lines) key(line []byte) string {
	if l.field == "" {
		h := fnv.New64a()
		_, _ = h.Write(line) // never fails
		return strconv.FormatUint(h.Sum64(), 16)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(line, &object) != nil {
		return ""
	}
	value := object[l.field]
	switch {
	case len(value) == 0 || value[0] == '{' || value[0] == '[' || string(value) == "null":
		return ""
	case value[0] != '"':
		return string(value) // a number, true or false
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}
