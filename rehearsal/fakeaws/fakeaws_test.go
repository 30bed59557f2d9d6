package fakeaws_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"example.com/evstream/rehearsal/fakeaws"
)

// A deployment is made, looked at, changed and taken away, and Kinesis and Redshift are
// told of it.
func TestLifeCycle(t *testing.T) {
	b := start(t)
	stream := b.mustCreate("stream", "stream", with(streamInputs(), "encryptionType", "KMS", "kmsKeyId", "alias/aws/kinesis"))
	role := b.mustCreate("role", "streaming", roleInputs())
	policy := b.mustCreate("role policy", "streaming", rolePolicyInputs())
	group := b.mustCreate("group", "warehouse", groupInputs())
	egress := b.mustCreate("egress", "out", ruleInputs(group))
	namespace := b.mustCreate("namespace", "warehouse", namespaceInputs())
	workgroup := b.mustCreate("workgroup", "warehouse", with(workgroupInputs(), "securityGroupIds", []any{string(group.id)}))
	copied := b.mustCreate("secret", "data-api", props{"name": "ev-dev-data-api", "recoveryWindowInDays": 0})
	version := b.mustCreate("secret version", "data-api", props{"secretId": string(copied.id), "secretString": secret(`{"username":"evadmin"}`)})

	for _, c := range []struct {
		name string
		made made
		want props
	}{{"a stream", stream, props{
		"arn": streamARN, "name": "ev", "encryptionType": "KMS", "kmsKeyId": "alias/aws/kinesis", "enforceConsumerDeletion": false,
		"retentionPeriod": 24.0, "streamModeDetails": props{"streamMode": "ON_DEMAND"}, "tagsAll": props{},
	}}, {"a role", role, props{
		"arn": roleARN, "name": "streaming", "assumeRolePolicy": trust, "path": "/", "maxSessionDuration": 3600.0,
		"forceDetachPolicies": false, "createDate": "2026-11-23T12:00:00Z", "uniqueId": "AROA", "tagsAll": props{},
	}}, {"a role policy", policy, props{
		"name": "read-stream", "role": "streaming", "policy": readStream,
	}}, {"a security group", group, props{
		"name": "warehouse-", "arn": "arn:aws:ec2:us-east-1:123456789012:security-group/" + string(group.id), "description": "Redshift",
		"ownerId": "123456789012", "revokeRulesOnDelete": false, "vpcId": "vpc-1", "tagsAll": props{},
	}}, {"an egress rule", egress, props{
		"arn":             "arn:aws:ec2:us-east-1:123456789012:security-group-rule/" + string(egress.id),
		"securityGroupId": string(group.id), "securityGroupRuleId": string(egress.id),
		"cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "tagsAll": props{},
	}}, {"a namespace", namespace, props{
		"arn":           "arn:aws:redshift-serverless:us-east-1:123456789012:namespace/NAMESPACE",
		"namespaceName": "ev-dev", "namespaceId": "NAMESPACE", "dbName": "dev", "adminUsername": "[secret]", "adminUserPassword": "[secret]",
		"iamRoles": []any{roleARN}, "defaultIamRoleArn": roleARN, "kmsKeyId": "AWS_OWNED_KMS_KEY",
		"logExports": []any{"userlog", "connectionlog"}, "tagsAll": props{},
	}}, {"a workgroup", workgroup, props{
		"arn":           "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/WORKGROUP",
		"workgroupName": "ev-dev", "workgroupId": "WORKGROUP", "namespaceName": "ev-dev", "baseCapacity": 8.0, "port": 5439.0,
		"enhancedVpcRouting": true, "securityGroupIds": []any{string(group.id)}, "subnetIds": []any{"subnet-a", "subnet-b", "subnet-c"}, "tagsAll": props{},
		"endpoints": []any{"ev-dev.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439"},
		"configParameters": []any{
			"auto_mv=true", "datestyle=ISO, MDY", "enable_case_sensitive_identifier=false", "enable_large_strings_opt_in=false",
			"enable_user_activity_logging=true", "max_query_execution_time=14400", "query_group=default", "require_ssl=true",
			"search_path=$user, public", "use_fips_ssl=false",
		},
	}}, {"a secret", copied, props{
		"arn": string(copied.id), "name": "ev-dev-data-api", "recoveryWindowInDays": 0.0, "forceOverwriteReplicaSecret": false, "tagsAll": props{},
	}}, {"a secret version", version, props{
		"arn": string(copied.id), "secretId": string(copied.id), "secretString": "[secret]", "versionId": "VERSION", "versionStages": []any{"AWSCURRENT"},
	}}} {
		if diff := cmp.Diff(c.want, folded(shown(c.made.state), c.want)); diff != "" {
			t.Errorf("state of %s (-want +got):\n%s", c.name, diff)
		}
	}

	stream = b.mustUpdate(stream, with(streamInputs(), "retentionPeriod", 48))
	namespace = b.mustUpdate(namespace, with(namespaceInputs(), "logExports", []any{"userlog"}))
	workgroup = b.mustUpdate(workgroup, with(workgroupInputs(), "securityGroupIds", []any{string(group.id)}, "baseCapacity", 16))
	for _, m := range []made{version, copied, workgroup, namespace, egress, group, policy, role, stream} {
		b.mustDelete(m)
	}

	id := namespace.state["namespaceId"].StringValue()
	full := "{Name:ev-dev ID:" + id + " ARN:arn:aws:redshift-serverless:us-east-1:123456789012:namespace/" + id + " Database:dev AdminUser:evadmin AdminPassword:" +
		password + " IAMRoles:[" + roleARN + "] DefaultRole:" + roleARN + " LogExports:"
	want := []string{
		"create stream {Name:ev ARN:" + streamARN + " Mode:ON_DEMAND Shards:0 RetentionHours:24 KMSKey: Tags:map[]}",
		"update stream {Name:ev ARN:" + streamARN + " Mode:ON_DEMAND Shards:0 RetentionHours:24 KMSKey: Tags:map[]}",
		"update stream {Name:ev ARN:" + streamARN + " Mode:ON_DEMAND Shards:0 RetentionHours:24 KMSKey:alias/aws/kinesis Tags:map[]}",
		"create namespace " + full + "[connectionlog userlog]}",
		"create workgroup ev-dev of ev-dev with 8 RPU",
		"update stream {Name:ev ARN:" + streamARN + " Mode:ON_DEMAND Shards:0 RetentionHours:48 KMSKey:alias/aws/kinesis Tags:map[]}",
		"update stream {Name:ev ARN:" + streamARN + " Mode:ON_DEMAND Shards:0 RetentionHours:48 KMSKey: Tags:map[]}",
		"update namespace " + full + "[userlog]}",
		"update workgroup ev-dev to 16 RPU",
		"delete workgroup ev-dev",
		"delete namespace ev-dev",
		"delete stream ev",
	}
	if diff := cmp.Diff(want, b.outside.asked); diff != "" {
		t.Errorf("Kinesis and Redshift were asked (-want +got):\n%s", diff)
	}
	for _, left := range b.account.Resources() {
		if left.Properties["name"] != "redshift/admin" && !strings.Contains(left.ID, "redshift/admin") {
			t.Errorf("%s %s is left over", left.Type, left.ID)
		}
	}
}

// folded shortens what a test need not spell out: made-up ids, endpoints, parameters.
func folded(state, like props) props {
	for key, value := range state {
		switch wanted, _ := like[key].(string); {
		case key == "namespaceId" || key == "workgroupId" || key == "versionId":
			for other, text := range state {
				if text, ok := text.(string); ok {
					state[other] = strings.ReplaceAll(text, value.(string), wanted)
				}
			}
		case key == "name" && strings.HasSuffix(wanted, "-") || key == "uniqueId":
			state[key] = value.(string)[:len(wanted)]
		case key == "endpoints":
			endpoint := value.([]any)[0].(props)
			if endpoint["port"] == 5439.0 {
				state[key] = []any{endpoint["address"].(string) + ":5439"}
			}
		case key == "configParameters":
			list := []any{}
			for _, item := range value.([]any) {
				list = append(list, item.(props)["parameterKey"].(string)+"="+item.(props)["parameterValue"].(string))
			}
			state[key] = list
		}
	}
	return state
}

