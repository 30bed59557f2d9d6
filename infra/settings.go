package infra

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	aws "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/config"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"example.com/evstream/internal/cost"
)

// settings are a stack's settings. Pulumi.yaml declares each of them with its
// description and default, and is the only place where a default stands; an
// empty text, an empty list or 0 means that an optional setting is not given.
type settings struct {
	project, stack string

	VPCName   string
	VPCID     string
	SubnetIDs []string

	SecretName          string
	ManageAdminPassword bool

	ExistingStreamName string

	StreamName     string // the existing stream's, if there is one
	StreamMode     string
	ShardCount     int
	RetentionHours int // hours

	NamespaceName string
	WorkgroupName string
	RoleName      string
	DatabaseName  string

	Refresh string // how the streaming view is refreshed
	Readers []string

	BaseCapacity       int // Redshift processing units (RPU)
	MaxCapacity        int // Redshift processing units (RPU)
	PriceTarget        int // 1, the cheapest, to 100, the fastest
	EnhancedVPCRouting bool
	CreateVPCEndpoints bool
	KMSKeyARN          string
	LogExports         []string

	UsageLimitRPUHours int
	UsageLimitPeriod   string
	UsageLimitAction   string

	AlarmEmail      string
	AlarmTopicARN   string
	AlarmLagMinutes int
	AlarmStorageGB  int
	Dashboard       bool

	CaseSensitiveIdentifiers bool
	Protect                  bool
	SnapshotRetentionDays    int
}

// readSettings reads and checks the stack's settings. It reports every problem
// and returns what it could read.
func readSettings(ctx *pulumi.Context, wrong *problems) settings {
	r := &reader{cfg: config.New(ctx, ""), wrong: wrong}
	s := settings{
		project: ctx.Project(),
		stack:   ctx.Stack(),

		VPCName:   r.text("vpcName"),
		VPCID:     r.text("vpcId"),
		SubnetIDs: r.list("subnetIds"),

		SecretName:          r.text("secretName"),
		ManageAdminPassword: r.flag("manageAdminPassword"),

		ExistingStreamName: r.text("existingStreamName"),

		StreamName:     r.text("streamName"),
		StreamMode:     r.text("streamMode"),
		ShardCount:     r.integer("shardCount"),
		RetentionHours: r.integer("retentionHours"),

		NamespaceName: r.text("namespaceName"),
		WorkgroupName: r.text("workgroupName"),
		RoleName:      r.text("roleName"),
		DatabaseName:  r.text("databaseName"),

		Refresh: r.text("refresh"),
		Readers: r.list("readers"),

		BaseCapacity:       r.integer("baseCapacity"),
		MaxCapacity:        r.integer("maxCapacity"),
		PriceTarget:        r.integer("priceTarget"),
		EnhancedVPCRouting: r.flag("enhancedVpcRouting"),
		CreateVPCEndpoints: r.flag("createVpcEndpoints"),
		KMSKeyARN:          r.text("kmsKeyArn"),
		LogExports:         r.list("logExports"),

		UsageLimitRPUHours: r.integer("usageLimitRpuHours"),
		UsageLimitPeriod:   r.text("usageLimitPeriod"),
		UsageLimitAction:   r.text("usageLimitAction"),

		AlarmEmail:      r.text("alarmEmail"),
		AlarmTopicARN:   r.text("alarmTopicArn"),
		AlarmLagMinutes: r.integer("alarmLagMinutes"),
		AlarmStorageGB:  r.integer("alarmStorageGb"),
		Dashboard:       r.flag("dashboard"),

		CaseSensitiveIdentifiers: r.flag("caseSensitiveIdentifiers"),
		Protect:                  r.flag("protect"),
		SnapshotRetentionDays:    r.integer("snapshotRetentionDays"),
	}
	r.refuseUnknown(s.project)
	r.refuseOtherCredentials(ctx)

	// Names carry the stack, so that environments can share an account.
	if s.NamespaceName == "" {
		s.NamespaceName = s.project + "-" + s.stack
	}
	if s.WorkgroupName == "" {
		s.WorkgroupName = s.project + "-" + s.stack
	}
	if s.RoleName == "" {
		s.RoleName = s.project + "-" + s.stack + "-streaming"
	}
	s.check(r)
	if s.ExistingStreamName != "" {
		s.StreamName = s.ExistingStreamName
	}
	return s
}

