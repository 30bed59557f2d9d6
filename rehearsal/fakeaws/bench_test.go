package fakeaws_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/plugindoor"
)

// Resource types by the names that the tests use.
var types = map[string]string{
	"stream":         "aws:kinesis/stream:Stream",
	"role":           "aws:iam/role:Role",
	"role policy":    "aws:iam/rolePolicy:RolePolicy",
	"endpoint":       "aws:ec2/vpcEndpoint:VpcEndpoint",
	"group":          "aws:ec2/securityGroup:SecurityGroup",
	"ingress":        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
	"egress":         "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
	"namespace":      "aws:redshiftserverless/namespace:Namespace",
	"workgroup":      "aws:redshiftserverless/workgroup:Workgroup",
	"usage limit":    "aws:redshiftserverless/usageLimit:UsageLimit",
	"schedule":       "aws:scheduler/schedule:Schedule",
	"queue":          "aws:sqs/queue:Queue",
	"topic":          "aws:sns/topic:Topic",
	"subscription":   "aws:sns/topicSubscription:TopicSubscription",
	"alarm":          "aws:cloudwatch/metricAlarm:MetricAlarm",
	"dashboard":      "aws:cloudwatch/dashboard:Dashboard",
	"secret":         "aws:secretsmanager/secret:Secret",
	"secret version": "aws:secretsmanager/secretVersion:SecretVersion",
}

const (
	password  = "Plain-Text-Password-1"
	streamARN = "arn:aws:kinesis:us-east-1:123456789012:stream/ev"
	roleARN   = "arn:aws:iam::123456789012:role/streaming"
	trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"Service":["redshift.amazonaws.com","redshift-serverless.amazonaws.com"]}}]}`
	readStream = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:Get*","kinesis:ListShards"],"Resource":"` + streamARN + `"},` +
		`{"Effect":"Allow","Action":"kinesis:ListStreams","Resource":"*"}]}`
)

type props = map[string]any

// world has a VPC with private subnets in three zones, on the main route table, and a
// public one, and a small default VPC.
func world() fakeaws.World {
	return fakeaws.World{
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		VPCs: []fakeaws.VPC{{
			ID: "vpc-1", CIDR: "10.1.0.0/16", Tags: map[string]string{"Name": "data"},
			MainRouteTable: fakeaws.RouteTable{ID: "rtb-main", Routes: []fakeaws.Route{{Destination: "0.0.0.0/0", Target: "nat-1"}}},
			RouteTables: []fakeaws.RouteTable{{ID: "rtb-public", Routes: []fakeaws.Route{
				{Destination: "0.0.0.0/0", Target: "igw-1"}, {Destination: "::/0", Target: "igw-1"},
			}}, {ID: "rtb-isolated"}},
			Subnets: []fakeaws.Subnet{
				{ID: "subnet-a", Zone: "us-east-1a", CIDR: "10.1.0.0/24", FreeAddresses: 30, Tags: map[string]string{"tier": "private"}},
				{ID: "subnet-b", Zone: "us-east-1b", CIDR: "10.1.1.0/24", FreeAddresses: 30},
				{ID: "subnet-c", Zone: "us-east-1c", CIDR: "10.1.2.0/24", FreeAddresses: 30},
				{ID: "subnet-p", Zone: "us-east-1c", CIDR: "10.1.3.0/24", FreeAddresses: 200, MapPublicIP: true, RouteTable: "rtb-public"},
				{ID: "subnet-i", Zone: "us-east-1c", CIDR: "10.1.4.0/24", FreeAddresses: 200, RouteTable: "rtb-isolated"},
			},
		}, {
			ID: "vpc-2", Default: true, MainRouteTable: fakeaws.RouteTable{ID: "rtb-2"},
			Subnets: []fakeaws.Subnet{{ID: "subnet-2", Zone: "us-east-1a", FreeAddresses: 5}},
		}},
		Secrets: []fakeaws.Secret{{Name: "redshift/admin", Value: `{"admin_username":"evadmin","admin_user_password":"` + password + `"}`}},
	}
}

// bench is the stand-in with the engine's end of its door.
type bench struct {
	*testing.T
	account *fakeaws.Account
	server  *fakeaws.Server
	engine  *plugindoor.Client
	outside *outside
}

func start(t *testing.T) *bench { return startWith(t, nil, fakeaws.Options{}) }

func startWith(t *testing.T, settings props, opts fakeaws.Options) *bench {
	t.Helper()
	return startIn(t, world(), settings, opts)
}

