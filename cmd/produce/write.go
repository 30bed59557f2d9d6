package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/internal/endpoint"
	"example.com/evstream/internal/kinesisput"
	"example.com/evstream/internal/stackoutput"
)

// dryRun writes the records to standard output.
func dryRun(ctx context.Context, o options, src source) (int, error) {
	ctx, stop := within(ctx, o)
	defer stop()
	out := bufio.NewWriter(os.Stdout)
	if o.rate > 0 || o.duration > 0 {
		out = bufio.NewWriterSize(os.Stdout, 16) // whoever watches sees each record in its time
	}
	err := feed(ctx, o, src, func(_ context.Context, r kinesisput.Record) error {
		_, _ = out.Write(r.Data)
		return out.WriteByte('\n')
	})
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted, nil
	case err != nil:
		return exitFailed, err
	}
	return exitDelivered, nil
}

// write sends the records to the stream and reports.
func write(input, flush context.Context, o options, src source) (int, error) {
	if o.stack != "" {
		if err := o.readStack(input); err != nil {
			return exitFailed, err
		}
	}
	if o.stream == "" {
		return exitUsage, errors.New("no stream: give --stream or --stack, or set STREAM_NAME")
	}
	client, region, err := connect(input, o)
	if err != nil {
		return exitFailed, err
	}
	input, endInput := context.WithCancelCause(input)
	defer endInput(nil)
	rep := newReport(o, region, endInput)
	w, err := kinesisput.New(client, kinesisput.Config{
		Stream:      o.stream,
		InFlight:    o.inFlight,
		MaxAttempts: o.maxAttempts,
		RetryFor:    o.retryFor,
		OnFailure:   rep.failed,
	})
	if err != nil {
		return exitFailed, err
	}
	if o.deadLetter != "" {
		if rep.dead, err = createDeadLetters(o.deadLetter); err != nil {
			return exitFailed, errors.Join(err, w.Close(flush))
		}
	}

	input, stop := within(input, o)
	defer stop()
	stopProgress := showProgress(os.Stderr, o, src, w)
	fed := make(chan error, 1)
	go func() {
		fed <- feed(input, o, src, func(ctx context.Context, r kinesisput.Record) error {
			err := w.Put(ctx, r)
			if err == nil {
				src.accepted()
			}
			return err
		})
	}()
	rep.ended = wait(input, fed, w.Done())
	rep.stopped = w.Close(flush)
	stopProgress()
	return rep.finish(w, src)
}

// wait returns how the input ended. It does not wait for a read of standard
// input that nothing can interrupt.
func wait(input context.Context, fed <-chan error, stopped <-chan struct{}) error {
	select {
	case err := <-fed:
		return err
	case <-stopped:
	case <-input.Done():
	}
	select {
	case err := <-fed:
		return err
	case <-time.After(200 * time.Millisecond):
		return end(context.Cause(input))
	}
}

// connect makes the client and checks what can be checked without a request to
// Kinesis.
func connect(ctx context.Context, o options) (*kinesis.Client, string, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(o.region),
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

// readStack sets stream and region from the outputs of a Pulumi stack.
func (o *options) readStack(ctx context.Context) error {
	out, err := stackoutput.Read(ctx, o.stack)
	if err != nil {
		return err
	}
	o.stream = out.StreamName
	o.region = cmp.Or(o.region, out.Region)
	return nil
}
