package infra_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
)

// account is the AWS account that a deployment under test looks into. Its zero
// value is empty; example is one in which the defaults can be deployed.
type account struct {
	vpcs       []vpc
	secrets    map[string]string // value by name
	workgroups map[string][]string
	streams    map[string]map[string]any // what a lookup shows, by name
	failing    string                    // resource type or lookup that fails
	timedOut   bool                      // the workgroup's creation did, so that its state has no endpoint

	adminSecret string // in which AWS keeps an admin's password
}

type vpc struct {
	id, name  string
	isDefault bool
	mainTable string
	tables    map[string][]map[string]any // routes by route table
	subnets   []subnet
	noDNS     bool
	endpoints []endpoint
}

type endpoint struct {
	id, service string
	nameless    bool // does not answer for the service's own name
	stack       string
}

type subnet struct {
	id, zone string
	free     int
	public   bool
	table    string // "" is the main one
	tag      string
}

const (
	adminPassword = "Plain-Text-Password-1"
	adminName     = "evadmin"
)

func example() *account {
	toNAT := []map[string]any{{"cidrBlock": "0.0.0.0/0", "natGatewayId": "nat-0a"}}
	toInternet := []map[string]any{{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0a"}}
	return &account{
		adminSecret: "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ev-streaming-dev-admin-AbCdEf",
		vpcs: []vpc{{
			id: "vpc-0a1b2c3d4e5f60718", name: "data-platform", mainTable: "rtb-main",
			tables: map[string][]map[string]any{"rtb-main": toNAT, "rtb-public": toInternet},
			subnets: []subnet{
				{id: "subnet-000000000000000c", zone: "us-east-1c", free: 200},
				{id: "subnet-000000000000000a", zone: "us-east-1a", free: 200},
				{id: "subnet-000000000000000d", zone: "us-east-1a", free: 200, table: "rtb-public"},
				{id: "subnet-000000000000000b", zone: "us-east-1b", free: 200},
			},
		}},
		secrets: map[string]string{
			"redshift/admin":  `{"admin_username":"` + adminName + `","admin_user_password":"` + adminPassword + `"}`,
			"redshift/native": `{"username":"` + adminName + `","password":"` + adminPassword + `","engine":"redshift"}`,
		},
		streams: map[string]map[string]any{"ev_existing": {}},
	}
}

// made is what a program asked the engine for.
type made struct {
	mu        sync.Mutex
	resources []registered
	calls     []string
	said      []string // to the person who runs it
}

// registered is one resource as the program registered it.
type registered struct {
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Options map[string]any `json:"options,omitempty"`
	Inputs  map[string]any `json:"inputs"`

	raw resource.PropertyMap
}

func (m *made) get(t *testing.T, kind, name string) registered {
	t.Helper()
	for _, r := range m.resources {
		if r.Type == kind && r.Name == name {
			return r
		}
	}
	t.Fatalf("the program made no %s named %s; it made %s", kind, name, strings.Join(m.types(), ", "))
	return registered{}
}

func (m *made) types() []string {
	var types []string
	for _, r := range m.resources {
		types = append(types, r.Type)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

func (m *made) note(severity, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = append(m.said, severity+": "+text)
	return nil
}

func (m *made) Debug(text string, _ *pulumi.LogArgs) error { return m.note("debug", text) }
func (m *made) Info(text string, _ *pulumi.LogArgs) error  { return m.note("info", text) }
func (m *made) Warn(text string, _ *pulumi.LogArgs) error  { return m.note("warning", text) }
func (m *made) Error(text string, _ *pulumi.LogArgs) error { return m.note("error", text) }

// stub answers the program in place of the engine.
type stub struct {
	account *account
	made    *made
}

func (s stub) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == "pulumi:pulumi:Stack" {
		return args.Name, args.Inputs, nil
	}
	s.made.mu.Lock()
	defer s.made.mu.Unlock()
	s.made.resources = append(s.made.resources, registered{
		Type: args.TypeToken, Name: args.Name, Options: options(args), Inputs: plain(args.Inputs), raw: args.Inputs,
	})
	if args.TypeToken == s.account.failing {
		return "", nil, fmt.Errorf("AWS says no to %s", args.TypeToken)
	}
	state := args.Inputs.Copy()
	computed := map[string]map[string]any{
		"aws:kinesis/stream:Stream":                      {"arn": "arn:aws:kinesis:us-east-1:123456789012:stream/x"},
		"aws:iam/role:Role":                              {"arn": "arn:aws:iam::123456789012:role/x"},
		"aws:redshiftserverless/namespace:Namespace":     {"namespaceId": "0f0f0f0f-1111-2222-3333-444444444444", "adminPasswordSecretArn": s.account.adminSecret},
		"aws:secretsmanager/secretVersion:SecretVersion": {"arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:copy-AbCdEf"},
		"command:local:Command":                          {"stdout": `{"version": 5, "migrations": []}`},
		"aws:sns/topic:Topic":                            {"arn": "arn:aws:sns:us-east-1:123456789012:x"},
		"aws:sqs/queue:Queue":                            {"arn": "arn:aws:sqs:us-east-1:123456789012:x", "url": "https://sqs.us-east-1.amazonaws.com/123456789012/x"},
		"aws:redshiftserverless/workgroup:Workgroup": {
			"arn":       "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/0f0f0f0f-1111-2222-3333-555555555555",
			"endpoints": []any{map[string]any{"address": "x.123456789012.us-east-1.redshift-serverless.amazonaws.com", "port": 5439}},
		},
	}[args.TypeToken]
	if s.account.timedOut {
		delete(computed, "endpoints")
	}
	for key, value := range computed {
		state[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
	}
	return args.Name + "-id", state, nil
}

// options returns those resource options that matter to this program.
func options(args pulumi.MockResourceArgs) map[string]any {
	rpc, found := args.RegisterRPC, map[string]any{}
	if rpc == nil {
		return found
	}
	if rpc.GetProtect() {
		found["protect"] = true
	}
	if rpc.GetDeleteBeforeReplace() {
		found["deleteBeforeReplace"] = true
	}
	if ignored := rpc.GetIgnoreChanges(); len(ignored) > 0 {
		found["ignoreChanges"] = ignored
	}
	if limits := rpc.GetCustomTimeouts(); limits.GetCreate()+limits.GetUpdate()+limits.GetDelete() != "" {
		found["timeouts"] = fmt.Sprintf("create %q, update %q, delete %q", limits.GetCreate(), limits.GetUpdate(), limits.GetDelete())
	}
	var after []string
	for _, urn := range rpc.GetDependencies() {
		parsed := resource.URN(urn)
		after = append(after, string(parsed.Type())+" "+parsed.Name())
	}
	if len(after) > 0 {
		slices.Sort(after)
		found["after"] = after
	}
	return found
}

// plain shows inputs as a person reads them in a preview: secrets and unknown
// values by name only, JSON texts unfolded.
func plain(inputs resource.PropertyMap) map[string]any {
	var show func(v resource.PropertyValue) any
	show = func(v resource.PropertyValue) any {
		switch {
		case v.IsSecret():
			return "[secret]"
		case v.IsComputed():
			return "[unknown]"
		case v.IsOutput():
			if v.OutputValue().Secret {
				return "[secret]"
			}
			if !v.OutputValue().Known {
				return "[unknown]"
			}
			return show(v.OutputValue().Element)
		case v.IsArray():
			list := []any{}
			for _, item := range v.ArrayValue() {
				list = append(list, show(item))
			}
			return list
		case v.IsObject():
			object := map[string]any{}
			for key, item := range v.ObjectValue() {
				object[string(key)] = show(item)
			}
			return object
		case v.IsString() && strings.HasPrefix(v.StringValue(), `{"`):
			var unfolded any
			if json.Unmarshal([]byte(v.StringValue()), &unfolded) == nil {
				return unfolded
			}
		}
		return v.Mappable()
	}
	return show(resource.NewObjectProperty(inputs)).(map[string]any)
}

func (s stub) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	s.made.mu.Lock()
	s.made.calls = append(s.made.calls, args.Token)
	s.made.mu.Unlock()
	result, err := s.account.look(args.Token, args.Args.Mappable())
	if args.Token == s.account.failing || s.account.failing == "every lookup" {
		err = fmt.Errorf("AWS says no to %s", args.Token)
	}
	if err != nil { // as the real provider puts it
		return nil, fmt.Errorf("invocation of %[1]s returned an error: invoking %[1]s: 1 error occurred:\n\t* %[2]w\n\n", args.Token, err)
	}
	return resource.NewPropertyMapFromMap(result), nil
}

// look answers a lookup from the account.
func (a *account) look(token string, args map[string]any) (map[string]any, error) {
	text := func(key string) string { value, _ := args[key].(string); return value }
	nothing := fmt.Errorf("query returned no results")
	switch token {
	case "aws:index/getRegion:getRegion":
		return map[string]any{"name": "us-east-1", "id": "us-east-1"}, nil
	case "aws:index/getPartition:getPartition":
		return map[string]any{"partition": "aws"}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return map[string]any{"accountId": "123456789012"}, nil
	case "aws:ec2/getVpcs:getVpcs":
		ids := []any{}
		for _, v := range a.vpcs {
			if tags, _ := args["tags"].(map[string]any); tags["Name"] == v.name {
				ids = append(ids, v.id)
			}
		}
		return map[string]any{"ids": ids}, nil
	case "aws:ec2/getVpc:getVpc":
		for _, v := range a.vpcs {
			if v.id == text("id") || v.isDefault && args["default"] == true {
				return map[string]any{
					"id": v.id, "mainRouteTableId": v.mainTable, "enableDnsSupport": true, "enableDnsHostnames": !v.noDNS,
				}, nil
			}
		}
		return nil, nothing
	case "aws:ec2/getSubnets:getSubnets":
		ids := []any{}
		filter := args["filters"].([]any)[0].(map[string]any)
		for _, v := range a.vpcs {
			if filter["name"] == "vpc-id" && filter["values"].([]any)[0] == v.id {
				for _, n := range v.subnets {
					ids = append(ids, n.id)
				}
			}
		}
		return map[string]any{"ids": ids}, nil
	case "aws:ec2/getSubnet:getSubnet":
		for _, v := range a.vpcs {
			for _, n := range v.subnets {
				if n.id == text("id") {
					tags := map[string]any{}
					if n.tag != "" {
						tags["aws-cdk:subnet-type"] = n.tag
					}
					return map[string]any{
						"id": n.id, "vpcId": v.id, "availabilityZone": n.zone, "availableIpAddressCount": n.free,
						"mapPublicIpOnLaunch": n.public, "tags": tags,
					}, nil
				}
			}
		}
		return nil, nothing
	case "aws:ec2/getRouteTables:getRouteTables":
		ids := []any{}
		for _, v := range a.vpcs {
			if v.id == text("vpcId") {
				for _, id := range slices.Sorted(maps.Keys(v.tables)) {
					ids = append(ids, id)
				}
			}
		}
		return map[string]any{"ids": ids}, nil
	case "aws:ec2/getRouteTable:getRouteTable":
		for _, v := range a.vpcs {
			routes, ok := v.tables[text("routeTableId")]
			if !ok {
				continue
			}
			list, associations := []any{}, []any{}
			for _, route := range routes {
				list = append(list, route)
			}
			for _, n := range v.subnets {
				if n.table == text("routeTableId") {
					associations = append(associations, map[string]any{"subnetId": n.id, "main": false})
				}
			}
			if v.mainTable == text("routeTableId") {
				associations = append(associations, map[string]any{"main": true})
			}
			return map[string]any{"routes": list, "associations": associations}, nil
		}
		return nil, nothing // as AWS's own lookup by subnet answers for the main table
	case "aws:kinesis/getStream:getStream":
		stream, ok := a.streams[text("name")]
		if !ok {
			return nil, fmt.Errorf("reading Kinesis Stream (%s): couldn't find resource", text("name"))
		}
		found := map[string]any{
			"arn": "arn:aws:kinesis:us-east-1:123456789012:stream/" + text("name"), "name": text("name"),
			"status": "ACTIVE", "encryptionType": "NONE", "retentionPeriod": 24,
		}
		maps.Copy(found, stream)
		return found, nil
	case "aws:ec2/getVpcEndpoint:getVpcEndpoint":
		var found []endpoint
		tags, _ := args["tags"].(map[string]any)
		for _, v := range a.vpcs {
			for _, e := range v.endpoints {
				ours := tags["pulumi:project"] == "ev-streaming" && tags["pulumi:stack"] == e.stack
				if v.id == text("vpcId") && e.service == text("serviceName") && (tags == nil || ours) {
					found = append(found, e)
				}
			}
		}
		switch len(found) {
		case 0:
			return nil, fmt.Errorf("no matching EC2 VPC Endpoint found")
		case 1:
			return map[string]any{"id": found[0].id, "privateDnsEnabled": !found[0].nameless}, nil
		}
		return nil, fmt.Errorf("multiple EC2 VPC Endpoints matched; use additional constraints to reduce matches to a single EC2 VPC Endpoint")
	case "aws:secretsmanager/getSecret:getSecret":
		name := text("name")
		if arn := text("arn"); arn != "" {
			name = strings.TrimPrefix(arn, "arn:aws:secretsmanager:us-east-1:123456789012:secret:")
		}
		if _, ok := a.secrets[name]; !ok {
			return nil, fmt.Errorf("couldn't find resource")
		}
		return map[string]any{"arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + name, "name": name}, nil
	case "aws:secretsmanager/getSecretVersion:getSecretVersion":
		name := strings.TrimPrefix(text("secretId"), "arn:aws:secretsmanager:us-east-1:123456789012:secret:")
		return map[string]any{"secretString": a.secrets[name], "versionId": "0c1d2e3f-4a5b-6c7d-8e9f-0a1b2c3d4e5f", "createdDate": "2026-03-01T10:00:00Z"}, nil
	case "aws:redshiftserverless/getWorkgroup:getWorkgroup":
		subnets, ok := a.workgroups[text("workgroupName")]
		if !ok {
			return nil, fmt.Errorf("reading Redshift Serverless Workgroup: couldn't find resource")
		}
		ids := []any{}
		for _, id := range subnets {
			ids = append(ids, id)
		}
		return map[string]any{"subnetIds": ids}, nil
	}
	return nil, fmt.Errorf("the stub knows no lookup %s", token)
}

// deploy runs the program for the stack dev with the settings that have no
// default given, over those of Pulumi.yaml. A value of "-" removes a setting.
func deploy(t *testing.T, a *account, overrides map[string]string, more ...pulumi.RunOption) (*made, error) {
	t.Helper()
	settings := defaults(t)
	settings["ev-streaming:vpcName"] = "data-platform"
	settings["ev-streaming:secretName"] = "redshift/admin"
	for key, value := range overrides {
		if !strings.Contains(key, ":") {
			key = "ev-streaming:" + key
		}
		settings[key] = value
		if value == "-" {
			delete(settings, key)
		}
	}
	result := &made{}
	opts := append([]pulumi.RunOption{
		pulumi.WithMocks("ev-streaming", "dev", stub{account: a, made: result}),
		func(info *pulumi.RunInfo) { info.Config = settings },
	}, more...)
	err := pulumi.RunErr(deployInto(result), opts...)
	slices.SortFunc(result.resources, func(a, b registered) int {
		return strings.Compare(a.Type+a.Name, b.Type+b.Name)
	})
	for _, token := range result.tokens() {
		if _, known := needs[token]; !known {
			t.Errorf("the program uses %s, which the policies of deploy/iam lack: add to needs what it calls, "+
				"and settings that use it to configurations", token)
		}
	}
	return result, err
}

// deployInto is the program, whose messages are noted.
func deployInto(result *made) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		ctx.Log = result
		return infra.Deploy(ctx)
	}
}

// defaults are the defaults that Pulumi.yaml declares, as the engine hands them
// to the program.
func defaults(t *testing.T) map[string]string {
	t.Helper()
	project, err := workspace.LoadProject("../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for key, declared := range project.Config {
		if declared.Default == nil {
			t.Errorf("Pulumi.yaml: %s has no default, so that Pulumi itself refuses every stack without it, one at a time", key)
			continue
		}
		value, isText := declared.Default.(string)
		if !isText {
			encoded, err := json.Marshal(declared.Default)
			if err != nil {
				t.Fatal(err)
			}
			value = string(encoded)
		}
		settings["ev-streaming:"+key] = value
	}
	return settings
}

func preview(info *pulumi.RunInfo) { info.DryRun = true }

func TestMain(m *testing.M) {
	// The program reads it when a real engine runs it.
	os.Unsetenv(pulumi.EnvConfig)
	os.Exit(m.Run())
}
