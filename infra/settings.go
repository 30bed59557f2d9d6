package infra

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	aws "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/config"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
)

// settings are a stack's settings. Pulumi.yaml declares each of them with its
// description and default, and is the only place where a default stands; an
// empty text, an empty list or 0 means that an optional setting is not given.
type settings struct {
	project, stack string

	VPCName   string
	VPCID     string
	SubnetIDs []string

	SecretName string
	Readers    []string

	Refresh         string // how the streaming view is refreshed
	AlarmLagMinutes int
	Dashboard       bool

	// Inputs of the components, as far as they are settings.
	Warehouse warehouse.Args
	Stream    pipeline.StreamArgs
}

// readSettings reads the stack's settings. It reports those that can't be read and
// those that don't exist, and returns what it could read.
func readSettings(ctx *pulumi.Context, problems *report.Report) settings {
	r := &reader{cfg: config.New(ctx, ""), report: problems}
	s := settings{
		project: ctx.Project(),
		stack:   ctx.Stack(),

		VPCName:   r.text("vpcName"),
		VPCID:     r.text("vpcId"),
		SubnetIDs: r.list("subnetIds"),

		SecretName: r.text("secretName"),
		Readers:    r.list("readers"),

		Refresh:         r.text("refresh"),
		AlarmLagMinutes: r.integer("alarmLagMinutes"),
		Dashboard:       r.flag("dashboard"),

		Warehouse: warehouse.Args{
			KMSKeyARN:     r.text("kmsKeyArn"),
			Protect:       r.flag("protect"),
			NamespaceName: r.text("namespaceName"),
			DatabaseName:  r.text("databaseName"),
			LogExports:    r.list("logExports"),
			RoleName:      r.text("roleName"),
			Admin:         warehouse.Admin{Managed: r.flag("manageAdminPassword")},
			Workgroup: warehouse.WorkgroupArgs{
				Name:                     r.text("workgroupName"),
				BaseCapacity:             r.integer("baseCapacity"),
				MaxCapacity:              r.integer("maxCapacity"),
				PriceTarget:              r.integer("priceTarget"),
				EnhancedVPCRouting:       r.flag("enhancedVpcRouting"),
				CaseSensitiveIdentifiers: r.flag("caseSensitiveIdentifiers"),
			},
			CreateEndpoints: r.flag("createVpcEndpoints"),
			UsageLimit: warehouse.UsageLimitArgs{
				RPUHours: r.integer("usageLimitRpuHours"),
				Period:   r.text("usageLimitPeriod"),
				Action:   r.text("usageLimitAction"),
			},
			AlarmEmail:            r.text("alarmEmail"),
			AlarmTopicARN:         r.text("alarmTopicArn"),
			AlarmStorageGB:        r.integer("alarmStorageGb"),
			SnapshotRetentionDays: r.integer("snapshotRetentionDays"),
		},
		Stream: pipeline.StreamArgs{
			Name:           r.text("streamName"),
			Mode:           r.text("streamMode"),
			Shards:         r.integer("shardCount"),
			RetentionHours: r.integer("retentionHours"),
		},
	}
	if existing := r.text("existingStreamName"); existing != "" {
		s.Stream.Name, s.Stream.Existing = existing, true
	}
	r.refuseUnknown(s.project)
	r.refuseOtherCredentials(ctx)

	// Names carry the stack, so that environments can share an account.
	name := s.project + "-" + s.stack
	s.Warehouse.NamespaceName = cmp.Or(s.Warehouse.NamespaceName, name)
	s.Warehouse.Workgroup.Name = cmp.Or(s.Warehouse.Workgroup.Name, name)
	s.Warehouse.RoleName = cmp.Or(s.Warehouse.RoleName, name+"-streaming")
	return s
}

// reader reads settings.
type reader struct {
	cfg    *config.Config
	report *report.Report
	keys   []string
}

func (r *reader) text(key string) string {
	value, err := r.cfg.Try(key)
	r.note(key, err, "a string")
	return strings.TrimSpace(value)
}

func (r *reader) integer(key string) int {
	value, err := r.cfg.TryInt(key)
	want := "a whole number"
	// Pulumi reads 010 as 8, and 0x20 as 32.
	if text := r.cfg.Get(key); err == nil && text != strconv.Itoa(value) {
		want = fmt.Sprintf("a whole number in decimal, and Pulumi would read %d", value)
		err = strconv.ErrSyntax
	}
	r.note(key, err, want)
	return value
}

func (r *reader) flag(key string) bool {
	value, err := r.cfg.TryBool(key)
	r.note(key, err, "true or false")
	return value
}

func (r *reader) list(key string) []string {
	var value []string
	err := r.cfg.TryObject(key, &value)
	r.note(key, err, "a list of strings")
	slices.Sort(value)
	return value
}

