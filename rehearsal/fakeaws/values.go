package fakeaws

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"example.com/evstream/rehearsal/internal/provider"
)

// values are properties as plain data: string, float64, bool, []any, map[string]any,
// and unknown. Marks of secrets are off; properties that are null are left out.
type values map[string]any

// unknown is a value that a preview does not know yet.
type unknown struct{}

// plain takes engine values apart.
func plain(props resource.PropertyMap) values {
	return provider.Plain(resource.NewProperty(props), nil, unknown{}).(map[string]any)
}

func plainValue(v resource.PropertyValue) any { return provider.Plain(v, nil, unknown{}) }

// engineValue is the way back.
func engineValue(v any) resource.PropertyValue {
	switch v := v.(type) {
	case unknown:
		return resource.MakeComputed(resource.NewProperty(""))
	case []any:
		list := make([]resource.PropertyValue, 0, len(v))
		for _, item := range v {
			list = append(list, engineValue(item))
		}
		return resource.NewProperty(list)
	case map[string]any:
		object := resource.PropertyMap{}
		for key, item := range v {
			object[resource.PropertyKey(key)] = engineValue(item)
		}
		return resource.NewProperty(object)
	}
	return resource.NewPropertyValue(v)
}

// isKnown says whether nothing in the value is unknown.
func isKnown(v any) bool {
	switch v := v.(type) {
	case unknown:
		return false
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !isKnown(item) })
	case map[string]any:
		for _, item := range v {
			if !isKnown(item) {
				return false
			}
		}
	}
	return true
}

func (v values) has(key string) bool {
	_, ok := v[key]
	return ok
}

func (v values) text(key string) string {
	s, _ := v[key].(string)
	return s
}

func (v values) number(key string) int {
	n, _ := v[key].(float64)
	return int(n)
}

func (v values) flag(key string) bool {
	b, _ := v[key].(bool)
	return b
}

// texts returns a list of texts, sorted.
func (v values) texts(key string) []string {
	list, _ := v[key].([]any)
	var texts []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			texts = append(texts, s)
		}
	}
	slices.Sort(texts)
	return texts
}

func (v values) object(key string) values {
	object, _ := v[key].(map[string]any)
	return object
}

// objects returns a list of objects.
func (v values) objects(key string) []values {
	list, _ := v[key].([]any)
	var objects []values
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// textMap returns a map of texts, never nil.
func (v values) textMap(key string) map[string]string {
	texts := map[string]string{}
	for name, item := range v.object(key) {
		if s, ok := item.(string); ok {
			texts[name] = s
		}
	}
	return texts
}

// clone copies the top level.
func (v values) clone() values { return maps.Clone(v) }

// list turns texts into a value.
func list(texts []string) []any {
	items := make([]any, 0, len(texts))
	for _, text := range texts {
		items = append(items, text)
	}
	return items
}

// object turns a map of texts into a value.
func object(texts map[string]string) map[string]any {
	items := make(map[string]any, len(texts))
	for key, text := range texts {
		items[key] = text
	}
	return items
}
