package dataapi_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/dataapi"
)

const secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:login-AbCdEf"

func open(t *testing.T, c dataapi.Config) *sql.DB {
	t.Helper()
	if c.Workgroup == "" {
		c.Workgroup = "ev-dev"
	}
	c.Database, c.SecretARN = "dev", secret
	db, err := dataapi.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestConnectionIsSession(t *testing.T) {
	s := start(t, new(service))
	db := open(t, dataapi.Config{})
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
	for _, step := range []struct {
		conn *sql.Conn
		to   string
	}{{one, "first"}, {two, "second"}} {
		if _, err := step.conn.ExecContext(t.Context(), "SET timezone TO "+step.to); err != nil {
			t.Fatal(err)
		}
	}
	for conn, want := range map[*sql.Conn]string{one: "first", two: "second"} {
		var got string
		if err := conn.QueryRowContext(t.Context(), "SHOW timezone").Scan(&got); err != nil || got != want {
			t.Errorf("timezone is %q (error %v), want %q", got, err, want)
		}
	}
	for _, in := range s.made("ExecuteStatement") {
		opens := in.SessionID == "" && in.WorkgroupName == "ev-dev" && in.Database == "dev" && in.SecretArn == secret &&
			in.SessionKeepAliveSeconds != nil && *in.SessionKeepAliveSeconds == 300
		resumes := in.SessionID != "" && in.WorkgroupName == "" && in.Database == "" && in.SecretArn == "" &&
			in.SessionKeepAliveSeconds == nil
		if strings.HasPrefix(in.SQL, "SET") && !opens || strings.HasPrefix(in.SQL, "SHOW") && !resumes {
			t.Errorf("%s was sent with %+v", in.SQL, in)
		}
	}
}

func TestEndedSession(t *testing.T) {
	s := start(t, new(service))
	db := open(t, dataapi.Config{})
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}

	t.Run("the pool takes another connection", func(t *testing.T) {
		s.endSessions()
		if _, err := db.ExecContext(t.Context(), "SET a TO b"); err != nil {
			t.Error(err)
		}
	})

	t.Run("a held connection says so", func(t *testing.T) {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		s.endSessions()
		_, err = conn.ExecContext(t.Context(), "SET a TO b")
		if !errors.Is(err, driver.ErrBadConn) || !strings.Contains(err.Error(), "session of this connection has ended") {
			t.Errorf("error %v", err)
		}
	})
}

func TestRowsAndTypes(t *testing.T) {
	decimal := column("energy", "numeric")
	decimal["precision"], decimal["scale"] = 38, 2
	user := column("user", "varchar")
	user["precision"], user["nullable"] = 30, 0
	null := map[string]any{"isNull": true}
	s := start(t, &service{results: map[string]result{"SELECT everything": {
		columns: []map[string]any{
			decimal, user, column("n", "int4"), column("f", "float8"), column("ok", "bool"), column("ts", "timestamp"),
			column("tstz", "timestamptz"), column("day", "date"), column("payload", "super"), column("bytes", "varbyte"),
		},
		pages: [][][]map[string]any{
			{{
				text("12.50"), text("u1"), long(7), {"doubleValue": 0.5}, {"booleanValue": true},
				text("2026-03-01 10:20:30.123456"), text("2026-03-01 10:20:30.5+02"), text("2026-03-01"),
				text(`{"a":1}`), text("00ff"),
			}},
			{}, // a page without rows
			{{null, text(""), null, null, null, null, null, null, null, null}},
		},
	}}})
	db := open(t, dataapi.Config{})
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
		precision, scale, isDecimal := k.DecimalSize()
		length, hasLength := k.Length()
		nullable, _ := k.Nullable()
		line := fmt.Sprintf("%s %s %v null=%t", k.Name(), k.DatabaseTypeName(), k.ScanType(), nullable)
		if isDecimal {
			line += fmt.Sprintf(" (%d,%d)", precision, scale)
		}
		if hasLength && length > 0 {
			line += fmt.Sprintf(" (%d)", length)
		}
		got = append(got, line)
	}
	want := []string{
		"energy NUMERIC string null=true (38,2)", "user VARCHAR string null=false (30)", "n INT4 int64 null=true",
		"f FLOAT8 float64 null=true", "ok BOOL bool null=true", "ts TIMESTAMP time.Time null=true",
		"tstz TIMESTAMPTZ time.Time null=true", "day DATE time.Time null=true", "payload SUPER string null=true",
		"bytes VARBYTE string null=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}

	var all [][]any
	for rows.Next() {
		row := make([]any, len(kinds))
		into := make([]any, len(kinds))
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
	if n := len(s.made("GetStatementResult")); n != 3 {
		t.Errorf("%d pages were read, want 3", n)
	}
}

func TestPagesAreReadAsTheyAreNeeded(t *testing.T) {
	s := start(t, &service{results: map[string]result{"SELECT n": {
		columns: []map[string]any{column("n", "int8")},
		pages:   [][][]map[string]any{{{long(1)}}, {{long(2)}}},
	}}})
	db := open(t, dataapi.Config{})
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT n").Scan(&n); err != nil || n != 1 {
		t.Fatalf("got %d, error %v", n, err)
	}
	if n := len(s.made("GetStatementResult")); n != 1 {
		t.Errorf("%d pages were read for one row", n)
	}
}

