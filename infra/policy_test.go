package infra_test

import (
	"bytes"
	"encoding/json"
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

// The policies in deploy/iam are made from the tables below by
//
//	go test ./infra -run TestDeployerPolicies -update
//
// Their texts in capitals (REGION, ACCOUNT_ID and so on) are filled in when the
// policies are created, for each stack; deploy/iam/README.md has the commands.

// A scope is what a permission is good for: resources, and a condition.
type scope struct {
	resources []string
	condition map[string]map[string][]string
}

// redshift is every namespace and workgroup.
var redshift = []string{
	"arn:aws:redshift-serverless:REGION:ACCOUNT_ID:namespace/*",
	"arn:aws:redshift-serverless:REGION:ACCOUNT_ID:workgroup/*",
}

// own is a condition that what is there was made by this stack.
var own = map[string]map[string][]string{"StringEquals": {
	"aws:ResourceTag/pulumi:project": {"ev-streaming"},
	"aws:ResourceTag/pulumi:stack":   {"STACK"},
}}

// scopes are by the Sid of their statement. Names are those that the program
// makes of project and stack.
var scopes = map[string]scope{
	// Actions that AWS lets no policy limit to a resource.
	"Everything": {resources: []string{"*"}},

	// Six characters, which Secrets Manager adds to a name. With * this would be
	// every secret whose name begins so, another stack's perhaps.
	// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
	"AdminSecret": {resources: []string{"arn:aws:secretsmanager:REGION:ACCOUNT_ID:secret:ADMIN_SECRET-??????"}},
	"Secrets":     {resources: []string{"arn:aws:secretsmanager:REGION:ACCOUNT_ID:secret:ev-streaming-STACK-*"}},
	// Redshift names the secrets that it keeps redshift!NAMESPACE-ADMIN.
	"RedshiftSecrets": {resources: []string{"arn:aws:secretsmanager:REGION:ACCOUNT_ID:secret:redshift!ev-streaming-STACK-*"}},
	"Streams":         {resources: []string{"arn:aws:kinesis:REGION:ACCOUNT_ID:stream/STREAM_NAME"}},
	// The action needs the key as a resource next to the stream. Conditions of KMS
	// do not hold for an action of Kinesis, and the key that AWS manages has an id
	// of the account's.
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonkinesisdatastreams.html
	"StreamKeys": {resources: []string{"arn:aws:kms:REGION:ACCOUNT_ID:key/*"}},
	"Roles":      {resources: []string{"arn:aws:iam::ACCOUNT_ID:role/ev-streaming-STACK-*"}},

	// Ids of namespaces and workgroups are random. They are known by their tags,
	// which no request for one that is missing can have: so everybody may look.
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshiftserverless.html
	"Redshift":    {resources: redshift},
	"NewRedshift": {resources: redshift},
	// A new one gets its tags here; one that has a stack keeps it. No condition of
	// Redshift Serverless tells the tags of a creation from later ones, so one that
	// was made by hand and has no such tag can be taken: deploy/iam/README.md.
	"NewRedshiftTags": {
		resources: redshift,
		condition: map[string]map[string][]string{"Null": {"aws:ResourceTag/pulumi:stack": {"true"}}},
	},
	"OwnRedshift": {resources: redshift, condition: own},
	"Snapshots":   {resources: []string{"arn:aws:redshift-serverless:REGION:ACCOUNT_ID:snapshot/*"}},
	"Workgroups":  {resources: []string{"arn:aws:redshift-serverless:REGION:ACCOUNT_ID:workgroup/*"}},

	// A security group is the stack's if it carries its tags, which it gets when
	// it is made.
	"NewGroups": {resources: []string{
		"arn:aws:ec2:REGION:ACCOUNT_ID:security-group/*",
		"arn:aws:ec2:REGION:ACCOUNT_ID:vpc/*",
	}},
	"NewTags": {
		resources: []string{
			"arn:aws:ec2:REGION:ACCOUNT_ID:security-group/*",
			"arn:aws:ec2:REGION:ACCOUNT_ID:security-group-rule/*",
		},
		condition: map[string]map[string][]string{"StringEquals": {"ec2:CreateAction": {
			"AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateSecurityGroup",
		}}},
	},
	"OwnGroups": {
		resources: []string{"arn:aws:ec2:REGION:ACCOUNT_ID:security-group/*"},
		condition: own,
	},
	"OwnTags": {
		resources: []string{
			"arn:aws:ec2:REGION:ACCOUNT_ID:security-group/*",
			"arn:aws:ec2:REGION:ACCOUNT_ID:security-group-rule/*",
		},
		condition: own,
	},
	"Rules": {resources: []string{"arn:aws:ec2:REGION:ACCOUNT_ID:security-group-rule/*"}},

	"NewEndpoints": {resources: []string{
		"arn:aws:ec2:REGION:ACCOUNT_ID:security-group/*",
		"arn:aws:ec2:REGION:ACCOUNT_ID:subnet/*",
		"arn:aws:ec2:REGION:ACCOUNT_ID:vpc-endpoint/*",
		"arn:aws:ec2:REGION:ACCOUNT_ID:vpc/*",
	}},
	"NewEndpointTags": {
		resources: []string{"arn:aws:ec2:REGION:ACCOUNT_ID:vpc-endpoint/*"},
		condition: map[string]map[string][]string{"StringEquals": {"ec2:CreateAction": {"CreateVpcEndpoint"}}},
	},
	"OwnEndpoints": {
		resources: []string{"arn:aws:ec2:REGION:ACCOUNT_ID:vpc-endpoint/*"},
		condition: own,
	},
	"EndpointPlaces": {resources: []string{
		"arn:aws:ec2:REGION:ACCOUNT_ID:security-group/*",
		"arn:aws:ec2:REGION:ACCOUNT_ID:subnet/*",
	}},

	// A role is handed only to the services that the program makes roles for.
	"HandOver": {
		resources: []string{"arn:aws:iam::ACCOUNT_ID:role/ev-streaming-STACK-*"},
		condition: map[string]map[string][]string{"StringEquals": {"iam:PassedToService": {
			"redshift-serverless.amazonaws.com", "redshift.amazonaws.com",
		}}},
	},
	"HandOverToScheduler": {
		resources: []string{"arn:aws:iam::ACCOUNT_ID:role/ev-streaming-STACK-*"},
		condition: map[string]map[string][]string{"StringEquals": {"iam:PassedToService": {"scheduler.amazonaws.com"}}},
	},
	// As the managed policy AmazonRedshiftFullAccess has it.
	"RedshiftsOwnRole": {
		resources: []string{"arn:aws:iam::ACCOUNT_ID:role/aws-service-role/redshift.amazonaws.com/AWSServiceRoleForRedshift"},
		condition: map[string]map[string][]string{"StringEquals": {"iam:AWSServiceName": {"redshift.amazonaws.com"}}},
	},

	"Schedules":  {resources: []string{"arn:aws:scheduler:REGION:ACCOUNT_ID:schedule/default/ev-streaming-STACK-*"}},
	"Queues":     {resources: []string{"arn:aws:sqs:REGION:ACCOUNT_ID:ev-streaming-STACK-*"}},
	"Topics":     {resources: []string{"arn:aws:sns:REGION:ACCOUNT_ID:ev-streaming-STACK-*"}},
	"Alarms":     {resources: []string{"arn:aws:cloudwatch:REGION:ACCOUNT_ID:alarm:ev-streaming-STACK-*"}},
	"Dashboards": {resources: []string{"arn:aws:cloudwatch::ACCOUNT_ID:dashboard/ev-streaming-STACK"}},

	"StateBucket": {resources: []string{"arn:aws:s3:::STATE_BUCKET"}},
	// What Pulumi keeps of a stack, and what it keeps of them all: the layout of
	// pulumi/pulumi, pkg/backend/diy/store.go, lock.go and stack_tags.go.
	"State": {resources: []string{
		"arn:aws:s3:::STATE_BUCKET/.pulumi/stacks/ev-streaming/STACK.json*",
		"arn:aws:s3:::STATE_BUCKET/.pulumi/stacks/ev-streaming/STACK.pulumi-tags",
		"arn:aws:s3:::STATE_BUCKET/.pulumi/history/ev-streaming/STACK/*",
		"arn:aws:s3:::STATE_BUCKET/.pulumi/backups/ev-streaming/STACK/*",
		"arn:aws:s3:::STATE_BUCKET/.pulumi/locks/organization/ev-streaming/STACK/*",
	}},
	"StateLayout": {resources: []string{"arn:aws:s3:::STATE_BUCKET/.pulumi/meta.yaml"}},
	"StateKey":    {resources: []string{"arn:aws:kms:REGION:ACCOUNT_ID:key/STATE_KEY_ID"}},
	"DataKey":     {resources: []string{"arn:aws:kms:REGION:ACCOUNT_ID:key/DATA_KEY_ID"}},
	// Redshift takes a grant on the key of a namespace.
	"DataKeyGrants": {
		resources: []string{"arn:aws:kms:REGION:ACCOUNT_ID:key/DATA_KEY_ID"},
		condition: map[string]map[string][]string{"Bool": {"kms:GrantIsForAWSResource": {"true"}}},
	},
}

// permissions are actions by the name of their scope, separated by spaces.
type permissions map[string]string

// A need is what the AWS provider 5.100 calls for a resource or a lookup: read
// for a preview, also one with --refresh, and write besides for up and destroy.
type need struct {
	read, write permissions
}

// needs has every type of resource and every lookup that the program uses, and
// what a deployment needs besides. The calls are those of the provider's source,
// hashicorp/terraform-provider-aws, internal/service.
var needs = map[string]need{
	"aws:kinesis/stream:Stream": {
		// Without DescribeLimits the preview doesn't say that the account's
		// limit of streams or shards is reached.
		read: permissions{
			"Streams":    "kinesis:DescribeStreamSummary kinesis:ListTagsForStream",
			"Everything": "kinesis:DescribeLimits",
		},
		// CreateStream with tags asks for AddTagsToStream and not for
		// TagResource, says the API reference.
		write: permissions{
			"Streams": "kinesis:AddTagsToStream kinesis:CreateStream kinesis:DecreaseStreamRetentionPeriod kinesis:DeleteStream " +
				"kinesis:IncreaseStreamRetentionPeriod kinesis:RemoveTagsFromStream kinesis:StartStreamEncryption kinesis:UpdateShardCount kinesis:UpdateStreamMode",
			"StreamKeys": "kinesis:StartStreamEncryption",
		},
	},
	"aws:iam/role:Role": {
		read: permissions{"Roles": "iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies"},
		write: permissions{
			"Roles": "iam:CreateRole iam:DeleteRole iam:ListInstanceProfilesForRole iam:TagRole iam:UntagRole " +
				"iam:UpdateAssumeRolePolicy iam:UpdateRoleDescription",
			"HandOver": "iam:PassRole",
		},
	},
	"aws:iam/rolePolicy:RolePolicy": {
		read:  permissions{"Roles": "iam:GetRolePolicy"},
		write: permissions{"Roles": "iam:DeleteRolePolicy iam:PutRolePolicy"},
	},
	"aws:redshiftserverless/namespace:Namespace": {
		read: permissions{"Redshift": "redshift-serverless:GetNamespace redshift-serverless:ListTagsForResource"},
		write: permissions{
			"NewRedshift":     "redshift-serverless:CreateNamespace",
			"NewRedshiftTags": "redshift-serverless:TagResource",
			"OwnRedshift": "redshift-serverless:DeleteNamespace redshift-serverless:TagResource redshift-serverless:UntagResource " +
				"redshift-serverless:UpdateNamespace",
			"RedshiftsOwnRole": "iam:CreateServiceLinkedRole",
		},
	},
	"aws:redshiftserverless/workgroup:Workgroup": {
		read: permissions{"Redshift": "redshift-serverless:GetWorkgroup redshift-serverless:ListTagsForResource"},
		write: permissions{
			"NewRedshift":     "redshift-serverless:CreateWorkgroup",
			"NewRedshiftTags": "redshift-serverless:TagResource",
			"OwnRedshift": "redshift-serverless:DeleteWorkgroup redshift-serverless:TagResource redshift-serverless:UntagResource " +
				"redshift-serverless:UpdateWorkgroup",
			// Redshift looks at the VPC in the caller's name, as the managed
			// policy AmazonRedshiftFullAccess shows.
			"Everything": "ec2:DescribeAccountAttributes ec2:DescribeAddresses ec2:DescribeAvailabilityZones ec2:DescribeInternetGateways " +
				"ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcAttribute ec2:DescribeVpcs",
		},
	},
	"aws:secretsmanager/secret:Secret": {
		read: permissions{"Secrets": "secretsmanager:DescribeSecret secretsmanager:GetResourcePolicy"},
		write: permissions{"Secrets": "secretsmanager:CreateSecret secretsmanager:DeleteSecret secretsmanager:TagResource " +
			"secretsmanager:UntagResource secretsmanager:UpdateSecret"},
	},
	"aws:secretsmanager/secretVersion:SecretVersion": {
		read:  permissions{"Secrets": "secretsmanager:GetSecretValue"},
		write: permissions{"Secrets": "secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage"},
	},
	"aws:ec2/securityGroup:SecurityGroup": {
		read: permissions{"Everything": "ec2:DescribeSecurityGroups"},
		write: permissions{
			"NewGroups": "ec2:CreateSecurityGroup",
			"NewTags":   "ec2:CreateTags",
			"OwnTags":   "ec2:CreateTags ec2:DeleteTags",
			// The rule that lets everything out, which AWS gives a new group,
			// is taken away.
			"OwnGroups":  "ec2:DeleteSecurityGroup ec2:RevokeSecurityGroupEgress",
			"Everything": "ec2:DescribeNetworkInterfaces",
		},
	},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
		read: permissions{"Everything": "ec2:DescribeSecurityGroupRules"},
		write: permissions{
			"OwnGroups": "ec2:AuthorizeSecurityGroupEgress ec2:ModifySecurityGroupRules ec2:RevokeSecurityGroupEgress",
			"Rules":     "ec2:AuthorizeSecurityGroupEgress ec2:ModifySecurityGroupRules ec2:RevokeSecurityGroupEgress",
			"NewTags":   "ec2:CreateTags",
			"OwnTags":   "ec2:CreateTags ec2:DeleteTags",
		},
	},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
		read: permissions{"Everything": "ec2:DescribeSecurityGroupRules"},
		write: permissions{
			"OwnGroups": "ec2:AuthorizeSecurityGroupIngress ec2:ModifySecurityGroupRules ec2:RevokeSecurityGroupIngress",
			"Rules":     "ec2:AuthorizeSecurityGroupIngress ec2:ModifySecurityGroupRules ec2:RevokeSecurityGroupIngress",
			"NewTags":   "ec2:CreateTags",
			"OwnTags":   "ec2:CreateTags ec2:DeleteTags",
		},
	},
	"aws:ec2/vpcEndpoint:VpcEndpoint": {
		// The subnets' addresses are read from the endpoint's interfaces.
		read: permissions{"Everything": "ec2:DescribeNetworkInterfaces ec2:DescribePrefixLists ec2:DescribeVpcEndpoints"},
		write: permissions{
			"NewEndpoints":    "ec2:CreateVpcEndpoint",
			"NewEndpointTags": "ec2:CreateTags",
			"OwnEndpoints":    "ec2:CreateTags ec2:DeleteTags ec2:DeleteVpcEndpoints ec2:ModifyVpcEndpoint",
			"EndpointPlaces":  "ec2:ModifyVpcEndpoint",
			// What makes it answer for the service's name.
			"Everything": "route53:AssociateVPCWithHostedZone",
		},
	},
	"aws:redshiftserverless/usageLimit:UsageLimit": {
		read: permissions{"Everything": "redshift-serverless:GetUsageLimit"},
		write: permissions{"Everything": "redshift-serverless:CreateUsageLimit redshift-serverless:DeleteUsageLimit " +
			"redshift-serverless:UpdateUsageLimit"},
	},
	"aws:scheduler/schedule:Schedule": {
		read: permissions{"Schedules": "scheduler:GetSchedule"},
		write: permissions{
			"Schedules":           "scheduler:CreateSchedule scheduler:DeleteSchedule scheduler:UpdateSchedule",
			"HandOverToScheduler": "iam:PassRole",
		},
	},
	"aws:sqs/queue:Queue": {
		read:  permissions{"Queues": "sqs:GetQueueAttributes sqs:ListQueueTags"},
		write: permissions{"Queues": "sqs:CreateQueue sqs:DeleteQueue sqs:SetQueueAttributes sqs:TagQueue sqs:UntagQueue"},
	},
	"aws:cloudwatch/metricAlarm:MetricAlarm": {
		read: permissions{"Alarms": "cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource"},
		write: permissions{"Alarms": "cloudwatch:DeleteAlarms cloudwatch:PutMetricAlarm cloudwatch:TagResource " +
			"cloudwatch:UntagResource"},
	},
	"aws:cloudwatch/dashboard:Dashboard": {
		read:  permissions{"Dashboards": "cloudwatch:GetDashboard"},
		write: permissions{"Dashboards": "cloudwatch:DeleteDashboards cloudwatch:PutDashboard"},
	},
	"aws:sns/topic:Topic": {
		read:  permissions{"Topics": "sns:GetTopicAttributes sns:ListTagsForResource"},
		write: permissions{"Topics": "sns:CreateTopic sns:DeleteTopic sns:SetTopicAttributes sns:TagResource sns:UntagResource"},
	},
	"aws:sns/topicSubscription:TopicSubscription": {
		// The ARN of a subscription begins with its topic's.
		read:  permissions{"Topics": "sns:GetSubscriptionAttributes sns:ListSubscriptionsByTopic"},
		write: permissions{"Topics": "sns:SetSubscriptionAttributes sns:Subscribe sns:Unsubscribe"},
	},
	// A preview runs no command; up runs cmd/migrate, and destroy cmd/snapshot.
	"command:local:Command schema":         {write: runsSQL},
	"command:local:Command final-snapshot": {write: lastSnapshot},

	"aws:ec2/getVpc:getVpc":                                {read: permissions{"Everything": "ec2:DescribeRouteTables ec2:DescribeVpcAttribute ec2:DescribeVpcs"}},
	"aws:ec2/getVpcs:getVpcs":                              {read: permissions{"Everything": "ec2:DescribeVpcs"}},
	"aws:ec2/getSubnet:getSubnet":                          {read: permissions{"Everything": "ec2:DescribeSubnets"}},
	"aws:ec2/getSubnets:getSubnets":                        {read: permissions{"Everything": "ec2:DescribeSubnets"}},
	"aws:ec2/getRouteTable:getRouteTable":                  {read: permissions{"Everything": "ec2:DescribeRouteTables"}},
	"aws:ec2/getRouteTables:getRouteTables":                {read: permissions{"Everything": "ec2:DescribeRouteTables"}},
	"aws:ec2/getVpcEndpoint:getVpcEndpoint":                {read: permissions{"Everything": "ec2:DescribePrefixLists ec2:DescribeVpcEndpoints"}},
	"aws:kinesis/getStream:getStream":                      {read: permissions{"Streams": "kinesis:DescribeStreamSummary kinesis:ListShards kinesis:ListTagsForStream"}},
	"aws:redshiftserverless/getWorkgroup:getWorkgroup":     {read: permissions{"Workgroups": "redshift-serverless:GetWorkgroup"}},
	"aws:secretsmanager/getSecret:getSecret":               {read: permissions{"AdminSecret": "secretsmanager:DescribeSecret secretsmanager:GetResourcePolicy"}},
	"aws:secretsmanager/getSecretVersion:getSecretVersion": {read: permissions{"AdminSecret": "secretsmanager:GetSecretValue"}},
	// These need no permission: the provider knows its region and partition,
	// and everybody may ask who they are.
	"aws:index/getCallerIdentity:getCallerIdentity": {},
	"aws:index/getPartition:getPartition":           {},
	"aws:index/getRegion:getRegion":                 {},
}

