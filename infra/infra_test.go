package infra

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/internal/alarm"
	"example.com/evstream/sql"
)

var rewrite = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file in testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if filter := flag.Lookup("test.run").Value.String(); strings.Contains(filter, "/") {
			t.Fatalf("-update with -run %s would rewrite %s from some of its cases: run all of them", filter, path)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run go test -update and read the difference): -want +got\n%s", path, diff)
	}
}

// configurations are settings by name, which together use every resource and
// every lookup of the program.
func configurations() map[string]map[string]string {
	return map[string]map[string]string{
		"default": {},
		"everything": {
			"secretName": "redshift/native", "vpcName": "", "vpcId": "vpc-0a1b2c3d4e5f60718",
			"subnetIds":  `["subnet-000000000000000d","subnet-000000000000000b"]`,
			"streamName": "EvStream", "streamMode": "PROVISIONED", "shardCount": "4", "retentionHours": "168",
			"namespaceName": "ns-x", "workgroupName": "wg-x", "roleName": "role-x", "databaseName": "ev",
			"baseCapacity": "32", "maxCapacity": "64", "enhancedVpcRouting": "false", "kmsKeyArn": customerKey,
			"logExports": `["userlog"]`, "caseSensitiveIdentifiers": "true", "protect": "true", "aws:profile": "ev",
			"alarmTopicArn": "arn:aws:sns:us-east-1:123456789012:on-call",
		},
		"operated": {
			"existingStreamName": "ev_existing", "refresh": "rate(5 minutes)", "readers": `["analyst","group:planning"]`,
			"priceTarget": "50", "baseCapacity": "0",
			"usageLimitRpuHours": "100", "usageLimitPeriod": "weekly", "usageLimitAction": "deactivate",
			"alarmEmail": "on-call@example.com", "alarmLagMinutes": "2880", "dashboard": "true",
		},
		"private": {
			"secretName": "", "manageAdminPassword": "true", "createVpcEndpoints": "true", "kmsKeyArn": customerKey,
			"snapshotRetentionDays": "30", "protect": "true", "aws:profile": "ev",
		},
	}
}

