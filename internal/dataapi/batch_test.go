package dataapi

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parts are the members of DescribeStatement for a batch's statements, given as their
// members, JSON without braces.
func parts(members ...string) string {
	for i := range members {
		members[i] = fmt.Sprintf(`{"Id":"%s:%d",%s}`, firstID, i+1, members[i])
	}
	return `,"SubStatements":[` + strings.Join(members, ",") + `]`
}

func TestBatch(t *testing.T) {
	finished := `"Status":"FINISHED","ResultRows":-1`
	for name, test := range map[string]struct {
		statements []string
		args       []any
		end        string
		want       []Result
		failed     *Error // what the error is, if it is one of a statement
		err        string // its text
	}{
		"finished": {
			statements: []string{"CREATE TABLE t (n INT)", "INSERT INTO t VALUES (1), (2)", "SELECT n FROM t"},
			end: `"Status":"FINISHED"` + parts(`"Status":"FINISHED","ResultRows":-1,"Duration":1500`,
				`"Status":"FINISHED","ResultRows":2`, `"Status":"FINISHED","ResultRows":2,"HasResultSet":true`),
			want: []Result{
				{StatementID: firstID + ":1", Status: "FINISHED", Rows: -1, Duration: 1500 * time.Nanosecond},
				{StatementID: firstID + ":2", Status: "FINISHED", Rows: 2},
				{StatementID: firstID + ":3", Status: "FINISHED", Rows: 2, HasResultSet: true},
			},
		},
		"one failed": {
			statements: []string{"INSERT 1", "INSERT 2", "INSERT 3"},
			end: `"Status":"FAILED","Error":"Query #2 failed with ERROR: no"` + parts(finished,
				`"Status":"FAILED","ResultRows":-1,"Error":"ERROR: \u001bno\n  Position: 8"`, `"Status":"ABORTED","ResultRows":-1`),
			want: []Result{
				{StatementID: firstID + ":1", Status: "FINISHED", Rows: -1},
				{StatementID: firstID + ":2", Status: "FAILED", Rows: -1, Message: "ERROR: \ufffdno\n  Position: 8"},
				{StatementID: firstID + ":3", Status: "ABORTED", Rows: -1},
			},
			failed: &Error{StatementID: firstID + ":2", Number: 2, Status: "FAILED", Message: "ERROR: \ufffdno", Position: 8, SQL: "INSERT 2"},
			err:    "Redshift: statement 2 of the batch: ERROR: \ufffdno (statement " + firstID + ":2, FAILED)",
		},
		"the end of the transaction failed": {
			statements: []string{"INSERT 1"},
			end:        `"Status":"FAILED","Error":"ERROR: 1023"` + parts(finished),
			want:       []Result{{StatementID: firstID + ":1", Status: "FINISHED", Rows: -1}},
			failed:     &Error{StatementID: firstID, Status: "FAILED", Message: "ERROR: 1023"},
			err:        "Redshift: ERROR: 1023 (statement " + firstID + ", FAILED)",
		},
		"no statements":            {err: "a batch of 0 statements: the Data API takes 1 to 40"},
		"too many":                 {statements: make([]string, 41), err: "a batch of 41 statements"},
		"a named argument":         {statements: []string{"SELECT :a"}, args: []any{sql.Named("a", 1)}, err: "positional"},
		"an argument of no type":   {statements: []string{"SELECT $1"}, args: []any{struct{}{}}, err: "argument $1: "},
		"an argument nobody uses":  {statements: []string{"SELECT 1", "SELECT $1"}, args: []any{1, 2}, err: "do not use argument $2"},
		"an argument there is not": {statements: []string{"SELECT $1", "SELECT $2"}, args: []any{1}, err: "uses $2, but has 1 arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{ends: map[string]string{strings.Join(test.statements, ";"): test.end}}
			with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
				results, err := Batch(t.Context(), db, test.statements, test.args...)
				var failed *Error
				errors.As(err, &failed)
				if diff := cmp.Diff(test.want, results) + cmp.Diff(test.failed, failed); diff != "" {
					t.Errorf("results and error (-want +got):\n%s", diff)
				}
				if test.err != "" {
					wantError(t, err, test.err, nil)
				} else if err != nil {
					t.Error(err)
				}
				if calls := len(s.calls); test.want == nil && calls > 0 {
					t.Errorf("%d calls for what cannot be sent", calls)
				}
			})
		})
	}
}

