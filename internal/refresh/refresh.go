// Package refresh reads the setting that says when the streaming view takes new
// records: automatically, by hand, or on a schedule.
package refresh

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The setting, unless it is a schedule.
const (
	Auto   = "auto"   // as records arrive
	Manual = "manual" // when somebody refreshes the view
)

const day = 24 * 60 // minutes

// A Schedule is a rate or cron expression of EventBridge Scheduler, in UTC.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
type Schedule struct {
	every    int   // minutes, of a rate
	times    []int // minutes of the day, ascending, of a cron expression
	someDays bool  // the cron expression names days, months or years
}

var (
	rate = regexp.MustCompile(`^rate\(([1-9][0-9]{0,4}) (minute|hour|day)s?\)$`)
	cron = regexp.MustCompile(`^cron\((` + strings.Join([]string{
		field(`[0-5]?\d`),
		field(`[01]?\d|2[0-3]`),
		field(`0?[1-9]|[12]\d|3[01]`) + `|\?|L|LW|(?:[1-9]|[12]\d|3[01])W`,
		field(`0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC`),
		field(`[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT`) + `|\?|[1-7]?L|[1-7]#[1-5]`,
		field(`19[789]\d|20\d\d|21\d\d`),
	}, `) (`) + `)\)$`)
)

// field is the pattern of one field of a cron expression: any value, or a list of
// values, ranges and steps.
func field(value string) string {
	const step = `(?:/[1-9][0-9]{0,3})?`
	one := `(?:` + value + `)(?:-(?:` + value + `))?` + step
	return `\*` + step + `|` + one + `(?:,` + one + `)*`
}

// Parse reads a schedule. Its error says what an expression is, without the
// expression.
func Parse(expression string) (Schedule, error) {
	if m := rate.FindStringSubmatch(expression); m != nil {
		value, err := strconv.Atoi(m[1])
		return Schedule{every: value * map[string]int{"minute": 1, "hour": 60, "day": day}[m[2]]}, err
	}
	m := cron.FindStringSubmatch(expression)
	if m == nil {
		return Schedule{}, errors.New("it is auto, manual, rate(VALUE minutes|hours|days), or " +
			"cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR) in UTC, such as cron(0/30 * * * ? *)")
	}
	if (m[3] == "?") == (m[5] == "?") {
		return Schedule{}, fmt.Errorf("of DAY-OF-MONTH (%s) and DAY-OF-WEEK (%s) exactly one is ?", m[3], m[5])
	}
	minutes, err := values(m[1], 59)
	if err != nil {
		return Schedule{}, fmt.Errorf("MINUTES: %w", err)
	}
	hours, err := values(m[2], 23)
	if err != nil {
		return Schedule{}, fmt.Errorf("HOURS: %w", err)
	}
	var s Schedule
	for _, hour := range hours {
		for _, minute := range minutes {
			s.times = append(s.times, hour*60+minute)
		}
	}
	for _, field := range m[3:] {
		s.someDays = s.someDays || field != "*" && field != "?"
	}
	return s, nil
}

// values are the values from 0 to last that a field matches, ascending.
func values(field string, last int) ([]int, error) {
	var matched []int
	for part := range strings.SplitSeq(field, ",") {
		span, by, steps := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		first, end, step := 0, last, 1
		if steps {
			step, _ = strconv.Atoi(by) // the pattern has made sure of the numbers
		}
		if span != "*" {
			first, _ = strconv.Atoi(from)
			switch {
			case ranged:
				end, _ = strconv.Atoi(to)
			case !steps:
				end = first
			}
		}
		if first > end {
			return nil, fmt.Errorf("%s goes backwards; write two ranges", span)
		}
		for v := first; v <= end; v += step {
			matched = append(matched, v)
		}
	}
	slices.Sort(matched)
	return slices.Compact(matched), nil
}

// PerDay is how often the schedule runs in a day. For a cron expression that names
// days, months or years it is how often it runs on such a day, which atMost says.
func (s Schedule) PerDay() (runs float64, atMost bool) {
	if s.every > 0 {
		return day / float64(s.every), false
	}
	return float64(len(s.times)), s.someDays
}

// LongestWait is the longest time between two runs, in minutes. It is not known
// for a cron expression that names days, months or years.
func (s Schedule) LongestWait() (minutes int, known bool) {
	switch {
	case s.every > 0:
		return s.every, true
	case s.someDays:
		return 0, false
	}
	previous := s.times[len(s.times)-1] - day
	for _, t := range s.times {
		minutes, previous = max(minutes, t-previous), t
	}
	return minutes, true
}
