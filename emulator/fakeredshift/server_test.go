package fakeredshift_test

import (
	"encoding/json"
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
	"example.com/evstream/emulator/fakesecrets"
	"example.com/evstream/emulator/warehouse"
)

// start starts a server with the namespaces ev-dev, and idle, which has no workgroup.
func start(t *testing.T) (*fakeredshift.Server, *redshiftserverless.Client) {
	t.Helper()
	s := fakeredshift.New(nil)
	for _, name := range []string{"ev-dev", "idle"} {
		if err := s.CreateNamespace(t.Context(), fakeredshift.Namespace{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CreateWorkgroup(t.Context(), fakeredshift.Workgroup{Name: "ev-dev", Namespace: "ev-dev"}); err != nil {
		t.Fatal(err)
	}
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
		if err := take(t, c, "ev-dev", fmt.Sprintf("s-%d", i), 7); err != nil {
			t.Fatal(err)
		}
	}
	listed := map[string]types.SnapshotStatus{}
	pages := redshiftserverless.NewListSnapshotsPaginator(c, &redshiftserverless.ListSnapshotsInput{NamespaceName: aws.String("ev-dev")})
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
	if err := take(t, c, "ev-dev", "taken", 7); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name string
		err  error
		want string
	}{
		{"no such namespace", take(t, c, "none", "s", 7), "ResourceNotFoundException"},
		{"no workgroup", take(t, c, "idle", "s", 7), "ValidationException"},
		{"a name twice", take(t, c, "ev-dev", "taken", 7), "ConflictException"},
		{"a name with upper case", take(t, c, "ev-dev", "Taken", 7), "ValidationException"},
		{"kept for no day", take(t, c, "ev-dev", "s", 0), "ValidationException"},
		{"kept for 11 years", take(t, c, "ev-dev", "s", 4000), "ValidationException"},
		{"another region", take(t, client(s, "eu-west-1"), "ev-dev", "s", 7), "InvalidSignatureException"},
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

// TestNamespacesAndWorkgroups makes, shows and deletes what a test needs, in a warehouse.
func TestNamespacesAndWorkgroups(t *testing.T) {
	w := warehouse.New(warehouse.Options{Dir: t.TempDir()})
	defer w.Close()
	secrets := fakesecrets.New()
	s := fakeredshift.New(w, fakeredshift.WithSecrets(secrets))
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, ctx := client(s, "us-east-1"), t.Context()

	const role = "arn:aws:iam::123456789012:role/streaming"
	made, err := c.CreateNamespace(ctx, &redshiftserverless.CreateNamespaceInput{
		NamespaceName: aws.String("ev-dev"), ManageAdminPassword: aws.Bool(true), IamRoles: []string{role}, DefaultIamRoleArn: aws.String(role),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Ready("ev-dev"); err == nil {
		t.Error("the warehouse has a workgroup before it was made")
	}
	group, err := c.CreateWorkgroup(ctx, &redshiftserverless.CreateWorkgroupInput{
		WorkgroupName: aws.String("ev-dev"), NamespaceName: aws.String("ev-dev"),
		ConfigParameters: []types.ConfigParameter{{ParameterKey: aws.String("enable_case_sensitive_identifier"), ParameterValue: aws.String("true")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if group.Workgroup.Status != types.WorkgroupStatusCreating {
		t.Errorf("the new workgroup is %s, want CREATING", group.Workgroup.Status)
	}
	login, err := secrets.Value(*made.Namespace.AdminPasswordSecretArn)
	if err != nil {
		t.Fatal(err)
	}
	var admin struct{ Username, Password string }
	if err := json.Unmarshal([]byte(login), &admin); err != nil {
		t.Fatal(err)
	}
	session, err := w.Connect(ctx, "ev-dev", "dev", admin.Username, admin.Password)
	if err != nil {
		t.Fatalf("logging in with the managed secret: %v", err)
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}

	got, err := c.GetWorkgroup(ctx, &redshiftserverless.GetWorkgroupInput{WorkgroupName: aws.String("ev-dev")})
	if err != nil {
		t.Fatal(err)
	}
	g := got.Workgroup
	if g.Status != types.WorkgroupStatusAvailable || *g.BaseCapacity != -1 || *g.PricePerformanceTarget.Level != 50 || len(g.ConfigParameters) != 9 ||
		*g.Endpoint.Address != "ev-dev.123456789012.us-east-1.redshift-serverless.amazonaws.com" {
		t.Errorf("a workgroup that was given no capacity is %+v", g)
	}
	namespaces, err := c.ListNamespaces(ctx, &redshiftserverless.ListNamespacesInput{})
	if err != nil {
		t.Fatal(err)
	}
	workgroups, err := c.ListWorkgroups(ctx, &redshiftserverless.ListWorkgroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(namespaces.Namespaces) != 1 || len(workgroups.Workgroups) != 1 || *namespaces.Namespaces[0].DefaultIamRoleArn != role {
		t.Errorf("the lists have %d namespaces and %d workgroups, want 1 and 1", len(namespaces.Namespaces), len(workgroups.Workgroups))
	}

	_, err = c.DeleteNamespace(ctx, &redshiftserverless.DeleteNamespaceInput{NamespaceName: aws.String("ev-dev")})
	if code := smithy.APIError(nil); !errors.As(err, &code) || code.ErrorCode() != "ConflictException" {
		t.Errorf("a namespace with a workgroup is deleted: %v", err)
	}
	if _, err := c.DeleteWorkgroup(ctx, &redshiftserverless.DeleteWorkgroupInput{WorkgroupName: aws.String("ev-dev")}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteNamespace(ctx, &redshiftserverless.DeleteNamespaceInput{NamespaceName: aws.String("ev-dev"), FinalSnapshotName: aws.String("last")}); err != nil {
		t.Error(err)
	}
	if _, err := secrets.Value(*made.Namespace.AdminPasswordSecretArn); err == nil {
		t.Error("the managed secret outlives its namespace")
	}
	if taken := s.Snapshots(); len(taken) != 1 || taken[0].Name != "last" {
		t.Errorf("the snapshots are %v, want the last one", taken)
	}
}

// TestCreationRefused: what is wrong with a namespace or a workgroup is said before it is made.
func TestCreationRefused(t *testing.T) {
	s, c := start(t)
	namespace := func(change func(*redshiftserverless.CreateNamespaceInput)) error {
		in := &redshiftserverless.CreateNamespaceInput{NamespaceName: aws.String("new")}
		change(in)
		_, err := c.CreateNamespace(t.Context(), in)
		return err
	}
	workgroup := func(change func(*redshiftserverless.CreateWorkgroupInput)) error {
		in := &redshiftserverless.CreateWorkgroupInput{WorkgroupName: aws.String("new"), NamespaceName: aws.String("idle")}
		change(in)
		_, err := c.CreateWorkgroup(t.Context(), in)
		return err
	}
	type (
		ns = redshiftserverless.CreateNamespaceInput
		wg = redshiftserverless.CreateWorkgroupInput
	)
	for want, err := range map[string]error{
		"Namespace idle already exists":        namespace(func(in *ns) { in.NamespaceName = aws.String("idle") }),
		"regular expression pattern":           namespace(func(in *ns) { in.NamespaceName = aws.String("Upper") }),
		"Invalid database name":                namespace(func(in *ns) { in.DbName = aws.String("my-db") }),
		"Invalid admin user name":              namespace(func(in *ns) { in.AdminUsername = aws.String("1st") }),
		"at least one upper-case letter":       namespace(func(in *ns) { in.AdminUserPassword = aws.String("lowercase1") }),
		"must be in the list of IAM roles":     namespace(func(in *ns) { in.DefaultIamRoleArn = aws.String("arn:aws:iam::123456789012:role/r") }),
		"does not support manageAdminPassword": namespace(func(in *ns) { in.ManageAdminPassword = aws.Bool(true) }),
		`the request member "tags"`:            namespace(func(in *ns) { in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}} }),
		"namespace none was not found":         workgroup(func(in *wg) { in.NamespaceName = aws.String("none") }),
		"is associated with the workgroup":     workgroup(func(in *wg) { in.NamespaceName = aws.String("ev-dev") }),
		"Workgroup ev-dev already exists":      workgroup(func(in *wg) { in.WorkgroupName = aws.String("ev-dev") }),
		"Invalid base capacity 12":             workgroup(func(in *wg) { in.BaseCapacity = aws.Int32(12) }),
		"Invalid max capacity 8":               workgroup(func(in *wg) { in.BaseCapacity, in.MaxCapacity = aws.Int32(16), aws.Int32(8) }),
		"Invalid port 80":                      workgroup(func(in *wg) { in.Port = aws.Int32(80) }),
		"Invalid configuration parameter": workgroup(func(in *wg) {
			in.ConfigParameters = []types.ConfigParameter{{ParameterKey: aws.String("colour"), ParameterValue: aws.String("red")}}
		}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for name, err := range map[string]error{
		"workgroup": func() error {
			_, err := c.GetWorkgroup(t.Context(), &redshiftserverless.GetWorkgroupInput{WorkgroupName: aws.String("new")})
			return err
		}(),
		"namespace": s.DeleteNamespace(t.Context(), "new"),
	} {
		if err == nil || !strings.Contains(err.Error(), "was not found") {
			t.Errorf("a refused %s: %v, want that there is none", name, err)
		}
	}
}
