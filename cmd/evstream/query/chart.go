package query

import (
	"fmt"
	"slices"
	"time"

	"example.com/evstream/cmd/evstream/cli"
)

// chart gathers what a query's rows say and makes a figure of it.
type chart interface {
	start(now time.Time)         // a round of the query begins
	add(row []any) error         // one of its rows
	figure() (_ figure, ok bool) // false as long as there is nothing to draw
}

// figure is what is to be drawn, on paper or in the terminal: panels above each
// other that share the axis of time.
type figure struct {
	title  string
	axis   string         // what the times are, with their zone
	zone   *time.Location // in which the times are written
	step   time.Duration  // what a bar covers; 0 draws lines
	times  []time.Time    // of the values, in order; with bars every step, also those without a value
	names  []string       // of the series, bottom of the stack first
	legend string         // what the names are
	notes  []string       // what else a reader must know
	panels []panel
}

type panel struct {
	label  string      // what is drawn
	unit   string      // of the values
	series [][]float64 // one for each name, with a value for each time
}

// newChart returns the chart for a result with these columns.
func newChart(columns []column, watching bool) (chart, error) {
	if at, ok := find(columns, "timezone", "hour", "energy_kwh", "users"); ok {
		return &usageChart{timezone: at[0], hour: at[1], energy: at[2], users: at[3]}, nil
	}
	if at, ok := find(columns, "lag_seconds", "load_seconds"); ok {
		if !watching {
			return nil, cli.Usagef("--chart draws how the lag changes: add --watch 5s")
		}
		return &lagChart{lag: at[0], load: at[1]}, nil
	}
	return nil, cli.Usagef("--chart draws usage (columns timezone, hour, energy_kwh and users) " +
		"and freshness (lag_seconds and load_seconds), and this result is neither")
}

// find returns where the columns of these names are.
func find(columns []column, names ...string) (at []int, ok bool) {
	for _, name := range names {
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		if i < 0 {
			return nil, false
		}
		at = append(at, i)
	}
	return at, true
}

// toDraw is a value as a height, 0 for NULL and for what has none. Neither the sum of
// heights nor the step between labels may leave the range of a float64.
func toDraw(value any) float64 {
	f, ok := toFloat(value)
	if !ok || !(f > 1e-100 && f < 1e100) {
		return 0
	}
	return f
}

// sums are the panel's values with the series on top of each other.
func (p panel) sums() []float64 {
	sums := make([]float64, len(p.series[0]))
	for _, series := range p.series {
		for i, v := range series {
			sums[i] += v
		}
	}
	return sums
}

// peak is the highest of the panel's sums.
func (p panel) peak() float64 { return slices.Max(p.sums()) }

// scale divides the panel's values, for a larger unit.
func (p *panel) scale(unit string, by float64) {
	p.unit = unit
	for _, series := range p.series {
		for i := range series {
			series[i] /= by
		}
	}
}

// title is the panel's label with its unit.
func (p panel) title() string {
	if p.unit == "" {
		return p.label
	}
	return fmt.Sprintf("%s (%s)", p.label, p.unit)
}

// span returns the first time of the figure and the end of its last.
func (f figure) span() (first, end time.Time) {
	return f.times[0], f.times[len(f.times)-1].Add(f.step)
}

// axisTitle is what the times are, with the year that their labels leave out.
func (f figure) axisTitle() string {
	first, end := f.span()
	year := first.In(f.zone).Format("2006")
	if last := end.In(f.zone).Format("2006"); last != year {
		year += " to " + last
	}
	return f.axis + ", " + year
}

// lagChart draws two lines with a point for each look at freshness.
type lagChart struct {
	lag, load int // columns

	now         time.Time
	times       []time.Time
	lags, waits []float64
}

// looks is how many points a line has at most; the oldest go first.
const looks = 10_000

func (c *lagChart) start(now time.Time) { c.now = now }

func (c *lagChart) add(row []any) error {
	if row[c.lag] == nil {
		return nil // no record yet, so nothing lags
	}
	c.times = append(c.times, c.now)
	c.lags = append(c.lags, toDraw(row[c.lag]))
	c.waits = append(c.waits, toDraw(row[c.load]))
	if len(c.times) > looks {
		c.times, c.lags, c.waits = c.times[1:], c.lags[1:], c.waits[1:]
	}
	return nil
}

func (c *lagChart) figure() (figure, bool) {
	if len(c.lags) == 0 {
		return figure{}, false
	}
	f := figure{
		title: "Freshness of the streaming view",
		axis:  "Time of the look, UTC",
		zone:  time.UTC,
		times: c.times,
		names: []string{"lag"},
		notes: []string{"The age of the newest record grows while nobody writes to the stream, too."},
		panels: []panel{
			{label: "Age of newest record", unit: "s", series: [][]float64{slices.Clone(c.lags)}},
			{label: "Its wait for a refresh", unit: "s", series: [][]float64{slices.Clone(c.waits)}},
		},
	}
	for i := range f.panels {
		switch p := &f.panels[i]; {
		case p.peak() >= 3*60*60:
			p.scale("h", 60*60)
		case p.peak() >= 5*60:
			p.scale("min", 60)
		}
	}
	return f, true
}