// What the provider itself refuses fails in a preview, before anything is made.
func TestRefusedInPreview(t *testing.T) {
	group := made{id: "sg-1"}
	for _, c := range []struct {
		name string
		kind string
		in   props
		want string
	}{
		{"an input it does not know", "stream", with(streamInputs(), "shardLevelMetrics", []any{"x"}), "the stand-in does not support the input shardLevelMetrics of aws:kinesis/stream:Stream"},
		{"an output as an input", "stream", with(streamInputs(), "arn", streamARN), "the stand-in does not support the input arn"},
		{"a missing input", "workgroup", with(workgroupInputs(), "namespaceName", nil), `The argument "namespaceName" is required`},
		{"a text for a number", "stream", with(streamInputs(), "retentionPeriod", "48"), "retentionPeriod: it takes a whole number"},
		{"half a number", "stream", with(streamInputs(), "retentionPeriod", 24.5), "retentionPeriod: it takes a whole number"},
		{"an unknown part of an object", "stream", with(streamInputs(), "streamModeDetails", props{"mode": "x"}), "streamModeDetails: it takes an object"},
		{"a stream's retention", "stream", with(streamInputs(), "retentionPeriod", 23), "range (24 - 8760), got 23"},
		{"a stream's mode", "stream", with(streamInputs(), "streamModeDetails", props{"streamMode": "SOMETIMES"}), "got SOMETIMES"},
		{"shards of an on-demand stream", "stream", with(streamInputs(), "shardCount", 2), "shard_count must not be set when stream_mode is ON_DEMAND"},
		{"no shards of a provisioned stream", "stream", props{"name": "ev"}, "shard_count must be at least 1 when stream_mode is PROVISIONED"},
		{"a role's name", "role", with(roleInputs(), "name", "a/b"), `invalid value "a/b"`},
		{"a trust policy that is no JSON", "role", with(roleInputs(), "assumeRolePolicy", "{"), "contains an invalid JSON policy"},
		{"a group's description", "group", with(groupInputs(), "description", "Größe"), "it must match"},
		{"a rule without a peer", "egress", with(ruleInputs(group), "cidrIpv4", nil), "exactly one of"},
		{"a rule with two peers", "egress", with(ruleInputs(group), "referencedSecurityGroupId", "sg-1"), "exactly one of"},
		{"a CIDR with host bits", "ingress", with(ruleInputs(group), "cidrIpv4", "10.0.0.1/8"), `"10.0.0.1/8" is not a valid CIDR block`},
		{"a role that is no ARN", "namespace", with(namespaceInputs(), "iamRoles", []any{"streaming"}), "iamRoles: (streaming) is an invalid ARN"},
		{"a KMS key that is no ARN", "namespace", with(namespaceInputs(), "kmsKeyId", "alias/x"), "kmsKeyId: (alias/x) is an invalid ARN"},
		{"a log", "namespace", with(namespaceInputs(), "logExports", []any{"syslog"}), "got syslog"},
		{
			"a parameter that AWS returns and the provider does not know", "workgroup",
			with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "enable_large_strings_opt_in", "parameterValue": "false"}}),
			"got enable_large_strings_opt_in",
		},
		{"a recovery window", "secret", props{"recoveryWindowInDays": 3}, "range (7 - 30), got 3"},
		{"an unmarked password", "namespace", with(namespaceInputs(), "adminUserPassword", password), "adminUserPassword: the stand-in refuses a secret that is not marked as one"},
		{"an unmarked secret", "secret version", props{"secretId": "x", "secretString": "x"}, "secretString: the stand-in refuses a secret that is not marked as one"},
		{"a password in another input", "role", with(roleInputs(), "description", "password "+password), "description: it holds what is in a secret"},
		{"a password in a list", "namespace", with(namespaceInputs(), "tags", props{"x": password}), "tags: it holds what is in a secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			_, err := b.create(c.kind, "x", c.in)
			wantError(t, err, c.want)
			if strings.Contains(err.Error(), password) && c.name != "a password in another input" {
				t.Error("the error shows the password")
			}
			if _, ours := errors.AsType[refused](err); !ours && !strings.HasPrefix(err.Error(), "preview: ") {
				t.Errorf("it was refused only when it was made: %v", err)
			}
		})
	}
}

