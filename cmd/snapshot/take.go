package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"example.com/evstream/internal/interrupt"
)

// taker takes the last snapshot of a namespace.
type taker struct {
	client    *redshiftserverless.Client
	namespace string
	days      int32
	progress  io.Writer
}

// take returns the snapshot when it is whole.
func (t taker) take(ctx context.Context) (*types.Snapshot, error) {
	prefix := t.namespace + "-final-"
	begun, err := t.find(ctx, func(s types.Snapshot) bool {
		return s.Status == types.SnapshotStatusCreating && strings.HasPrefix(aws.ToString(s.SnapshotName), prefix)
	})
	if err != nil {
		return nil, err
	}
	if begun != nil {
		fmt.Fprintf(t.progress, "Snapshot %s is already being created\n", *begun.SnapshotName)
		return t.wait(ctx, *begun.SnapshotName)
	}
	name := prefix + time.Now().UTC().Format("20060102-150405")
	fmt.Fprintf(t.progress, "Creating snapshot %s\n", name)
	if err := t.create(ctx, name); err != nil {
		return nil, err
	}
	return t.wait(ctx, name)
}

// find returns a snapshot of the namespace, or nil if there is none like it.
func (t taker) find(ctx context.Context, like func(types.Snapshot) bool) (*types.Snapshot, error) {
	pages := redshiftserverless.NewListSnapshotsPaginator(t.client, &redshiftserverless.ListSnapshotsInput{NamespaceName: &t.namespace})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing snapshots: %w", err)
		}
		for _, snapshot := range page.Snapshots {
			if like(snapshot) {
				return &snapshot, nil
			}
		}
	}
	return nil, nil
}

// patience is how long create tries while another operation runs on the namespace
// or its workgroup. The AWS provider waits as long before it deletes one.
const patience = 10 * time.Minute

// create begins the snapshot. A conflict is either an operation that still runs,
// or the snapshot itself, begun by a request whose answer was lost.
func (t taker) create(ctx context.Context, name string) error {
	began := time.Now()
	return poll(ctx, func() (bool, error) {
		_, err := t.client.CreateSnapshot(ctx, &redshiftserverless.CreateSnapshotInput{
			NamespaceName: &t.namespace, SnapshotName: &name, RetentionPeriod: &t.days,
		})
		var conflict *types.ConflictException
		if err == nil || !errors.As(err, &conflict) {
			return true, err
		}
		itself, listing := t.find(ctx, func(s types.Snapshot) bool { return aws.ToString(s.SnapshotName) == name })
		if listing != nil || itself != nil {
			return true, listing
		}
		if time.Since(began) > patience {
			return true, err
		}
		return false, nil
	})
}

// wait returns the snapshot when it is whole.
func (t taker) wait(ctx context.Context, name string) (*types.Snapshot, error) {
	var whole *types.Snapshot
	err := poll(ctx, func() (bool, error) {
		got, err := t.client.GetSnapshot(ctx, &redshiftserverless.GetSnapshotInput{SnapshotName: &name})
		if err != nil {
			return true, fmt.Errorf("checking whether snapshot %s is complete: %w", name, err)
		}
		switch got.Snapshot.Status {
		case types.SnapshotStatusAvailable:
			whole = got.Snapshot
			return true, nil
		case types.SnapshotStatusCreating:
			return false, nil
		}
		return true, fmt.Errorf("snapshot %s is %s", name, got.Snapshot.Status)
	})
	return whole, err
}

// poll looks, with pauses that grow to 15 seconds, until there is nothing to wait for.
func poll(ctx context.Context, look func() (done bool, err error)) error {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		if done, err := look(); done {
			return err
		}
		if err := interrupt.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}
