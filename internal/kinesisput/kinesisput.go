// Package kinesisput writes records to a Kinesis data stream and accounts for
// every one of them: each accepted record ends as delivered, or as failed with
// its last error. Nothing is dropped and nothing is retried forever.
//
// Records are gathered into PutRecords requests filled to the service's limits.
// As many of them are on their way at once as network and service carry, which
// the writer finds out by what comes back. Only the records that the service
// rejected are sent again, after a jittered pause, up to a number of attempts
// and a time. A record is sent again without having been rejected only if
// nobody can know whether the service took it, because the answer never came;
// Stats counts those.
//
// The writer learns which shard a record goes to from the answers, and keeps
// what it knows by shard: a shard that says that its write limit is reached is
// from then on written to at that limit and not faster, and a shard that fails
// waits by itself while the others go on.
//
// The order of records is not kept.
package kinesisput

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"golang.org/x/sync/semaphore"
)

// The service's limits, from the PutRecords API reference.
const (
	MaxRequestRecords = 500
	MaxRequestBytes   = 10 << 20 // data and partition keys
	MaxRecordBytes    = 10 << 20 // data and partition key; a stream's own limit is lower unless it was raised
	MaxKeyCharacters  = 256
)

// MaxInFlight is how many requests a Writer has on their way at most, unless it is
// told otherwise. The client should keep as many connections open.
const MaxInFlight = 64

// Client is the part of *kinesis.Client that a Writer needs.
type Client interface {
	PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, options ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// Record is what a stream stores.
type Record struct {
	PartitionKey string // 1 to 256 characters
	Data         []byte
}

// Failure is a record that was given up.
type Failure struct {
	Record
	Err      error // the last one
	Attempts int   // how many requests carried the record; 0 if it was never sent

	// Uncertain says that the outcome of an attempt is unknown, so that the
	// record may be in the stream nonetheless.
	Uncertain bool
}

// ErrNoKey is why a record with an empty partition key fails.
var ErrNoKey = errors.New("the partition key is empty: it must have 1 to 256 characters")

// Config says where to write and how hard to try. Zero values stand for the
// defaults given with each field.
type Config struct {
	Stream string // the stream's name; required

	InFlight       int           // requests at once, at most, rounded down to a power of two; default MaxInFlight
	MaxAttempts    int           // how often one record may be sent; default 20
	RetryFor       time.Duration // how long a record is retried after its first rejection; default 1 minute
	RequestTimeout time.Duration // how long a request may wait since the last bytes of it went out; default 30 s
	Linger         time.Duration // how long records wait for their request to fill up; default 100 ms

	// BufferBytes bounds the accepted records that are neither delivered nor
	// failed, with some 200 bytes for each beyond its own size; default 12 MiB.
	// Encoding and sending them takes up to about four times as much again.
	BufferBytes int64

	// OnFailure is called for every record that is given up, by one goroutine
	// at a time, and has returned when Close returns. The record is its to keep.
	OnFailure func(Failure)
}

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

func (c Config) withDefaults() (Config, error) {
	if !streamName.MatchString(c.Stream) {
		return c, fmt.Errorf("stream name %q: must be 1 to 128 letters, digits, underscores, hyphens or dots", c.Stream)
	}
	if c.InFlight < 0 || c.MaxAttempts < 0 || c.RetryFor < 0 || c.RequestTimeout < 0 || c.Linger < 0 || c.BufferBytes < 0 {
		return c, errors.New("a setting of the writer is negative")
	}
	setDefault(&c.InFlight, MaxInFlight)
	setDefault(&c.MaxAttempts, 20)
	setDefault(&c.RetryFor, time.Minute)
	setDefault(&c.RequestTimeout, 30*time.Second)
	setDefault(&c.Linger, 100*time.Millisecond)
	setDefault(&c.BufferBytes, 12<<20)
	if c.OnFailure == nil {
		c.OnFailure = func(Failure) {}
	}
	return c, nil
}

func setDefault[T comparable](setting *T, value T) {
	var zero T
	if *setting == zero {
		*setting = value
	}
}

// Writer writes to one stream. Its methods are safe for concurrent use.
type Writer struct {
	client Client
	cfg    Config

	room  *semaphore.Weighted // of BufferBytes
	wake  chan struct{}       // tells the dispatcher that something changed
	done  chan struct{}       // closed when the dispatcher has ended
	ctx   context.Context     // of all requests
	abort context.CancelFunc

	failing sync.Mutex // held while OnFailure runs

	mu      sync.Mutex
	queue   queue
	window  window
	pending int // records accepted and not yet delivered or failed
	closing bool
	stopped error // why no more records are taken
	stats   Stats
	latency latencies

	failingSince time.Time // of the first failure since anything was delivered; zero if none
	emptySince   time.Time // when the last record was settled
	invalidInRow int       // records refused for what they are since anything was delivered
}

// New returns a writer that uses client. The client's own retries are turned
// off for the writer's requests: a retry that the writer does not see would
// hide duplicates.
func New(client Client, cfg Config) (*Writer, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, abort := context.WithCancel(context.Background())
	w := &Writer{
		client:  client,
		cfg:     cfg,
		room:    semaphore.NewWeighted(cfg.BufferBytes),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		ctx:     ctx,
		abort:   abort,
		queue:   newQueue(cfg),
		window:  newWindow(cfg.InFlight),
		latency: newLatencies(),
	}
	go w.dispatch()
	return w, nil
}

// Put accepts a record, waiting for room if the buffer is full. It copies the
// data. Put returns nil when the record was accepted, even if it breaks the
// service's limits: such a record fails like any other. Otherwise the error is
// that of ctx, or says why the writer stopped.
func (w *Writer) Put(ctx context.Context, r Record) error {
	rec := &record{Record: r, size: len(r.PartitionKey) + len(r.Data)}
	if err := w.room.Acquire(ctx, w.weight(rec)); err != nil {
		return err
	}
	rec.accepted = time.Now()
	rec.Data = bytes.Clone(r.Data)
	sum := md5.Sum([]byte(r.PartitionKey))
	rec.bucket = binary.BigEndian.Uint16(sum[:]) >> (16 - bucketBits)
	unfit := check(rec)

	w.mu.Lock()
	if w.stopped != nil || w.closing {
		err := w.stopped
		w.mu.Unlock()
		w.room.Release(w.weight(rec))
		if err == nil {
			err = errors.New("put a record after Close")
		}
		return err
	}
	if w.pending == 0 && rec.accepted.Sub(w.emptySince) >= w.cfg.RetryFor {
		w.failingSince = time.Time{} // of records that are settled for so long
	}
	w.pending++
	w.stats.Accepted++
	if unfit != nil {
		rec.err = unfit
		w.stats.Failed++
		w.mu.Unlock()
		w.finish([]*record{rec}, []*record{rec})
		return nil
	}
	worthALook := w.queue.accept(rec)
	w.mu.Unlock()
	if worthALook {
		w.signal()
	}
	return nil
}

// check says which limit of the service a record breaks.
func check(r *record) error {
	switch {
	case r.PartitionKey == "":
		return ErrNoKey
	case !utf8.ValidString(r.PartitionKey):
		return errors.New("the partition key is not UTF-8")
	case utf8.RuneCountInString(r.PartitionKey) > MaxKeyCharacters:
		return fmt.Errorf("the partition key has %d characters: the most is %d", utf8.RuneCountInString(r.PartitionKey), MaxKeyCharacters)
	case r.size > MaxRecordBytes:
		return fmt.Errorf("data and partition key are %d bytes: the most is %d (10 MiB)", r.size, MaxRecordBytes)
	}
	return nil
}

// Close sends what was accepted and waits until every record is delivered or
// failed. When ctx ends first, what is left fails with the cause. Close returns
// why the writer stopped before its time, or nil; whether records failed, Stats
// says.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.signal()
	select {
	case <-w.done:
	case <-ctx.Done():
		w.mu.Lock()
		given := w.stop(context.Cause(ctx))
		w.mu.Unlock()
		w.abort()
		w.finish(given, given)
		<-w.done
	}
	w.abort()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// Done is closed when the writer has stopped or closed and every accepted
// record is delivered or failed.
func (w *Writer) Done() <-chan struct{} { return w.done }

// Stats returns the counts so far.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// Latency returns the distributions so far of the time from a request to its
// answer, and from accepting a record to its delivery.
func (w *Writer) Latency() (request, record Latency) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latency.request.summary(), w.latency.record.summary()
}

