package fakeaws

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// schema are the properties of a resource type that the stand-in supports.
type schema map[string]property

// property is one of them. Required, computed and output tell how a program may use
// it; one with none of them is an optional one that AWS does not fill in.
type property struct {
	kind     kind
	required bool // the program must give it
	computed bool // AWS fills it in if the program does not; left out, it never differs
	output   bool // the program can't give it
	fallback any  // the provider's default

	replaces bool // a change needs a new resource
	secret   bool // must arrive marked as a secret, and stays marked
	set      bool // a list whose order does not matter
	document bool // a JSON text; only its meaning is compared

	// unread says that the provider's Read leaves it out: a refresh keeps what the state
	// has, an import has none.
	unread bool

	// check is what the provider itself says against a known value, in a preview;
	// "" is nothing. It must not repeat the value of a secret.
	check func(v any) string

	fields schema // of an object or of a list of objects
}

type kind int

const (
	text kind = iota
	number
	decimal
	flag
	texts
	textMap
	anObject
	someObjects
)

func (k kind) String() string {
	return [...]string{"a string", "a whole number", "a number", "true or false", "a list of strings", "a map of strings", "an object", "a list of objects"}[k]
}

// fits says whether a value, as far as it is known, is of the kind. What the fields of an object
// hold is not looked at.
func (k kind) fits(v any) bool {
	all := func(items iter.Seq[any], kind kind) bool {
		for item := range items {
			if !kind.fits(item) {
				return false
			}
		}
		return true
	}
	switch v := v.(type) {
	case unknown:
		return true
	case string:
		return k == text
	case float64:
		return k == decimal || k == number && v == float64(int(v))
	case bool:
		return k == flag
	case []any:
		return k == texts && all(slices.Values(v), text) || k == someObjects && all(slices.Values(v), anObject)
	case map[string]any:
		return k == anObject || k == textMap && all(maps.Values(v), text)
	}
	return false
}

// problem is one refusal of an input, of which it has the path.
type problem struct{ property, reason string }

