package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// FuzzTerminal: whatever is written, in whatever pieces, nothing of it steers the
// terminal, what prints stays as it is, and JSON stays JSON of the same value.
func FuzzTerminal(f *testing.F) {
	f.Add("plain, grüße 🔌\nlines\n\ttab", 1)
	f.Add("\x1b]0;x\x07\x1b[31m\u009b\u202e\r\b\x7f", 3)
	f.Add("\xff\xc3(\U000e0001", 2)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		shown := func(text string) string {
			var out bytes.Buffer
			w := &terminal{file: &out}
			for rest := []byte(text); len(rest) > 0; {
				n := min(max(piece, 1), len(rest))
				if _, err := w.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			return out.String()
		}
		steers := func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
		got := shown(text)
		if strings.ContainsFunc(got, steers) {
			t.Errorf("%q is shown as %q", text, got)
		}
		if !strings.ContainsFunc(text, steers) && !strings.ContainsRune(text, unicode.ReplacementChar) && got != text {
			t.Errorf("%q, which prints, is shown as %q", text, got)
		}

		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want, back string
		if err := json.Unmarshal(quoted, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(shown(string(quoted))), &back); err != nil || back != want {
			t.Errorf("%s is shown as %s (error %v)", quoted, shown(string(quoted)), err)
		}
	})
}
