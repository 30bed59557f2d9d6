package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Terminal returns f, or what spells out whatever would steer the terminal if f is
// one: what is written may come from a record. Files and pipes get every byte as it
// is.
func Terminal(f *os.File) io.Writer {
	if term.IsTerminal(int(f.Fd())) {
		return &terminal{file: f}
	}
	return f
}

type terminal struct {
	file io.Writer
	rest []byte // of a character that is not whole yet
}

func (t *terminal) Write(p []byte) (int, error) {
	data := append(t.rest, p...)
	var out []byte
	for len(data) > 0 && utf8.FullRune(data) {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, data[0])
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			out = append(out, data[:size]...)
		default:
			out = appendEscaped(out, r)
		}
		data = data[size:]
	}
	t.rest = append([]byte(nil), data...)
	if _, err := t.file.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// appendEscaped spells out a character as JSON does, so that JSON stays JSON.
func appendEscaped(b []byte, r rune) []byte {
	for _, unit := range utf16.AppendRune(nil, r) {
		b = fmt.Appendf(b, `\u%04x`, unit)
	}
	return b
}

// Printable is a text from a record in one line of at most so many characters, with
// what would steer the terminal spelt out.
func Printable(text string, most int) string {
	var b []byte
	runes := 0
	for _, r := range text {
		if runes == most {
			return string(b) + "…"
		}
		runes++
		if unicode.IsPrint(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		quoted := strconv.AppendQuoteRune(nil, r)
		b = append(b, quoted[1:len(quoted)-1]...)
	}
	return string(b)
}

// ClearScreen empties the terminal, and says whether w is one.
func ClearScreen(w io.Writer) bool {
	t, ok := w.(*terminal)
	if ok {
		io.WriteString(t.file, "\x1b[H\x1b[2J")
	}
	return ok
}

// Width is how many columns there are to write in: COLUMNS, or those of the
// terminal, or 0 where nothing limits them.
func Width(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if t, ok := w.(*terminal); ok {
		if f, ok := t.file.(*os.File); ok {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil {
				return width
			}
		}
	}
	return 0
}

// NewTable returns a table with columns of these settings.
func NewTable(columns ...table.ColumnConfig) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault // names as they are
	t.SetStyle(style)
	t.SetColumnConfigs(columns)
	return t
}

// Right makes a table's column align to the right.
func Right(column int) table.ColumnConfig {
	return table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight}
}
