package produce

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/endpoint"
	"example.com/evstream/internal/kinesisput"
)

// dryRun writes the records to standard output.
func dryRun(ctx context.Context, o options, src source) (int, error) {
	ctx, stop := within(ctx, o)
	defer stop()
	stdout := cli.Terminal(os.Stdout)
	out := bufio.NewWriter(stdout)
	if o.rate > 0 || o.duration > 0 {
		out = bufio.NewWriterSize(stdout, 16) // whoever watches sees each record in its time
	}
	err := aside(ctx, nil, func() error {
		err := feed(ctx, o, src, func(_ context.Context, r kinesisput.Record) error {
			_, _ = out.Write(r.Data)
			return out.WriteByte('\n')
		})
		if flushed := out.Flush(); err == nil {
			err = flushed
		}
		return err
	})
	switch {
	case errors.Is(err, cli.ErrInterrupted):
		return exitInterrupted, nil
	case err != nil:
		return exitFailed, err
	}
	return exitDelivered, nil
}

// write sends the records to the stream and reports.
func write(input, flush context.Context, o options, src source) (int, error) {
	client, region, err := connect(input, o)
	if err != nil {
		return failedToStart(input, err)
	}
	input, endInput := context.WithCancelCause(input)
	defer endInput(nil)
	rep := newReport(o, region, endInput)
	w, err := kinesisput.New(client, kinesisput.Config{
		Stream:      o.Stream,
		MaxAttempts: o.maxAttempts,
		RetryFor:    o.retryFor,
		OnFailure:   rep.failed,
	})
	if err != nil {
		return exitFailed, err
	}
	if o.deadLetter != "" {
		if rep.dead, err = createDeadLetters(input, flush, o.deadLetter); err != nil {
			_ = w.Close(flush) // it has no records
			return failedToStart(input, err)
		}
	}

	input, stop := within(input, o)
	defer stop()
	stopProgress := showProgress(os.Stderr, o, src, w)
	rep.ended = aside(input, w.Done(), func() error {
		return feed(input, o, src, func(ctx context.Context, r kinesisput.Record) error {
			err := w.Put(ctx, r)
			if err == nil {
				src.accepted()
			}
			return err
		})
	})
	rep.stopped = w.Close(flush)
	stopProgress()
	return rep.finish(w, src)
}

// connect makes the client and checks what can be checked without a request to
// Kinesis.
func connect(ctx context.Context, o options) (*kinesis.Client, string, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(o.Region),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = kinesisput.MaxInFlight
		})))
	if err != nil {
		return nil, "", fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, "", errors.New("no AWS region: give --region or --stack, or set AWS_REGION")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, "", fmt.Errorf("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: %w", err)
	}
	client := kinesis.NewFromConfig(cfg)
	return client, cfg.Region, endpoint.CheckTLS(client.Options().BaseEndpoint)
}
