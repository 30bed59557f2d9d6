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
	"github.com/google/go-cmp/cmp"

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

func TestIteratorTypes(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	began := c.Now()
	var numbers []*string
	for _, k := range []string{"a", "b", "c", "d"} {
		numbers = append(numbers, &put(t, s, k)[0].SequenceNumber)
		c.Advance(time.Second)
	}
	cases := []struct {
		name string
		in   kinesis.GetShardIteratorInput
		want string
		it   *string
	}{
		{name: "oldest", in: kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"}, want: "a b c d e"},
		{name: "newest", in: kinesis.GetShardIteratorInput{ShardIteratorType: "LATEST"}, want: "e"},
		{name: "at a number", in: kinesis.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: numbers[2]}, want: "c d e"},
		{name: "after a number", in: kinesis.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: numbers[2]}, want: "d e"},
		{name: "after the last", in: kinesis.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: numbers[3]}, want: "e"},
		{name: "at a time", in: kinesis.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(began.Add(time.Second))}, want: "b c d e"},
		{name: "between two times", in: kinesis.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(began.Add(1001 * time.Millisecond))}, want: "c d e"},
		{name: "before all time", in: kinesis.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(began.Add(-time.Hour))}, want: "a b c d e"},
	}
	for i := range cases {
		cases[i].it = iterator(t, s, cases[i].in)
	}
	put(t, s, "e") // after the iterators were made
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := get(s, c.it, 10)
			if err != nil {
				t.Fatal(err)
			}
			if got := keys(out.Records); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestReadingInPages(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	put(t, s, "a", "b")
	c.Advance(1500 * time.Millisecond)
	put(t, s, "c")
	it := iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"})
	type page struct {
		Keys   string
		Behind int64
	}
	var got []page
	for range 3 {
		out, err := get(s, it, 2)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page{keys(out.Records), *out.MillisBehindLatest})
		it = out.NextShardIterator
	}
	if diff := cmp.Diff([]page{{"a b", 1500}, {"c", 0}, {"", 0}}, got); diff != "" {
		t.Errorf("pages differ (-want +got):\n%s", diff)
	}
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

func TestIteratorExpires(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	it := iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "LATEST"})
	c.Advance(5 * time.Minute)
	if _, err := get(s, it, 1); err != nil {
		t.Errorf("after five minutes: %v", err)
	}
	c.Advance(time.Millisecond)
	_, err := get(s, it, 1)
	wantCode(t, err, "ExpiredIteratorException")
}

func TestIteratorOfADeletedStream(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 1)
	it := iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"})
	if err := s.DeleteStream("ev"); err != nil {
		t.Fatal(err)
	}
	_, err := get(s, it, 1)
	wantCode(t, err, "ResourceNotFoundException")
	provisioned(t, s, "ev", 1) // another stream of the same name
	_, err = get(s, it, 1)
	wantCode(t, err, "ResourceNotFoundException")
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

func TestReadingAcrossASplit(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	put(t, s, "before")
	it := iterator(t, s, kinesis.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"})
	_, err := client(s).SplitShard(context.Background(), &kinesis.SplitShardInput{
		StreamName: aws.String("ev"), ShardToSplit: aws.String(shard0), NewStartingHashKey: aws.String("1000")})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "after")
	out, err := get(s, it, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got := keys(out.Records); got != "before" || out.NextShardIterator != nil {
		t.Errorf("the parent gave %q and iterator %v; want %q and none", got, out.NextShardIterator, "before")
	}
	var children []string
	for _, ch := range out.ChildShards {
		children = append(children, fmt.Sprint(*ch.ShardId, ch.ParentShards, *ch.HashKeyRange.StartingHashKey, "-", *ch.HashKeyRange.EndingHashKey))
	}
	want := []string{
		"shardId-000000000001[shardId-000000000000]0-999",
		"shardId-000000000002[shardId-000000000000]1000-340282366920938463463374607431768211455",
	}
	if diff := cmp.Diff(want, children); diff != "" {
		t.Errorf("child shards differ (-want +got):\n%s", diff)
	}
	it = iterator(t, s, kinesis.GetShardIteratorInput{ShardId: aws.String("shardId-000000000002"), ShardIteratorType: "TRIM_HORIZON"})
	if out, err = get(s, it, 10); err != nil {
		t.Fatal(err)
	}
	if got := keys(out.Records); got != "after" {
		t.Errorf("the child gave %q, want %q", got, "after")
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

// TestNumberOfAnotherShard: a sequence number says which shard it belongs to, so that
// using it elsewhere is noticed.
func TestNumberOfAnotherShard(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 2)
	r := put(t, s, "k")[0]
	other := map[string]string{shard0: "shardId-000000000001", "shardId-000000000001": shard0}[r.ShardID]
	_, err := client(s).GetShardIterator(context.Background(), &kinesis.GetShardIteratorInput{
		StreamName: aws.String("ev"), ShardId: &other, ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: &r.SequenceNumber})
	wantCode(t, err, "InvalidArgumentException")
	if want := "It encodes " + r.ShardID; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not say %q", err, want)
	}
}
