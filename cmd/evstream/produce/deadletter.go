package produce

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
	"unicode/utf8"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/interrupt"
	"example.com/evstream/internal/kinesisput"
)

// deadLetter is a line of a dead-letter file. Its first key tells it from the
// lines of other files.
type deadLetter struct {
	Version      int     `json:"$deadLetter"`
	PartitionKey string  `json:"partitionKey"`
	Text         *string `json:"text,omitempty"`   // the data if it is short and UTF-8
	Base64       []byte  `json:"base64,omitempty"` // the data if not
	Error        string  `json:"error"`
	Attempts     int     `json:"attempts"`
	Uncertain    bool    `json:"uncertain,omitempty"` // it may be in the stream nonetheless
}

const deadLetterPrefix = `{"$deadLetter":`

func isDeadLetter(line []byte) bool { return bytes.HasPrefix(line, []byte(deadLetterPrefix)) }

func parseDeadLetter(line []byte) (kinesisput.Record, error) {
	var d deadLetter
	if err := json.Unmarshal(line, &d); err != nil {
		return kinesisput.Record{}, fmt.Errorf("not a whole dead letter: %w", err)
	}
	if d.Version != 1 {
		return kinesisput.Record{}, fmt.Errorf("a dead letter of version %d: this program reads version 1", d.Version)
	}
	if d.Text != nil {
		return kinesisput.Record{PartitionKey: d.PartitionKey, Data: []byte(*d.Text)}, nil
	}
	return kinesisput.Record{PartitionKey: d.PartitionKey, Data: d.Base64}, nil
}

// deadLetters writes failed records to a file.
type deadLetters struct {
	file    *os.File
	created bool // rather than found empty
	out     *bufio.Writer
	json    *json.Encoder
	n       int
	err     error // the first one
}

// createDeadLetters opens a file that must be new or empty: failed records of
// an earlier run are not written over, and the input is not written to. Only its owner
// may read a new file: it holds records. For a FIFO it waits until ctx ends, and every
// write until shortly after flush has ended.
func createDeadLetters(ctx, flush context.Context, name string) (*deadLetters, error) {
	d := &deadLetters{}
	var err error
	d.file, err = interrupt.Await(ctx, func() (*os.File, error) {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return os.OpenFile(name, os.O_WRONLY, 0)
		}
		d.created = err == nil
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("--dead-letter %s: %w", name, err)
	}
	info, err := d.file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		d.out = bufio.NewWriter(patient{d.file, flush})
	case info.Size() > 0:
		err = fmt.Errorf("--dead-letter %s: the file is not empty; send it with --input or name another", name)
	default:
		d.out = bufio.NewWriter(d.file)
	}
	if err != nil {
		_ = d.file.Close()
		return nil, err
	}
	d.json = json.NewEncoder(d.out)
	d.json.SetEscapeHTML(false)
	return d, nil
}

// patient waits with a write until ctx has ended, and then for so long that whoever
// reads can take what has just failed.
type patient struct {
	out io.Writer
	ctx context.Context
}

func (w patient) Write(p []byte) (int, error) {
	const grace = 200 * time.Millisecond
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer context.AfterFunc(w.ctx, func() {
		_ = interrupt.Sleep(ctx, grace)
		cancel(errors.New("nobody reads it"))
	})()
	p = bytes.Clone(p) // a write that is not waited for goes on
	return interrupt.Await(ctx, func() (int, error) { return w.out.Write(p) })
}

func (d *deadLetters) fail(err error) error {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("write the dead-letter file %s, which lacks some of the failed records now: %w", d.file.Name(), err)
	}
	return d.err
}

// add writes a failed record. It returns the first error there was.
func (d *deadLetters) add(f kinesisput.Failure) error {
	const short = 1 << 20 // so that with every character escaped it is still within maxLine
	letter := deadLetter{Version: 1, PartitionKey: f.PartitionKey, Error: cli.Explain(f.Err), Attempts: f.Attempts, Uncertain: f.Uncertain}
	if len(f.Data) <= short && utf8.Valid(f.Data) {
		text := string(f.Data)
		letter.Text = &text
	} else {
		letter.Base64 = f.Data
	}
	d.n++
	return d.fail(d.json.Encode(letter))
}

// close ends the file. One that it created is removed if no record failed.
func (d *deadLetters) close() error {
	_ = d.fail(d.out.Flush())
	_ = d.fail(d.file.Close())
	if d.n == 0 && d.err == nil && d.created {
		_ = d.fail(os.Remove(d.file.Name()))
	}
	return d.err
}
