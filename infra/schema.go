package infra

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/config"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/internal/update"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
	"example.com/evstream/internal/refresh"
	"example.com/evstream/sql"
)

// packSQL returns the SQL as the archive that cmd/migrate applies.
func packSQL(r *report.Report) string {
	archive, err := sql.Pack(sql.Migrations(), sql.RepeatableFiles())
	if err != nil {
		r.Problem("the SQL can't be applied: %s", err)
	}
	return archive
}

// newSchema runs the SQL migrations once the workgroup is ready, and again when
// they change or a setting that takes effect in the warehouse does.
//
// The command resource is deliberately simple. Every input counts as a change that
// runs it again, so nothing here differs between machines or runs. Its stdin is
// the SQL itself: a preview shows what changed in it, and what was previewed is
// what runs. It has no triggers, because those replace it; no update, so that
// create runs again; and no delete, because the objects live and die with the
// namespace. tools/start builds the runner and becomes it, so that it is the
// process that a cancelled deployment stops.
func newSchema(ctx *pulumi.Context, s settings, in inputs, wh *warehouse.Warehouse, p *pipeline.Pipeline) (*local.Command, error) {
	environment, err := schemaEnvironment(s, in, wh, p)
	if err != nil {
		return nil, err
	}
	shown, err := ctx.RegisterResourceHook("schema-report", func(args *pulumi.ResourceHookArgs) error {
		return showReport(ctx, args.NewOutputs["stderr"])
	}, nil)
	if err != nil {
		return nil, err
	}
	checked, err := update.Before(ctx, "schema-changes", schemaRule(s, in.warehouse.Scope))
	if err != nil {
		return nil, err
	}
	return local.NewCommand(ctx, "schema", &local.CommandArgs{
		Create:                 pulumi.String("exec tools/start cmd/migrate up"),
		Stdin:                  pulumi.String(in.sql),
		Environment:            environment,
		Logging:                local.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	},
		checked,
		pulumi.DependsOn(slices.Concat(wh.Ready, p.Ready)),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{
			AfterCreate: []*pulumi.ResourceHook{shown}, AfterUpdate: []*pulumi.ResourceHook{shown},
		}),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "60m", Update: "60m"}))
}

// schemaEnvironment is what the command knows besides the SQL. Each value of it runs
// the command again when it changes.
func schemaEnvironment(s settings, in inputs, wh *warehouse.Warehouse, p *pipeline.Pipeline) (pulumi.StringMap, error) {
	readers, err := json.Marshal(append([]string{}, s.Readers...)) // [] when there is none
	if err != nil {
		return nil, err
	}
	autoRefresh := "NO"
	if s.Refresh == refresh.Auto {
		autoRefresh = "YES"
	}
	var secret secretValue
	if in.secret != nil {
		secret = *in.secret
	}
	environment := maps.Clone(in.warehouse.CommandEnvironment)
	maps.Copy(environment, pulumi.StringMap{
		"REDSHIFT_WORKGROUP":  wh.Workgroup.WorkgroupName,
		"REDSHIFT_DATABASE":   wh.Namespace.DbName,
		"REDSHIFT_SECRET_ARN": wh.LoginSecret,
		// A password that AWS refused is in the state all the same, so nothing
		// else would make the next run try whether it is taken.
		"REDSHIFT_SECRET_VERSION": pulumi.String(secret.version),
		"REDSHIFT_SECRET_CHANGED": pulumi.String(secret.changed),
		"REDSHIFT_NAMESPACE":      pulumi.String(s.Warehouse.NamespaceName),
		sql.StreamName:            p.StreamName,
		sql.StreamingRoleARN:      wh.Role.Arn,
		sql.AutoRefresh:           pulumi.String(autoRefresh),
		sql.Readers:               pulumi.String(string(readers)),
		// A replaced namespace is empty: its id, and the endpoint, run the
		// migrations again. Being ordered after it would not.
		"REDSHIFT_NAMESPACE_ID": wh.Namespace.NamespaceId,
		"REDSHIFT_ENDPOINT":     wh.Address(),
	})
	if s.SecretName != "" {
		environment["REDSHIFT_SECRET_NAME"] = pulumi.String(s.SecretName)
	}
	return environment, nil
}

// showReport shows how the output of cmd/migrate ends: a warning, if there is one,
// and in the last line what was done. Of the output itself a terminal shows each
// line only until the next one comes.
func showReport(ctx *pulumi.Context, stderr resource.PropertyValue) error {
	if !stderr.IsString() {
		return nil
	}
	text := "\n" + stderr.StringValue()
	last := strings.LastIndex(text, "\n")
	if _, warning, found := strings.Cut(text[:last], "\nwarning: "); found {
		if err := ctx.Log.Warn(warning, nil); err != nil {
			return err
		}
	}
	return ctx.Log.Info(text[last+1:], nil)
}