// TestResources shows every resource that a stack's settings lead to, with its
// properties, dependencies and options, and every lookup. deploy/iam and deploy/ci
// have tests that read this file.
func TestResources(t *testing.T) {
	type result struct {
		Lookups   []string     `json:"lookups"`
		Resources []registered `json:"resources"`
	}
	all := map[string]result{}
	for name, settings := range configurations() {
		made := mustDeploy(t, example(), settings)
		for _, r := range made.resources {
			if _, given := r.Inputs["stdin"]; given {
				r.Inputs["stdin"] = "(the migrations)"
			}
		}
		slices.Sort(made.lookups)
		all[name] = result{Lookups: slices.Compact(made.lookups), Resources: made.resources}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(all); err != nil {
		t.Fatal(err)
	}
	golden(t, "resources.json", shortLists.ReplaceAllStringFunc(text.String(), func(list string) string {
		return strings.Join(strings.Fields(list), " ")
	}))
}

// shortLists are lists of nothing but short texts and numbers, each in a line of its
// own.
var shortLists = regexp.MustCompile(`\[\s+("[^" ]*"|[0-9.]+)(,\s+("[^" ]*"|[0-9.]+))*\s+\]`)

// manySubnets is a list of subnets none of which can be one.
func manySubnets() string {
	var ids []string
	for i := range 5000 {
		ids = append(ids, fmt.Sprintf("%q", fmt.Sprintf("subnet%04d", i)))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

// A refusal is a case of testdata/refusals.txt: a name, settings below it, and the
// message below these.
type refusal struct {
	name     string
	lines    string // of the settings, as they stand there
	settings map[string]string
	message  string
}

func refusals(t *testing.T) []*refusal {
	t.Helper()
	text, err := os.ReadFile("testdata/refusals.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []*refusal
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, " ") {
			all = append(all, &refusal{name: strings.TrimSpace(line), settings: map[string]string{}})
			continue
		}
		last := all[len(all)-1]
		if strings.HasPrefix(line, "    ") {
			last.message += line
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		last.lines += line
		last.settings[strings.TrimSuffix(key, ":")] = value
	}
	return all
}

// TestRefusals shows each wrong setting with what its user reads. Nothing may be
// made. The cases and their messages are in testdata/refusals.txt; those that take
// another account than the example, or values too long to read, are changed here.
func TestRefusals(t *testing.T) {
	secret := func(value string) func(account) {
		return func(a account) { a.setSecret("redshift/admin", value) }
	}
	login := func(name, password string) func(account) {
		encoded, _ := json.Marshal(map[string]string{"username": name, "password": password})
		return secret(string(encoded))
	}
	free := func(letter string, addresses int) func(account) {
		return func(a account) { a.subnet(letter)["availableIpAddressCount"] = addresses }
	}
	only := func(letter string) func(account) {
		return func(a account) { a["getSubnets vpc-id "+exampleVPC]["ids"] = []any{subnet(letter)} }
	}
	refused := func(token string) func(account) {
		return func(a account) { a.refuse(token) }
	}
	long := map[string]map[string]string{
		"streamName too long":                   {"streamName": strings.Repeat("s", 128)},
		"workgroupName too long":                {"workgroupName": strings.Repeat("w", 64)},
		"roleName too long":                     {"roleName": strings.Repeat("r", 65)},
		"workgroupName too long for a schedule": {"workgroupName": strings.Repeat("w", 57)},
		"values too long to show":               {"vpcName": strings.Repeat("v", 100_000) + "*", "retentionHours": strings.Repeat("9", 100_000), "subnetIds": manySubnets()},
	}
	accounts := map[string]func(account){
		"vpcName twice": func(a account) {
			a["getVpcs data-platform"]["ids"] = []any{exampleVPC, "vpc-00000000000000002"}
		},
		"subnetIds in another VPC": func(a account) {
			a.addSubnet("e", "vpc-00000000000000002", "a")
		},
		"no private subnet": func(a account) {
			a["getRouteTable rtb-main"]["routes"] = []any{}
			a.subnet("c")["mapPublicIpOnLaunch"] = true
		},
		"two zones with enhanced routing":            func(a account) { a.subnet("c")["availabilityZone"] = "us-east-1a" },
		"one zone":                                   only("c"),
		"one zone without enhanced routing":          only("c"),
		"too few addresses":                          free("a", 8),
		"too few addresses without enhanced routing": free("a", 2),
		"endpoints in a VPC without DNS names":       func(a account) { a["getVpc "+exampleVPC]["enableDnsHostnames"] = false },
		"endpoints that are there already": func(a account) {
			a["getVpcEndpoint com.amazonaws.us-east-1.sts available "+exampleVPC] = map[string]any{"id": "vpce-0a", "privateDnsEnabled": true}
		},
		"too few addresses for the endpoints too":             free("a", 10),
		"endpoints, and neither private nor isolated subnets": func(a account) { a["getVpc "+exampleVPC]["mainRouteTableId"] = "rtb-public" },
		"endpoints can't be looked up":                        refused("aws:ec2/getVpcEndpoint:getVpcEndpoint"),
		"lookups refused":                                     refused("aws:ec2/getVpcs:getVpcs"),
		"workgroup lookup refused":                            refused("aws:redshiftserverless/getWorkgroup:getWorkgroup"),
		"no provider":                                         refused("every lookup"),
		"no credentials":                                      refused("aws:index/getCallerIdentity:getCallerIdentity"),
		"secret unreadable":                                   refused("aws:secretsmanager/getSecretVersion:getSecretVersion"),
		"secret not JSON":                                     secret(adminPassword),
		"secret a JSON text":                                  secret(`"` + adminPassword + `"`),
		"secret null":                                         secret(`null`),
		"secret without password":                             secret(`{"username":"` + adminName + `"}`),
		"secret of mixed shapes":                              secret(`{"username":"` + adminName + `","admin_user_password":"` + adminPassword + `"}`),
		"secret with a number":                                secret(`{"username":"` + adminName + `","password":87650123}`),
		"admin name with upper case":                          login("EvAdmin", adminPassword),
		"admin name with a colon":                             login("ev:admin", adminPassword),
		"admin name reserved":                                 login("user", adminPassword),
		"admin name public":                                   login("public", adminPassword),
		"password too short":                                  login(adminName, "Short1"),
		"password too long":                                   login(adminName, strings.Repeat("Aa1", 22)),
		"password without a digit":                            login(adminName, "OnlyLetters"),
		"password with a slash":                               login(adminName, "Slash/Password1"),
		"password not ASCII":                                  login(adminName, "Paßword-1234"),
		"existingStreamName being deleted": func(a account) {
			a["getStream ev_existing"]["status"] = "DELETING"
		},
		"existingStreamName of the stack's own": func(a account) {
			a["getStream ev_existing"]["tags"] = map[string]any{"pulumi:project": "ev-streaming", "pulumi:stack": "dev"}
		},
		"subnet tagged with an unknown kind": func(a account) { a.subnet("a")["tags"] = map[string]any{"aws-cdk:subnet-type": "private"} },
		"baseCapacity 1024 elsewhere": func(a account) {
			a["getRegion"]["name"] = "eu-west-3"
			for _, letter := range []string{"a", "b", "c"} {
				a.subnet(letter)["availableIpAddressCount"] = 300
			}
		},
	}

	var names []string
	var report strings.Builder
	for _, c := range refusals(t) {
		names = append(names, c.name)
		t.Run(c.name, func(t *testing.T) {
			a := example()
			if change := accounts[c.name]; change != nil {
				change(a)
			}
			maps.Copy(c.settings, long[c.name])
			made, err := deploy(t, a, c.settings, preview)
			if err == nil {
				t.Fatalf("settings %v were accepted", c.settings)
			}
			if len(made.resources) > 0 {
				t.Errorf("resources were registered before the settings were refused: %v", made.types())
			}
			for _, value := range []string{adminPassword, "OnlyLetters", "Slash/Password1", "Paßword-1234", "87650123"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("the message shows the secret value %q", value)
				}
			}
			_, message, _ := strings.Cut(err.Error(), "stack dev ")
			said := fmt.Sprintf("    stack dev %s\n", strings.ReplaceAll(strings.TrimSpace(message), "\n", "\n    "))
			if c.message != said && !*rewrite {
				t.Errorf("testdata/refusals.txt differs (run go test -update and read the difference): -want +got\n%s", cmp.Diff(c.message, said))
			}
			c.message = said
		})
		report.WriteString(c.name + "\n" + c.lines + c.message)
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(accounts)), slices.Collect(maps.Keys(long))) {
		if !slices.Contains(names, name) {
			t.Errorf("testdata/refusals.txt has no case %s", name)
		}
	}
	golden(t, "refusals.txt", report.String())
}

// TestMisspeltSettings: a maxCapacity that nothing reads is no limit, and a protect
// no protection.
func TestMisspeltSettings(t *testing.T) {
	for name, want := range map[string]string{
		"ev-streaming:maxCapcity":          "maxCapcity is not a setting; did you mean maxCapacity? Remove it with pulumi config rm maxCapcity.",
		"ev-streaming:nothingLike":         "nothingLike is not a setting. Remove it with pulumi config rm nothingLike. The settings are vpcName, ",
		"evstreaming:maxCapacity":          "evstreaming:maxCapacity is set, and nothing reads it: this project's settings are named ev-streaming:NAME; did you mean maxCapacity? Remove it with pulumi config rm evstreaming:maxCapacity.",
		"ev_streaming:protct":              "did you mean protect? Remove it with pulumi config rm ev_streaming:protct",
		"kinesis:protect":                  "kinesis:protect is set, and nothing reads it",
		"kinesis:somethingElse":            "",
		"ev-streaming:protect":             "",
		"aws:region":                       "",
		"pulumi:disable-default-providers": "",
	} {
		t.Setenv(pulumi.EnvConfig, fmt.Sprintf(`{%q:"true"}`, name))
		_, err := deploy(t, example(), nil, preview)
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err = %v, want %q", name, err, want)
		}
	}
}