func startIn(t *testing.T, world fakeaws.World, settings props, opts fakeaws.Options) *bench {
	t.Helper()
	b := &bench{T: t, outside: &outside{}}
	var err error
	if b.account, err = fakeaws.NewAccount(world); err != nil {
		t.Fatal(err)
	}
	opts.Kinesis, opts.Redshift = b.outside, b.outside
	if b.server, err = fakeaws.Start(b.account, opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.server.Close)
	if settings == nil {
		settings = props{"region": "us-east-1"}
	}
	if b.engine, err = plugindoor.Dial(t.Context(), b.server.Port(), "aws", resource.NewPropertyMapFromMap(settings)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.engine.Close() })
	return b
}

// another is a second engine on the same account.
func (b *bench) another(settings props) *bench {
	b.Helper()
	other := *b
	var err error
	if other.engine, err = plugindoor.Dial(b.Context(), b.server.Port(), "aws", resource.NewPropertyMapFromMap(settings)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { other.engine.Close() })
	return &other
}

// outside stands for Kinesis and Redshift and remembers what they were asked.
type outside struct {
	mu    sync.Mutex
	asked []string
	fails error // of the next request
}

func (o *outside) ask(format string, args ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.fails
	o.fails = nil
	o.asked = append(o.asked, fmt.Sprintf(format, args...))
	return err
}

func (o *outside) CreateStream(_ context.Context, s fakeaws.Stream) error {
	return o.ask("create stream %+v", s)
}

func (o *outside) UpdateStream(_ context.Context, s fakeaws.Stream) error {
	return o.ask("update stream %+v", s)
}

func (o *outside) DeleteStream(_ context.Context, name string) error {
	return o.ask("delete stream %s", name)
}

func (o *outside) StreamTags(string) (map[string]string, error) {
	return map[string]string{"a": "b"}, nil
}

func (o *outside) CreateNamespace(_ context.Context, n fakeaws.Namespace) error {
	return o.ask("create namespace %+v", n)
}

func (o *outside) UpdateNamespace(_ context.Context, n fakeaws.Namespace) error {
	return o.ask("update namespace %+v", n)
}

func (o *outside) DeleteNamespace(_ context.Context, name string) error {
	return o.ask("delete namespace %s", name)
}

func (o *outside) CreateWorkgroup(_ context.Context, g fakeaws.Workgroup) error {
	return o.ask("create workgroup %s of %s with %d RPU", g.Name, g.Namespace, g.BaseCapacity)
}

func (o *outside) UpdateWorkgroup(_ context.Context, g fakeaws.Workgroup) error {
	return o.ask("update workgroup %s to %d RPU", g.Name, g.BaseCapacity)
}

func (o *outside) DeleteWorkgroup(_ context.Context, name string) error {
	return o.ask("delete workgroup %s", name)
}

// made is a resource as the engine's state has it.
type made struct {
	urn    resource.URN
	id     resource.ID
	inputs resource.PropertyMap
	state  resource.PropertyMap
}

func urn(kind, name string) resource.URN {
	return resource.NewURN("dev", "ev", "", tokens.Type(types[kind]), name)
}

// refused is what Check said against inputs.
type refused []plugin.CheckFailure

func (r refused) Error() string {
	var lines []string
	for _, f := range r {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Property, f.Reason))
	}
	return strings.Join(lines, "\n")
}

func (b *bench) check(urn resource.URN, olds resource.PropertyMap, in props) (resource.PropertyMap, error) {
	b.Helper()
	checked, err := b.engine.Check(b.Context(), plugin.CheckRequest{URN: urn, Olds: olds, News: resource.NewPropertyMapFromMap(in), AllowUnknowns: true})
	if err == nil && len(checked.Failures) > 0 {
		err = refused(checked.Failures)
	}
	return checked.Properties, err
}

// create does what the engine does for a new resource.
func (b *bench) create(kind, name string, in props) (made, error) {
	b.Helper()
	m := made{urn: urn(kind, name)}
	var err error
	if m.inputs, err = b.check(m.urn, nil, in); err != nil {
		return m, err
	}
	if _, err = b.engine.Create(b.Context(), plugin.CreateRequest{URN: m.urn, Properties: m.inputs, Preview: true}); err != nil {
		return m, fmt.Errorf("preview: %w", err)
	}
	resp, err := b.engine.Create(b.Context(), plugin.CreateRequest{URN: m.urn, Properties: m.inputs, Timeout: 60})
	m.id, m.state = resp.ID, resp.Properties
	return m, err
}

func (b *bench) mustCreate(kind, name string, in props) made {
	b.Helper()
	m, err := b.create(kind, name, in)
	if err != nil {
		b.Fatalf("creating %s %s: %v", kind, name, err)
	}
	return m
}

