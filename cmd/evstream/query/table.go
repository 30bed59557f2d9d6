package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

const (
	tableRows   = 1000 // a table is held in memory, and longer ones are read by no one
	tableCell   = 300  // runes of a value that a table shows
	narrowest   = 12   // columns of text are not made narrower than this to fit
	recordValue = 20   // nor the values of a row that is shown as a record
)

// writeTable writes the rows as a table, no wider than width unless that is 0.
// Texts are folded to make it fit. A result with too many columns for that is
// shown row by row, each as a list of its values. It returns false when there are
// more rows than it shows, and reads these only if it is to read to the end.
func writeTable(w io.Writer, r result, width int, toTheEnd bool) (all bool, err error) {
	all = true
	var cells [][]string
	for row, err := range r.rows {
		if err != nil {
			return false, err
		}
		if len(cells) == tableRows {
			all = false
			if toTheEnd {
				continue
			}
			break
		}
		line := make([]string, len(row))
		for i, c := range r.columns {
			line[i] = c.cell(row[i])
		}
		cells = append(cells, line)
	}

	var out string
	if widths, ok := fit(r.columns, cells, width); ok {
		out = renderTable(r.columns, cells, widths)
	} else {
		out = renderRecords(r.columns, cells, width)
	}
	rows := "rows"
	if len(cells) == 1 {
		rows = "row"
	}
	_, err = fmt.Fprintf(w, "%s%d %s\n", out, len(cells), rows)
	return all, err
}

// cell is a value in one line, without anything that would steer the terminal.
func (c column) cell(value any) string {
	if value == nil {
		return "NULL"
	}
	return printable(string(c.appendText(nil, value)))
}

// printable is a text from a record in one line of bounded length, with what
// would steer the terminal spelt out.
func printable(text string) string {
	var b strings.Builder
	runes := 0
	for _, r := range text {
		if runes == tableCell {
			return b.String() + "…"
		}
		runes++
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// folds says whether a column's values may be broken into lines. Numbers and
// times must stay whole.
func (c column) folds() bool { return c.kind == plain || c.kind == document }

// fit returns how wide each column may be so that the table is not wider than
// width, or false when it cannot be.
func fit(columns []column, cells [][]string, width int) ([]int, bool) {
	widths, least := make([]int, len(columns)), make([]int, len(columns))
	total := 1
	for i, c := range columns {
		for _, line := range cells {
			widths[i] = max(widths[i], text.StringWidth(line[i]))
		}
		head := text.StringWidth(c.name)
		least[i] = max(widths[i], min(head, narrowest))
		widths[i] = max(widths[i], head)
		if c.folds() {
			least[i] = min(widths[i], narrowest)
		}
		total += widths[i] + len("| ") + len(" ")
	}
	if width == 0 {
		return widths, true
	}

	for ; total > width; total-- {
		widest := -1
		for i := range widths {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
	}
	return widths, true
}

func renderTable(columns []column, cells [][]string, widths []int) string {
	t := newTable()
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		header[i] = c.name
		configs[i] = table.ColumnConfig{
			Number: i + 1, AlignHeader: text.AlignLeft,
			WidthMax: widths[i], WidthMaxEnforcer: text.WrapSoft,
		}
		if c.kind == number {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	for _, line := range cells {
		t.AppendRow(toRow(line))
	}
	return t.Render() + "\n"
}

// renderRecords shows each row as a list of names and values.
func renderRecords(columns []column, cells [][]string, width int) string {
	name := 0
	for _, c := range columns {
		name = max(name, text.StringWidth(c.name))
	}
	t := newTable()
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMax: name},
		{Number: 2, WidthMax: max(width-name-len("|  |  |"), recordValue), WidthMaxEnforcer: text.WrapSoft},
	})
	for _, line := range cells {
		for i, c := range columns {
			t.AppendRow(table.Row{c.name, line[i]})
		}
		t.AppendSeparator()
	}
	return t.Render() + "\n"
}

func newTable() table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault // names as the database gives them
	t.SetStyle(style)
	return t
}

func toRow(line []string) table.Row {
	row := make(table.Row, len(line))
	for i, cell := range line {
		row[i] = cell
	}
	return row
}

// displayWidth is how many columns there are to write in: those of the terminal,
// or COLUMNS, or 0 where nothing limits them.
func displayWidth(w io.Writer, getenv func(string) string) int {
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
