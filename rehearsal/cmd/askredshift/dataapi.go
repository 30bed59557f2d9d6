package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/endpoint"
	"example.com/evstream/internal/interrupt"
)

func newClient(ctx context.Context, region string) (*redshiftdata.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	client := redshiftdata.NewFromConfig(cfg)
	return client, endpoint.CheckTLS(client.Options().BaseEndpoint)
}

// askDataAPI asks what no statement can tell: what the Data API says of a session that has
// ended, whether it knows the token of a call that was made while there was one, and
// whether each statement of a batch must use every parameter.
func (r *report) askDataAPI(ctx context.Context, client *redshiftdata.Client, c dataapi.Config, wait func(context.Context, time.Duration) error) error {
	var secret *string
	if c.SecretARN != "" {
		secret = aws.String(c.SecretARN)
	}
	const keepAlive = 5 * time.Second
	session, err := execute(ctx, client, &redshiftdata.ExecuteStatementInput{
		Sql: aws.String("SELECT 1"), WorkgroupName: aws.String(c.Workgroup), Database: aws.String(c.Database), SecretArn: secret,
		SessionKeepAliveSeconds: aws.Int32(int32(keepAlive.Seconds())),
	})
	if err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	call := &redshiftdata.ExecuteStatementInput{Sql: aws.String("SELECT 2"), SessionId: session.SessionId, ClientToken: session.Id}
	if _, err := execute(ctx, client, call); err != nil {
		return fmt.Errorf("using a session: %w", err)
	}
	// Without a token of its own the client makes one for each call.
	other := &redshiftdata.ExecuteStatementInput{Sql: aws.String("SELECT 3"), SessionId: session.SessionId}
	var ended error
	for range 12 {
		if err := wait(ctx, 2*keepAlive); err != nil {
			return err
		}
		if _, ended = execute(ctx, client, other); ended != nil {
			break
		}
	}
	if ended == nil {
		return fmt.Errorf("session %s does not end %d seconds after its last statement", aws.ToString(session.SessionId), int((2 * keepAlive).Seconds()))
	}
	_, again := client.ExecuteStatement(ctx, call)
	batch, refused := client.BatchExecuteStatement(ctx, &redshiftdata.BatchExecuteStatementInput{
		Sqls: []string{"SELECT :a", "SELECT 1"}, Parameters: []types.SqlParameter{{Name: aws.String("a"), Value: aws.String("x")}},
		WorkgroupName: aws.String(c.Workgroup), Database: aws.String(c.Database), SecretArn: secret,
	})
	if refused == nil {
		refused = finished(ctx, client, batch.Id)
	}

	missing := map[string]string{"ValidationException": "invalid", "ResourceNotFoundException": "not-found"}
	// An error of another kind is no answer.
	order := map[string]string{"ValidationException": "session-first", "ResourceNotFoundException": "session-first", "": "token-first"}
	parameters := map[string]string{"ValidationException": "each", failed: "each", "": "any"}
	for _, d := range fakedataapi.Doubts() {
		switch d.Name {
		case "missing-session":
			r.note(d, "ExecuteStatement in a session that has ended", shown(ended), missing[code(ended)])
		case "token-order":
			r.note(d, "ExecuteStatement in a session that has ended, with the token of a call from before", shown(again), order[code(again)])
		case "batch-parameters":
			r.note(d, "BatchExecuteStatement of SELECT :a and SELECT 1 with the parameter a", shown(refused), parameters[code(refused)])
		}
	}
	return nil
}

func shown(err error) string {
	if err == nil {
		return "a statement's ID"
	}
	return err.Error()
}

// execute runs a statement to its end.
func execute(ctx context.Context, client *redshiftdata.Client, in *redshiftdata.ExecuteStatementInput) (*redshiftdata.ExecuteStatementOutput, error) {
	out, err := client.ExecuteStatement(ctx, in)
	if err != nil {
		return nil, err
	}
	return out, finished(ctx, client, out.Id)
}

// failed is the code of a statement that the service took and could not run.
const failed = "FAILED"

// finished waits for a statement's end and says why it failed.
func finished(ctx context.Context, client *redshiftdata.Client, id *string) error {
	for {
		s, err := client.DescribeStatement(ctx, &redshiftdata.DescribeStatementInput{Id: id})
		if err != nil {
			return err
		}
		switch s.Status {
		case types.StatusStringFinished:
			return nil
		case types.StatusStringFailed, types.StatusStringAborted:
			return &smithy.GenericAPIError{Code: failed, Message: fmt.Sprintf("statement %s is %s: %s", aws.ToString(id), s.Status, aws.ToString(s.Error))}
		}
		if err := interrupt.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// code gives an error's, "" without one, and the error's text if it has none.
func code(err error) string {
	var e smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.ErrorCode()
	}
	return err.Error()
}
