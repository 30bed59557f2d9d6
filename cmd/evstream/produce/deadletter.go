package produce

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"unicode/utf8"

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
	file *os.File
	out  *bufio.Writer
	json *json.Encoder
	n    int
	err  error // the first one
}

func (d *deadLetters) fail(err error) error {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("write the dead-letter file %s: %w", d.file.Name(), err)
	}
	return d.err
}

// createDeadLetters opens a file that must be new or empty: failed records of
// an earlier run are not written over, and the input is not written to.
func createDeadLetters(name string) (*deadLetters, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the dead-letter file: %w", err)
	}
	if info, err := f.Stat(); err != nil || info.Mode().IsRegular() && info.Size() > 0 {
		_ = f.Close()
		if err == nil {
			err = fmt.Errorf("--dead-letter %s: the file holds something; send it with --input or name another", name)
		}
		return nil, err
	}
	d := &deadLetters{file: f, out: bufio.NewWriter(f)}
	d.json = json.NewEncoder(d.out)
	d.json.SetEscapeHTML(false)
	return d, nil
}

// add writes a failed record. It returns the first error there was.
func (d *deadLetters) add(f kinesisput.Failure) error {
	const short = 1 << 20 // so that with every character escaped it is still within maxLine
	letter := deadLetter{Version: 1, PartitionKey: f.PartitionKey, Error: explain(f.Err), Attempts: f.Attempts, Uncertain: f.Uncertain}
	if len(f.Data) <= short && utf8.Valid(f.Data) {
		text := string(f.Data)
		letter.Text = &text
	} else {
		letter.Base64 = f.Data
	}
	d.n++
	return d.fail(d.json.Encode(letter))
}

// close ends the file, and removes it if no record failed.
func (d *deadLetters) close() error {
	info, err := d.file.Stat()
	_ = d.fail(err)
	_ = d.fail(d.out.Flush())
	_ = d.fail(d.file.Close())
	if d.n == 0 && d.err == nil && info.Mode().IsRegular() {
		_ = d.fail(os.Remove(d.file.Name()))
	}
	return d.err
}
