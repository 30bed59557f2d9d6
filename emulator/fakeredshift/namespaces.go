package fakeredshift

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"example.com/evstream/emulator/fakesecrets"
	"example.com/evstream/emulator/warehouse"
)

// A Namespace holds the data.
type Namespace struct {
	Name           string
	ID             string // a UUID; made unless given
	ARN            string // made of the ID unless given
	Database       string // dev unless given
	AdminUser      string // admin unless given
	AdminPassword  string
	AdminSecretARN string   // "" unless AWS keeps the admin's password
	IAMRoles       []string // ARNs of the roles that its SQL may name
	DefaultRole    string   // ARN of the one that IAM_ROLE default means
	KMSKey         string   // AWS_OWNED_KMS_KEY unless given
	LogExports     []string
	Created        time.Time
}

func (n Namespace) name() string { return n.Name }

func (n Namespace) warehouse() warehouse.Namespace {
	return warehouse.Namespace{
		Name: n.Name, ID: n.ID, Database: n.Database, AdminUser: n.AdminUser, AdminPassword: n.AdminPassword,
		IAMRoles: n.IAMRoles, DefaultRole: n.DefaultRole,
	}
}

// CreateNamespace makes a namespace, which is AVAILABLE at once.
func (s *Server) CreateNamespace(ctx context.Context, n Namespace) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if indexOf(s.namespaces, n.Name, Namespace.name) >= 0 {
		return conflict("Namespace %s already exists.", n.Name)
	}
	n.ID = cmp.Or(n.ID, fakesecrets.NewUUID())
	n.ARN = cmp.Or(n.ARN, s.arn("namespace", n.ID))
	n.Database, n.AdminUser, n.KMSKey = cmp.Or(n.Database, "dev"), cmp.Or(n.AdminUser, "admin"), cmp.Or(n.KMSKey, "AWS_OWNED_KMS_KEY")
	n.Created = s.now()
	if s.warehouse != nil {
		if err := s.warehouse.CreateNamespace(ctx, n.warehouse()); err != nil {
			return err
		}
	}
	s.namespaces = append(s.namespaces, n)
	return nil
}

// UpdateNamespace changes a namespace's roles and admin.
func (s *Server) UpdateNamespace(_ context.Context, n Namespace) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := indexOf(s.namespaces, n.Name, Namespace.name)
	if i < 0 {
		return noNamespace(n.Name)
	}
	if s.warehouse != nil {
		if err := s.warehouse.UpdateNamespace(n.warehouse()); err != nil {
			return err
		}
	}
	n.Created = s.namespaces[i].Created
	s.namespaces[i] = n
	return nil
}

// DeleteNamespace drops a namespace, which must have no workgroup, and its data.
func (s *Server) DeleteNamespace(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := indexOf(s.namespaces, name, Namespace.name)
	if i < 0 {
		return noNamespace(name)
	}
	if g := s.workgroupOf(name); g != "" {
		return conflict("The namespace %s is associated with the workgroup %s. Delete the workgroup first.", name, g)
	}
	if s.warehouse != nil {
		if err := s.warehouse.DeleteNamespace(name); err != nil {
			return err
		}
	}
	s.namespaces = slices.Delete(s.namespaces, i, i+1)
	return nil
}

// Namespace returns a namespace.
func (s *Server) Namespace(name string) (Namespace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := indexOf(s.namespaces, name, Namespace.name)
	if i < 0 {
		return Namespace{}, noNamespace(name)
	}
	return s.namespaces[i], nil
}

func noNamespace(name string) error { return notFound("The namespace %s was not found.", name) }

type createNamespace struct {
	NamespaceName       string   `json:"namespaceName"`
	AdminUsername       string   `json:"adminUsername"`
	AdminUserPassword   *string  `json:"adminUserPassword"`
	ManageAdminPassword bool     `json:"manageAdminPassword"`
	DBName              string   `json:"dbName"`
	DefaultIAMRoleARN   string   `json:"defaultIamRoleArn"`
	IAMRoles            []string `json:"iamRoles"`
	KMSKeyID            string   `json:"kmsKeyId"`
	LogExports          []string `json:"logExports"`
}

// Names and passwords: https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
var (
	databaseName = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
	adminName    = regexp.MustCompile(`^[a-z][a-z0-9]{0,127}$`)
	allowed      = regexp.MustCompile(`^[!#-&(-.0-?A-\[\]-~]{8,64}$`) // ASCII from 33 to 126 except ' " \ / and @
	needed       = []*regexp.Regexp{regexp.MustCompile(`[A-Z]`), regexp.MustCompile(`[a-z]`), regexp.MustCompile(`[0-9]`)}
)

func goodPassword(password string) bool {
	return allowed.MatchString(password) &&
		!slices.ContainsFunc(needed, func(class *regexp.Regexp) bool { return !class.MatchString(password) })
}

