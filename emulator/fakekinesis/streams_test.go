package fakekinesis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
)

func TestLifeOfAStream(t *testing.T) {
	ctx, c := context.Background(), newClock()
	s := start(t, fakekinesis.WithClock(c.Now), fakekinesis.WithStateDelay(10*time.Second))
	k := client(s)
	status := func() string {
		t.Helper()
		out, err := k.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("ev")})
		if err != nil {
			return err.Error()
		}
		d := out.StreamDescriptionSummary
		return fmt.Sprint(d.StreamStatus, " ", d.StreamModeDetails.StreamMode, " ", *d.OpenShardCount, " shards ", *d.RetentionPeriodHours, " h ", d.EncryptionType)
	}
	want := func(line string) {
		t.Helper()
		if got := status(); got != line {
			t.Errorf("got %q, want %q", got, line)
		}
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(k.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("ev"), ShardCount: aws.Int32(2)}))
	want("CREATING PROVISIONED 0 shards 24 h NONE")
	_, err := k.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("ev")})
	wantCode(t, err, "ResourceInUseException")
	c.Advance(10 * time.Second)
	want("ACTIVE PROVISIONED 2 shards 24 h NONE")

	must(k.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: aws.String("ev"), TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling}))
	want("UPDATING PROVISIONED 2 shards 24 h NONE")
	if _, err := putRecords(s, "ev", entries(1, 10)); err != nil {
		t.Errorf("write while UPDATING: %v", err)
	}
	_, err = k.IncreaseStreamRetentionPeriod(ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: aws.String("ev"), RetentionPeriodHours: aws.Int32(48)})
	wantCode(t, err, "ResourceInUseException")
	c.Advance(10 * time.Second)
	want("ACTIVE PROVISIONED 4 shards 24 h NONE")

	must(k.IncreaseStreamRetentionPeriod(ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: aws.String("ev"), RetentionPeriodHours: aws.Int32(48)}))
	want("ACTIVE PROVISIONED 4 shards 48 h NONE")
	must(k.StartStreamEncryption(ctx, &kinesis.StartStreamEncryptionInput{StreamName: aws.String("ev"), EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")}))
	want("UPDATING PROVISIONED 4 shards 48 h NONE")
	c.Advance(10 * time.Second)
	want("ACTIVE PROVISIONED 4 shards 48 h KMS")

	must(k.UpdateStreamMode(ctx, &kinesis.UpdateStreamModeInput{StreamARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/ev"),
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}}))
	c.Advance(10 * time.Second)
	want("ACTIVE ON_DEMAND 4 shards 48 h KMS")

	must(k.StopStreamEncryption(ctx, &kinesis.StopStreamEncryptionInput{StreamName: aws.String("ev"), EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")}))
	c.Advance(10 * time.Second)
	must(k.DecreaseStreamRetentionPeriod(ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: aws.String("ev"), RetentionPeriodHours: aws.Int32(24)}))
	want("ACTIVE ON_DEMAND 4 shards 24 h NONE")

	_, err = s.Put("ev", "k", make([]byte, 2<<20-1))
	wantCode(t, err, "InvalidArgumentException")
	must(k.UpdateMaxRecordSize(ctx, &kinesis.UpdateMaxRecordSizeInput{StreamARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/ev"), MaxRecordSizeInKiB: aws.Int32(2048)}))
	c.Advance(10 * time.Second)
	must(s.Put("ev", "k", make([]byte, 2<<20-1)))

	must(k.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("ev")}))
	want("DELETING ON_DEMAND 0 shards 24 h NONE")
	_, err = k.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("ev"), ShardCount: aws.Int32(1)})
	wantCode(t, err, "ResourceInUseException")
	c.Advance(10 * time.Second)
	_, err = k.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("ev")})
	wantCode(t, err, "ResourceNotFoundException")
}

func TestWaiterOfTheSDK(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 1)
	err := kinesis.NewStreamExistsWaiter(client(s)).Wait(context.Background(), &kinesis.DescribeStreamInput{StreamName: aws.String("ev")}, time.Minute)
	if err != nil {
		t.Error(err)
	}
}

