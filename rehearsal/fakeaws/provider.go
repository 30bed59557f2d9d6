package fakeaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"example.com/evstream/rehearsal/internal/provider"
)

// resourceType is a kind of resource.
type resourceType struct {
	token string
	noun  string // as the provider's messages call it

	// service is the one that refuses, invalid the code with which it refuses an input.
	service, invalid string

	schema schema

	// name is the property that holds the resource's name, for messages.
	name string
	// autoname says that the provider makes up a name, of at most so many
	// characters, when the program gives none. Given one, a replacement deletes
	// first.
	autoname int

	// framework says that the type is one of the Terraform plugin framework's, of
	// which an error leaves the state as it was; see [bridge.Create].
	framework bool

	// idAfterWait says that the provider does not keep what it created if waiting
	// for it fails.
	idAfterWait bool

	// importsBy is the property by which an import finds the resource; "" is its id.
	importsBy string

	// refine says what the provider itself refuses when it plans a change, so
	// that a preview fails. The old properties are nil for a creation.
	refine func(in, old values) error

	// These are the requests that the provider makes, in its order. The first one of
	// create makes the resource and sets op.id. That for the tags comes before those of
	// update.
	create, update []request
	tag, delete    request
}

// bridge is the Pulumi provider, which bridges to Terraform's.
// Each engine that is connected has one, with its own settings: several may work on the account
// at once.
type bridge struct {
	provider.Base
	*Server

	mu          sync.Mutex
	defaultTags map[string]string // nil until the engine has configured the provider
	cancelled   chan struct{}     // closed to end what the engine waits for
}

// Close does nothing: the engine's end is not the stand-in's.
func (p *bridge) Close() error { return nil }

// SignalCancellation ends what the engine waits for. Others don't notice.
func (p *bridge) SignalCancellation(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.cancelled)
	p.cancelled = make(chan struct{})
	return nil
}

// stopped is closed when the engine gives up.
func (p *bridge) stopped() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cancelled
}

// settings of the provider that change nothing here: how it finds its credentials,
// and what it does not check.
var ignoredSettings = []string{
	"version", "profile", "sharedConfigFiles", "sharedCredentialsFiles",
	"skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId",
}

