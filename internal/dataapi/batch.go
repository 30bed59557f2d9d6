package dataapi

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
)

// MaxBatch is how many statements a batch may have.
const MaxBatch = 40

// A Result is what became of one statement of a batch.
type Result struct {
	StatementID  string // the Data API's: the batch's, a colon and the statement's number
	Status       string // FINISHED, FAILED, or ABORTED when it was not run to its end
	Message      string // Redshift's, when it failed
	Rows         int64  // affected or returned; -1 when Redshift does not say
	HasResultSet bool
	Duration     time.Duration
}

// Batch runs statements one after the other in one transaction: all of them take
// effect, or none does. db must come from [Open].
//
// The statements share their arguments: $1 is the same value in each of them. As
// soon as there is one argument, the service looks for :names in every statement;
// whether each of them has to use every argument is not documented.
//
// A batch takes no connection of db's pool. It has a session of its own that ends
// with it, so it sees no SET of a connection, and its own SETs hold for its later
// statements only.
//
// When a statement fails, the error is an [*Error] that says which, and the results
// say how far the batch came before it was rolled back. When it is not known whether
// the batch took effect, the error is an [*UnknownError]. Nothing is ever run twice.
func Batch(ctx context.Context, db *sql.DB, statements []string, args ...any) ([]Result, error) {
	c, ok := db.Driver().(*connector)
	switch {
	case !ok:
		return nil, fmt.Errorf("a batch needs a handle of dataapi.Open, not one of %T", db.Driver())
	case len(statements) == 0 || len(statements) > MaxBatch:
		return nil, fmt.Errorf("a batch of %d statements: the Data API takes 1 to %d", len(statements), MaxBatch)
	}
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
		if _, named := arg.(sql.NamedArg); named {
			return nil, errors.New("arguments are positional: $1, $2 and so on")
		}
		if err := new(conn).CheckNamedValue(&values[i]); err != nil {
			return nil, fmt.Errorf("argument $%d: %w", i+1, err)
		}
	}
	texts, parameters, err := bind(statements, values)
	if err != nil {
		return nil, err
	}
	done, err := c.run(ctx, &request{sqls: texts, parameters: parameters, batch: true})
	return results(done), err
}

func results(done *redshiftdata.DescribeStatementOutput) []Result {
	if done == nil {
		return nil
	}
	all := make([]Result, len(done.SubStatements))
	for i, sub := range done.SubStatements {
		all[i] = Result{
			StatementID:  aws.ToString(sub.Id),
			Status:       string(sub.Status),
			Message:      printable(aws.ToString(sub.Error)),
			Rows:         sub.ResultRows,
			HasResultSet: aws.ToBool(sub.HasResultSet),
			Duration:     time.Duration(sub.Duration),
		}
	}
	return all
}
