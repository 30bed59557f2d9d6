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
// turn with it, so that a busy machine slows down all alike, it sends records as
// simple programs do, one PutRecord each and full PutRecords one after the other,
// and reports how many times as fast it is.
func BenchmarkProduce(b *testing.B) {
	s := serve(b, 4, fakekinesis.WithDiscard())
	start(b, s)
	c := client(s)
	w, err := kinesisput.New(c, kinesisput.Config{Stream: streamName})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close(b.Context())
	in := &kinesis.PutRecordsInput{StreamName: aws.String(streamName)}

	const parts, single, several = 10, 200, 10_000 // records of each part
	records := max(b.N/parts, 1)
	var one, loop, all time.Duration
	for range parts {
		one += generateEach(b, single, func(r kinesisput.Record) error {
			_, err := c.PutRecord(b.Context(), &kinesis.PutRecordInput{StreamName: in.StreamName, PartitionKey: &r.PartitionKey, Data: r.Data})
			return err
		})
		loop += generateEach(b, several, func(r kinesisput.Record) error {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &r.PartitionKey, Data: bytes.Clone(r.Data)})
			if len(in.Records) < kinesisput.MaxRequestRecords {
				return nil
			}
			_, err := c.PutRecords(b.Context(), in)
			in.Records = in.Records[:0]
			return err
		})
		began := time.Now()
		generateEach(b, records, func(r kinesisput.Record) error { return w.Put(b.Context(), r) })
		for stats := w.Stats(); stats.Delivered < stats.Accepted; stats = w.Stats() {
			if stats.Failed > 0 {
				b.Fatalf("%+v", stats)
			}
			time.Sleep(time.Millisecond)
		}
		all += time.Since(began)
	}
	each := float64(all) / float64(records*parts)
	b.ReportMetric(each, "ns/op")
	b.ReportMetric(float64(time.Second)/each, "records/s")
	b.ReportMetric(float64(one)/(single*parts)/each, "x-PutRecord")
	b.ReportMetric(float64(loop)/(several*parts)/each, "x-PutRecords-loop")
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