// Configure takes an engine's settings of the provider.
func (p *bridge) Configure(_ context.Context, req plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	settings := plain(req.Inputs)
	for key, value := range settings {
		if encoded, ok := value.(string); ok && (strings.HasPrefix(encoded, "{") || strings.HasPrefix(encoded, "[")) {
			// The engine hands a setting that is no text over as JSON.
			if err := json.Unmarshal([]byte(encoded), &value); err != nil {
				return plugin.ConfigureResponse{}, fmt.Errorf("aws:%s is not JSON: %w", key, err)
			}
			settings[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains([]string{"region", "defaultTags", "allowedAccountIds"}, key) && !slices.Contains(ignoredSettings, key) {
			return plugin.ConfigureResponse{}, fmt.Errorf("the stand-in does not support the provider setting aws:%s", key)
		}
	}
	switch region := settings.text("region"); region {
	case p.account.region:
	case "":
		return plugin.ConfigureResponse{}, errors.New("invalid AWS Region: it is not set. Set it with: pulumi config set aws:region REGION " +
			"(the stand-in does not read AWS_REGION)")
	default:
		return plugin.ConfigureResponse{}, fmt.Errorf("aws:region is %s: the stand-in's account is in %s", region, p.account.region)
	}
	if allowed := settings.texts("allowedAccountIds"); len(allowed) > 0 && !slices.Contains(allowed, p.account.id) {
		return plugin.ConfigureResponse{}, fmt.Errorf("AWS account ID not allowed: %s", p.account.id)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.defaultTags = settings.object("defaultTags").textMap("tags")
	return plugin.ConfigureResponse{}, nil
}

func (s *Server) supported(kind tokens.Type) (*resourceType, error) {
	if t, ok := s.types[string(kind)]; ok {
		return t, nil
	}
	return nil, fmt.Errorf("the stand-in does not support the resource type %s", kind)
}

// resourceTypes are all that the stand-in supports, by token.
func resourceTypes() map[string]*resourceType {
	types := map[string]*resourceType{}
	for _, t := range []*resourceType{
		streamType(), roleType(), rolePolicyType(), securityGroupType(), ingressRuleType(), egressRuleType(), vpcEndpointType(),
		namespaceType(), workgroupType(), usageLimitType(), secretType(), secretVersionType(),
		scheduleType(), queueType(), topicType(), subscriptionType(), alarmType(), dashboardType(),
	} {
		types[t.token] = t
	}
	return types
}

// Types are the resource types that the stand-in supports, by token.
func Types() []string { return slices.Sorted(maps.Keys(resourceTypes())) }

// defaulted is the internal input in which the provider notes what it filled in itself.
const defaulted = resource.PropertyKey("__defaults")

// Check completes the inputs and says what the provider refuses about them.
func (p *bridge) Check(_ context.Context, req plugin.CheckRequest) (plugin.CheckResponse, error) {
	t, err := p.supported(req.Type)
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	inputs, defaults := resource.PropertyMap{}, []resource.PropertyValue{}
	for key, value := range req.News {
		if !value.IsNull() {
			inputs[key] = value
		}
	}
	fill := func(key string, value resource.PropertyValue) {
		if !inputs.HasValue(resource.PropertyKey(key)) && !inputs[resource.PropertyKey(key)].ContainsUnknowns() {
			inputs[resource.PropertyKey(key)] = value
			defaults = append(defaults, resource.NewProperty(key))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(t.schema)) {
		if fallback := t.schema[key].fallback; fallback != nil {
			fill(key, resource.NewPropertyValue(fallback))
		}
	}
	if t.autoname > 0 {
		fill(t.name, p.madeUpName(t, req))
	}
	slices.SortFunc(defaults, func(x, y resource.PropertyValue) int { return strings.Compare(x.StringValue(), y.StringValue()) })
	inputs[defaulted] = resource.NewProperty(defaults)
	if err := p.addDefaultTags(t, inputs); err != nil {
		return plugin.CheckResponse{}, err
	}

	var failures []plugin.CheckFailure
	exposed := p.exposed(t, inputs)
	isExposed := func(other problem) bool { // no other refusal may show it
		return slices.ContainsFunc(exposed, func(p problem) bool { return p.property == top(other.property) })
	}
	for _, found := range append(slices.DeleteFunc(t.schema.problems(t.token, "", plain(inputs)), isExposed), exposed...) {
		failures = append(failures, plugin.CheckFailure{Property: resource.PropertyKey(found.property), Reason: found.reason})
	}
	return plugin.CheckResponse{Properties: inputs, Failures: failures}, nil
}

// madeUpName is the one the provider made up before, or a new one that no earlier
// resource of the URN had.
func (p *bridge) madeUpName(t *resourceType, req plugin.CheckRequest) resource.PropertyValue {
	for _, key := range noted(req.Olds) {
		if key == t.name {
			return req.Olds[resource.PropertyKey(t.name)]
		}
	}
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	digits := p.account.digits(fmt.Sprint("name of ", req.URN, p.account.made["create "+string(req.URN)]), 7)
	return resource.NewProperty(req.URN.Name() + "-" + digits)
}

// noted returns the inputs that the provider filled in.
func noted(inputs resource.PropertyMap) []string {
	var keys []string
	if v, ok := inputs[defaulted]; ok && v.IsArray() {
		for _, key := range v.ArrayValue() {
			keys = append(keys, key.StringValue())
		}
	}
	return keys
}

// addDefaultTags puts the default tags of the engine's settings under the resource's own.
func (p *bridge) addDefaultTags(t *resourceType, inputs resource.PropertyMap) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	own, defaultTags := inputs["tags"], p.defaultTags
	if defaultTags == nil {
		return errors.New("the engine has not configured the provider on this connection")
	}
	if _, tagged := t.schema["tags"]; !tagged || len(defaultTags) == 0 || inputs.HasValue("tags") && !own.IsObject() {
		return nil
	}
	tags := resource.PropertyMap{}
	for key, value := range defaultTags {
		tags[resource.PropertyKey(key)] = resource.NewProperty(value)
	}
	if own.IsObject() {
		maps.Copy(tags, own.ObjectValue())
	}
	inputs["tags"] = resource.NewProperty(tags)
	return nil
}

// exposed says which inputs hold a secret without being marked as one: those that are
// secret by their nature, and those that hold the password or the value of a secret of
// the account.
func (p *bridge) exposed(t *resourceType, inputs resource.PropertyMap) []problem {
	const advice = "it would be written to the state and shown in clear; wrap it with pulumi.ToSecret"
	var found []problem
	known := p.account.secretTexts()
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		value := inputs[key]
		switch {
		case value.IsSecret() || value.IsComputed():
		case t.schema[string(key)].secret:
			found = append(found, problem{string(key), "the stand-in refuses a secret that is not marked as one: " + advice})
		case holdsAny(value, known):
			found = append(found, problem{string(key), "it holds what is in a secret, without being marked as one: " + advice})
		}
	}
	return found
}

// holdsAny looks for texts in a value, outside its secret parts.
func holdsAny(v resource.PropertyValue, texts []string) bool {
	switch {
	case v.IsString():
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(v.StringValue(), text) })
	case v.IsArray():
		return slices.ContainsFunc(v.ArrayValue(), func(item resource.PropertyValue) bool { return holdsAny(item, texts) })
	case v.IsObject():
		for _, item := range v.ObjectValue() {
			if holdsAny(item, texts) {
				return true
			}
		}
	}
	return false
}

