package dataapi

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConnectionIsSession(t *testing.T) {
	s := new(service)
	with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
		one, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		two, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer two.Close()
		for _, conn := range []*sql.Conn{one, two, one, two} {
			if _, err := conn.ExecContext(t.Context(), "SET a TO b"); err != nil {
				t.Fatal(err)
			}
		}
		tokens := make(map[string]bool)
		for i, c := range s.made("ExecuteStatement") {
			tokens[c.ClientToken] = true
			opens := c.SessionID == "" && c.WorkgroupName == "ev-dev" && c.Database == "dev" && c.SecretArn == secretARN && c.SessionKeepAliveSeconds == 300
			resumes := c.SessionID == s.statements[i%2].session && c.WorkgroupName+c.Database+c.SecretArn == "" && c.SessionKeepAliveSeconds == 0
			if i < 2 && !opens || i >= 2 && !resumes {
				t.Errorf("statement %d was sent with %+v", i, c)
			}
		}
		if len(tokens) != 4 || tokens[""] {
			t.Errorf("the statements do not have a token each: %v", tokens)
		}
	})
}

func TestEndedSession(t *testing.T) {
	s := new(service)
	with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.gone = map[string]bool{firstSession: true}
		if _, err := db.ExecContext(t.Context(), "SET a TO b"); err != nil {
			t.Errorf("the pool does not take another connection: %v", err)
		}
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		s.gone[s.statements[1].session] = true
		_, err = conn.ExecContext(t.Context(), "SET a TO b")
		wantError(t, err, "session of this connection has ended", driver.ErrBadConn)
	})
}

// TestSessionsAreBounded: the service's limit is 500 for an account.
func TestSessionsAreBounded(t *testing.T) {
	burst := func(ctx context.Context, db *sql.DB) (failed []error) {
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if _, err := db.ExecContext(ctx, "SELECT 1"); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = append(failed, err)
				}
			})
		}
		all.Wait()
		return failed
	}
	t.Run("by the pool", func(t *testing.T) {
		s := new(service)
		with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
			if failed := burst(t.Context(), db); len(failed) > 0 || s.opened > 50 {
				t.Errorf("%d sessions for 200 statements, errors %v", s.opened, failed)
			}
		})
	})
	t.Run("whatever the pool does", func(t *testing.T) {
		s := new(service)
		with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
			db.SetMaxOpenConns(0)
			db.SetMaxIdleConns(-1)
			brief, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			failed := burst(brief, db)
			if len(failed) != 100 || s.opened != 100 {
				t.Fatalf("%d sessions within a minute and %d errors, want 100 of each", s.opened, len(failed))
			}
			wantError(t, failed[0], "waiting for one of this handle's 100 Data API sessions to end", context.DeadlineExceeded)
			if _, err := db.ExecContext(t.Context(), "SELECT 1"); err != nil {
				t.Errorf("once the sessions have ended: %v", err)
			}
		})
	})
}

const everything = `"ColumnMetadata":[{"name":"energy","typeName":"numeric"},{"name":"x","label":"user","typeName":"varchar"},
	{"name":"n","typeName":"int4"},{"name":"f","typeName":"float8"},{"name":"ok","typeName":"bool"},{"name":"ts","typeName":"timestamp"},
	{"name":"tstz","typeName":"timestamptz"},{"name":"day","typeName":"date"},{"name":"payload","typeName":"super"},{"name":"bytes","typeName":"varbyte"}],`