// TestSQLGoesTheProvidersWay: endpoints, a proxy and the authority of certificates
// hold for the command that applies the SQL too, and for that of the last snapshot.
func TestSQLGoesTheProvidersWay(t *testing.T) {
	made, err := deploy(t, example(), map[string]string{
		"aws:useFipsEndpoint": "true", "aws:useDualstackEndpoint": "true", "aws:customCaBundle": "ca.pem",
		"aws:httpProxy": "http://proxy.example.com:3128", "aws:noProxy": "169.254.169.254",
		"aws:endpoints":         `[{"redshiftdata":"https://data.example.com","redshiftserverless":"https://serverless.example.com"},{"sts":"https://sts.example.com"}]`,
		"snapshotRetentionDays": "7",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"schema", "warehouse-final-snapshot"} {
		environment := made.environment(t, name)
		for variable, want := range map[string]string{
			"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_CA_BUNDLE": "ca.pem",
			"HTTPS_PROXY": "http://proxy.example.com:3128", "NO_PROXY": "169.254.169.254",
			"AWS_ENDPOINT_URL_REDSHIFT_DATA":       "https://data.example.com",
			"AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS": "https://serverless.example.com",
			"AWS_ENDPOINT_URL_STS":                 "https://sts.example.com",
		} {
			if environment[variable] != want {
				t.Errorf("%s: %s is %v, want %s", name, variable, environment[variable], want)
			}
			if variable != "AWS_CA_BUNDLE" { // there is no such file
				t.Setenv(variable, want)
			}
		}
	}
	// What these names do is the SDK's.
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	options := redshiftdata.NewFromConfig(cfg).Options()
	if options.BaseEndpoint == nil || *options.BaseEndpoint != "https://data.example.com" || options.EndpointOptions.UseFIPSEndpoint != aws.FIPSEndpointStateEnabled {
		t.Errorf("the SDK has the options %+v", options.EndpointOptions)
	}
}

// TestDefaultVPC: the region's default VPC has no Name tag to be found by.
func TestDefaultVPC(t *testing.T) {
	a := example()
	a["getVpc true"] = a["getVpc "+exampleVPC]
	made := mustDeploy(t, a, map[string]string{"vpcName": "default"})
	if got := made.get(t, "aws:ec2/securityGroup:SecurityGroup", "warehouse").Inputs["vpcId"]; got != exampleVPC {
		t.Errorf("the warehouse's security group is in %v, want the default VPC", got)
	}
}

// TestOneKey: the key of the stack is that of everything made that holds records
// or the admin's password.
func TestOneKey(t *testing.T) {
	for name, c := range map[string]struct {
		settings map[string]string
		want     []string
	}{
		"secret used as it is": {map[string]string{"secretName": "redshift/native"}, nil},
		"secret copied":        {nil, []string{"aws:secretsmanager/secret:Secret kmsKeyId"}},
		"password kept by AWS": {map[string]string{"secretName": "", "manageAdminPassword": "true"}, []string{"aws:redshiftserverless/namespace:Namespace adminPasswordSecretKmsKeyId"}},
	} {
		t.Run(name, func(t *testing.T) {
			settings := map[string]string{"kmsKeyArn": customerKey}
			maps.Copy(settings, c.settings)
			made := mustDeploy(t, example(), settings)
			var got []string
			for _, r := range made.resources {
				for key, value := range r.Inputs {
					if value == customerKey {
						got = append(got, r.Type+" "+key)
					}
				}
			}
			slices.Sort(got)
			want := append(c.want, "aws:kinesis/stream:Stream kmsKeyId", "aws:redshiftserverless/namespace:Namespace kmsKeyId")
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what has the key: -want +got\n%s", diff)
			}
		})
	}
}

