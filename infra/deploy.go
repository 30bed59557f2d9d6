// Package infra is the deployment: Redshift Serverless in an existing VPC with the
// admin of an existing secret, a Kinesis stream that it reads, and the SQL that makes
// the stream's records queryable.
package infra

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
)

// Names of resources that docs and messages name by their URN.
const (
	warehouseResource = "warehouse"
	streamResource    = "stream"
)

// streamingView is the view that takes the stream's records, which the migrations
// make.
const streamingView = "ev_station_data"

// Deploy is the Pulumi program: settings and what the account has, one report of
// everything that is wrong with them, the warehouse, a pipeline for the stream, and
// the SQL.
func Deploy(ctx *pulumi.Context) error {
	var problems report.Report
	s := readSettings(ctx, &problems)
	s.check(&problems)
	f := readFacts(ctx, s, &problems)
	in := plan(s, f, &problems)
	in.warehouse.CommandEnvironment = awsEnvironment(ctx, f.scope.is)
	if err := problems.Log(ctx.Log); err != nil {
		return err
	}
	if err := problems.Err(fmt.Sprintf("stack %s can't be deployed; nothing was changed. Fix the following:", s.stack)); err != nil {
		return err
	}

	wh, err := warehouse.New(ctx, warehouseResource, &in.warehouse)
	if err != nil {
		return fmt.Errorf("warehouse: %w", err)
	}
	in.pipeline.Warehouse = wh
	p, err := pipeline.New(ctx, streamResource, &in.pipeline)
	if err != nil {
		return fmt.Errorf("pipeline of stream %s: %w", s.Stream.Name, err)
	}
	schema, err := newSchema(ctx, s, in, wh, p)
	if err != nil {
		return fmt.Errorf("schema of database %s: %w", s.Warehouse.DatabaseName, err)
	}
	if s.scheduled() {
		err := p.Refresh(ctx, &pipeline.RefreshArgs{Schedule: s.Refresh, View: streamingView, AdminKey: in.adminKey, After: schema})
		if err != nil {
			return fmt.Errorf("refreshes of %s: %w", streamingView, err)
		}
		ctx.Export("refreshFailedQueueUrl", p.FailedRefreshes.Url)
	}
	if err := newDashboard(ctx, s, f.scope.is.Region, wh, p); err != nil {
		return fmt.Errorf("dashboard %s: %w", s.Warehouse.Workgroup.Name, err)
	}

	ctx.Export("region", pulumi.String(f.scope.is.Region))
	ctx.Export("vpcId", pulumi.String(in.warehouse.Network.VPCID))
	ctx.Export("streamName", p.StreamName)
	ctx.Export("streamArn", p.StreamARN)
	ctx.Export("streamingRoleArn", wh.Role.Arn)
	ctx.Export("namespaceName", wh.Namespace.NamespaceName)
	ctx.Export("workgroupName", wh.Workgroup.WorkgroupName)
	ctx.Export("workgroupEndpoint", wh.Address())
	ctx.Export("clientSecurityGroupId", wh.ClientGroupID)
	ctx.Export("databaseName", wh.Namespace.DbName)
	ctx.Export("dataApiSecretArn", wh.LoginSecret)
	ctx.Export("schemaVersion", schemaVersion(schema))
	ctx.Export("queryEditorUrl", pulumi.String(queryEditorURL(f.scope.is)))
	ctx.Export("estimatedMonthlyCost", pulumi.String(estimate(s, in)))
	if wh.AlarmTopic != nil {
		ctx.Export("alarmTopicArn", wh.AlarmTopic)
	}
	return nil
}

// inputs are what the components and the SQL are made with: settings, and what was
// found for them.
type inputs struct {
	warehouse warehouse.Args
	pipeline  pipeline.Args
	sql       string       // the archive that cmd/migrate applies
	secret    *secretValue // nil if AWS keeps the password
	adminKey  bool         // a key of the customer's encrypts the admin's secret
}

// plan reports what keeps a stack with these settings from being deployed into an
// account with these facts, and says what it is made with.
func plan(s settings, f *facts, r *report.Report) inputs {
	if err := f.scope.err; err != nil {
		r.Problem("the AWS provider can't tell its region and account: %s. Is the region set (pulumi config set aws:region REGION), "+
			"and are the credentials valid (aws sts get-caller-identity)?", err)
		return inputs{}
	}
	scope := f.scope.is
	s.checkScope(scope, r)
	tags := pulumi.StringMap{"pulumi:project": pulumi.String(s.project), "pulumi:stack": pulumi.String(s.stack)}

	in := inputs{warehouse: s.Warehouse, secret: f.value.is}
	in.warehouse.Scope, in.warehouse.Tags = scope, tags
	in.warehouse.Network = chooseNetwork(s, f, r)
	in.warehouse.Admin = readAdmin(s, f, r)
	in.adminKey = s.Warehouse.KMSKeyARN != "" || f.secret.is != nil && f.secret.is.kmsKeyID != ""
	in.warehouse.StreamARNs = []string{scope.Stream(s.Stream.Name)}

	in.pipeline = pipeline.Args{
		Scope: scope, Tags: tags, KMSKeyARN: s.Warehouse.KMSKeyARN, Protect: s.Warehouse.Protect,
		Name: s.Warehouse.Workgroup.Name, Stream: s.Stream, LagMinutes: s.lagAlarm(),
	}
	in.pipeline.Stream.Found = f.stream.is
	if s.Stream.Existing {
		s.checkExistingStream(f.stream, r)
	} else {
		s.checkOwnStream(f.stream, r)
	}
	s.checkRetention(f.stream.is, r)
	if because := s.withoutLagAlarm(); because != "" && s.Warehouse.HasAlarms() {
		r.Note("No alarm watches how long records wait: %s", because)
	}
	in.sql = packSQL(r)
	return in
}
