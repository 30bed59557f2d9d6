// Package number writes numbers for people.
package number

import (
	"strconv"
	"strings"
)

// Format writes a number with groups of three digits and at most two digits after
// the point, or two that count if it is smaller.
func Format[N int | int64 | float64](number N) string {
	n := float64(number)
	if n > 0 && n < 0.01 {
		return strconv.FormatFloat(n, 'g', 2, 64)
	}
	text := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(n, 'f', 2, 64), "0"), ".")
	whole, fraction, pointed := strings.Cut(text, ".")
	sign := ""
	if whole[0] == '-' {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if pointed {
		whole += "." + fraction
	}
	return sign + whole
}

// Count writes a number of things, such as 1 shard or 1,000 shards.
func Count[N int | int64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Format(n) + " " + thing
}
