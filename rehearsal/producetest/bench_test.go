package producetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/internal/evdata"
	"example.com/evstream/internal/kinesisput"
)

// BenchmarkProduce takes the whole way of a generated record, over a loopback
// connection to an endpoint that accepts everything, both on this machine. In
// the same run it sends records as simple programs do, one PutRecord each or
// full PutRecords one after the other, and reports how many times as fast it is.
func BenchmarkProduce(b *testing.B) {
	s := serve(b, 4, fakekinesis.WithDiscard())
	start(b, s)
	c := client(s)

	const single, several = 2_000, 300_000
	one := generateEach(b, single, func(r kinesisput.Record) error {
		_, err := c.PutRecord(b.Context(), &kinesis.PutRecordInput{StreamName: aws.String(streamName), PartitionKey: &r.PartitionKey, Data: r.Data})
		return err
	})
	in := &kinesis.PutRecordsInput{StreamName: aws.String(streamName)}
	loop := generateEach(b, several, func(r kinesisput.Record) error {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &r.PartitionKey, Data: bytes.Clone(r.Data)})
		if len(in.Records) < kinesisput.MaxRequestRecords {
			return nil
		}
		_, err := c.PutRecords(b.Context(), in)
		in.Records = in.Records[:0]
		return err
	})

	w, err := kinesisput.New(c, kinesisput.Config{Stream: streamName})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	began := time.Now()
	generateEach(b, b.N, func(r kinesisput.Record) error { return w.Put(b.Context(), r) })
	err = w.Close(b.Context())
	each := float64(time.Since(began)) / float64(b.N)
	b.StopTimer()
	stats := w.Stats()
	if err != nil || stats.Delivered != int64(b.N) {
		b.Fatalf("%d of %d delivered: %v", stats.Delivered, b.N, err)
	}
	b.SetBytes(stats.Bytes / int64(b.N))
	b.ReportMetric(float64(time.Second)/each, "records/s")
	b.ReportMetric(float64(one)/single/each, "x-PutRecord")
	b.ReportMetric(float64(loop)/several/each, "x-PutRecords-loop")
}

// generateEach gives n generated records to fn and returns how long that took.
func generateEach(b *testing.B, n int, fn func(kinesisput.Record) error) time.Duration {
	g, err := evdata.NewGenerator(1, time.Now, 0)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	var buf []byte
	for range n {
		var id evdata.UUID
		buf, id, _ = g.Append(buf[:0])
		if err := fn(kinesisput.Record{PartitionKey: id.String(), Data: buf}); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}