// What only AWS refuses passes a preview and fails when the resource is made.
func TestRefusedByAWS(t *testing.T) {
	inVPC := func(b *bench) made { return b.mustCreate("group", "g", groupInputs()) }
	housed := func(b *bench) { b.mustCreate("namespace", "n", namespaceInputs()) }
	for _, c := range []struct {
		name  string
		given func(*bench)
		kind  string
		in    func(*bench) props
		want  string
	}{
		{
			name: "a stream of the same name", given: func(b *bench) { b.mustCreate("stream", "s", streamInputs()) },
			kind: "stream", in: func(*bench) props { return streamInputs() },
			want: "creating Kinesis Stream (ev): operation error Kinesis: CreateStream, https response error StatusCode: 400, RequestID: stand-in, " +
				"ResourceInUseException: Stream ev under account 123456789012 already exists.",
		},
		{
			name: "a stream's name", kind: "stream", in: func(*bench) props { return with(streamInputs(), "name", "ev stream") },
			want: "ValidationException: 1 validation error detected: Value 'ev stream' at 'streamName' failed to satisfy constraint",
		},
		{
			name: "a role of the same name", given: func(b *bench) { b.mustCreate("role", "r", roleInputs()) },
			kind: "role", in: func(*bench) props { return roleInputs() },
			want: "EntityAlreadyExists: Role with name streaming already exists.",
		},
		{
			name: "a trust policy without a principal", kind: "role",
			in: func(*bench) props {
				return with(roleInputs(), "assumeRolePolicy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`)
			},
			want: "MalformedPolicyDocument: Missing required field Principal",
		},
		{
			name: "a trust policy over 2,048 characters", kind: "role",
			in: func(*bench) props {
				long := strings.Repeat(`,"redshift.amazonaws.com"`, 100)
				return with(roleInputs(), "assumeRolePolicy", strings.Replace(trust, `"]}`, `"`+long+`]}`, 1))
			},
			want: "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048",
		},
		{
			name: "a policy of no role", kind: "role policy", in: func(*bench) props { return rolePolicyInputs() },
			want: "NoSuchEntity: The role with name streaming cannot be found.",
		},
		{
			name: "a policy with a resource that is no ARN", given: func(b *bench) { b.mustCreate("role", "r", roleInputs()) },
			kind: "role policy", in: func(*bench) props {
				return with(rolePolicyInputs(), "policy", strings.Replace(readStream, streamARN, "ev", 1))
			},
			want: `MalformedPolicyDocument: Resource ev must be in ARN format or "*".`,
		},
		{
			name: "a policy that the stand-in can't evaluate", given: func(b *bench) { b.mustCreate("role", "r", roleInputs()) },
			kind: "role policy", in: func(*bench) props {
				return with(rolePolicyInputs(), "policy", strings.Replace(readStream, `"Resource":"*"`, `"NotResource":"*"`, 1))
			},
			want: `the stand-in does not support this policy: json: unknown field "NotResource"`,
		},
		{
			name: "a group in no VPC", kind: "group", in: func(*bench) props { return with(groupInputs(), "vpcId", "vpc-9") },
			want: "InvalidVpcID.NotFound: The vpc ID 'vpc-9' does not exist",
		},
		{
			name: "a group of the same name", given: func(b *bench) { b.mustCreate("group", "g", with(groupInputs(), "name", "x")) },
			kind: "group", in: func(*bench) props { return with(groupInputs(), "name", "x") },
			want: "InvalidGroup.Duplicate",
		},
		{
			name: "a rule of no group", kind: "egress", in: func(*bench) props { return ruleInputs(made{id: "sg-9"}) },
			want: "InvalidGroup.NotFound: The security group 'sg-9' does not exist",
		},
		{
			name: "a rule without ports", kind: "egress", in: func(b *bench) props { return with(ruleInputs(inVPC(b)), "toPort", nil) },
			want: "Must specify both from and to ports",
		},
		{
			name: "a rule for everything with ports", kind: "egress", in: func(b *bench) props { return with(ruleInputs(inVPC(b)), "ipProtocol", "-1") },
			want: "give no fromPort and toPort",
		},
		{
			name: "a rule twice", kind: "egress", in: func(b *bench) props {
				rule := ruleInputs(inVPC(b))
				b.mustCreate("egress", "e", rule)
				return rule
			},
			want: "InvalidPermission.Duplicate",
		},
		{
			name: "a namespace of the same name", given: housed, kind: "namespace", in: func(*bench) props { return namespaceInputs() },
			want: "ConflictException: Namespace ev-dev already exists.",
		},
		{
			name: "a namespace's name", kind: "namespace", in: func(*bench) props { return with(namespaceInputs(), "namespaceName", "EV") },
			want: "Value 'EV' at 'namespaceName' failed to satisfy constraint",
		},
		{
			name: "a database's name", kind: "namespace", in: func(*bench) props { return with(namespaceInputs(), "dbName", "ev-db") },
			want: `Invalid database name "ev-db"`,
		},
		{
			name: "an admin's name", kind: "namespace", in: func(*bench) props { return with(namespaceInputs(), "adminUsername", secret("Admin")) },
			want: "Invalid admin user name",
		},
		{
			name: "a password without a digit", kind: "namespace",
			in:   func(*bench) props { return with(namespaceInputs(), "adminUserPassword", secret("Plain-Text")) },
			want: "at least one upper-case letter, one lower-case letter and one digit",
		},
		{
			name: "a password with an at sign", kind: "namespace",
			in:   func(*bench) props { return with(namespaceInputs(), "adminUserPassword", secret("Plain@Text1")) },
			want: "only ASCII characters from 33 to 126 except",
		},
		{
			name: "a default role that is not among the roles", kind: "namespace",
			in:   func(*bench) props { return with(namespaceInputs(), "iamRoles", nil) },
			want: "must be in the list of IAM roles",
		},
		{
			name: "a workgroup without a namespace", kind: "workgroup", in: func(*bench) props { return workgroupInputs() },
			want: "ResourceNotFoundException: The namespace ev-dev was not found.",
		},
		{
			name: "a second workgroup of a namespace", kind: "workgroup",
			given: func(b *bench) { housed(b); b.mustCreate("workgroup", "w", workgroupInputs()) },
			in:    func(*bench) props { return with(workgroupInputs(), "workgroupName", "other") },
			want:  "ConflictException: The namespace ev-dev is associated with the workgroup ev-dev.",
		},
		{
			name: "a capacity between the steps", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "baseCapacity", 12) },
			want: "Invalid base capacity 12",
		},
		{
			name: "a limit under the base capacity", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "baseCapacity", 16, "maxCapacity", 8) },
			want: "Invalid max capacity 8",
		},
		{
			name: "a port", given: housed, kind: "workgroup", in: func(*bench) props { return with(workgroupInputs(), "port", 5456) },
			want: "Invalid port 5456",
		},
		{
			name: "two zones with enhanced routing", given: housed, kind: "workgroup",
			in: func(*bench) props {
				return with(workgroupInputs(), "subnetIds", []any{"subnet-c", "subnet-b", "subnet-p"})
			},
			want: "needs 3 subnets in 3 Availability Zones; these are in us-east-1b, us-east-1c.",
		},
		{
			name: "one zone without enhanced routing", given: housed, kind: "workgroup",
			in: func(*bench) props {
				return with(workgroupInputs(), "subnetIds", []any{"subnet-c", "subnet-p"}, "enhancedVpcRouting", false)
			},
			want: "needs 2 subnets in 2 Availability Zones; these are in us-east-1c.",
		},
		{
			name: "too few addresses for the capacity", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "baseCapacity", 128) },
			want: "The subnet subnet-a has 30 free IP addresses; 128 RPU with enhanced VPC routing true need 37.",
		},
		{
			name: "too few addresses for the default capacity", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "baseCapacity", nil) },
			want: "128 RPU with enhanced VPC routing true need 37.",
		},
		{
			name: "a subnet that is not there", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "subnetIds", []any{"subnet-9"}) },
			want: "The subnet ID 'subnet-9' does not exist.",
		},
		{
			name: "subnets of two VPCs", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "subnetIds", []any{"subnet-a", "subnet-2"}) },
			want: "The subnets are in more than one VPC",
		},
		{
			name: "a default VPC that is too small", given: housed, kind: "workgroup",
			in:   func(*bench) props { return with(workgroupInputs(), "subnetIds", nil) },
			want: "these are in us-east-1a.",
		},
		{
			name: "a group of another VPC", given: housed, kind: "workgroup",
			in: func(b *bench) props {
				other := b.mustCreate("group", "g", with(groupInputs(), "vpcId", nil))
				return with(workgroupInputs(), "securityGroupIds", []any{string(other.id)})
			},
			want: "does not exist in vpc-1.",
		},
		{
			name: "a secret of the same name", kind: "secret", in: func(*bench) props { return props{"name": "redshift/admin"} },
			want: "ResourceExistsException",
		},
		{
			name: "the name of a secret deleted with a recovery window", kind: "secret",
			given: func(b *bench) { b.mustDelete(b.mustCreate("secret", "s", props{"name": "s"})) },
			in:    func(*bench) props { return props{"name": "s"} },
			want:  "already scheduled for deletion",
		},
		{
			name: "a value for no secret", kind: "secret version",
			in:   func(*bench) props { return props{"secretId": "none", "secretString": secret("x")} },
			want: "Secrets Manager can't find the specified secret.",
		},
		{
			name: "a reserved tag", kind: "stream", in: func(*bench) props { return with(streamInputs(), "tags", props{"aws:x": "y"}) },
			want: "keys that begin with aws: are reserved",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			if c.given != nil {
				c.given(b)
			}
			in := c.in(b)
			before := len(b.account.Resources())
			_, err := b.create(c.kind, "x", in)
			wantError(t, err, c.want)
			if _, ours := errors.AsType[refused](err); ours || strings.HasPrefix(err.Error(), "preview: ") {
				t.Errorf("it was refused in the preview already: %v", err)
			}
			if after := len(b.account.Resources()); after != before {
				t.Errorf("the account has %d resources, had %d", after, before)
			}
		})
	}
}

