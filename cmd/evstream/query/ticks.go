package query

import (
	"math"
	"time"
)

// timeSteps are the distances between labels on an axis of time.
var timeSteps = [...]time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 365 * day,
}

const day = 24 * time.Hour

type tick struct {
	at    time.Time
	label string // in two lines when it names the day, too
}

// timeTicks returns round times of the zone's clock from first to end, at most
// about so many. Each day's first is labelled with its date.
func timeTicks(first, end time.Time, zone *time.Location, most int) []tick {
	step := timeSteps[len(timeSteps)-1]
	for i := len(timeSteps) - 1; i >= 0 && end.Sub(first)/timeSteps[i] < time.Duration(most); i-- {
		step = timeSteps[i]
	}
	layout := "15:04"
	if step < time.Minute {
		layout = "15:04:05"
	}

	var ticks []tick
	local := first.In(zone)
	days := max(int(step/day), 1)
	for n := 0; ; n += days {
		midnight := time.Date(local.Year(), local.Month(), local.Day()+n, 0, 0, 0, 0, zone)
		if midnight.After(end) {
			return ticks
		}
		named := false
		for since := time.Duration(0); since < day; since += min(step, day) {
			// By the clock, also on the day on which it is set.
			at := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, 0, int(since/time.Second), 0, zone)
			if at.Before(first) || at.After(end) {
				continue
			}
			label := at.Format(layout)
			date := at.Format("2 Jan")
			switch {
			case step >= day:
				label = date
			case !named:
				label += "\n" + date
			}
			named = true
			ticks = append(ticks, tick{at, label})
		}
	}
}

// valueTicks returns round numbers from 0 to the first that is not below top.
func valueTicks(top float64, most int) []float64 {
	if top <= 0 {
		return []float64{0, 1}
	}
	step := math.Pow(10, math.Floor(math.Log10(top/float64(most))))
	for _, by := range []float64{1, 2, 5, 10} {
		if top/(step*by) <= float64(most) {
			step *= by
			break
		}
	}
	if top >= 1 {
		step = max(step, 1) // there are no fractions of users
	}
	var ticks []float64
	for n := 0; ; n++ {
		ticks = append(ticks, float64(n)*step)
		if float64(n)*step >= top {
			return ticks
		}
	}
}
