package fakeaws

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/evstream/emulator/fakeredshift"
)

// Namespace is a Redshift Serverless namespace: it holds the data. Its AdminPassword is that
// of the managed secret if there is one.
type Namespace = fakeredshift.Namespace

const namespaceToken = "aws:redshiftserverless/namespace:Namespace"

// namespaceType is a namespace: internal/service/redshiftserverless/namespace.go,
// resourceNamespaceCreate, …Read and …Update.
func namespaceType() *resourceType {
	return &resourceType{
		token: namespaceToken, noun: "Redshift Serverless Namespace", service: redshiftService, invalid: "ValidationException", name: "namespaceName",
		schema: tagged(schema{
			"namespaceName":               {required: true, replaces: true},
			"dbName":                      {replaces: true, computed: true},
			"adminUsername":               {computed: true, secret: true},
			"adminUserPassword":           {secret: true, unread: true},
			"manageAdminPassword":         {kind: flag, unread: true},
			"adminPasswordSecretKmsKeyId": {computed: true},
			"adminPasswordSecretArn":      {output: true},
			"defaultIamRoleArn":           {check: isARN},
			"iamRoles":                    {kind: texts, set: true, computed: true, check: isARN},
			"kmsKeyId":                    {computed: true, check: isARN},
			"logExports":                  {kind: texts, set: true, check: oneOf("userlog", "connectionlog", "useractivitylog")},
			"arn":                         {output: true},
			"namespaceId":                 {output: true},
		}),
		refine: func(in, _ values) error {
			// Even false conflicts: github.com/hashicorp/terraform-provider-aws/issues/39265
			if in.has("manageAdminPassword") && in.has("adminUserPassword") {
				return errors.New(`conflicting configuration arguments: "manage_admin_password": conflicts with admin_user_password`)
			}
			return nil
		},
		create: one("CreateNamespace", func(o *op) error {
			name := o.in.text("namespaceName")
			if o.find(namespaceToken, name) != nil {
				return o.refuse("ConflictException", "Namespace %s already exists.", name)
			}
			o.id = name
			id := o.newUUID("namespace", name)
			o.props["namespaceId"] = id
			o.props["arn"] = o.arn("redshift-serverless", "namespace/"+id)
			o.fill(values{"dbName": "dev", "adminUsername": "admin", "iamRoles": []any{}, "kmsKeyId": "AWS_OWNED_KMS_KEY"})
			if err := o.checkNamespace(); err != nil {
				return err
			}
			if o.in.flag("manageAdminPassword") {
				o.manageSecret()
			}
			return o.namespace(Redshift.CreateNamespace)
		}),
		update: one("UpdateNamespace", func(o *op) error {
			// One request carries what differs from the state, which is not always what AWS has.
			sends := func(keys ...string) bool {
				return slices.ContainsFunc(keys, func(key string) bool { return o.differs[key] })
			}
			kinds := 0
			for _, kind := range [][]string{{"adminUsername", "adminUserPassword"}, {"adminPasswordSecretKmsKeyId"}, {"iamRoles", "defaultIamRoleArn"}, {"kmsKeyId"}, {"logExports"}} {
				if sends(kind...) {
					kinds++
				}
			}
			managed, manages := o.old.flag("manageAdminPassword"), o.in.flag("manageAdminPassword")
			switch {
			case sends("defaultIamRoleArn") && !sends("iamRoles"):
				// github.com/hashicorp/terraform-provider-aws/issues/39268
				return o.invalid("When you specify the default IAM role, you must specify the entire list of IAM roles.")
			case sends("adminUsername", "adminUserPassword") && !o.in.has("adminUserPassword"), sends("manageAdminPassword") && managed && !manages:
				// The name and the password go together, an empty one too:
				// github.com/hashicorp/terraform-provider-aws/issues/39250 and 39266. The way back
				// from a managed one is not documented, and taken to be closed.
				return o.invalid("1 validation error detected: Value at 'adminUserPassword' failed to satisfy constraint: " +
					"Member must have length greater than or equal to 8")
			case kinds > 1:
				// github.com/hashicorp/terraform-provider-aws/issues/39249
				return o.invalid("Amazon Redshift Serverless can't update multiple configurations at the same time for namespace %s.", o.id)
			}
			if err := o.checkNamespace(); err != nil {
				return err
			}
			if manages && !managed {
				o.manageSecret()
			}
			return o.namespace(Redshift.UpdateNamespace)
		}),
		delete: request{api: "DeleteNamespace", do: func(o *op) error {
			if group := first(o.where(workgroupToken, values{"namespaceName": o.id})); group != nil {
				return o.refuse("ConflictException",
					"The namespace %s is associated with the workgroup %s. Delete the workgroup first.", o.id, group.id)
			}
			if managed := o.state.text("adminPasswordSecretArn"); managed != "" {
				o.removeSecret(managed)
			}
			o.redshift(func(ctx context.Context, r Redshift) error { return r.DeleteNamespace(ctx, o.id) })
			return nil
		}},
	}
}

