package kinesisput_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/internal/kinesisput"
)

// The tests run in bubbles of virtual time: pauses and timeouts take none.

// start returns a writer to e that collects its failures.
func start(t *testing.T, e *endpoint, cfg kinesisput.Config) (*kinesisput.Writer, *failures) {
	t.Helper()
	return startWith(t, e.client(), cfg)
}

func startWith(t *testing.T, client *kinesis.Client, cfg kinesisput.Config) (*kinesisput.Writer, *failures) {
	t.Helper()
	f := &failures{}
	cfg.Stream = "ev"
	cfg.OnFailure = f.add
	w, err := kinesisput.New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w, f
}

func TestRequestsAreFilledToTheLimits(t *testing.T) {
	for _, test := range []struct {
		name                    string
		records, size           int
		requests                int
		wantRecords, atMostSize int
	}{
		{"by count", 2_000, 10, 4, 500, kinesisput.MaxRequestBytes},
		{"by bytes", 30, 1 << 20, 4, 9, kinesisput.MaxRequestBytes},
		{"one as large as a request", 3, kinesisput.MaxRequestBytes - 1, 3, 1, kinesisput.MaxRequestBytes},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				w, f := start(t, e, kinesisput.Config{InFlight: 1, BufferBytes: 50 << 20})
				for i := range test.records {
					data := make([]byte, test.size)
					copy(data, fmt.Sprint(i))
					if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: "k", Data: data}); err != nil {
						t.Fatal(err)
					}
				}
				if s := settled(t, w, f); s.Delivered != int64(test.records) {
					t.Errorf("%d delivered, want %d", s.Delivered, test.records)
				}
				if all, extra := e.copies(); all != test.records || extra > 0 {
					t.Errorf("the stream holds %d records, %d of them copies: want %d", all, extra, test.records)
				}
				if e.largest.records != test.wantRecords || e.largest.bytes > test.atMostSize {
					t.Errorf("largest request: %d records, %d bytes: want %d and at most %d", e.largest.records, e.largest.bytes, test.wantRecords, test.atMostSize)
				}
				if e.requests > test.requests {
					t.Errorf("%d requests, want at most %d", e.requests, test.requests)
				}
			})
		})
	}
}

func TestLoneRecordGoesWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		w, f := start(t, e, kinesisput.Config{Linger: 100 * time.Millisecond})
		put(t, w, 1, "k")
		time.Sleep(90 * time.Millisecond)
		if n := w.Stats().Requests; n != 0 {
			t.Errorf("%d requests after 90 ms, want none yet", n)
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if n := w.Stats().Delivered; n != 1 {
			t.Errorf("%d delivered after 110 ms, want 1", n)
		}
		settled(t, w, f)
	})
}

func TestPutCopiesTheData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		w, f := start(t, e, kinesisput.Config{})
		buf := []byte("first")
		for _, text := range []string{"first", "other"} {
			copy(buf, text)
			if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: "k", Data: buf}); err != nil {
				t.Fatal(err)
			}
		}
		settled(t, w, f)
		if e.stored["first"] != 1 || e.stored["other"] != 1 {
			t.Errorf("stored %v: want first and other", e.stored)
		}
	})
}

func TestRecordIsGivenUp(t *testing.T) {
	always := func(code, message string) func(int, []entry) reply {
		return func(int, []entry) reply {
			return reply{refuse: func(_ int, r entry) (string, string) {
				if strings.HasPrefix(string(r.Data), "record 7 ") {
					return code, message
				}
				return "", ""
			}}
		}
	}
	for _, test := range []struct {
		name     string
		cfg      kinesisput.Config
		within   time.Duration
		attempts int // 0: whatever number
	}{
		{"after its attempts", kinesisput.Config{MaxAttempts: 4, RetryFor: time.Hour}, 2 * time.Second, 4},
		{"after its time", kinesisput.Config{MaxAttempts: 1e6, RetryFor: 20 * time.Second}, 26 * time.Second, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				e.answer = always("InternalFailure", "Internal Service Failure")
				w, f := start(t, e, test.cfg)
				began := time.Now()
				put(t, w, 10, "k")
				// The shard takes the others, before and after: it is the record.
				for time.Since(began) < test.within {
					time.Sleep(time.Second)
					put(t, w, 1, "k")
				}
				if s := settled(t, w, f); s.Failed != 1 {
					t.Fatalf("%d failed, want 1", s.Failed)
				}
				got := f.list[0]
				if test.attempts > 0 && got.Attempts != test.attempts {
					t.Errorf("%d attempts, want %d", got.Attempts, test.attempts)
				}
				if !strings.Contains(got.Err.Error(), "Internal Service Failure") || got.Uncertain {
					t.Errorf("failed with %v, uncertain %t: want the service's words, and certain", got.Err, got.Uncertain)
				}
				if took := time.Since(began); took > test.within+2*time.Second {
					t.Errorf("took %s, want about %s", took, test.within)
				}
			})
		})
	}
}

func TestRecordsThatBreakALimitFailUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, r := range map[string]kinesisput.Record{
			"no key":       {Data: []byte("x")},
			"key too long": {PartitionKey: strings.Repeat("ö", 257), Data: []byte("x")},
			"key no UTF-8": {PartitionKey: "\xff", Data: []byte("x")},
			"too large":    {PartitionKey: "k", Data: make([]byte, kinesisput.MaxRecordBytes)},
		} {
			e := newEndpoint(t)
			w, f := start(t, e, kinesisput.Config{})
			if err := w.Put(t.Context(), r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			put(t, w, 1, strings.Repeat("ö", 256))
			s := settled(t, w, f)
			if s.Failed != 1 || s.Delivered != 1 || f.list[0].Attempts != 0 || !bytes.Equal(f.list[0].Data, r.Data) {
				t.Errorf("%s: %d failed, %d delivered: want 1 unsent and the other delivered", name, s.Failed, s.Delivered)
			}
		}
	})
}

// TestBadRecordStandsAlone: the service refuses a request for one record in it.
func TestBadRecordStandsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		e.answer = func(_ int, records []entry) reply {
			for _, r := range records {
				if strings.HasPrefix(string(r.Data), "record 321 ") {
					return reply{status: 400, code: "InvalidArgumentException"}
				}
			}
			return reply{}
		}
		w, f := start(t, e, kinesisput.Config{})
		put(t, w, 1000, "k")
		s := settled(t, w, f)
		if s.Delivered != 999 || s.Failed != 1 || !strings.HasPrefix(string(f.list[0].Data), "record 321 ") {
			t.Errorf("%d delivered, %d failed %.1v: want all but record 321", s.Delivered, s.Failed, f.list)
		}
		if e.requests > 25 {
			t.Errorf("%d requests to find one record in 500", e.requests)
		}
	})
}

// TestWriterStops when no record can fare better than the last.
func TestWriterStops(t *testing.T) {
	for _, test := range []struct {
		name     string
		answer   reply
		within   time.Duration
		requests int // at most: few that can bring nothing
		want     string
	}{
		{"stream deleted", reply{status: 400, code: "ResourceNotFoundException"}, time.Second, 3, "ResourceNotFoundException"},
		{"token expired", reply{status: 400, code: "ExpiredTokenException"}, time.Second, 3, "ExpiredTokenException"},
		{"not allowed", reply{status: 400, code: "AccessDeniedException"}, time.Second, 3, "AccessDeniedException"},
		{"every record refused", reply{status: 400, code: "ValidationException"}, time.Minute, 250, "100 records in a row were refused"},
		{"no connection", reply{cut: unwritten}, 67 * time.Second, 50, "nothing could be delivered for"},
		{"everything throttled", reply{refuse: func(int, entry) (string, string) {
			return "ProvisionedThroughputExceededException", "Rate exceeded for shard " + right + " in stream ev."
		}}, 67 * time.Second, 50, "nothing could be delivered for"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				e.answer = func(n int, _ []entry) reply {
					if n == 0 {
						return reply{}
					}
					return test.answer
				}
				w, f := start(t, e, kinesisput.Config{MaxAttempts: 1000})
				began := time.Now()
				var err error
				for i := 0; err == nil; i++ { // an input without end
					err = w.Put(t.Context(), kinesisput.Record{PartitionKey: rightKey, Data: fmt.Append(nil, i)})
				}
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("put: %v\nwant %q", err, test.want)
				}
				if closed := w.Close(t.Context()); closed != err {
					t.Errorf("close: %v, want what put said", closed)
				}
				s := w.Stats()
				all, _ := e.copies()
				if s.Delivered != int64(all) || s.Delivered+s.Failed != s.Accepted || int64(len(f.list)) != s.Failed || s.Failed == 0 {
					t.Errorf("%d accepted, %d delivered, %d failed, %d reported, %d stored", s.Accepted, s.Delivered, s.Failed, len(f.list), all)
				}
				if e.requests > test.requests {
					t.Errorf("%d requests, want at most %d", e.requests, test.requests)
				}
				if took := time.Since(began); took > test.within {
					t.Errorf("took %s, want at most %s", took, test.within)
				}
			})
		})
	}
}

