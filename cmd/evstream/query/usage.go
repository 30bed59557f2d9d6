package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the time zones must load on machines that have no zone files
)

// usageChart draws energy and users per hour, the time zones stacked.
//
// The hours of a record are local to its station. Records of one time zone are
// drawn in its time. Records of several meet on one axis only at the moments that
// their hours name, so they are drawn in UTC.
type usageChart struct {
	timezone, hour, energy, users int // columns

	zones map[string]hours // by the name in the records
}

// hours holds the usage of each local hour, written as if it were UTC.
type hours map[time.Time]usage

type usage struct{ energy, users float64 }

func (u usage) plus(v usage) usage { return usage{u.energy + v.energy, u.users + v.users} }

func (c *usageChart) start(time.Time) { c.zones = make(map[string]hours) }

func (c *usageChart) add(row []any) error {
	hour, ok := row[c.hour].(time.Time)
	if !ok {
		return fmt.Errorf("the chart needs times in the column hour, not %v", row[c.hour])
	}
	zone, _ := row[c.timezone].(string)
	zone = printable(zone)
	if c.zones[zone] == nil {
		c.zones[zone] = make(hours)
	}
	var u usage
	u.energy, _ = toFloat(row[c.energy])
	u.users, _ = toFloat(row[c.users])
	c.zones[zone][hour] = c.zones[zone][hour].plus(u)
	return nil
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
	if len(c.zones) > 1 {
		f.panels[1].label += " in each time zone" // who charges in two counts twice
	} else {
		for name, hours := range c.zones {
			if location, ok := locate(name); ok {
				f.zone = location
				f.axis = fmt.Sprintf("Hour of connection, local time in %s", zoneLabel(name, hours))
			}
		}
	}

	var unplaced, shifted []string
	drawn, rest := c.split()
	for _, name := range slices.Concat(drawn, rest) {
		location, ok := locate(name)
		if !ok {
			unplaced = append(unplaced, cmp.Or(name, "none"))
		}
		if len(c.zones) > 1 && slices.ContainsFunc(slices.Collect(maps.Keys(c.zones[name])), func(h time.Time) bool {
			return !onFullHour(moment(h, location))
		}) {
			shifted = append(shifted, name)
		}
	}
	for _, name := range drawn {
		f.add(zoneLabel(name, c.zones[name]), []string{name}, c.zones)
	}
	if rest != nil {
		f.add(fmt.Sprintf("%d others", len(rest)), rest, c.zones)
	}

	if unplaced != nil {
		f.notes = append(f.notes, "Taken as UTC, for want of a known time zone: "+strings.Join(unplaced, ", ")+".")
	}
	if shifted != nil {
		f.notes = append(f.notes, "Drawn up to 45 minutes early, because their hours do not begin with an hour of UTC: "+strings.Join(shifted, ", ")+".")
	}
	if energy := &f.panels[0]; energy.peak(true) >= 1e7 {
		energy.scale("GWh", 1e6)
	} else if energy.peak(true) >= 1e4 {
		energy.scale("MWh", 1e3)
	}
	return f, true
}

// split returns the zones with the most energy, from west to east, and the rest.
func (c *usageChart) split() (drawn, rest []string) {
	energy := func(name string) float64 {
		sum := 0.0
		for _, u := range c.zones[name] {
			sum += u.energy
		}
		return sum
	}
	names := slices.SortedFunc(maps.Keys(c.zones), func(a, b string) int {
		return cmp.Or(cmp.Compare(energy(b), energy(a)), cmp.Compare(a, b))
	})
	drawn = names
	if len(names) > zonesDrawn+1 { // one alone may as well be named
		drawn, rest = names[:zonesDrawn], names[zonesDrawn:]
	}
	slices.SortFunc(drawn, func(a, b string) int {
		return cmp.Or(cmp.Compare(zoneOffset(a, c.zones[a]), zoneOffset(b, c.zones[b])), cmp.Compare(a, b))
	})
	return drawn, rest
}

// add adds the sum of these zones to the figure as one series.
func (f *figure) add(label string, zones []string, all map[string]hours) {
	sum := make(hours)
	for _, name := range zones {
		location, _ := locate(name)
		for hour, u := range all[name] {
			at := moment(hour, location)
			if f.zone == time.UTC && !onFullHour(at) {
				at = at.Truncate(time.Hour)
			}
			sum[at] = sum[at].plus(u)
		}
	}
	var energy, users []point
	for _, at := range slices.SortedFunc(maps.Keys(sum), time.Time.Compare) {
		energy = append(energy, point{at, sum[at].energy})
		users = append(users, point{at, sum[at].users})
	}
	f.names = append(f.names, label)
	f.panels[0].series = append(f.panels[0].series, energy)
	f.panels[1].series = append(f.panels[1].series, users)
}

// moment is when a local hour was. Of the two that an hour may name when clocks
// are set back, it is the first.
func moment(local time.Time, location *time.Location) time.Time {
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, location).UTC()
}

func onFullHour(at time.Time) bool { return at.Equal(at.Truncate(time.Hour)) }

// locate finds a time zone by its name, or says that UTC has to stand in for it.
func locate(name string) (*time.Location, bool) {
	if name == "" || name == "Local" { // which LoadLocation takes for UTC and this machine's zone
		return time.UTC, false
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC, false
	}
	return location, true
}

// zoneOffset is a zone's distance from UTC in the newest of the hours, in seconds.
func zoneOffset(name string, hours hours) int {
	location, _ := locate(name)
	newest := slices.MaxFunc(slices.Collect(maps.Keys(hours)), time.Time.Compare)
	_, offset := moment(newest, location).In(location).Zone()
	return offset
}

// zoneLabel is a zone's name with its distance from UTC in the newest of the
// hours, as in Asia/Kolkata (UTC+5:30).
func zoneLabel(name string, hours hours) string {
	if _, ok := locate(name); !ok {
		return cmp.Or(name, "none") + " (unknown)"
	}
	offset := zoneOffset(name, hours)
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	label := fmt.Sprintf("%s (UTC%s%d", name, sign, offset/3600)
	if minutes := offset % 3600 / 60; minutes > 0 {
		label += fmt.Sprintf(":%02d", minutes)
	}
	return label + ")"
}
