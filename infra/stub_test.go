package infra

import (
	"encoding/json"
	"errors"
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
)

// account answers the lookups of a program under test, by the lookup's name and its
// arguments' values. What it does not have is not there. It also says what is computed
// when a resource is made, by its type, and which types and lookups AWS refuses.
type account map[string]map[string]any

const (
	adminPassword = "Plain-Text-Password-1"
	adminName     = "evadmin"

	exampleVPC  = "vpc-0a1b2c3d4e5f60718"
	secretARN   = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
	customerKey = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// example is an account in which the defaults can be deployed: a VPC with three
// private subnets and a public one, d.
func example() account {
	toNAT := []any{map[string]any{"cidrBlock": "0.0.0.0/0", "natGatewayId": "nat-0a"}}
	toInternet := []any{map[string]any{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0a"}}
	a := account{
		"getRegion":                                  {"name": "us-east-1"},
		"getPartition":                               {"partition": "aws"},
		"getCallerIdentity":                          {"accountId": "123456789012"},
		"getVpcs data-platform":                      {"ids": []any{exampleVPC}},
		"getVpc " + exampleVPC:                       {"id": exampleVPC, "mainRouteTableId": "rtb-main", "enableDnsSupport": true, "enableDnsHostnames": true},
		"getSubnets vpc-id " + exampleVPC:            {"ids": []any{subnet("c"), subnet("a"), subnet("d"), subnet("b")}},
		"getRouteTables " + exampleVPC:               {"ids": []any{"rtb-main", "rtb-public"}},
		"getRouteTable rtb-main":                     {"routes": toNAT, "associations": []any{map[string]any{"main": true}}},
		"getRouteTable rtb-public":                   {"routes": toInternet, "associations": []any{map[string]any{"subnetId": subnet("d")}}},
		"getStream ev_existing":                      {"arn": "arn:aws:kinesis:us-east-1:123456789012:stream/ev_existing", "status": "ACTIVE", "encryptionType": "NONE", "retentionPeriod": 24},
		"getSecret redshift/admin":                   {"arn": secretARN + "redshift/admin"},
		"getSecret redshift/native":                  {"arn": secretARN + "redshift/native"},
		"getSecret " + secretARN + "redshift/native": {"arn": secretARN + "redshift/native"},
	}
	computed := func(kind string, outputs map[string]any) { a["computed "+kind] = outputs }
	computed("aws:kinesis/stream:Stream", map[string]any{"arn": "arn:aws:kinesis:us-east-1:123456789012:stream/x"})
	computed("aws:iam/role:Role", map[string]any{"arn": "arn:aws:iam::123456789012:role/x"})
	computed("aws:secretsmanager/secretVersion:SecretVersion", map[string]any{"arn": secretARN + "copy-AbCdEf"})
	computed("aws:sns/topic:Topic", map[string]any{"arn": "arn:aws:sns:us-east-1:123456789012:x"})
	computed("aws:sqs/queue:Queue", map[string]any{"arn": "arn:aws:sqs:us-east-1:123456789012:x", "url": "https://sqs.us-east-1.amazonaws.com/123456789012/x"})
	computed("command:local:Command", map[string]any{"stdout": `{"version": 5, "migrations": []}`})
	computed("aws:redshiftserverless/namespace:Namespace", map[string]any{
		"namespaceId": "0f0f0f0f-1111-2222-3333-444444444444", "adminPasswordSecretArn": secretARN + "redshift!ev-streaming-dev-admin-AbCdEf",
	})
	computed("aws:redshiftserverless/workgroup:Workgroup", map[string]any{
		"arn":       "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/0f0f0f0f-1111-2222-3333-555555555555",
		"endpoints": []any{map[string]any{"address": "x.123456789012.us-east-1.redshift-serverless.amazonaws.com", "port": 5439}},
	})
	for _, letter := range []string{"a", "b", "c", "d"} {
		a.addSubnet(letter, exampleVPC, strings.Replace(letter, "d", "a", 1))
	}
	a.setSecret("redshift/admin", `{"admin_username":"`+adminName+`","admin_user_password":"`+adminPassword+`"}`)
	a.setSecret("redshift/native", `{"username":"`+adminName+`","password":"`+adminPassword+`","engine":"redshift"}`)
	return a
}

func subnet(letter string) string { return "subnet-000000000000000" + letter }

// subnet is what a lookup shows of one, to be changed.
func (a account) subnet(letter string) map[string]any { return a["getSubnet "+subnet(letter)] }

func (a account) addSubnet(letter, vpcID, zone string) map[string]any {
	a["getSubnet "+subnet(letter)] = map[string]any{
		"id": subnet(letter), "vpcId": vpcID, "availabilityZone": "us-east-1" + zone, "availableIpAddressCount": 200,
	}
	return a.subnet(letter)
}

func (a account) setSecret(name, value string) {
	a["getSecretVersion "+secretARN+name] = map[string]any{
		"secretString": value, "versionId": "0c1d2e3f-4a5b-6c7d-8e9f-0a1b2c3d4e5f", "createdDate": "2026-03-01T10:00:00Z",
	}
}

// refuse has AWS refuse a type of resource, a lookup, or every lookup.
func (a account) refuse(token string) account {
	a["refuse "+token] = map[string]any{}
	return a
}

// look answers a lookup.
func (a account) look(token string, args map[string]any) (map[string]any, error) {
	name := token[strings.LastIndex(token, ":")+1:]
	if found, there := a[strings.TrimSpace(name+" "+strings.Join(values(args), " "))]; there {
		return found, nil
	}
	switch name {
	case "getVpcs", "getSubnets", "getRouteTables":
		return map[string]any{"ids": []any{}}, nil
	case "getVpcEndpoint":
		return nil, errors.New("no matching EC2 VPC Endpoint found")
	case "getStream", "getSecret", "getWorkgroup":
		return nil, errors.New("couldn't find resource")
	}
	return nil, errors.New("query returned no results")
}

// values are the values in a lookup's arguments, in the order of their keys.
func values(arg any) []string {
	var all []string
	switch v := arg.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, values(v[key])...)
		}
	case []any:
		for _, item := range v {
			all = append(all, values(item)...)
		}
	default:
		all = append(all, fmt.Sprint(v))
	}
	return all
}