// runsSQL is what cmd/migrate and evstream query need. The Data API reads the secret
// in the caller's name. Statements have no ARN; each belongs to who started it.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
var runsSQL = permissions{
	"Workgroups":  "redshift-data:ExecuteStatement",
	"Everything":  "redshift-data:CancelStatement redshift-data:DescribeStatement redshift-data:GetStatementResult",
	"AdminSecret": "secretsmanager:GetSecretValue",
	"Secrets":     "secretsmanager:GetSecretValue",
}

// keptPassword is what manageAdminPassword needs besides: Redshift makes, rotates
// and deletes the secret in the caller's name, and the Data API reads it.
// https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html
var keptPassword = permissions{
	"RedshiftSecrets": "secretsmanager:CreateSecret secretsmanager:DeleteSecret secretsmanager:DescribeSecret " +
		"secretsmanager:GetSecretValue secretsmanager:RotateSecret secretsmanager:TagResource secretsmanager:UpdateSecret",
}

// lastSnapshot is what cmd/snapshot needs.
var lastSnapshot = permissions{
	"OwnRedshift": "redshift-serverless:CreateSnapshot",
	"Snapshots":   "redshift-serverless:CreateSnapshot redshift-serverless:GetSnapshot",
	"Everything":  "redshift-serverless:ListSnapshots",
}

