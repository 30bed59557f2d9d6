// Snapshot takes a last snapshot of a Redshift Serverless namespace, before a
// destroy deletes it. See usage below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"

	"example.com/evstream/internal/endpoint"
	"example.com/evstream/internal/interrupt"
)

const usage = `Snapshot takes a last snapshot of a Redshift Serverless namespace and waits until it
is whole. pulumi destroy runs it before it deletes the workgroup and the namespace,
if the setting snapshotRetentionDays is given. A last snapshot that is being made,
because a destroy was killed, is waited for; no other is made.

It takes no arguments. The environment says which:
  REDSHIFT_NAMESPACE       the namespace
  REDSHIFT_WORKGROUP       its workgroup, to say how to restore
  SNAPSHOT_RETENTION_DAYS  for how many days the snapshot is kept
Region, credentials and endpoint come from the AWS environment.
`

const advice = `Nothing is deleted before the snapshot is there. Run pulumi destroy again. To do without the snapshot, take it out of
the state first: pulumi stack --show-urns shows the URN that ends in final-snapshot, for pulumi state delete URN
`

func main() {
	if len(os.Args) > 1 {
		if slices.Contains([]string{"-h", "-help", "--help", "help"}, os.Args[1]) {
			fmt.Print(usage)
			return
		}
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(interrupt.Context(), os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "snapshot: %v\n%s", err, advice)
		os.Exit(1)
	}
}

func run(ctx context.Context, progress io.Writer) error {
	days, err := strconv.ParseInt(os.Getenv("SNAPSHOT_RETENTION_DAYS"), 10, 32)
	namespace := os.Getenv("REDSHIFT_NAMESPACE")
	if err != nil || namespace == "" {
		return errors.New("REDSHIFT_NAMESPACE and SNAPSHOT_RETENTION_DAYS, a number, must be set")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the AWS configuration: %w", err)
	}
	client := redshiftserverless.NewFromConfig(cfg)
	if err := endpoint.CheckTLS(client.Options().BaseEndpoint); err != nil {
		return err
	}
	t := taker{client: client, namespace: namespace, days: int32(days), progress: progress}
	taken, err := t.take(ctx)
	if err != nil {
		return fmt.Errorf("final snapshot of namespace %s in %s: %w", namespace, cfg.Region, err)
	}
	keptPassword := ""
	if taken.AdminPasswordSecretArn != nil {
		keptPassword = " --manage-admin-password"
	}
	name := *taken.SnapshotName
	fmt.Fprintf(progress, "Snapshot %s of namespace %s is kept for %d days. To restore it, deploy the stack again and run: "+
		"aws redshift-serverless restore-from-snapshot --region %s --namespace-name %s --workgroup-name %s --snapshot-name %s%s\n",
		name, namespace, days, cfg.Region, namespace, os.Getenv("REDSHIFT_WORKGROUP"), name, keptPassword)
	return nil
}