// program is one run of the program: the account that it looks into, what the engine
// and its resources answer, and what it asked for.
type program struct {
	account account

	mu        sync.Mutex
	resources []registered
	lookups   []string
	messages  []string // to the person who runs it
}

// registered is one resource as the program registered it.
type registered struct {
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Parent  string         `json:"parent,omitempty"`
	Options map[string]any `json:"options,omitempty"`
	Inputs  map[string]any `json:"inputs"`

	raw resource.PropertyMap
}

func (p *program) get(t *testing.T, kind, name string) registered {
	t.Helper()
	for _, r := range p.resources {
		if r.Type == kind && r.Name == name {
			return r
		}
	}
	t.Fatalf("the program made no %s named %s; it made %s", kind, name, strings.Join(p.types(), ", "))
	return registered{}
}

// environment is that of a command.
func (p *program) environment(t *testing.T, name string) map[string]any {
	t.Helper()
	return p.get(t, "command:local:Command", name).Inputs["environment"].(map[string]any)
}

func (p *program) types() []string {
	var types []string
	for _, r := range p.resources {
		if strings.HasPrefix(r.Type, "aws:") || strings.HasPrefix(r.Type, "command:") { // not the components
			types = append(types, r.Type)
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// say notes what the program says.
func (p *program) say(severity, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, severity+": "+text)
	return nil
}

func (p *program) Debug(text string, _ *pulumi.LogArgs) error { return p.say("debug", text) }
func (p *program) Info(text string, _ *pulumi.LogArgs) error  { return p.say("info", text) }
func (p *program) Warn(text string, _ *pulumi.LogArgs) error  { return p.say("warning", text) }
func (p *program) Error(text string, _ *pulumi.LogArgs) error { return p.say("error", text) }

func (p *program) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == "pulumi:pulumi:Stack" {
		return args.Name, args.Inputs, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := registered{Type: args.TypeToken, Name: args.Name, Options: options(args), Inputs: plain(args.Inputs), raw: args.Inputs}
	if rpc := args.RegisterRPC; rpc != nil && !strings.Contains(rpc.GetParent(), "pulumi:pulumi:Stack::") {
		r.Parent = describe(rpc.GetParent())
	}
	p.resources = append(p.resources, r)
	if p.account["refuse "+args.TypeToken] != nil {
		return "", nil, fmt.Errorf("AWS says no to %s", args.TypeToken)
	}
	state := args.Inputs.Copy()
	for key, value := range p.account["computed "+args.TypeToken] {
		state[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
	}
	return args.Name + "-id", state, nil
}

func (p *program) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	p.mu.Lock()
	p.lookups = append(p.lookups, args.Token)
	p.mu.Unlock()
	result, err := p.account.look(args.Token, args.Args.Mappable())
	if p.account["refuse "+args.Token] != nil || p.account["refuse every lookup"] != nil {
		err = fmt.Errorf("AWS says no to %s", args.Token)
	}
	if err != nil { // as the real provider puts it
		return nil, fmt.Errorf("invocation of %[1]s returned an error: invoking %[1]s: 1 error occurred:\n\t* %[2]w\n\n", args.Token, err)
	}
	return resource.NewPropertyMapFromMap(result), nil
}

// describe is a resource's type and name.
func describe(urn string) string {
	parsed := resource.URN(urn)
	return string(parsed.Type()) + " " + parsed.Name()
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
		after = append(after, describe(urn))
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
		case v.IsSecret(), v.IsOutput() && v.OutputValue().Secret:
			return "[secret]"
		case v.IsComputed(), v.IsOutput() && !v.OutputValue().Known:
			return "[unknown]"
		case v.IsOutput():
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

// deploy runs the program for the stack dev with the settings that have no
// default given, over those of Pulumi.yaml. A value of "-" removes a setting.
func deploy(t *testing.T, a account, overrides map[string]string, more ...pulumi.RunOption) (*program, error) {
	t.Helper()
	return (&program{account: a}).run(stackConfig(t, overrides), "dev", more...)
}

func mustDeploy(t *testing.T, a account, overrides map[string]string, more ...pulumi.RunOption) *program {
	t.Helper()
	made, err := deploy(t, a, overrides, more...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (p *program) run(config map[string]string, stack string, more ...pulumi.RunOption) (*program, error) {
	opts := append([]pulumi.RunOption{
		pulumi.WithMocks("ev-streaming", stack, p),
		func(info *pulumi.RunInfo) { info.Config = config },
	}, more...)
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		ctx.Log = p
		return Deploy(ctx)
	}, opts...)
	slices.SortFunc(p.resources, func(a, b registered) int {
		return strings.Compare(a.Type+a.Name, b.Type+b.Name)
	})
	return p, err
}

// stackConfig is the configuration of a stack with these settings.
func stackConfig(t testing.TB, overrides map[string]string) map[string]string {
	t.Helper()
	config := defaults(t)
	config["ev-streaming:vpcName"] = "data-platform"
	config["ev-streaming:secretName"] = "redshift/admin"
	for key, value := range overrides {
		if !strings.Contains(key, ":") {
			key = "ev-streaming:" + key
		}
		config[key] = value
		if value == "-" {
			delete(config, key)
		}
	}
	return config
}

// defaults are the defaults that Pulumi.yaml declares, as the engine hands them
// to the program.
func defaults(t testing.TB) map[string]string {
	t.Helper()
	project, err := workspace.LoadProject("../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]string{}
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
		config["ev-streaming:"+key] = value
	}
	return config
}

func preview(info *pulumi.RunInfo) { info.DryRun = true }

func TestMain(m *testing.M) {
	// The program reads it when a real engine runs it.
	os.Unsetenv(pulumi.EnvConfig)
	os.Exit(m.Run())
}