// diff asks what other inputs change, with the paths that a replacement needs marked.
func (b *bench) diff(m made, in props, ignore ...string) (changes map[string]string, deleteFirst bool, err error) {
	b.Helper()
	news, err := b.check(m.urn, m.inputs, in)
	if err != nil {
		return nil, false, err
	}
	diff, err := b.engine.Diff(b.Context(), plugin.DiffRequest{
		URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: news, IgnoreChanges: ignore, AllowUnknowns: true,
	})
	for path, detail := range diff.DetailedDiff {
		if changes == nil {
			changes = map[string]string{}
		}
		changes[path] = detail.Kind.String()
		if slices.Contains(diff.ReplaceKeys, resource.PropertyKey(path)) && !detail.Kind.IsReplace() {
			changes[path] += "-replace"
		}
	}
	return changes, diff.DeleteBeforeReplace, err
}

// update does what the engine does for a changed resource.
func (b *bench) update(m made, in props, ignore ...string) (made, error) {
	b.Helper()
	news, err := b.check(m.urn, m.inputs, in)
	if err != nil {
		return m, err
	}
	resp, err := b.engine.Update(b.Context(), plugin.UpdateRequest{
		URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: news, IgnoreChanges: ignore,
	})
	if _, kept := errors.AsType[*plugin.InitError](err); err != nil && !kept {
		return m, err
	}
	return made{m.urn, m.id, news, resp.Properties}, err
}

// refuse has the nth request of that name refused, and returns which requests are made.
func (b *bench) refuse(api string, nth int) (made *[]string) {
	made = new([]string)
	b.server.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
		*made = append(*made, c.Request)
		if c.Request == api {
			nth--
		}
		if c.Request != api || nth != 0 {
			return nil
		}
		c.Keep()
		return &fakeaws.Fault{Err: errors.New("AWS says no")}
	})
	return made
}

// refresh does what the engine does before an update with --refresh.
func (b *bench) refresh(m made) made {
	b.Helper()
	found, err := b.engine.Read(b.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, State: m.state})
	if err != nil {
		b.Fatal(err)
	}
	return made{m.urn, m.id, found.Inputs, found.Outputs}
}

func (b *bench) mustUpdate(m made, in props, ignore ...string) made {
	b.Helper()
	m, err := b.update(m, in, ignore...)
	if err != nil {
		b.Fatalf("updating %s: %v", m.urn, err)
	}
	return m
}

func (b *bench) delete(m made) error {
	_, err := b.engine.Delete(b.Context(), plugin.DeleteRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, Outputs: m.state})
	return err
}

func (b *bench) mustDelete(m made) {
	b.Helper()
	if err := b.delete(m); err != nil {
		b.Fatalf("deleting %s: %v", m.urn, err)
	}
}

// plain shows properties as a test writes them: secrets and unknown values by name.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return "[secret]"
	case v.IsComputed():
		return "[unknown]"
	case v.IsArray():
		list := []any{}
		for _, item := range v.ArrayValue() {
			list = append(list, plain(item))
		}
		return list
	case v.IsObject():
		object := props{}
		for key, item := range v.ObjectValue() {
			object[string(key)] = plain(item)
		}
		return object
	}
	return v.V
}

func shown(m resource.PropertyMap) props { return plain(resource.NewProperty(m)).(props) }

func secret(value string) resource.PropertyValue {
	return resource.MakeSecret(resource.NewProperty(value))
}

var unknown = resource.MakeComputed(resource.NewProperty(""))

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("the error is\n%v\nwant in it\n%s", err, part)
	}
}

// Inputs that work, for a test to change one thing in.

func with(in props, changes ...any) props {
	changed := props{}
	for key, value := range in {
		changed[key] = value
	}
	for i := 0; i < len(changes); i += 2 {
		if key := changes[i].(string); changes[i+1] == nil {
			delete(changed, key)
		} else {
			changed[key] = changes[i+1]
		}
	}
	return changed
}

func streamInputs() props {
	return props{"name": "ev", "streamModeDetails": props{"streamMode": "ON_DEMAND"}}
}

func roleInputs() props { return props{"name": "streaming", "assumeRolePolicy": trust} }

func rolePolicyInputs() props {
	return props{"name": "read-stream", "role": "streaming", "policy": readStream}
}

func groupInputs() props { return props{"vpcId": "vpc-1", "description": "Redshift"} }

func ruleInputs(group made) props {
	return props{"securityGroupId": string(group.id), "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"}
}

func namespaceInputs() props {
	return props{
		"namespaceName": "ev-dev", "dbName": "dev", "adminUsername": secret("evadmin"), "adminUserPassword": secret(password),
		"iamRoles": []any{roleARN}, "defaultIamRoleArn": roleARN, "logExports": []any{"userlog", "connectionlog"},
	}
}

func workgroupInputs() props {
	return props{
		"workgroupName": "ev-dev", "namespaceName": "ev-dev", "baseCapacity": 8, "enhancedVpcRouting": true,
		"subnetIds": []any{"subnet-a", "subnet-b", "subnet-c"},
	}
}
