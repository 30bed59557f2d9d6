package fakekinesis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"example.com/evstream/emulator/fakekinesis"
)

const shard0 = "shardId-000000000000"

func iterator(t *testing.T, s *fakekinesis.Server, in kinesis.GetShardIteratorInput) *string {
	t.Helper()
	in.StreamName = aws.String("ev")
	if in.ShardId == nil {
		in.ShardId = aws.String(shard0)
	}
	out, err := client(s).GetShardIterator(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ShardIterator
}

func get(s *fakekinesis.Server, iterator *string, limit int32) (*kinesis.GetRecordsOutput, error) {
	return client(s).GetRecords(context.Background(), &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(limit)})
}

// keys lists the partition keys of records, separated by spaces.
func keys(records []types.Record) string {
	var k []string
	for _, r := range records {
		k = append(k, *r.PartitionKey)
	}
	return strings.Join(k, " ")
}

func put(t *testing.T, s *fakekinesis.Server, keys ...string) (records []fakekinesis.Record) {
	t.Helper()
	for _, k := range keys {
		r, err := s.Put("ev", k, []byte("data of "+k))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func TestOneAnswerCarriesTenMebibytes(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 1)
	for range 11 {
		if _, err := s.Put("ev", "k", make([]byte, 1<<20-1)); err != nil {
			t.Fatal(err)
		}
	}
	it := iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"})
	out, err := get(s, it, 10000)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Records) != 10 {
		t.Errorf("got %d records of 1 MiB, want 10", len(out.Records))
	}
}

func TestRecordsOutliveTheirRetention(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	for i := range 3000 { // more than one chunk
		put(t, s, fmt.Sprintf("old-%d", i))
	}
	c.Advance(time.Hour)
	kept := put(t, s, "young")
	c.Advance(23 * time.Hour)
	if st, err := s.Stream("ev"); err != nil || st.Stored != 3001 {
		t.Errorf("at 24 hours %d records are stored (%v), want 3001", st.Stored, err)
	}
	c.Advance(time.Millisecond)
	out, err := get(s, iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"}), 10)
	if err != nil {
		t.Fatal(err)
	}
	if got := keys(out.Records); got != "young" {
		t.Errorf("after 24 hours got %q, want %q", got, "young")
	}
	if got := *out.Records[0].SequenceNumber; got != kept[0].SequenceNumber {
		t.Errorf("its number is now %s, was %s", got, kept[0].SequenceNumber)
	}
	if _, err := client(s).IncreaseStreamRetentionPeriod(context.Background(), &kinesis.IncreaseStreamRetentionPeriodInput{
		StreamName: aws.String("ev"), RetentionPeriodHours: aws.Int32(48)}); err != nil {
		t.Fatal(err)
	}
	c.Advance(24 * time.Hour)
	if st, err := s.Stream("ev"); err != nil || st.Stored != 1 {
		t.Errorf("with 48 hours of retention %d records are stored (%v), want 1", st.Stored, err)
	}
	c.Advance(24 * time.Hour)
	if st, err := s.Stream("ev"); err != nil || st.Stored != 0 {
		t.Errorf("after that %d records are stored (%v), want 0", st.Stored, err)
	}
}

func TestReadLimits(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now), fakekinesis.WithShardLimits())
	provisioned(t, s, "ev", 1)
	it := iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"})
	for i := range 5 {
		if _, err := get(s, it, 1); err != nil {
			t.Errorf("call %d of a second: %v", i+1, err)
		}
	}
	_, err := get(s, it, 1)
	wantCode(t, err, fakekinesis.Throttled)

	for range 4 {
		c.Advance(time.Second) // a shard takes 1 MiB a second
		if _, err := s.Put("ev", "k", make([]byte, 1<<20-1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := get(s, it, 10); err != nil { // 4 MiB: the share of two seconds
		t.Error(err)
	}
	_, err = get(s, it, 10)
	wantCode(t, err, fakekinesis.Throttled)
	c.Advance(time.Second)
	_, err = get(s, it, 10)
	wantCode(t, err, fakekinesis.Throttled)
	c.Advance(time.Second)
	if _, err := get(s, it, 10); err != nil {
		t.Errorf("two seconds after 4 MiB: %v", err)
	}
}

// TestNumbersThatNobodyGave: a sequence number that differs in one digit from one that was
// issued is none, wherever that digit is.
func TestNumbersThatNobodyGave(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 1)
	issued := put(t, s, "k")[0].SequenceNumber
	for i := range issued {
		other := []byte(issued)
		other[i] = '0' + (other[i]-'0'+1)%10
		_, err := s.ReadAfter("ev", shard0, string(other), 1)
		wantCode(t, err, "InvalidArgumentException")
	}
	if _, err := s.ReadAfter("ev", shard0, issued, 1); err != nil {
		t.Errorf("after the number itself: %v", err)
	}
	shards, err := client(s).ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: aws.String("ev")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAfter("ev", shard0, *shards.Shards[0].SequenceNumberRange.StartingSequenceNumber, 1); err != nil {
		t.Errorf("after the shard's first number: %v", err)
	}
}
