package warehouse

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// The patterns of TO_CHAR, TO_DATE and TO_TIMESTAMP:
// https://docs.aws.amazon.com/redshift/latest/dg/r_FORMAT_strings.html and
// r_Numeric_formating.html there. What they do beyond the examples of
// r_TO_CHAR.html and r_TO_TIMESTAMP.html is PostgreSQL 8.0's.

// A timeField is a part of a pattern that stands for a number with leading zeros, or for a
// name with blanks behind it, both up to the width. One without either is not supported.
type timeField struct {
	pattern string
	width   int
	number  func(time.Time) int
	name    func(time.Time) string
}

// timeFields are the fields there are, each before those that it begins with. The letters'
// case matters only in names that are written out.
var timeFields = []timeField{
	{"YYYY", 4, time.Time.Year, nil},
	{"YYY", 3, func(t time.Time) int { return t.Year() % 1000 }, nil},
	{"YY", 2, func(t time.Time) int { return t.Year() % 100 }, nil},
	{"IYYY", 4, func(t time.Time) int { year, _ := t.ISOWeek(); return year }, nil},
	{"Y", 1, func(t time.Time) int { return t.Year() % 10 }, nil},
	{"MONTH", 9, nil, func(t time.Time) string { return t.Month().String() }},
	{"MON", 0, nil, func(t time.Time) string { return t.Format("Jan") }},
	{"MM", 2, func(t time.Time) int { return int(t.Month()) }, nil},
	{"MI", 2, time.Time.Minute, nil},
	{"MS", 3, func(t time.Time) int { return t.Nanosecond() / 1e6 }, nil},
	{"DAY", 9, nil, func(t time.Time) string { return t.Weekday().String() }},
	{"DDD", 3, time.Time.YearDay, nil},
	{"DD", 2, time.Time.Day, nil},
	{"DY", 0, nil, func(t time.Time) string { return t.Format("Mon") }},
	{"D", 1, func(t time.Time) int { return int(t.Weekday()) + 1 }, nil},
	{"ID", 1, func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }, nil},
	{"IW", 2, func(t time.Time) int { _, week := t.ISOWeek(); return week }, nil},
	{"WW", 2, func(t time.Time) int { return (t.YearDay()-1)/7 + 1 }, nil},
	{"W", 1, func(t time.Time) int { return (t.Day()-1)/7 + 1 }, nil},
	{"Q", 1, func(t time.Time) int { return (int(t.Month()) + 2) / 3 }, nil},
	{"CC", 2, func(t time.Time) int { return (t.Year() + 99) / 100 }, nil},
	{"J", 1, func(t time.Time) int { return int(t.Unix()/86400) + 2440588 }, nil},
	{"HH24", 2, time.Time.Hour, nil},
	{"HH12", 2, hour12, nil},
	{"HH", 2, hour12, nil},
	{"SS", 2, time.Time.Second, nil},
	{"US", 6, func(t time.Time) int { return t.Nanosecond() / 1e3 }, nil},
	{"AM", 0, nil, func(t time.Time) string { return t.Format("PM") }},
	{"PM", 0, nil, func(t time.Time) string { return t.Format("PM") }},
	{"A.M.", 0, nil, nil},
	{"P.M.", 0, nil, nil},
	{"TZ", 0, nil, func(time.Time) string { return "UTC" }},
	{"OF", 0, nil, func(time.Time) string { return "+00" }},
	{"RM", 4, nil, func(t time.Time) string { return fmt.Sprintf("%-4s", roman(int64(t.Month()))) }},
	{"TH", 0, nil, nil},
}

func hour12(t time.Time) int { return (t.Hour()+11)%12 + 1 }

// A formatPart is a field as it stands in a pattern, or literal text, whose field is none.
type formatPart struct {
	timeField
	text string
}

// timeParts splits a pattern. FM before a field leaves its padding out: padded says so.
func timeParts(pattern string) (parts []formatPart, padded bool) {
	padded = true
	for i := 0; i < len(pattern); {
		rest := strings.ToUpper(pattern[i:])
		if strings.HasPrefix(rest, "FM") {
			padded = false
			i += 2
			continue
		}
		if literal, _, ok := strings.Cut(strings.TrimPrefix(rest, `"`), `"`); ok && rest[0] == '"' {
			parts = append(parts, formatPart{text: pattern[i+1 : i+1+len(literal)]})
			i += len(literal) + 2
			continue
		}
		part := formatPart{text: pattern[i : i+1]}
		for _, f := range timeFields {
			if strings.HasPrefix(rest, f.pattern) {
				part = formatPart{f, pattern[i : i+len(f.pattern)]}
				break
			}
		}
		parts = append(parts, part)
		i += len(part.text)
	}
	return parts, padded
}

