package fakecommand

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// inputs are a command's properties without their secret marks.
type inputs struct {
	create, update, delete *string

	stdin         string
	logging       string
	interpreter   []string
	dir           string
	environment   map[string]string
	withoutOutput bool // addPreviousOutputInEnv is false
}

// properties are the inputs the stand-in takes, each with its check.
var properties = map[resource.PropertyKey]func(resource.PropertyValue) string{
	"triggers":               func(v resource.PropertyValue) string { return want(v.IsArray(), "a list") },
	"create":                 isText,
	"update":                 isText,
	"delete":                 isText,
	"stdin":                  isText,
	"dir":                    isText,
	"interpreter":            isTexts,
	"environment":            isTextMap,
	"addPreviousOutputInEnv": func(v resource.PropertyValue) string { return want(v.IsBool(), "true or false") },
	"logging": func(v resource.PropertyValue) string {
		return want(v.IsString() && slices.Contains([]string{stdout, stderr, stdoutAndStderr, none}, v.StringValue()),
			"stdout, stderr, stdoutAndStderr or none")
	},
}

// Values of the property logging; unset is as stdoutAndStderr.
const (
	stdout          = "stdout"
	stderr          = "stderr"
	stdoutAndStderr = "stdoutAndStderr"
	none            = "none"
)

func want(ok bool, what string) string {
	if ok {
		return ""
	}
	return "it takes " + what
}

func isText(v resource.PropertyValue) string { return want(v.IsString(), "a string") }

func isTexts(v resource.PropertyValue) string {
	ok := v.IsArray()
	for i := 0; ok && i < len(v.ArrayValue()); i++ {
		ok = holds(v.ArrayValue()[i])
	}
	return want(ok, "a list of strings")
}

func isTextMap(v resource.PropertyValue) string {
	ok := v.IsObject()
	if ok {
		for _, item := range v.ObjectValue() {
			ok = ok && holds(item)
		}
	}
	return want(ok, "a map of strings")
}

// holds says whether a part of a list or map is a text, or not known yet.
func holds(v resource.PropertyValue) bool {
	v = reveal(v)
	return v.IsString() || v.IsComputed()
}

// reveal takes the outermost secret mark off.
func reveal(v resource.PropertyValue) resource.PropertyValue {
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	return v
}

// check returns what is wrong with the inputs of a program. The reasons hold no
// values, because those may be secret.
func check(news resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	for _, key := range slices.Sorted(maps.Keys(news)) {
		value := reveal(news[key])
		if resource.IsInternalPropertyKey(key) || value.IsNull() || value.IsComputed() {
			continue
		}
		rule, known := properties[key]
		if !known {
			failures = append(failures, plugin.CheckFailure{Property: key, Reason: fmt.Sprintf("the stand-in does not support %s of a command", key)})
			continue
		}
		if reason := rule(value); reason != "" {
			failures = append(failures, plugin.CheckFailure{Property: key, Reason: reason})
		}
	}
	return failures
}

// read takes a command's properties, which are all known, apart.
func read(props resource.PropertyMap) inputs {
	text := func(key resource.PropertyKey) *string {
		v := reveal(props[key])
		if !v.IsString() {
			return nil
		}
		value := v.StringValue()
		return &value
	}
	or := func(value *string) string {
		if value == nil {
			return ""
		}
		return *value
	}
	in := inputs{
		create:      text("create"),
		update:      text("update"),
		delete:      text("delete"),
		stdin:       or(text("stdin")),
		logging:     or(text("logging")),
		dir:         or(text("dir")),
		environment: map[string]string{},
	}
	if v := reveal(props["interpreter"]); v.IsArray() {
		for _, item := range v.ArrayValue() {
			in.interpreter = append(in.interpreter, reveal(item).StringValue())
		}
	}
	if v := reveal(props["environment"]); v.IsObject() {
		for name, item := range v.ObjectValue() {
			in.environment[string(name)] = reveal(item).StringValue()
		}
	}
	if v := reveal(props["addPreviousOutputInEnv"]); v.IsBool() {
		in.withoutOutput = !v.BoolValue()
	}
	return in
}