// TestSecretByARN: a secret's ARN does as well as its name.
func TestSecretByARN(t *testing.T) {
	const arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift/native"
	made := mustDeploy(t, example(), map[string]string{"secretName": arn})
	environment := made.environment(t, "schema")
	if got := environment["REDSHIFT_SECRET_ARN"]; got != arn {
		t.Errorf("the SQL is run with the secret %v, want %s", got, arn)
	}
}

// TestAdminSecretNotThereYet: without the secret the SQL would be run as another
// user than the admin.
func TestAdminSecretNotThereYet(t *testing.T) {
	a := example()
	a["computed aws:redshiftserverless/namespace:Namespace"]["adminPasswordSecretArn"] = ""
	made, err := deploy(t, a, map[string]string{"secretName": "", "manageAdminPassword": "true"})
	if err == nil || !strings.Contains(err.Error(), "pulumi up --refresh") {
		t.Errorf("err = %v, want the way out", err)
	}
	if slices.Contains(made.types(), "command:local:Command") {
		t.Error("the SQL was run all the same")
	}
}

// TestWorkgroupWithoutEndpoint: a workgroup whose creation timed out is in the
// state without an endpoint; the next preview and update must get past that.
func TestWorkgroupWithoutEndpoint(t *testing.T) {
	a := example()
	delete(a["computed aws:redshiftserverless/workgroup:Workgroup"], "endpoints")
	for _, options := range [][]pulumi.RunOption{{preview}, nil} {
		if _, err := deploy(t, a, nil, options...); err != nil {
			t.Error(err)
		}
	}
}

