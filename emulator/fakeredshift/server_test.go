package fakeredshift_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"
	"github.com/aws/smithy-go"

	"example.com/evstream/emulator/fakeredshift"
)

// start starts a server with the namespaces ev, and idle, which has no workgroup.
func start(t *testing.T) (*fakeredshift.Server, *redshiftserverless.Client) {
	t.Helper()
	s := fakeredshift.New(func(name string) (fakeredshift.Namespace, bool) {
		switch name {
		case "ev":
			return fakeredshift.Namespace{ARN: "arn:aws:redshift-serverless:us-east-1:123456789012:namespace/1", AdminUser: "admin", Workgroup: "ev"}, true
		case "idle":
			return fakeredshift.Namespace{}, true
		}
		return fakeredshift.Namespace{}, false
	})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, client(s, "us-east-1")
}

func client(s *fakeredshift.Server, region string) *redshiftserverless.Client {
	return redshiftserverless.New(redshiftserverless.Options{
		BaseEndpoint: aws.String(s.URL()), Region: region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

func take(t *testing.T, c *redshiftserverless.Client, namespace, name string, days int32) error {
	t.Helper()
	_, err := c.CreateSnapshot(t.Context(), &redshiftserverless.CreateSnapshotInput{NamespaceName: &namespace, SnapshotName: &name, RetentionPeriod: &days})
	return err
}

// TestSnapshots takes more snapshots than a page of them has.
func TestSnapshots(t *testing.T) {
	s, c := start(t)
	s.Hold()
	for i := range 45 {
		if err := take(t, c, "ev", fmt.Sprintf("s-%d", i), 7); err != nil {
			t.Fatal(err)
		}
	}
	listed := map[string]types.SnapshotStatus{}
	pages := redshiftserverless.NewListSnapshotsPaginator(c, &redshiftserverless.ListSnapshotsInput{NamespaceName: aws.String("ev")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, snapshot := range page.Snapshots {
			listed[*snapshot.SnapshotName] = snapshot.Status
		}
	}
	if len(listed) != 45 || listed["s-0"] != types.SnapshotStatusCreating {
		t.Errorf("%d snapshots are listed, the first %s; want 45, being created", len(listed), listed["s-0"])
	}
	s.Release("AVAILABLE")
	got, err := c.GetSnapshot(t.Context(), &redshiftserverless.GetSnapshotInput{SnapshotName: aws.String("s-44")})
	if err != nil {
		t.Fatal(err)
	}
	if got.Snapshot.Status != types.SnapshotStatusAvailable || *got.Snapshot.SnapshotRetentionPeriod != 7 {
		t.Errorf("the snapshot is %s and kept for %d days, want it available and kept for 7", got.Snapshot.Status, *got.Snapshot.SnapshotRetentionPeriod)
	}
}

func TestRefusals(t *testing.T) {
	s, c := start(t)
	if err := take(t, c, "ev", "taken", 7); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name string
		err  error
		want string
	}{
		{"no such namespace", take(t, c, "none", "s", 7), "ResourceNotFoundException"},
		{"no workgroup", take(t, c, "idle", "s", 7), "ValidationException"},
		{"a name twice", take(t, c, "ev", "taken", 7), "ConflictException"},
		{"a name with upper case", take(t, c, "ev", "Taken", 7), "ValidationException"},
		{"kept for no day", take(t, c, "ev", "s", 0), "ValidationException"},
		{"kept for 11 years", take(t, c, "ev", "s", 4000), "ValidationException"},
		{"another region", take(t, client(s, "eu-west-1"), "ev", "s", 7), "InvalidSignatureException"},
		{"another operation", func() error {
			_, err := c.DeleteSnapshot(t.Context(), &redshiftserverless.DeleteSnapshotInput{SnapshotName: aws.String("taken")})
			return err
		}(), "UnknownOperationException"},
		{"an unsupported field", func() error {
			_, err := c.GetSnapshot(t.Context(), &redshiftserverless.GetSnapshotInput{SnapshotArn: aws.String("arn:x")})
			return err
		}(), "ValidationException"},
		{"no such snapshot", func() error {
			_, err := c.GetSnapshot(t.Context(), &redshiftserverless.GetSnapshotInput{SnapshotName: aws.String("none")})
			return err
		}(), "ResourceNotFoundException"},
	} {
		var api smithy.APIError
		if !errors.As(r.err, &api) || !strings.EqualFold(api.ErrorCode(), r.want) {
			t.Errorf("%s: %v, want %s", r.name, r.err, r.want)
		}
	}
	if taken := s.Snapshots(); len(taken) != 1 {
		t.Errorf("%d snapshots are there after the refusals, want the one before them", len(taken))
	}
}
