package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/evstream/internal/number"
)

// quiet is how long after the last refresh the view may lack records without
// anything being wrong. Automatic refresh follows arrivals by seconds, so records
// that are older than this would be in the view.
const quiet = 5 * time.Minute

// refresh takes what the stream holds into the streaming view and answers with
// what it did, as one row. An automatic refresh that runs meanwhile adds its
// records to the count.
func (s *session) refresh(ctx context.Context, show func(result) error) (string, error) {
	before, err := s.count(ctx)
	if err != nil {
		return "", err
	}
	start := s.now()
	if _, err := s.db.ExecContext(ctx, "REFRESH MATERIALIZED VIEW ev_station_data"); err != nil {
		return "", err
	}
	took := s.now().Sub(start)
	after, err := s.count(ctx)
	if err != nil {
		return "", err
	}

	words := fmt.Sprintf("Refreshed in %v. Records added: %s; in all: %s.",
		took.Round(time.Millisecond), number.Format(after-before), number.Format(after))
	row := []any{after - before, after, took.Milliseconds()}
	return words, show(result{
		columns: []column{{"records_added", numeric}, {"records", numeric}, {"duration_ms", numeric}},
		rows:    func(yield func([]any, error) bool) { yield(row, nil) },
	})
}

// count is the number of records in the streaming view.
func (s *session) count(ctx context.Context) (int64, error) {
	var n int64
	err := s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM ev_station_data").Scan(&n)
	return n, err
}