// state is what the state of a stack needs: a bucket in S3, and a KMS key that
// encrypts its secrets.
// https://www.pulumi.com/docs/iac/concepts/state-and-backends/
var state = need{
	read:  permissions{"StateBucket": "s3:ListBucket", "State": "s3:GetObject", "StateLayout": "s3:GetObject", "StateKey": "kms:Decrypt"},
	write: permissions{"State": "s3:DeleteObject s3:PutObject", "StateKey": "kms:Encrypt"},
}

// ownKey is what the setting kmsKeyArn needs besides, and a secret that has a
// key of its own.
var ownKey = need{
	read:  permissions{"DataKey": "kms:Decrypt"},
	write: permissions{"DataKey": "kms:DescribeKey kms:GenerateDataKey", "DataKeyGrants": "kms:CreateGrant"},
}

// A statement is one of an IAM policy.
type statement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  []string                       `json:",omitempty"`
	Condition map[string]map[string][]string `json:",omitempty"`
}

type document struct {
	Version   string
	Statement []statement
}

// policy gives all these permissions, each once, without those that other
// policies give already.
func policy(t *testing.T, all []permissions, given ...document) document {
	t.Helper()
	actions := map[string][]string{}
	for _, p := range all {
		for sid, list := range p {
			actions[sid] = append(actions[sid], strings.Fields(list)...)
		}
	}
	made := document{Version: "2012-10-17"}
	for _, sid := range slices.Sorted(maps.Keys(actions)) {
		on, known := scopes[sid]
		if !known {
			t.Fatalf("no scope is named %s", sid)
		}
		list := slices.Compact(slices.Sorted(slices.Values(actions[sid])))
		for _, other := range given {
			for _, s := range other.Statement {
				if s.Sid == sid {
					list = slices.DeleteFunc(list, func(action string) bool { return slices.Contains(s.Action, action) })
				}
			}
		}
		if len(list) > 0 {
			made.Statement = append(made.Statement, statement{
				Sid: sid, Effect: "Allow", Action: list, Resource: on.resources, Condition: on.condition,
			})
		}
	}
	return made
}

