package warehouse

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"
)

// An Error is a statement's failure in the words of the database, as the Data API
// reports it in DescribeStatement.
type Error struct {
	Message  string // without "ERROR: ", with "FATAL: "
	Position int    // 1-based character of the statement it is about; 0 when it isn't known
}

func (e *Error) Error() string {
	switch {
	case strings.HasPrefix(e.Message, "FATAL: "): // as a connection that is refused ends
		return e.Message
	case e.Position > 0:
		return fmt.Sprintf("ERROR: %s\n  Position: %d", e.Message, e.Position)
	}
	return "ERROR: " + e.Message
}

func errorf(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

// at tells which byte of the statement the error is about.
func (e *Error) at(sql string, offset int) *Error {
	e.Position = utf8.RuneCountInString(sql[:min(offset, len(sql))]) + 1
	return e
}

// unsupported is the error for valid Redshift SQL, or what may be, that the stand-in lacks.
func unsupported(format string, args ...any) *Error {
	return errorf("%s: not supported by the warehouse stand-in", fmt.Sprintf(format, args...))
}

// asError puts an error of the engine into Redshift's shape.
func asError(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	var duck *duckdb.Error
	if !errors.As(err, &duck) {
		return err
	}
	msg := duck.Msg
	// What follows is a hint for the engine's own users: candidates, and the line of
	// the rewritten statement.
	msg, _, _ = strings.Cut(msg, "\n")
	if _, own, ok := strings.Cut(msg, "ERROR: "); ok { // of a function in Go
		return errorf("%s", own)
	}
	for _, kind := range []string{
		"Binder Error: ", "Catalog Error: ", "Conversion Error: ", "Constraint Error: ", "Invalid Input Error: ",
		"Out of Range Error: ", "Parser Error: ", "TransactionContext Error: ", "Invalid Error: ",
	} {
		msg = strings.TrimPrefix(msg, kind)
	}
	if table, ok := cutBetween(msg, "Table with name ", " does not exist!"); ok {
		return errorf("relation %q does not exist", table)
	}
	if column, ok := cutBetween(msg, `Referenced column "`, `"`); ok {
		return errorf("column %q does not exist", column)
	}
	if column, ok := cutBetween(msg, `Column "`, `" referenced that exists in the SELECT clause`); ok {
		return errorf("column %q does not exist", column)
	}
	if check, ok := cutBetween(msg, "CHECK constraint failed on table ", ""); ok && strings.Contains(check, "strlen") {
		limit, _ := cutBetween(check, "<= ", ")")
		return errorf("value too long for type character varying(%s)", limit)
	}
	if column, ok := cutBetween(msg, "NOT NULL constraint failed: ", ""); ok {
		return errorf("null value in column %q violates not-null constraint", column[strings.LastIndexByte(column, '.')+1:])
	}
	return errorf("%s", msg)
}

// cutBetween gives what stands between before and after, or to the end when after is "".
func cutBetween(s, before, after string) (string, bool) {
	_, rest, ok := strings.Cut(s, before)
	if !ok || after == "" {
		return rest, ok
	}
	middle, _, ok := strings.Cut(rest, after)
	return middle, ok
}
