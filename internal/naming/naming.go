// Package naming has the rules for names that more than one program checks.
package naming

import (
	"errors"
	"regexp"
	"strings"
)

// StreamRule says which names of streams Stream takes.
const StreamRule = "1 to 127 letters, digits, _, . and -"

var stream = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,127}$`)

// Stream says whether a stream can have this name. Kinesis takes 128 characters;
// in SQL it is an identifier, which ends at 127 bytes.
func Stream(name string) bool { return stream.MatchString(name) }

// A Reader is a user, group or role of the database, written as in the setting
// readers: NAME, group:NAME or role:NAME.
type Reader string

// Split returns what a reader is, user, group or role, and its name. A name such as
// IAM:ana is a user's.
func (r Reader) Split() (kind, name string) {
	for _, kind := range []string{"group", "role"} {
		if name, ok := strings.CutPrefix(string(r), kind+":"); ok {
			return kind, name
		}
	}
	return "user", string(r)
}

// reader is the rule for the name of a reader, stricter than Redshift's.
var reader = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_+=.@:/-]{0,126}$`)

// Check says why a reader is none.
func (r Reader) Check() error {
	_, name := r.Split()
	prefix, _, prefixed := strings.Cut(strings.ToLower(name), ":")
	switch {
	case prefixed && (prefix == "user" || prefix == "group" || prefix == "role"):
		return errors.New("a reader is NAME for a database user, group:NAME or role:NAME")
	case !reader.MatchString(name):
		return errors.New("a reader is NAME, group:NAME or role:NAME, NAME being 1 to 127 letters, digits and _+=.@:/-")
	case strings.EqualFold(name, "public"):
		return errors.New("it is every user of the database; name users, groups or roles")
	}
	return nil
}
