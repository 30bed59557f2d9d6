package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/cost"
	"example.com/evstream/internal/number"
)

// report is what one load costs and meets.
type report struct {
	Load   load         `json:"load"`
	Bill   cost.Bill    `json:"bill"`
	Total  cost.Cents   `json:"total"`
	Sample cost.Bill    `json:"cdkSample"`
	Theirs cost.Cents   `json:"cdkSampleTotal"`
	Limits []cost.Limit `json:"limits"` // what binds first at the top
}

type load struct {
	EventsPerSecond     float64 `json:"eventsPerSecond"`
	BytesPerEvent       int     `json:"bytesPerEvent"`
	MBPerSecond         float64 `json:"mbPerSecond"`
	ShardsNeeded        int     `json:"shardsNeeded"`
	PutRecordsPerSecond float64 `json:"putRecordsPerSecond"` // at least
}

func newReport(prices cost.Prices, s cost.Settings) (report, error) {
	bill, err := prices.Monthly(s)
	if err != nil {
		return report{}, cli.Usagef("%w", err)
	}
	sample, err := prices.Monthly(s.Sample())
	if err != nil {
		return report{}, fmt.Errorf("the CDK sample: %w", err)
	}
	limits, err := cost.Limits(s)
	if err != nil {
		return report{}, err
	}
	return report{
		Load: load{
			EventsPerSecond:     s.EventsPerSecond,
			BytesPerEvent:       s.BytesPerEvent,
			MBPerSecond:         s.MBPerSecond(),
			ShardsNeeded:        s.ShardsNeeded(),
			PutRecordsPerSecond: s.PutRecordsPerSecond(),
		},
		Bill: bill, Total: bill.Total(),
		Sample: sample, Theirs: sample.Total(),
		Limits: limits,
	}, nil
}

func write(w io.Writer, prices cost.Prices, o *options) error {
	r, err := newReport(prices, o.settings)
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(r)
	}
	_, err = io.WriteString(w, r.text())
	return err
}

// text is the report for people.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s records/s of %s bytes: %s MB/s, %s, at least %s PutRecords calls/s\n\n",
		number.Format(r.Load.EventsPerSecond), number.Format(r.Load.BytesPerEvent), number.Format(r.Load.MBPerSecond),
		number.Count(r.Load.ShardsNeeded, "shard"), number.Format(r.Load.PutRecordsPerSecond))

	fmt.Fprintf(&b, "A month in %s, %s, with prices of %s\n%s\n", r.Bill.Region, r.Bill.If, r.Bill.Seen, r.bills())
	fmt.Fprintf(&b, "Which limit is met first\n%s\n", r.limits())
	list(&b, "Assumed", r.Bill.Assumptions)
	list(&b, "Not counted", r.Bill.LeftOut)
	if names := r.unofficial(); len(names) > 0 {
		fmt.Fprintf(&b, "Prices that do not come from AWS itself (the price file has the sources); compare them with https://aws.amazon.com/pricing/\n  %s\n",
			strings.Join(names, "; "))
	}
	return b.String()
}

func list(b *strings.Builder, title string, remarks []string) {
	if len(remarks) == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", title)
	for _, remark := range remarks {
		fmt.Fprintf(b, "  - %s\n", remark)
	}
}

// bills shows both bills side by side, term by term.
func (r report) bills() string {
	t := cli.NewTable(cli.Right(4), cli.Right(5))
	t.AppendHeader(table.Row{"term", "how much", "at", "these settings", "CDK sample"})
	row := func(item string) {
		ours, oursToo := find(r.Bill, item)
		theirs, theirsToo := find(r.Sample, item)
		line, cells := ours, [2]string{}
		if oursToo {
			cells[0] = ours.Amount.String()
		} else {
			line = theirs
		}
		if theirsToo {
			cells[1] = theirs.Amount.String()
		}
		t.AppendRow(table.Row{line.Name, line.How, line.Price.Dollars(), cells[0], cells[1]})
	}
	var done []string
	for _, l := range append(slices.Clone(r.Bill.Lines), r.Sample.Lines...) {
		if !slices.Contains(done, l.Price.Item) {
			done = append(done, l.Price.Item)
			row(l.Price.Item)
		}
	}
	t.AppendSeparator()
	t.AppendRow(table.Row{"a month", "", "", r.Total.String(), r.Theirs.String()})
	return t.Render() + "\nThe CDK sample: 128 RPU × 730 h, a stream on demand, automatic refresh.\n"
}

func find(b cost.Bill, item string) (cost.Line, bool) {
	i := slices.IndexFunc(b.Lines, func(l cost.Line) bool { return l.Price.Item == item })
	if i < 0 {
		return cost.Line{}, false
	}
	return b.Lines[i], true
}

// tight is the share of a limit from which on there is advice.
const tight = 0.8

func (r report) limits() string {
	t := cli.NewTable(cli.Right(1))
	t.AppendHeader(table.Row{"used", "limit", "load"})
	for _, l := range r.Limits {
		t.AppendRow(table.Row{percent(l.Share()), l.Name, fmt.Sprintf("%s of %s %s", number.Format(l.Used), number.Format(l.Most), l.Unit)})
	}
	text := t.Render() + "\n"
	for _, l := range r.Limits {
		text += advice(l)
	}
	return text
}

// advice is a line for a limit that is nearly met or exceeded.
func advice(l cost.Limit) string {
	if l.Share() < tight {
		return ""
	}
	return fmt.Sprintf("  %s: %s\n", l.Name, l.Advice)
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return "< 1 %"
	}
	return number.Format(int(share*100)) + " %"
}

// unofficial names the terms whose price was not seen at AWS.
func (r report) unofficial() []string {
	var names []string
	for _, l := range r.Bill.Lines {
		if !l.Price.Official {
			names = append(names, l.Name)
		}
	}
	return names
}

// writeLoads compares several loads in both stream modes, as Markdown. Below it is what
// holds for all of them: whether their records are too large.
func writeLoads(w io.Writer, prices cost.Prices, o *options) error {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"records/s", "MB/s", "shards", "PutRecords/s", "a month, on demand", "its first limit", "a month, provisioned", "its first limit"})
	var size string
	for _, events := range o.loads {
		row := table.Row{}
		for _, mode := range []string{cost.OnDemand, cost.Provisioned} {
			s := o.settings
			s.EventsPerSecond, s.StreamMode = events, mode
			r, err := newReport(prices, s)
			if err != nil {
				return fmt.Errorf("%s records/s, %s: %w", number.Format(events), mode, err)
			}
			if len(row) == 0 {
				row = append(row, number.Format(events), number.Format(r.Load.MBPerSecond), number.Format(r.Load.ShardsNeeded), number.Format(r.Load.PutRecordsPerSecond))
			}
			for _, l := range r.Limits {
				if l.Name == cost.RecordSize {
					size = advice(l)
				}
			}
			row = append(row, r.Total.String(), fmt.Sprintf("%s (%s)", r.Limits[0].Name, percent(r.Limits[0].Share())))
		}
		t.AppendRow(row)
	}
	_, err := fmt.Fprintf(w, "%s\n%s", t.RenderMarkdown(), size)
	return err
}