// problems says what the provider refuses about the inputs of a program: properties it
// does not have, other kinds, missing ones, and what a property's own check finds. The path is
// that of an object whose fields the schema has, with a dot, or "".
func (s schema) problems(of, path string, in values) []problem {
	var found []problem
	add := func(key, format string, args ...any) {
		found = append(found, problem{path + key, fmt.Sprintf(format, args...)})
	}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		p, known := s[key]
		switch {
		case !known || p.output:
			add(key, "the stand-in does not support the input %s of %s", path+key, of)
			continue
		case !p.kind.fits(in[key]):
			add(key, "it takes %s", p.kind)
			continue
		case p.check != nil && isKnown(in[key]):
			if reason := p.check(in[key]); reason != "" {
				add(key, "%s", reason)
			}
		}
		if p.kind == anObject && isMap(in[key]) {
			found = append(found, p.fields.problems(of, path+key+".", in.object(key))...)
		}
		if p.kind == someObjects {
			for i, item := range in.objects(key) {
				found = append(found, p.fields.problems(of, fmt.Sprintf("%s%s[%d].", path, key, i), item)...)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if s[key].required && !in.has(key) {
			add(key, "Missing required argument. The argument %q is required, but no definition was found.", key)
		}
	}
	return found
}

func isMap(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// planned is what a resource's properties will be: the inputs, and of the rest what the
// old properties say. Without old ones, what AWS will fill in is unknown.
func (s schema) planned(in, old values) values {
	out := values{}
	for key, p := range s {
		switch {
		case in.has(key):
			out[key] = in[key]
		case !p.computed && !p.output:
		case old == nil:
			out[key] = unknown{}
		case old.has(key):
			out[key] = old[key]
		}
	}
	if _, tagged := s["tagsAll"]; tagged {
		out["tagsAll"] = map[string]any{}
		if in.has("tags") {
			out["tagsAll"] = in["tags"]
		}
	}
	return out
}

// tagKeys are the properties of the tags.
var tagKeys = []string{"tags", "tagsAll"}

// sent are a resource's properties in AWS after a request that carries some of the inputs; see
// [request.sends].
func (s schema) sent(keys []string, in, old values) values {
	planned, props := s.planned(in, old), values{}
	maps.Copy(props, old)
	if planned.has("tagsAll") && old == nil {
		props["tagsAll"] = map[string]any{}
	}
	for key := range s {
		if keys != nil && !slices.Contains(keys, key) || keys == nil && old != nil && slices.Contains(tagKeys, key) {
			continue
		}
		delete(props, key)
		if v, ok := planned[key]; ok && v != (unknown{}) {
			props[key] = v
		}
	}
	return props
}

// changes compares a resource's properties with the inputs, path by path, as the
// provider does.
func (s schema) changes(old, in values, ignored []string) map[string]plugin.PropertyDiff {
	found := map[string]plugin.PropertyDiff{}
	for key, p := range s {
		if p.output || !in.has(key) && p.computed {
			continue
		}
		before := old[key]
		if !in.has(key) && isZero(before) {
			continue
		}
		p.compare(key, before, in[key], func(path string, kind plugin.DiffKind) {
			if slices.ContainsFunc(ignored, func(i string) bool { return within(path, i) }) {
				return
			}
			if p.replaces {
				kind = kind.AsReplace()
			}
			found[path] = plugin.PropertyDiff{Kind: kind}
		})
	}
	return found
}

// top is the property that a path begins with.
func top(path string) string { return path[:strings.IndexAny(path+".", ".[")] }

// within says whether a property path is another one or below it.
func within(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return of == "*" || ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func (p property) compare(path string, before, after any, differs func(string, plugin.DiffKind)) {
	if p.kind == textMap || p.kind == anObject {
		olds, ok := before.(map[string]any)
		news, also := after.(map[string]any)
		if ok && also {
			for key := range olds {
				if _, kept := news[key]; !kept {
					differs(path+subPath(key), plugin.DiffDelete)
				}
			}
			for key, item := range news {
				(property{kind: p.fields[key].kind}).compare(path+subPath(key), olds[key], item, differs)
			}
			return
		}
	}
	switch {
	case p.same(before, after):
	case before == nil:
		differs(path, plugin.DiffAdd)
	case after == nil:
		differs(path, plugin.DiffDelete)
	default:
		differs(path, plugin.DiffUpdate)
	}
}

var plainKey = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

func subPath(key string) string {
	if plainKey.MatchString(key) {
		return "." + key
	}
	return fmt.Sprintf("[%q]", key)
}

func (p property) same(a, b any) bool {
	if !isKnown(a) || !isKnown(b) {
		return false
	}
	if p.document {
		a, b = parsed(a), parsed(b)
	}
	if p.set {
		a, b = ordered(a), ordered(b)
	}
	return reflect.DeepEqual(a, b)
}

// parsed is the meaning of a JSON text, or the text if it is none.
func parsed(v any) any {
	document, _ := v.(string)
	var meaning any
	if json.Unmarshal([]byte(document), &meaning) != nil {
		return v
	}
	return meaning
}

// parsedObject are the fields of a JSON text, none if it is no object.
func parsedObject(document string) map[string]any {
	fields, _ := parsed(document).(map[string]any)
	return fields
}

// ordered is a list in an order of its own.
func ordered(v any) any {
	items, ok := v.([]any)
	if !ok {
		return v
	}
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return items
}

// isZero says whether a property is as if it were not there.
func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return reflect.ValueOf(v).IsZero()
}

// Checks of properties.

func oneOf(allowed ...string) func(any) string {
	return func(v any) string {
		for _, given := range each(v) {
			if !slices.Contains(allowed, given) {
				return fmt.Sprintf("expected one of %q, got %s", allowed, given)
			}
		}
		return ""
	}
}

func oneOfNumbers(allowed ...int) func(any) string {
	return func(v any) string {
		if n := int(v.(float64)); !slices.Contains(allowed, n) {
			return fmt.Sprintf("expected one of %v, got %d", allowed, n)
		}
		return ""
	}
}

func between(low, high int) func(any) string {
	return func(v any) string {
		if n := int(v.(float64)); n < low || n > high {
			return fmt.Sprintf("expected a number in the range (%d - %d), got %d", low, high, n)
		}
		return ""
	}
}

func upTo(characters int) func(any) string {
	return func(v any) string {
		if n := utf8.RuneCountInString(v.(string)); n > characters {
			return fmt.Sprintf("expected up to %d characters, got %d", characters, n)
		}
		return ""
	}
}

func matching(pattern string) func(any) string {
	compiled := regexp.MustCompile(`^(` + pattern + `)$`)
	return func(v any) string {
		if !compiled.MatchString(v.(string)) {
			return fmt.Sprintf("invalid value %q: it must match %s", v, pattern)
		}
		return ""
	}
}

var arn = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+$`)

// isARN accepts an ARN or a list of them.
func isARN(v any) string {
	for _, given := range each(v) {
		if !arn.MatchString(given) {
			return fmt.Sprintf("(%s) is an invalid ARN", given)
		}
	}
	return ""
}

func isCIDR(v any) string {
	prefix, err := netip.ParsePrefix(v.(string))
	if err != nil || prefix.Masked() != prefix {
		return fmt.Sprintf("%q is not a valid CIDR block", v)
	}
	return ""
}

func isJSON(v any) string {
	var document map[string]any
	if err := json.Unmarshal([]byte(v.(string)), &document); err != nil {
		return fmt.Sprintf("contains an invalid JSON policy: %v", err)
	}
	return ""
}

// each returns a text, or the texts of a list.
func each(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	return values{"": v}.texts("")
}
