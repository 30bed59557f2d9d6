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
	"example.com/evstream/rehearsal/internal/provider"
)

const password = "Plain-Text-Password-1"

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

// bench is the stand-in with the engine's end of the connection.
type bench struct {
	*testing.T
	inputs   *inputFile
	world    fakeaws.World
	settings props // of the provider; nil is the region alone

	account  *fakeaws.Account
	server   *fakeaws.Server
	engine   *provider.Client
	outside  *outside
	dataAPI  *dataAPI
	requests []string        // made by changes
	made     map[string]made // by the name of the resource
}

// start starts the stand-in in the ordinary world.
func start(t *testing.T, opts fakeaws.Options) *bench {
	t.Helper()
	b := &bench{T: t, world: world(), inputs: readInputs(t), made: map[string]made{}}
	b.start(opts)
	return b
}

func (b *bench) start(opts fakeaws.Options) {
	b.Helper()
	var err error
	b.account, err = fakeaws.NewAccount(b.world)
	b.must(err)
	b.outside, b.dataAPI = &outside{}, &dataAPI{}
	opts.Kinesis, opts.Redshift, opts.DataAPI = b.outside, b.outside, b.dataAPI
	b.server, err = fakeaws.Start(b.account, opts)
	b.must(err)
	b.Cleanup(b.server.Close)
	if b.settings == nil {
		b.settings = props{"region": "us-east-1"}
	}
	b.dial()
	b.server.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
		if c.Request != "" {
			b.requests = append(b.requests, c.Request)
		}
		return nil
	})
}

func (b *bench) dial() {
	b.Helper()
	engine, err := provider.Dial(b.Context(), b.server.Port(), "aws", resource.NewPropertyMapFromMap(b.settings))
	b.must(err)
	b.Cleanup(func() { engine.Close() })
	b.engine = engine
}

// refuse has the nth request of that name refused.
func (b *bench) refuse(api string, nth int) {
	b.server.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
		if c.Request == api {
			nth--
		}
		if c.Request != api || nth != 0 {
			return nil
		}
		return &fakeaws.Fault{Err: errors.New("AWS says no")}
	})
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
	return o.ask("create workgroup %+v", g)
}

func (o *outside) UpdateWorkgroup(_ context.Context, g fakeaws.Workgroup) error {
	return o.ask("update workgroup %+v", g)
}

func (o *outside) DeleteWorkgroup(_ context.Context, name string) error {
	return o.ask("delete workgroup %s", name)
}

// dataAPI stands for the Data API and remembers what it was asked.
type dataAPI struct {
	asked   []string
	refuses int   // so many requests
	fails   error // of the statement that is accepted
}

// throttled is a refusal as the AWS SDK has it.
type throttled struct{}

func (throttled) Error() string     { return "ThrottlingException: Rate exceeded" }
func (throttled) ErrorCode() string { return "ThrottlingException" }

func (d *dataAPI) ExecuteStatement(_ context.Context, s fakeaws.Statement) (func(context.Context) error, error) {
	d.asked = append(d.asked, fmt.Sprintf("execute %+v", s))
	if d.refuses > 0 {
		d.refuses--
		return nil, throttled{}
	}
	return func(context.Context) error { return d.fails }, nil
}

// made is a resource as the program and the engine's state have it.
type made struct {
	urn     resource.URN
	id      resource.ID
	program props
	inputs  resource.PropertyMap
	state   resource.PropertyMap
}

func (b *bench) urn(kind, name string) resource.URN {
	return resource.NewURN("dev", "ev", "", tokens.Type(b.inputs.Types[kind].Type), name)
}

// refused is what Check has against inputs.
type refused []plugin.CheckFailure

func (r refused) Error() string { return fmt.Sprint([]plugin.CheckFailure(r)) }

func (b *bench) check(urn resource.URN, olds resource.PropertyMap, in props) (resource.PropertyMap, error) {
	checked, err := b.engine.Check(b.Context(), plugin.CheckRequest{URN: urn, Olds: olds, News: resource.NewPropertyMapFromMap(in), AllowUnknowns: true})
	if err == nil && len(checked.Failures) > 0 {
		err = refused(checked.Failures)
	}
	return checked.Properties, err
}

// inPreview marks an error that a preview shows.
func inPreview(err error) error {
	if _, already := errors.AsType[refused](err); err == nil || already {
		return err
	}
	return fmt.Errorf("refused in the preview: %w", err)
}

