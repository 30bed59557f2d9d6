package infra

import (
	"regexp"
	"strconv"
	"strings"
)

// How the streaming view is refreshed, unless on a schedule.
const (
	autoRefresh   = "auto"
	manualRefresh = "manual"
)

// scheduled says whether a schedule refreshes the streaming view.
func (s settings) scheduled() bool {
	return rate.MatchString(s.Refresh) || cron.MatchString(s.Refresh)
}

// autoRefresh says whether Redshift refreshes the streaming view as records
// arrive.
func (s settings) autoRefresh() bool { return s.Refresh == autoRefresh }

// The expressions of EventBridge Scheduler: a rate, or six fields of which one of
// the two kinds of day is a question mark.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
var (
	rate = regexp.MustCompile(`^rate\(([1-9][0-9]{0,4}) (minute|hour|day)s?\)$`)
	cron = regexp.MustCompile(`^cron\(` + strings.Join([]string{
		field(`[0-5]?\d`),
		field(`[01]?\d|2[0-3]`),
		`(?:` + field(`0?[1-9]|[12]\d|3[01]`) + `|\?|L|LW|(?:[1-9]|[12]\d|3[01])W)`,
		field(`0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC`),
		`(?:` + field(`[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT`) + `|\?|[1-7]?L|[1-7]#[1-5])`,
		field(`19[789]\d|20\d\d|21\d\d`),
	}, ` `) + `\)$`)
	cronDays = regexp.MustCompile(`^cron\(\S+ \S+ (\S+) \S+ (\S+) \S+\)$`)
)

// field is the pattern of one field of a cron expression: any value, or a list of
// values, ranges and steps.
func field(value string) string {
	one := `(?:` + value + `)(?:-(?:` + value + `))?(?:/[0-9]{1,4})?`
	return `(?:\*(?:/[0-9]{1,4})?|` + one + `(?:,` + one + `)*)`
}

func (s settings) checkRefresh(r *reader) {
	days := cronDays.FindStringSubmatch(s.Refresh)
	switch {
	case s.Refresh == autoRefresh, s.Refresh == manualRefresh, rate.MatchString(s.Refresh):
	case !cron.MatchString(s.Refresh):
		r.add("refresh", "is %q: it is auto, manual, rate(VALUE minutes|hours|days), or "+
			"cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR) in UTC, such as cron(0 6 * * ? *).", s.Refresh)
	case (days[1] == "?") == (days[2] == "?"):
		r.add("refresh", "is %q: of DAY-OF-MONTH (%s) and DAY-OF-WEEK (%s) exactly one is ?.", s.Refresh, days[1], days[2])
	}
}

// rateInterval is the time between two refreshes of a rate expression, in
// minutes.
func rateInterval(expression string) (minutes int, ok bool) {
	parts := rate.FindStringSubmatch(expression)
	if parts == nil {
		return 0, false
	}
	value, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, false
	}
	return value * map[string]int{"minute": 1, "hour": 60, "day": 24 * 60}[parts[2]], true
}
