package query

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the time zones must load on machines that have no zone files

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/number"
)

// usageChart draws energy and users per hour, the time zones stacked.
//
// The hours of a record are local to its station. Records of one time zone are
// drawn in its time. Records of several meet on one axis only at the moments that
// their hours name, so they are drawn in UTC.
type usageChart struct {
	timezone, hour, energy, users int // columns

	zones map[string]*zone // by the name in the records
}

// zone is the usage of the records of one time zone.
type zone struct {
	name     string
	location *time.Location
	known    bool // UTC stands in for it if it is not
	hours    map[time.Time]usage
}

type usage struct{ energy, users float64 }

func (u usage) plus(v usage) usage { return usage{u.energy + v.energy, u.users + v.users} }

func (c *usageChart) start(time.Time) { c.zones = make(map[string]*zone) }

func (c *usageChart) add(row []any) error {
	hour, ok := row[c.hour].(time.Time)
	if !ok {
		return fmt.Errorf("the chart needs times in the column hour, not %v", row[c.hour])
	}
	name, _ := row[c.timezone].(string)
	z := c.zones[name]
	if z == nil {
		z = newZone(name)
		c.zones[name] = z
	}
	// Of the two moments that an hour may name when clocks are set back, it is the
	// first.
	at := time.Date(hour.Year(), hour.Month(), hour.Day(), hour.Hour(), 0, 0, 0, z.location).UTC()
	z.hours[at] = z.hours[at].plus(usage{toDraw(row[c.energy]), toDraw(row[c.users])})
	return nil
}

func newZone(name string) *zone {
	z := &zone{name: cmp.Or(cli.Printable(name, tableCell), "none"), location: time.UTC, hours: make(map[time.Time]usage)}
	if name == "" || name == "Local" { // which LoadLocation takes for UTC and this machine's zone
		return z
	}
	if location, err := time.LoadLocation(name); err == nil {
		z.location, z.known = location, true
	}
	return z
}

// offset is the zone's distance from UTC in the newest of its hours, in seconds.
func (z *zone) offset() int {
	newest := slices.MaxFunc(slices.Collect(maps.Keys(z.hours)), time.Time.Compare)
	_, offset := newest.In(z.location).Zone()
	return offset
}

func (z *zone) totalEnergy() float64 {
	sum := 0.0
	for _, u := range z.hours {
		sum += u.energy
	}
	return sum
}

// label is the zone's name with its distance from UTC, as in Asia/Kolkata
// (UTC+5:30).
func (z *zone) label() string {
	if !z.known {
		return z.name + " (unknown)"
	}
	return fmt.Sprintf("%s (UTC%s)", z.name, strings.Replace(offsetText(z.offset()), "-", "−", 1))
}

func offsetText(seconds int) string {
	text := fmt.Sprintf("%+d", seconds/3600)
	if minutes := max(seconds, -seconds) % 3600 / 60; minutes > 0 {
		text += fmt.Sprintf(":%02d", minutes)
	}
	return text
}

// onFullHour says whether the zone's hours begin with an hour of UTC.
func (z *zone) onFullHour() bool {
	for at := range z.hours {
		if !at.Equal(at.Truncate(time.Hour)) {
			return false
		}
	}
	return true
}

// zonesDrawn is how many time zones are told apart; the rest is drawn as one.
const zonesDrawn = 6

