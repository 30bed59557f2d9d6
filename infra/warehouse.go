package infra

import (
	"errors"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// warehouse is Redshift Serverless: the namespace holds the data, the workgroup
// computes.
type warehouse struct {
	namespace *redshiftserverless.Namespace
	workgroup *redshiftserverless.Workgroup
}

// address is the host name of the workgroup. It has one endpoint, but the state
// of a workgroup whose creation timed out has none until it is updated.
func (w *warehouse) address() pulumi.StringOutput {
	return w.workgroup.Endpoints.ApplyT(func(endpoints []redshiftserverless.WorkgroupEndpoint) string {
		if len(endpoints) == 0 || endpoints[0].Address == nil {
			return ""
		}
		return *endpoints[0].Address
	}).(pulumi.StringOutput)
}

// adminSecret is the ARN of the secret in which AWS keeps the admin's password.
// The AWS provider does not wait for a namespace, so that its first answer may
// lack it.
func (w *warehouse) adminSecret() pulumi.StringOutput {
	return w.namespace.AdminPasswordSecretArn.ApplyT(func(arn string) (string, error) {
		if arn == "" {
			return "", errors.New("AWS had not made the secret of the admin's password yet; run: pulumi up --refresh")
		}
		return arn, nil
	}).(pulumi.StringOutput)
}

func newWarehouse(ctx *pulumi.Context, s settings, net network, login admin, role *streamingRole, groups *securityGroups) (*warehouse, error) {
	ns := &redshiftserverless.NamespaceArgs{
		NamespaceName:     pulumi.String(s.NamespaceName),
		DbName:            pulumi.String(s.DatabaseName),
		IamRoles:          pulumi.StringArray{role.role.Arn},
		DefaultIamRoleArn: role.role.Arn,
		LogExports:        pulumi.ToStringArray(s.LogExports),
		Tags:              s.tags(),
	}
	if s.ManageAdminPassword {
		// The secret that AWS makes for it has the shape that the Data API reads.
		ns.ManageAdminPassword = pulumi.Bool(true)
		ns.AdminUsername = pulumi.String("admin")
	} else {
		ns.AdminUsername, ns.AdminUserPassword = login.username, login.password
	}
	if s.KMSKeyARN != "" {
		ns.KmsKeyId = pulumi.String(s.KMSKeyARN)
		if s.ManageAdminPassword {
			ns.AdminPasswordSecretKmsKeyId = pulumi.String(s.KMSKeyARN)
		}
	}
	checked, err := beforeUpdate(ctx, "namespace-changes", namespaceChanges(s))
	if err != nil {
		return nil, err
	}
	// A replacement has the same name, so the old one must go first. It takes
	// the data with it and AWS keeps no snapshot: protect forbids it.
	options := []pulumi.ResourceOption{checked, pulumi.Protect(s.Protect), pulumi.DeleteBeforeReplace(true)}
	if s.ManageAdminPassword {
		// The provider never reads the flag, so an imported namespace lacks it. To
		// add it would be a change that AWS refuses.
		options = append(options, pulumi.IgnoreChanges([]string{"manageAdminPassword"}))
	}
	namespace, err := redshiftserverless.NewNamespace(ctx, "warehouse", ns, options...)
	if err != nil {
		return nil, err
	}

	wg := &redshiftserverless.WorkgroupArgs{
		WorkgroupName:      pulumi.String(s.WorkgroupName),
		NamespaceName:      namespace.NamespaceName,
		EnhancedVpcRouting: pulumi.Bool(s.EnhancedVPCRouting),
		PubliclyAccessible: pulumi.Bool(false),
		Port:               pulumi.Int(redshiftPort),
		SubnetIds:          pulumi.ToStringArray(net.subnetIDs()),
		SecurityGroupIds:   pulumi.StringArray{groups.warehouse.ID()},
		Tags:               s.tags(),
	}
	if s.PriceTarget > 0 {
		wg.PricePerformanceTarget = &redshiftserverless.WorkgroupPricePerformanceTargetArgs{
			Enabled: pulumi.Bool(true),
			Level:   pulumi.Int(s.PriceTarget),
		}
	} else {
		wg.BaseCapacity = pulumi.Int(s.BaseCapacity)
	}
	if s.MaxCapacity > 0 {
		wg.MaxCapacity = pulumi.Int(s.MaxCapacity)
	}
	checked, err = beforeUpdate(ctx, "workgroup-changes", workgroupChanges(ctx, s, net))
	if err != nil {
		return nil, err
	}
	options = []pulumi.ResourceOption{
		checked,
		pulumi.DeleteBeforeReplace(true),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "30m", Update: "60m", Delete: "30m"}),
	}
	if s.CaseSensitiveIdentifiers {
		// AWS returns more parameters than this provider can express, so a list
		// given here never converges. It is used at creation only. TLS and
		// activity logging are on by default.
		wg.ConfigParameters = redshiftserverless.WorkgroupConfigParameterArray{
			&redshiftserverless.WorkgroupConfigParameterArgs{
				ParameterKey:   pulumi.String("enable_case_sensitive_identifier"),
				ParameterValue: pulumi.String("true"),
			},
		}
		options = append(options, pulumi.IgnoreChanges([]string{"configParameters"}))
	}
	workgroup, err := redshiftserverless.NewWorkgroup(ctx, "warehouse", wg, options...)
	return &warehouse{namespace: namespace, workgroup: workgroup}, err
}