// TestSQLUsesTheProvidersProfile: the AWS provider prefers its profile to keys in
// the environment, so the command that applies the SQL must do the same.
func TestSQLUsesTheProvidersProfile(t *testing.T) {
	made := mustDeploy(t, example(), map[string]string{"aws:profile": "ev"})
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[ev]\naws_access_key_id=of-profile\naws_secret_access_key=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": os.DevNull,
		"AWS_ACCESS_KEY_ID": "of-environment", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "x", "AWS_WEB_IDENTITY_TOKEN_FILE": "x",
	} {
		t.Setenv(name, value)
	}
	for name, value := range made.environment(t, "schema") {
		t.Setenv(name, fmt.Sprint(value))
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || keys.AccessKeyID != "of-profile" {
		t.Errorf("the SQL is run with the keys %q (%v), want those of the profile", keys.AccessKeyID, err)
	}
}

// TestSecretsAreMarked: the admin's name and password reach the engine only as
// secrets, and the existing secret's other fields not at all.
func TestSecretsAreMarked(t *testing.T) {
	for _, name := range []string{"redshift/admin", "redshift/native"} {
		t.Run(name, func(t *testing.T) {
			made := mustDeploy(t, example(), map[string]string{"secretName": name})
			for _, r := range made.resources {
				findPlain(t, r.Type+" "+r.Name, resource.NewObjectProperty(r.raw))
			}
			namespace := made.get(t, "aws:redshiftserverless/namespace:Namespace", "warehouse")
			if !namespace.raw["adminUserPassword"].ContainsSecrets() || !namespace.raw["adminUsername"].ContainsSecrets() {
				t.Errorf("the namespace's admin is not marked secret: %v", namespace.Inputs)
			}
		})
	}
}

func findPlain(t *testing.T, where string, v resource.PropertyValue) {
	t.Helper()
	switch {
	case v.IsSecret(), v.IsOutput() && v.OutputValue().Secret:
	case v.IsObject():
		for key, item := range v.ObjectValue() {
			findPlain(t, where+"."+string(key), item)
		}
	case v.IsArray():
		for _, item := range v.ArrayValue() {
			findPlain(t, where, item)
		}
	case v.IsString():
		if strings.Contains(v.StringValue(), adminPassword) || strings.Contains(v.StringValue(), adminName) {
			t.Errorf("%s holds the admin's name or password in plain text", where)
		}
	}
}

// TestEachFailureSurfaces: whatever AWS refuses, the deployment fails. Only a check of
// what the stack made itself is given up with a warning.
func TestEachFailureSurfaces(t *testing.T) {
	for name, settings := range configurations() {
		made := mustDeploy(t, example(), settings)
		slices.Sort(made.lookups)
		failures := slices.Concat(made.types(), slices.Compact(made.lookups))
		if len(failures) < 18 {
			t.Fatalf("only %d kinds of resources and lookups seen: %v", len(failures), failures)
		}
		for _, token := range failures {
			t.Run(name+" "+token, func(t *testing.T) {
				made, err := deploy(t, example().refuse(token), settings)
				said := fmt.Sprint(err)
				if settings["existingStreamName"] == "" && token == "aws:kinesis/getStream:getStream" {
					if err != nil {
						t.Fatal(err)
					}
					said = strings.Join(made.messages, "\n")
				}
				if !strings.Contains(said, "AWS says no to "+token) {
					t.Errorf("it says %s, want the refusal of %s", said, token)
				}
			})
		}
	}
}