// freshness answers with the saved query's row and with what it and the history
// of refreshes mean. For a program the verdict is one more column.
func (s *session) freshness(query, history string) answer {
	return func(ctx context.Context, show func(result) error) (string, error) {
		var refreshes []refreshed
		err := s.ask(ctx, history, func(r result) error {
			rows, err := r.collect()
			for _, row := range rows {
				refreshes = append(refreshes, newRefreshed(row))
			}
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read the history of refreshes: %w", err)
		}

		var words string
		err = s.ask(ctx, query, func(r result) error {
			rows, err := r.collect()
			if err != nil || len(rows) != 1 {
				return cmp.Or(err, fmt.Errorf("the saved query freshness gives %s and should give 1", number.Count(len(rows), "row")))
			}
			s.verdict, words = explain(newFreshness(rows[0]), refreshes, s.now().UTC())
			var row []any
			for _, c := range r.columns {
				row = append(row, rows[0][c.name])
			}
			if !s.forPeople() {
				r.columns, row = append(r.columns, column{"verdict", plain}), append(row, string(s.verdict))
			}
			r.rows = func(yield func([]any, error) bool) { yield(row, nil) }
			return show(r)
		})
		return words, err
	}
}

// freshness is the row of the saved query of that name.
type freshness struct {
	records        int64
	newest         time.Time // arrival of the newest record; zero without records
	refreshedAt    time.Time // start of the last refresh that brought records; zero without
	lag            time.Duration
	waited         time.Duration // of the newest record, in Kinesis
	knowsWarehouse bool          // lag is known, and with it the warehouse's clock
}

func newFreshness(row map[string]any) freshness {
	var f freshness
	f.records, _ = row["records"].(int64)
	f.newest, _ = row["newest_arrival"].(time.Time)
	f.refreshedAt, _ = row["last_refresh"].(time.Time)
	lag, ok := toFloat(row["lag_seconds"])
	f.lag, f.knowsWarehouse = time.Duration(lag)*time.Second, ok
	waited, _ := toFloat(row["load_seconds"])
	f.waited = time.Duration(waited) * time.Second
	return f
}

// refreshed is one row of the saved query refreshes: a refresh and its outcome.
type refreshed struct {
	automatic  bool
	start, end time.Time
	status     string
}

func newRefreshed(row map[string]any) refreshed {
	var r refreshed
	kind, _ := row["refresh_type"].(string)
	r.automatic = strings.EqualFold(strings.TrimSpace(kind), "auto")
	r.start, _ = row["start_time"].(time.Time)
	r.end, _ = row["end_time"].(time.Time)
	r.status, _ = row["status"].(string)
	return r
}

// The status texts are listed with SVL_MV_REFRESH_STATUS in the Redshift
// documentation. A failure says "Refresh failed", or "Cascade refresh failed" or
// "skipped" when a view below it was not refreshed; an automatic refresh that gave
// way to other work begins "Auto refresh aborted"; a good one over a stream may add
// that "some stream records", or all, "were skipped".

func (r refreshed) failed() bool  { return r.says("failed") || r.says("refresh skipped") }
func (r refreshed) aborted() bool { return r.says("aborted") }
func (r refreshed) good() bool    { return !r.failed() && !r.aborted() }

func (r refreshed) says(words string) bool {
	return strings.Contains(strings.ToLower(r.status), words)
}

func (r refreshed) String() string {
	kind := "manual"
	if r.automatic {
		kind = "automatic"
	}
	return fmt.Sprintf("the %s refresh at %s UTC", kind, r.start.Format(time.DateTime))
}

// verdict is how the view stands.
type verdict string

const (
	current        verdict = "current"
	behind         verdict = "behind"
	blocked        verdict = "blocked"
	empty          verdict = "empty"
	neverRefreshed verdict = "never refreshed"
	unknown        verdict = "unknown"
)

// explain says what the freshness and the refreshes, newest first, mean.
func explain(f freshness, refreshes []refreshed, now time.Time) (verdict, string) {
	if f.knowsWarehouse {
		now = f.newest.Add(f.lag) // so that a wrong clock here does no harm
	}
	v, first := judge(f, refreshes, now)
	words := []string{first}
	if f.records > 0 {
		newest := fmt.Sprintf("The newest record in the view arrived %s ago", duration(f.lag))
		if f.waited > 0 {
			newest += fmt.Sprintf(" and was loaded by the refresh %s later", duration(f.waited))
		}
		words = append(words, newest+".")
	}
	if slices.ContainsFunc(refreshes, func(r refreshed) bool { return r.says("were skipped") }) {
		words = append(words, "Redshift skipped records: evstream query skipped lists them.")
	}
	return v, strings.Join(words, "\n")
}

// judge gives the verdict with the sentence that explains it.
func judge(f freshness, refreshes []refreshed, now time.Time) (verdict, string) {
	if len(refreshes) == 0 {
		return judgeWithoutHistory(f, now)
	}
	last, ago := refreshes[0], duration(age(now, refreshes[0]))
	since := "No successful refresh is on record."
	if i := slices.IndexFunc(refreshes, refreshed.good); i >= 0 {
		since = fmt.Sprintf("The last successful one was %s, %s ago.", refreshes[i], duration(age(now, refreshes[i])))
	}
	switch {
	case last.failed():
		failures := slices.IndexFunc(refreshes, func(r refreshed) bool { return !r.failed() })
		if failures < 0 {
			failures = len(refreshes)
		}
		times := ""
		if failures > 1 {
			times = fmt.Sprintf(", like the %d before it", failures-1)
		}
		return blocked, fmt.Sprintf("Blocked: %s failed%s: %q. %s "+
			"Until a refresh succeeds no new record can be read, and the stream drops records when its retention ends.",
			last, times, last.status, since)
	case last.aborted():
		return behind, fmt.Sprintf("Behind: %s was aborted: %q. %s Redshift tries again by itself; evstream query refresh does it now.",
			last, last.status, since)
	case last.says("may contain more data"):
		return behind, fmt.Sprintf("Behind: %s ended before it had read the whole stream. The next one continues; evstream query refresh does it now.", last)
	case age(now, last) > quiet && f.records == 0:
		return empty, fmt.Sprintf("Empty: %s, %s ago, found no records. evstream query refresh looks again.", last, ago)
	case age(now, last) > quiet:
		return unknown, fmt.Sprintf("No refresh for %s: the last was %s. Either nothing was written since, or the view is behind; run evstream query refresh to be sure.", ago, last)
	case f.records == 0:
		return current, fmt.Sprintf("Current: %s, %s ago, found no records.", last, ago)
	}
	return current, fmt.Sprintf("Current: %s, %s ago, read the stream to its end.", last, ago)
}

// judgeWithoutHistory knows only the records: the history shows a user only the
// refreshes of views that are their own, and not for ever.
func judgeWithoutHistory(f freshness, now time.Time) (verdict, string) {
	if f.records == 0 {
		return neverRefreshed, "Never refreshed: the view is empty and no refresh is on record. " +
			"Redshift refreshes it soon after the first record is written; evstream query refresh does it now."
	}
	ago := max(now.Sub(f.refreshedAt), 0)
	last := fmt.Sprintf("the last refresh that brought records was at %s UTC, %s ago; this user can't see the history of refreshes.",
		f.refreshedAt.Format(time.DateTime), duration(ago))
	if ago > quiet {
		return unknown, "Perhaps behind: " + last + " run evstream query refresh to be sure."
	}
	return current, "Current: " + last
}

// age is how long ago the refresh ended.
func age(now time.Time, r refreshed) time.Duration {
	end := r.end
	if end.IsZero() {
		end = r.start
	}
	return max(now.Sub(end), 0)
}

// duration writes a time as people say it, in its two largest units.
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	units := []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units[:3] {
		if next := units[i+1]; d >= u.size {
			return fmt.Sprintf("%d %s %d %s", d/u.size, u.name, d%u.size/next.size, next.name)
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