func TestResultThatIsGone(t *testing.T) {
	start(t, &service{
		results: map[string]result{"SELECT n": {
			columns: []map[string]any{column("n", "int8")}, pages: [][][]map[string]any{{{long(1)}}, {{long(2)}}},
		}},
		control: func(operation string, in input, w http.ResponseWriter) bool {
			if operation != "GetStatementResult" || in.NextToken == "" {
				return false
			}
			refuse(w, 400, "ResourceNotFoundException", "Query does not exist.")
			return true
		},
	})
	rows, err := open(t, dataapi.Config{}).QueryContext(t.Context(), "SELECT n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	read := 0
	for rows.Next() {
		read++
	}
	if err := rows.Err(); read != 1 || err == nil || !strings.Contains(err.Error(), "keeps results for 24 hours") {
		t.Errorf("%d rows, error %v", read, err)
	}
}

func TestTimeThatIsTooFar(t *testing.T) {
	start(t, &service{results: map[string]result{"SELECT ts": {
		columns: []map[string]any{column("ts", "timestamp")}, pages: [][][]map[string]any{{{text("infinity")}}},
	}}})
	var ts time.Time
	err := open(t, dataapi.Config{}).QueryRowContext(t.Context(), "SELECT ts").Scan(&ts)
	if err == nil || !strings.Contains(err.Error(), `column ts: "infinity" is beyond what time.Time can hold; cast it to VARCHAR`) {
		t.Errorf("error %v", err)
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
			query: `SELECT 'it''s $1', '\'$1', "$1", t$1, $1 -- $1` + "\n/* $1 */ FROM $$ $1 $$ ä$1",
			args:  []any{"x"},
			sql:   `SELECT 'it''s $1', '\'$1', "$1", t$1, :p1 -- $1` + "\n/* $1 */ FROM $$ $1 $$ ä:p1",
			sent:  []parameter{{"p1", "x"}},
		},
		"NULL":     {query: "SELECT $1", args: []any{nil}, err: "argument $1: the Data API has no NULL parameter"},
		"empty":    {query: "SELECT $1", args: []any{""}, err: "argument $1: the Data API has no empty parameter"},
		"bytes":    {query: "SELECT $1", args: []any{[]byte("x")}, err: "argument $1: a []uint8 cannot be an argument"},
		"named":    {query: "SELECT :a", args: []any{sql.Named("a", 1)}, err: "argument a: arguments are positional"},
		"too few":  {query: "SELECT $1, $2", args: []any{1}, err: "uses $2, but has 1 arguments"},
		"too many": {query: "SELECT $1", args: []any{1, 2}, err: "does not use its argument $2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, new(service))
			_, err := open(t, dataapi.Config{}).ExecContext(t.Context(), test.query, test.args...)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || len(s.made("ExecuteStatement")) > 0 {
					t.Errorf("error %v after %d calls, want %q and no call", err, len(s.made("ExecuteStatement")), test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			in := s.made("ExecuteStatement")[0]
			if in.SQL != test.sql || !reflect.DeepEqual(in.Parameters, test.sent) {
				t.Errorf("sent %s\nwith %v\nwant %s\nwith %v", in.SQL, in.Parameters, test.sql, test.sent)
			}
		})
	}
}

func TestStatementsThatDoNotFinish(t *testing.T) {
	for name, test := range map[string]struct {
		sql  string
		want dataapi.Error
		text string
	}{
		"failed, with a position": {
			sql:  `FAIL ERROR: syntax error at or near "CASE"\n  Position: 17`,
			want: dataapi.Error{Status: "FAILED", Message: `ERROR: syntax error at or near "CASE"`, Position: 17},
			text: `Redshift: ERROR: syntax error at or near "CASE" (statement 10000000-0000-0000-0000-000000000001, FAILED)`,
		},
		"failed, without one": {
			sql:  `FAIL ERROR: relation "a" already exists`,
			want: dataapi.Error{Status: "FAILED", Message: `ERROR: relation "a" already exists`},
			text: `Redshift: ERROR: relation "a" already exists (statement 10000000-0000-0000-0000-000000000001, FAILED)`,
		},
		"failed, quoting a record that steers a terminal": {
			sql:  "FAIL ERROR: invalid input \x1b]0;x\a",
			want: dataapi.Error{Status: "FAILED", Message: "ERROR: invalid input \ufffd]0;x\ufffd"},
			text: "Redshift: ERROR: invalid input \ufffd]0;x\ufffd (statement 10000000-0000-0000-0000-000000000001, FAILED)",
		},
		"stopped by somebody": {
			sql:  "STATUS ABORTED",
			want: dataapi.Error{Status: "ABORTED", Message: "no reason given"},
			text: "Redshift: no reason given (statement 10000000-0000-0000-0000-000000000001, ABORTED)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, new(service))
			_, err := open(t, dataapi.Config{}).ExecContext(t.Context(), test.sql)
			var got *dataapi.Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v is no *dataapi.Error", err)
			}
			test.want.StatementID, test.want.SQL = "10000000-0000-0000-0000-000000000001", test.sql
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if err.Error() != test.text {
				t.Errorf("text %q, want %q", err, test.text)
			}
		})
	}
}