// TestFailureLongAgo: that a record failed a while ago, with none to send since, does not
// stop the writer when the next one fails once.
func TestFailureLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		e.answer = func(n int, _ []entry) reply {
			if n < 3 {
				return reply{status: 500, code: "InternalFailure"}
			}
			return reply{}
		}
		w, f := start(t, e, kinesisput.Config{MaxAttempts: 2})
		put(t, w, 1, "first")
		time.Sleep(10 * time.Minute)
		put(t, w, 1, "second")
		if s := settled(t, w, f); s.Failed != 1 || s.Delivered != 1 {
			t.Errorf("%+v: want the first record failed and the second delivered", s)
		}
	})
}

// TestFailingShardDoesNotHoldUpTheOthers puts records for two shards in turn, so
// that a full buffer of the one would starve the other.
func TestFailingShardDoesNotHoldUpTheOthers(t *testing.T) {
	const perShard = 15_000
	for _, test := range []struct{ name, code, message string }{
		{"fails", "InternalFailure", "Internal Service Failure"},
		{"throttles", "ProvisionedThroughputExceededException", "Rate exceeded for shard " + right + " in stream ev under account 123456789012."},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				e.answer = func(int, []entry) reply {
					return reply{refuse: func(_ int, r entry) (string, string) {
						if shardOf(r) == right {
							return test.code, test.message
						}
						return "", ""
					}}
				}
				w, f := start(t, e, kinesisput.Config{RetryFor: 10 * time.Second, BufferBytes: 1 << 18})
				began := time.Now()
				put(t, w, 2*perShard, leftKey, rightKey)
				s := settled(t, w, f)
				if s.Delivered != perShard || s.Failed != perShard {
					t.Errorf("%d delivered, %d failed: want %d each", s.Delivered, s.Failed, perShard)
				}
				// The buffer fills once with the bad shard's records, which get
				// their 10 s; after that they get one attempt each.
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestShardComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		began := time.Now()
		e.answer = func(int, []entry) reply {
			return reply{refuse: func(_ int, r entry) (string, string) {
				if shardOf(r) == right && time.Since(began) < 20*time.Second {
					return "InternalFailure", "Internal Service Failure"
				}
				return "", ""
			}}
		}
		w, f := start(t, e, kinesisput.Config{RetryFor: time.Minute, BufferBytes: 1 << 18})
		put(t, w, 5_000, leftKey, rightKey)
		if s := settled(t, w, f); s.Failed != 0 || s.Delivered != 5_000 {
			t.Errorf("%d delivered, %d failed: want all delivered after the shard came back", s.Delivered, s.Failed)
		}
	})
}

// TestAcceptedRecordsAreBounded: nothing is delivered, so Put must come to wait.
func TestAcceptedRecordsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t)
		e.answer = func(int, []entry) reply { return reply{cut: unwritten} }
		const buffer, size = 1 << 20, 1000
		w, f := start(t, e, kinesisput.Config{BufferBytes: buffer})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var err error
		for err == nil {
			err = w.Put(ctx, kinesisput.Record{PartitionKey: "k", Data: make([]byte, size)})
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("put: %v, want it to wait until its context ends", err)
		}
		if n := w.Stats().Accepted; n > buffer/size || n < buffer/size/2 {
			t.Errorf("%d records of %d bytes accepted into a buffer of %d", n, size, buffer)
		}
		giveUp, now := context.WithCancelCause(t.Context())
		now(errors.New("enough"))
		if err := w.Close(giveUp); err == nil || err.Error() != "enough" {
			t.Errorf("close: %v, want the cause", err)
		}
		if s := w.Stats(); s.Failed != s.Accepted || int64(len(f.list)) != s.Failed {
			t.Errorf("%d accepted, %d failed, %d reported: want all failed", s.Accepted, s.Failed, len(f.list))
		}
	})
}

func TestPutAfterCloseIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := start(t, newEndpoint(t), kinesisput.Config{})
		settled(t, w, f)
		if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: "k"}); err == nil {
			t.Error("a record was accepted after Close")
		}
	})
}

func TestConfigIsRefused(t *testing.T) {
	for name, cfg := range map[string]kinesisput.Config{
		"no stream":        {},
		"no stream name":   {Stream: "a b"},
		"negative setting": {Stream: "ev", InFlight: -1},
	} {
		if _, err := kinesisput.New(newEndpoint(t).client(), cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
