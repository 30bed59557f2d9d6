package produce

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"example.com/evstream/internal/kinesisput"
)

func readAll(data []byte, field string) ([]kinesisput.Record, error) {
	l := &lines{name: "input", field: field, in: bufio.NewReaderSize(bytes.NewReader(data), 16)}
	var all []kinesisput.Record
	for {
		var r kinesisput.Record
		switch err := l.next(&r); {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return all, err
		}
		r.Data = bytes.Clone(r.Data)
		all = append(all, r)
	}
}

// FuzzLines: each line of the input that is not blank is a record byte for byte, unless it
// is a dead letter; those that are none stop the reading.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"id\":1}\n\n \t\r\nlast"), "id")
	f.Add([]byte("\xff\x00\r\r\n\ufeff{}\n"), "")
	f.Add([]byte(`{"$deadLetter":1,"partitionKey":"k","text":"{}","error":"e","attempts":1}`+"\n{\"$deadLetter\":2}\n"), "$deadLetter")
	f.Add([]byte(`{"$deadLetter":1,"partitionKey":"","base64":"/w==","error":"e","attempts":1}`), "x")
	f.Add([]byte(`{"a":"\ud800","b":[1],"c":1e400,"d":true}`), "a")
	f.Fuzz(func(t *testing.T, data []byte, field string) {
		got, err := readAll(data, field)
		for line := range bytes.Lines(data) {
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if len(got) == 0 {
				if err == nil || !isDeadLetter(line) {
					t.Errorf("%q was not read (error %v)", line, err)
				}
				return
			}
			if !isDeadLetter(line) && !bytes.Equal(got[0].Data, line) {
				t.Errorf("read %q of the line %q", got[0].Data, line)
			}
			if field == "" && got[0].PartitionKey == "" || !utf8.ValidString(got[0].PartitionKey) {
				t.Errorf("partition key %q", got[0].PartitionKey)
			}
			got = got[1:]
		}
		if len(got) > 0 || err != nil {
			t.Errorf("%d records more than lines, error %v", len(got), err)
		}
	})
}

// FuzzDeadLetter: a record that failed comes back from its dead letter as it was.
func FuzzDeadLetter(f *testing.F) {
	f.Add("k", []byte(`{"id":1}`), "Throttled: <&>\u2028")
	f.Add("é", []byte("\xff\x00\n"), "")
	f.Add("k", []byte("line\nline\r\n\u2028\ufffd"), "\xff")
	f.Add(`"\`, []byte(`{"$deadLetter":1}`), "e")
	f.Fuzz(func(t *testing.T, key string, data []byte, reason string) {
		if key == "" || !utf8.ValidString(key) {
			return // such a record has no key to keep
		}
		var file bytes.Buffer
		d := deadLetters{json: json.NewEncoder(&file)}
		d.json.SetEscapeHTML(false)
		if err := d.add(kinesisput.Failure{Record: kinesisput.Record{PartitionKey: key, Data: data}, Err: errors.New(reason), Attempts: 1}); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(file.Bytes(), "")
		if err != nil || len(got) != 1 || got[0].PartitionKey != key || !bytes.Equal(got[0].Data, data) {
			t.Errorf("%q with key %q came back as %q (error %v)\n%s", data, key, got, err, file.Bytes())
		}
	})
}
