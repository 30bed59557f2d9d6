package provider

import "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

// Plain is a value as plain data: string, float64, bool, []any, map[string]any. What is secret
// and what is not known yet are as given; with nil for secret the marks are off. Properties that
// are null, and the engine's internal ones, are left out.
func Plain(v resource.PropertyValue, secret, unknown any) any {
	switch {
	case v.IsSecret() && secret != nil:
		return secret
	case v.IsSecret():
		return Plain(v.SecretValue().Element, secret, unknown)
	case v.IsComputed():
		return unknown
	case v.IsArray():
		list := make([]any, 0, len(v.ArrayValue()))
		for _, item := range v.ArrayValue() {
			list = append(list, Plain(item, secret, unknown))
		}
		return list
	case v.IsObject():
		object := map[string]any{}
		for key, item := range v.ObjectValue() {
			if plain := Plain(item, secret, unknown); plain != nil && !resource.IsInternalPropertyKey(key) {
				object[string(key)] = plain
			}
		}
		return object
	}
	return v.V
}