func TestUnknownStatusIsAnError(t *testing.T) {
	start(t, new(service))
	_, err := open(t, dataapi.Config{}).ExecContext(t.Context(), "STATUS PAUSED")
	if err == nil || !strings.Contains(err.Error(), `may still run: its status "PAUSED" is not one that is known`) {
		t.Errorf("error %v", err)
	}
}

func TestCancelledContextCancelsTheStatement(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := start(t, &service{control: func(operation string, in input, w http.ResponseWriter) bool {
		if operation == "DescribeStatement" {
			cancel()
		}
		return false
	}})
	db := open(t, dataapi.Config{})
	_, err := db.ExecContext(ctx, "SLEEP")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "statement 10000000-0000-0000-0000-000000000001 was cancelled") {
		t.Errorf("error %v", err)
	}
	if n := len(s.made("CancelStatement")); n != 1 {
		t.Errorf("%d calls of CancelStatement", n)
	}
	// The session may still be busy: the next statement gets another.
	if _, err := db.ExecContext(t.Context(), "SET a TO b"); err != nil {
		t.Error(err)
	}
}

func TestCancelledWhileStarting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := start(t, &service{control: func(operation string, in input, w http.ResponseWriter) bool {
		if operation == "ExecuteStatement" {
			cancel()
		}
		return false
	}})
	_, err := open(t, dataapi.Config{}).ExecContext(ctx, "SLEEP")
	if !errors.Is(err, context.Canceled) || len(s.made("CancelStatement")) != 1 {
		t.Errorf("error %v, %d calls of CancelStatement", err, len(s.made("CancelStatement")))
	}
}

// TestCancelledWhileWaiting: of a statement that was only ever refused nobody says
// that it may run.
func TestCancelledWhileWaiting(t *testing.T) {
	for name, test := range map[string]struct {
		fail   func(http.ResponseWriter)
		unsure bool
	}{
		"throttled":         {func(w http.ResponseWriter) { refuse(w, 400, "ThrottlingException", "Rate exceeded") }, false},
		"a fault":           {func(w http.ResponseWriter) { refuse(w, 500, "InternalServerException", "try later") }, true},
		"a cut connection":  {cut, true},
		"an unreadable one": {func(w http.ResponseWriter) { fmt.Fprint(w, `{"Id":`) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			start(t, &service{control: failFirst(100, "ExecuteStatement", func(w http.ResponseWriter) {
				test.fail(w)
				time.AfterFunc(20*time.Millisecond, cancel)
			})})
			_, err := open(t, dataapi.Config{}).ExecContext(ctx, "SET a TO b")
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			if got := strings.Contains(err.Error(), "may run all the same"); got != test.unsure {
				t.Errorf("error %q, says that it may run: %t", err, got)
			}
			if !strings.Contains(err.Error(), "context canceled, after: ") {
				t.Errorf("error %q does not say what it waited for", err)
			}
		})
	}
}

