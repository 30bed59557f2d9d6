package warehouse

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The patterns of TO_CHAR, TO_DATE and TO_TIMESTAMP:
// https://docs.aws.amazon.com/redshift/latest/dg/r_FORMAT_strings.html and
// r_Numeric_formating.html there. What they do beyond the examples of
// r_TO_CHAR.html and r_TO_TIMESTAMP.html is PostgreSQL 8.0's.

// timeFields are the parts of a pattern, each before those that it begins with. The
// letters' case matters only in what is written out.
var timeFields = []string{
	"YYYY", "YYY", "YY", "IYYY", "Y", "MONTH", "MON", "MM", "MI", "MS", "DAY", "DDD", "DD", "DY", "D", "ID", "IW", "WW", "W", "Q", "CC", "J",
	"HH24", "HH12", "HH", "SS", "US", "AM", "PM", "A.M.", "P.M.", "TZ", "OF", "RM", "TH",
}

// A formatPart is a field, in capitals, or literal text.
type formatPart struct {
	field, text string
}

// timeParts splits a pattern. FM before a field leaves its padding out: padded says so.
func timeParts(pattern string) (parts []formatPart, padded bool) {
	padded = true
next:
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
		for _, f := range timeFields {
			if strings.HasPrefix(rest, f) {
				parts = append(parts, formatPart{f, pattern[i : i+len(f)]})
				i += len(f)
				continue next
			}
		}
		parts = append(parts, formatPart{text: pattern[i : i+1]})
		i++
	}
	return parts, padded
}

// formatTime is TO_CHAR of a time.
func formatTime(t time.Time, pattern string) (string, error) {
	parts, padded := timeParts(pattern)
	pad := func(width int, n int) string {
		if !padded {
			width = 0
		}
		return fmt.Sprintf("%0*d", width, n)
	}
	name := func(p formatPart, name string, width int) string {
		switch {
		case p.text == strings.ToUpper(p.text):
			name = strings.ToUpper(name)
		case p.text == strings.ToLower(p.text):
			name = strings.ToLower(name)
		}
		if !padded {
			width = 0
		}
		return fmt.Sprintf("%-*s", width, name)
	}
	isoYear, isoWeek := t.ISOWeek()
	var b strings.Builder
	for _, p := range parts {
		switch p.field {
		case "":
			b.WriteString(p.text)
		case "YYYY":
			b.WriteString(pad(4, t.Year()))
		case "YYY":
			b.WriteString(pad(3, t.Year()%1000))
		case "YY":
			b.WriteString(pad(2, t.Year()%100))
		case "Y":
			b.WriteString(pad(1, t.Year()%10))
		case "IYYY":
			b.WriteString(pad(4, isoYear))
		case "CC":
			b.WriteString(pad(2, (t.Year()+99)/100))
		case "Q":
			b.WriteString(pad(1, (int(t.Month())+2)/3))
		case "MONTH":
			b.WriteString(name(p, t.Month().String(), 9))
		case "MON":
			b.WriteString(name(p, t.Format("Jan"), 0))
		case "MM":
			b.WriteString(pad(2, int(t.Month())))
		case "RM":
			b.WriteString(name(p, fmt.Sprintf("%-4s", roman(int64(t.Month()))), 4))
		case "DAY":
			b.WriteString(name(p, t.Weekday().String(), 9))
		case "DY":
			b.WriteString(name(p, t.Format("Mon"), 0))
		case "DDD":
			b.WriteString(pad(3, t.YearDay()))
		case "DD":
			b.WriteString(pad(2, t.Day()))
		case "D":
			b.WriteString(pad(1, int(t.Weekday())+1))
		case "ID":
			b.WriteString(pad(1, (int(t.Weekday())+6)%7+1))
		case "IW":
			b.WriteString(pad(2, isoWeek))
		case "WW":
			b.WriteString(pad(2, (t.YearDay()-1)/7+1))
		case "W":
			b.WriteString(pad(1, (t.Day()-1)/7+1))
		case "J":
			b.WriteString(pad(1, int(t.Unix()/86400)+2440588))
		case "HH24":
			b.WriteString(pad(2, t.Hour()))
		case "HH12", "HH":
			b.WriteString(pad(2, (t.Hour()+11)%12+1))
		case "MI":
			b.WriteString(pad(2, t.Minute()))
		case "SS":
			b.WriteString(pad(2, t.Second()))
		case "MS":
			b.WriteString(pad(3, t.Nanosecond()/1e6))
		case "US":
			b.WriteString(pad(6, t.Nanosecond()/1e3))
		case "AM", "PM":
			b.WriteString(name(p, t.Format("PM"), 0))
		case "TZ":
			b.WriteString(name(p, "UTC", 0))
		case "OF":
			b.WriteString("+00")
		default:
			return "", unsupported("%s in the format %q", p.field, pattern)
		}
	}
	return b.String(), nil
}

