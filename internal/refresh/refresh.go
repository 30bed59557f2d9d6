// Package refresh reads the setting that says when the streaming view takes new
// records: automatically, by hand, or on a schedule.
package refresh

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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
	every    int       // minutes, of a rate
	times    []int     // minutes of the day, ascending, of a cron expression
	someDays bool      // the cron expression names days, months or years
	pause    int       // days from one on which it runs to the next, at most; 0 if it names years
	last     time.Time // its last run, if it names years
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
		return Schedule{}, errors.New("it must be auto, manual, rate(VALUE minutes|hours|days), or " +
			"cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR) in UTC, such as cron(0/30 * * * ? *)")
	}
	if (m[3] == "?") == (m[5] == "?") {
		return Schedule{}, fmt.Errorf("exactly one of DAY-OF-MONTH (%s) and DAY-OF-WEEK (%s) must be ?", m[3], m[5])
	}
	s := Schedule{pause: 1}
	minutes, err := values(m[1], 0, 59)
	if err != nil {
		return Schedule{}, fmt.Errorf("MINUTES: %w", err)
	}
	hours, err := values(m[2], 0, 23)
	if err != nil {
		return Schedule{}, fmt.Errorf("HOURS: %w", err)
	}
	for _, hour := range hours {
		for _, minute := range minutes {
			s.times = append(s.times, hour*60+minute)
		}
	}
	for _, field := range m[3:] {
		s.someDays = s.someDays || field != "*" && field != "?"
	}
	if !s.someDays {
		return s, nil
	}
	runsOn, err := parseDays(m[3], m[4], m[5])
	if err != nil {
		return Schedule{}, err
	}
	// The calendar repeats after 400 years, which are whole weeks.
	const start, repeats = 2000, 400
	if m[6] == "*" {
		begin := time.Date(start, 1, 1, 0, 0, 0, 0, time.UTC)
		first, previous := -1, -1
		for n := range runsOn.between(start, start+repeats) {
			if first < 0 {
				first, previous = n, n
			}
			s.pause, previous = max(s.pause, n-previous), n
		}
		if first < 0 {
			return Schedule{}, errNever
		}
		cycle := int(begin.AddDate(repeats, 0, 0).Sub(begin).Hours()) / 24
		s.pause = max(s.pause, first+cycle-previous)
		return s, nil
	}
	years, err := values(m[6], 1970, 2199)
	if err != nil {
		return Schedule{}, fmt.Errorf("YEAR: %w", err)
	}
	s.pause = 0
	for _, year := range years {
		for n := range runsOn.between(year, year+1) {
			s.last = time.Date(year, 1, 1+n, 0, s.times[len(s.times)-1], 0, 0, time.UTC)
		}
	}
	if s.last.IsZero() {
		return Schedule{}, errNever
	}
	return s, nil
}

var errNever = errors.New("there is no such day, so it never runs")

// values are the values from first to last that a field matches, ascending.
func values(field string, first, last int) ([]int, error) {
	var matched []int
	for part := range strings.SplitSeq(field, ",") {
		span, by, steps := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		begin, end, step := first, last, 1
		if steps {
			step, _ = strconv.Atoi(by) // the pattern has made sure of the numbers
		}
		if span != "*" {
			begin = value(from)
			switch {
			case ranged:
				end = value(to)
			case !steps:
				end = begin
			}
		}
		if begin > end {
			return nil, fmt.Errorf("%s goes backwards; write two ranges", span)
		}
		for v := begin; v <= end; v += step {
			matched = append(matched, v)
		}
	}
	slices.Sort(matched)
	return slices.Compact(matched), nil
}

const (
	months   = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
	weekdays = "SUN MON TUE WED THU FRI SAT"
)

// value is the number of a month, a weekday or a number.
func value(text string) int {
	for _, names := range []string{months, weekdays} {
		if i := slices.Index(strings.Fields(names), text); i >= 0 {
			return i + 1
		}
	}
	n, _ := strconv.Atoi(text)
	return n
}

// days are the days on which a cron expression runs in every year.
type days struct {
	months          []int
	ofMonth, ofWeek []int  // values; nil for any
	special         string // L, LW, 15W, 6L or 6#3 instead of values
}

func parseDays(ofMonth, month, ofWeek string) (days, error) {
	var d days
	var err error
	if d.months, err = values(month, 1, 12); err != nil {
		return days{}, fmt.Errorf("MONTH: %w", err)
	}
	switch {
	case ofMonth == "?" || ofMonth == "*":
	case strings.ContainsAny(ofMonth, "LW"):
		d.special = ofMonth
	default:
		if d.ofMonth, err = values(ofMonth, 1, 31); err != nil {
			return days{}, fmt.Errorf("DAY-OF-MONTH: %w", err)
		}
	}
	switch {
	case ofWeek == "?" || ofWeek == "*":
	case ofWeek == "L": // the last day of the week
		d.ofWeek = []int{7}
	case strings.ContainsAny(ofWeek, "#") || strings.HasSuffix(ofWeek, "L"):
		d.special = ofWeek
	default:
		if d.ofWeek, err = values(ofWeek, 1, 7); err != nil {
			return days{}, fmt.Errorf("DAY-OF-WEEK: %w", err)
		}
	}
	return d, nil
}

// between yields the days on which it runs from one year to before another, counted
// from 0.
func (d days) between(from, to int) iter.Seq[int] {
	return func(yield func(int) bool) {
		day := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC)
		for n := 0; day.Year() < to; n++ {
			year, month, date := day.Date()
			if slices.Contains(d.months, int(month)) && d.match(year, month, date, int(day.Weekday())+1) && !yield(n) {
				return
			}
			day = day.AddDate(0, 0, 1)
		}
	}
}

// match says whether a day of a month matches, also by its weekday (1 is Sunday).
func (d days) match(year int, month time.Month, day, weekday int) bool {
	if d.special == "" {
		return (d.ofMonth == nil || slices.Contains(d.ofMonth, day)) && (d.ofWeek == nil || slices.Contains(d.ofWeek, weekday))
	}
	length := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if d.special == "L" {
		return day == length
	}
	if n, k, ok := strings.Cut(d.special, "#"); ok {
		return weekday == value(n) && (day+6)/7 == value(k)
	}
	if n, ok := strings.CutSuffix(d.special, "L"); ok {
		return weekday == value(n) && day > length-7
	}
	// The weekday, Monday to Friday, that is nearest to a day and in its month.
	target := length
	if n := strings.TrimSuffix(d.special, "W"); n != "L" {
		target = value(n)
	}
	if target > length || weekday == 1 || weekday == 7 {
		return false
	}
	switch at := (weekday+target-day+34)%7 + 1; {
	case at == 7 && target > 1: // Saturday: the day before
		return day == target-1
	case at == 7: // the first of the month
		return day == target+2
	case at == 1 && target < length: // Sunday: the day after
		return day == target+1
	case at == 1: // the last of the month
		return day == target-2
	}
	return day == target
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
// for a cron expression that names years: it ends.
func (s Schedule) LongestWait() (minutes int, known bool) {
	switch {
	case s.every > 0:
		return s.every, true
	case s.pause == 0:
		return 0, false
	}
	previous := s.times[len(s.times)-1] - s.pause*day
	for _, t := range s.times {
		minutes, previous = max(minutes, t-previous), t
	}
	return minutes, true
}

// Last is the last run of a schedule that ends.
func (s Schedule) Last() (at time.Time, ends bool) { return s.last, !s.last.IsZero() }
