package refresh_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"example.com/evstream/internal/refresh"
)

func TestParse(t *testing.T) {
	const unknown = -1
	for _, c := range []struct {
		expression  string
		perDay      float64
		atMost      bool
		longestWait int
	}{
		{"rate(1 minute)", 1440, false, 1},
		{"rate(5 minutes)", 288, false, 5},
		{"rate(7 days)", 1. / 7, false, 7 * 1440},
		{"cron(0 6 * * ? *)", 1, false, 1440},
		{"cron(0/15 * * * ? *)", 96, false, 15},
		{"cron(0,50 * * * ? *)", 48, false, 50},
		{"cron(*/20 8-17 ? * * *)", 30, false, 14*60 + 20}, // from 17:40 to 8:00
		{"cron(30 22,4 * * ? *)", 2, false, 18 * 60},
		{"cron(0 6 ? * MON-FRI *)", 1, true, 3 * 1440},
		{"cron(0/30 8-17 ? * MON-FRI *)", 20, true, 2*1440 + 14*60 + 30}, // from Friday 17:30 to Monday 8:00
		{"cron(0 6 ? * 2,5 *)", 1, true, 4 * 1440},
		{"cron(0 6 ? * L *)", 1, true, 7 * 1440},
		{"cron(0 6 ? * 6L *)", 1, true, 35 * 1440},
		{"cron(0 6 ? * 6#3 *)", 1, true, 35 * 1440},
		{"cron(0 6 1/10 * ? *)", 1, true, 10 * 1440},
		{"cron(0 6 L * ? *)", 1, true, 31 * 1440},
		{"cron(0 6 LW * ? *)", 1, true, 33 * 1440},
		{"cron(0 6 15W * ? *)", 1, true, 32 * 1440},
		{"cron(0 6 1W * ? *)", 1, true, 33 * 1440},
		{"cron(0 6 31 * ? *)", 1, true, 61 * 1440},
		{"cron(0 6 * JAN-MAR ? *)", 1, true, 276 * 1440},
		{"cron(0 6 29 2 ? *)", 1, true, 2921 * 1440}, // 2100 is no leap year
		{"cron(0 6 * * ? 2027)", 1, true, unknown},
	} {
		t.Run(c.expression, func(t *testing.T) {
			s, err := refresh.Parse(c.expression)
			if err != nil {
				t.Fatal(err)
			}
			if runs, atMost := s.PerDay(); runs != c.perDay || atMost != c.atMost {
				t.Errorf("runs %v times a day (at most: %t), want %v (%t)", runs, atMost, c.perDay, c.atMost)
			}
			wait, known := s.LongestWait()
			if !known {
				wait = unknown
			}
			if wait != c.longestWait {
				t.Errorf("the longest wait is %d minutes, want %d", wait, c.longestWait)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for expression, want := range map[string]string{
		"hourly":                  "it must be auto, manual, rate(",
		"rate(0 minutes)":         "it must be auto, manual, rate(",
		"cron(0/0 6 * * ? *)":     "it must be auto, manual, rate(", // a step of 0 leads nowhere
		"cron(0 24 * * ? *)":      "it must be auto, manual, rate(",
		"cron(0 6 1 * MON *)":     "exactly one of DAY-OF-MONTH (1) and DAY-OF-WEEK (MON) must be ?",
		"cron(0 22-2 * * ? *)":    "HOURS: 22-2 goes backwards",
		"cron(50-10/5 6 * * ? *)": "MINUTES: 50-10 goes backwards",
		"cron(0 6 ? * FRI-MON *)": "DAY-OF-WEEK: FRI-MON goes backwards",
		"cron(0 6 * NOV-FEB ? *)": "MONTH: NOV-FEB goes backwards",
		"cron(0 6 30 2 ? *)":      "it never runs",
		"cron(0 6 31 4,6,9 ? *)":  "it never runs",
		"cron(0 6 29 2 ? 2027)":   "it never runs",
	} {
		if _, err := refresh.Parse(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want in it %q", expression, err, want)
		}
	}
}

// TestLast: a schedule that names years ends.
func TestLast(t *testing.T) {
	for expression, want := range map[string]string{
		"cron(0 6 * * ? *)":              "",
		"rate(5 minutes)":                "",
		"cron(0 6 * * ? 1999)":           "1999-12-31 06:00",
		"cron(0/20 6 ? 3 SUN 2026,2028)": "2028-03-26 06:40",
	} {
		s, err := refresh.Parse(expression)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if last, ends := s.Last(); ends {
			got = last.Format("2006-01-02 15:04")
		}
		if got != want {
			t.Errorf("%s runs last at %q, want %q", expression, got, want)
		}
	}
}

// FuzzParse: a cron expression that is taken has six fields of numbers within
// their ranges, or names, and exactly one question mark; no schedule waits for
// nothing.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"cron(0 6 * * ? *)", "cron(0/15 8-17 ? * MON-FRI 2026)", "cron(5,10 0 L * ? *)", "cron(0 0 1W JAN,DEC ? 2026-2030)", "cron(0 0 ? * 6#3 *)",
		"cron(60 6 * * ? *)", "cron(0 6 32 * ? *)", "cron(0 6 * * * *)", "cron(* * ? * ? *)", "cron(0 6 0 * ? *)", "cron(0 6 * 13 ? *)", "cron(0 24 * * ? *)",
		"rate(5 minutes)", "rate(0 hours)", "rate(1 day)", "rate(99999 days)", "at(2026-01-01T00:00:00)", "Auto", "",
	} {
		f.Add(seed)
	}
	numbers := regexp.MustCompile(`[0-9]+`)
	f.Fuzz(func(t *testing.T, expression string) {
		s, err := refresh.Parse(expression)
		if err != nil {
			return
		}
		runs, _ := s.PerDay()
		if wait, known := s.LongestWait(); runs <= 0 || known && wait < 1 {
			t.Errorf("%q runs %v times a day and waits %d minutes", expression, runs, wait)
		}
		inner, ok := strings.CutPrefix(expression, "cron(")
		if !ok {
			return
		}
		cells := strings.Split(strings.TrimSuffix(inner, ")"), " ")
		if len(cells) != 6 || strings.Count(expression, "?") != 1 {
			t.Fatalf("%q has %d fields and %d question marks", expression, len(cells), strings.Count(expression, "?"))
		}
		for i, limit := range [][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {1, 7}, {1970, 2199}} {
			for part := range strings.SplitSeq(cells[i], ",") {
				value, _, _ := strings.Cut(part, "/") // a step is no value
				for _, digits := range numbers.FindAllString(value, -1) {
					if n, err := strconv.Atoi(digits); err != nil || n < limit[0] || n > limit[1] {
						t.Errorf("%q: %s in field %d", expression, digits, i+1)
					}
				}
			}
		}
	})
}