// TestUnconnectedStatementsAreTriedAgain: what failed because the Data API could not
// connect did not run.
func TestUnconnectedStatementsAreTriedAgain(t *testing.T) {
	for message, again := range map[string]bool{
		"UNCONNECTED Error: Connection timed out.":                                    true,
		"UNCONNECTED Could not establish connection to the workgroup":                 true,
		`UNCONNECTED FATAL: connection limit "2000" exceeded for non-bootstrap users`: true,
		`UNCONNECTED FATAL: password authentication failed for user "admin"`:          false,
		"UNCONNECTED Redshift does not say why":                                       false,
		"FAIL ERROR: connection to the remote server lost":/* while it ran */ false,
	} {
		t.Run(message, func(t *testing.T) {
			s := new(service)
			var calls atomic.Int32
			s.control = func(operation string, in input, w http.ResponseWriter) bool {
				if operation != "ExecuteStatement" || calls.Add(1) == 1 {
					return false
				}
				in.SQL = "SHOW a" // from the second time on it works
				s.handle(operation, in, w)
				return true
			}
			start(t, s)
			_, err := open(t, dataapi.Config{}).ExecContext(t.Context(), message)
			if again != (err == nil) {
				t.Errorf("error %v, tried again: %t", err, err == nil)
			}
			if made := s.made("ExecuteStatement"); again && (len(made) != 2 || made[1].SessionID != "" || made[0].ClientToken == made[1].ClientToken) {
				t.Errorf("calls: %+v", made)
			}
		})
	}
	t.Run("not within a session, whose SETs would be lost", func(t *testing.T) {
		start(t, new(service))
		conn, err := open(t, dataapi.Config{}).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(t.Context(), "SET a TO b"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "UNCONNECTED Connection refused"); err == nil {
			t.Error("it was tried again until it worked")
		}
	})
}

// failFirst returns a control that fails the first n calls of an operation.
func failFirst(n int32, operation string, fail func(http.ResponseWriter)) func(string, input, http.ResponseWriter) bool {
	var calls atomic.Int32
	return func(op string, in input, w http.ResponseWriter) bool {
		if op != operation || calls.Add(1) > n {
			return false
		}
		fail(w)
		return true
	}
}

func TestPassingErrorsAreRetried(t *testing.T) {
	refused := func(status int, code string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { refuse(w, status, code, "try later") }
	}
	for name, fail := range map[string]func(http.ResponseWriter){
		"ThrottlingException":               refused(400, "ThrottlingException"),
		"ActiveStatementsExceededException": refused(400, "ActiveStatementsExceededException"),
		"ActiveSessionsExceededException":   refused(400, "ActiveSessionsExceededException"),
		"InternalServerException":           refused(500, "InternalServerException"),
		"an unavailable service":            func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"a cut connection":                  cut,
	} {
		operations := []string{"ExecuteStatement", "DescribeStatement", "GetStatementResult"}
		if strings.HasPrefix(name, "Active") {
			operations = operations[:1]
		}
		for _, operation := range operations {
			t.Run(name+" to "+operation, func(t *testing.T) {
				s := start(t, &service{control: failFirst(1, operation, fail)})
				var setting string
				if err := open(t, dataapi.Config{}).QueryRowContext(t.Context(), "SHOW a").Scan(&setting); err != nil {
					t.Fatal(err)
				}
				if n := len(s.statements); n != 1 {
					t.Errorf("%d statements ran", n)
				}
			})
		}
	}
}

func TestLostAnswerDoesNotRunAStatementTwice(t *testing.T) {
	s := new(service)
	var calls atomic.Int32
	s.control = func(operation string, in input, w http.ResponseWriter) bool {
		if operation != "ExecuteStatement" || calls.Add(1) > 1 {
			return false
		}
		s.handle(operation, in, httptest.NewRecorder()) // it starts, and nobody hears of it
		cut(w)
		return true
	}
	start(t, s)
	if _, err := open(t, dataapi.Config{}).ExecContext(t.Context(), "CREATE VIEW v"); err != nil {
		t.Fatal(err)
	}
	made := s.made("ExecuteStatement")
	if len(made) != 2 || made[0].ClientToken == "" || made[0].ClientToken != made[1].ClientToken {
		t.Errorf("calls: %+v", made)
	}
	if n := len(s.statements); n != 1 {
		t.Errorf("%d statements ran", n)
	}
}