var (
	serverlessName = regexp.MustCompile(`^[a-z0-9-]{3,64}$`)
	databaseName   = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
	adminName      = regexp.MustCompile(`^[a-z][a-z0-9]{0,127}$`)
)

// checkNamespace says what Redshift refuses.
// https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
func (o *op) checkNamespace() error {
	role := o.props.text("defaultIamRoleArn")
	switch {
	case !serverlessName.MatchString(o.id):
		return o.invalid("1 validation error detected: Value '%s' at 'namespaceName' failed to satisfy constraint: "+
			"Member must have 3 to 64 characters and satisfy regular expression pattern: ^[a-z0-9-]+$", o.id)
	case !databaseName.MatchString(o.props.text("dbName")):
		return o.invalid("Invalid database name %q: 1 to 64 lower-case letters and digits", o.props.text("dbName"))
	case !adminName.MatchString(o.props.text("adminUsername")):
		return o.invalid("Invalid admin user name: 1 to 128 lower-case letters and digits, beginning with a letter")
	case o.in.has("adminUserPassword") && !goodPassword(o.in.text("adminUserPassword")):
		return o.invalid(`The admin user password must have 8 to 64 characters, at least one upper-case letter, one lower-case letter and one digit, ` +
			`and only ASCII characters from 33 to 126 except ' " \ / and @.`)
	case role != "" && !slices.Contains(o.props.texts("iamRoles"), role):
		return o.invalid("The default IAM role %s must be in the list of IAM roles.", role)
	}
	return nil
}

func goodPassword(password string) bool {
	var upper, lower, digit bool
	for _, c := range []byte(password) {
		switch {
		case c < 33 || c > 126 || strings.IndexByte(`'"\/@`, c) >= 0:
			return false
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= '0' && c <= '9':
			digit = true
		}
	}
	return upper && lower && digit && len(password) >= 8 && len(password) <= 64
}

// manageSecret makes the secret in which AWS keeps the admin's password.
// https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html
func (o *op) manageSecret() {
	admin := o.props.text("adminUsername")
	name := "redshift!" + o.id + "-" + admin
	// A password has an upper-case letter, a lower-case one and a digit.
	value := fmt.Sprintf(`{"username":%q,"password":"Aa1%s"}`, admin, o.digits("password of "+o.props.text("namespaceId"), 29))
	o.props["adminPasswordSecretArn"] = o.putSecret(Secret{
		Name: name, Value: value, Tags: map[string]string{"aws:secretsmanager:owningService": "redshift"},
	})
}

func (o *op) namespace(put func(Redshift, context.Context, Namespace) error) error {
	n := o.namespaceOf(o.props)
	o.redshift(func(ctx context.Context, r Redshift) error { return put(r, ctx, n) })
	return nil
}

func (a *Account) namespaceOf(props values) Namespace {
	n := Namespace{
		Name: props.text("namespaceName"), ID: props.text("namespaceId"), ARN: props.text("arn"), Database: props.text("dbName"),
		AdminUser: props.text("adminUsername"), AdminPassword: props.text("adminUserPassword"),
		IAMRoles: props.texts("iamRoles"), DefaultRole: props.text("defaultIamRoleArn"), LogExports: props.texts("logExports"),
		AdminSecretARN: props.text("adminPasswordSecretArn"), KMSKey: props.text("kmsKeyId"),
	}
	if managed := a.staged(props.text("adminPasswordSecretArn"), current); managed != nil {
		n.AdminPassword = values(parsedObject(managed.props.text("secretString"))).text("password")
	}
	return n
}

// Namespace returns a namespace, with its admin's password.
func (a *Account) Namespace(name string) (Namespace, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.find(namespaceToken, name)
	if t == nil {
		return Namespace{}, fmt.Errorf("fakeaws: there is no namespace %s", name)
	}
	return a.namespaceOf(t.props), nil
}
