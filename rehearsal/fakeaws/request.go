package fakeaws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// request is one request to AWS that the provider makes for a resource. What it changes stays
// when a later one fails.
type request struct {
	api string // the operation of the service's API

	// sends are the properties that it carries. nil are all; in an update all but the tags,
	// for which there is a request of its own. An update makes a request only if one of
	// them differs from the state, or if it is one that is always made.
	sends  []string
	always bool

	// when says whether it is made at all; nil: it is.
	when func(*op) bool

	// do works on an account that is locked. It refuses what AWS refuses, completes
	// op.props, and sets op.outside. nil does nothing.
	do func(*op) error
}

// op is one change of a resource.
type op struct {
	*Account
	kind    *resourceType
	opts    Options
	urn     resource.URN
	id      string
	kept    bool            // a creation: the provider knows the id
	in      values          // the inputs, all known; nil for a deletion
	state   values          // what the engine remembers; nil for a creation
	differs map[string]bool // the properties of which the inputs differ from the state

	// The present request, and the properties that AWS has before it and after it. Before
	// the first one of a creation there are none.
	api        string
	old, props values

	// outside is what the request does outside the account, with the account unlocked, if
	// anything.
	outside func(context.Context) error
}

// fill sets the properties that are not there.
func (o *op) fill(defaults values) {
	for key, value := range defaults {
		if !o.props.has(key) {
			o.props[key] = value
		}
	}
}

// kinesis has Kinesis do a part of the request.
func (o *op) kinesis(do func(context.Context, Kinesis) error) {
	if o.opts.Kinesis != nil {
		o.outside = func(ctx context.Context) error { return do(ctx, o.opts.Kinesis) }
	}
}

// redshift has Redshift do a part of the request.
func (o *op) redshift(do func(context.Context, Redshift) error) {
	if o.opts.Redshift != nil {
		o.outside = func(ctx context.Context) error { return do(ctx, o.opts.Redshift) }
	}
}

// changed says whether the present request changes a property.
func (o *op) changed(key string) bool { return !isSame(o.old[key], o.props[key]) }

func isSame(a, b any) bool { return isZero(a) && isZero(b) || property{set: true}.same(a, b) }

// refuse is a refusal of the present request.
func (o *op) refuse(code, format string, args ...any) error {
	return refuse(o.kind.service, o.api, code, format, args...)
}

// invalid is a refusal of the present request for an input.
func (o *op) invalid(format string, args ...any) error {
	return o.refuse(o.kind.invalid, format, args...)
}

// one is the only request of an operation.
func one(api string, do func(*op) error) []request { return []request{{api: api, do: do}} }

// requests are those that a change makes.
func (t *resourceType) requests(o *op) []request {
	var all []request
	switch {
	case o.in == nil:
		return []request{t.delete}
	case o.state == nil:
		all = t.create
	default:
		all = t.update
		if _, tagged := t.schema["tags"]; tagged {
			// internal/provider/tags_interceptor.go: before the type's own.
			tag := t.tag
			tag.api, tag.sends = cmp.Or(tag.api, "TagResource"), tagKeys
			all = append([]request{tag}, all...)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(r request) bool {
		sends := func(key string) bool {
			return slices.Contains(r.sends, key) || r.sends == nil && !slices.Contains(tagKeys, key)
		}
		made := o.state == nil || r.always
		for key := range o.differs {
			made = made || sends(key)
		}
		return !made || r.when != nil && !r.when(o)
	})
}

// carryOut makes the requests of a change until one fails.
func (p *bridge) carryOut(ctx context.Context, t *resourceType, call Call, o *op) error {
	for _, r := range t.requests(o) {
		call.Request = r.api
		if err := p.make(ctx, t, call, o, r); err != nil {
			return bridged(err)
		}
	}
	return nil
}

// make makes one request: first what AWS says, then what happens outside, then the wait
// until it has become true.
func (p *bridge) make(ctx context.Context, t *resourceType, call Call, o *op, r request) error {
	name := o.in.text(t.name)
	if name == "" {
		name = o.state.text(t.name)
	}
	doing := map[string]string{Create: "creating", Update: "updating", Delete: "deleting"}[call.Operation]
	explain := func(err error) error { return fmt.Errorf("%s %s (%s): %w", doing, t.noun, name, err) }
	f := p.controls.Decide(call)
	if err := p.hold(ctx, f); err != nil {
		return explain(err)
	}
	undo, err := p.change(t, o, r)
	if err == nil && o.outside != nil {
		if err = o.outside(ctx); err != nil {
			undo()
		}
	}
	if err != nil {
		return explain(err)
	}
	if f.Then != nil {
		f.Then()
	}
	if f.Lost != nil {
		return explain(f.Lost)
	}
	o.kept = o.kept || !t.idAfterWait
	if f.NotReady != nil {
		return fmt.Errorf("waiting for %s (%s) %s: %w", t.noun, name, call.Operation, f.NotReady)
	}
	o.kept = true
	return nil
}

// change does the part of a request that happens in the account. The result undoes it.
func (p *bridge) change(t *resourceType, o *op, r request) (undo func(), err error) {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	found, id := p.account.find(t.token, o.id), o.id
	o.outside = nil
	switch {
	case found == nil && o.in == nil: // what is gone already
		return nil, nil
	case found == nil && id != "":
		return nil, errNotFound
	}
	o.api, o.old, o.props = r.api, nil, nil
	if found != nil {
		o.old = found.props
	}
	if o.in != nil {
		if err := checkTags(o.in.textMap("tags")); err != nil {
			return nil, err
		}
		o.props = t.schema.sent(r.sends, o.in, o.old)
	}
	earlier := maps.Clone(p.account.objects)
	if r.do != nil {
		if err := r.do(o); err != nil {
			o.id = id
			return nil, err
		}
	}
	if o.in == nil {
		p.account.remove(found)
	} else {
		p.account.put(&thing{kind: t, id: o.id, props: o.props})
	}
	if id == "" {
		p.account.made["create "+string(o.urn)]++
	}
	return p.account.undo(earlier), nil
}

var errNotFound = errors.New("couldn't find resource")

// read is what the provider reads of a resource. What it does not ask AWS for stays as it is
// remembered.
func (p *bridge) read(t *resourceType, id string, remembered values) (values, error) {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	found := p.account.find(t.token, id)
	if found == nil {
		return nil, errNotFound
	}
	props := found.props.clone()
	for key, property := range t.schema {
		if !property.unread {
			continue
		}
		delete(props, key)
		if v, ok := remembered[key]; ok {
			props[key] = v
		}
	}
	return props, nil
}

// importID is the id of the resource that an import names by a property.
func (p *bridge) importID(t *resourceType, name string) (string, error) {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	if found := first(p.account.where(t.token, values{t.importsBy: name})); found != nil {
		return found.id, nil
	}
	return "", errNotFound
}

// hold spends the part of a fault that comes before anything is done.
func (p *bridge) hold(ctx context.Context, f Fault) error {
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-p.stopped():
			return context.Canceled
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return f.Err
}