// TestExistingStream: the stack reads the stream that is there and makes none, so
// that nothing it does can change or delete it.
func TestExistingStream(t *testing.T) {
	const customerKeyID = "1234abcd-12ab-34cd-56ef-1234567890ab"
	for _, c := range []struct {
		name     string
		stream   map[string]any
		decrypts bool
	}{
		{"not encrypted", nil, false},
		{"with the key that AWS manages", map[string]any{"encryptionType": "KMS", "kmsKeyId": "alias/aws/kinesis"}, false},
		{"with a key of its owner", map[string]any{"encryptionType": "KMS", "kmsKeyId": customerKeyID}, true},
		{"being resharded", map[string]any{"status": "UPDATING"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := example()
			maps.Copy(a["getStream ev_existing"], c.stream)
			made := mustDeploy(t, a, map[string]string{"existingStreamName": "ev_existing"})
			if types := made.types(); slices.Contains(types, "aws:kinesis/stream:Stream") {
				t.Errorf("the stack makes a stream of its own: %v", types)
			}
			policy := fmt.Sprint(made.get(t, "aws:iam/rolePolicy:RolePolicy", "stream-read").Inputs["policy"])
			if !strings.Contains(policy, "stream/ev_existing") || strings.Contains(policy, "kms:Decrypt") != c.decrypts {
				t.Errorf("policy is %s; it reads the existing stream, and decrypts: %t", policy, c.decrypts)
			}
			environment := made.environment(t, "schema")
			if got := environment["STREAM_NAME"]; got != "ev_existing" {
				t.Errorf("the SQL reads the stream %v, want ev_existing", got)
			}
		})
	}
}

// TestAlarms shows which alarms there are.
func TestAlarms(t *testing.T) {
	var always []string
	for _, a := range slices.Concat(alarm.OfStream(0), alarm.OfWarehouse(1)) {
		always = append(always, a.Name)
	}
	with := func(names ...string) []string { return append(names, always...) }
	for _, c := range []struct {
		name     string
		settings map[string]string
		want     []string
	}{
		{"nobody to tell", map[string]string{"usageLimitRpuHours": "10"}, nil},
		{"an address", map[string]string{"alarmEmail": "on-call@example.com"}, with("lag")},
		{"a topic", map[string]string{"alarmTopicArn": "arn:aws:sns:us-east-1:123456789012:on-call"}, with("lag")},
		{"nobody promises freshness", map[string]string{"alarmEmail": "on-call@example.com", "refresh": "manual"}, always},
		{"a schedule", map[string]string{"alarmEmail": "on-call@example.com", "refresh": "cron(0/10 * * * ? *)"}, with("lag", "refresh-failed")},
		{"a schedule on weekdays", map[string]string{"alarmEmail": "on-call@example.com", "refresh": "cron(0/10 * ? * MON-FRI *)", "retentionHours": "96", "alarmLagMinutes": "4320"},
			with("lag", "refresh-failed")},
		{"a schedule that ends", map[string]string{"alarmEmail": "on-call@example.com", "refresh": "cron(0/10 * * * ? 2099)"}, with("refresh-failed")},
		{"a pause of a week", map[string]string{"alarmEmail": "on-call@example.com", "refresh": "rate(7 days)", "retentionHours": "8760"}, with("refresh-failed")},
		{"a usage limit", map[string]string{"alarmEmail": "on-call@example.com", "usageLimitRpuHours": "10"}, with("lag", "usage")},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := mustDeploy(t, example(), c.settings)
			var got []string
			for _, r := range made.resources {
				if r.Type == "aws:cloudwatch/metricAlarm:MetricAlarm" {
					_, name, _ := strings.Cut(r.Name, "-") // after its component's
					got = append(got, name)
				}
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("alarms differ: -want +got\n%s", diff)
			}
			if ownTopic := slices.Contains(made.types(), "aws:sns/topic:Topic"); ownTopic != (c.settings["alarmEmail"] != "") {
				t.Errorf("makes a topic of its own: %t", ownTopic)
			}
		})
	}
}

