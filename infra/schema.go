package infra

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/config"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/sql"
)

// packSQL returns the SQL as the archive that cmd/migrate applies.
func packSQL(wrong *problems) string {
	archive, err := sql.Pack(sql.Migrations(), sql.RepeatableFiles())
	if err != nil {
		wrong.add("the SQL can't be applied: %s", err)
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
func newSchema(
	ctx *pulumi.Context, s settings, at place,
	house *warehouse, admin admin, login pulumi.StringOutput, role *streamingRole, stream stream, archive string, first []pulumi.Resource,
) (*local.Command, error) {
	readers, err := json.Marshal(append([]string{}, s.Readers...)) // [] when there is none
	if err != nil {
		return nil, err
	}
	refresh := "NO"
	if s.autoRefresh() {
		refresh = "YES"
	}
	environment := awsEnvironment(ctx, at)
	maps.Copy(environment, pulumi.StringMap{
		"REDSHIFT_WORKGROUP":  house.workgroup.WorkgroupName,
		"REDSHIFT_DATABASE":   house.namespace.DbName,
		"REDSHIFT_SECRET_ARN": login,
		// A password that AWS refused is in the state all the same, so nothing
		// else would make the next run try whether it is taken.
		"REDSHIFT_SECRET_VERSION": pulumi.String(admin.version),
		"REDSHIFT_SECRET_CHANGED": pulumi.String(admin.changed),
		"REDSHIFT_NAMESPACE":      pulumi.String(s.NamespaceName),
		"STREAM_NAME":             stream.name,
		"STREAMING_ROLE_ARN":      role.role.Arn,
		sql.AutoRefresh:           pulumi.String(refresh),
		sql.Readers:               pulumi.String(string(readers)),
		// A replaced namespace is empty: its id, and the endpoint, run the
		// migrations again. Being ordered after it would not.
		"REDSHIFT_NAMESPACE_ID": house.namespace.NamespaceId,
		"REDSHIFT_ENDPOINT":     house.address(),
	})
	if s.SecretName != "" {
		environment["REDSHIFT_SECRET_NAME"] = pulumi.String(s.SecretName)
	}
	report, err := ctx.RegisterResourceHook("schema-report", func(args *pulumi.ResourceHookArgs) error {
		return showReport(ctx, args.NewOutputs["stderr"])
	}, nil)
	if err != nil {
		return nil, err
	}
	checked, err := beforeUpdate(ctx, "schema-changes", schemaChanges(s, at))
	if err != nil {
		return nil, err
	}
	return local.NewCommand(ctx, "schema", &local.CommandArgs{
		Create:                 pulumi.String("exec tools/start cmd/migrate up"),
		Stdin:                  pulumi.String(archive),
		Environment:            environment,
		Logging:                local.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	},
		checked,
		// Redshift needs the policy to read the stream.
		pulumi.DependsOn(append(first, house.workgroup, role.policy)),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{
			AfterCreate: []*pulumi.ResourceHook{report}, AfterUpdate: []*pulumi.ResourceHook{report},
		}),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "60m", Update: "60m"}))
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
func awsEnvironment(ctx *pulumi.Context, at place) pulumi.StringMap {
	environment := pulumi.StringMap{"AWS_REGION": pulumi.String(at.region)}
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