// formatTime is TO_CHAR of a time.
func formatTime(t time.Time, pattern string) (string, error) {
	parts, padded := timeParts(pattern)
	var b strings.Builder
	for _, p := range parts {
		width := p.width
		if !padded {
			width = 0
		}
		switch {
		case p.pattern == "":
			b.WriteString(p.text)
		case p.number != nil:
			fmt.Fprintf(&b, "%0*d", width, p.number(t))
		case p.name != nil:
			name := p.name(t)
			if p.text == strings.ToUpper(p.text) {
				name = strings.ToUpper(name)
			} else if p.text == strings.ToLower(p.text) {
				name = strings.ToLower(name)
			}
			fmt.Fprintf(&b, "%-*s", width, name)
		default:
			return "", unsupported("%s in the format %q", p.pattern, pattern)
		}
	}
	return b.String(), nil
}

// A timeReader reads a text by a pattern.
type timeReader struct{ rest string }

// number reads up to so many digits.
func (r *timeReader) number(pattern string, digits int) (int, error) {
	r.rest = strings.TrimLeft(r.rest, " ")
	n := 0
	for n < len(r.rest) && n < digits && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(r.rest[:n])
	if err != nil {
		return 0, errorf("invalid value %q for %q in a date or time", r.rest, pattern)
	}
	r.rest = r.rest[n:]
	return v, nil
}

// word takes one of the words and gives its place in the list.
func (r *timeReader) word(pattern string, words []string) (int, error) {
	for i, w := range words {
		if len(r.rest) >= len(w) && strings.EqualFold(r.rest[:len(w)], w) {
			r.rest = r.rest[len(w):]
			return i, nil
		}
	}
	return 0, errorf("invalid value %q for %q in a date or time", r.rest, pattern)
}

// timeWords are what the fields for names read.
var timeWords = map[string][]string{
	"MONTH": strings.Fields("January February March April May June July August September October November December"),
	"MON":   strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
	"DAY":   strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
	"DY":    strings.Fields("Sun Mon Tue Wed Thu Fri Sat"),
	"AM":    {"AM", "PM"},
	"PM":    {"AM", "PM"},
}

// readTime is TO_TIMESTAMP: what goes beyond a unit's range is carried over, or is an
// error when strict.
func readTime(text, pattern string, strict bool) (time.Time, error) {
	if strings.TrimSpace(text) == "" {
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), nil
	}
	read := map[string]int{"year": 1, "month": 1, "day": 1, "half": -1}
	unitOf := map[string]string{
		"YYYY": "year", "YY": "short year", "MM": "month", "MONTH": "month name", "MON": "month name", "DD": "day", "DDD": "day of the year",
		"DAY": "weekday", "DY": "weekday", "HH24": "hour", "HH12": "hour", "HH": "hour", "MI": "minute", "SS": "second", "MS": "ms", "US": "us", "AM": "half", "PM": "half",
	}
	parts, _ := timeParts(pattern)
	r := &timeReader{rest: text}
	for _, p := range parts {
		if strings.TrimSpace(r.rest) == "" {
			break // what is left out has its default
		}
		if p.pattern == "" {
			r.rest = r.rest[1:]
			continue
		}
		unit, ok := unitOf[p.pattern]
		if !ok {
			return time.Time{}, unsupported("%s in the format %q", p.pattern, pattern)
		}
		var err error
		if words := timeWords[p.pattern]; words != nil {
			read[unit], err = r.word(p.pattern, words)
		} else {
			read[unit], err = r.number(p.pattern, p.width)
		}
		if err != nil {
			return time.Time{}, err
		}
	}
	return timeOf(read, strict)
}

// timeOf puts together what was read, by its units.
func timeOf(read map[string]int, strict bool) (time.Time, error) {
	year, month, day, hour := read["year"], read["month"], read["day"], read["hour"]
	if short, ok := read["short year"]; ok {
		year = short + 1900
		if short < 70 {
			year = short + 2000
		}
	}
	if name, ok := read["month name"]; ok {
		month = name + 1
	}
	if read["half"] >= 0 {
		hour = hour%12 + 12*read["half"]
	}
	yearDay := read["day of the year"]
	if yearDay > 0 {
		month, day = 1, yearDay
	}
	t := time.Date(year, time.Month(month), day, hour, read["minute"], read["second"], read["ms"]*1e6+read["us"]*1e3, time.UTC)
	if strict && (t.Hour() != hour || t.Minute() != read["minute"] || t.Second() != read["second"]) {
		return t, errorf("date/time field time value out of range: %d:%d:%d.0", hour, read["minute"], read["second"])
	}
	if strict && yearDay == 0 && (t.Day() != day || int(t.Month()) != month) {
		return t, errorf("date/time field date value out of range: %d-%d-%d", year, month, day)
	}
	return t, nil
}

