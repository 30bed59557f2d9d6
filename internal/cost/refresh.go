package cost

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// How the streaming view is refreshed, unless on a schedule.
const (
	autoRefresh   = "auto"
	manualRefresh = "manual"
)

// The expressions of EventBridge Scheduler.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
var (
	rate = regexp.MustCompile(`^rate\(([1-9][0-9]{0,4}) (minute|hour|day)s?\)$`)
	cron = regexp.MustCompile(`^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$`)
)

// runsPerMonth is how often a schedule runs in a month. For a cron expression
// that names days, months or years it is how often it would run if it ran every
// day, which atMost says.
func runsPerMonth(schedule string) (runs float64, atMost bool, err error) {
	if m := rate.FindStringSubmatch(schedule); m != nil {
		every, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, false, err
		}
		minutes := map[string]int{"minute": 1, "hour": 60, "day": 24 * 60}[m[2]]
		return HoursPerMonth * 60 / float64(every*minutes), false, nil
	}
	m := cron.FindStringSubmatch(schedule)
	if m == nil {
		return 0, false, fmt.Errorf("refresh is %q: it is auto, manual, rate(VALUE minutes|hours|days), or "+
			"cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)", schedule)
	}
	minutes, err := values(m[1], 59)
	if err != nil {
		return 0, false, fmt.Errorf("refresh is %q: minutes: %w", schedule, err)
	}
	hours, err := values(m[2], 23)
	if err != nil {
		return 0, false, fmt.Errorf("refresh is %q: hours: %w", schedule, err)
	}
	for _, day := range m[3:] {
		atMost = atMost || day != "*" && day != "?"
	}
	return float64(minutes*hours) * HoursPerMonth / 24, atMost, nil
}

// values is how many values from 0 to last a field of a cron expression matches:
// a list of values, ranges and steps.
func values(field string, last int) (int, error) {
	matched := map[int]bool{}
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, steps := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		step := 1
		var err error
		if steps {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return 0, fmt.Errorf("%q: the step %q is not a number above 0", field, stepText)
			}
		}
		first, end := 0, last
		if span != "*" {
			if first, err = strconv.Atoi(from); err != nil {
				return 0, fmt.Errorf("%q: %q is not a number", field, from)
			}
			switch {
			case ranged:
				if end, err = strconv.Atoi(to); err != nil {
					return 0, fmt.Errorf("%q: %q is not a number", field, to)
				}
			case !steps:
				end = first
			}
		}
		if first < 0 || end > last || first > end {
			return 0, fmt.Errorf("%q: %q is not within 0 to %d", field, span, last)
		}
		for v := first; v <= end; v += step {
			matched[v] = true
		}
	}
	return len(matched), nil
}
