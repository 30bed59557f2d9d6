package kinesisput

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// recheck is how often the dispatcher looks at records that wait for a time to
// pass: the end of a pause, an allowance, a partial request's turn.
const recheck = 10 * time.Millisecond

// dispatch sends requests until the writer is closed or stopped and every
// record is settled.
func (w *Writer) dispatch() {
	defer close(w.done)
	var flights sync.WaitGroup
	defer flights.Wait()
	tick := time.NewTimer(0)
	for {
		batch, more := w.next(tick)
		switch {
		case batch != nil:
			flights.Go(func() { w.send(batch) })
			continue
		case !more:
			return
		}
		select {
		case <-w.wake:
		case <-tick.C:
		}
	}
}

// next returns the request to send now, or nil and whether there may be more. It
// sets the tick if there is a time to wait for.
func (w *Writer) next(tick *time.Timer) (batch []*record, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == 0 && (w.closing || w.stopped != nil) {
		return nil, false
	}
	now := time.Now()
	if w.window.open(now) {
		records, bytes := w.window.limits()
		if batch = w.queue.next(now, records, bytes, w.closing); batch != nil {
			w.window.flying++
			return batch, true
		}
		w.window.idle()
	}
	if w.queue.len > 0 {
		tick.Reset(recheck)
	} else {
		tick.Stop()
	}
	return nil, true
}

// send makes one request and settles its records. If the service refuses it for what
// is in it, most likely because of one record, its halves are sent by themselves.
func (w *Writer) send(batch []*record) {
	if refused := w.request(batch); refused {
		w.send(batch[:len(batch)/2])
		w.send(batch[len(batch)/2:])
	}
}

// request makes one request and settles its records, unless it reports that the
// service refused all of them because of some.
func (w *Writer) request(batch []*record) (refused bool) {
	entries := make([]types.PutRecordsRequestEntry, len(batch))
	for i, r := range batch {
		entries[i] = types.PutRecordsRequestEntry{Data: r.Data, PartitionKey: &r.PartitionKey}
	}
	w.mu.Lock()
	w.stats.Requests++
	for _, r := range batch {
		if r.attempts > 0 {
			w.stats.Retries++
		}
		r.attempts++
	}
	w.mu.Unlock()

	sent := time.Now()
	out, outcome, err := w.put(entries)
	now := time.Now()

	w.mu.Lock()
	w.latency.request.add(now.Sub(sent), 1)
	w.window.flying--
	var settled, failed []*record
	switch {
	case err == nil:
		settled, failed = w.settle(batch, out.Records, sent, now)
	case outcome == invalid && len(batch) > 1 && w.stopped == nil:
		refused = true
		w.window.flying += 2 // its halves, one after the other
	default:
		failed = w.settleError(batch, outcome, err, sent, now)
		settled = failed
	}
	w.mu.Unlock()
	w.finish(settled, failed)
	return refused
}

// errLate is why a request ends that has waited too long.
var errLate = errors.New("no answer came in time")

// put makes one request. The outcome is that of the error, if there is one.
func (w *Writer) put(entries []types.PutRecordsRequestEntry) (*kinesis.PutRecordsOutput, outcome, error) {
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	late := time.AfterFunc(w.cfg.RequestTimeout, func() { cancel(errLate) })
	defer late.Stop()
	var written atomic.Bool // whether anything of the request left the machine
	trace := &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }}

	in := &kinesis.PutRecordsInput{StreamName: &w.cfg.Stream, Records: entries}
	out, err := w.client.PutRecords(httptrace.WithClientTrace(ctx, trace), in, func(o *kinesis.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = watched{o.HTTPClient, func() { late.Reset(w.cfg.RequestTimeout) }}
	})
	switch {
	case err == nil && len(out.Records) != len(entries):
		return nil, unknown, fmt.Errorf("the answer tells of %d records, the request had %d", len(out.Records), len(entries))
	case err == nil:
		return out, 0, nil
	case context.Cause(ctx) == errLate:
		err = fmt.Errorf("%w, which is %s after the last bytes of the request: %w", errLate, w.cfg.RequestTimeout, err)
	}
	return nil, classify(err, written.Load()), err
}

// watched notes when bytes of a request's body are taken to be sent.
type watched struct {
	client kinesis.HTTPClient
	moved  func()
}

func (c watched) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = body{r.Body, c.moved}
	}
	return c.client.Do(r)
}

// body has no WriteTo on purpose. The client closes a body as soon as the answer
// begins to arrive, when net/http may still be looking for the body's end. Read then
// says io.EOF, which is right, but WriteTo fails with it, so that net/http closes
// the connection and the answer is lost (aws/aws-sdk-go-v2#2737, which fast answers
// bring about).
type body struct {
	io.ReadCloser
	moved func()
}

func (b body) Read(p []byte) (int, error) {
	b.moved()
	return b.ReadCloser.Read(p)
}