func TestRowsAndTypes(t *testing.T) {
	s := &service{pages: map[string][]string{"SELECT everything": {
		everything + `"Records":[[{"stringValue":"12.50"},{"stringValue":"u1"},{"longValue":7},{"doubleValue":0.5},{"booleanValue":true},
			{"stringValue":"2026-03-01 10:20:30.123456"},{"stringValue":"2026-03-01 10:20:30.5+02"},{"stringValue":"2026-03-01"},
			{"stringValue":"{\"a\":1}"},{"stringValue":"00ff"}]]`,
		`"Records":[]`,
		`"Records":[[{"isNull":true},{"stringValue":""}` + strings.Repeat(`,{"isNull":true}`, 8) + `]]`,
	}}}
	with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
		rows, err := db.QueryContext(t.Context(), "SELECT everything")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		kinds, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range kinds {
			got = append(got, k.Name()+" "+k.DatabaseTypeName())
		}
		want := []string{
			"energy NUMERIC", "user VARCHAR", "n INT4", "f FLOAT8", "ok BOOL", "ts TIMESTAMP", "tstz TIMESTAMPTZ", "day DATE", "payload SUPER", "bytes VARBYTE",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("columns (-want +got):\n%s", diff)
		}

		var all [][]any
		for rows.Next() {
			row, into := make([]any, len(kinds)), make([]any, len(kinds))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		wantRows := [][]any{
			{
				"12.50", "u1", int64(7), 0.5, true, day.Add(10*time.Hour + 20*time.Minute + 30*time.Second + 123456*time.Microsecond),
				day.Add(8*time.Hour + 20*time.Minute + 30*time.Second + 500*time.Millisecond), day, `{"a":1}`, "00ff",
			},
			{nil, "", nil, nil, nil, nil, nil, nil, nil, nil},
		}
		if diff := cmp.Diff(wantRows, all); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	})
}

