package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
	"github.com/aws/smithy-go"

	"example.com/evstream/emulator/doubt"
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

// askDataAPI asks the doubts that are about the Data API itself.
func (r *report) askDataAPI(ctx context.Context, client *redshiftdata.Client, c dataapi.Config, wait func(context.Context, time.Duration) error) error {
	if err := r.askSessions(ctx, client, c, wait); err != nil {
		return err
	}
	return r.askBatch(ctx, client, c)
}

// askBatch asks whether each statement of a batch has to use each parameter.
func (r *report) askBatch(ctx context.Context, client *redshiftdata.Client, c dataapi.Config) error {
	in := &redshiftdata.BatchExecuteStatementInput{
		Sqls: []string{"SELECT 1", "SELECT :n"}, Parameters: []types.SqlParameter{{Name: aws.String("n"), Value: aws.String("2")}},
		WorkgroupName: aws.String(c.Workgroup), Database: aws.String(c.Database), SecretArn: optional(c.SecretARN),
	}
	out, err := client.BatchExecuteStatement(ctx, in)
	if err == nil {
		err = await(ctx, client, out.Id)
	}
	answer, shown := "any", "both statements finish"
	if err != nil {
		answer, shown = "each", err.Error()
		if code(err) != "ValidationException" && !errors.Is(err, errFailed) {
			answer = "" // an error of another kind is no answer
		}
	}
	r.note(doubtNamed("batch-parameters"), "BatchExecuteStatement of SELECT 1 and SELECT :n with the parameter n", shown, answer)
	return nil
}

func doubtNamed(name string) doubt.Doubt {
	all := fakedataapi.Doubts()
	return all[slices.IndexFunc(all, func(d doubt.Doubt) bool { return d.Name == name })]
}

// optional is nil for a text that is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// askSessions asks what the Data API says of a session that has ended, and whether it
// knows the token of a call that was made while there was one.
func (r *report) askSessions(ctx context.Context, client *redshiftdata.Client, c dataapi.Config, wait func(context.Context, time.Duration) error) error {
	const keepAlive = 5 * time.Second
	opening := &redshiftdata.ExecuteStatementInput{
		Sql: aws.String("SELECT 1"), WorkgroupName: aws.String(c.Workgroup), Database: aws.String(c.Database),
		SecretArn: optional(c.SecretARN), SessionKeepAliveSeconds: aws.Int32(int32(keepAlive.Seconds())),
	}
	session, err := execute(ctx, client, opening)
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

	answers := map[string]string{"ValidationException": "invalid", "ResourceNotFoundException": "not-found"}
	order := "token-first"
	if again != nil {
		order = "" // an error of another kind is no answer
		if answers[code(again)] != "" {
			order = "session-first"
		}
	}
	r.note(doubtNamed("missing-session"), "ExecuteStatement in a session that has ended", ended.Error(), answers[code(ended)])
	shown := "the first call's statement"
	if again != nil {
		shown = again.Error()
	}
	r.note(doubtNamed("token-order"), "ExecuteStatement in a session that has ended, with the token of a call from before", shown, order)
	return nil
}

// execute runs a statement to its end.
func execute(ctx context.Context, client *redshiftdata.Client, in *redshiftdata.ExecuteStatementInput) (*redshiftdata.ExecuteStatementOutput, error) {
	out, err := client.ExecuteStatement(ctx, in)
	if err != nil {
		return nil, err
	}
	return out, await(ctx, client, out.Id)
}

var errFailed = errors.New("it did not finish")

// await waits for the end of a statement.
func await(ctx context.Context, client *redshiftdata.Client, id *string) error {
	for {
		s, err := client.DescribeStatement(ctx, &redshiftdata.DescribeStatementInput{Id: id})
		if err != nil {
			return err
		}
		switch s.Status {
		case types.StatusStringFinished:
			return nil
		case types.StatusStringFailed, types.StatusStringAborted:
			return fmt.Errorf("statement %s is %s: %s (%w)", aws.ToString(id), s.Status, aws.ToString(s.Error), errFailed)
		}
		if err := interrupt.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}
