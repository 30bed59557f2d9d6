// Package infra is the deployment: a Kinesis stream, the role with which
// Redshift reads it, Redshift Serverless in an existing VPC with the admin of an
// existing secret, and the SQL that makes the stream's records queryable.
package infra

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Deploy is the Pulumi program. Everything that can be known to be wrong before
// a resource is made, in the stack's settings, the VPC or the secret, is
// reported together in one error.
func Deploy(ctx *pulumi.Context) error {
	var wrong problems
	s := readSettings(ctx, &wrong)
	place, ok := lookUpPlace(ctx, &wrong)
	if !ok {
		return wrong.err(ctx)
	}
	s.checkPlace(ctx, place, &wrong)
	net := lookUpNetwork(ctx, s, place, &wrong)
	admin := lookUpAdmin(ctx, s, &wrong)
	existing := lookUpStream(ctx, s, &wrong)
	own := lookUpOwnStream(ctx, s)
	s.checkRetention(ctx, existing, &wrong)
	archive := packSQL(&wrong)
	if err := wrong.err(ctx); err != nil {
		return err
	}

	stream, err := newStream(ctx, s, existing, own)
	if err != nil {
		return fmt.Errorf("stream %s: %w", s.StreamName, err)
	}
	role, err := newStreamingRole(ctx, s, place, existing)
	if err != nil {
		return fmt.Errorf("streaming role %s: %w", s.RoleName, err)
	}
	groups, err := newSecurityGroups(ctx, s, net)
	if err != nil {
		return fmt.Errorf("security groups in %s: %w", net.vpcID, err)
	}
	endpoints, err := newEndpoints(ctx, s, place, net, groups)
	if err != nil {
		return fmt.Errorf("VPC endpoints in %s: %w", net.vpcID, err)
	}
	house, err := newWarehouse(ctx, s, net, admin, role, groups)
	if err != nil {
		return fmt.Errorf("warehouse %s: %w", s.WorkgroupName, err)
	}
	login, err := newDataAPISecret(ctx, s, admin, house)
	if err != nil {
		return fmt.Errorf("secret for the Data API: %w", err)
	}
	limit, err := newUsageLimit(ctx, s, house)
	if err != nil {
		return fmt.Errorf("usage limit of %s: %w", s.WorkgroupName, err)
	}
	// Without a way out, or with a limit that is used up and about to be raised,
	// the SQL would fail.
	first := append(endpoints, groups.egress)
	if limit != nil {
		first = append(first, limit)
	}
	schema, err := newSchema(ctx, s, place, house, admin, login, role, stream, archive, first)
	if err != nil {
		return fmt.Errorf("schema of database %s: %w", s.DatabaseName, err)
	}
	if err := newFinalSnapshot(ctx, s, place, house, schema); err != nil {
		return fmt.Errorf("last snapshot of namespace %s: %w", s.NamespaceName, err)
	}
	failed, err := newRefreshSchedule(ctx, s, place, house, login, admin.ownKey || s.KMSKeyARN != "", schema)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", s.refreshName(), err)
	}
	watch, err := newAlarms(ctx, s, stream, house, limit, failed)
	if err != nil {
		return fmt.Errorf("alarms of %s: %w", s.WorkgroupName, err)
	}
	if err := newDashboard(ctx, s, place, stream, house); err != nil {
		return fmt.Errorf("dashboard %s: %w", s.WorkgroupName, err)
	}

	ctx.Export("region", pulumi.String(place.region))
	ctx.Export("vpcId", pulumi.String(net.vpcID))
	ctx.Export("streamName", stream.name)
	ctx.Export("streamArn", stream.arn)
	ctx.Export("streamingRoleArn", role.role.Arn)
	ctx.Export("namespaceName", house.namespace.NamespaceName)
	ctx.Export("workgroupName", house.workgroup.WorkgroupName)
	ctx.Export("workgroupEndpoint", house.address())
	ctx.Export("clientSecurityGroupId", groups.clients.ID())
	ctx.Export("databaseName", house.namespace.DbName)
	ctx.Export("dataApiSecretArn", login)
	ctx.Export("schemaVersion", schemaVersion(schema))
	ctx.Export("queryEditorUrl", pulumi.String(place.queryEditorURL()))
	ctx.Export("estimatedMonthlyCost", pulumi.String(estimate(s, place, net, existing, admin, watch)))
	if failed != nil {
		ctx.Export("refreshFailedQueueUrl", failed.Url)
	}
	if watch.topic != nil {
		ctx.Export("alarmTopicArn", watch.topic)
	}
	return nil
}

// tags are what every resource that takes tags carries, next to the provider's
// default tags.
func (s settings) tags() pulumi.StringMap {
	return pulumi.StringMap{
		"pulumi:project": pulumi.String(s.project),
		"pulumi:stack":   pulumi.String(s.stack),
	}
}
