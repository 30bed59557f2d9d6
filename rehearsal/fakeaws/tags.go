package fakeaws

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags refuses what the services refuse about tags.
func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return errors.New("TooManyTags: a resource has at most 50 tags")
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(value) > 256:
			return fmt.Errorf("ValidationException: the tag %q: a key has 1 to 128 characters, a value up to 256", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return fmt.Errorf("ValidationException: the tag %q: keys that begin with aws: are reserved", key)
		case !tagText.MatchString(key) || !tagText.MatchString(value):
			return fmt.Errorf("ValidationException: the tag %q: letters, digits, spaces and _.:/=+-@ only", key)
		}
	}
	return nil
}

// tagged adds the properties of a resource that takes tags.
func tagged(s schema) schema {
	s["tags"] = property{kind: textMap}
	s["tagsAll"] = property{kind: textMap, output: true}
	return s
}