// What a change of inputs changes, and what of it needs a new resource.
func TestDiff(t *testing.T) {
	namespaced := func(b *bench) { b.mustCreate("namespace", "n", namespaceInputs()) }
	for _, c := range []struct {
		name        string
		given       func(*bench)
		kind        string
		old, new    props
		ignore      []string
		want        map[string]string
		deleteFirst bool
	}{
		{name: "nothing", kind: "stream", old: streamInputs(), new: streamInputs()},
		{
			name: "the provider's default, spelt out", kind: "stream", old: streamInputs(), new: with(streamInputs(), "retentionPeriod", 24),
		},
		{
			name: "retention", kind: "stream", old: streamInputs(), new: with(streamInputs(), "retentionPeriod", 48),
			want: map[string]string{"retentionPeriod": "update"},
		},
		{
			name: "another mode in place", kind: "stream", old: streamInputs(),
			new:  with(streamInputs(), "streamModeDetails", props{"streamMode": "PROVISIONED"}, "shardCount", 2),
			want: map[string]string{"streamModeDetails.streamMode": "update", "shardCount": "add"},
		},
		{
			name: "a mode left out keeps the old one", kind: "stream", old: streamInputs(), new: with(streamInputs(), "shardCount", 1, "streamModeDetails", nil),
			want: map[string]string{"shardCount": "add"},
		},
		{
			name: "a given name", kind: "stream", old: streamInputs(), new: with(streamInputs(), "name", "other"),
			want: map[string]string{"name": "update-replace"}, deleteFirst: true,
		},
		{
			name: "a made-up name stays", kind: "group", old: groupInputs(), new: with(groupInputs(), "tags", props{"a": "b"}),
			want: map[string]string{"tags": "add"},
		},
		{
			name: "a replacement under a made-up name", kind: "group", old: groupInputs(), new: with(groupInputs(), "description", "other"),
			want: map[string]string{"description": "update-replace"},
		},
		{
			name: "tags one by one", kind: "stream",
			old:  with(streamInputs(), "tags", props{"kept": "1", "changed": "1", "gone": "1"}),
			new:  with(streamInputs(), "tags", props{"kept": "1", "changed": "2", "pulumi:stack": "dev"}),
			want: map[string]string{"tags.changed": "update", "tags.gone": "delete", `tags["pulumi:stack"]`: "add"},
		},
		{
			name: "a policy that means the same", kind: "role", old: roleInputs(),
			new: with(roleInputs(), "assumeRolePolicy", strings.ReplaceAll(trust, `,"`, `, "`)),
		},
		{
			name: "a policy", kind: "role", old: roleInputs(), new: with(roleInputs(), "assumeRolePolicy", strings.Replace(trust, "redshift-serverless", "ec2", 1)),
			want: map[string]string{"assumeRolePolicy": "update"},
		},
		{
			name: "an input that is not known yet", kind: "role", old: roleInputs(), new: with(roleInputs(), "assumeRolePolicy", unknown),
			want: map[string]string{"assumeRolePolicy": "update"},
		},
		{
			name: "a list in another order", kind: "namespace", old: namespaceInputs(),
			new: with(namespaceInputs(), "logExports", []any{"connectionlog", "userlog"}),
		},
		{
			name: "a list", kind: "namespace", old: namespaceInputs(), new: with(namespaceInputs(), "logExports", []any{"userlog"}),
			want: map[string]string{"logExports": "update"},
		},
		{
			name: "a list that AWS does not fill in, left out", kind: "namespace", old: namespaceInputs(), new: with(namespaceInputs(), "logExports", nil),
			want: map[string]string{"logExports": "delete"},
		},
		{
			name: "what AWS fills in, left out", kind: "namespace", old: namespaceInputs(),
			new: with(namespaceInputs(), "dbName", nil, "iamRoles", nil, "adminUsername", nil),
		},
		{
			name: "a database", kind: "namespace", old: namespaceInputs(), new: with(namespaceInputs(), "dbName", "other"),
			// The program has to ask for the deletion to go first.
			want: map[string]string{"dbName": "update-replace"},
		},
		{
			name: "parameters that are not all", given: namespaced, kind: "workgroup",
			old:  with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
			new:  with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
			want: map[string]string{"configParameters": "update"},
		},
		{
			name: "the same, ignored", given: namespaced, kind: "workgroup", ignore: []string{"configParameters"},
			old: with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
			new: with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
		},
		{name: "parameters left out", given: namespaced, kind: "workgroup", old: workgroupInputs(), new: workgroupInputs()},
		{
			name: "a limit taken away", given: namespaced, kind: "workgroup", old: with(workgroupInputs(), "maxCapacity", 32), new: workgroupInputs(),
			want: map[string]string{"maxCapacity": "delete"},
		},
		{
			name: "routing left out is false", given: namespaced, kind: "workgroup",
			old: with(workgroupInputs(), "enhancedVpcRouting", false), new: with(workgroupInputs(), "enhancedVpcRouting", nil),
		},
		{
			name: "a secret's value", kind: "secret version",
			old:  props{"secretId": "redshift/admin", "secretString": secret("one")},
			new:  props{"secretId": "redshift/admin", "secretString": secret("two")},
			want: map[string]string{"secretString": "update-replace"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			if c.given != nil {
				c.given(b)
			}
			got, deleteFirst, err := b.diff(b.mustCreate(c.kind, "x", c.old), c.new, c.ignore...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if deleteFirst != c.deleteFirst {
				t.Errorf("delete before replace is %t, want %t", deleteFirst, c.deleteFirst)
			}
		})
	}
}

// Updates that AWS refuses, though the preview shows them.
func TestRefusedUpdates(t *testing.T) {
	const other = "arn:aws:iam::123456789012:role/other"
	for _, c := range []struct {
		name     string
		kind     string
		old, new props
		ignore   []string
		want     string // "" is success
	}{
		{
			name: "only the default role", kind: "namespace",
			old:  with(namespaceInputs(), "iamRoles", []any{roleARN, other}),
			new:  with(namespaceInputs(), "iamRoles", []any{roleARN, other}, "defaultIamRoleArn", other),
			want: "ValidationException: When you specify the default IAM role, you must specify the entire list of IAM roles.",
		},
		{
			name: "the default role with the list", kind: "namespace", old: namespaceInputs(),
			new: with(namespaceInputs(), "iamRoles", []any{roleARN, other}, "defaultIamRoleArn", other),
		},
		{
			name: "the admin's name without a password", kind: "namespace", old: namespaceInputs(),
			new:  with(namespaceInputs(), "adminUsername", secret("boss"), "adminUserPassword", nil),
			want: "Value at 'adminUserPassword' failed to satisfy constraint: Member must have length greater than or equal to 8",
		},
		{
			name: "the password", kind: "namespace", old: namespaceInputs(), new: with(namespaceInputs(), "adminUserPassword", secret("Other-Password-2")),
		},
		{
			name: "the password and the logs", kind: "namespace", old: namespaceInputs(),
			new:  with(namespaceInputs(), "adminUserPassword", secret("Other-Password-2"), "logExports", []any{"userlog"}),
			want: "ValidationException: Amazon Redshift Serverless can't update multiple configurations at the same time for namespace ev-dev.",
		},
		{
			name: "parameters that are not all", kind: "workgroup",
			old:  with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
			new:  with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
			want: "ValidationException: You didn't specify any changes to the configuration parameters.",
		},
		{
			name: "the same ignored, and a capacity", kind: "workgroup", ignore: []string{"configParameters"},
			old: with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}),
			new: with(workgroupInputs(), "configParameters", []any{props{"parameterKey": "require_ssl", "parameterValue": "true"}}, "baseCapacity", 16),
		},
		{
			name: "a capacity for which the addresses left are too few", kind: "workgroup", old: workgroupInputs(),
			new:  with(workgroupInputs(), "baseCapacity", 128),
			want: "The subnet subnet-a has 21 free IP addresses; 128 RPU with enhanced VPC routing true need 28.",
		},
		{name: "a capacity for which they suffice", kind: "workgroup", old: workgroupInputs(), new: with(workgroupInputs(), "baseCapacity", 64)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			if c.kind == "workgroup" {
				b.mustCreate("namespace", "n", namespaceInputs())
			}
			m := b.mustCreate(c.kind, "x", c.old)
			before, _, err := b.diff(m, c.new, c.ignore...)
			if err != nil || len(before) == 0 {
				t.Fatalf("the preview shows %v, %v; want a change", before, err)
			}
			m, err = b.update(m, c.new, c.ignore...)
			if c.want != "" {
				wantError(t, err, c.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if left, _, err := b.diff(m, c.new, c.ignore...); err != nil || len(left) > 0 {
				t.Errorf("after the update the preview shows %v, %v; want nothing", left, err)
			}
		})
	}
}

func TestOrderOfDeletion(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(*bench) (first, then made)
		want string
	}{
		{"a namespace with a workgroup", func(b *bench) (made, made) {
			namespace := b.mustCreate("namespace", "n", namespaceInputs())
			return namespace, b.mustCreate("workgroup", "w", workgroupInputs())
		}, "ConflictException"},
		{"a role with a policy", func(b *bench) (made, made) {
			role := b.mustCreate("role", "r", roleInputs())
			return role, b.mustCreate("role policy", "p", rolePolicyInputs())
		}, "DeleteConflict: Cannot delete entity, must delete policies first."},
		{"a group that a rule names", func(b *bench) (made, made) {
			group, other := b.mustCreate("group", "a", groupInputs()), b.mustCreate("group", "b", groupInputs())
			return group, b.mustCreate("ingress", "i", with(ruleInputs(other), "cidrIpv4", nil, "referencedSecurityGroupId", string(group.id)))
		}, "DependencyViolation"},
		{"a group that a workgroup uses", func(b *bench) (made, made) {
			b.mustCreate("namespace", "n", namespaceInputs())
			group := b.mustCreate("group", "a", groupInputs())
			return group, b.mustCreate("workgroup", "w", with(workgroupInputs(), "securityGroupIds", []any{string(group.id)}))
		}, "DependencyViolation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			first, then := c.make(b)
			wantError(t, b.delete(first), c.want)
			b.mustDelete(then)
			b.mustDelete(first)
			b.mustDelete(first) // what is gone is gone
		})
	}
}

