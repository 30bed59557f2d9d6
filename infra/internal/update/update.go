// Package update looks at what an update changes, in previews too, so that one
// that AWS or its provider would refuse is refused before it starts.
package update

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/report"
)

// Before has a rule look at what an update changes. Each problem that it reports
// refuses the update. The name is the hook's, of which a program has one.
//
// There is no such hook before a replacement: the one before a creation does not
// see the old inputs, and the engine looks for the one before a deletion in a
// destroy too, which does not run the program.
func Before(ctx *pulumi.Context, name string, rule func(Change, *report.Report)) (pulumi.ResourceOption, error) {
	hook, err := ctx.RegisterResourceHook(name, func(args *pulumi.ResourceHookArgs) error {
		var r report.Report
		rule(Change{URN: args.URN, Old: args.OldInputs, New: args.NewInputs, State: args.OldOutputs}, &r)
		if problems := r.Problems(); len(problems) > 0 {
			return errors.New(strings.Join(problems, "\n"))
		}
		return r.Log(ctx.Log)
	}, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{hook}}), nil
}

// A Change is what an update changes.
type Change struct {
	URN      pulumi.URN
	Old, New resource.PropertyMap // inputs
	State    resource.PropertyMap // outputs before the update
}

// Of says whether an update changes an input. One that is not known yet may
// change; that it is secret, which an import does not know, is no change.
func (c Change) Of(key resource.PropertyKey) bool {
	value := func(inputs resource.PropertyMap) resource.PropertyValue {
		if v := inputs[key]; v.IsSecret() {
			return v.SecretValue().Element
		}
		return inputs[key]
	}
	return !value(c.Old).DeepEquals(value(c.New))
}

// Sets says whether an update gives an input another value. One that is left out
// keeps its value where the provider computes it: there is no difference then.
func (c Change) Sets(key resource.PropertyKey) bool { return c.Of(key) && !c.New[key].IsNull() }

// Keys are the inputs that an update gives another value, by name. Tags change in
// a request of their own, which AWS takes next to any other.
func (c Change) Keys() []resource.PropertyKey {
	all := maps.Clone(c.Old)
	maps.Copy(all, c.New)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(key resource.PropertyKey) bool {
		return !c.Sets(key) || key == "tags" || resource.IsInternalPropertyKey(key)
	})
}

// Number is an input before and after; 0 if it is not given.
func (c Change) Number(key resource.PropertyKey) (before, after int) {
	value := func(inputs resource.PropertyMap) int {
		if v := inputs[key]; v.IsNumber() {
			return int(v.NumberValue())
		}
		return 0
	}
	return value(c.Old), value(c.New)
}

// Flag is an input before and after; false if it is not given.
func (c Change) Flag(key resource.PropertyKey) (before, after bool) {
	value := func(inputs resource.PropertyMap) bool { return inputs[key].IsBool() && inputs[key].BoolValue() }
	return value(c.Old), value(c.New)
}

// Object is an input of several before and after; empty if it is not given.
func (c Change) Object(key resource.PropertyKey) (before, after resource.PropertyMap) {
	value := func(inputs resource.PropertyMap) resource.PropertyMap {
		if v := inputs[key]; v.IsObject() {
			return v.ObjectValue()
		}
		return nil
	}
	return value(c.Old), value(c.New)
}

// Describe says what becomes of an input: its values if they are short.
func (c Change) Describe(key resource.PropertyKey) string {
	short := func(v resource.PropertyValue) bool { return v.IsNull() || v.IsNumber() || v.IsBool() }
	text := func(v resource.PropertyValue) string {
		if v.IsNull() {
			return "none"
		}
		return fmt.Sprint(v.V)
	}
	if short(c.Old[key]) && short(c.New[key]) {
		return fmt.Sprintf("%s %s → %s", key, text(c.Old[key]), text(c.New[key]))
	}
	return string(key)
}

// Text is a value's text, empty if it has none or is not known.
func Text(v resource.PropertyValue) string {
	if v.IsString() {
		return v.StringValue()
	}
	return ""
}
