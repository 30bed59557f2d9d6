package query

import (
	"strings"
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration, kind, status string) refreshed {
		return refreshed{automatic: kind == "auto", start: noon.Add(-d - time.Second), end: noon.Add(-d), status: status}
	}
	const (
		good    = "Refresh successfully updated MV incrementally"
		noData  = good + ". Stream returned no new data"
		more    = good + ". The stream may contain more data"
		skipped = good + ". Some stream records were skipped"
		failed  = "Refresh failed due to an internal error"
		cascade = "Cascade refresh skipped because materialized view public.child was not refreshed."
		aborted = "Auto refresh aborted due to excessive user workload"
	)
	full := freshness{records: 5000, newest: noon.Add(-7 * time.Second), refreshedAt: noon.Add(-3 * time.Second),
		lag: 7 * time.Second, waited: 4 * time.Second, knowsWarehouse: true}
	old := freshness{records: 5000, newest: noon.Add(-26 * time.Hour), refreshedAt: noon.Add(-26 * time.Hour),
		lag: 26 * time.Hour, waited: 4 * time.Second, knowsWarehouse: true}
	none := freshness{}

	tests := map[string]struct {
		freshness freshness
		refreshes []refreshed
		want      string
	}{
		"current": {full, []refreshed{ago(2*time.Second, "auto", good)},
			"Current: the automatic refresh at 2026-03-01 11:59:57 UTC, 2 s ago, read the stream to its end.\n" +
				"The newest record in the view arrived 7 s ago and was loaded by the refresh 4 s later."},
		"current though nobody writes": {old, []refreshed{ago(time.Minute, "auto", noData)},
			"Current: the automatic refresh at 2026-03-01 11:58:59 UTC, 1 min 0 s ago, read the stream to its end.\n" +
				"The newest record in the view arrived 1 d 2 h ago and was loaded by the refresh 4 s later."},
		"current and empty": {none, []refreshed{ago(2*time.Second, "manual", noData)},
			"Current: the manual refresh at 2026-03-01 11:59:57 UTC, 2 s ago, found no records."},
		"current with records skipped": {full, []refreshed{ago(2*time.Second, "auto", good), ago(time.Minute, "auto", skipped)},
			"Current: the automatic refresh at 2026-03-01 11:59:57 UTC, 2 s ago, read the stream to its end.\n" +
				"The newest record in the view arrived 7 s ago and was loaded by the refresh 4 s later.\n" +
				"Redshift skipped records: evstream query skipped lists them."},

		"behind with more to read": {full, []refreshed{ago(2*time.Second, "auto", more)},
			"Behind: the automatic refresh at 2026-03-01 11:59:57 UTC ended before it had read the whole stream. " +
				"The next one continues; evstream query refresh does it now.\n" +
				"The newest record in the view arrived 7 s ago and was loaded by the refresh 4 s later."},
		"behind because others had work": {old, []refreshed{ago(time.Minute, "auto", aborted), ago(26*time.Hour, "auto", good)},
			`Behind: the automatic refresh at 2026-03-01 11:58:59 UTC was aborted: "` + aborted + `". ` +
				"The last successful one was the automatic refresh at 2026-02-28 09:59:59 UTC, 1 d 2 h ago. " +
				"Redshift tries again by itself; evstream query refresh does it now.\n" +
				"The newest record in the view arrived 1 d 2 h ago and was loaded by the refresh 4 s later."},
		"nobody knows": {old, []refreshed{ago(26*time.Hour, "auto", good)},
			"No refresh for 1 d 2 h: the last was the automatic refresh at 2026-02-28 09:59:59 UTC. " +
				"Either nothing was written since, or the view is behind; run evstream query refresh to be sure.\n" +
				"The newest record in the view arrived 1 d 2 h ago and was loaded by the refresh 4 s later."},
		"empty for long": {none, []refreshed{ago(time.Hour, "auto", noData)},
			"Empty: the automatic refresh at 2026-03-01 10:59:59 UTC, 1 h 0 min ago, found no records. evstream query refresh looks again."},

		"never refreshed": {none, nil,
			"Never refreshed: the view is empty and no refresh is on record. " +
				"Redshift refreshes it soon after the first record is written; evstream query refresh does it now."},
		"history hidden": {full, nil,
			"Current: the last refresh that brought records was at 2026-03-01 11:59:57 UTC, 3 s ago; this user can't see the history of refreshes.\n" +
				"The newest record in the view arrived 7 s ago and was loaded by the refresh 4 s later."},
		"history hidden for long": {old, nil,
			"Perhaps behind: the last refresh that brought records was at 2026-02-28 10:00:00 UTC, 1 d 2 h ago; this user can't see the history of refreshes. run evstream query refresh to be sure.\n" +
				"The newest record in the view arrived 1 d 2 h ago and was loaded by the refresh 4 s later."},

		"blocked": {old, []refreshed{ago(time.Minute, "auto", failed), ago(2*time.Minute, "auto", failed), ago(3*time.Minute, "auto", failed), ago(26*time.Hour, "manual", good)},
			`Blocked: the automatic refresh at 2026-03-01 11:58:59 UTC failed, like the 2 before it: "` + failed + `". ` +
				"The last successful one was the manual refresh at 2026-02-28 09:59:59 UTC, 1 d 2 h ago. " +
				"Until a refresh succeeds no new record can be read, and the stream drops records when its retention ends.\n" +
				"The newest record in the view arrived 1 d 2 h ago and was loaded by the refresh 4 s later."},
		"blocked by a view below": {full, []refreshed{ago(time.Minute, "manual", cascade), ago(2*time.Minute, "auto", good)},
			`Blocked: the manual refresh at 2026-03-01 11:58:59 UTC failed: "` + cascade + `". ` +
				"The last successful one was the automatic refresh at 2026-03-01 11:57:59 UTC, 2 min 0 s ago. " +
				"Until a refresh succeeds no new record can be read, and the stream drops records when its retention ends.\n" +
				"The newest record in the view arrived 7 s ago and was loaded by the refresh 4 s later."},
		"blocked from the start": {none, []refreshed{ago(time.Minute, "manual", failed)},
			`Blocked: the manual refresh at 2026-03-01 11:58:59 UTC failed: "` + failed + `". No successful refresh is on record. ` +
				"Until a refresh succeeds no new record can be read, and the stream drops records when its retention ends."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			verdict, got := explain(test.freshness, test.refreshes, noon)
			if got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if verdict != unknown && !strings.HasPrefix(strings.ToLower(test.want), string(verdict)+":") {
				t.Errorf("the verdict is %s of:\n%s", verdict, test.want)
			}
		})
	}

	t.Run("a wrong clock here", func(t *testing.T) {
		wrong := noon.AddDate(1, 0, 0)
		_, got := explain(full, []refreshed{ago(2*time.Second, "auto", good)}, wrong)
		if !strings.Contains(got, "2 s ago") {
			t.Errorf("got:\n%s\nwant the refresh 2 s ago, by the warehouse's clock", got)
		}
	})
}
