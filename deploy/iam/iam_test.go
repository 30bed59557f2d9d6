package iam

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the policies and the golden file")

// A resource is one that the program makes, as infra/testdata/resources.json shows it.
type resource struct {
	Type, Name string
	Inputs     map[string]any
}

// shown are the resources and lookups of the program by configuration, which
// together use all that it has.
func shown(t *testing.T) map[string]struct {
	Lookups   []string
	Resources []resource
} {
	t.Helper()
	var all map[string]struct {
		Lookups   []string
		Resources []resource
	}
	if err := json.Unmarshal([]byte(read(t, "../../infra/testdata/resources.json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDeployerPolicies: who deploys may do what the provider calls for the
// resources and the lookups of this program, and nothing else. A new type of
// resource without its permissions fails here, and so do permissions that no
// resource needs any more.
func TestDeployerPolicies(t *testing.T) {
	used := map[string]string{}
	for name, configuration := range shown(t) {
		tokens := configuration.Lookups
		for _, r := range configuration.Resources {
			switch {
			case r.Type == "command:local:Command": // each for itself, because it may do anything
				tokens = append(tokens, r.Type+" "+r.Name)
			case strings.HasPrefix(r.Type, "aws:"):
				tokens = append(tokens, r.Type)
			}
		}
		for _, token := range tokens {
			if used[token] != "default" {
				used[token] = name
			}
		}
	}
	for _, token := range slices.Sorted(maps.Keys(needs)) {
		if used[token] == "" {
			t.Errorf("needs has %s, which the program uses in none of the configurations: nobody needs its permissions", token)
		}
	}
	made, err := policies(used)
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range made {
		policyFile(t, name, document)
	}
	for _, s := range made["preview.json"].Statement {
		for _, action := range s.Action {
			_, verb, _ := strings.Cut(action, ":")
			if !regexp.MustCompile(`^(Get|List|Describe|Decrypt$)`).MatchString(verb) {
				t.Errorf("preview.json allows %s: previews run the code of pull requests and must change nothing", action)
			}
		}
	}
}

// policyFile compares with a file of this folder, or writes it with -update, and
// checks what IAM asks of a managed policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func policyFile(t *testing.T, name string, made document) {
	t.Helper()
	got, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden(t, name, string(got))
	// What is filled in is longer than its placeholder.
	const longest, filledIn = 6144, 800
	var dense bytes.Buffer
	if err := json.Compact(&dense, got); err != nil {
		t.Fatal(err)
	}
	if n := dense.Len(); n > longest-filledIn {
		t.Errorf("%s has %d characters without white space: a managed policy has at most %d, of which %d are kept for what is filled in", name, n, longest, filledIn)
	}
}

// golden compares with a file of this folder, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, name), got); diff != "" {
		t.Errorf("%s is not what the program needs (run go test ./deploy/iam -update and read the difference): -have +need\n%s", name, diff)
	}
}

// TestTrustPolicies: only the workflows of one repository get the roles; those of
// its pull requests and of main the one that reads, those of one environment the one
// that changes things. A wildcard in the subject would let others in.
// https://docs.github.com/en/actions/reference/security/oidc
func TestTrustPolicies(t *testing.T) {
	const issuer = "token.actions.githubusercontent.com"
	for name, contexts := range map[string][]string{
		"trust-preview.json": {"pull_request", "ref:refs/heads/main"},
		"trust-up.json":      {"environment:STACK"},
	} {
		var subjects []string
		for _, context := range contexts {
			// The second form is that of repositories made since 15 July 2026.
			subjects = append(subjects, "repo:ORG/REPO:"+context, "repo:ORG@ORG_ID/REPO@REPO_ID:"+context)
		}
		var got document
		decoder := json.NewDecoder(strings.NewReader(read(t, name)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := document{Version: "2012-10-17", Statement: []statement{{
			Effect:    "Allow",
			Principal: map[string]string{"Federated": "arn:aws:iam::ACCOUNT_ID:oidc-provider/" + issuer},
			Action:    []string{"sts:AssumeRoleWithWebIdentity"},
			Condition: map[string]map[string][]string{"StringEquals": {
				issuer + ":aud": {"sts.amazonaws.com"},
				issuer + ":sub": subjects,
			}},
		}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestPolicyCommands runs the commands of deploy/iam/README.md with an aws that
// only looks: the files are whole when they are filled in, and each role gets the
// policies that it should have.
func TestPolicyCommands(t *testing.T) {
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(read(t, "README.md"), -1) {
		script.WriteString(block[1])
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	const aws = `#!/bin/sh
echo "aws $*" >> "$LOG"
while [ $# -gt 0 ]; do
	case $1 in file://*) cp "${1#file://}" "$LOG.${1##*/}" ;; esac
	shift
done
`
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "aws"), []byte(aws), 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "LOG="+log)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the commands of deploy/iam/README.md: %v\n%s", err, out)
	}
	golden(t, "testdata/commands.txt", read(t, log))

	sent, err := filepath.Glob(log + ".*.json")
	if err != nil || len(sent) != 7 {
		t.Errorf("%d files were sent (%v), want 5 policies and 2 trust policies: %q", len(sent), err, sent)
	}
	for _, file := range sent {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(text) {
			t.Errorf("%s is not JSON when it is filled in:\n%s", filepath.Base(file), text)
		}
		if left := regexp.MustCompile(`\b[A-Z]{2,}(_[A-Z]+)*\b`).FindAll(text, -1); left != nil {
			t.Errorf("%s is not filled in: %q", filepath.Base(file), left)
		}
	}
}

// TestPoliciesCoverTheNames: what the program makes with default names is what
// the policies of its stack allow to be made, and those of another stack don't.
func TestPoliciesCoverTheNames(t *testing.T) {
	named := map[string]struct{ input, scope string }{
		"aws:iam/role:Role":                      {"name", "Roles"},
		"aws:secretsmanager/secret:Secret":       {"name", "Secrets"},
		"aws:scheduler/schedule:Schedule":        {"name", "Schedules"},
		"aws:sqs/queue:Queue":                    {"name", "Queues"},
		"aws:sns/topic:Topic":                    {"name", "Topics"},
		"aws:cloudwatch/metricAlarm:MetricAlarm": {"name", "Alarms"},
		"aws:cloudwatch/dashboard:Dashboard":     {"dashboardName", "Dashboards"},
	}
	seen := map[string]bool{}
	for _, configuration := range []string{"default", "operated", "private"} {
		for _, r := range shown(t)[configuration].Resources {
			if by, ok := named[r.Type]; ok {
				seen[r.Type] = true
				name := fmt.Sprint(r.Inputs[by.input])
				for stack, want := range map[string]bool{"dev": true, "prod": false} {
					pattern := strings.ReplaceAll(scopes[by.scope].resources[0], "STACK", stack)
					if got := covers(t, pattern[strings.LastIndexAny(pattern, ":/")+1:], name); got != want {
						t.Errorf("stack dev: %s %s is named %s, and it is %v that %s covers it", r.Type, r.Name, name, got, pattern)
					}
				}
			}
			if !slices.ContainsFunc([]string{"aws:ec2/", "aws:vpc/", "aws:redshiftserverless/namespace", "aws:redshiftserverless/workgroup"},
				func(known string) bool { return strings.HasPrefix(r.Type, known) }) {
				continue
			}
			if tags, ok := r.Inputs["tags"].(map[string]any); !ok || tags["pulumi:project"] != "ev-streaming" || tags["pulumi:stack"] != "dev" {
				t.Errorf("%s %s lacks the tags by which the policies know it: %v", r.Type, r.Name, r.Inputs["tags"])
			}
		}
	}
	if len(seen) != len(named) {
		t.Errorf("only these were made: %v", slices.Sorted(maps.Keys(seen)))
	}
}

// TestSecretsAreNamedWhole: a secret's pattern covers no secret of another stack
// whose name is longer.
func TestSecretsAreNamedWhole(t *testing.T) {
	for name, test := range map[string]struct {
		scope, admin, secret string
		covered              bool
	}{
		"the admin's":                   {"AdminSecret", "redshift/admin", "redshift/admin-AbCdEf", true},
		"another stack's admin":         {"AdminSecret", "redshift/admin", "redshift/admin-prod-AbCdEf", false},
		"the one that Redshift keeps":   {"RedshiftSecrets", "", "redshift!ev-streaming-dev-admin-AbCdEf", true},
		"one that it keeps for another": {"RedshiftSecrets", "", "redshift!ev-streaming-prod-admin-AbCdEf", false},
		"one of another program":        {"RedshiftSecrets", "", "redshift!billing-admin-AbCdEf", false},
	} {
		t.Run(name, func(t *testing.T) {
			pattern := strings.NewReplacer("STACK", "dev", "ADMIN_SECRET", test.admin).Replace(scopes[test.scope].resources[0])
			if got := covers(t, pattern, "arn:aws:secretsmanager:REGION:ACCOUNT_ID:secret:"+test.secret); got != test.covered {
				t.Errorf("it is %v that %s covers %s", got, pattern, test.secret)
			}
		})
	}
}

// covers says whether a pattern of a policy covers a name. IAM's * covers slashes
// too, which the names here don't have.
func covers(t *testing.T, pattern, name string) bool {
	t.Helper()
	covered, err := path.Match(pattern, name)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return covered
}

// TestOtherStacksAreOutOfReach: who deploys one stack can change another's neither
// by name nor by tag. What is limited to no stack is listed, with the reason.
func TestOtherStacksAreOutOfReach(t *testing.T) {
	unlimited := map[string]string{
		"Everything":      "AWS limits these to no resource",
		"NewEndpoints":    "makes what is not there yet",
		"NewGroups":       "makes what is not there yet",
		"NewRedshift":     "makes what is not there yet",
		"NewEndpointTags": "only while it is made",
		"NewTags":         "only while it is made",
		"EndpointPlaces":  "the endpoint has to be the stack's",
		"Rules":           "the rule's group has to be the stack's",
		"Snapshots":       "makes snapshots, of the stack's namespace, and looks at them",
		"Workgroups":      "SQL asks for the stack's secret too",
		"LinkedRole":      "the account has one",
		"DataKey":         "filled in by stack",
		"DataKeyGrants":   "filled in by stack",
		"StateKey":        "filled in by stack",
		"Streams":         "filled in by stack",
		"StreamKeys":      "the stream has to be the stack's",
	}
	found := map[string]bool{}
	for _, name := range []string{"up.json", "up-options.json"} {
		var policy document
		if err := json.Unmarshal([]byte(read(t, name)), &policy); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range policy.Statement {
			tagged := s.Condition["StringEquals"]["aws:ResourceTag/pulumi:stack"] != nil || s.Condition["Null"]["aws:ResourceTag/pulumi:stack"] != nil
			named := !slices.ContainsFunc(s.Resource, func(resource string) bool { return !strings.Contains(resource, "STACK") })
			if tagged || named {
				continue
			}
			found[s.Sid] = true
			if unlimited[s.Sid] == "" {
				t.Errorf("%s: %s allows %v on %v of every stack", name, s.Sid, s.Action, s.Resource)
			}
		}
	}
	for _, sid := range slices.Sorted(maps.Keys(unlimited)) {
		if !found[sid] {
			t.Errorf("%s is listed, and no statement of that name is without a limit", sid)
		}
	}
}
