package produce

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"example.com/evstream/internal/kinesisput"
)

// willing takes every record.
type willing struct{}

func (willing) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	out := &kinesis.PutRecordsOutput{}
	for range in.Records {
		out.Records = append(out.Records, types.PutRecordsResultEntry{ShardId: aws.String("shardId-000000000000")})
	}
	return out, nil
}

// TestProgress looks at a run after ten seconds with 2,500 of its records.
func TestProgress(t *testing.T) {
	input := t.TempDir() + "/input"
	if err := os.WriteFile(input, []byte(strings.Repeat("0123456789\n", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		o    options
		want string
	}{
		{"of a count", options{count: 10_000}, "10s: 2,500 records  250/s  0.00 MB/s  retries 0  throttled 0  25 %  ETA 30s"},
		{"of a duration", options{count: -1, duration: 20 * time.Second}, "throttled 0  50 %  ETA 10s"},
		{"of a file", options{count: -1, input: input}, "throttled 0  2 %  ETA 6m30s"},
		{"of a count without end", options{count: math.MaxInt64}, "0 %  ETA 2500000h0m0s"},
		{"without end", options{count: -1}, "throttled 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src, err := openSource(t.Context(), test.o)
				if err != nil {
					t.Fatal(err)
				}
				defer src.close()
				w, err := kinesisput.New(willing{}, kinesisput.Config{Stream: "ev"})
				if err != nil {
					t.Fatal(err)
				}
				g := &gauge{o: test.o, src: src, writer: w, started: time.Now(), at: time.Now()}
				for range 2_500 {
					var r kinesisput.Record
					if err := src.next(&r); err != nil {
						t.Fatal(err)
					}
					if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: "k"}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(10 * time.Second)
				if got := g.line(); !strings.HasSuffix(got, test.want) {
					t.Errorf("%q, want %q", got, test.want)
				}
				if err := w.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSlowestRate: a record that is due after longer than a time.Duration is not due.
func TestSlowestRate(t *testing.T) {
	for _, rate := range []float64{1e-3, 1e-12, 5e-324} {
		synctest.Test(t, func(t *testing.T) {
			o := options{count: 2, rate: rate}
			src, err := openSource(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeoutCause(t.Context(), time.Minute, errTimeIsUp)
			defer stop()
			records := 0
			err = feed(ctx, o, src, func(context.Context, kinesisput.Record) error { records++; return nil })
			if err != nil || records != 1 {
				t.Errorf("%v a second: %d records in a minute, want 1 (error %v)", rate, records, err)
			}
		})
	}
}
