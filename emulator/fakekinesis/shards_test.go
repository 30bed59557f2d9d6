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

func listShards(t *testing.T, s *fakekinesis.Server, filter *types.ShardFilter) []types.Shard {
	t.Helper()
	out, err := client(s).ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: aws.String("ev"), ShardFilter: filter})
	if err != nil {
		t.Fatal(err)
	}
	return out.Shards
}

// family writes shards as "number(parents)", with a dot when closed.
func family(shards []types.Shard) string {
	short := func(id *string) string {
		return strings.TrimLeft(strings.TrimPrefix(aws.ToString(id), "shardId-"), "0")
	}
	var all []string
	for _, sh := range shards {
		line := "#" + short(sh.ShardId)
		if sh.ParentShardId != nil {
			line += "(#" + short(sh.ParentShardId)
			if sh.AdjacentParentShardId != nil {
				line += " #" + short(sh.AdjacentParentShardId)
			}
			line += ")"
		}
		if sh.SequenceNumberRange.EndingSequenceNumber != nil {
			line += "."
		}
		all = append(all, line)
	}
	return strings.Join(all, " ")
}

func TestSplitAndMerge(t *testing.T) {
	ctx, c := context.Background(), newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 2)
	k := client(s)
	_, err := k.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: aws.String("ev"),
		ShardToSplit: aws.String("shardId-000000000001"), NewStartingHashKey: aws.String("300000000000000000000000000000000000000")})
	if err != nil {
		t.Fatal(err)
	}
	merge := func(a, b int) error {
		_, err := k.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: aws.String("ev"),
			ShardToMerge:         aws.String(fmt.Sprintf("shardId-%012d", a)),
			AdjacentShardToMerge: aws.String(fmt.Sprintf("shardId-%012d", b))})
		return err
	}
	wantCode(t, merge(0, 3), "InvalidArgumentException") // not neighbours
	wantCode(t, merge(0, 1), "InvalidArgumentException") // 1 is closed
	wantCode(t, merge(2, 0), "InvalidArgumentException") // the upper one first
	if err := merge(0, 2); err != nil {
		t.Fatal(err)
	}
	all := listShards(t, s, nil)
	if got, want := family(all), "#. #1. #2(#1). #3(#1) #4(# #2)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, child := range all[2:] {
		for _, parent := range all[:3] {
			if *parent.ShardId == *child.ParentShardId && *child.SequenceNumberRange.StartingSequenceNumber <= *parent.SequenceNumberRange.EndingSequenceNumber {
				t.Errorf("%s starts at %s, not after its parent's end %s", *child.ShardId,
					*child.SequenceNumberRange.StartingSequenceNumber, *parent.SequenceNumberRange.EndingSequenceNumber)
			}
		}
	}
	c.Advance(24*time.Hour + time.Millisecond)
	if got, want := family(listShards(t, s, nil)), "#3(#1) #4(# #2)"; got != want {
		t.Errorf("when the retention is over got %s, want %s", got, want)
	}
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

func TestShardFilters(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	began := c.Now()
	scale := func(n int) {
		t.Helper()
		c.Advance(time.Hour)
		if _, err := s.UpdateStream(fakekinesis.StreamSettings{Name: "ev", Shards: n}); err != nil {
			t.Fatal(err)
		}
	}
	scale(2) // closes #0, opens #1 and #2
	scale(1) // closes #1 and #2, opens #3
	c.Advance(time.Hour)
	for _, tc := range []struct {
		filter types.ShardFilter
		want   string
	}{
		{types.ShardFilter{Type: "AT_LATEST"}, "#3(#1 #2)"},
		{types.ShardFilter{Type: "AT_TRIM_HORIZON"}, "#."},
		{types.ShardFilter{Type: "FROM_TRIM_HORIZON"}, "#. #1(#). #2(#). #3(#1 #2)"},
		{types.ShardFilter{Type: "AFTER_SHARD_ID", ShardId: aws.String("shardId-000000000001")}, "#2(#). #3(#1 #2)"},
		{types.ShardFilter{Type: "AT_TIMESTAMP", Timestamp: aws.Time(began.Add(90 * time.Minute))}, "#1(#). #2(#)."},
		{types.ShardFilter{Type: "FROM_TIMESTAMP", Timestamp: aws.Time(began.Add(90 * time.Minute))}, "#1(#). #2(#). #3(#1 #2)"},
	} {
		if got := family(listShards(t, s, &tc.filter)); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.filter.Type, got, tc.want)
		}
	}
}

func TestShardsInPages(t *testing.T) {
	ctx, c := context.Background(), newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 5)
	k := client(s)
	out, err := k.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("ev"), MaxResults: aws.Int32(2), ExclusiveStartShardId: aws.String(shard0)})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{family(out.Shards)}
	next := out.NextToken
	if out, err = k.ListShards(ctx, &kinesis.ListShardsInput{NextToken: next}); err != nil {
		t.Fatal(err)
	}
	got = append(got, family(out.Shards))
	if diff := cmp.Diff([]string{"#1 #2", "#3 #4"}, got); diff != "" || out.NextToken != nil {
		t.Errorf("pages differ, or there is a third (%v) (-want +got):\n%s", out.NextToken, diff)
	}
	c.Advance(5*time.Minute + time.Millisecond)
	_, err = k.ListShards(ctx, &kinesis.ListShardsInput{NextToken: next})
	wantCode(t, err, "ExpiredNextTokenException")

	described, err := k.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("ev"), Limit: aws.Int32(4)})
	if err != nil {
		t.Fatal(err)
	}
	if got := family(described.StreamDescription.Shards); got != "# #1 #2 #3" || !*described.StreamDescription.HasMoreShards {
		t.Errorf("DescribeStream gave %s, more: %v; want four, more", got, *described.StreamDescription.HasMoreShards)
	}
}
