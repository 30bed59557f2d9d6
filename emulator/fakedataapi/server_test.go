package fakedataapi_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/warehouse"
)

const secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf"

// A fixture is a Data API stand-in in front of an empty warehouse, and the SDK's client.
type fixture struct {
	t      *testing.T
	server *fakedataapi.Server
	w      *warehouse.Warehouse
	client *redshiftdata.Client
	clock  *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func secrets(arn string) (string, error) {
	text, ok := map[string]string{
		secret:           `{"username":"admin","password":"Secret1234"}`,
		secret + "-cdk":  `{"admin_username":"admin","admin_user_password":"Secret1234"}`,
		secret + "-old":  `{"username":"admin","password":"Secret1233"}`,
		secret + "-text": `Secret1234`,
	}[arn]
	if !ok {
		return "", errors.New("no such secret")
	}
	return text, nil
}

func newFixture(t *testing.T, options ...fakedataapi.Option) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	f.w = warehouse.New(warehouse.Options{Clock: f.clock.Now})
	t.Cleanup(func() {
		if err := f.w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := f.w.CreateNamespace(t.Context(), warehouse.Namespace{Name: "ev", AdminUser: "admin", AdminPassword: "Secret1234"}); err != nil {
		t.Fatal(err)
	}
	if err := f.w.CreateWorkgroup(warehouse.Workgroup{Name: "ev-dev", Namespace: "ev"}); err != nil {
		t.Fatal(err)
	}
	f.server = fakedataapi.New(f.w, secrets, append([]fakedataapi.Option{fakedataapi.WithClock(f.clock.Now)}, options...)...)
	if err := f.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.server.Close(); err != nil {
			t.Error(err)
		}
	})
	f.client = redshiftdata.New(redshiftdata.Options{
		BaseEndpoint:     aws.String(f.server.URL()),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("any", "any", ""),
		RetryMaxAttempts: 1,
	})
	return f
}

func input(sql string) *redshiftdata.ExecuteStatementInput {
	return &redshiftdata.ExecuteStatementInput{Sql: aws.String(sql), WorkgroupName: aws.String("ev-dev"), Database: aws.String("dev"), SecretArn: aws.String(secret)}
}

// start starts a statement that must be accepted.
func (f *fixture) start(in *redshiftdata.ExecuteStatementInput) *redshiftdata.ExecuteStatementOutput {
	f.t.Helper()
	out, err := f.client.ExecuteStatement(f.t.Context(), in)
	if err != nil {
		f.t.Fatalf("ExecuteStatement %s: %v", aws.ToString(in.Sql), err)
	}
	return out
}

