package fakecommand

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"example.com/evstream/rehearsal/internal/provider"
)

// inputs are a command's inputs, all that the stand-in takes, without their secret marks.
type inputs struct {
	Create, Update, Delete *string

	Stdin                  string
	Logging                string // "" is as stdoutAndStderr
	Interpreter            []string
	Dir                    string
	Environment            map[string]string
	AddPreviousOutputInEnv *bool // nil is true
	Triggers               []any
}

// Values of the input logging.
const (
	stdout          = "stdout"
	stderr          = "stderr"
	stdoutAndStderr = "stdoutAndStderr"
	none            = "none"
)

// check returns what is wrong with the inputs of a program. The reasons hold no
// values, because those may be secret.
func check(news resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	for _, key := range slices.Sorted(maps.Keys(news)) {
		value := plain(news[key])
		if resource.IsInternalPropertyKey(key) || value == nil {
			continue
		}
		var in inputs
		reason := ""
		if err := decode(map[string]any{string(key): value}, &in); err != nil {
			reason = err.Error()
		} else if in.Logging != "" && !slices.Contains([]string{stdout, stderr, stdoutAndStderr, none}, in.Logging) {
			reason = "it takes stdout, stderr, stdoutAndStderr or none"
		}
		if reason != "" {
			failures = append(failures, plugin.CheckFailure{Property: key, Reason: reason})
		}
	}
	return failures
}

// read takes a command's properties, which are all known, apart.
func read(props resource.PropertyMap) (inputs, error) {
	known := map[string]any{}
	for key, value := range props {
		if key != stdout && key != stderr && !resource.IsInternalPropertyKey(key) {
			known[string(key)] = plain(value)
		}
	}
	var in inputs
	return in, decode(known, &in)
}

// decode reads inputs. Its errors tell what they take.
func decode(props map[string]any, in *inputs) error {
	text, err := json.Marshal(props)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(in)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field, _, _ := strings.Cut(wrong.Field, ".")
		declared, _ := reflect.TypeFor[inputs]().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, field) })
		return errors.New("it takes " + map[string]string{
			"string": "a string", "*string": "a string", "*bool": "true or false", "[]string": "a list of strings",
			"map[string]string": "a map of strings", "[]interface {}": "a list",
		}[declared.Type.String()])
	}
	if err != nil { // the one other error is that of a field that there is not
		return fmt.Errorf("the stand-in does not support %s of a command", strings.Join(slices.Sorted(maps.Keys(props)), ", "))
	}
	return nil
}

// plain is a value without secret marks, nil if it is not known yet.
func plain(v resource.PropertyValue) any { return provider.Plain(v, nil, nil) }