func TestPages(t *testing.T) {
	page := func(rows string) string {
		return `"ColumnMetadata":[{"name":"n","typeName":"int8"}],"Records":[` + rows + `]`
	}
	for name, test := range map[string]struct {
		pages []string
		limit int // rows that the caller reads
		calls int
		pause time.Duration // at least
		fault func(call) answer
		err   string
	}{
		"are read as they are needed":           {pages: []string{page(`[{"longValue":1}]`), page(`[{"longValue":2}]`)}, limit: 1, calls: 1},
		"with rows follow without a pause":      {pages: []string{page(`[{"longValue":1}]`), page(`[{"longValue":2}]`)}, calls: 2},
		"without rows are not asked for busily": {pages: []string{page(""), page(""), page(""), page(""), page(`[{"longValue":1}]`)}, calls: 5, pause: 200 * time.Millisecond},
		"may be gone": {pages: []string{page(`[{"longValue":1}]`), page(`[{"longValue":2}]`)}, calls: 2, err: "keeps results for 24 hours", fault: func(c call) answer {
			if c.NextToken == "" {
				return answer{}
			}
			return refuse(400, "ResourceNotFoundException", "Query does not exist.")
		}},
		"have a value that Go lacks": {pages: []string{`"ColumnMetadata":[{"name":"ts","typeName":"timestamp"}],"Records":[[{"stringValue":"infinity"}]]`}, calls: 1,
			err: `column ts: "infinity" is beyond what time.Time can hold; cast it to VARCHAR`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{pages: map[string][]string{"SELECT n": test.pages}, fault: test.fault}
			with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
				rows, err := db.QueryContext(t.Context(), "SELECT n")
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				begun := time.Now()
				for n := 0; n != test.limit-1 && rows.Next(); n++ {
				}
				if test.err != "" {
					wantError(t, rows.Err(), test.err, nil)
				} else if rows.Err() != nil {
					t.Error(rows.Err())
				}
				if took, calls := time.Since(begun), len(s.made("GetStatementResult")); took < test.pause || test.pause == 0 && took > 0 || calls != test.calls {
					t.Errorf("%d calls in %v, want %d in %v", calls, took, test.calls, test.pause)
				}
			})
		})
	}
}

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct {
		query string
		args  []any
		sql   string
		sent  []parameter
		err   string
	}{
		"none leaves the text alone": {query: "SELECT '$1', a$1 -- $2", sql: "SELECT '$1', a$1 -- $2"},
		"every type": {
			query: "SELECT $1, $2, $3, $4, $5",
			args:  []any{"text", 7, 0.25, true, time.Date(2026, 3, 1, 2, 0, 0, 5000, time.FixedZone("", 3600))},
			sql:   "SELECT :p1, :p2, :p3, :p4, :p5",
			sent:  []parameter{{"p1", "text"}, {"p2", "7"}, {"p3", "0.25"}, {"p4", "true"}, {"p5", "2026-03-01 01:00:00.000005"}},
		},
		"one twice": {
			query: "SELECT $2::INT,$1,$2", args: []any{"a", "b"},
			sql: "SELECT :p2::INT,:p1,:p2", sent: []parameter{{"p1", "a"}, {"p2", "b"}},
		},
		"not in literals, names and comments": {
			query: `SELECT 'it''s $1', '\'$1', E'\'$1', "$1", t$1, ä$1, $1 -- $1` + "\n/* $1 /* $1 */ $1 */ FROM $$ $1 $$ || $é_1$ $1 $$ $1 $é_1$ || $1",
			args:  []any{"x"},
			sql:   `SELECT 'it''s $1', '\'$1', E'\'$1', "$1", t$1, ä$1, :p1 -- $1` + "\n/* $1 /* $1 */ $1 */ FROM $$ $1 $$ || $é_1$ $1 $$ $1 $é_1$ || :p1",
			sent:  []parameter{{"p1", "x"}},
		},
		"NULL":     {query: "SELECT $1", args: []any{nil}, err: "argument $1: the Data API has no NULL parameter"},
		"empty":    {query: "SELECT $1", args: []any{""}, err: "argument $1: the Data API has no empty parameter"},
		"bytes":    {query: "SELECT $1", args: []any{[]byte("x")}, err: "argument $1: a []uint8 cannot be an argument"},
		"named":    {query: "SELECT :a", args: []any{sql.Named("a", 1)}, err: "argument a: arguments are positional"},
		"too few":  {query: "SELECT $1, $2", args: []any{1}, err: "uses $2, but has 1 arguments"},
		"too many": {query: "SELECT $1", args: []any{1, 2}, err: "do not use argument $2"},
		"unclosed": {query: "SELECT $1, $$ $2", args: []any{1, 2}, err: "do not use argument $2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(service)
			err := exec(t, s, test.query, test.args...)
			if test.err != "" {
				wantError(t, err, test.err, nil)
				if len(s.calls) > 0 {
					t.Errorf("calls %+v", s.calls)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.sql, s.calls[0].SQL) + cmp.Diff(test.sent, s.calls[0].Parameters); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatementsThatDoNotFinish(t *testing.T) {
	for name, test := range map[string]struct {
		end  string
		want Error
		text string
	}{
		"failed, with a position": {
			end:  `"Status":"FAILED","Error":"ERROR: syntax error at or near \"CASE\"\n  Position: 17"`,
			want: Error{Status: "FAILED", Message: `ERROR: syntax error at or near "CASE"`, Position: 17},
			text: `Redshift: ERROR: syntax error at or near "CASE" (statement ` + firstID + `, FAILED)`,
		},
		"failed, without one": {
			end:  `"Status":"FAILED","Error":"ERROR: relation \"a\" already exists"`,
			want: Error{Status: "FAILED", Message: `ERROR: relation "a" already exists`},
			text: `Redshift: ERROR: relation "a" already exists (statement ` + firstID + `, FAILED)`,
		},
		"failed, quoting a record that steers a terminal": {
			end:  `"Status":"FAILED","Error":"ERROR: invalid input \u001b]0;x\u0007"`,
			want: Error{Status: "FAILED", Message: "ERROR: invalid input \ufffd]0;x\ufffd"},
			text: "Redshift: ERROR: invalid input \ufffd]0;x\ufffd (statement " + firstID + ", FAILED)",
		},
		"stopped by somebody": {
			end:  `"Status":"ABORTED"`,
			want: Error{Status: "ABORTED", Message: "no reason given"},
			text: "Redshift: no reason given (statement " + firstID + ", ABORTED)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := exec(t, &service{ends: map[string]string{"DROP TABLE t": test.end}}, "DROP TABLE t")
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v is no *Error", err)
			}
			test.want.StatementID, test.want.SQL = firstID, "DROP TABLE t"
			if diff := cmp.Diff(test.want, *got) + cmp.Diff(test.text, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCancelledContext: the statement is cancelled, and the error says what became of it.
func TestCancelledContext(t *testing.T) {
	running, refused := `"Status":"STARTED"`, refuse(400, "ValidationException", "Could not cancel a query that is already in FINISHED state")
	for name, test := range map[string]struct {
		end     string // of the statement, if it is not cancelled
		fault   func(call) answer
		text    string
		is      error
		unknown bool
		calls   int // of CancelStatement; 0 for several
		within  time.Duration
	}{
		"cancelled":              {end: running, text: "statement " + firstID + " was cancelled", calls: 1, within: time.Second},
		"throttled for a while":  {end: running, fault: on("CancelStatement", 3, always(throttled)), text: "was cancelled", calls: 4, within: 2 * time.Second},
		"throttled all the time": {end: running, fault: on("CancelStatement", 99, always(throttled)), text: "could not be cancelled and may still run", unknown: true, within: 3 * time.Second},
		"it finishes":            {end: `"Status":"FINISHED"`, fault: on("CancelStatement", 1, always(refused)), text: "had finished before it could be cancelled", is: ErrFinished, calls: 1, within: time.Second},
		"it fails":               {end: `"Status":"FAILED","Error":"ERROR: disk full"`, fault: on("CancelStatement", 1, always(refused)), text: "Redshift: ERROR: disk full", calls: 1, within: time.Second},
		"it runs on":             {end: running, fault: on("CancelStatement", 1, always(answer{body: `{"Status":true}`})), text: "was told to stop, was not seen to end", unknown: true, calls: 1, within: time.Second},
		"it cannot be cancelled": {end: running, fault: on("CancelStatement", 1, always(refused)), text: "could not be cancelled and may still run: ", unknown: true, calls: 1, within: time.Second},
		"nobody answers":         {end: running, fault: on("CancelStatement", 99, silence), text: "could not be cancelled and may still run: the service did not answer", unknown: true, calls: 1, within: time.Second},
		"nobody answers any more": {end: running, fault: func(c call) answer {
			if c.operation == "ExecuteStatement" {
				return answer{}
			}
			return silence(c)
		}, text: "could not be cancelled and may still run: the service did not answer", unknown: true, calls: 1, within: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{ends: map[string]string{"SLEEP": test.end}, fault: test.fault}
			with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond) // after the first description
				defer cancel()
				begun := time.Now()
				_, err := db.ExecContext(ctx, "SLEEP")
				wantError(t, err, test.text, context.DeadlineExceeded)
				if test.unknown {
					wantUnknown(t, err, firstID)
				}
				if test.is != nil {
					wantError(t, err, "", test.is)
				}
				if took, calls := time.Since(begun), len(s.made("CancelStatement")); took > test.within || calls != test.calls && (test.calls > 0 || calls < 4) {
					t.Errorf("%d calls of CancelStatement, %v in all; want %d within %v", calls, took, test.calls, test.within)
				}
				s.fault = nil // The session may still be busy: the next statement gets another.
				if _, err := db.ExecContext(t.Context(), "SET a TO b"); err != nil || s.opened != 2 {
					t.Errorf("the next statement: error %v, %d sessions", err, s.opened)
				}
			})
		})
	}
}

// TestCancelledWhileStarting: without the answer of the call that started it, nobody could
// cancel a statement. It is waited for, if not for long.
func TestCancelledWhileStarting(t *testing.T) {
	for name, test := range map[string]struct {
		delay   time.Duration
		unknown bool
	}{"that answers": {500 * time.Millisecond, false}, "that does not": {time.Hour, true}} {
		t.Run("a service "+name, func(t *testing.T) {
			s := new(service)
			s.fault = on("ExecuteStatement", 1, func(c call) answer {
				select {
				case <-time.After(test.delay):
					return s.apply(c)
				case <-c.ctx.Done():
					return answer{err: c.ctx.Err()}
				}
			})
			s.ends = map[string]string{"SLEEP": `"Status":"STARTED"`}
			with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				begun := time.Now()
				_, err := db.ExecContext(ctx, "SLEEP")
				if test.unknown {
					wantUnknown(t, err, "")
					wantError(t, err, "may run all the same", context.DeadlineExceeded)
				} else {
					wantError(t, err, "was cancelled", context.DeadlineExceeded)
				}
				if took := time.Since(begun); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestCancelledWhileWaiting: of a statement that was only ever refused nobody says that it
// may run.
func TestCancelledWhileWaiting(t *testing.T) {
	for name, test := range map[string]struct {
		fail    answer
		unknown bool
	}{
		"throttled":         {throttled, false},
		"no connection":     {answer{err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, false},
		"a fault":           {refuse(500, "InternalServerException", "try later"), true},
		"a cut connection":  {cut, true},
		"an unreadable one": {answer{body: `{"Id":`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			with(t, &service{fault: always(test.fail)}, Config{}, func(t *testing.T, db *sql.DB) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := db.ExecContext(ctx, "SET a TO b")
				wantError(t, err, "context deadline exceeded, after: ", context.DeadlineExceeded)
				if test.unknown {
					wantUnknown(t, err, "")
				}
				if got := strings.Contains(err.Error(), "may run all the same"); got != test.unknown {
					t.Errorf("error %q, says that it may run: %t", err, got)
				}
			})
		})
	}
}

// TestUnconnectedStatementsAreTriedAgain: what failed because the Data API could not
// connect did not run.
func TestUnconnectedStatementsAreTriedAgain(t *testing.T) {
	for message, test := range map[string]struct{ unconnected, again bool }{
		"Error: Connection timed out.":                                    {true, true},
		"Could not establish connection to the workgroup":                 {true, true},
		`FATAL: connection limit "2000" exceeded for non-bootstrap users`: {true, true},
		`FATAL: password authentication failed for user "admin"`:          {true, false},
		"Redshift does not say why":                                       {true, false},
		"ERROR: connection to the remote server lost":/* while it ran */ {false, false},
	} {
		t.Run(message, func(t *testing.T) {
			pid := 1000
			if test.unconnected {
				pid = 0
			}
			failed := answer{body: fmt.Sprintf(`{"Id":%q,"Status":"FAILED","RedshiftPid":%d,"Error":%q}`, firstID, pid, message)}
			s := &service{fault: on("DescribeStatement", 1, always(failed))}
			if err := exec(t, s, "SELECT 1"); test.again != (err == nil) {
				t.Errorf("error %v, tried again: %t", err, err == nil)
			}
			made := s.made("ExecuteStatement")
			if test.again && (len(made) != 2 || made[1].SessionID != "" || made[0].ClientToken == made[1].ClientToken) {
				t.Errorf("calls: %+v", made)
			}
			// Within a session its SETs would be lost.
			s.fault = nil
			with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
				if err := db.PingContext(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.fault = on("DescribeStatement", 1, always(failed))
				if _, err := db.ExecContext(t.Context(), "SELECT 2"); err == nil {
					t.Error("it was tried again within a session until it worked")
				}
			})
		})
	}
}

func TestPassingErrorsAreRetried(t *testing.T) {
	for name, fail := range map[string]answer{
		"ThrottlingException":               throttled,
		"ActiveStatementsExceededException": refuse(400, "ActiveStatementsExceededException", "try later"),
		"ActiveSessionsExceededException":   refuse(400, "ActiveSessionsExceededException", "try later"),
		"InternalServerException":           refuse(500, "InternalServerException", "try later"),
		"an unavailable service":            {status: http.StatusServiceUnavailable},
		"a cut connection":                  cut,
		"a timeout":                         {err: context.DeadlineExceeded},
	} {
		operations := []string{"ExecuteStatement", "DescribeStatement", "GetStatementResult"}
		if strings.HasPrefix(name, "Active") {
			operations = operations[:1]
		}
		for _, operation := range operations {
			t.Run(name+" to "+operation, func(t *testing.T) {
				s := &service{pages: map[string][]string{"SELECT n": {`"Records":[]`}}, fault: on(operation, 1, always(fail))}
				with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
					rows, err := db.QueryContext(t.Context(), "SELECT n")
					if err != nil {
						t.Fatal(err)
					}
					rows.Close()
					if n := len(s.statements); n != 1 {
						t.Errorf("%d statements ran", n)
					}
				})
			})
		}
	}
}

// TestFateThatIsNotKnown: when nobody can say how a statement ended, the error says so.
func TestFateThatIsNotKnown(t *testing.T) {
	for name, test := range map[string]struct {
		s    *service
		text string
	}{
		"no description":    {&service{fault: on("DescribeStatement", 99, always(cut))}, "asking for the state of statement " + firstID + ", which may still run: gave up after 1m0s"},
		"a status of later": {&service{ends: map[string]string{"DROP TABLE t": `"Status":"PAUSED"`}}, `may still run: its status "PAUSED" is not one that is known`},
		"no session":        {&service{fault: on("ExecuteStatement", 1, always(answer{body: `{"Id":"` + firstID + `"}`}))}, "was started without a session"},
	} {
		t.Run(name, func(t *testing.T) {
			err := exec(t, test.s, "DROP TABLE t")
			wantError(t, err, test.text, nil)
			wantUnknown(t, err, firstID)
		})
	}
}

// lost starts a statement, and nobody hears of it.
func lost(s *service) func(call) answer {
	return func(c call) answer {
		s.apply(c)
		return cut
	}
}

func TestLostAnswerDoesNotRunAStatementTwice(t *testing.T) {
	s := new(service)
	s.fault = on("ExecuteStatement", 1, lost(s))
	if err := exec(t, s, "CREATE VIEW v"); err != nil {
		t.Fatal(err)
	}
	made := s.made("ExecuteStatement")
	if len(made) != 2 || made[0].ClientToken == "" || made[0].ClientToken != made[1].ClientToken || len(s.statements) != 1 {
		t.Errorf("calls: %+v", made)
	}
}

// Whether the service looks up a call's token before its session is not known. If it
// looks at the session first, as here, and that has ended meanwhile, nobody can say
// whether the statement ran.
func TestLostAnswerOfAnEndedSession(t *testing.T) {
	s := new(service)
	with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.fault = on("ExecuteStatement", 1, func(c call) answer {
			defer func() { s.gone = map[string]bool{firstSession: true} }()
			return lost(s)(c)
		})
		_, err := db.ExecContext(t.Context(), "INSERT")
		wantError(t, err, "may run all the same", nil)
		wantUnknown(t, err, "")
		if errors.Is(err, driver.ErrBadConn) || len(s.statements) != 2 {
			t.Errorf("error %v; %d statements were started, want the ping and the INSERT once", err, len(s.statements))
		}
	})
}

func TestWaitsForTheWorkgroup(t *testing.T) {
	missing := always(refuse(400, "ValidationException", "Redshift endpoint doesn't exist in this region."))
	for name, test := range map[string]struct {
		wait  time.Duration
		fails int
		err   string
		told  int
	}{
		"that comes up":       {wait: time.Minute, fails: 2, told: 1},
		"that never comes up": {wait: 20 * time.Minute, fails: 1000, told: 1, err: "gave up after 20m0s"},
		"not at all":          {wait: 0, fails: 1, err: "endpoint doesn't exist"},
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			c := Config{Wait: test.wait, OnWait: func(reason error) {
				told++
				wantError(t, reason, "endpoint doesn't exist", nil)
			}}
			with(t, &service{fault: on("ExecuteStatement", test.fails, missing)}, c, func(t *testing.T, db *sql.DB) {
				err := db.PingContext(t.Context())
				if test.err != "" {
					wantError(t, err, test.err, nil)
				} else if err != nil {
					t.Error(err)
				}
			})
			if told != test.told {
				t.Errorf("told %d times of the wait, want %d", told, test.told)
			}
		})
	}
}