// await describes a statement until it has one of the states, for at most ten seconds.
func (f *fixture) await(id *string, states ...types.StatusString) *redshiftdata.DescribeStatementOutput {
	f.t.Helper()
	if len(states) == 0 {
		states = []types.StatusString{types.StatusStringFinished, types.StatusStringFailed, types.StatusStringAborted}
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	for {
		out, err := f.client.DescribeStatement(ctx, &redshiftdata.DescribeStatementInput{Id: id})
		if err != nil {
			f.t.Fatalf("DescribeStatement %s: %v", aws.ToString(id), err)
		}
		for _, s := range states {
			if out.Status == s {
				return out
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// run runs a statement that must finish.
func (f *fixture) run(sql string) *redshiftdata.DescribeStatementOutput {
	f.t.Helper()
	out := f.await(f.start(input(sql)).Id)
	if out.Status != types.StatusStringFinished {
		f.t.Fatalf("%s\nended %s: %s", sql, out.Status, aws.ToString(out.Error))
	}
	return out
}

// result gives all rows of a statement, each as its values joined by " | ".
func (f *fixture) result(id *string) []string {
	f.t.Helper()
	rows := []string{}
	for pages := redshiftdata.NewGetStatementResultPaginator(f.client, &redshiftdata.GetStatementResultInput{Id: id}); pages.HasMorePages(); {
		page, err := pages.NextPage(f.t.Context())
		if err != nil {
			f.t.Fatalf("GetStatementResult %s: %v", aws.ToString(id), err)
		}
		for _, record := range page.Records {
			var cells []string
			for _, field := range record {
				switch v := field.(type) {
				case *types.FieldMemberIsNull:
					cells = append(cells, "NULL")
				case *types.FieldMemberLongValue:
					cells = append(cells, fmt.Sprint("long ", v.Value))
				case *types.FieldMemberDoubleValue:
					cells = append(cells, fmt.Sprint("double ", v.Value))
				case *types.FieldMemberBooleanValue:
					cells = append(cells, fmt.Sprint("boolean ", v.Value))
				case *types.FieldMemberStringValue:
					cells = append(cells, "string "+v.Value)
				default:
					f.t.Fatalf("unexpected field %T", field)
				}
			}
			rows = append(rows, strings.Join(cells, " | "))
		}
	}
	return rows
}

// refused checks the code and the text of an answer that is no success.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("%s: %v, want %s", what, err, code)
		return
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("%s: %s %q, want %s with %q", what, api.ErrorCode(), api.ErrorMessage(), code, text)
	}
}

func TestAStatementGoesFromItsTextToItsRows(t *testing.T) {
	f := newFixture(t)
	f.run("CREATE TABLE t (n INTEGER, big BIGINT, d DECIMAL(10,2), f DOUBLE PRECISION, b BOOLEAN, s VARCHAR(20), at TIMESTAMP, day DATE, doc SUPER, raw VARBYTE(10))")
	inserted := f.run(`INSERT INTO t SELECT 1, 9223372036854775807, 12.5, 0.25, true, 'text', TIMESTAMP '2026-03-01 12:00:00.5', DATE '2026-03-01', JSON_PARSE('{"a":[1,null]}'), TO_VARBYTE('ab', 'utf8')`)
	if inserted.ResultRows != 1 || aws.ToBool(inserted.HasResultSet) {
		t.Errorf("the INSERT has ResultRows %d and HasResultSet %v, want 1 and false", inserted.ResultRows, aws.ToBool(inserted.HasResultSet))
	}
	f.run("INSERT INTO t (n) VALUES (2)")

	selected := f.run("SELECT * FROM t ORDER BY n")
	if selected.ResultRows != 2 || !aws.ToBool(selected.HasResultSet) {
		t.Errorf("the SELECT has ResultRows %d and HasResultSet %v, want 2 and true", selected.ResultRows, aws.ToBool(selected.HasResultSet))
	}
	want := []string{
		`long 1 | long 9223372036854775807 | string 12.50 | double 0.25 | boolean true | string text | string 2026-03-01 12:00:00.5 | string 2026-03-01 | string {"a":[1,null]} | string 6162`,
		`long 2 | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL`,
	}
	if diff := cmp.Diff(want, f.result(selected.Id)); diff != "" {
		t.Errorf("rows (-want +got)\n%s", diff)
	}

	page, err := f.client.GetStatementResult(t.Context(), &redshiftdata.GetStatementResultInput{Id: selected.Id})
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range page.ColumnMetadata {
		columns = append(columns, fmt.Sprintf("%s %s(%d,%d) nullable %d", aws.ToString(c.Name), aws.ToString(c.TypeName), c.Precision, c.Scale, c.Nullable))
	}
	wantColumns := []string{
		"n int4(10,0) nullable 1", "big int8(19,0) nullable 1", "d numeric(10,2) nullable 1", "f float8(17,17) nullable 1", "b bool(1,0) nullable 1",
		"s varchar(0,0) nullable 1", "at timestamp(29,6) nullable 1", "day date(13,0) nullable 1", "doc super(0,0) nullable 1", "raw varbyte(0,0) nullable 1",
	}
	if diff := cmp.Diff(wantColumns, columns); diff != "" {
		t.Errorf("columns (-want +got)\n%s", diff)
	}
}

func TestAFailureOfTheSQLIsNotOneOfTheCall(t *testing.T) {
	f := newFixture(t)
	for sql, want := range map[string]string{
		"SELECT * FROM nowhere":     `ERROR: relation "nowhere" does not exist`,
		"SELEC 1":                   "ERROR: syntax error at or near \"SELEC\"\n  Position: 1",
		"SELECT 1; SELECT 2":        "ERROR: cannot insert multiple commands into a prepared statement",
		"SELECT 'abc'::INTEGER":     "ERROR: Invalid digit",
		"SELECT REPEAT('x', 65537)": "ERROR: Packet for query is too large",
		"VACUUM t":                  "not supported by the warehouse stand-in",
		"SELECT NO_SUCH(1)":         "function no_such does not exist, or is not supported by the warehouse stand-in",
		"CREATE EXTERNAL SCHEMA x FROM KINESIS REGION": "ERROR: syntax error at end of input",
	} {
		got := f.await(f.start(input(sql)).Id)
		if got.Status != types.StatusStringFailed || !strings.Contains(aws.ToString(got.Error), want) {
			t.Errorf("%s\nended %s with %q, want FAILED with %q", sql, got.Status, aws.ToString(got.Error), want)
		}
	}
}

func TestSessions(t *testing.T) {
	f := newFixture(t)
	kept := input("SET query_group TO 'mine'")
	kept.SessionKeepAliveSeconds = aws.Int32(60)
	first := f.start(kept)
	if first.SessionId == nil {
		t.Fatal("no SessionId was given for a session to keep alive")
	}
	f.await(first.Id)
	in := func(sql string) *redshiftdata.ExecuteStatementInput {
		return &redshiftdata.ExecuteStatementInput{Sql: aws.String(sql), SessionId: first.SessionId}
	}

	t.Run("a SET lasts as long as its session", func(t *testing.T) {
		again := f.await(f.start(in("SHOW query_group")).Id)
		if diff := cmp.Diff([]string{"string mine"}, f.result(again.Id)); diff != "" {
			t.Errorf("in the session (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]string{"string default"}, f.result(f.run("SHOW query_group").Id)); diff != "" {
			t.Errorf("without a session (-want +got)\n%s", diff)
		}
	})
	t.Run("one statement at a time", func(t *testing.T) {
		f.server.Control("ExecuteStatement", func(*fakedataapi.Call) *fakedataapi.Fault {
			return &fakedataapi.Fault{Outcome: fakedataapi.Outcome{Status: fakedataapi.Running}}
		})
		slow := f.start(in("SELECT 1"))
		_, err := f.client.ExecuteStatement(t.Context(), in("SELECT 2"))
		refused(t, "a second statement", err, "ValidationException", "busy")
		if _, err := f.client.CancelStatement(t.Context(), &redshiftdata.CancelStatementInput{Id: slow.Id}); err != nil {
			t.Fatal(err)
		}
		if got := f.await(slow.Id); got.Status != types.StatusStringAborted {
			t.Errorf("the cancelled statement is %s, want ABORTED", got.Status)
		}
		_, err = f.client.CancelStatement(t.Context(), &redshiftdata.CancelStatementInput{Id: slow.Id})
		refused(t, "cancelling it again", err, "ValidationException", "Could not cancel a query that is already in ABORTED state")
	})
	t.Run("what it is connected to is given once", func(t *testing.T) {
		both := input("SELECT 1")
		both.SessionId = first.SessionId
		_, err := f.client.ExecuteStatement(t.Context(), both)
		refused(t, "a session and a workgroup", err, "ValidationException", "SessionId can't be combined")
	})
	t.Run("it ends when it was idle too long", func(t *testing.T) {
		f.clock.advance(61 * time.Second)
		_, err := f.client.ExecuteStatement(t.Context(), in("SELECT 1"))
		refused(t, "an expired session", err, "ValidationException", "Session is not available")
	})
	t.Run("one that never was is invalid", func(t *testing.T) {
		never := in("SELECT 1")
		never.SessionId = aws.String("00000000-0000-4000-8000-00000000ffff")
		_, err := f.client.ExecuteStatement(t.Context(), never)
		refused(t, "an unknown session", err, "ValidationException", "Session with Id: 00000000-0000-4000-8000-00000000ffff is invalid")
	})
}

// The service behaves by each answer to each doubt, and by all the others together.
func TestDoubts(t *testing.T) {
	for _, c := range []struct {
		readings doubt.Readings
		again    string // code of the same call, with its token, when its session has ended
		other    string // code of another call
		each     bool   // each statement of a batch has to use each parameter
	}{
		{nil, "", "ValidationException", false},
		{doubt.Readings{"missing-session": "not-found"}, "", "ResourceNotFoundException", false},
		{doubt.Readings{"token-order": "session-first"}, "ValidationException", "ValidationException", false},
		{doubt.Readings{"batch-parameters": "each"}, "", "ValidationException", true},
		{fakedataapi.Doubts().Others(), "ResourceNotFoundException", "ResourceNotFoundException", true},
	} {
		t.Run(c.readings.String(), func(t *testing.T) {
			f := newFixture(t, fakedataapi.WithReadings(c.readings))
			opening := input("SELECT 1")
			opening.SessionKeepAliveSeconds = aws.Int32(60)
			session := f.start(opening)
			f.await(session.Id)
			call := &redshiftdata.ExecuteStatementInput{Sql: aws.String("SELECT 2"), SessionId: session.SessionId, ClientToken: aws.String("once")}
			first := f.start(call)
			f.await(first.Id)
			f.clock.advance(61 * time.Second)

			again, err := f.client.ExecuteStatement(t.Context(), call)
			if c.again != "" {
				refused(t, "the same call", err, c.again, "Session is not available")
			} else if err != nil || aws.ToString(again.Id) != aws.ToString(first.Id) {
				t.Errorf("the same call: %v, error %v; want the first one's statement", again, err)
			}
			call.ClientToken = nil
			_, err = f.client.ExecuteStatement(t.Context(), call)
			refused(t, "another call", err, c.other, "Session is not available")

			shared := batchInput("SELECT 1", "SELECT :n")
			shared.Parameters = []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("7")}}
			_, err = f.client.BatchExecuteStatement(t.Context(), shared)
			if c.each {
				refused(t, "a batch with a statement without the parameter", err, "ValidationException", "is not used")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDoubtsAreListed holds the table of README.md against the switches.
func TestDoubtsAreListed(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fakedataapi.Doubts().Table(); !strings.Contains(string(text), want) {
		t.Errorf("README.md does not have the doubts:\n%s", want)
	}
	if err := fakedataapi.New(nil, nil, fakedataapi.WithReadings(doubt.Readings{"token-order": "never"})).Start(); err == nil {
		t.Error("an answer that is none is taken")
	}
}

func batchInput(sqls ...string) *redshiftdata.BatchExecuteStatementInput {
	return &redshiftdata.BatchExecuteStatementInput{Sqls: sqls, WorkgroupName: aws.String("ev-dev"), Database: aws.String("dev"), SecretArn: aws.String(secret)}
}

func TestABatchIsOneTransaction(t *testing.T) {
	f := newFixture(t)
	start := func(in *redshiftdata.BatchExecuteStatementInput) *string {
		t.Helper()
		out, err := f.client.BatchExecuteStatement(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Id
	}
	batch := func(sqls ...string) *redshiftdata.DescribeStatementOutput {
		t.Helper()
		return f.await(start(batchInput(sqls...)))
	}
	good := batch("CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1), (2)", "SELECT n FROM t ORDER BY n")
	if good.Status != types.StatusStringFinished || len(good.SubStatements) != 3 {
		t.Fatalf("the batch is %s %s with %d parts, want FINISHED with 3", good.Status, aws.ToString(good.Error), len(good.SubStatements))
	}
	if diff := cmp.Diff([]string{"long 1", "long 2"}, f.result(good.SubStatements[2].Id)); diff != "" {
		t.Errorf("the third part's rows (-want +got)\n%s", diff)
	}

	bad := batch("INSERT INTO t VALUES (3)", "CREATE VIEW v AS SELECT n FROM t", "SELECT m FROM t", "SELECT 1")
	var states []string
	for _, sub := range bad.SubStatements {
		states = append(states, string(sub.Status))
	}
	if diff := cmp.Diff([]string{"FINISHED", "FINISHED", "FAILED", "ABORTED"}, states); diff != "" || bad.Status != types.StatusStringFailed {
		t.Errorf("the batch is %s; its parts (-want +got)\n%s", bad.Status, diff)
	}
	if !strings.HasPrefix(aws.ToString(bad.Error), "Query #3 failed with ERROR: ") {
		t.Errorf("the batch's error is %q", aws.ToString(bad.Error))
	}
	if diff := cmp.Diff([]string{"long 2"}, f.result(f.run("SELECT COUNT(*) FROM t").Id)); diff != "" {
		t.Errorf("rows after a failed batch (-want +got)\n%s", diff)
	}
	if got := f.await(f.start(input("SELECT * FROM v")).Id); got.Status != types.StatusStringFailed {
		t.Errorf("the view of a failed batch is there")
	}

	f.server.Control("BatchExecuteStatement", func(*fakedataapi.Call) *fakedataapi.Fault {
		return &fakedataapi.Fault{Outcome: fakedataapi.Outcome{Status: fakedataapi.Running}}
	})
	slow := start(batchInput("SELECT 1", "SELECT 2"))
	if _, err := f.client.CancelStatement(t.Context(), &redshiftdata.CancelStatementInput{Id: slow}); err != nil {
		t.Fatal(err)
	}
	for _, sub := range f.await(slow, types.StatusStringAborted).SubStatements {
		if sub.Status != types.StatementStatusStringAborted {
			t.Errorf("a part of a cancelled batch is %s", sub.Status)
		}
	}

	shared := batchInput("CREATE TABLE u (n INTEGER)", "INSERT INTO u VALUES (:n)", "SELECT n FROM u WHERE n = :n -- :m")
	shared.Parameters = []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("7")}}
	if got := f.await(start(shared)); got.Status != types.StatusStringFinished || got.SubStatements[2].ResultRows != 1 {
		t.Errorf("with parameters that the statements share: %s %s", got.Status, aws.ToString(got.Error))
	}
}

func TestParametersAreValues(t *testing.T) {
	f := newFixture(t)
	f.run("CREATE TABLE t (n INTEGER, s VARCHAR(30))")
	in := input("INSERT INTO t VALUES (:n::SMALLINT, :s) -- not :this, 'nor :that'")
	in.Parameters = []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("7")}, {Name: aws.String("s"), Value: aws.String(`O'Hara \ '); --`)}}
	if got := f.await(f.start(in).Id); got.Status != types.StatusStringFinished {
		t.Fatalf("%s: %s", got.Status, aws.ToString(got.Error))
	}
	if diff := cmp.Diff([]string{`long 7 | string O'Hara \ '); --`}, f.result(f.run("SELECT n, s FROM t").Id)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, in := range map[string]*redshiftdata.ExecuteStatementInput{
		"is not used":                {Sql: aws.String("SELECT 1"), Parameters: []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("7")}}},
		"has no value":               {Sql: aws.String("SELECT :m, :n"), Parameters: []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("7")}}},
		"greater than or equal to 1": {Sql: aws.String("SELECT :n"), Parameters: []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("")}}},
	} {
		in.WorkgroupName, in.Database, in.SecretArn = aws.String("ev-dev"), aws.String("dev"), aws.String(secret)
		_, err := f.client.ExecuteStatement(t.Context(), in)
		refused(t, aws.ToString(in.Sql), err, "ValidationException", name)
	}
}