// TestBatchCall: the statements share their arguments, and need no session.
func TestBatchCall(t *testing.T) {
	s := new(service)
	with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
		if _, err := Batch(t.Context(), db, []string{"INSERT INTO t VALUES ($2, '$1')", "INSERT INTO u VALUES ($1, $2)"}, "a", 2); err != nil {
			t.Fatal(err)
		}
	})
	got := s.calls[0]
	got.ctx = nil
	if got.ClientToken == "" {
		t.Error("it has no token")
	}
	want := call{
		operation: "BatchExecuteStatement", WorkgroupName: "ev-dev", Database: "dev", SecretArn: secretARN, ClientToken: got.ClientToken,
		SQLs: []string{"INSERT INTO t VALUES (:p2, '$1')", "INSERT INTO u VALUES (:p1, :p2)"}, Parameters: []parameter{{"p1", "a"}, {"p2", "2"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(call{})); diff != "" || s.opened > 0 {
		t.Errorf("%d sessions, call (-want +got):\n%s", s.opened, diff)
	}
}

func TestLostBatch(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		s := new(service)
		s.fault = on("BatchExecuteStatement", 1, lost(s))
		with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
			if _, err := Batch(t.Context(), db, []string{"INSERT"}); err != nil || len(s.statements) != 1 {
				t.Errorf("error %v, %d batches were started", err, len(s.statements))
			}
		})
	})
	t.Run("for good", func(t *testing.T) {
		with(t, &service{fault: always(cut)}, Config{}, func(t *testing.T, db *sql.DB) {
			_, err := Batch(t.Context(), db, []string{"INSERT"})
			wantUnknown(t, err, "")
			wantError(t, err, "may run all the same: gave up after 1m0s", nil)
		})
	})
}

// TestUnconnectedBatch: a batch that could not connect is tried again, and one of which a
// statement has run is not, though no process is given: its end may be lost.
func TestUnconnectedBatch(t *testing.T) {
	for name, test := range map[string]struct {
		parts string
		again bool
	}{
		"nothing ran":   {parts(`"Status":"ABORTED"`, `"Status":"ABORTED"`), true},
		"no parts":      {"", true},
		"one ran":       {parts(`"Status":"FINISHED"`, `"Status":"FAILED"`), false},
		"one has begun": {parts(`"Status":"FAILED","RedshiftQueryId":7`, `"Status":"ABORTED"`), false},
	} {
		t.Run(name, func(t *testing.T) {
			failed := answer{body: fmt.Sprintf(`{"Id":%q,"Status":"FAILED","Error":"connection lost"%s}`, firstID, test.parts)}
			s := &service{fault: on("DescribeStatement", 1, always(failed))}
			with(t, s, Config{}, func(t *testing.T, db *sql.DB) {
				if _, err := Batch(t.Context(), db, []string{"INSERT 1", "INSERT 2"}); test.again != (err == nil) {
					t.Errorf("error %v, to be tried again: %t", err, test.again)
				}
			})
		})
	}
}

func TestBatchNeedsAHandleOfThisPackage(t *testing.T) {
	other := sql.OpenDB(foreign{})
	defer other.Close()
	_, err := Batch(t.Context(), other, []string{"SELECT 1"})
	wantError(t, err, "a batch needs a handle of dataapi.Open", nil)
}

// foreign is the connector of another driver.
type foreign struct{ *connector }

func (foreign) Driver() driver.Driver { return nil }