func TestFinalErrorsAreNotRetried(t *testing.T) {
	s := &service{fault: always(refuse(400, "AccessDeniedException", "not authorized to perform: redshift-data:ExecuteStatement"))}
	wantError(t, exec(t, s, "SELECT 1"), "starting a statement in workgroup ev-dev: ", nil)
	if len(s.calls) != 1 {
		t.Errorf("%d calls", len(s.calls))
	}
}

func TestWhatTheDataAPILacks(t *testing.T) {
	with(t, new(service), Config{}, func(t *testing.T, db *sql.DB) {
		_, err := db.BeginTx(t.Context(), nil)
		wantError(t, err, "each statement commits by itself", ErrNoTransactions)
		_, err = db.PrepareContext(t.Context(), "SELECT 1")
		wantError(t, err, "prepares no statements", nil)
	})
}

func TestOpen(t *testing.T) {
	s := new(service)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		_, _ = io.Copy(w, answer.Body)
	}))
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_REDSHIFT_DATA": server.URL,
		"AWS_REGION":                     "us-east-1",
		"AWS_ACCESS_KEY_ID":              "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY":          "example",
		"AWS_CONFIG_FILE":                "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE":    "/dev/null",
	} {
		t.Setenv(name, value)
	}
	c := Config{Workgroup: "ev-dev", Database: "dev"}
	db, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}

	_, err = Open(t.Context(), Config{Database: "dev"})
	wantError(t, err, "both are needed", nil)
	t.Setenv("AWS_REGION", "")
	_, err = Open(t.Context(), c)
	wantError(t, err, "set AWS_REGION", nil)
	t.Setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", "http://data.example.com")
	c.Region = "us-east-1"
	_, err = Open(t.Context(), c)
	wantError(t, err, "without https", nil)
}
