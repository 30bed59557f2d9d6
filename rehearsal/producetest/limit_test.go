package producetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/internal/kinesisput"
)

// TestWriteLimit writes for half a minute to a stream of 4 shards that take 1,000
// records and 1 MiB a second each, as fast as it will go, and looks at the
// stream's own arrival times. After the first two seconds, in which a writer
// learns of the limit, the stream takes at least 99 % of what it can, and few
// records are refused.
func TestWriteLimit(t *testing.T) {
	const (
		shards   = 4
		learning = 2 * time.Second
		duration = 30 * time.Second
	)
	for _, test := range []struct {
		name        string
		producers   int
		size        int     // of a record's data
		limit       int     // of the stream, in records a second
		mostRefused float64 // as part of those accepted
	}{
		{"by records", 1, 200, shards * 1000, 0.02},
		{"by bytes", 1, 10_000, shards * (1 << 20) / (10_000 + keyLength), 0.02},
		// Each has to find out time and again how much the other leaves it.
		{"by records with a second producer", 2, 200, shards * 1000, 0.12},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, shards, fakekinesis.WithShardLimits())
				began := time.Now()
				var delivered atomic.Int64
				var runs sync.WaitGroup
				for producer := range test.producers {
					runs.Go(func() {
						stats, err := flood(t.Context(), s, producer, duration, test.size)
						if stats.Failed > 0 || stats.Uncertain > 0 || err != nil {
							t.Errorf("%d failed, %d uncertain, error %v: want none", stats.Failed, stats.Uncertain, err)
						}
						delivered.Add(stats.Delivered)
					})
				}
				time.Sleep(learning)
				learnt := stream(t, s)
				runs.Wait()
				after := stream(t, s)

				have, full := 0, 0
				each(t, s, func(r fakekinesis.Record) {
					have++
					if at := r.ArrivedAt.Sub(began); at >= learning && at < duration {
						full++
					}
				})
				if int64(have) != delivered.Load() {
					t.Errorf("the stream holds %d records, %d were delivered", have, delivered.Load())
				}
				used := float64(full) / (float64(test.limit) * (duration - learning).Seconds())
				refused := float64(after.Refused-learnt.Refused) / float64(after.Accepted-learnt.Accepted)
				t.Logf("%.1f %% of the limit used, %.1f %% of the records refused, %d requests", 100*used, 100*refused, s.Calls("PutRecords"))
				if used < 0.99 {
					t.Errorf("%.1f %% of the limit was used, want at least 99 %%", 100*used)
				}
				if refused > test.mostRefused {
					t.Errorf("%.1f %% of the records were refused, want at most %.0f %%", 100*refused, 100*test.mostRefused)
				}
			})
		})
	}
}

const keyLength = len("0-0000000")

// flood writes records with evenly spread keys for a time.
func flood(ctx context.Context, s *fakekinesis.Server, producer int, duration time.Duration, size int) (kinesisput.Stats, error) {
	w, err := kinesisput.New(clientWithoutNetwork(s), kinesisput.Config{Stream: streamName})
	if err != nil {
		return kinesisput.Stats{}, err
	}
	during, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	data := make([]byte, size)
	for i := 0; err == nil; i++ {
		err = w.Put(during, kinesisput.Record{PartitionKey: fmt.Sprintf("%d-%07d", producer, i), Data: data})
	}
	err = w.Close(ctx)
	return w.Stats(), err
}

func stream(t *testing.T, s *fakekinesis.Server) fakekinesis.Stream {
	t.Helper()
	st, err := s.Stream(streamName)
	if err != nil {
		t.Fatal(err)
	}
	return st
}
