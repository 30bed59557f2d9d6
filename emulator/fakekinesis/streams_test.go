package fakekinesis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/emulator/fakekinesis"
)

func TestWaiterOfTheSDK(t *testing.T) {
	s := start(t)
	provisioned(t, s, "ev", 1)
	err := kinesis.NewStreamExistsWaiter(client(s)).Wait(context.Background(), &kinesis.DescribeStreamInput{StreamName: aws.String("ev")}, time.Minute)
	if err != nil {
		t.Error(err)
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