func (c *usageChart) figure() (figure, bool) {
	if len(c.zones) == 0 {
		return figure{}, false
	}
	f := figure{
		title:  "EV charging: energy and users per hour",
		axis:   "Hour of connection, UTC",
		zone:   time.UTC,
		step:   time.Hour,
		legend: "Station's time zone",
		panels: []panel{{label: "Energy", unit: "kWh"}, {label: "Distinct users"}},
	}
	first, last, note := c.leaveOutFar()
	drawn, rest := c.split()
	all := slices.Concat(drawn, rest)
	f.note("Taken as UTC, for want of a known time zone", all, func(z *zone) bool { return !z.known })
	if len(all) > 1 {
		f.panels[1].label += " in each time zone" // who charges in two counts twice
		f.note("Drawn up to 45 minutes early, because their hours do not begin with an hour of UTC", all,
			func(z *zone) bool { return !z.onFullHour() })
	} else if z := all[0]; z.known {
		f.zone = z.location
		f.axis = "Hour of connection, local time in " + z.label()
	}
	if f.zone == time.UTC {
		first = first.Truncate(f.step)
	}
	for at := first; !at.After(last); at = at.Add(f.step) {
		f.times = append(f.times, at)
	}
	for _, z := range drawn {
		f.add(z.label(), z)
	}
	if rest != nil {
		f.add(number.Format(len(rest))+" others", rest...)
	}
	if note != "" {
		f.notes = append(f.notes, note)
	}
	switch energy := &f.panels[0]; {
	case energy.peak() >= 1e7:
		energy.scale("GWh", 1e6)
	case energy.peak() >= 1e4:
		energy.scale("MWh", 1e3)
	}
	return f, true
}

// note adds what holds for those of the zones.
func (f *figure) note(text string, zones []*zone, holds func(*zone) bool) {
	var names []string
	for _, z := range zones {
		if holds(z) {
			names = append(names, z.name)
		}
	}
	if names != nil {
		f.notes = append(f.notes, text+": "+strings.Join(names, ", ")+".")
	}
}

// longest is the longest time that one chart covers.
const longest = 400 * day

// leaveOutFar drops the hours outside of the stretch that holds the most hours: a
// record may name any year, and one would make all others invisible. It returns the
// first and the last hour that are left, and a note about the others.
func (c *usageChart) leaveOutFar() (first, last time.Time, note string) {
	var all []time.Time
	for _, z := range c.zones {
		all = slices.AppendSeq(all, maps.Keys(z.hours))
	}
	slices.SortFunc(all, time.Time.Compare)
	kept := all[:0]
	for from, to := 0, 0; to < len(all); to++ {
		for all[to].After(all[from].Add(longest)) {
			from++
		}
		if to+1-from >= len(kept) { // of two such stretches the newer
			kept = all[from : to+1]
		}
	}
	first, last = kept[0], kept[len(kept)-1]
	for name, z := range c.zones {
		maps.DeleteFunc(z.hours, func(at time.Time, _ usage) bool { return at.Before(first) || at.After(last) })
		if len(z.hours) == 0 {
			delete(c.zones, name)
		}
	}
	if left := len(all) - len(kept); left > 0 {
		note = fmt.Sprintf("Left out, too far from the others: %s between %s and %s.",
			number.Count(left, "hour"), all[0].Format(time.DateOnly), all[len(all)-1].Format(time.DateOnly))
	}
	return first, last, note
}

// split returns the zones with the most energy, from west to east, and the rest.
func (c *usageChart) split() (drawn, rest []*zone) {
	drawn = slices.SortedFunc(maps.Values(c.zones), func(a, b *zone) int {
		return cmp.Or(cmp.Compare(b.totalEnergy(), a.totalEnergy()), cmp.Compare(a.name, b.name))
	})
	if len(drawn) > zonesDrawn+1 { // one alone may as well be named
		drawn, rest = drawn[:zonesDrawn], drawn[zonesDrawn:]
	}
	slices.SortFunc(drawn, func(a, b *zone) int {
		return cmp.Or(cmp.Compare(a.offset(), b.offset()), cmp.Compare(a.name, b.name))
	})
	return drawn, rest
}

// add adds the sum of these zones to the figure as one series.
func (f *figure) add(label string, zones ...*zone) {
	energy, users := make([]float64, len(f.times)), make([]float64, len(f.times))
	for _, z := range zones {
		for at, u := range z.hours {
			i := at.Sub(f.times[0]) / f.step
			energy[i] += u.energy
			users[i] += u.users
		}
	}
	f.names = append(f.names, label)
	f.panels[0].series = append(f.panels[0].series, energy)
	f.panels[1].series = append(f.panels[1].series, users)
}