// A timeReader reads a text by a pattern.
type timeReader struct{ rest string }

func (r *timeReader) number(field string, width int) (int, error) {
	r.rest = strings.TrimLeft(r.rest, " ")
	n := 0
	for n < len(r.rest) && n < width && unicode.IsDigit(rune(r.rest[n])) {
		n++
	}
	v, err := strconv.Atoi(r.rest[:n])
	if err != nil {
		return 0, errorf("invalid value %q for %q in a date or time", r.rest, field)
	}
	r.rest = r.rest[n:]
	return v, nil
}

// word takes one of the words, or its first letters, and gives its place in the list.
func (r *timeReader) word(field string, words []string, letters int) (int, error) {
	for i, w := range words {
		if letters > 0 {
			w = w[:letters]
		}
		if len(r.rest) >= len(w) && strings.EqualFold(r.rest[:len(w)], w) {
			r.rest = r.rest[len(w):]
			return i, nil
		}
	}
	return 0, errorf("invalid value %q for %q in a date or time", r.rest, field)
}

var (
	monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// readTime is TO_TIMESTAMP: what goes beyond a unit's range is carried over, or is an
// error when strict.
func readTime(text, pattern string, strict bool) (time.Time, error) {
	year, month, day, hour, minute, second, nano := 1, 1, 1, 0, 0, 0, 0
	half, yearDay := -1, 0
	if strings.TrimSpace(text) == "" {
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), nil
	}
	parts, _ := timeParts(pattern)
	r := &timeReader{rest: text}
	for _, p := range parts {
		if strings.TrimSpace(r.rest) == "" {
			break // what is left out has its default
		}
		var err error
		switch p.field {
		case "":
			r.rest = r.rest[1:]
		case "YYYY":
			year, err = r.number(p.field, 4)
		case "YY":
			if year, err = r.number(p.field, 2); year < 70 {
				year += 2000
			} else {
				year += 1900
			}
		case "MM":
			month, err = r.number(p.field, 2)
		case "MONTH", "MON":
			letters := 0
			if p.field == "MON" {
				letters = 3
			}
			month, err = r.word(p.field, monthNames, letters)
			month++
		case "DAY":
			_, err = r.word(p.field, dayNames, 0)
		case "DY":
			_, err = r.word(p.field, dayNames, 3)
		case "DD":
			day, err = r.number(p.field, 2)
		case "DDD":
			yearDay, err = r.number(p.field, 3)
		case "HH24", "HH12", "HH":
			hour, err = r.number(p.field, 2)
		case "MI":
			minute, err = r.number(p.field, 2)
		case "SS":
			second, err = r.number(p.field, 2)
		case "MS":
			nano, err = r.number(p.field, 3)
			nano *= 1e6
		case "US":
			nano, err = r.number(p.field, 6)
			nano *= 1e3
		case "AM", "PM":
			half, err = r.word(p.field, []string{"AM", "PM"}, 0)
		default:
			return time.Time{}, unsupported("%s in the format %q", p.field, pattern)
		}
		if err != nil {
			return time.Time{}, err
		}
	}
	if half >= 0 {
		hour = hour%12 + 12*half
	}
	if yearDay > 0 {
		month, day = 1, yearDay
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC)
	if strict && (t.Hour() != hour || t.Minute() != minute || t.Second() != second) {
		return t, errorf("date/time field time value out of range: %d:%d:%d.0", hour, minute, second)
	}
	if strict && yearDay == 0 && (t.Day() != day || int(t.Month()) != month) {
		return t, errorf("date/time field date value out of range: %d-%d-%d", year, month, day)
	}
	return t, nil
}