func (in *createNamespace) apply(ctx context.Context, s *Server) (any, error) {
	switch {
	case in.DBName != "" && !databaseName.MatchString(in.DBName):
		return nil, invalid("Invalid database name %q: 1 to 64 lower-case letters and digits", in.DBName)
	case in.AdminUsername != "" && !adminName.MatchString(in.AdminUsername):
		return nil, invalid("Invalid admin user name: 1 to 128 lower-case letters and digits, beginning with a letter")
	case in.AdminUserPassword != nil && in.ManageAdminPassword:
		return nil, invalid("You can't use both adminUserPassword and manageAdminPassword.")
	case in.AdminUserPassword != nil && !goodPassword(*in.AdminUserPassword):
		return nil, invalid(`The admin user password must have 8 to 64 characters, at least one upper-case letter, one lower-case letter and one digit, ` +
			`and only ASCII characters from 33 to 126 except ' " \ / and @.`)
	case in.DefaultIAMRoleARN != "" && !slices.Contains(in.IAMRoles, in.DefaultIAMRoleARN):
		return nil, invalid("The default IAM role %s must be in the list of IAM roles.", in.DefaultIAMRoleARN)
	case in.ManageAdminPassword && s.secrets == nil:
		return nil, invalid("the emulator has no Secrets Manager here, so it does not support manageAdminPassword")
	}
	n := Namespace{
		Name: in.NamespaceName, Database: in.DBName, AdminUser: cmp.Or(in.AdminUsername, "admin"), IAMRoles: in.IAMRoles,
		DefaultRole: in.DefaultIAMRoleARN, KMSKey: in.KMSKeyID, LogExports: in.LogExports,
		AdminPassword: "Aa1" + fakesecrets.NewUUID(), // nobody knows it unless a secret or the request has one
	}
	if in.AdminUserPassword != nil {
		n.AdminPassword = *in.AdminUserPassword
	}
	if in.ManageAdminPassword {
		if _, err := s.Namespace(n.Name); err == nil {
			return nil, conflict("Namespace %s already exists.", n.Name) // and keeps its secret
		}
		// https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html
		value, err := json.Marshal(map[string]string{"username": n.AdminUser, "password": n.AdminPassword})
		if err != nil {
			return nil, err
		}
		n.AdminSecretARN = s.secrets.MakeSecret(fmt.Sprintf("redshift!%s-%s", n.Name, n.AdminUser), string(value))
	}
	if err := s.CreateNamespace(ctx, n); err != nil {
		return nil, err
	}
	return (&getNamespace{n.Name}).apply(ctx, s)
}

type getNamespace struct {
	NamespaceName string `json:"namespaceName"`
}

func (in *getNamespace) apply(_ context.Context, s *Server) (any, error) {
	n, err := s.Namespace(in.NamespaceName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"namespace": n.shown()}, nil
}

type listNamespaces struct{ page }

func (in *listNamespaces) apply(_ context.Context, s *Server) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return list(in.page, "namespaces", s.namespaces, Namespace.shown)
}

type deleteNamespace struct {
	NamespaceName                string `json:"namespaceName"`
	FinalSnapshotName            string `json:"finalSnapshotName"`
	FinalSnapshotRetentionPeriod *int   `json:"finalSnapshotRetentionPeriod"`
}

func (in *deleteNamespace) apply(ctx context.Context, s *Server) (any, error) {
	n, err := s.Namespace(in.NamespaceName)
	if err != nil {
		return nil, err
	}
	if in.FinalSnapshotName != "" {
		final := createSnapshot{NamespaceName: in.NamespaceName, SnapshotName: in.FinalSnapshotName, RetentionPeriod: in.FinalSnapshotRetentionPeriod}
		if _, err := final.take(s, n); err != nil {
			return nil, err
		}
	}
	if err := s.DeleteNamespace(ctx, n.Name); err != nil {
		return nil, err
	}
	if n.AdminSecretARN != "" && s.secrets != nil {
		s.secrets.DeleteSecret(n.AdminSecretARN)
	}
	return map[string]any{"namespace": with("DELETING", n.shown())}, nil
}

// shown is a namespace as the service shows it: go-to-k/cdk-real-drift c00ed982,
// AWS__RedshiftServerless__Namespace.HuntNamespace.json, read on 2026-07-11. How it writes
// roles: hashicorp/terraform-provider-aws, internal/service/redshiftserverless/namespace.go,
// flattenNamespaceIAMRoles.
func (n Namespace) shown() map[string]any {
	roles := make([]string, len(n.IAMRoles))
	for i, arn := range n.IAMRoles {
		roles[i] = fmt.Sprintf("IamRole(applyStatus=in-sync, iamRoleArn=%s)", arn)
	}
	shown := map[string]any{
		"namespaceName": n.Name, "namespaceId": n.ID, "namespaceArn": n.ARN, "dbName": n.Database, "adminUsername": n.AdminUser,
		"iamRoles": roles, "kmsKeyId": n.KMSKey, "logExports": append([]string{}, n.LogExports...),
		"status": available, "creationDate": date(n.Created),
	}
	if n.DefaultRole != "" {
		shown["defaultIamRoleArn"] = n.DefaultRole
	}
	if n.AdminSecretARN != "" {
		shown["adminPasswordSecretArn"] = n.AdminSecretARN
	}
	return shown
}
