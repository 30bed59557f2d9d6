package query

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"example.com/evstream/internal/number"
)

const (
	textHeight   = 8  // lines of a panel
	textWidth    = 80 // where nothing says how wide the terminal is
	widestColumn = 4  // for one time, with the gap
)

// writeTextChart draws the figure with block characters, the series of a stack as
// one, no wider than width unless that is 0.
func writeTextChart(w io.Writer, f figure, width int) error {
	if width == 0 {
		width = textWidth
	}
	var b strings.Builder
	fmt.Fprintln(&b, f.title)
	for _, p := range f.panels {
		fmt.Fprintf(&b, "\n%s\n", p.title())
		writeTextPanel(&b, f, p, width)
	}
	about := f.axisTitle() + "."
	if len(f.names) > 1 {
		about += " The sum of " + strings.Join(f.names, ", ") + "."
	}
	fmt.Fprintln(&b)
	for _, line := range append([]string{about}, f.notes...) {
		for wrapped := range strings.Lines(text.WrapSoft(line, width)) {
			fmt.Fprintln(&b, strings.TrimSpace(wrapped))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeTextPanel(b *strings.Builder, f figure, p panel, width int) {
	ticks := valueTicks(p.peak(), 4)
	top := ticks[len(ticks)-1]
	margin := 0
	for _, v := range ticks {
		margin = max(margin, len(number.Format(v)))
	}

	room := max(width-margin-len(" │")+2, 10) // the rule is one column wide
	merged := (len(f.times) + room - 1) / room
	var columns []float64
	for group := range slices.Chunk(p.sums(), merged) {
		mean := 0.0
		for _, v := range group {
			mean += v / float64(len(group))
		}
		columns = append(columns, mean)
	}
	each := min(max(room/len(columns), 1), widestColumn)

	at := make(map[int]string) // labels by line, from the bottom
	for _, v := range ticks[1:] {
		line := int(v/top*textHeight+0.5) - 1
		at[max(line, 0)] = number.Format(v)
	}
	for line := textHeight - 1; line >= 0; line-- {
		fmt.Fprintf(b, "%*s │", margin, at[line])
		var bars strings.Builder
		for _, v := range columns {
			bar := block(v/top*textHeight - float64(line))
			bars.WriteString(strings.Repeat(bar, max(each-1, 1)))
			if each > 1 {
				bars.WriteString(" ")
			}
		}
		fmt.Fprintln(b, strings.TrimRight(bars.String(), " "))
	}
	fmt.Fprintf(b, "%*s └%s\n", margin, "0", strings.Repeat("─", each*len(columns)))

	hours, dates := f.textLabels(merged, each)
	for _, line := range []string{hours, dates} {
		if line != "" {
			fmt.Fprintln(b, strings.Repeat(" ", margin+2)+line)
		}
	}
	if merged > 1 {
		fmt.Fprintf(b, "Each column is the mean of %d.\n", merged)
	}
}

// block is a column's character in a line that it fills to this share.
func block(share float64) string {
	eighths := []string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
	return eighths[min(max(int(share*8+0.5), 0), 8)]
}

// textLabels writes round times below the columns, and the date below each day's
// first. A column is so many wide and stands for so many times.
func (f figure) textLabels(merged, each int) (times, dates string) {
	first, last := f.times[0], f.times[len(f.times)-1]
	for _, t := range timeTicks(first, last, f.zone, len(f.times)/merged*each/len("15:04:05  ")) {
		i, exact := slices.BinarySearchFunc(f.times, t.at, time.Time.Compare)
		if !exact {
			i-- // the column that the time shares with others
		}
		label, date, _ := strings.Cut(t.label, "\n")
		times = put(times, i/merged*each, label)
		dates = put(dates, i/merged*each, date)
	}
	if times == "" { // too few columns for a round time
		at := first.In(f.zone)
		return at.Format(time.TimeOnly), at.Format("2 Jan")
	}
	return times, dates
}

// put sets a word at a column of the line if there is room for it.
func put(line string, column int, word string) string {
	if word == "" || line != "" && len(line)+2 > column {
		return line
	}
	return line + strings.Repeat(" ", column-len(line)) + word
}
