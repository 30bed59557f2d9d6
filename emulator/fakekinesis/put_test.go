package fakekinesis_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"example.com/evstream/emulator/fakekinesis"
)

// entries makes n records of size bytes, partition key included.
func entries(n, size int) []types.PutRecordsRequestEntry {
	records := make([]types.PutRecordsRequestEntry, n)
	for i := range records {
		key := fmt.Sprintf("%06d", i)
		records[i] = types.PutRecordsRequestEntry{
			PartitionKey: aws.String(key),
			Data:         bytes.Repeat([]byte("x"), size-len(key)),
		}
	}
	return records
}

func putRecords(s *fakekinesis.Server, stream string, records []types.PutRecordsRequestEntry) (*kinesis.PutRecordsOutput, error) {
	return client(s).PutRecords(context.Background(), &kinesis.PutRecordsInput{StreamName: &stream, Records: records})
}

func TestRecordsGoWhereTheirHashKeySays(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 3)
	shards, err := client(s).ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: aws.String("ev")})
	if err != nil {
		t.Fatal(err)
	}
	number := func(digits string) *big.Int {
		n, ok := new(big.Int).SetString(digits, 10)
		if !ok {
			t.Fatalf("%q is not a number", digits)
		}
		return n
	}
	shardOf := func(hash *big.Int) string {
		for _, sh := range shards.Shards {
			if hash.Cmp(number(*sh.HashKeyRange.StartingHashKey)) >= 0 && hash.Cmp(number(*sh.HashKeyRange.EndingHashKey)) <= 0 {
				return *sh.ShardId
			}
		}
		t.Fatalf("no shard has hash key %v", hash)
		return ""
	}
	records := entries(200, 20)
	explicit := map[int]string{7: "0", 8: "340282366920938463463374607431768211455", 9: *shards.Shards[1].HashKeyRange.StartingHashKey}
	for i, digits := range explicit {
		records[i].ExplicitHashKey = aws.String(digits)
	}
	out, err := putRecords(s, "ev", records)
	if err != nil {
		t.Fatal(err)
	}
	last, used := map[string]string{}, map[string]bool{}
	for i, r := range out.Records {
		sum := md5.Sum([]byte(*records[i].PartitionKey))
		hash := new(big.Int).SetBytes(sum[:])
		if digits, ok := explicit[i]; ok {
			hash = number(digits)
		}
		if want := shardOf(hash); *r.ShardId != want {
			t.Errorf("record %d went to %s, want %s", i, *r.ShardId, want)
		}
		if before := last[*r.ShardId]; before != "" && number(*r.SequenceNumber).Cmp(number(before)) <= 0 {
			t.Errorf("record %d has number %s, not above %s", i, *r.SequenceNumber, before)
		}
		last[*r.ShardId], used[*r.ShardId] = *r.SequenceNumber, true
	}
	if len(used) != 3 {
		t.Errorf("200 records used %d of 3 shards", len(used))
	}
}

func TestRequestAndRecordSizes(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for _, c := range []struct {
		name    string
		maxKiB  int
		records []types.PutRecordsRequestEntry
		code    string
	}{
		{"500 records", 0, entries(500, 200), ""},
		{"501 records", 0, entries(501, 200), "ValidationException"},
		{"a record of 1 MiB, key included", 0, entries(1, mib), ""},
		{"a record one byte longer", 0, entries(1, mib+1), "InvalidArgumentException"},
		{"a record of 2 MiB where they are allowed", 2048, entries(1, 2*mib), ""},
		{"data of more than 10 MiB", 10240, entries(1, 10*mib+7), "ValidationException"},
		{"10 MiB in one request", 0, entries(10, mib), ""},
		{"more than that", 0, append(entries(10, mib), entries(1, kib)...), "InvalidArgumentException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, fakekinesis.WithDiscard())
			if _, err := s.CreateStream(fakekinesis.StreamSettings{Name: "ev", Shards: 1, MaxRecordKiB: c.maxKiB}); err != nil {
				t.Fatal(err)
			}
			_, err := putRecords(s, "ev", c.records)
			if c.code != "" {
				wantCode(t, err, c.code)
			} else if err != nil {
				t.Error(err)
			}
			st, err := s.Stream("ev")
			if err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			if c.code == "" {
				want = int64(len(c.records))
			}
			if st.Accepted != want {
				t.Errorf("accepted %d records, want %d", st.Accepted, want)
			}
		})
	}
}

func TestShardTakesItsShareOfASecond(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now), fakekinesis.WithShardLimits())
	provisioned(t, s, "ev", 1)
	failed := func(n, size int) int32 {
		t.Helper()
		out, err := putRecords(s, "ev", entries(n, size))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range out.Records {
			if refused := r.ErrorCode != nil; refused == (r.SequenceNumber != nil) {
				t.Errorf("record %d has code %v and number %v, want one of them", i, r.ErrorCode, r.SequenceNumber)
			} else if refused && *r.ErrorCode != fakekinesis.Throttled {
				t.Errorf("record %d has code %s, want %s", i, *r.ErrorCode, fakekinesis.Throttled)
			}
		}
		return *out.FailedRecordCount
	}
	for i, want := range []int32{0, 0, 500} {
		if got := failed(500, 100); got != want {
			t.Errorf("request %d of a second: %d refused, want %d", i+1, got, want)
		}
	}
	_, err := client(s).PutRecord(context.Background(), &kinesis.PutRecordInput{
		StreamName: aws.String("ev"), PartitionKey: aws.String("k"), Data: []byte("x")})
	wantCode(t, err, fakekinesis.Throttled)

	c.Advance(time.Second)
	if got := failed(40, 32<<10); got != 8 {
		t.Errorf("40 records of 32 KiB: %d refused, want the 8 beyond 1 MiB", got)
	}
	st, err := s.Stream("ev")
	if err != nil {
		t.Fatal(err)
	}
	if st.Accepted != 1032 || st.Refused != 509 || st.Stored != 1032 {
		t.Errorf("accepted %d, refused %d, stored %d; want 1032, 509, 1032", st.Accepted, st.Refused, st.Stored)
	}
}

func TestDiscardCountsAndForgets(t *testing.T) {
	s := start(t, fakekinesis.WithDiscard())
	provisioned(t, s, "ev", 2)
	out, err := putRecords(s, "ev", entries(300, 50))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range out.Records {
		seen[*r.SequenceNumber] = true
	}
	st, err := s.Stream("ev")
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 300 || st.Accepted != 300 || st.AcceptedBytes != 300*50 || st.Stored != 0 {
		t.Errorf("%d numbers, %d accepted, %d bytes, %d stored; want 300, 300, 15000, 0",
			len(seen), st.Accepted, st.AcceptedBytes, st.Stored)
	}
}
