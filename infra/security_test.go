package infra

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/sql"
)

// grants are what a policy document allows: "ACTION on RESOURCE", with the
// condition if there is one.
func grants(t *testing.T, r registered, property string) []string {
	t.Helper()
	document, ok := r.Inputs[property].(map[string]any)
	if !ok {
		t.Fatalf("%s of %s %s is no JSON object: %v", property, r.Type, r.Name, r.Inputs[property])
	}
	var all []string
	for _, item := range document["Statement"].([]any) {
		s := item.(map[string]any)
		if s["Effect"] != "Allow" || s["NotAction"] != nil || s["NotResource"] != nil || s["NotPrincipal"] != nil {
			t.Errorf("%s of %s has a statement that this test doesn't read: %v", property, r.Name, s)
		}
		on := s["Resource"]
		if principal, ok := s["Principal"].(map[string]any); ok {
			on = fmt.Sprint(slices.Collect(maps.Values(principal)))
		}
		for _, action := range s["Action"].([]any) {
			grant := fmt.Sprintf("%v on %v", action, on)
			if condition := s["Condition"]; condition != nil {
				grant += fmt.Sprintf(" if %v", condition)
			}
			all = append(all, grant)
		}
	}
	slices.Sort(all)
	return all
}

// TestRolesAreMinimal compares each role action by action with what AWS documents
// as needed.
func TestRolesAreMinimal(t *testing.T) {
	// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
	const stream = "arn:aws:kinesis:us-east-1:123456789012:stream/"
	ingestion := func(name string, more ...string) []string {
		all := []string{"kinesis:ListStreams on *"}
		for _, action := range []string{"DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"} {
			all = append(all, "kinesis:"+action+" on "+stream+name)
		}
		return slices.Sorted(slices.Values(append(all, more...)))
	}
	redshift := []string{"sts:AssumeRole on [[redshift-serverless.amazonaws.com redshift.amazonaws.com]]"}
	want := map[string][]string{
		"default trust warehouse-streaming":    redshift,
		"everything trust warehouse-streaming": redshift,
		"operated trust warehouse-streaming":   redshift,
		"private trust warehouse-streaming":    redshift,
		"default policy stream-read":           ingestion("ev_stream_data"),
		"everything policy stream-read":        ingestion("EvStream", "kms:Decrypt on "+customerKey),
		"private policy stream-read":           ingestion("ev_stream_data", "kms:Decrypt on "+customerKey),
		"operated policy stream-read":          ingestion("ev_existing"),

		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
		"operated trust stream-refresh": {"sts:AssumeRole on [[scheduler.amazonaws.com]] if map[StringEquals:map[aws:SourceAccount:123456789012]]"},
		"operated policy stream-refresh": {
			"redshift-data:ExecuteStatement on arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/0f0f0f0f-1111-2222-3333-555555555555",
			"secretsmanager:GetSecretValue on arn:aws:secretsmanager:us-east-1:123456789012:secret:copy-AbCdEf",
			"sqs:SendMessage on arn:aws:sqs:us-east-1:123456789012:x",
		},
	}
	got := map[string][]string{}
	for name, settings := range configurations() {
		made := mustDeploy(t, example(), settings)
		for _, r := range made.resources {
			switch r.Type {
			case "aws:iam/role:Role":
				got[name+" trust "+r.Name] = grants(t, r, "assumeRolePolicy")
				if r.Inputs["managedPolicyArns"] != nil || r.Inputs["inlinePolicies"] != nil {
					t.Errorf("role %s has policies besides its own: %v", r.Name, r.Inputs)
				}
			case "aws:iam/rolePolicy:RolePolicy":
				got[name+" policy "+r.Name] = grants(t, r, "policy")
			case "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/policyAttachment:PolicyAttachment":
				t.Errorf("%s attaches a policy that this test doesn't read: %v", r.Name, r.Inputs)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles: -documented +made\n%s", diff)
	}
}

// TestNetworkIsClosed: nothing reaches the warehouse but the group of SQL clients
// on its port, and it reaches nothing but HTTPS. Rules in a group itself would
// not be seen here, so there are none.
func TestNetworkIsClosed(t *testing.T) {
	want := map[string]bool{
		"warehouse admits warehouse-clients on tcp 5439":  true,
		"warehouse-clients reach warehouse on tcp 5439":   true,
		"warehouse reach 0.0.0.0/0 on tcp 443":            true,
		"warehouse-endpoints admits warehouse on tcp 443": true,
	}
	for name, settings := range configurations() {
		made := mustDeploy(t, example(), settings)
		for _, r := range made.resources {
			switch r.Type {
			case "aws:redshiftserverless/workgroup:Workgroup":
				if r.Inputs["publiclyAccessible"] != false {
					t.Errorf("%s: publiclyAccessible is %v", name, r.Inputs["publiclyAccessible"])
				}
				// A new workgroup has require_ssl true; nothing may set it.
				if parameters := fmt.Sprint(r.Inputs["configParameters"]); strings.Contains(parameters, "ssl") {
					t.Errorf("%s: configParameters are %s, and TLS is required without", name, parameters)
				}
				if groups := r.Inputs["securityGroupIds"]; !cmp.Equal(groups, []any{"warehouse-id"}) {
					t.Errorf("%s: the workgroup is in the groups %v", name, groups)
				}
			case "aws:ec2/securityGroup:SecurityGroup":
				if r.Inputs["ingress"] != nil || r.Inputs["egress"] != nil {
					t.Errorf("%s: group %s has rules of its own: %v", name, r.Name, r.Inputs)
				}
			case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":
				verb := "reach"
				if strings.Contains(r.Type, "Ingress") {
					verb = "admits"
				}
				var others []string
				for _, key := range []string{"referencedSecurityGroupId", "cidrIpv4", "cidrIpv6", "prefixListId"} {
					if r.Inputs[key] != nil {
						others = append(others, strings.TrimSuffix(fmt.Sprint(r.Inputs[key]), "-id"))
					}
				}
				ports := fmt.Sprint(r.Inputs["fromPort"])
				if to := fmt.Sprint(r.Inputs["toPort"]); to != ports {
					ports += "-" + to
				}
				rule := fmt.Sprintf("%s %s %s on %v %s", strings.TrimSuffix(fmt.Sprint(r.Inputs["securityGroupId"]), "-id"), verb,
					strings.Join(others, ", "), r.Inputs["ipProtocol"], ports)
				if !want[rule] {
					t.Errorf("%s: a rule that is not documented: %s", name, rule)
				}
			case "aws:sns/topicSubscription:TopicSubscription":
				if r.Inputs["protocol"] == "http" {
					t.Errorf("%s: alarms are sent without TLS", name)
				}
			}
		}
	}
}

// TestHostileSettings gives each setting texts that would break out of SQL, a
// shell, JSON, an ARN or a URL if they were pasted into one. Each is refused, for
// itself and nothing else, or is found as data only: what is made has the same
// shape, runs the same command and the same SQL.
func TestHostileSettings(t *testing.T) {
	// What takes some of these texts: a tag may be any, an address has rules that
	// its mail server makes, and a user's name may hold : and /.
	ordinary := map[string]string{"vpcName": "data-platform", "alarmEmail": "on-call@example.com", "readers": `["analyst"]`}
	hostile := []string{
		`'; DROP TABLE ev_schema_migrations; --`,
		`x" ; SELECT 1 --`,
		`$(touch /tmp/broken)`,
		"`touch /tmp/broken`",
		`x; rm -rf /`,
		"x\n-- Runs alone, outside a transaction.\nDROP SCHEMA evdata;",
		"x\n-- 00099_other.sql --\n",
		`${STREAM_NAME}`,
		`x"}],"Statement":[{"Effect":"Allow","Action":["*"],"Resource":"*`,
		`x","SecretArn":"arn:aws:secretsmanager:us-east-1:123456789012:secret:other`,
		`*`,
		`x/*`,
		`x:role/admin`,
		`arn:aws:iam::999999999999:role/a,arn:aws:iam::123456789012:role/b`,
		`x@evil.example/?a=b#c`,
		`../../x`,
		"x\x00y",
		"x\u202ey",
		`rate(1 minute) OR 1=1`,
		`group:x" WITH GRANT OPTION; --`,
	}
	number := regexp.MustCompile(`^(true|false|-?[0-9]+)$`)
	texts := 0
	for key, value := range defaults(t) {
		_, setting, _ := strings.Cut(key, ":")
		if number.MatchString(value) {
			continue
		}
		texts++
		settings := map[string]string{}
		if setting == "vpcId" { // instead of vpcName
			settings["vpcName"] = ""
		}
		var want map[string]any
		if text, ok := ordinary[setting]; ok {
			made := mustDeploy(t, example(), map[string]string{setting: text})
			want = shapeOf(t, made)
		}
		for _, text := range hostile {
			settings[setting] = text
			if strings.HasPrefix(value, "[") {
				settings[setting] = "[" + quoted(t, text) + "]"
			}
			a := example()
			if setting == "vpcName" {
				a["getVpcs "+text] = a["getVpcs data-platform"]
			}
			made, err := deploy(t, a, settings)
			switch {
			case err != nil && (!strings.Contains(err.Error(), " 1. "+setting) || strings.Contains(err.Error(), " 2. ")):
				t.Errorf("%s = %q is refused, but not for this alone: %v", setting, text, err)
			case err == nil && want == nil:
				t.Errorf("%s = %q was accepted", setting, text)
			case err == nil:
				if diff := cmp.Diff(want, shapeOf(t, made)); diff != "" {
					t.Errorf("%s = %q makes something of another shape: %s", setting, text, diff)
				}
			}
		}
	}
	if texts < 15 {
		t.Errorf("only %d settings take texts", texts)
	}
}

// TestHostileSecrets: a password may hold what a shell, SQL and URLs read as their
// own. It is data in the two places that it goes to.
func TestHostileSecrets(t *testing.T) {
	before := mustDeploy(t, example(), nil)
	for _, password := range []string{"$(touch)Aa1;", "`touch`Aa1", "${STREAM_NAME}a1", "%2e%2eAa1#?&", "},{Aa1:[]", "Aa1--;DROP{{}}"} {
		a := example()
		a.setSecret("redshift/admin", secretOf(t, adminName, password))
		made, err := deploy(t, a, nil)
		if err != nil {
			t.Errorf("%q: %v", password, err)
			continue
		}
		if diff := cmp.Diff(shapeOf(t, before), shapeOf(t, made)); diff != "" {
			t.Errorf("%q makes something of another shape: %s", password, diff)
		}
		copied := made.get(t, "aws:secretsmanager/secretVersion:SecretVersion", "warehouse-data-api").raw["secretString"]
		if want := fmt.Sprintf(`{"password":%s,"username":"%s"}`, quoted(t, password), adminName); revealed(copied) != want {
			t.Errorf("the secret for the Data API is %s, want %s", revealed(copied), want)
		}
		if got := revealed(made.get(t, "aws:redshiftserverless/namespace:Namespace", "warehouse").raw["adminUserPassword"]); got != password {
			t.Errorf("the namespace gets the password %q, want %q", got, password)
		}
	}
}

// TestKeptPasswordIsNotRead: a password that AWS keeps is seen by no program, so
// that a role for previews need not be able to read it.
func TestKeptPasswordIsNotRead(t *testing.T) {
	for _, options := range [][]pulumi.RunOption{{preview}, nil} {
		made := mustDeploy(t, example(), configurations()["private"], options...)
		if slices.Contains(made.lookups, "aws:secretsmanager/getSecretVersion:getSecretVersion") {
			t.Error("the program reads the value of a secret with manageAdminPassword")
		}
		for _, r := range made.resources {
			if r.Type == "aws:secretsmanager/secretVersion:SecretVersion" || r.Inputs["adminUserPassword"] != nil {
				t.Errorf("%s %s holds a password with manageAdminPassword: %v", r.Type, r.Name, r.Inputs)
			}
		}
	}
}

// TestHostileStackName: what can't be a part of Redshift's names is refused.
func TestHostileStackName(t *testing.T) {
	for _, stack := range []string{"Dev", "a.b", "a_b", strings.Repeat("x", 80), `x"}`, "x;y", "$(x)"} {
		made, err := (&program{account: example()}).run(stackConfig(t, nil), stack)
		if err == nil || !strings.Contains(err.Error(), "namespaceName is") || len(made.resources) > 0 {
			t.Errorf("stack %q: err = %v, made %v; want the names refused that are made of it", stack, err, made.types())
		}
	}
}

// shapeOf is what may not depend on the text of a setting: types and names of the
// resources, the keys of their properties and of the JSON in them, every action,
// effect and condition, and the whole command with its SQL.
func shapeOf(t *testing.T, m *program) map[string]any {
	t.Helper()
	archive, err := sql.Pack(sql.Migrations(), sql.RepeatableFiles())
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]any{}
	for _, r := range m.resources {
		shapes[r.Type+" "+r.Name] = shape(r.Inputs)
		if r.Type == "command:local:Command" && r.Inputs["stdin"] != any(archive) {
			t.Errorf("the SQL of %s is not that of sql/", r.Name)
		}
	}
	return shapes
}

var constant = map[string]bool{
	"create": true, "delete": true, "stdin": true, "interpreter": true, "dir": true,
	"Effect": true, "Action": true, "Principal": true, "Sql": true, "Version": true,
}

func shape(value any) any {
	switch v := value.(type) {
	case map[string]any:
		keys := map[string]any{}
		for key, item := range v {
			keys[key] = shape(item)
			if constant[key] {
				keys[key] = item
			}
		}
		return keys
	case []any:
		var items []any
		for _, item := range v {
			items = append(items, shape(item))
		}
		return items
	case string:
		if u, err := url.Parse(v); err == nil && u.Scheme == "https" {
			return "https://" + u.Host
		}
	}
	return fmt.Sprintf("%T", value)
}

func secretOf(t *testing.T, name, password string) string {
	t.Helper()
	return fmt.Sprintf(`{"admin_username":%s,"admin_user_password":%s}`, quoted(t, name), quoted(t, password))
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	encoded, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// revealed is a text without its secret mark.
func revealed(v resource.PropertyValue) string {
	switch {
	case v.IsSecret():
		return revealed(v.SecretValue().Element)
	case v.IsOutput():
		return revealed(v.OutputValue().Element)
	}
	return v.StringValue()
}
