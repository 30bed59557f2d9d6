package dataapi

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
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
	// Redshift quotes values in its messages, and what a record holds must not
	// steer the terminal of the person who reads the message.
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, message)
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

// isRefused says whether an error is proof that the service did not do what a
// call asked for: it said so, or the call did not leave.
func isRefused(err error) bool {
	var (
		response *smithyhttp.ResponseError
		network  *net.OpError
	)
	if errors.As(err, &response) {
		status := response.HTTPStatusCode()
		return status >= 400 && status < 500
	}
	return errors.As(err, &network) && network.Op == "dial"
}

// isUnconnected says whether a statement failed because the Data API had no
// connection to the database, and may have one a little later. Without the
// process of a connection nothing has run; the texts are not documented, and an
// unknown one is only not tried again.
func isUnconnected(d *redshiftdata.DescribeStatementOutput) bool {
	return d.Status == types.StatusStringFailed && d.RedshiftPid == 0 && unconnected.MatchString(aws.ToString(d.Error))
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