// awsEnvironment has a command talk to AWS as the AWS provider does. It holds no
// secret: keys come from the environment of whoever runs pulumi, or the profile.
// The names are those of AWS's SDKs.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
func awsEnvironment(ctx *pulumi.Context, at arn.Scope) pulumi.StringMap {
	environment := pulumi.StringMap{"AWS_REGION": pulumi.String(at.Region)}
	pass := func(name, value string) {
		if value != "" {
			environment[name] = pulumi.String(value)
		}
	}
	if profile := config.GetProfile(ctx); profile != "" {
		// The AWS provider takes its profile before keys in the environment,
		// the command's SDK after them: without these it would use other
		// credentials.
		pass("AWS_PROFILE", profile)
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
			environment[name] = pulumi.String("")
		}
	}
	if config.GetUseFipsEndpoint(ctx) {
		pass("AWS_USE_FIPS_ENDPOINT", "true")
	}
	if config.GetUseDualstackEndpoint(ctx) {
		pass("AWS_USE_DUALSTACK_ENDPOINT", "true")
	}
	pass("AWS_CA_BUNDLE", config.GetCustomCaBundle(ctx))
	// The provider takes its proxy for HTTP for HTTPS too, unless there is another.
	pass("HTTPS_PROXY", cmp.Or(config.GetHttpsProxy(ctx), config.GetHttpProxy(ctx)))
	pass("NO_PROXY", config.GetNoProxy(ctx))
	pass("AWS_EC2_METADATA_SERVICE_ENDPOINT", config.GetEc2MetadataServiceEndpoint(ctx))
	pass("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", config.GetEc2MetadataServiceEndpointMode(ctx))
	endpoints, _ := providerEndpoints(ctx) // an error was reported
	pass("AWS_ENDPOINT_URL_REDSHIFT_DATA", cmp.Or(endpoints["redshiftdata"], endpoints["redshiftdataapiservice"]))
	pass("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", endpoints["redshiftserverless"])
	pass("AWS_ENDPOINT_URL_STS", endpoints["sts"])
	pass("AWS_ENDPOINT_URL_SSO", endpoints["sso"])
	return environment
}

// schemaVersion is the version of the newest migration applied, read from what
// the runner printed.
func schemaVersion(schema *local.Command) pulumi.IntOutput {
	return schema.Stdout.ApplyT(func(manifest string) (int, error) {
		var applied struct {
			Version int `json:"version"`
		}
		if err := json.Unmarshal([]byte(manifest), &applied); err != nil {
			return 0, fmt.Errorf("reading what cmd/migrate printed: %w", err)
		}
		return applied.Version, nil
	}).(pulumi.IntOutput)
}

// schemaRule refuses what cmd/migrate would refuse of the SQL and of the names
// in it, and a change of a name that deletes what holds the data. The inputs of a
// command stay the old ones when it fails, so the old ones are those of the last
// run that succeeded: each migration in them was applied.
func schemaRule(s settings, at arn.Scope) func(update.Change, *report.Report) {
	return func(c update.Change, r *report.Report) {
		old, now := c.Object("environment")
		// A new namespace is empty, and has an id that is not known before it is
		// made. Once it is made there is nothing to keep.
		id := update.Text(now["REDSHIFT_NAMESPACE_ID"])
		if id != "" && id != update.Text(old["REDSHIFT_NAMESPACE_ID"]) {
			return
		}
		was := func(name string) string { return update.Text(old[resource.PropertyKey(name)]) }
		// changed reports a setting that has another value than the last run's, and
		// says so. What the last run did not have can't be compared.
		changed := func(setting, was, is, consequence string) bool {
			if was == "" || was == is {
				return false
			}
			r.Problem("%s is %s, and was %s when the SQL was applied: %s", setting, report.Short(is), report.Short(was), consequence)
			return true
		}
		const another = "Set it back: pulumi config set %s %s. To have both, deploy another stack (pulumi stack init) and move there; " +
			"to start empty on purpose, pulumi destroy and then pulumi up."
		replaced := changed("aws:region", was("AWS_REGION"), at.Region, fmt.Sprintf("every resource would be replaced by one in the other region, and the data lost. "+
			another, "aws:region", was("AWS_REGION")))
		for _, name := range []struct{ setting, variable, is string }{
			{"databaseName", "REDSHIFT_DATABASE", s.Warehouse.DatabaseName},
			{"namespaceName", "REDSHIFT_NAMESPACE", s.Warehouse.NamespaceName},
		} {
			replaced = changed(name.setting, was(name.variable), name.is, fmt.Sprintf("the namespace would be replaced, and all its data lost. "+
				another, name.setting, was(name.variable))) || replaced
		}
		if replaced || id == "" {
			return
		}

		sqls := sql.Compare(update.Text(c.Old["stdin"]), update.Text(c.New["stdin"]))
		for _, problem := range sqls.Problems {
			r.Problem("%s", problem)
		}
		const rebuild = "To change it on purpose, add migrations that drop what was created with it and recreate it, " +
			"with ${%s} in them, for the same pulumi up: docs/operations.md, \"Rebuild the streaming view\"."
		if stream := was("STREAM_NAME"); !sqls.AddedUse(sql.StreamName) {
			setting, back := "streamName", "pulumi config set streamName "+stream
			if s.Stream.Existing {
				setting, back = "existingStreamName", "pulumi config rm existingStreamName"
			}
			changed(setting, stream, s.Stream.Name, fmt.Sprintf("the streaming view can't change its stream. "+
				"Set it back: %s if this stack created it, otherwise pulumi config set existingStreamName %s. "+rebuild+
				" A stream that this stack created is then deleted, with the unread records in it.", back, stream, sql.StreamName))
		}
		if _, role, _ := strings.Cut(was("STREAMING_ROLE_ARN"), ":role/"); !sqls.AddedUse(sql.StreamingRoleARN) {
			changed("roleName", role, s.Warehouse.RoleName, fmt.Sprintf("the external schema can't change its role. "+
				"Set it back: pulumi config set roleName %s. "+rebuild, role, sql.StreamingRoleARN))
		}
	}
}