func TestPages(t *testing.T) {
	f := newFixture(t, fakedataapi.WithPageRows(2))
	f.run("CREATE TABLE t (n INTEGER)")
	f.run("INSERT INTO t VALUES (1), (2), (3), (4), (5)")
	id := f.run("SELECT n FROM t ORDER BY n").Id
	f.server.Control("GetStatementResult", func(c *fakedataapi.Call) *fakedataapi.Fault {
		if !strings.Contains(string(c.Body), "NextToken") {
			return nil // not the first page
		}
		return &fakedataapi.Fault{WithholdRows: true}
	})
	if diff := cmp.Diff([]string{"long 1", "long 2", "long 3", "long 4", "long 5"}, f.result(id)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := f.server.Calls("GetStatementResult"); got != 4 {
		t.Errorf("%d calls of GetStatementResult, want 4: three pages and one withheld", got)
	}
}

func TestATokenMakesARetryHarmless(t *testing.T) {
	f := newFixture(t)
	f.run("CREATE TABLE t (n INTEGER)")
	in := input("INSERT INTO t VALUES (1)")
	in.ClientToken = aws.String("once")
	for _, fault := range []fakedataapi.Fault{{CutBefore: true}, {CutAfter: true}} {
		f.server.Control("ExecuteStatement", func(*fakedataapi.Call) *fakedataapi.Fault { return &fault })
		if _, err := f.client.ExecuteStatement(t.Context(), in); err == nil {
			t.Fatalf("the answer was not cut off by %+v", fault)
		}
	}
	f.await(f.start(in).Id)
	if diff := cmp.Diff([]string{"long 1"}, f.result(f.run("SELECT COUNT(*) FROM t").Id)); diff != "" {
		t.Errorf("rows after a retry (-want +got)\n%s", diff)
	}
	in.Sql = aws.String("INSERT INTO t VALUES (2)")
	_, err := f.client.ExecuteStatement(t.Context(), in)
	refused(t, "the token with another statement", err, "ValidationException", "was used for another request")
	batch := batchInput("INSERT INTO t VALUES (1)")
	batch.ClientToken = in.ClientToken
	_, err = f.client.BatchExecuteStatement(t.Context(), batch)
	refused(t, "the token with another operation", err, "ValidationException", "was used for another request")
}

func TestFaults(t *testing.T) {
	f := newFixture(t)
	f.run("CREATE TABLE t (n INTEGER)")
	once := func(fault fakedataapi.Fault) {
		f.server.Control("ExecuteStatement", func(c *fakedataapi.Call) *fakedataapi.Fault {
			if !strings.HasPrefix(c.SQL[0], "INSERT") {
				return nil
			}
			return &fault
		})
	}
	tests := []struct {
		name   string
		fault  fakedataapi.Fault
		code   string // of the call
		status types.StatusString
		rows   string // in the table afterwards
	}{
		{"an error of the service", fakedataapi.Fault{Err: &fakedataapi.Error{Code: "ActiveStatementsExceededException", Message: "too many"}}, "ActiveStatementsExceededException", "", "long 0"},
		{"a server error", fakedataapi.Fault{Err: &fakedataapi.Error{Status: 500, Code: "InternalServerException", Message: "oops"}}, "InternalServerException", "", "long 0"},
		{"failed without running", fakedataapi.Fault{Outcome: fakedataapi.Outcome{Status: "FAILED", Error: "ERROR: disk full"}}, "", types.StatusStringFailed, "long 0"},
		{"aborted after running", fakedataapi.Fault{Outcome: fakedataapi.Outcome{Status: "ABORTED", After: true}}, "", types.StatusStringAborted, "long 1"},
		{"no fault", fakedataapi.Fault{Delay: time.Millisecond}, "", types.StatusStringFinished, "long 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			once(test.fault)
			out, err := f.client.ExecuteStatement(t.Context(), input("INSERT INTO t VALUES (1)"))
			if test.code != "" {
				refused(t, "INSERT", err, test.code, "")
			} else if err != nil {
				t.Fatal(err)
			} else if got := f.await(out.Id); got.Status != test.status || aws.ToString(got.Error) != test.fault.Outcome.Error {
				t.Errorf("ended %s %q, want %s %q", got.Status, aws.ToString(got.Error), test.status, test.fault.Outcome.Error)
			}
			if diff := cmp.Diff([]string{test.rows}, f.result(f.run("SELECT COUNT(*) FROM t").Id)); diff != "" {
				t.Errorf("rows (-want +got)\n%s", diff)
			}
		})
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	f := newFixture(t)
	if err := f.w.CreateNamespace(t.Context(), warehouse.Namespace{Name: "new", AdminUser: "admin", AdminPassword: "Secret1234"}); err != nil {
		t.Fatal(err)
	}
	if err := f.w.CreateWorkgroup(warehouse.Workgroup{Name: "creating", Namespace: "new", ReadyAt: f.clock.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*redshiftdata.ExecuteStatementInput)
		text   string
	}{
		{"no such workgroup", func(in *redshiftdata.ExecuteStatementInput) { in.WorkgroupName = aws.String("other") }, "Redshift endpoint doesn't exist in this region."},
		{"a workgroup that is being created", func(in *redshiftdata.ExecuteStatementInput) { in.WorkgroupName = aws.String("creating") }, "Redshift endpoint doesn't exist in this region."},
		{"a name that breaks the pattern", func(in *redshiftdata.ExecuteStatementInput) { in.WorkgroupName = aws.String("EV-DEV") }, "workgroupName must satisfy regex pattern: .*((^[a-z0-9-]{3,63}$)"},
		{"no workgroup", func(in *redshiftdata.ExecuteStatementInput) { in.WorkgroupName = nil }, "is required"},
		{"no database", func(in *redshiftdata.ExecuteStatementInput) { in.Database = nil }, "Database is required"},
		{"no secret", func(in *redshiftdata.ExecuteStatementInput) { in.SecretArn = nil }, "temporary credentials: give SecretArn"},
		{"a missing secret", func(in *redshiftdata.ExecuteStatementInput) { in.SecretArn = aws.String(secret + "-none") }, "Secrets Manager can't find the specified secret."},
		{"a secret of another shape", func(in *redshiftdata.ExecuteStatementInput) { in.SecretArn = aws.String(secret + "-cdk") }, "username and password in secret cannot be empty"},
		{"a secret that is not JSON", func(in *redshiftdata.ExecuteStatementInput) { in.SecretArn = aws.String(secret + "-text") }, "not a JSON object"},
		{"a statement that is too long", func(in *redshiftdata.ExecuteStatementInput) {
			in.Sql = aws.String("SELECT 1 /* " + strings.Repeat("x", 200<<10) + " */")
		}, "longer than 204800 bytes"},
		{"CSV", func(in *redshiftdata.ExecuteStatementInput) { in.ResultFormat = types.ResultFormatStringCsv }, "ResultFormat CSV: not supported"},
		{"a cluster", func(in *redshiftdata.ExecuteStatementInput) { in.ClusterIdentifier = aws.String("c") }, "the emulator does not support the request member"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input("SELECT 1")
			test.change(in)
			_, err := f.client.ExecuteStatement(t.Context(), in)
			refused(t, "ExecuteStatement", err, "ValidationException", test.text)
			if err != nil && strings.Contains(err.Error(), "Secret123") {
				t.Errorf("the error %q holds a password", err)
			}
		})
	}
	t.Run("a wrong password fails the statement", func(t *testing.T) {
		in := input("SELECT 1")
		in.SecretArn = aws.String(secret + "-old")
		got := f.await(f.start(in).Id)
		if want := `FATAL: password authentication failed for user "admin"`; got.Status != types.StatusStringFailed || !strings.Contains(aws.ToString(got.Error), want) {
			t.Errorf("ended %s %q, want FAILED %q", got.Status, aws.ToString(got.Error), want)
		}
	})
	t.Run("a workgroup becomes ready", func(t *testing.T) {
		f.clock.advance(time.Minute)
		in := input("SELECT 1")
		in.WorkgroupName = aws.String("creating")
		f.await(f.start(in).Id, types.StatusStringFinished)
	})
	t.Run("a result that there is not", func(t *testing.T) {
		id := f.run("CREATE TABLE t (n INTEGER)").Id
		_, err := f.client.GetStatementResult(t.Context(), &redshiftdata.GetStatementResultInput{Id: id})
		refused(t, "of a statement without rows", err, "ResourceNotFoundException", "Query does not have result.")
		f.clock.advance(24 * time.Hour)
		_, err = f.client.DescribeStatement(t.Context(), &redshiftdata.DescribeStatementInput{Id: id})
		refused(t, "of a statement a day ago", err, "ResourceNotFoundException", "Query does not exist.")
	})
}