// recordOverhead is what a waiting record takes in memory beside its data and key.
const recordOverhead = 200

// weight is the part of the buffer that a record takes. A record larger than
// the buffer takes all of it.
func (w *Writer) weight(r *record) int64 {
	return min(int64(r.size+recordOverhead), w.cfg.BufferBytes)
}

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop makes the writer refuse further records and returns those that were
// waiting, now failed. The caller holds w.mu, and finishes the returned records.
func (w *Writer) stop(cause error) []*record {
	if w.stopped == nil {
		w.stopped = cause
	}
	waiting := w.queue.drain()
	for _, r := range waiting {
		if r.err == nil || r.attempts == 0 {
			r.err = cause
		}
	}
	w.stats.Failed += int64(len(waiting))
	return waiting
}

// finish reports the failed records and gives back the room that the settled
// ones took.
func (w *Writer) finish(settled, failed []*record) {
	defer w.signal()
	if len(settled) == 0 {
		return
	}
	if len(failed) > 0 {
		w.failing.Lock()
		for _, r := range failed {
			w.cfg.OnFailure(Failure{Record: r.Record, Err: r.err, Attempts: r.attempts, Uncertain: r.uncertain})
		}
		w.failing.Unlock()
	}
	var weight int64
	for _, r := range settled {
		weight += w.weight(r)
	}
	w.room.Release(weight)
	w.mu.Lock()
	if w.pending -= len(settled); w.pending == 0 {
		w.emptySince = time.Now()
	}
	w.mu.Unlock()
}