func (r *reader) note(key string, err error, want string) {
	r.keys = append(r.keys, key)
	if err == nil {
		return
	}
	if errors.Is(err, config.ErrMissingVar) {
		r.report.Unreadable(key, "has no value and no default: is its entry gone from Pulumi.yaml? It must be %s.", want)
		return
	}
	r.report.Unreadable(key, "is %q: it must be %s.", r.cfg.Get(key), want)
}

// refuseUnknown reports settings that do not exist, because a misspelt
// maxCapacity is no limit at all and Pulumi accepts any key. That of another
// namespace is none either, if it looks like one of these. The engine hands
// the settings to the program's process in its environment; where it does not,
// as for a program run inside a test, there is nothing to compare.
func (r *reader) refuseUnknown(project string) {
	var given map[string]string
	if json.Unmarshal([]byte(os.Getenv(pulumi.EnvConfig)), &given) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		namespace, key, _ := strings.Cut(name, ":")
		known := slices.Contains(r.keys, key)
		switch {
		case namespace == project && known:
		case namespace == project:
			r.report.Problem("%s is not a setting%s Remove it with pulumi config rm %[1]s. The settings are %[3]s.",
				report.Short(key), didYouMean(key, nearest(key, r.keys)), strings.Join(r.keys, ", "))
		case namespace == "aws" || namespace == "pulumi": // the engine's and the provider's
		case known, levenshtein.Distance(project, namespace, nil) <= 2:
			ours := key
			if !known {
				ours = nearest(key, r.keys)
			}
			r.report.Problem("%s is set, and nothing reads it: this project's settings are named %s:NAME%s "+
				"Remove it with pulumi config rm %[1]s.", report.Short(name), project, didYouMean(name, ours))
		}
	}
}

// didYouMean ends a sentence, with the setting that was meant if there is one.
func didYouMean(name, meant string) string {
	if meant == "" || len(name) > 100 {
		return "."
	}
	return fmt.Sprintf("; did you mean %s?", meant)
}

// nearest is the name that differs from a misspelt one by the fewest letters, and
// by no more than a third of them.
func nearest(misspelt string, names []string) string {
	best, least := "", len(misspelt)/3+1
	for _, name := range names {
		if n := levenshtein.Distance(strings.ToLower(misspelt), strings.ToLower(name), nil); n < least {
			best, least = name, n
		}
	}
	return best
}

// refuseOtherCredentials reports provider settings that the command that applies
// the SQL would not have: credentials, because a key pair would have to be written
// to the state, and TLS without a check. awsEnvironment passes on what it can.
func (r *reader) refuseOtherCredentials(ctx *pulumi.Context) {
	for _, key := range []string{"accessKey", "secretKey", "token", "assumeRole", "assumeRoles", "assumeRoleWithWebIdentity", "sharedConfigFiles", "sharedCredentialsFiles"} {
		if _, set := ctx.GetConfig("aws:" + key); set {
			r.report.Problem("aws:%s is set: the SQL runs outside the AWS provider and would use other credentials. "+
				"Give both the same through aws:profile or the AWS environment variables, and run: pulumi config rm aws:%s", key, key)
		}
	}
	if aws.GetInsecure(ctx) {
		r.report.Problem("aws:insecure is true: the SQL runs outside the AWS provider, and its command always checks certificates. " +
			"Name your CA bundle with aws:customCaBundle, and run: pulumi config rm aws:insecure")
	}
	for _, key := range []string{"httpProxy", "httpsProxy"} {
		proxy, given := ctx.GetConfig("aws:" + key)
		if !given || proxy == "" {
			continue
		}
		u, err := url.Parse(proxy)
		if err != nil || u.User != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.report.Problem("aws:%s holds a user or password, which would be in the state in plain text, or is not a URL such as http://proxy.example.com:3128. "+
				"Put a password into the environment variable HTTPS_PROXY, and run: pulumi config rm aws:%[1]s", key)
		}
	}
	endpoints, err := providerEndpoints(ctx)
	switch {
	case err != nil:
		r.report.Problem("aws:endpoints can't be read: %s.", err)
	case endpoints["redshiftserverless"] != "" && endpoints["redshiftdata"]+endpoints["redshiftdataapiservice"] == "":
		r.report.Problem("aws:endpoints has redshiftserverless and no redshiftdata, which the SQL goes through: give both, or neither.")
	}
}

// providerEndpoints are the endpoints of the provider's settings, by its names of
// the services.
func providerEndpoints(ctx *pulumi.Context) (map[string]string, error) {
	text := aws.GetEndpoints(ctx)
	if text == "" {
		return nil, nil
	}
	var sets []map[string]string
	if err := json.Unmarshal([]byte(text), &sets); err != nil {
		return nil, errors.New("it must be a list of objects with a URL by service, as in [{\"redshiftdata\": \"https://…\"}]") // without the text
	}
	all := map[string]string{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all, nil
}
