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

// slot is one time of a terminal's panel, or several that have to share a column.
type slot struct {
	at    time.Time
	value float64
}

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
	slots, merged := p.slots(f, room)
	each := min(max(room/len(slots), 1), widestColumn)

	at := make(map[int]string) // labels by line, from the bottom
	for _, v := range ticks[1:] {
		line := int(v/top*textHeight+0.5) - 1
		at[max(line, 0)] = number.Format(v)
	}
	for line := textHeight - 1; line >= 0; line-- {
		fmt.Fprintf(b, "%*s │", margin, at[line])
		var bars strings.Builder
		for _, s := range slots {
			bar := block(s.value/top*textHeight - float64(line))
			bars.WriteString(strings.Repeat(bar, max(each-1, 1)))
			if each > 1 {
				bars.WriteString(" ")
			}
		}
		fmt.Fprintln(b, strings.TrimRight(bars.String(), " "))
	}
	fmt.Fprintf(b, "%*s └%s\n", margin, "0", strings.Repeat("─", each*len(slots)))

	hours, dates := textLabels(f, slots, each)
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

// slots returns the panel's values in the order of time, bars with the empty hours
// between them, and how many had to be merged into one so that they fit.
func (p panel) slots(f figure, room int) (slots []slot, merged int) {
	sums := p.sums()
	if first, end := f.span(); f.step > 0 {
		for at := first; at.Before(end); at = at.Add(f.step) {
			slots = append(slots, slot{at, sums[at]})
		}
	} else {
		for at, v := range sums {
			slots = append(slots, slot{at, v})
		}
		slices.SortFunc(slots, func(a, b slot) int { return a.at.Compare(b.at) })
	}

	merged = (len(slots) + room - 1) / room
	var means []slot
	for group := range slices.Chunk(slots, merged) {
		mean := slot{at: group[0].at}
		for _, s := range group {
			mean.value += s.value / float64(len(group))
		}
		means = append(means, mean)
	}
	return means, merged
}

// textLabels writes round times below the columns, and the date below each day's
// first.
func textLabels(f figure, slots []slot, each int) (times, dates string) {
	first, end := slots[0].at, slots[len(slots)-1].at
	for _, t := range timeTicks(first, end, f.zone, each*len(slots)/len("15:04:05  ")) {
		i, exact := slices.BinarySearchFunc(slots, t.at, func(s slot, at time.Time) int { return s.at.Compare(at) })
		if !exact {
			i-- // the column that the time shares with others
		}
		label, date, _ := strings.Cut(t.label, "\n")
		times = put(times, i*each, label)
		dates = put(dates, i*each, date)
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