// settle goes through the answer record by record. It returns those that are
// delivered or failed, and among them those that failed.
func (w *Writer) settle(batch []*record, results []types.PutRecordsResultEntry, sent, now time.Time) (settled, failed []*record) {
	type tally struct{ delivered, throttled, failed int }
	var goodput int64
	tallies := map[*lane]*tally{}
	of := func(l *lane) *tally {
		t := tallies[l]
		if t == nil {
			t = &tally{}
			tallies[l] = t
		}
		return t
	}

	var rejected []*record
	var last error
	for i, r := range batch {
		result := results[i]
		if result.ErrorCode == nil {
			of(w.queue.learn(r.bucket, aws.ToString(result.ShardId))).delivered++
			w.stats.Delivered++
			w.stats.Bytes += int64(r.size)
			goodput += w.weight(r)
			w.latency.record.add(now.Sub(r.accepted), 1)
			settled = append(settled, r)
			continue
		}
		r.err = fmt.Errorf("%s: %s", *result.ErrorCode, aws.ToString(result.ErrorMessage))
		last = r.err
		l := w.queue.learn(r.bucket, shardName.FindString(aws.ToString(result.ErrorMessage)))
		if throttles(*result.ErrorCode) {
			w.stats.Throttled++
			of(l).throttled++
		} else {
			of(l).failed++
		}
		rejected = append(rejected, r)
	}
	for l, t := range tallies {
		l.answered(t.delivered, t.throttled, t.failed, sent, now)
	}
	w.window.answered(goodput, sent, now)
	if len(settled) > 0 {
		w.failingSince = time.Time{}
		w.invalidInRow = 0
	}
	failed = w.again(rejected, last, !w.queue.healthy(now), now)
	return append(settled, failed...), failed
}

// settleError deals with a request that came back with an error instead of
// results. It returns the records that failed.
func (w *Writer) settleError(batch []*record, outcome outcome, err error, sent, now time.Time) (failed []*record) {
	late := errors.Is(err, errLate)
	if w.ctx.Err() != nil {
		err = w.stopped // and the request was cut off for it
	}
	for _, r := range batch {
		r.err = err
		if outcome == unknown {
			r.uncertain = true
			w.stats.Uncertain++
		}
	}
	switch outcome {
	case invalid:
		if w.invalidInRow++; w.invalidInRow >= manyInvalid {
			failed = w.stop(fmt.Errorf("%d records in a row were refused: %w", w.invalidInRow, err))
		}
	case final:
		failed = w.stop(err)
	default:
		if outcome == throttled {
			w.stats.Throttled += int64(len(batch))
		}
		w.window.lost(late, sent, now)
		return w.again(batch, err, true, now)
	}
	w.stats.Failed += int64(len(batch))
	return append(failed, batch...)
}

// manyInvalid is how many records in a row are refused for what they are before
// the writer takes it that the next will be too.
const manyInvalid = 100

// again puts rejected records back into the queue and returns those for which
// it is too late. If nothing at all could be delivered for the time that a
// record is retried, and everywhere says that no shard can be expected to do
// better, the writer stops: there is no sense in giving up record by record on
// an input without end.
func (w *Writer) again(rejected []*record, err error, everywhere bool, now time.Time) (failed []*record) {
	if len(rejected) == 0 {
		return nil
	}
	if w.failingSince.IsZero() {
		w.failingSince = now
	}
	if d := now.Sub(w.failingSince); d >= w.cfg.RetryFor && everywhere && w.stopped == nil {
		failed = w.stop(fmt.Errorf("nothing could be delivered for %s: %w", d.Round(time.Second), err))
	}
	var retried []*record
	for _, r := range rejected {
		if r.rejected.IsZero() {
			r.rejected = now
		}
		if w.stopped != nil || r.attempts >= w.cfg.MaxAttempts || now.Sub(r.rejected) >= w.cfg.RetryFor ||
			w.queue.lane(r.bucket).hopeless(now) {
			w.stats.Failed++
			failed = append(failed, r)
			continue
		}
		retried = append(retried, r)
	}
	w.queue.retry(retried, now)
	return failed
}

func throttles(code string) bool {
	return slices.Contains([]string{
		"ProvisionedThroughputExceededException", "KMSThrottlingException", "LimitExceededException",
		"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded",
	}, code)
}

// outcome is what an error says about the records of its request.
type outcome int

const (
	unknown   outcome = iota // the service may have taken them
	unsent                   // the request did not leave the machine
	throttled                // none taken; later they may be
	invalid                  // none taken, because of what is in the request
	final                    // none taken, and no request will fare better
)

// classify says what an error means for the records of its request. Only an
// answer of the service with a status below 500 says that none was taken; after
// anything else that was written to a connection they may be in the stream.
func classify(err error, written bool) outcome {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() == 0 {
		if written {
			return unknown
		}
		return unsent
	}
	var api smithy.APIError
	if !errors.As(err, &api) || response.HTTPStatusCode() >= 500 || response.HTTPStatusCode() < 300 {
		return unknown
	}
	switch code := api.ErrorCode(); {
	case throttles(code), response.HTTPStatusCode() == http.StatusTooManyRequests:
		return throttled
	case slices.Contains([]string{"ValidationException", "InvalidArgumentException", "SerializationException"}, code),
		response.HTTPStatusCode() == http.StatusRequestEntityTooLarge:
		return invalid
	case code == "RequestTimeout", code == "RequestTimeoutException", response.HTTPStatusCode() == http.StatusRequestTimeout:
		return unknown
	}
	return final
}