func TestModeChangesTwiceADay(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now))
	provisioned(t, s, "ev", 1)
	change := func(mode string) error {
		_, err := client(s).UpdateStreamMode(context.Background(), &kinesis.UpdateStreamModeInput{
			StreamARN:         aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/ev"),
			StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamMode(mode)}})
		return err
	}
	for _, mode := range []string{fakekinesis.OnDemand, fakekinesis.Provisioned} {
		if err := change(mode); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, change(fakekinesis.OnDemand), "LimitExceededException")
	c.Advance(24 * time.Hour)
	if err := change(fakekinesis.OnDemand); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func TestQuotas(t *testing.T) {
	c := newClock()
	s := start(t, fakekinesis.WithClock(c.Now), fakekinesis.WithStateDelay(time.Second))
	create := func(i int) error {
		_, err := s.CreateStream(fakekinesis.StreamSettings{Name: fmt.Sprintf("od-%02d", i), Mode: fakekinesis.OnDemand})
		return err
	}
	for i := range 5 {
		if err := create(i); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, create(5), "LimitExceededException") // five are CREATING
	for i := 5; i < 50; i++ {
		c.Advance(time.Second)
		if err := create(i); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(time.Second)
	wantCode(t, create(50), "LimitExceededException") // fifty are ON_DEMAND

	got, err := client(s).DescribeLimits(context.Background(), &kinesis.DescribeLimitsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if *got.OpenShardCount != 200 || *got.OnDemandStreamCount != 50 || *got.OnDemandStreamCountLimit != 50 || *got.ShardLimit != 20000 {
		t.Errorf("limits are %d of %d shards, %d of %d streams; want 200 of 20000, 50 of 50",
			*got.OpenShardCount, *got.ShardLimit, *got.OnDemandStreamCount, *got.OnDemandStreamCountLimit)
	}
}

func TestListStreamsInPages(t *testing.T) {
	s := start(t)
	for _, name := range []string{"c", "a", "b"} {
		provisioned(t, s, name, 1)
	}
	pages := kinesis.NewListStreamsPaginator(client(s), &kinesis.ListStreamsInput{Limit: aws.Int32(2)})
	var got [][]string
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.StreamNames)
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c"}}, got); diff != "" {
		t.Errorf("pages differ (-want +got):\n%s", diff)
	}
}

func TestTags(t *testing.T) {
	ctx := context.Background()
	s := start(t)
	provisioned(t, s, "ev", 1)
	k := client(s)
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprintf("k%02d", i)] = "v"
	}
	if _, err := k.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("ev"), Tags: tags}); err != nil {
		t.Fatal(err)
	}
	_, err := k.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("ev"), Tags: map[string]string{"one": "more"}})
	wantCode(t, err, "InvalidArgumentException")
	if _, err := k.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("ev"), Tags: map[string]string{"k49": "changed"}}); err != nil {
		t.Errorf("change of a tag that is there: %v", err)
	}
	if _, err := k.RemoveTagsFromStream(ctx, &kinesis.RemoveTagsFromStreamInput{StreamName: aws.String("ev"), TagKeys: []string{"k00", "absent"}}); err != nil {
		t.Fatal(err)
	}
	page, err := k.ListTagsForStream(ctx, &kinesis.ListTagsForStreamInput{StreamName: aws.String("ev"), ExclusiveStartTagKey: aws.String("k40"), Limit: aws.Int32(3)})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Tags) != 3 || *page.Tags[0].Key != "k41" || !*page.HasMoreTags {
		t.Errorf("page has %d tags from %s, more: %v; want 3 from k41, more", len(page.Tags), *page.Tags[0].Key, *page.HasMoreTags)
	}
	all, err := k.ListTagsForResource(ctx, &kinesis.ListTagsForResourceInput{ResourceARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/ev")})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all.Tags); n != 49 || *all.Tags[48].Value != "changed" {
		t.Errorf("%d tags, last %q; want 49, changed", n, *all.Tags[n-1].Value)
	}
}