// tokens are what the program used, by the keys of needs: types, lookups, and each
// command for itself, because it may do anything.
func (m *made) tokens() []string {
	tokens := slices.Clone(m.calls)
	for _, r := range m.resources {
		if r.Type == "command:local:Command" {
			tokens = append(tokens, r.Type+" "+r.Name)
			continue
		}
		tokens = append(tokens, r.Type)
	}
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

// TestDeployerPolicies: who deploys may do what the provider calls for the
// resources and the lookups of this program, and nothing else. A new type of
// resource without its permissions fails here, and so do permissions that no
// resource needs any more.
func TestDeployerPolicies(t *testing.T) {
	used := map[string]string{} // configuration by token; the default one if that uses it
	for name, settings := range configurations() {
		made, err := deploy(t, example(), settings)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range made.tokens() {
			if used[token] != "default" {
				used[token] = name
			}
		}
	}
	read := []permissions{state.read, ownKey.read}
	write := []permissions{state.write}
	options := []permissions{ownKey.write, keptPassword}
	for _, token := range slices.Sorted(maps.Keys(used)) {
		need := needs[token] // deploy has reported those that are missing
		read = append(read, need.read)
		if used[token] == "default" {
			write = append(write, need.write)
		} else {
			options = append(options, need.write)
		}
	}
	for _, token := range slices.Sorted(maps.Keys(needs)) {
		if used[token] == "" {
			t.Errorf("needs has %s, which the program uses in none of the configurations: nobody needs its permissions", token)
		}
	}

	preview := policy(t, read)
	up := policy(t, write, preview)
	policyFile(t, "preview.json", preview)
	policyFile(t, "up.json", up)
	policyFile(t, "up-options.json", policy(t, options, preview, up))
	policyFile(t, "query.json", policy(t, []permissions{runsSQL, {
		"RedshiftSecrets": "secretsmanager:GetSecretValue", "DataKey": "kms:Decrypt",
	}}))
	policyFile(t, "produce.json", policy(t, []permissions{{"Streams": "kinesis:PutRecords", "DataKey": "kms:GenerateDataKey"}}))

	for _, s := range preview.Statement {
		for _, action := range s.Action {
			_, verb, _ := strings.Cut(action, ":")
			if !regexp.MustCompile(`^(Get|List|Describe|Decrypt$)`).MatchString(verb) {
				t.Errorf("preview.json allows %s: previews run the code of pull requests and must change nothing", action)
			}
		}
	}
}

// policyFile compares with a file of deploy/iam, or writes it with -update, and
// checks what IAM asks of a managed policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func policyFile(t *testing.T, name string, made document) {
	t.Helper()
	got, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join(policies, name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the program needs (run go test ./infra -run TestDeployerPolicies -update and read the difference): -have +need\n%s", file, diff)
	}
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

const policies = "../deploy/iam"

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
		text, err := os.ReadFile(filepath.Join(policies, name))
		if err != nil {
			t.Fatal(err)
		}
		var got document
		decoder := json.NewDecoder(bytes.NewReader(text))
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
	readme, err := os.ReadFile(filepath.Join(policies, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllSubmatch(readme, -1) {
		script.Write(block[1])
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(policies)); err != nil {
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
	said, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "iam-commands.txt", string(said))

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

// TestSessionLastsAsLongAsItsJob: the role that deploys must grant the session
// that the workflow asks for.
func TestSessionLastsAsLongAsItsJob(t *testing.T) {
	asked := regexp.MustCompile(`role-duration-seconds: (\d+)`).FindStringSubmatch(workflows(t)["up.yml"])
	granted := regexp.MustCompile(`--max-session-duration (\d+)`).FindStringSubmatch(read(t, filepath.Join(policies, "README.md")))
	if asked == nil || granted == nil || asked[1] != granted[1] {
		t.Errorf("up.yml asks for a session of %q seconds, deploy/iam/README.md makes a role that grants %q", asked, granted)
	}
}

// TestWorkflowsMayLittle: a workflow has no permission that it doesn't name, no
// job can change the repository, and no code of a fork meets a secret or a role.
func TestWorkflowsMayLittle(t *testing.T) {
	for name, text := range workflows(t) {
		if !regexp.MustCompile(`(?m)^permissions:( \{\}|\n  contents: read)$`).MatchString(text) {
			t.Errorf("%s: the workflow's own permissions are not {} or contents: read", name)
		}
		for _, permission := range regexp.MustCompile(`(?m)^ +([a-z-]+: write|permissions: [a-z]+-all)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains([]string{"id-token: write", "pull-requests: write"}, permission[1]) {
				t.Errorf("%s: no workflow here needs %s", name, permission[1])
			}
		}
		for _, unsafe := range []string{"pull_request_target", "workflow_run", "secrets: inherit", "persist-credentials: true"} {
			if strings.Contains(text, unsafe) {
				t.Errorf("%s has %s", name, unsafe)
			}
		}
		const ownBranch = "if: github.event.pull_request.head.repo.full_name == github.repository"
		if strings.Contains(text, "pull_request") && strings.Contains(text, "id-token: write") && !strings.Contains(text, ownBranch) {
			t.Errorf("%s gives a role to pull requests, those of forks too: it lacks %s", name, ownBranch)
		}
		if strings.Count(text, "actions/checkout@") != strings.Count(text, "persist-credentials: false") {
			t.Errorf("%s: a checkout leaves the token in the folder: give it persist-credentials: false", name)
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
		made, err := deploy(t, example(), configurations()[configuration])
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range made.resources {
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
		"Everything":       "AWS limits these to no resource",
		"NewEndpoints":     "makes what is not there yet",
		"NewGroups":        "makes what is not there yet",
		"NewRedshift":      "makes what is not there yet",
		"NewEndpointTags":  "only while it is made",
		"NewTags":          "only while it is made",
		"EndpointPlaces":   "the endpoint has to be the stack's",
		"Rules":            "the rule's group has to be the stack's",
		"Snapshots":        "makes snapshots, of the stack's namespace, and looks at them",
		"Workgroups":       "SQL asks for the stack's secret too",
		"RedshiftsOwnRole": "the account has one",
		"DataKey":          "filled in by stack",
		"DataKeyGrants":    "filled in by stack",
		"StateKey":         "filled in by stack",
		"Streams":          "filled in by stack",
		"StreamKeys":       "the stream has to be the stack's",
	}
	found := map[string]bool{}
	for _, name := range []string{"up.json", "up-options.json"} {
		var policy document
		if err := json.Unmarshal([]byte(read(t, filepath.Join(policies, name))), &policy); err != nil {
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