// Diff says what a change of inputs changes, and what of it needs a new resource.
func (p *bridge) Diff(_ context.Context, req plugin.DiffRequest) (plugin.DiffResult, error) {
	t, err := p.supported(req.Type)
	if err != nil {
		return plugin.DiffResult{}, err
	}
	in, old := plain(req.NewInputs), plain(req.OldOutputs)
	if t.refine != nil {
		if err := t.refine(in, old); err != nil {
			return plugin.DiffResult{}, bridged(err)
		}
	}
	details := t.schema.changes(old, in, req.IgnoreChanges)
	if len(details) == 0 {
		return plugin.DiffResult{Changes: plugin.DiffNone}, nil
	}
	diff := plugin.DiffResult{Changes: plugin.DiffSome, DetailedDiff: details}
	diff.DeleteBeforeReplace = diff.Replace() && t.autoname > 0 && !slices.Contains(noted(req.NewInputs), t.name)
	return diff, nil
}

// outputs are a resource's properties for the engine: those that came from a secret
// input, or are secret by nature, are secret.
func (t *resourceType) outputs(props values, inputs resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for key, value := range props {
		v := engineValue(value)
		if t.schema[key].secret || inputs[resource.PropertyKey(key)].ContainsSecrets() {
			v = resource.MakeSecret(v)
		}
		out[resource.PropertyKey(key)] = v
	}
	return out
}

// Create makes a resource. Its requests may fail after the first one: then what was planned
// goes into the state, and nothing of it says which requests were made.
//
// Source of this and of Update: pulumi-terraform-bridge v3.110.0, pkg/tfbridge/provider.go:1338
// and 1718 (a state that comes with an error is kept, as an initialization error), and
// terraform-plugin-sdk/v2, helper/schema/resource_data.go, State (it is made of the plan, if an
// id was set). Of the framework's types: pkg/pf/tfbridge/provider_create.go and provider_update.go
// (an error returns no state).
func (p *bridge) Create(ctx context.Context, req plugin.CreateRequest) (resp plugin.CreateResponse, err error) {
	t, err := p.supported(req.Type)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	call := Call{Operation: Create, Type: t.token, URN: req.URN}

	o := &op{Account: p.account, kind: t, opts: p.opts, urn: req.URN, in: plain(req.Properties)}
	planned := t.schema.planned(o.in, nil)
	if t.refine != nil {
		if err := t.refine(o.in, nil); err != nil {
			return plugin.CreateResponse{}, bridged(err)
		}
	}
	if req.Preview {
		return plugin.CreateResponse{Properties: t.outputs(planned, req.Properties)}, nil
	}
	maps.DeleteFunc(planned, func(_ string, v any) bool { return v == unknown{} })

	if err = p.carryOut(ctx, t, call, o); err == nil {
		planned, err = p.read(t, o.id, planned)
	}
	resp = plugin.CreateResponse{ID: resource.ID(o.id), Properties: t.outputs(planned, req.Properties)}
	return resp, t.kept(err, o.kept, resp)
}

// Update changes a resource: it makes the requests for what differs from the state, which is
// not always what AWS has, and reads the result. So after an update that failed, the next one
// finds no difference and only reads; the one after that, or one with --refresh, sees what is
// missing (pulumi/pulumi#21458, pulumi/pulumi-aws#6062).
func (p *bridge) Update(ctx context.Context, req plugin.UpdateRequest) (resp plugin.UpdateResponse, err error) {
	t, err := p.supported(req.Type)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	call := Call{Operation: Update, Type: t.token, URN: req.URN}

	o := &op{Account: p.account, kind: t, opts: p.opts, urn: req.URN, id: string(req.ID), in: plain(req.NewInputs), state: plain(req.OldOutputs)}
	for _, path := range req.IgnoreChanges {
		// As it does not see the difference, it does not undo it either.
		if _, known := t.schema[path]; known && o.state.has(path) {
			o.in[path] = o.state[path]
		}
	}
	planned := t.schema.planned(o.in, o.state)
	if !req.Preview {
		o.differs = map[string]bool{}
		for path := range t.schema.changes(o.state, o.in, req.IgnoreChanges) {
			o.differs[top(path)] = true
		}
		if err = p.carryOut(ctx, t, call, o); err == nil {
			planned, err = p.read(t, o.id, planned)
		}
	}
	resp = plugin.UpdateResponse{Properties: t.outputs(planned, req.NewInputs)}
	return resp, t.kept(err, true, plugin.CreateResponse{ID: req.ID, Properties: resp.Properties})
}

