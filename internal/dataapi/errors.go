package dataapi

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"
)

// ErrNoTransactions is what Begin returns. Each statement commits by itself.
var ErrNoTransactions = errors.New("the Redshift Data API driver has no transactions: each statement commits by itself")

// An Error is a statement that Redshift ran and that did not succeed.
type Error struct {
	StatementID string // the Data API's, for DescribeStatement
	Status      string // FAILED, or ABORTED when somebody stopped it
	Message     string // Redshift's, without the line that gives the position
	Position    int    // character in SQL the message is about, from 1; 0 when Redshift gave none
	SQL         string // the statement as it was sent; Error does not print it
}

func (e *Error) Error() string {
	return fmt.Sprintf("Redshift: %s (statement %s, %s)", e.Message, e.StatementID, e.Status)
}

// Redshift ends a message about a place in the statement with a line such as
// "  Position: 17".
var position = regexp.MustCompile(`\s+Position: ([0-9]+)\s*$`)

func newError(id, sql string, status types.StatusString, message string) *Error {
	e := &Error{StatementID: id, Status: string(status), Message: strings.TrimSpace(message), SQL: sql}
	if match := position.FindStringSubmatchIndex(message); match != nil {
		if n, err := strconv.Atoi(message[match[2]:match[3]]); err == nil {
			e.Message, e.Position = strings.TrimSpace(message[:match[0]]), n
		}
	}
	if e.Message == "" {
		e.Message = "no reason given"
	}
	return e
}

// A sessionError says that a connection's session has ended. The statement was
// refused, not run, so the pool may run it on another connection.
type sessionError struct{ err error }

func (e sessionError) Error() string {
	return fmt.Sprintf("the Data API session of this connection has ended, and its settings with it: %v", e.err)
}

func (e sessionError) Unwrap() []error { return []error{driver.ErrBadConn, e.err} }

// The texts are "Session is not available" and "Session with Id: ... is invalid",
// as users of AWS Labs' Redshift MCP server report them; AWS documents none.
var sessionGone = regexp.MustCompile(`(?i)\bsession\b.*\b(not available|invalid|expired|closed)\b`)

func isSessionGone(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ValidationException":
		return sessionGone.MatchString(api.ErrorMessage())
	case "ResourceNotFoundException":
		return true // the session is the only resource such a call names
	}
	return false
}