// formatNumber is TO_CHAR of a number.
func formatNumber(text, pattern string) (string, error) {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", errorf("TO_CHAR: %q is not a number", text)
	}
	upper := strings.ToUpper(pattern)
	if strings.TrimPrefix(upper, "FM") == "RN" {
		rounded, _ := new(big.Int).SetString(n.FloatString(0), 10)
		r := roman(rounded.Int64())
		if strings.HasSuffix(pattern, "rn") {
			r = strings.ToLower(r)
		}
		return r, nil
	}
	padded := !strings.Contains(upper, "FM")
	upper = strings.Replace(upper, "FM", "", 1)
	currency := ""
	if strings.ContainsAny(upper, "$L") {
		currency = "$"
		upper = strings.NewReplacer("$", "", "L", "").Replace(upper)
	}
	sign := "before" // where it floats, next to the digits
	for _, s := range []string{"PR", "MI", "SG", "PL", "S"} {
		if i := strings.Index(upper, s); i >= 0 {
			sign = s
			if s == "S" && i > 0 {
				sign = "MI"
			}
			upper = strings.Replace(upper, s, "", 1)
			break
		}
	}
	if strings.Trim(upper, "09.,DG") != "" || sign == "SG" || sign == "PL" {
		return "", unsupported("the format %q", pattern)
	}
	whole, fraction, point := strings.Cut(strings.NewReplacer("D", ".", "G", ",").Replace(upper), ".")
	digits := new(big.Rat).Abs(n).FloatString(len(fraction))
	digitsWhole, digitsFraction, _ := strings.Cut(digits, ".")
	if digitsWhole == "0" && !strings.Contains(whole, "0") && len(fraction) > 0 {
		digitsWhole = ""
	}
	places := strings.Count(whole, "9") + strings.Count(whole, "0")
	if len(digitsWhole) > places {
		return " " + strings.NewReplacer("9", "#", "0", "#").Replace(upper), nil
	}
	if zero := strings.IndexByte(whole, '0'); zero >= 0 {
		digitsWhole = strings.Repeat("0", max(0, strings.Count(whole[zero:], "9")+strings.Count(whole[zero:], "0")-len(digitsWhole))) + digitsWhole
	}
	out, used := "", 0
	for i := len(whole) - 1; i >= 0; i-- {
		switch {
		case whole[i] == ',' && used < len(digitsWhole):
			out = "," + out
		case whole[i] == ',':
			out = " " + out
		case used < len(digitsWhole):
			used++
			out = digitsWhole[len(digitsWhole)-used:len(digitsWhole)-used+1] + out
		default:
			out = " " + out
		}
	}
	blank := len(out) - len(strings.TrimLeft(out, " "))
	out = out[blank:]
	if point {
		out += "." + digitsFraction
	}
	negative := n.Sign() < 0
	switch {
	case sign == "PR" && negative:
		out = "<" + out + ">"
	case sign == "PR" && padded:
		out = " " + out + " "
	case sign == "MI" && negative:
		out += "-"
	case sign == "MI" && padded && !strings.HasSuffix(strings.ToUpper(pattern), "S"):
		out += " "
	case sign == "MI":
	case negative:
		out = "-" + out
	case sign == "S":
		out = "+" + out
	case padded:
		out = " " + out
	}
	if !padded {
		blank = 0
	}
	if sign == "S" || negative && sign != "MI" {
		return strings.Repeat(" ", blank) + currency + out, nil
	}
	return currency + strings.Repeat(" ", blank) + out, nil
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
