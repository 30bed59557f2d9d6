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
	slots := make(chan struct{}, w.cfg.InFlight)
	tick := time.NewTimer(0)
	for {
		slots <- struct{}{}
		batch := w.next(tick)
		if batch == nil {
			return
		}
		flights.Go(func() {
			w.send(batch)
			<-slots
		})
	}
}

// next waits for the next request. It returns nil when there will be none.
func (w *Writer) next(tick *time.Timer) []*record {
	for {
		w.mu.Lock()
		if w.pending == 0 && (w.closing || w.stopped != nil) {
			w.mu.Unlock()
			return nil
		}
		batch := w.queue.next(time.Now(), w.closing)
		waiting := !w.queue.empty()
		w.mu.Unlock()
		if batch != nil {
			return batch
		}
		if waiting {
			tick.Reset(recheck)
		} else {
			tick.Stop()
		}
		select {
		case <-w.wake:
		case <-tick.C:
		}
	}
}

// oneAttempt makes the client send a request once and not lose its answer.
func oneAttempt(o *kinesis.Options) {
	o.Retryer = aws.NopRetryer{}
	o.HTTPClient = plainBodies{o.HTTPClient}
}

// plainBodies sends requests whose bodies have no WriteTo. The client closes a
// body as soon as the answer begins to arrive, when net/http may still be
// looking for the body's end. Read then says io.EOF, which is right, but WriteTo
// fails with it, so that net/http closes the connection and the answer is lost
// (aws/aws-sdk-go-v2#2737, which fast answers bring about).
type plainBodies struct{ client kinesis.HTTPClient }

func (p plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.client.Do(r)
}

// send makes one request and settles its records.
func (w *Writer) send(batch []*record) {
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

	ctx, cancel := context.WithTimeout(w.ctx, w.cfg.RequestTimeout)
	defer cancel()
	var written atomic.Bool // whether anything of the request left the machine
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})

	sent := time.Now()
	out, err := w.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: &w.cfg.Stream, Records: entries}, oneAttempt)
	now := time.Now()
	if err == nil && len(out.Records) != len(batch) {
		err = fmt.Errorf("the answer tells of %d records, the request had %d", len(out.Records), len(batch))
	}

	w.mu.Lock()
	w.latency.request.add(now.Sub(sent), 1)
	var settled, failed []*record
	if err == nil {
		settled, failed = w.settle(batch, out.Records, sent, now)
	} else {
		settled, failed = w.settleError(batch, err, written.Load(), sent, now)
	}
	w.mu.Unlock()
	w.finish(settled, failed)
	w.signal()
}

// settle goes through the answer record by record. It returns those that are
// delivered or failed, and among them those that failed.
func (w *Writer) settle(batch []*record, results []types.PutRecordsResultEntry, sent, now time.Time) (settled, failed []*record) {
	type tally struct{ delivered, throttled, failed int }
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
			w.latency.record.add(now.Sub(r.accepted), 1)
			settled = append(settled, r)
			continue
		}
		r.err = fmt.Errorf("%s: %s", *result.ErrorCode, aws.ToString(result.ErrorMessage))
		last = r.err
		l := w.queue.learn(r.bucket, shardIn(aws.ToString(result.ErrorMessage)))
		if throttles(*result.ErrorCode) {
			w.stats.Throttled++
			of(l).throttled++
		} else {
			of(l).failed++
		}
		rejected = append(rejected, r)
	}
	for l, t := range tallies {
		l.answered(t.delivered, t.throttled, t.failed, sent, now, w.cfg.RetryFor)
	}
	if len(settled) > 0 {
		w.queue.release()
		w.failingSince = time.Time{}
		w.invalidInRow = 0
	}
	failed = w.again(rejected, last, !w.queue.healthy(now), now)
	return append(settled, failed...), failed
}

// settleError deals with a request that came back with an error instead of
// results.
func (w *Writer) settleError(batch []*record, err error, written bool, sent, now time.Time) (settled, failed []*record) {
	outcome := classify(err, written)
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
		if len(batch) > 1 {
			// Most likely because of one record. Its fellows are not to blame.
			if w.stopped == nil {
				w.queue.split(batch)
				return nil, nil
			}
		} else if w.invalidInRow++; w.invalidInRow >= manyInvalid {
			failed = w.stop(fmt.Errorf("%d records in a row were refused: %w", w.invalidInRow, err))
		}
		failed = append(failed, batch...)
		w.stats.Failed += int64(len(batch))
	case final:
		failed = append(w.stop(err), batch...)
		w.stats.Failed += int64(len(batch))
	case throttled:
		w.stats.Throttled += int64(len(batch))
		w.queue.hold(sent, now)
		failed = w.again(batch, err, true, now)
	default:
		w.queue.hold(sent, now)
		failed = w.again(batch, err, true, now)
	}
	return failed, failed
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
	for _, r := range rejected {
		if r.rejected.IsZero() {
			r.rejected = now
		}
		if w.stopped != nil || r.attempts >= w.cfg.MaxAttempts || now.Sub(r.rejected) >= w.cfg.RetryFor ||
			w.queue.lane(r.bucket).hopeless {
			w.stats.Failed++
			failed = append(failed, r)
			continue
		}
		w.queue.retry(r, now)
	}
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
