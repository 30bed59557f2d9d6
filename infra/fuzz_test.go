package infra

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/warehouse"
)

// FuzzSettings: whatever a stack's settings hold, either each message names the setting
// that it is about, or what was read keeps to the patterns of the services and is safe in
// the SQL, JSON and command lines that it goes into.
func FuzzSettings(f *testing.F) {
	defaults := defaults(f)
	for _, key := range slices.Sorted(maps.Keys(defaults)) {
		f.Add(strings.TrimPrefix(key, "ev-streaming:"), defaults[key], "streamName", "ev_stream_data")
	}
	for _, key := range []string{"streamName", "existingStreamName", "secretName", "namespaceName", "workgroupName", "roleName", "databaseName", "kmsKeyArn"} {
		for _, hostile := range []string{"a'; drop table x; --", `a"},"x":{"`, "$(id)", "${STREAM_NAME}", "a\nb"} {
			f.Add(key, hostile, "streamMode", "ON_DEMAND")
		}
	}
	for _, seed := range [][4]string{
		{"streamName", "a'; DROP TABLE x; --", "caseSensitiveIdentifiers", "yes"},
		{"vpcId", "vpc-0a1b2c3d4e5f60718", "subnetIds", `["subnet-0a1b2c3d","subnet-0a1b2c3d"]`},
		{"secretName", "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift/admin-AbCdEf", "roleName", "a,b"},
		{"streamMode", "PROVISIONED", "shardCount", "9223372036854775808"},
		{"priceTarget", "50", "baseCapacity", "0"},
		{"refresh", "cron(0/5 8-17 ? * MON-FRI *)", "workgroupName", strings.Repeat("w", 64)},
		{"refresh", "rate(1 minutes)", "usageLimitRpuHours", "-1"},
		{"readers", `["group:\"a\"", "role:x", "a b"]`, "logExports", `["userlog","x"]`},
		{"alarmEmail", "a@b.c", "alarmTopicArn", "arn:aws:sns:us-east-1:123456789012:t"},
		{"existingStreamName", "${STREAM_NAME}", "manageAdminPassword", "true"},
		{"unheardOf", "%s%d", "kmsKeyArn", "\x00\u2028"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		if !utf8.ValidString(key1) || !utf8.ValidString(key2) {
			return // the engine hands the settings over as JSON
		}
		given := map[string]string{"vpcName": "v", "secretName": "redshift/admin"}
		given[key1], given[key2] = value1, value2
		config := maps.Clone(defaults)
		for key, value := range given {
			config["ev-streaming:"+key] = value
		}
		t.Setenv(pulumi.EnvConfig, string(must(json.Marshal(config))))
		ctx := must(pulumi.NewContext(context.Background(), pulumi.RunInfo{Project: "ev-streaming", Stack: "dev", Config: config}))
		var r report.Report
		s := readSettings(ctx, &r)
		s.check(&r)
		for _, message := range r.Problems() {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(config)), func(key string) bool {
				return strings.HasPrefix(message, strings.TrimPrefix(key, "ev-streaming:")+" ")
			}) {
				t.Errorf("a message that names no setting: %s", message)
			}
			if strings.Contains(message, "%!") {
				t.Errorf("a message with a mistake in its format: %s", message)
			}
		}
		if len(r.Problems()) > 0 {
			return
		}
		for name, text := range map[string]string{
			"streamName": s.Stream.Name, "namespaceName": s.Warehouse.NamespaceName, "workgroupName": s.Warehouse.Workgroup.Name, "roleName": s.Warehouse.RoleName,
			"databaseName": s.Warehouse.DatabaseName, "secretName": s.SecretName, "kmsKeyArn": s.Warehouse.KMSKeyARN, "vpcId": s.VPCID, "subnetIds": strings.Join(s.SubnetIDs, ""),
		} {
			if strings.ContainsFunc(text, func(c rune) bool {
				return c > unicode.MaxASCII || unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune("'\"`\\$;(){}<>|&*?~#%", c)
			}) {
				t.Errorf("%s is %q", name, text)
			}
		}
		for name, number := range map[string]int{
			"shardCount": s.Stream.Shards, "retentionHours": s.Stream.RetentionHours, "baseCapacity": s.Warehouse.Workgroup.BaseCapacity, "maxCapacity": s.Warehouse.Workgroup.MaxCapacity,
			"usageLimitRpuHours": s.Warehouse.UsageLimit.RPUHours, "snapshotRetentionDays": s.Warehouse.SnapshotRetentionDays, "alarmLagMinutes": s.AlarmLagMinutes,
		} {
			if number < 0 || number > 1_000_000_000 {
				t.Errorf("%s is %d", name, number)
			}
		}
		if s.Refresh != "auto" && s.Refresh != "manual" && !schedule.MatchString(s.Refresh) {
			t.Errorf("refresh is %q", s.Refresh)
		}
	})
}