// A numberPattern is what TO_CHAR takes for numbers.
type numberPattern struct {
	text            string // without what follows
	padded          bool   // no FM
	currency        string
	sign            string // where it stands: "S", "MI" or "PR", "" next to the digits
	trailingS       bool   // an S behind the digits, which is a sign of MI without its blank
	whole, fraction string // the digits before and after the point
	point           bool
}

func parseNumberPattern(pattern string) (numberPattern, error) {
	p := numberPattern{text: strings.ToUpper(pattern)}
	p.padded = !strings.Contains(p.text, "FM")
	p.text = strings.Replace(p.text, "FM", "", 1)
	if strings.ContainsAny(p.text, "$L") {
		p.currency = "$"
		p.text = strings.NewReplacer("$", "", "L", "").Replace(p.text)
	}
	for _, sign := range []string{"PR", "MI", "SG", "PL", "S"} {
		if i := strings.Index(p.text, sign); i >= 0 {
			p.sign, p.trailingS = sign, sign == "S" && i > 0
			p.text = strings.Replace(p.text, sign, "", 1)
			break
		}
	}
	if strings.Trim(p.text, "09.,DG") != "" || p.sign == "SG" || p.sign == "PL" {
		return p, unsupported("the format %q", pattern)
	}
	if p.trailingS {
		p.sign = "MI"
	}
	p.whole, p.fraction, p.point = strings.Cut(strings.NewReplacer("D", ".", "G", ",").Replace(p.text), ".")
	return p, nil
}

// places counts the digits of a part of a pattern.
func places(pattern string) int { return strings.Count(pattern, "9") + strings.Count(pattern, "0") }

// formatNumber is TO_CHAR of a number.
func formatNumber(text, pattern string) (string, error) {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", errorf("TO_CHAR: %q is not a number", text)
	}
	if upper := strings.TrimPrefix(strings.ToUpper(pattern), "FM"); upper == "RN" {
		rounded, _ := new(big.Int).SetString(n.FloatString(0), 10)
		r := roman(rounded.Int64())
		if strings.HasSuffix(pattern, "rn") {
			r = strings.ToLower(r)
		}
		return r, nil
	}
	p, err := parseNumberPattern(pattern)
	if err != nil {
		return "", err
	}
	whole, fraction, _ := strings.Cut(new(big.Rat).Abs(n).FloatString(len(p.fraction)), ".")
	if whole == "0" && !strings.Contains(p.whole, "0") && len(p.fraction) > 0 {
		whole = ""
	}
	if len(whole) > places(p.whole) {
		return " " + strings.NewReplacer("9", "#", "0", "#").Replace(p.text), nil
	}
	if zero := strings.IndexByte(p.whole, '0'); zero >= 0 {
		whole = strings.Repeat("0", max(0, places(p.whole[zero:])-len(whole))) + whole
	}
	digits, blanks := p.spread(whole)
	if p.point {
		digits += "." + fraction
	}
	return p.signed(digits, blanks, n.Sign() < 0), nil
}

// spread sets the digits before the point into the pattern, with its commas, and counts
// the blanks that are left before them.
func (p numberPattern) spread(digits string) (out string, blanks int) {
	for i := len(p.whole) - 1; i >= 0; i-- {
		switch {
		case digits == "":
			blanks++
		case p.whole[i] == ',':
			out = "," + out
		default:
			out = digits[len(digits)-1:] + out
			digits = digits[:len(digits)-1]
		}
	}
	return out, blanks
}

// signed puts sign, currency and padding around a number's digits.
func (p numberPattern) signed(out string, blanks int, negative bool) string {
	switch {
	case p.sign == "PR" && negative:
		out = "<" + out + ">"
	case p.sign == "PR" && p.padded:
		out = " " + out + " "
	case p.sign == "MI" && negative:
		out += "-"
	case p.sign == "MI" && p.padded && !p.trailingS:
		out += " "
	case p.sign == "MI":
	case negative:
		out = "-" + out
	case p.sign == "S":
		out = "+" + out
	case p.padded:
		out = " " + out
	}
	padding := strings.Repeat(" ", blanks)
	if !p.padded {
		padding = ""
	}
	if p.sign == "S" || negative && p.sign != "MI" {
		return padding + p.currency + out
	}
	return p.currency + padding + out
}

func roman(n int64) string {
	if n < 1 || n > 3999 {
		return "###############"
	}
	var b strings.Builder
	for _, s := range []struct {
		value int64
		text  string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= s.value; n -= s.value {
			b.WriteString(s.text)
		}
	}
	return b.String()
}