// inState marks an error after which the engine has the resource in its state.
func inState(err error) error {
	if failed, kept := errors.AsType[*plugin.InitError](err); kept {
		return fmt.Errorf("in the state, and failed: %s", strings.Join(failed.Reasons, "; "))
	}
	return err
}

// create does what the engine does for a new resource. Of one that is not in the state there is
// no id.
func (b *bench) create(kind, name string, in props) (made, error) {
	m := made{urn: b.urn(kind, name), program: in}
	if _, err := b.preview(m, in); err != nil {
		return m, err
	}
	var err error
	if m.inputs, err = b.check(m.urn, nil, in); err != nil {
		return m, err
	}
	resp, err := b.engine.Create(b.Context(), plugin.CreateRequest{URN: m.urn, Properties: m.inputs, Timeout: 60})
	m.id, m.state = resp.ID, resp.Properties
	return m, inState(err)
}

// preview does what the engine does in a preview of a change of what is there, or of what is new.
func (b *bench) preview(m made, in props) (props, error) {
	inputs, err := b.check(m.urn, m.inputs, in)
	if err != nil {
		return nil, inPreview(err)
	}
	if m.id != "" {
		changed, err := b.engine.Update(b.Context(), plugin.UpdateRequest{
			URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: inputs, Preview: true,
		})
		return shown(changed.Properties), inPreview(err)
	}
	created, err := b.engine.Create(b.Context(), plugin.CreateRequest{URN: m.urn, Properties: inputs, Preview: true})
	return shown(created.Properties), inPreview(err)
}

// ignoring is a list of one property, or of none.
func ignoring(property string) []string {
	if property == "" {
		return nil
	}
	return []string{property}
}

// diff says what other inputs change, and which paths need a new resource.
func (b *bench) diff(m made, in props, ignore string) []string {
	news, err := b.check(m.urn, m.inputs, in)
	if err != nil {
		return errorLines(err)
	}
	diff, err := b.engine.Diff(b.Context(), plugin.DiffRequest{
		URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: news, IgnoreChanges: ignoring(ignore), AllowUnknowns: true,
	})
	if err != nil {
		return errorLines(err)
	}
	var lines []string
	for path, detail := range diff.DetailedDiff {
		kind := detail.Kind.String()
		if slices.Contains(diff.ReplaceKeys, resource.PropertyKey(path)) && !detail.Kind.IsReplace() {
			kind += "-replace"
		}
		lines = append(lines, path+": "+kind)
	}
	slices.Sort(lines)
	if diff.DeleteBeforeReplace {
		lines = append(lines, "the old one is deleted first")
	}
	if (diff.Changes == plugin.DiffSome) != (len(lines) > 0) {
		b.Errorf("%s: the changes are %v, and %q", m.urn, diff.Changes, lines)
	}
	return append(lines, "nothing")[:max(1, len(lines))]
}

// update does what the engine does for a changed resource.
func (b *bench) update(m made, in props, ignore string) (made, error) {
	news, err := b.check(m.urn, m.inputs, in)
	if err != nil {
		return m, inPreview(err)
	}
	resp, err := b.engine.Update(b.Context(), plugin.UpdateRequest{
		URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: news, IgnoreChanges: ignoring(ignore),
	})
	if _, kept := errors.AsType[*plugin.InitError](err); err == nil || kept {
		m.inputs, m.state = news, resp.Properties
	}
	m.program = in
	return m, inState(err)
}

// refresh does what the engine does before an update with --refresh. What is gone has no id.
func (b *bench) refresh(m made) made {
	b.Helper()
	found, err := b.engine.Read(b.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, State: m.state})
	b.must(err)
	m.id, m.inputs, m.state = found.ID, found.Inputs, found.Outputs
	return m
}

func (b *bench) delete(m made) error {
	_, err := b.engine.Delete(b.Context(), plugin.DeleteRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, Outputs: m.state})
	return err
}

func (b *bench) look(token string, args props) (props, error) {
	found, err := b.engine.Invoke(b.Context(), plugin.InvokeRequest{Tok: tokens.ModuleMember(token), Args: resource.NewPropertyMapFromMap(args)})
	return shown(found.Properties), err
}

// inAccount is what AWS has of a resource.
func (b *bench) inAccount(m made) props {
	b.Helper()
	for _, r := range b.account.Resources() {
		if r.Type == string(m.urn.Type()) && r.ID == string(m.id) {
			return r.Properties
		}
	}
	b.Fatalf("AWS has no %s", m.id)
	return nil
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