// TestSettingsReachTheWarehouse: refresh and readers are values of the command
// that runs the SQL, whose preview shows them.
func TestSettingsReachTheWarehouse(t *testing.T) {
	for _, c := range []struct{ refresh, readers, autoRefresh, list string }{
		{"auto", "[]", "YES", "[]"},
		{"manual", `["ana"]`, "NO", `["ana"]`},
		{"rate(5 minutes)", `["role:ops","group:analysts"]`, "NO", `["group:analysts","role:ops"]`},
		{"cron(0 * * * ? *)", "[]", "NO", "[]"},
	} {
		made := mustDeploy(t, example(), map[string]string{"refresh": c.refresh, "readers": c.readers})
		environment := made.environment(t, "schema")
		if environment["AUTO_REFRESH"] != c.autoRefresh || environment["READERS"] != c.list {
			t.Errorf("%s, %s: AUTO_REFRESH is %v, READERS %v", c.refresh, c.readers, environment["AUTO_REFRESH"], environment["READERS"])
		}
	}
}

// TestPreviewKnowsWhatPeopleReview: the first preview, in which no ARN exists,
// shows the SQL and the role's policy.
func TestPreviewKnowsWhatPeopleReview(t *testing.T) {
	made := mustDeploy(t, example(), nil, preview)
	schema := made.get(t, "command:local:Command", "schema")
	archive, err := sql.Pack(sql.Migrations(), sql.RepeatableFiles())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(archive, schema.Inputs["stdin"]); diff != "" {
		t.Errorf("stdin is not the packed migrations: %s", diff)
	}
	policy := fmt.Sprint(made.get(t, "aws:iam/rolePolicy:RolePolicy", "stream-read").Inputs["policy"])
	if want := "arn:aws:kinesis:us-east-1:123456789012:stream/ev_stream_data"; !strings.Contains(policy, want) {
		t.Errorf("policy is %s, want it to name %s", policy, want)
	}
}

// TestSchemaRunsAgainOnlyForAReason: the command's inputs are the same on every
// machine and in every run, and change when there is something to do.
func TestSchemaRunsAgainOnlyForAReason(t *testing.T) {
	inputs := func(settings map[string]string) map[string]any {
		made := mustDeploy(t, example(), settings)
		return made.get(t, "command:local:Command", "schema").Inputs
	}
	first := inputs(nil)
	if diff := cmp.Diff(first, inputs(nil)); diff != "" {
		t.Errorf("the same deployment gives other inputs: %s", diff)
	}
	for _, absent := range []string{"triggers", "update", "delete", "dir"} {
		if _, set := first[absent]; set {
			t.Errorf("%s is set: it makes the command run where it should not", absent)
		}
	}
	if first["addPreviousOutputInEnv"] != false {
		t.Error("addPreviousOutputInEnv is not false: long output would block every later update")
	}
	environment := first["environment"].(map[string]any)
	for _, name := range []string{"REDSHIFT_NAMESPACE_ID", "REDSHIFT_ENDPOINT"} {
		if environment[name] == nil {
			t.Errorf("%s is missing: a replaced namespace would stay empty", name)
		}
	}
	create := first["create"].(string)
	if here, _ := os.Getwd(); strings.Contains(create, here) || !strings.Contains(create, "exec ") {
		t.Errorf("create is %q: it must name no path of this machine and exec the runner", create)
	}
	for name, value := range environment {
		if strings.Contains(fmt.Sprint(value), adminPassword) {
			t.Errorf("%s holds the password", name)
		}
	}
}

// TestEverySettingIsDeclared: Pulumi.yaml describes what the program reads, and
// each default is one that the program accepts.
func TestEverySettingIsDeclared(t *testing.T) {
	declared := defaults(t)
	for _, key := range slices.Sorted(maps.Keys(declared)) {
		_, name, _ := strings.Cut(key, ":")
		made, err := deploy(t, example(), map[string]string{name: "-"})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s the program says %v and makes %d resources: does it read the setting?", name, err, len(made.resources))
		}
	}
}