// kept is the error of a change whose outcome goes into the state all the same.
func (t *resourceType) kept(err error, known bool, resp plugin.CreateResponse) error {
	if err == nil || !known || t.framework {
		return err
	}
	return &provider.Exists{CreateResponse: resp, Reason: err}
}

func (p *bridge) Delete(ctx context.Context, req plugin.DeleteRequest) (_ plugin.DeleteResponse, err error) {
	t, err := p.supported(req.Type)
	if err != nil {
		return plugin.DeleteResponse{}, err
	}
	call := Call{Operation: Delete, Type: t.token, URN: req.URN}

	o := &op{Account: p.account, kind: t, opts: p.opts, urn: req.URN, id: string(req.ID), state: plain(req.Outputs)}
	return plugin.DeleteResponse{}, p.carryOut(ctx, t, call, o)
}

// Read finds out what a resource is like now. It is how a refresh, an import and a
// resource getter look.
func (p *bridge) Read(ctx context.Context, req plugin.ReadRequest) (_ plugin.ReadResponse, err error) {
	t, err := p.supported(req.Type)
	if err != nil {
		return plugin.ReadResponse{}, err
	}
	call := Call{Operation: Read, Type: t.token, URN: req.URN}
	f := p.controls.Decide(call)
	if err := p.hold(ctx, f); err != nil {
		return plugin.ReadResponse{}, err
	}

	id, state := string(req.ID), plain(req.State)
	if t.importsBy != "" && len(state) == 0 {
		if id, err = p.importID(t, id); err != nil {
			return plugin.ReadResponse{}, nil
		}
	}
	props, err := p.read(t, id, state)
	if err != nil {
		return plugin.ReadResponse{}, nil // it is gone
	}
	inputs := resource.PropertyMap{}
	for key, value := range props {
		property, name := t.schema[key], resource.PropertyKey(key)
		old, given := req.Inputs[name]
		// A first look, without old inputs, takes all that can be one.
		if property.output || !given && len(req.Inputs) > 0 {
			continue
		}
		// Of a list a refresh takes as many items as the inputs have, whichever these are:
		// pulumi-terraform-bridge v3.110.0, pkg/tfbridge/schema.go, extractInputs.
		if items, isList := value.([]any); isList && given && old.IsArray() {
			value = items[:min(len(items), len(old.ArrayValue()))]
		}
		inputs[name] = engineValue(value)
		if given && property.same(props[key], plainValue(old)) {
			inputs[name] = old
		}
	}
	if noted, ok := req.Inputs[defaulted]; ok {
		inputs[defaulted] = noted
	}
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{ID: resource.ID(id), Inputs: inputs, Outputs: t.outputs(props, inputs)}}, nil
}

// Invoke answers a lookup.
func (p *bridge) Invoke(ctx context.Context, req plugin.InvokeRequest) (_ plugin.InvokeResponse, err error) {
	call := Call{Operation: Lookup, Type: string(req.Tok)}
	l, known := lookups()[string(req.Tok)]
	if !known {
		return plugin.InvokeResponse{}, fmt.Errorf("the stand-in does not support the lookup %s", req.Tok)
	}
	args := plain(req.Args)
	for key := range args {
		if !slices.Contains(l.args, key) {
			return plugin.InvokeResponse{}, fmt.Errorf("the stand-in does not support the argument %s of the lookup %s", key, req.Tok)
		}
	}
	f := p.controls.Decide(call)
	if err := p.hold(ctx, f); err != nil {
		return plugin.InvokeResponse{}, fmt.Errorf("invoking %s: %w", req.Tok, bridged(err))
	}
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	result, err := l.answer(p.account, args)
	if err != nil {
		return plugin.InvokeResponse{}, fmt.Errorf("invoking %s: %w", req.Tok, bridged(err))
	}
	if string(req.Tok) == getStreamToken && p.opts.Kinesis != nil {
		tags, err := p.opts.Kinesis.StreamTags(args.text("name"))
		if err != nil {
			return plugin.InvokeResponse{}, fmt.Errorf("invoking %s: %w", req.Tok, bridged(err))
		}
		result["tags"] = object(tags)
	}
	// Nothing is marked as a secret, not even the value of one: the provider does not.
	return plugin.InvokeResponse{Properties: engineValue(map[string]any(result)).ObjectValue()}, nil
}
