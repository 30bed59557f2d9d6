package dataapi

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrNoTransactions is what Begin returns. Each statement commits by itself, and so do
// those of a [Batch] together.
var ErrNoTransactions = errors.New("the Redshift Data API driver has no transactions: each statement commits by itself, and dataapi.Batch runs several in one")

// An Error is a statement that Redshift ran and that did not succeed.
type Error struct {
	StatementID string // the Data API's, for DescribeStatement
	Number      int    // of the statement in its batch, from 1; 0 when it was none, or when the batch's end failed
	Status      string // FAILED, or ABORTED when somebody stopped it
	Message     string // Redshift's, without the line that gives the position
	Position    int    // character in SQL the message is about, from 1; 0 when Redshift gave none
	SQL         string // the statement as it was sent; Error does not print it
}

func (e *Error) Error() string {
	if e.Number > 0 {
		return fmt.Sprintf("Redshift: statement %d of the batch: %s (statement %s, %s)", e.Number, e.Message, e.StatementID, e.Status)
	}
	return fmt.Sprintf("Redshift: %s (statement %s, %s)", e.Message, e.StatementID, e.Status)
}

// ErrFinished is in the error of a statement or batch whose context was done, and which
// had its effect before it could be cancelled.
var ErrFinished = errors.New("had finished before it could be cancelled")

// An UnknownError says that a statement or batch may have run, may still run, or may
// not have been started: what became of it could not be learned. Whoever runs it
// again has to look first.
type UnknownError struct {
	StatementID string // the Data API's; "" when the answer that had it was lost
	Err         error  // says what may be, and why it is not known
}

func (e *UnknownError) Error() string { return e.Err.Error() }
func (e *UnknownError) Unwrap() error { return e.Err }

func unknown(id, format string, args ...any) error {
	return &UnknownError{StatementID: id, Err: fmt.Errorf(format, args...)}
}

// Redshift ends a message about a place in the statement with a line such as
// "  Position: 17".
var position = regexp.MustCompile(`\s+Position: ([0-9]+)\s*$`)

// newError says how a request ended that did not succeed.
func newError(r *request, done *redshiftdata.DescribeStatementOutput) *Error {
	e := &Error{StatementID: aws.ToString(done.Id), Status: string(done.Status), Message: aws.ToString(done.Error)}
	if !r.batch {
		e.SQL = r.sqls[0]
	}
	for i, sub := range done.SubStatements {
		if sub.Status == types.StatementStatusStringFailed && i < len(r.sqls) {
			e.StatementID, e.Number, e.SQL = aws.ToString(sub.Id), i+1, r.sqls[i]
			e.Message = cmp.Or(aws.ToString(sub.Error), e.Message)
			break
		}
	}
	e.Message = printable(e.Message)
	if match := position.FindStringSubmatchIndex(e.Message); match != nil {
		if n, err := strconv.Atoi(e.Message[match[2]:match[3]]); err == nil {
			e.Message, e.Position = e.Message[:match[0]], n
		}
	}
	e.Message = cmp.Or(strings.TrimSpace(e.Message), "no reason given")
	return e
}

// printable replaces what could steer the terminal of the person who reads a
// message: Redshift quotes values in its messages, and records hold anything.
func printable(message string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, message)
}

// isRefused says whether an error is proof that the service did not do what a
// call asked for: it said so, or the call did not leave.
func isRefused(err error) bool {
	var network *net.OpError
	if status := statusOf(err); status > 0 {
		return status >= 400 && status < 500
	}
	return errors.As(err, &network) && network.Op == "dial"
}

// statusOf returns the HTTP status of the answer that an error is about; 0 when there
// was none.
func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return 0
	}
	return response.HTTPStatusCode()
}

// isUnconnected says whether a statement failed because the Data API had no
// connection to the database, and may have one a little later. Without the
// process of a connection nothing has run; the texts are not documented, and an
// unknown one is only not tried again. Whether a batch has a process in its
// description is not documented either, so none of its statements may have begun.
func isUnconnected(d *redshiftdata.DescribeStatementOutput) bool {
	begun := slices.ContainsFunc(d.SubStatements, func(sub types.SubStatementData) bool {
		return sub.Status == types.StatementStatusStringFinished || sub.RedshiftQueryId > 0
	})
	return !begun && d.Status == types.StatusStringFailed && d.RedshiftPid == 0 && unconnected.MatchString(aws.ToString(d.Error))
}

var unconnected = regexp.MustCompile(`(?i)\bconnect(ion|ing)?\b.*\b(refused|reset|closed|limit|timed out|timeout|failed|lost|not available|error)\b|` +
	`\b(could not|cannot|can't|failed to|unable to|error) (setting/closing |establish(ing)? |open(ing)? )?(an? |the )?connect(ion)?\b`)

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