func TestPreview(t *testing.T) {
	b := start(t)
	inputs, err := b.check(urn("namespace", "n"), nil, with(namespaceInputs(), "iamRoles", []any{unknown}, "defaultIamRoleArn", unknown))
	if err != nil {
		t.Fatal(err)
	}
	created, err := b.engine.Create(t.Context(), plugin.CreateRequest{URN: urn("namespace", "n"), Properties: inputs, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	want := props{
		"namespaceName": "ev-dev", "dbName": "dev", "adminUsername": "[secret]", "adminUserPassword": "[secret]",
		"iamRoles": []any{"[unknown]"}, "defaultIamRoleArn": "[unknown]", "logExports": []any{"userlog", "connectionlog"},
		"arn": "[unknown]", "namespaceId": "[unknown]", "kmsKeyId": "[unknown]", "tagsAll": props{},
		"adminPasswordSecretArn": "[unknown]", "adminPasswordSecretKmsKeyId": "[unknown]",
	}
	if diff := cmp.Diff(want, shown(created.Properties)); diff != "" {
		t.Errorf("preview of a creation (-want +got):\n%s", diff)
	}
	if len(b.outside.asked) > 0 {
		t.Errorf("the preview asked Redshift: %q", b.outside.asked)
	}

	m := b.mustCreate("namespace", "n", namespaceInputs())
	inputs, err = b.check(m.urn, m.inputs, with(namespaceInputs(), "logExports", []any{unknown}))
	if err != nil {
		t.Fatal(err)
	}
	updated, err := b.engine.Update(t.Context(), plugin.UpdateRequest{
		URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: inputs, Preview: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	want = shown(m.state)
	want["logExports"] = []any{"[unknown]"}
	if diff := cmp.Diff(want, shown(updated.Properties)); diff != "" {
		t.Errorf("preview of an update (-want +got):\n%s", diff)
	}
}

func TestDefaultTags(t *testing.T) {
	// The engine hands the setting over as JSON.
	b := startWith(t, props{"region": "us-east-1", "defaultTags": `{"tags":{"environment":"dev","team":"data"}}`}, fakeaws.Options{})
	for _, c := range []struct {
		name string
		own  props
		want props
	}{
		{"none of its own", nil, props{"environment": "dev", "team": "data"}},
		{"its own win", props{"team": "ev", "x": "y"}, props{"environment": "dev", "team": "ev", "x": "y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := with(streamInputs(), "name", strings.ReplaceAll(c.name, " ", "-"))
			if c.own != nil {
				in["tags"] = c.own
			}
			m := b.mustCreate("stream", "s", in)
			state := shown(m.state)
			if diff := cmp.Diff([]any{c.want, c.want}, []any{state["tags"], state["tagsAll"]}); diff != "" {
				t.Errorf("tags and tagsAll (-want +got):\n%s", diff)
			}
			if changes, _, err := b.diff(m, in); err != nil || changes != nil {
				t.Errorf("the next preview shows %v, %v", changes, err)
			}
		})
	}
	b.mustCreate("role", "r", roleInputs())
	if state := shown(b.mustCreate("role policy", "p", rolePolicyInputs()).state); state["tags"] != nil {
		t.Errorf("a policy has no tags, but got %v", state["tags"])
	}
}

// Two engines at work on one account at the same time.
func TestTwoEngines(t *testing.T) {
	dev := startWith(t, props{"region": "us-east-1", "defaultTags": `{"tags":{"environment":"dev"}}`}, fakeaws.Options{})
	prod := dev.another(props{"region": "us-east-1", "defaultTags": `{"tags":{"environment":"prod"}}`})
	for name, c := range map[string]struct {
		engine *bench
		want   props
	}{"dev": {dev, props{"environment": "dev"}}, "prod": {prod, props{"environment": "prod"}}} {
		m := c.engine.mustCreate("stream", name, with(streamInputs(), "name", name))
		if diff := cmp.Diff(c.want, shown(m.state)["tags"]); diff != "" {
			t.Errorf("tags of the stream of %s (-want +got):\n%s", name, diff)
		}
	}
	_, err := prod.create("stream", "s", with(streamInputs(), "name", "dev"))
	wantError(t, err, "Stream dev under account 123456789012 already exists.")

	// A cancellation ends what its engine waits for, and nothing else.
	hold, held := make(chan struct{}), make(chan struct{}, 2)
	dev.server.Control(fakeaws.Create, "", func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		held <- struct{}{}
		return &fakeaws.Fault{Hold: hold}
	})
	ended := map[*bench]chan error{dev: make(chan error), prod: make(chan error)}
	for engine, done := range ended {
		go func() {
			_, err := engine.create("role", "r", with(roleInputs(), "name", fmt.Sprintf("%p", engine)))
			done <- err
		}()
	}
	<-held
	<-held
	cancelUntil(dev, ended[dev])
	close(hold)
	if err := <-ended[prod]; err != nil {
		t.Errorf("the cancellation of dev ended what prod did: %v", err)
	}
}

func TestProviderSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		in   props
		want string // "" is success
	}{
		{"all that are known", props{
			"region": "us-east-1", "profile": "dev", "skipCredentialsValidation": "true", "allowedAccountIds": `["123456789012"]`, "version": "6.83.2",
		}, ""},
		{"no region", props{"profile": "dev"}, "invalid AWS Region: it is not set"},
		{"another region", props{"region": "eu-west-1"}, "aws:region is eu-west-1: the stand-in's account is in us-east-1"},
		{"another account", props{"region": "us-east-1", "allowedAccountIds": `["1"]`}, "AWS account ID not allowed: 123456789012"},
		{"one that is not supported", props{"region": "us-east-1", "accessKey": "x"}, "the stand-in does not support the provider setting aws:accessKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := startWith(t, c.in, fakeaws.Options{}).create("stream", "s", streamInputs())
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnsupported(t *testing.T) {
	b := start(t)
	_, err := b.engine.Check(t.Context(), plugin.CheckRequest{URN: "urn:pulumi:dev::ev::aws:s3/bucket:Bucket::b", News: resource.PropertyMap{}})
	wantError(t, err, "the stand-in does not support the resource type aws:s3/bucket:Bucket")
	for _, c := range []struct {
		token string
		args  props
		want  string
	}{
		{"aws:s3/getBucket:getBucket", nil, "the stand-in does not support the lookup aws:s3/getBucket:getBucket"},
		{"aws:ec2/getVpc:getVpc", props{"state": "available"}, "the stand-in does not support the argument state of the lookup aws:ec2/getVpc:getVpc"},
		{
			"aws:ec2/getSubnets:getSubnets", props{"filters": []any{props{"name": "owner-id", "values": []any{"x"}}}},
			"the stand-in does not support the filter owner-id",
		},
	} {
		_, err := b.look(c.token, c.args)
		wantError(t, err, c.want)
	}
}

func (b *bench) look(token string, args props) (props, error) {
	found, err := b.engine.Invoke(b.Context(), plugin.InvokeRequest{Tok: tokens.ModuleMember(token), Args: resource.NewPropertyMapFromMap(args)})
	return shown(found.Properties), err
}

// What a refresh finds of changes behind the engine's back.
func TestRefresh(t *testing.T) {
	b := start(t)
	m := b.mustCreate("namespace", "n", with(namespaceInputs(), "tags", props{"a": "b"}))
	look := func() plugin.ReadResponse {
		t.Helper()
		found, err := b.engine.Read(t.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, State: m.state})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	same := look()
	if diff := cmp.Diff([]props{shown(m.inputs), shown(m.state)}, []props{shown(same.Inputs), shown(same.Outputs)}); diff != "" {
		t.Errorf("nothing was changed, but a refresh finds (-state +found):\n%s", diff)
	}

	if err := b.account.Change(string(m.urn.Type()), string(m.id), props{"logExports": []any{}, "kmsKeyId": "arn:aws:kms:x"}); err != nil {
		t.Fatal(err)
	}
	changed := look()
	if got := shown(changed.Inputs)["logExports"]; !cmp.Equal(got, []any{}) {
		t.Errorf("the inputs of a refresh have the logs %v, want none", got)
	}
	if got, as := shown(changed.Outputs)["kmsKeyId"], shown(changed.Inputs)["kmsKeyId"]; got != "arn:aws:kms:x" || as != nil {
		t.Errorf("the key is %v, and %v as an input; want it as an output only, as the program does not give it", got, as)
	}
	if !changed.Outputs["adminUserPassword"].IsSecret() {
		t.Error("a refresh shows the password")
	}

	if err := b.account.Change(string(m.urn.Type()), string(m.id), props{"logExports": []any{"connectionlog", "useractivitylog", "userlog"}}); err != nil {
		t.Fatal(err)
	}
	longer := look()
	if in, out := shown(longer.Inputs)["logExports"], shown(longer.Outputs)["logExports"]; len(in.([]any)) != 2 || len(out.([]any)) != 3 {
		t.Errorf("of three logs a refresh finds the inputs %v and the outputs %v, want as many inputs as before", in, out)
	}

	if err := b.account.Remove(string(m.urn.Type()), string(m.id)); err != nil {
		t.Fatal(err)
	}
	if gone := look(); gone.ID != "" || gone.Outputs != nil {
		t.Errorf("a refresh finds %v, want nothing", gone)
	}
	_, err := b.update(m, with(namespaceInputs(), "logExports", []any{"userlog"}))
	wantError(t, err, "couldn't find resource")
	wantError(t, b.account.Remove("x", "y"), "there is no x with the id y")
	wantError(t, b.account.Change("x", "y", nil), "there is no x with the id y")
}

// A resource getter, or an import, knows nothing but the id; of a stream, the name.
func TestReadByID(t *testing.T) {
	b := start(t)
	m := b.mustCreate("stream", "s", streamInputs())
	found, err := b.engine.Read(t.Context(), plugin.ReadRequest{URN: m.urn, ID: "ev"})
	if err != nil {
		t.Fatal(err)
	}
	if found.ID != m.id {
		t.Errorf("the id is %s, want %s", found.ID, m.id)
	}
	in, out := shown(m.inputs), shown(m.state)
	for _, key := range []string{"__defaults", "enforceConsumerDeletion"} { // the provider does not read the second
		delete(in, key)
		delete(out, key)
	}
	if diff := cmp.Diff([]props{in, out}, []props{shown(found.Inputs), shown(found.Outputs)}); diff != "" {
		t.Errorf("inputs and outputs (-want +got):\n%s", diff)
	}
}

// The ways an operation can go wrong when a test wants it.
func TestFaults(t *testing.T) {
	down := errors.New("AWS is down")
	t.Run("an error before anything is done", func(t *testing.T) {
		b := start(t)
		b.server.Control(fakeaws.Create, types["stream"], func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{Err: down} })
		_, err := b.create("stream", "s", streamInputs())
		wantError(t, err, "creating Kinesis Stream (ev): AWS is down")
		b.mustCreate("stream", "s", streamInputs()) // the control is gone
	})
	t.Run("an answer that is lost", func(t *testing.T) {
		b := start(t)
		var made int
		b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault {
			before := len(b.account.Resources())
			return &fakeaws.Fault{Then: func() { made = len(b.account.Resources()) - before }, Lost: down}
		})
		_, err := b.create("stream", "s", streamInputs())
		wantError(t, err, "AWS is down")
		if made != 1 {
			t.Errorf("%d resources were made before the answer, want 1", made)
		}
		_, err = b.create("stream", "s", streamInputs())
		wantError(t, err, "already exists")
	})
	t.Run("a workgroup that does not become available", func(t *testing.T) {
		b := start(t)
		b.mustCreate("namespace", "n", namespaceInputs())
		b.server.Control("", types["workgroup"], func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{NotReady: down} })
		m, err := b.create("workgroup", "w", workgroupInputs())
		if failed, ok := errors.AsType[*plugin.InitError](err); !ok {
			t.Fatalf("the error is %v, want one that keeps the resource", err)
		} else {
			wantError(t, failed, "waiting for Redshift Serverless Workgroup (ev-dev) create: AWS is down")
		}
		if m.id != "ev-dev" || m.state.HasValue("endpoints") {
			t.Errorf("the engine is told of %q with %v, want what was planned", m.id, m.state)
		}
		if m = b.mustUpdate(m, workgroupInputs()); !m.state.HasValue("endpoints") {
			t.Errorf("the next update reads %v, want an endpoint too", m.state)
		}
	})
	t.Run("a stream that does not become active is not kept", func(t *testing.T) {
		b := start(t)
		b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{NotReady: down} })
		_, err := b.create("stream", "s", streamInputs())
		if _, kept := errors.AsType[*plugin.InitError](err); err == nil || kept {
			t.Errorf("the error is %v, want one that does not keep the stream", err)
		}
	})
	t.Run("a control that declines, and one that stays", func(t *testing.T) {
		b := start(t)
		var asked []string
		b.server.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
			asked = append(asked, c.Operation+" "+c.URN.Name())
			return nil
		})
		b.server.Control(fakeaws.Create, "", func(c *fakeaws.Call) *fakeaws.Fault {
			c.Keep()
			return &fakeaws.Fault{Err: down}
		})
		for range 2 {
			_, err := b.create("stream", "s", streamInputs())
			wantError(t, err, "AWS is down")
		}
		if diff := cmp.Diff([]string{"create s", "create s"}, asked); diff != "" {
			t.Errorf("the first control was asked (-want +got):\n%s", diff)
		}
	})
	t.Run("a lookup", func(t *testing.T) {
		b := start(t)
		b.server.Control(fakeaws.Lookup, "aws:index/getRegion:getRegion", func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{Err: down} })
		_, err := b.look("aws:index/getRegion:getRegion", nil)
		wantError(t, err, "invoking aws:index/getRegion:getRegion: 1 error occurred:\n\t* AWS is down")
	})
	t.Run("an operation held until the test lets it go", func(t *testing.T) {
		b := start(t)
		hold, held, done := make(chan struct{}), make(chan struct{}), make(chan error)
		b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault {
			close(held)
			return &fakeaws.Fault{Hold: hold}
		})
		go func() {
			_, err := b.create("stream", "s", streamInputs())
			done <- err
		}()
		<-held
		if len(b.outside.asked) > 0 {
			t.Error("it was done though it was held")
		}
		close(hold)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("a cancellation ends what is held", func(t *testing.T) {
		b := start(t)
		held, done := make(chan struct{}), make(chan error)
		b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault {
			defer close(held)
			return &fakeaws.Fault{Hold: make(chan struct{})}
		})
		go func() {
			_, err := b.create("stream", "s", streamInputs())
			done <- err
		}()
		<-held
		cancelUntil(b, done)
	})
	t.Run("an effect outside that fails", func(t *testing.T) {
		b := start(t)
		b.outside.fails = errors.New("Kinesis says no")
		_, err := b.create("stream", "s", streamInputs())
		wantError(t, err, "creating Kinesis Stream (ev): Kinesis says no")
		m := b.mustCreate("stream", "s", streamInputs()) // the first one was taken back
		b.outside.fails = errors.New("Kinesis says no")
		wantError(t, b.delete(m), "Kinesis says no")
		b.mustDelete(m)
	})
}

