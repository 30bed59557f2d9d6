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

// askSessions asks what the Data API says of a session that has ended, and whether it
// knows the token of a call that was made while there was one.
func (r *report) askSessions(ctx context.Context, client *redshiftdata.Client, c dataapi.Config, wait func(context.Context, time.Duration) error) error {
	const keepAlive = 5 * time.Second
	opening := &redshiftdata.ExecuteStatementInput{
		Sql: aws.String("SELECT 1"), WorkgroupName: aws.String(c.Workgroup), Database: aws.String(c.Database),
		SessionKeepAliveSeconds: aws.Int32(int32(keepAlive.Seconds())),
	}
	if c.SecretARN != "" {
		opening.SecretArn = aws.String(c.SecretARN)
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
	for _, d := range fakedataapi.Doubts() {
		switch d.Name {
		case "missing-session":
			r.note(d, "ExecuteStatement in a session that has ended", ended.Error(), answers[code(ended)])
		case "token-order":
			shown := "the first call's statement"
			if again != nil {
				shown = again.Error()
			}
			r.note(d, "ExecuteStatement in a session that has ended, with the token of a call from before", shown, order)
		}
	}
	return nil
}

// execute runs a statement to its end.
func execute(ctx context.Context, client *redshiftdata.Client, in *redshiftdata.ExecuteStatementInput) (*redshiftdata.ExecuteStatementOutput, error) {
	out, err := client.ExecuteStatement(ctx, in)
	if err != nil {
		return nil, err
	}
	for {
		s, err := client.DescribeStatement(ctx, &redshiftdata.DescribeStatementInput{Id: out.Id})
		if err != nil {
			return nil, err
		}
		switch s.Status {
		case types.StatusStringFinished:
			return out, nil
		case types.StatusStringFailed, types.StatusStringAborted:
			return nil, fmt.Errorf("statement %s is %s: %s", aws.ToString(out.Id), s.Status, aws.ToString(s.Error))
		}
		if err := interrupt.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
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