// schedule is what a schedule expression is made of.
var schedule = regexp.MustCompile(`^(rate|cron)\([0-9A-Za-z ,*/?#-]+\)$`)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// FuzzAdminSecret: whatever the secret holds, no message shows any of it, and what was
// taken for name and password keeps to Redshift's rules.
func FuzzAdminSecret(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[]`, `"Plain-Text-Password-1"`, `Plain-Text-Password-1`, `{"username":`,
		`{"username":"evadmin","password":"Plain-Text-Password-1"}`,
		`{"admin_username":"evadmin","admin_user_password":"Plain-Text-Password-1"}`,
		`{"username":"evadmin","password":7,"admin_username":"EvAdmin","admin_user_password":"short"}`,
		`{"username":"select","password":"Plain'Text\"Password\\1/@"}`,
		`{"Username":"evadmin","PASSWORD":"Plain-Text-Password-1"}`,
		`{"username":"evadmin","password":"Plain-Text-Password-1","password":"%s%d%!"}`,
		"{\"username\":\"evadmin\",\"password\":\"\\ud800\x00\xff\"}",
	} {
		f.Add(seed)
	}
	read := func(text string) (warehouse.Admin, string) {
		var r report.Report
		f := &facts{
			secret: answer[*secretFacts]{is: &secretFacts{arn: "arn"}},
			value:  answer[*secretValue]{is: &secretValue{text: text}},
		}
		return readAdmin(settings{SecretName: "redshift/admin"}, f, &r), strings.Join(r.Problems(), "\n")
	}
	// The words of the messages themselves are no secrets.
	words := ""
	for _, text := range []string{``, `{}`, `{"username":"A","password":"'"}`, `{"username":"public","password":"'"}`} {
		_, said := read(text)
		words += said
	}
	f.Fuzz(func(t *testing.T, text string) {
		admin, said := read(text)
		for _, secret := range append(texts(text), text) {
			if len(secret) > 4 && strings.Contains(said, secret) && !strings.Contains(words, secret) {
				t.Errorf("%q is in a message: %s", secret, said)
			}
		}
		if strings.Contains(said, "%!") {
			t.Errorf("a message with a mistake in its format: %s", said)
		}
		if said == "" && (admin.SecretARN == "" || len(texts(text)) < 2) {
			t.Errorf("nothing is wrong with %q, which has no name or no password", text)
		}
		// The lookup marks nothing, and the AWS SDK only the inputs that it knows to be
		// secret.
		if said == "" && (!pulumi.IsSecret(admin.Username) || !pulumi.IsSecret(admin.Password)) {
			t.Errorf("name or password of %q is not marked secret", text)
		}
	})
}

// texts lists the texts in a JSON object.
func texts(object string) []string {
	var fields map[string]any
	_ = json.Unmarshal([]byte(object), &fields)
	var all []string
	for _, v := range fields {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