func TestListStatements(t *testing.T) {
	f := newFixture(t)
	for i := range 5 {
		in := input(fmt.Sprintf("SELECT %d", i))
		in.StatementName = aws.String(fmt.Sprintf("report-%d", i))
		f.await(f.start(in).Id)
	}
	f.await(f.start(input("SELECT nothing")).Id)
	list := func(in redshiftdata.ListStatementsInput) []string {
		t.Helper()
		texts := []string{}
		for pages := redshiftdata.NewListStatementsPaginator(f.client, &in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Statements {
				texts = append(texts, aws.ToString(s.QueryString))
			}
		}
		return texts
	}
	if diff := cmp.Diff([]string{"SELECT 4", "SELECT 3", "SELECT 2", "SELECT 1", "SELECT 0"}, list(redshiftdata.ListStatementsInput{StatementName: aws.String("report-"), MaxResults: 2})); diff != "" {
		t.Errorf("by name, two at a time (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"SELECT 4", "SELECT 3", "SELECT 2", "SELECT 1", "SELECT 0"}, list(redshiftdata.ListStatementsInput{})); diff != "" {
		t.Errorf("unless asked otherwise, the finished ones (-want +got)\n%s", diff)
	}
	if all := list(redshiftdata.ListStatementsInput{Status: types.StatusStringAll}); len(all) != 6 {
		t.Errorf("all are %q, want six", all)
	}
	if diff := cmp.Diff([]string{"SELECT nothing"}, list(redshiftdata.ListStatementsInput{Status: types.StatusStringFailed})); diff != "" {
		t.Errorf("by status (-want +got)\n%s", diff)
	}
}
