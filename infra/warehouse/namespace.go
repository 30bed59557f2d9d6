package warehouse

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/internal/update"
)

// namespace makes the namespace, which holds the data.
func (b *builder) namespace(role *iam.Role) (*redshiftserverless.Namespace, error) {
	admin := b.args.Admin
	args := &redshiftserverless.NamespaceArgs{
		NamespaceName:     pulumi.String(b.args.NamespaceName),
		DbName:            pulumi.String(b.args.DatabaseName),
		IamRoles:          pulumi.StringArray{role.Arn},
		DefaultIamRoleArn: role.Arn,
		LogExports:        pulumi.ToStringArray(b.args.LogExports),
		Tags:              b.args.Tags,
	}
	if admin.Managed {
		// The secret that AWS makes for it has the shape that the Data API reads.
		args.ManageAdminPassword = pulumi.Bool(true)
		args.AdminUsername = pulumi.String("admin")
	} else {
		args.AdminUsername, args.AdminUserPassword = admin.Username, admin.Password
	}
	if b.args.KMSKeyARN != "" {
		args.KmsKeyId = pulumi.String(b.args.KMSKeyARN)
		if admin.Managed {
			args.AdminPasswordSecretKmsKeyId = pulumi.String(b.args.KMSKeyARN)
		}
	}
	checked, err := update.Before(b.ctx, b.part("namespace-changes"), b.args.checkNamespace)
	if err != nil {
		return nil, err
	}
	// A replacement has the same name, so the old one must go first. It takes
	// the data with it and AWS keeps no snapshot: protect forbids it.
	options := []pulumi.ResourceOption{b.of, checked, pulumi.Protect(b.args.Protect), pulumi.DeleteBeforeReplace(true)}
	if admin.Managed {
		// The provider never reads the flag, so an imported namespace lacks it. To
		// add it would be a change that AWS refuses.
		options = append(options, pulumi.IgnoreChanges([]string{"manageAdminPassword"}))
	}
	return redshiftserverless.NewNamespace(b.ctx, b.name, args, options...)
}

// checkNamespace refuses an update of the namespace that AWS, or this release of
// its provider, would refuse.
func (args *Args) checkNamespace(c update.Change, r *report.Report) {
	// An import has neither the flag nor a password, but the secret that AWS keeps.
	flagged, _ := c.Flag("manageAdminPassword")
	managed := flagged || update.Text(c.State["adminPasswordSecretArn"]) != ""
	own := !c.Old["adminUserPassword"].IsNull()
	if managed && !args.Admin.Managed || own && args.Admin.Managed {
		back := "Set secretName again and manageAdminPassword to false"
		if managed {
			back = "Set manageAdminPassword to true again and remove secretName"
		}
		// github.com/hashicorp/terraform-provider-aws/issues/39250
		r.Problem("who keeps the admin's password is chosen when the namespace is created: this release of the AWS provider fails to change it. "+
			"%s; to change it for namespace %s, deploy another stack and move there.", back, args.NamespaceName)
		return
	}
	if c.Of("adminPasswordSecretKmsKeyId") {
		r.Problem("kmsKeyArn can't change while AWS keeps the admin's password: it is the key of that secret and of the namespace, " +
			"and AWS changes one at a time, its provider only both. Set it back.")
		return
	}
	names := map[resource.PropertyKey]string{
		"adminUsername": "the admin of secretName", "adminUserPassword": "the admin of secretName",
		"iamRoles": "the role of roleName", "defaultIamRoleArn": "the role of roleName",
		"kmsKeyId": "kmsKeyArn",
	}
	var kinds []string
	for _, key := range c.Keys() {
		if name := cmp.Or(names[key], string(key)); !slices.Contains(kinds, name) {
			kinds = append(kinds, name)
		}
	}
	if len(kinds) > 1 {
		// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_UpdateNamespace.html
		// github.com/hashicorp/terraform-provider-aws/issues/39249
		r.Problem("%s of namespace %s change together: AWS changes one at a time, and this release of its provider asks for all at once. "+
			"Set back all but one, run pulumi up, and go on with the next.", strings.Join(kinds, " and "), args.NamespaceName)
	}
}
