package query

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzFormats: whatever a text in the warehouse holds, CSV and JSON readers get it back,
// a JSON line is one line, and nothing steers the terminal that shows the table.
func FuzzFormats(f *testing.F) {
	for _, seed := range []string{"", "harbor-7", "a,\"b\"\r\n", "\x1b[31m\x07\u202e", "NULL", `{"a":[1, null]}`, "1e400", "-", "1\n", "007", "\\N", "=1+1", "🔌\u2028", strings.Repeat("x", 400)} {
		for k := range kinds {
			f.Add(seed, k)
		}
	}
	f.Fuzz(func(t *testing.T, text string, k int) {
		if !utf8.ValidString(text) {
			return // the Data API's answers are JSON, which is UTF-8
		}
		columns := []column{{"first", kinds[max(0, k)%len(kinds)]}, {"second", plain}}
		of := func() result {
			return result{columns, func(yield func([]any, error) bool) { yield([]any{text, nil}, nil) }}
		}
		var out bytes.Buffer
		if err := writeCSV(&out, of(), false); err != nil {
			t.Fatal(err)
		}
		fields, err := csv.NewReader(&out).Read()
		if err != nil || len(fields) != 2 || fields[0] != strings.ReplaceAll(text, "\r\n", "\n") || fields[1] != "" {
			t.Errorf("%q read from CSV is %q (error %v)", text, fields, err)
		}

		out.Reset()
		if err := writeJSON(&out, of(), false); err != nil {
			t.Fatal(err)
		}
		var object struct{ First, Second any }
		if err := json.Unmarshal(out.Bytes(), &object); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
			t.Errorf("%q as a line of JSON is %q (error %v)", text, &out, err)
		} else if columns[0].kind == plain && object.First != text {
			t.Errorf("%q read from JSON is %q", text, object.First)
		}

		out.Reset()
		if _, err := writeTable(&out, of(), 80, true); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%q in a table is %q", text, &out)
		}
	})
}

var kinds = []kind{plain, numeric, document, date, timestamp, instant}
