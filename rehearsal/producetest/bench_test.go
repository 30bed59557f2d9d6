package producetest

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/internal/evdata"
	"example.com/evstream/internal/kinesisput"
)

// BenchmarkProduce takes the whole way of a generated record, over a loopback
// connection to an endpoint that accepts everything, both on this machine. In
// the same run it sends records one PutRecord each, one after the other, as
// simple programs do, and reports how many times as fast it is.
func BenchmarkProduce(b *testing.B) {
	s := serve(b, 4, fakekinesis.WithDiscard())
	start(b, s)
	const singly = 2000
	one, err := generateEach(singly, putRecord(b.Context(), client(s)))
	if err != nil {
		b.Fatal(err)
	}

	w, err := kinesisput.New(client(s), kinesisput.Config{Stream: streamName})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	began := time.Now()
	_, err = generateEach(b.N, func(r kinesisput.Record) error { return w.Put(b.Context(), r) })
	if err == nil {
		err = w.Close(b.Context())
	}
	took := time.Since(began)
	b.StopTimer()
	stats := w.Stats()
	if err != nil || stats.Delivered != int64(b.N) {
		b.Fatalf("%d of %d delivered: %v", stats.Delivered, b.N, err)
	}
	many := took / time.Duration(b.N)
	b.SetBytes(stats.Bytes / int64(b.N))
	b.ReportMetric(float64(b.N)/took.Seconds(), "records/s")
	b.ReportMetric(float64(one/singly)/float64(max(many, 1)), "x-PutRecord")
}

// generateEach gives n generated records to fn and returns how long that took.
func generateEach(n int, fn func(kinesisput.Record) error) (time.Duration, error) {
	g, err := evdata.NewGenerator(1, time.Now, 0)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	var buf []byte
	for range n {
		var id evdata.UUID
		buf, id, _ = g.Append(buf[:0])
		if err := fn(kinesisput.Record{PartitionKey: id.String(), Data: buf}); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

func putRecord(ctx context.Context, client *kinesis.Client) func(kinesisput.Record) error {
	return func(r kinesisput.Record) error {
		_, err := client.PutRecord(ctx, &kinesis.PutRecordInput{
			StreamName: aws.String(streamName), PartitionKey: &r.PartitionKey, Data: r.Data,
		})
		return err
	}
}
