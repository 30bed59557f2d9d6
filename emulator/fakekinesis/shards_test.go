package fakekinesis_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
)

func listShards(t *testing.T, s *fakekinesis.Server, filter *types.ShardFilter) []types.Shard {
	t.Helper()
	out, err := client(s).ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: aws.String("ev"), ShardFilter: filter})
	if err != nil {
		t.Fatal(err)
	}
	return out.Shards
}

// TestUniformScaling: whatever the steps, the open shards divide the hash keys evenly
// and every record still has a shard.
func TestUniformScaling(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 2)
	for _, n := range []int32{3, 6, 5, 3, 2, 1, 2} {
		_, err := client(s).UpdateShardCount(context.Background(), &kinesis.UpdateShardCountInput{
			StreamName: aws.String("ev"), TargetShardCount: aws.Int32(n), ScalingType: types.ScalingTypeUniformScaling})
		if err != nil {
			t.Fatal(err)
		}
		fresh := start(t)
		provisioned(t, fresh, "ev", int(n))
		if diff := cmp.Diff(ranges(t, fresh), ranges(t, s)); diff != "" {
			t.Errorf("%d shards: ranges differ from a new stream's (-new +scaled):\n%s", n, diff)
		}
		if _, err := putRecords(s, "ev", entries(100, 20)); err != nil {
			t.Error(err)
		}
	}
}

// ranges lists the hash key ranges of the open shards, as a set.
func ranges(t *testing.T, s *fakekinesis.Server) map[string]bool {
	t.Helper()
	r := map[string]bool{}
	for _, sh := range listShards(t, s, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}) {
		r[*sh.HashKeyRange.StartingHashKey+"-"+*sh.HashKeyRange.EndingHashKey] = true
	}
	return r
}

func TestScalingTenTimesADay(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	scale := func(n int) error {
		_, err := s.UpdateStream(fakekinesis.StreamSettings{Name: "ev", Shards: n})
		return err
	}
	for i := range 10 {
		if err := scale(2 - i%2); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, scale(2), "LimitExceededException")
	c.Advance(24 * time.Hour)
	if err := scale(2); err != nil {
		t.Errorf("a day later: %v", err)
	}
}
