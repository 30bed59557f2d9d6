package query

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/number"
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
	_, err = fmt.Fprintf(w, "%s%s\n", out, number.Count(len(cells), "row"))
	return all, err
}

// cell is a value in one line, without anything that would steer the terminal.
func (c column) cell(value any) string {
	if value == nil {
		return "NULL"
	}
	return cli.Printable(string(c.appendText(nil, value)), tableCell)
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
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		header[i] = c.name
		configs[i] = table.ColumnConfig{
			Number: i + 1, AlignHeader: text.AlignLeft,
			WidthMax: widths[i], WidthMaxEnforcer: text.WrapSoft,
		}
		if c.kind == numeric {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t := cli.NewTable(configs...)
	t.AppendHeader(header)
	for _, line := range cells {
		row := make(table.Row, len(line))
		for i, cell := range line {
			row[i] = cell
		}
		t.AppendRow(row)
	}
	return t.Render() + "\n"
}

// renderRecords shows each row as a list of names and values.
func renderRecords(columns []column, cells [][]string, width int) string {
	name := 0
	for _, c := range columns {
		name = max(name, text.StringWidth(c.name))
	}
	t := cli.NewTable(
		table.ColumnConfig{Number: 1, WidthMax: name},
		table.ColumnConfig{Number: 2, WidthMax: max(width-name-len("|  |  |"), recordValue), WidthMaxEnforcer: text.WrapSoft},
	)
	for _, line := range cells {
		for i, c := range columns {
			t.AppendRow(table.Row{c.name, line[i]})
		}
		t.AppendSeparator()
	}
	return t.Render() + "\n"
}