// reader reads settings. A setting that could not be read is remembered, so that
// its zero value is not reported a second time.
type reader struct {
	cfg    *config.Config
	wrong  *problems
	keys   []string
	broken []string
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
	r.broken = append(r.broken, key)
	if errors.Is(err, config.ErrMissingVar) {
		r.wrong.add("%s has no value and no default: is its entry gone from Pulumi.yaml? It must be %s.", key, want)
		return
	}
	r.wrong.add("%s is %q: it must be %s.", key, short(r.cfg.Get(key)), want)
}

// add reports a problem with a setting, unless it could not be read at all.
// Values are cut to what a message has room for.
func (r *reader) add(key, format string, args ...any) {
	if slices.Contains(r.broken, key) {
		return
	}
	r.wrong.add(key+" "+format, cutEach(args, shown)...)
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
			r.wrong.add("%s is not a setting%s Remove it with pulumi config rm %[1]s. The settings are %[3]s.",
				short(key), didYouMean(key, nearest(key, r.keys)), strings.Join(r.keys, ", "))
		case namespace == "aws" || namespace == "pulumi": // the engine's and the provider's
		case known, levenshtein.Distance(project, namespace, nil) <= 2:
			ours := key
			if !known {
				ours = nearest(key, r.keys)
			}
			r.wrong.add("%s is set, and nothing reads it: this project's settings are named %s:NAME%s "+
				"Remove it with pulumi config rm %[1]s.", short(name), project, didYouMean(name, ours))
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
			r.wrong.add("aws:%s is set: the SQL runs outside the AWS provider and would use other credentials. "+
				"Give both the same through aws:profile or the AWS environment variables, and run: pulumi config rm aws:%s", key, key)
		}
	}
	if aws.GetInsecure(ctx) {
		r.wrong.add("aws:insecure is true: the SQL runs outside the AWS provider, and its command checks certificates always. " +
			"Name your CA bundle with aws:customCaBundle, and run: pulumi config rm aws:insecure")
	}
	for _, key := range []string{"httpProxy", "httpsProxy"} {
		proxy, given := ctx.GetConfig("aws:" + key)
		if !given || proxy == "" {
			continue
		}
		u, err := url.Parse(proxy)
		if err != nil || u.User != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.wrong.add("aws:%s holds a user or password, which would be in the state in plain text, or is not a URL such as http://proxy.example.com:3128. "+
				"Give a password by the environment variable HTTPS_PROXY, and run: pulumi config rm aws:%[1]s", key)
		}
	}
	endpoints, err := providerEndpoints(ctx)
	switch {
	case err != nil:
		r.wrong.add("aws:endpoints can't be read: %s.", err)
	case endpoints["redshiftserverless"] != "" && endpoints["redshiftdata"]+endpoints["redshiftdataapiservice"] == "":
		r.wrong.add("aws:endpoints has redshiftserverless and no redshiftdata, which the SQL goes through: give both, or neither.")
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

// Patterns and lengths are those of the service models (CreateStream,
// CreateNamespace, CreateWorkgroup, CreateRole) and, for the database, of the
// Redshift quotas page. A stream's name is an identifier in SQL, which ends at
// 127 bytes. A comma, which IAM allows in a role's name, separates roles in
// Redshift's IAM_ROLE.
var (
	vpcID      = regexp.MustCompile(`^vpc-[0-9a-f]{8,17}$`)
	subnetID   = regexp.MustCompile(`^subnet-[0-9a-f]{8,17}$`)
	secretName = regexp.MustCompile(`^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@!-]{1,512}$`)
	streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,127}$`)
	redshift   = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)
	roleName   = regexp.MustCompile(`^[A-Za-z0-9_+=.@-]{1,64}$`)
	database   = regexp.MustCompile(`^[a-z][a-z0-9]{0,63}$`)
	kmsKeyARN  = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	upperCase  = regexp.MustCompile(`[A-Z]`)
	topicARN   = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
	email      = regexp.MustCompile(`^[^@\s:;,<>()"\\]+@[^@\s:;,<>()"\\]+\.[^@\s:;,<>()"\\]+$`)
	readerName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_+=.@:/-]{0,126}$`)
)

const (
	maxShards   = 10000
	maxCapacity = 5632 // RPU
)

func (s settings) check(r *reader) {
	switch {
	case s.VPCName == "" && s.VPCID == "":
		r.add("vpcName", "is not set: the deployment goes into an existing VPC. "+
			"Give the VPC's Name tag with pulumi config set vpcName NAME (default means the default VPC), or its id with vpcId.")
	case s.VPCName != "" && s.VPCID != "":
		r.add("vpcName", "is %q and vpcId is %q: give one of them.", s.VPCName, s.VPCID)
	case strings.ContainsAny(s.VPCName, "*?"):
		r.add("vpcName", "is %q: AWS reads * and ? as wildcards. Give the whole Name tag, or the VPC's id with vpcId.", s.VPCName)
	case s.VPCID != "" && !vpcID.MatchString(s.VPCID):
		r.add("vpcId", "is %q: a VPC's id is vpc- and 8 to 17 hexadecimal digits.", s.VPCID)
	}
	for i, id := range s.SubnetIDs {
		if !subnetID.MatchString(id) {
			r.add("subnetIds", "holds %q: a subnet's id is subnet- and 8 to 17 hexadecimal digits.", id)
		}
		if i > 0 && id == s.SubnetIDs[i-1] {
			r.add("subnetIds", "holds %q twice.", id)
		}
	}
	switch {
	case s.ManageAdminPassword && s.SecretName != "":
		r.add("secretName", "is %q and manageAdminPassword is true: either you keep the admin's password or AWS does. Remove one of them.", s.SecretName)
	case s.ManageAdminPassword:
	case s.SecretName == "":
		r.add("secretName", "is not set: the Redshift admin comes from an existing Secrets Manager secret. "+
			"Give its name with pulumi config set secretName NAME, or let AWS keep the password with pulumi config set manageAdminPassword true.")
	case !secretName.MatchString(s.SecretName):
		r.add("secretName", "is %q: a secret's name is 1 to 512 letters, digits and /_+=.@!-; its ARN will do as well.", s.SecretName)
	}

	if s.ExistingStreamName != "" {
		s.checkStreamName(r, "existingStreamName", s.ExistingStreamName)
	} else {
		s.checkStream(r)
	}

	for _, name := range []struct{ key, value string }{{"namespaceName", s.NamespaceName}, {"workgroupName", s.WorkgroupName}} {
		if !redshift.MatchString(name.value) {
			r.add(name.key, "is %q: it must have 3 to 63 lower-case letters, digits and hyphens. "+
				"Left out it is made of project and stack; set it with pulumi config set %s NAME.", name.value, name.key)
		}
		if isReserved(name.value) {
			r.add(name.key, "is %q, a reserved word of Redshift.", name.value)
		}
	}
	if !roleName.MatchString(s.RoleName) {
		r.add("roleName", "is %q: a role's name has 1 to 64 letters, digits and _+=.@-. "+
			"Left out it is made of project and stack; set it with pulumi config set roleName NAME.", s.RoleName)
	}
	switch {
	case !database.MatchString(s.DatabaseName):
		r.add("databaseName", "is %q: it must have 1 to 64 lower-case letters and digits, and start with a letter.", s.DatabaseName)
	case slices.Contains([]string{"template0", "template1", "awsdatacatalog"}, s.DatabaseName):
		r.add("databaseName", "is %q, a database of Redshift's own.", s.DatabaseName)
	case isReserved(s.DatabaseName):
		r.add("databaseName", "is %q, a reserved word of Redshift.", s.DatabaseName)
	}

	levels := []int{1, 25, 50, 75, 100}
	switch {
	case s.PriceTarget == 0 && !cost.IsBaseCapacity(s.BaseCapacity):
		r.add("baseCapacity", "is %d RPU: Redshift Serverless takes 4, then 8 to 512 in steps of 8, then up to 1024 in steps of 32.", s.BaseCapacity)
	case s.PriceTarget == 0:
	case !slices.Contains(levels, s.PriceTarget):
		r.add("priceTarget", "is %d: Redshift takes 1 (cheapest), 25, 50, 75 or 100 (fastest), or 0 for none.", s.PriceTarget)
	case s.BaseCapacity != 0:
		r.add("priceTarget", "is %d and baseCapacity is %d: with a price target Redshift chooses the capacity. "+
			"Give it the choice with pulumi config set baseCapacity 0, or remove priceTarget.", s.PriceTarget, s.BaseCapacity)
	}
	// No source says in which steps Redshift takes a limit; those of the capacity do.
	if m := s.MaxCapacity; m != 0 && (m < s.BaseCapacity || m < 8 || m > maxCapacity || m%8 != 0) {
		r.add("maxCapacity", "is %d RPU: it must be a multiple of 8 from baseCapacity (%d) to %d, or 0 for no limit.", m, s.BaseCapacity, maxCapacity)
	}
	if s.KMSKeyARN != "" && !kmsKeyARN.MatchString(s.KMSKeyARN) {
		r.add("kmsKeyArn", "is %q: it must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID (an alias will not do).", s.KMSKeyARN)
	}
	logs := []string{"connectionlog", "useractivitylog", "userlog"}
	for i, name := range s.LogExports {
		if !slices.Contains(logs, name) {
			r.add("logExports", "holds %q: Redshift exports %s.", name, strings.Join(logs, ", "))
		}
		if i > 0 && name == s.LogExports[i-1] {
			r.add("logExports", "holds %q twice.", name)
		}
	}
	s.checkRefresh(r)
	s.checkUsageLimit(r)
	s.checkAlarms(r)
	for i, name := range s.Readers {
		kind, bare, prefixed := strings.Cut(name, ":")
		if !prefixed || kind != "group" && kind != "role" {
			bare = name // such as IAM:ana, a user
		}
		prefix, _, _ := strings.Cut(strings.ToLower(bare), ":")
		switch {
		case prefix != strings.ToLower(bare) && slices.Contains([]string{"user", "group", "role"}, prefix):
			r.add("readers", "holds %q: a reader is NAME for a database user, group:NAME or role:NAME.", name)
		case !readerName.MatchString(bare):
			r.add("readers", "holds %q: a reader is a database user, group:NAME or role:NAME, of up to 127 letters, digits and _+=.@:/-.", name)
		case strings.EqualFold(bare, "public"):
			r.add("readers", "holds %q, which is every user of the database. Name users, groups or roles.", name)
		case i > 0 && name == s.Readers[i-1]:
			r.add("readers", "holds %q twice.", name)
		}
	}
	if s.CreateVPCEndpoints && !s.EnhancedVPCRouting {
		r.add("createVpcEndpoints", "is true and enhancedVpcRouting is false: without it Redshift's traffic does not pass through the VPC, so endpoints in it are not used. "+
			"Remove createVpcEndpoints, or set enhancedVpcRouting to true.")
	}
	if s.SnapshotRetentionDays < 0 || s.SnapshotRetentionDays > 3653 {
		r.add("snapshotRetentionDays", "is %d: Redshift keeps a snapshot for 1 to 3653 days, or 0 for no snapshot.", s.SnapshotRetentionDays)
	}
}

func (s settings) checkStreamName(r *reader, key, name string) {
	switch {
	case !streamName.MatchString(name):
		r.add(key, "is %q: a stream's name is 1 to 127 letters, digits, _, . and -.", name)
	case upperCase.MatchString(name) && !s.CaseSensitiveIdentifiers:
		r.add(key, "is %q: Redshift reads a name with upper case only with caseSensitiveIdentifiers. "+
			"Use lower case, or run: pulumi config set caseSensitiveIdentifiers true (it takes effect when the workgroup is created).", name)
	}
}

// checkStream checks the settings of a stream that the program makes.
func (s settings) checkStream(r *reader) {
	s.checkStreamName(r, "streamName", s.StreamName)
	switch {
	case s.StreamMode != cost.OnDemand && s.StreamMode != cost.Provisioned:
		r.add("streamMode", "is %q: a stream is %s or %s.", s.StreamMode, cost.OnDemand, cost.Provisioned)
	case s.StreamMode == cost.OnDemand && s.ShardCount != 0:
		r.add("shardCount", "is %d, but an %s stream scales by itself. Remove shardCount, or set streamMode to %s.", s.ShardCount, cost.OnDemand, cost.Provisioned)
	case s.StreamMode == cost.Provisioned && (s.ShardCount < 1 || s.ShardCount > maxShards):
		r.add("shardCount", "is %d: a %s stream has 1 to %d shards; each takes 1,000 records or 1 MB per second.", s.ShardCount, cost.Provisioned, maxShards)
	}
	if s.RetentionHours < 24 || s.RetentionHours > 8760 {
		r.add("retentionHours", "is %d: Kinesis keeps records for 24 to 8760 hours.", s.RetentionHours)
	}
}

func (s settings) checkUsageLimit(r *reader) {
	// The largest workgroup, all month.
	if most := maxCapacity * 31 * 24; s.UsageLimitRPUHours < 0 || s.UsageLimitRPUHours > most {
		r.add("usageLimitRpuHours", "is %d: it must be a number of RPU-hours up to %d, or 0 for no limit.", s.UsageLimitRPUHours, most)
	}
	if periods := []string{"daily", "weekly", "monthly"}; !slices.Contains(periods, s.UsageLimitPeriod) {
		r.add("usageLimitPeriod", "is %q: it must be one of %s.", s.UsageLimitPeriod, strings.Join(periods, ", "))
	}
	if actions := []string{"log", "emit-metric", "deactivate"}; !slices.Contains(actions, s.UsageLimitAction) {
		r.add("usageLimitAction", "is %q: it must be one of %s.", s.UsageLimitAction, strings.Join(actions, ", "))
	}
}

func (s settings) checkAlarms(r *reader) {
	switch {
	case s.AlarmEmail != "" && s.AlarmTopicARN != "":
		r.add("alarmEmail", "is %q and alarmTopicArn is %q: give one of them.", s.AlarmEmail, s.AlarmTopicARN)
	case s.AlarmEmail != "" && !email.MatchString(s.AlarmEmail):
		r.add("alarmEmail", "is %q: it must be one e-mail address.", s.AlarmEmail)
	case s.AlarmTopicARN != "" && !topicARN.MatchString(s.AlarmTopicARN):
		r.add("alarmTopicArn", "is %q: it must be the ARN of a standard SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME.", s.AlarmTopicARN)
	}
	const petabyte = 1000 * 1000 // GB
	if s.AlarmStorageGB < 1 || s.AlarmStorageGB > petabyte {
		r.add("alarmStorageGb", "is %d: it must be 1 to %d GB.", s.AlarmStorageGB, petabyte)
	}
	// CloudWatch looks at one period of at most a day, or at up to seven whole days.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
	const day = 24 * 60
	if m := s.AlarmLagMinutes; m < 1 || m > 7*day || m > day && m%day != 0 {
		r.add("alarmLagMinutes", "is %d: it must be 1 to %d minutes, or whole days of %[2]d minutes up to %d.", m, day, 7*day)
		return
	}
	if wait, known := s.longestWait(); known && s.hasAlarms() && s.watchesLag() == "" && s.AlarmLagMinutes <= wait {
		r.add("alarmLagMinutes", "is %d, but refresh is %q: records wait up to %d minutes for their refresh, so the alarm would never be silent. "+
			"Set alarmLagMinutes above that.", s.AlarmLagMinutes, s.Refresh, wait)
	}
}

// checkPlace reports what the deployment's region does not have: a key, a topic, or
// the capacity.
func (s settings) checkPlace(ctx *pulumi.Context, at place, wrong *problems) {
	for _, given := range []struct {
		setting, arn string
		is           bool
	}{
		{"kmsKeyArn", s.KMSKeyARN, kmsKeyARN.MatchString(s.KMSKeyARN)},
		{"alarmTopicArn", s.AlarmTopicARN, topicARN.MatchString(s.AlarmTopicARN)},
	} {
		if !given.is {
			continue
		}
		switch parts := strings.Split(given.arn, ":"); { // arn:PARTITION:SERVICE:REGION:…
		case parts[1] != at.partition:
			wrong.add("%s is %q, of the partition %s, and the deployment is in %s (%s): both must be in one partition.", given.setting, given.arn, parts[1], at.partition, at.region)
		case parts[3] != at.region:
			wrong.add("%s is %q, of the region %s, and the deployment is in %s: both must be in one region.", given.setting, given.arn, parts[3], at.region)
		}
	}
	// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html
	large := []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1"}
	switch {
	case s.BaseCapacity > 512 && cost.IsBaseCapacity(s.BaseCapacity) && !slices.Contains(large, at.region):
		wrong.add("baseCapacity is %d RPU: AWS offers more than 512 only in %s, and the deployment is in %s.", s.BaseCapacity, strings.Join(large, ", "), at.region)
	case s.BaseCapacity == 4 && at.region != "us-east-1":
		_ = ctx.Log.Warn(fmt.Sprintf("baseCapacity is 4 RPU, which AWS offers in some regions only. If %s is none of them, the workgroup can't be made: use 8 then.", at.region), nil)
	}
}

// capacity is the base capacity in RPU that the workgroup is created with: with a
// price target that is the service's default.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html
func (s settings) capacity() int {
	if s.PriceTarget != 0 {
		return 128
	}
	return s.BaseCapacity
}

// hasAlarms says whether the stack has someone to alarm.
func (s settings) hasAlarms() bool { return s.AlarmEmail != "" || s.AlarmTopicARN != "" }

// isReserved says whether Redshift keeps a word for itself, so that neither a
// database nor a user may have it as its name.
// https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html
func isReserved(word string) bool {
	return slices.Contains(strings.Fields(reservedWords), strings.ToLower(word))
}

const reservedWords = `
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials cross current_date
current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta delta32k desc
disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for foreign freeze
from full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially inner intersect
interval into is isnull join leading left like limit localtime localtimestamp lun luns lzo lzop minus mostly16
mostly32 mostly8 natural new not notnull null nulls off offline offset oid old on only open or order outer overlaps
parallel partition percent permissions pivot placing primary raw readratio recover references rejectlog resort
respect restore right select session_user similar snapshot some sysdate system table tag tdes text255 text32k then
timestamp to top trailing true truncatecolumns union unique unnest unpivot user using verbose wallet when where with
without`

// place is where a deployment goes.
type place struct {
	partition, region, account string
}

func (p place) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", p.partition, service, p.region, p.account, resource)
}

// queryEditorURL opens Redshift's query editor v2.
func (p place) queryEditorURL() string {
	console := "console.aws.amazon.com"
	switch p.partition {
	case "aws-cn":
		console = "console.amazonaws.cn"
	case "aws-us-gov":
		console = "console.amazonaws-us-gov.com"
	}
	return fmt.Sprintf("https://%s.%s/sqlworkbench/home?region=%s", p.region, console, p.region)
}