// Whether the service looks up a call's token before its session is not known. If it
// looks at the session first, and that has ended meanwhile, nobody can say whether the
// statement ran.
func TestLostAnswerOfAnEndedSession(t *testing.T) {
	s := new(service)
	s.control = func(operation string, in input, w http.ResponseWriter) bool {
		if operation != "ExecuteStatement" || in.SQL != "INSERT" {
			return false
		}
		if len(s.made("ExecuteStatement")) == 2 { // after the ping
			s.handle(operation, in, httptest.NewRecorder()) // it starts, and nobody hears of it
			s.endSessions()
			cut(w)
			return true
		}
		if in.SessionID == "" {
			return false
		}
		refuse(w, 400, "ValidationException", "Session is not available")
		return true
	}
	start(t, s)
	db := open(t, dataapi.Config{})
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := db.ExecContext(t.Context(), "INSERT")
	if err == nil || errors.Is(err, driver.ErrBadConn) || !strings.Contains(err.Error(), "may run all the same") {
		t.Errorf("error %v, want one that says that the statement may run", err)
	}
	ran := 0
	for _, in := range s.made("ExecuteStatement") {
		if in.SQL == "INSERT" && in.SessionID == "" {
			ran++
		}
	}
	if ran != 0 {
		t.Errorf("the statement was started again, in %d other sessions", ran)
	}
}

func TestStatementsHaveTokensOfTheirOwn(t *testing.T) {
	s := start(t, new(service))
	db := open(t, dataapi.Config{})
	for range 2 {
		if _, err := db.ExecContext(t.Context(), "SET a TO b"); err != nil {
			t.Fatal(err)
		}
	}
	if made := s.made("ExecuteStatement"); made[0].ClientToken == made[1].ClientToken {
		t.Error("two statements had the same token")
	}
}

func TestWaitsForTheWorkgroup(t *testing.T) {
	missing := func(w http.ResponseWriter) {
		refuse(w, 400, "ValidationException", "Redshift endpoint doesn't exist in this region.")
	}
	for name, test := range map[string]struct {
		wait  time.Duration
		fails int32
		err   string
		told  int
	}{
		"that comes up":       {wait: time.Minute, fails: 2, told: 1},
		"that never comes up": {wait: 50 * time.Millisecond, fails: 1000, told: 1, err: "gave up after 50ms"},
		"not at all":          {wait: 0, fails: 1, err: "endpoint doesn't exist"},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, &service{control: failFirst(test.fails, "ExecuteStatement", missing)})
			told := 0
			db := open(t, dataapi.Config{Wait: test.wait, OnWait: func(reason error) {
				told++
				if !strings.Contains(reason.Error(), "endpoint doesn't exist") {
					t.Errorf("reason %v", reason)
				}
			}})
			err := db.PingContext(t.Context())
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if told != test.told {
				t.Errorf("told %d times of the wait, want %d", told, test.told)
			}
		})
	}
}

func TestFinalErrorsAreNotRetried(t *testing.T) {
	s := start(t, &service{control: failFirst(1000, "ExecuteStatement", func(w http.ResponseWriter) {
		refuse(w, 400, "AccessDeniedException", "not authorized to perform: redshift-data:ExecuteStatement")
	})})
	err := open(t, dataapi.Config{Wait: time.Minute}).PingContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "starting a statement in workgroup ev-dev: ") || len(s.made("ExecuteStatement")) != 1 {
		t.Errorf("error %v after %d calls", err, len(s.made("ExecuteStatement")))
	}
}

func TestNoTransactions(t *testing.T) {
	start(t, new(service))
	if _, err := open(t, dataapi.Config{}).BeginTx(t.Context(), nil); !errors.Is(err, dataapi.ErrNoTransactions) {
		t.Errorf("error %v", err)
	}
}

func TestPreparedStatement(t *testing.T) {
	s := start(t, new(service))
	st, err := open(t, dataapi.Config{}).PrepareContext(t.Context(), "SHOW $1")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var setting string
	if err := st.QueryRowContext(t.Context(), "a").Scan(&setting); err != nil {
		t.Fatal(err)
	}
	if got := s.made("ExecuteStatement")[0].SQL; got != "SHOW :p1" {
		t.Errorf("sent %q", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	start(t, new(service))
	if _, err := dataapi.Open(t.Context(), dataapi.Config{Database: "dev"}); err == nil {
		t.Error("opened without a workgroup")
	}
	t.Setenv("AWS_REGION", "")
	if _, err := dataapi.Open(t.Context(), dataapi.Config{Workgroup: "ev-dev", Database: "dev"}); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("error %v without a region", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", "http://data.example.com")
	if _, err := dataapi.Open(t.Context(), dataapi.Config{Workgroup: "ev-dev", Database: "dev", Region: "us-east-1"}); err == nil || !strings.Contains(err.Error(), "without https") {
		t.Errorf("an endpoint without TLS: %v", err)
	}
}
