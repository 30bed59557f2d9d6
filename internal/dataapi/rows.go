package dataapi

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"

	"example.com/evstream/internal/interrupt"
)

// rows are the rows of one statement, one page of them in memory.
type rows struct {
	*connector
	ctx  context.Context // of the query; Next has none
	id   string
	cols []types.ColumnMetadata
	page [][]types.Field
	next *string // token of the page after this one
}

var _ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)

// fetch reads the page that a token stands for, the first one without.
func (r *rows) fetch(token *string) error {
	out, err := retried(r.ctx, r.connector, func(once context.Context) (*redshiftdata.GetStatementResultOutput, error) {
		return r.client.GetStatementResult(once, &redshiftdata.GetStatementResultInput{Id: aws.String(r.id), NextToken: token})
	})
	var gone *types.ResourceNotFoundException
	switch {
	case errors.As(err, &gone):
		return fmt.Errorf("the result of statement %s is no longer there; the Data API keeps results for 24 hours: %w", r.id, err)
	case err != nil:
		return fmt.Errorf("reading the result of statement %s: %w", r.id, err)
	}
	if token == nil {
		r.cols = out.ColumnMetadata
	}
	r.page, r.next = out.Records, out.NextToken
	return nil
}

func (r *rows) Next(dest []driver.Value) error {
	// A page may be empty though another follows. The one after an empty one is
	// asked for after a pause.
	for pause := time.Duration(0); len(r.page) == 0; pause = min(2*pause+firstPoll, lastPoll) {
		if aws.ToString(r.next) == "" {
			return io.EOF
		}
		if err := interrupt.Sleep(r.ctx, pause); err != nil {
			return err
		}
		if err := r.fetch(r.next); err != nil {
			return err
		}
	}
	record := r.page[0]
	r.page = r.page[1:]
	if len(record) != len(r.cols) {
		return fmt.Errorf("statement %s: a row has %d fields for %d columns", r.id, len(record), len(r.cols))
	}
	for i, field := range record {
		value, err := r.value(i, field)
		if err != nil {
			return fmt.Errorf("statement %s: column %s: %w", r.id, r.Columns()[i], err)
		}
		dest[i] = value
	}
	return nil
}

// value returns a field of a column in the Go type of the package comment.
func (r *rows) value(column int, field types.Field) (driver.Value, error) {
	switch f := field.(type) {
	case *types.FieldMemberIsNull:
		return nil, nil
	case *types.FieldMemberBooleanValue:
		return f.Value, nil
	case *types.FieldMemberLongValue:
		return f.Value, nil
	case *types.FieldMemberDoubleValue:
		return f.Value, nil
	case *types.FieldMemberBlobValue:
		return f.Value, nil
	case *types.FieldMemberStringValue:
		switch r.ColumnTypeDatabaseTypeName(column) {
		case "TIMESTAMP":
			return parseTime(f.Value, "2006-01-02 15:04:05")
		case "TIMESTAMPTZ":
			return parseTime(f.Value, "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00")
		case "DATE":
			return parseTime(f.Value, "2006-01-02")
		}
		return f.Value, nil
	default:
		return nil, fmt.Errorf("a field of the unknown kind %T", field)
	}
}

func parseTime(text string, layouts ...string) (time.Time, error) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is beyond what time.Time can hold; cast it to VARCHAR", text)
}

// Close has nothing to give back: the service drops the result by itself.
func (r *rows) Close() error { return nil }

func (r *rows) Columns() []string {
	names := make([]string, len(r.cols))
	for i, c := range r.cols {
		names[i] = cmp.Or(aws.ToString(c.Label), aws.ToString(c.Name))
	}
	return names
}

// ColumnTypeDatabaseTypeName returns Redshift's internal name, such as INT4,
// NUMERIC, VARCHAR or SUPER.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	return strings.ToUpper(aws.ToString(r.cols[i].TypeName))
}