// cancelUntil sends the engine's cancellation until the operation has ended with it: it
// may not have begun to wait yet.
func cancelUntil(b *bench, done chan error) {
	for {
		if err := b.engine.SignalCancellation(b.Context()); err != nil {
			b.Fatal(err)
		}
		select {
		case err := <-done:
			wantError(b.T, err, "context canceled")
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Operations that take their time.
func TestDelay(t *testing.T) {
	slow := fakeaws.Options{Delay: func(operation, kind string) time.Duration {
		if operation == fakeaws.Create && kind == types["workgroup"] {
			return time.Hour
		}
		return 0
	}}
	t.Run("the program's timeout ends the wait and keeps the workgroup", func(t *testing.T) {
		b := startWith(t, nil, slow)
		b.mustCreate("namespace", "n", namespaceInputs())
		inputs, err := b.check(urn("workgroup", "w"), nil, workgroupInputs())
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.engine.Create(t.Context(), plugin.CreateRequest{URN: urn("workgroup", "w"), Properties: inputs, Timeout: 0.05})
		wantError(t, err, "timeout while waiting for state to become 'AVAILABLE' (timeout: 50ms)")
		if _, err := b.account.Workgroup("ev-dev"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a cancellation ends the wait", func(t *testing.T) {
		b := startWith(t, nil, slow)
		b.mustCreate("namespace", "n", namespaceInputs())
		done := make(chan error)
		go func() {
			_, err := b.create("workgroup", "w", workgroupInputs())
			done <- err
		}()
		cancelUntil(b, done)
	})
}

func TestEvents(t *testing.T) {
	b := start(t)
	m := b.mustCreate("stream", "s", streamInputs())
	_, err := b.create("stream", "again", streamInputs())
	wantError(t, err, "already exists")
	if _, err := b.look("aws:index/getRegion:getRegion", nil); err != nil {
		t.Fatal(err)
	}
	b.mustDelete(m)

	var got []string
	for _, e := range b.server.Events() {
		line := e.Operation + " " + e.Type
		if e.URN != "" {
			line = e.Operation + " " + e.URN.Name() + " " + e.ID
		}
		if e.Preview {
			line += " in a preview"
		}
		if e.Err != "" {
			line += " failed"
		}
		got = append(got, line)
	}
	want := []string{
		"create s  in a preview", "create s " + streamARN,
		"create again  in a preview", "create again  failed",
		"lookup aws:index/getRegion:getRegion", "delete s " + streamARN,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The same deployment gets the same ids each time; what is made again gets others.
func TestIDsAndNames(t *testing.T) {
	ids := func() []string {
		b := start(t)
		var ids []string
		for range 2 {
			group := b.mustCreate("group", "warehouse", groupInputs())
			namespace := b.mustCreate("namespace", "warehouse", namespaceInputs())
			ids = append(ids, string(group.id), group.state["name"].StringValue(), namespace.state["namespaceId"].StringValue())
			b.mustDelete(namespace)
		}
		return ids
	}
	first := ids()
	if diff := cmp.Diff(first, ids()); diff != "" {
		t.Errorf("ids of the first and the second time:\n%s", diff)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(first))); len(unique) != len(first) {
		t.Errorf("an id is there twice: %q", first)
	}
}

func TestWorldsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name string
		in   fakeaws.World
		want string
	}{
		{"an id twice", fakeaws.World{VPCs: []fakeaws.VPC{{ID: "vpc-1"}, {ID: "vpc-1"}}}, "the id vpc-1 is given twice"},
		{"a subnet without a zone", fakeaws.World{VPCs: []fakeaws.VPC{{Subnets: []fakeaws.Subnet{{ID: "subnet-1"}}}}}, "subnet subnet-1 has no availability zone"},
		{
			"a route table that is not there",
			fakeaws.World{VPCs: []fakeaws.VPC{{ID: "vpc-1", Subnets: []fakeaws.Subnet{{ID: "subnet-1", Zone: "a", RouteTable: "rtb-1"}}}}},
			"subnet subnet-1 names the route table rtb-1, which vpc-1 does not have",
		},
		{
			"a route to nowhere",
			fakeaws.World{VPCs: []fakeaws.VPC{{MainRouteTable: fakeaws.RouteTable{ID: "rtb-1", Routes: []fakeaws.Route{{Destination: "0.0.0.0/0", Target: "home"}}}}}},
			`route table rtb-1 has a route to "home"`,
		},
		{"a secret's name", fakeaws.World{Secrets: []fakeaws.Secret{{Name: "a b"}}}, `invalid value "a b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := fakeaws.NewAccount(c.in)
			wantError(t, err, c.want)
		})
	}
}

func TestLookups(t *testing.T) {
	pick := func(found props, keys ...string) props {
		maps.DeleteFunc(found, func(key string, _ any) bool { return !slices.Contains(keys, key) })
		return found
	}
	sorted := func(found props) props {
		slices.SortFunc(found["ids"].([]any), func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		return pick(found, "ids")
	}
	inVPC := []any{props{"name": "vpc-id", "values": []any{"vpc-1"}}}
	for _, c := range []struct {
		name  string
		token string
		args  props
		show  func(props) props // what of the answer matters
		want  props
		fails string
	}{
		{name: "the region", token: "aws:index/getRegion:getRegion", show: func(p props) props { return pick(p, "name", "id") }, want: props{"name": "us-east-1", "id": "us-east-1"}},
		{name: "the account", token: "aws:index/getCallerIdentity:getCallerIdentity", show: func(p props) props { return pick(p, "accountId") }, want: props{"accountId": "123456789012"}},
		{name: "the partition", token: "aws:index/getPartition:getPartition", show: func(p props) props { return pick(p, "partition", "dnsSuffix") }, want: props{"partition": "aws", "dnsSuffix": "amazonaws.com"}},

		{name: "VPCs by tag", token: "aws:ec2/getVpcs:getVpcs", args: props{"tags": props{"Name": "data"}}, show: sorted, want: props{"ids": []any{"vpc-1"}}},
		{name: "VPCs by a tag that none has", token: "aws:ec2/getVpcs:getVpcs", args: props{"tags": props{"Name": "x"}}, show: sorted, want: props{"ids": []any{}}},
		{
			name: "a VPC by id", token: "aws:ec2/getVpc:getVpc", args: props{"id": "vpc-1"},
			show: func(p props) props { return pick(p, "id", "cidrBlock", "default", "mainRouteTableId", "tags") },
			want: props{"id": "vpc-1", "cidrBlock": "10.1.0.0/16", "default": false, "mainRouteTableId": "rtb-main", "tags": props{"Name": "data"}},
		},
		{name: "the default VPC", token: "aws:ec2/getVpc:getVpc", args: props{"default": true}, show: func(p props) props { return pick(p, "id") }, want: props{"id": "vpc-2"}},
		{name: "a VPC that is not there", token: "aws:ec2/getVpc:getVpc", args: props{"id": "vpc-9"}, fails: "invoking aws:ec2/getVpc:getVpc: 1 error occurred:\n\t* no matching EC2 VPC found"},
		{name: "more than one VPC", token: "aws:ec2/getVpc:getVpc", fails: "multiple EC2 VPCs matched; use additional constraints to reduce matches to a single EC2 VPC"},

		{
			name: "subnets of a VPC", token: "aws:ec2/getSubnets:getSubnets", args: props{"filters": inVPC}, show: sorted,
			want: props{"ids": []any{"subnet-a", "subnet-b", "subnet-c", "subnet-i", "subnet-p"}},
		},
		{
			name: "subnets by a tag filter", token: "aws:ec2/getSubnets:getSubnets", show: sorted,
			args: props{"filters": []any{props{"name": "tag:tier", "values": []any{"private", "x"}}}}, want: props{"ids": []any{"subnet-a"}},
		},
		{
			name: "a subnet", token: "aws:ec2/getSubnet:getSubnet", args: props{"id": "subnet-p"},
			show: func(p props) props {
				return pick(p, "vpcId", "availabilityZone", "availableIpAddressCount", "cidrBlock", "mapPublicIpOnLaunch", "tags")
			},
			want: props{"vpcId": "vpc-1", "availabilityZone": "us-east-1c", "availableIpAddressCount": 200.0, "cidrBlock": "10.1.3.0/24", "mapPublicIpOnLaunch": true, "tags": props{}},
		},
		{
			name: "a subnet in which a workgroup holds addresses", token: "aws:ec2/getSubnet:getSubnet", args: props{"id": "subnet-a"},
			show: func(p props) props { return pick(p, "availableIpAddressCount") }, want: props{"availableIpAddressCount": 21.0},
		},
		{name: "a subnet that is not there", token: "aws:ec2/getSubnet:getSubnet", args: props{"id": "subnet-9"}, fails: "no matching EC2 Subnet found"},

		{
			name: "route tables", token: "aws:ec2/getRouteTables:getRouteTables", args: props{"vpcId": "vpc-1"}, show: sorted,
			want: props{"ids": []any{"rtb-isolated", "rtb-main", "rtb-public"}},
		},
		{
			name: "a route table", token: "aws:ec2/getRouteTable:getRouteTable", args: props{"routeTableId": "rtb-public"},
			show: func(p props) props {
				delete(p["associations"].([]any)[0].(props), "routeTableAssociationId")
				return pick(p, "routes", "associations", "vpcId")
			},
			want: props{
				"vpcId":        "vpc-1",
				"routes":       []any{props{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}, props{"ipv6CidrBlock": "::/0", "gatewayId": "igw-1"}},
				"associations": []any{props{"main": false, "subnetId": "subnet-p", "routeTableId": "rtb-public", "gatewayId": ""}},
			},
		},
		{
			name: "the main route table names no subnet", token: "aws:ec2/getRouteTable:getRouteTable", args: props{"routeTableId": "rtb-main"},
			show: func(p props) props {
				delete(p["associations"].([]any)[0].(props), "routeTableAssociationId")
				return pick(p, "associations")
			},
			want: props{"associations": []any{props{"main": true, "subnetId": "", "routeTableId": "rtb-main", "gatewayId": ""}}},
		},
		{
			name: "the route table of a subnet with an association", token: "aws:ec2/getRouteTable:getRouteTable", args: props{"subnetId": "subnet-p"},
			show: func(p props) props { return pick(p, "routeTableId") }, want: props{"routeTableId": "rtb-public"},
		},
		{
			name: "the route table of a subnet without one", token: "aws:ec2/getRouteTable:getRouteTable", args: props{"subnetId": "subnet-a"},
			fails: "query returned no results. Please change your search criteria and try again",
		},

		{
			name: "a secret by name", token: "aws:secretsmanager/getSecret:getSecret", args: props{"name": "redshift/admin"},
			show: func(p props) props {
				return props{"name": p["name"], "arn": strings.HasPrefix(p["arn"].(string), "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift/admin-")}
			},
			want: props{"name": "redshift/admin", "arn": true},
		},
		{name: "a secret that is not there", token: "aws:secretsmanager/getSecret:getSecret", args: props{"name": "x"}, fails: "reading Secrets Manager Secret (x): couldn't find resource"},
		{name: "a secret by neither name nor ARN", token: "aws:secretsmanager/getSecret:getSecret", fails: "one of arn and name must be given"},
		{
			name: "a secret's value is not marked as a secret", token: "aws:secretsmanager/getSecretVersion:getSecretVersion", args: props{"secretId": "redshift/admin"},
			show: func(p props) props { return pick(p, "secretString", "versionStages") },
			want: props{"secretString": `{"admin_username":"evadmin","admin_user_password":"` + password + `"}`, "versionStages": []any{"AWSCURRENT"}},
		},
		{
			name: "a label that no value carries", token: "aws:secretsmanager/getSecretVersion:getSecretVersion",
			args: props{"secretId": "redshift/admin", "versionStage": "AWSPREVIOUS"}, fails: "(redshift/admin|AWSPREVIOUS): couldn't find resource",
		},

		{
			name: "a workgroup", token: "aws:redshiftserverless/getWorkgroup:getWorkgroup", args: props{"workgroupName": "ev-dev"},
			show: func(p props) props { return pick(p, "namespaceName", "subnetIds", "enhancedVpcRouting") },
			want: props{"namespaceName": "ev-dev", "subnetIds": []any{"subnet-a", "subnet-b", "subnet-c"}, "enhancedVpcRouting": true},
		},
		{
			name: "a workgroup that is not there", token: "aws:redshiftserverless/getWorkgroup:getWorkgroup", args: props{"workgroupName": "x"},
			fails: "reading Redshift Serverless Workgroup (x): couldn't find resource",
		},
		{
			name: "a namespace", token: "aws:redshiftserverless/getNamespace:getNamespace", args: props{"namespaceName": "ev-dev"},
			show: func(p props) props { return pick(p, "dbName", "adminUserPassword") }, want: props{"dbName": "dev"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			b.mustCreate("namespace", "n", namespaceInputs())
			b.mustCreate("workgroup", "w", workgroupInputs())
			got, err := b.look(c.token, c.args)
			if c.fails != "" {
				wantError(t, err, c.fails)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, c.show(got)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// A secret's value moves on, and the one before is still there.
func TestSecretValues(t *testing.T) {
	b := start(t)
	m := b.mustCreate("secret", "s", props{"name": "s"})
	var versions []made
	for _, value := range []string{"one", "two", "three"} {
		versions = append(versions, b.mustCreate("secret version", value, props{"secretId": string(m.id), "secretString": secret(value)}))
	}
	for _, id := range []string{"s", string(m.id)} {
		if value, err := b.account.SecretValue(id); value != "three" || err != nil {
			t.Errorf("the value of %s is %q, %v; want three", id, value, err)
		}
	}
	if found, err := b.look("aws:secretsmanager/getSecretVersion:getSecretVersion", props{"secretId": "s", "versionStage": "AWSPREVIOUS"}); err != nil || found["secretString"] != "two" {
		t.Errorf("the value before is %v, %v; want two", found["secretString"], err)
	}
	b.mustDelete(versions[0])
	_, err := b.account.SecretValue("none")
	wantError(t, err, "ResourceNotFoundException")
}

func TestAuthorize(t *testing.T) {
	const redshift = "redshift-serverless.amazonaws.com"
	for _, c := range []struct {
		name                            string
		role, service, action, resource string
		want                            string // "" is yes
	}{
		{"an action", roleARN, redshift, "kinesis:ListShards", streamARN, ""},
		{"an action by wildcard", roleARN, redshift, "kinesis:GetRecords", streamARN, ""},
		{"case does not matter", roleARN, redshift, "Kinesis:getrecords", streamARN, ""},
		{"an action on everything", roleARN, redshift, "kinesis:ListStreams", "*", ""},
		{"taking the role on", roleARN, "redshift.amazonaws.com", "sts:AssumeRole", roleARN, ""},
		{"another action", roleARN, redshift, "kinesis:PutRecord", streamARN, roleARN + " is not authorized to perform: kinesis:PutRecord on resource: " + streamARN},
		{"another stream", roleARN, redshift, "kinesis:GetRecords", streamARN + "2", "is not authorized to perform: kinesis:GetRecords"},
		{"another service", roleARN, "ec2.amazonaws.com", "kinesis:GetRecords", streamARN, "ec2.amazonaws.com is not authorized to assume the IAM role"},
		{"another role", roleARN + "2", redshift, "kinesis:GetRecords", streamARN, "there is no such role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			b.mustCreate("role", "r", roleInputs())
			b.mustCreate("role policy", "p", rolePolicyInputs())
			err := b.account.Authorize(c.role, c.service, c.action, c.resource)
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNamespaceAndWorkgroup(t *testing.T) {
	b := start(t)
	b.mustCreate("namespace", "n", namespaceInputs())
	b.mustCreate("workgroup", "w", with(workgroupInputs(), "configParameters", []any{
		props{"parameterKey": "enable_case_sensitive_identifier", "parameterValue": "true"},
	}))
	n, err := b.account.Namespace("ev-dev")
	if err != nil || n.AdminPassword != password || n.Database != "dev" {
		t.Errorf("the namespace is %+v, %v", n, err)
	}
	g, err := b.account.Workgroup("ev-dev")
	if err != nil || g.ConfigParameters["enable_case_sensitive_identifier"] != "true" || g.ConfigParameters["auto_mv"] != "true" {
		t.Errorf("the workgroup is %+v, %v", g, err)
	}
	_, err = b.account.Namespace("none")
	wantError(t, err, "there is no namespace none")
	for _, r := range b.account.Resources() {
		if r.ID == "ev-dev" && r.Properties["adminUserPassword"] != nil {
			t.Error("the list of resources shows the password")
		}
	}
}
