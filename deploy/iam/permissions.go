// Package iam makes the policies of who previews, deploys, queries and produces from
// what the program uses:
//
//	go test ./deploy/iam -update
//
// Their texts in capitals (REGION, ACCOUNT_ID and so on) are filled in when the
// policies are created, for each stack; README.md has the commands.
package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
	"RedshiftTags": {
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
	"LinkedRole": {
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
			"NewRedshift":  "redshift-serverless:CreateNamespace",
			"RedshiftTags": "redshift-serverless:TagResource",
			"OwnRedshift": "redshift-serverless:DeleteNamespace redshift-serverless:TagResource redshift-serverless:UntagResource " +
				"redshift-serverless:UpdateNamespace",
			"LinkedRole": "iam:CreateServiceLinkedRole",
		},
	},
	"aws:redshiftserverless/workgroup:Workgroup": {
		read: permissions{"Redshift": "redshift-serverless:GetWorkgroup redshift-serverless:ListTagsForResource"},
		write: permissions{
			"NewRedshift":  "redshift-serverless:CreateWorkgroup",
			"RedshiftTags": "redshift-serverless:TagResource",
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
	"command:local:Command schema":                   {write: appliesSQL},
	"command:local:Command warehouse-final-snapshot": {write: lastSnapshot},

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

// runsSQL is what evstream query needs. The Data API reads the secret
// in the caller's name. Statements have no ARN; each belongs to who started it.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
var runsSQL = permissions{
	"Workgroups":  "redshift-data:ExecuteStatement",
	"Everything":  "redshift-data:CancelStatement redshift-data:DescribeStatement redshift-data:GetStatementResult",
	"AdminSecret": "secretsmanager:GetSecretValue",
	"Secrets":     "secretsmanager:GetSecretValue",
}

// appliesSQL is what cmd/migrate needs: it runs batches besides.
var appliesSQL = permissions{
	"Workgroups":  "redshift-data:BatchExecuteStatement " + runsSQL["Workgroups"],
	"Everything":  runsSQL["Everything"],
	"AdminSecret": runsSQL["AdminSecret"],
	"Secrets":     runsSQL["Secrets"],
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
func policy(all []permissions, given ...document) (document, error) {
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
			return made, fmt.Errorf("no scope is named %s", sid)
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
	return made, nil
}

// policies returns the policies for who deploys, queries and produces, by file name.
// Used has the configuration that uses a resource type or a lookup: default if the
// default one does.
func policies(used map[string]string) (map[string]document, error) {
	read := []permissions{state.read, ownKey.read}
	write := []permissions{state.write}
	options := []permissions{ownKey.write, keptPassword}
	for _, token := range slices.Sorted(maps.Keys(used)) {
		need, known := needs[token]
		if !known {
			return nil, fmt.Errorf("the program uses %s: add to needs what it calls", token)
		}
		read = append(read, need.read)
		if used[token] == "default" {
			write = append(write, need.write)
		} else {
			options = append(options, need.write)
		}
	}
	query := []permissions{runsSQL, {"RedshiftSecrets": "secretsmanager:GetSecretValue", "DataKey": "kms:Decrypt"}}
	produce := []permissions{{"Streams": "kinesis:PutRecords", "DataKey": "kms:GenerateDataKey"}}
	made := map[string]document{}
	for _, file := range []struct {
		name   string
		all    []permissions
		beside []string // policies that whoever has this one has too
	}{
		{"preview.json", read, nil},
		{"up.json", write, []string{"preview.json"}},
		{"up-options.json", options, []string{"preview.json", "up.json"}},
		{"query.json", query, nil},
		{"produce.json", produce, nil},
	} {
		var given []document
		for _, name := range file.beside {
			given = append(given, made[name])
		}
		var err error
		if made[file.name], err = policy(file.all, given...); err != nil {
			return nil, err
		}
	}
	return made, nil
}
