package main

import (
	"regexp"
	"strings"
	"testing"

	evsql "example.com/evstream/sql"
)

// FuzzReaders: whatever the list of readers holds, it is refused, or each of them is one
// quoted name in the GRANT, from which nothing can break out.
func FuzzReaders(f *testing.F) {
	for _, seed := range []string{
		`["ana","group:analysts","role:r"]`, `[]`, `null`, ``, `["public"]`, `["group:PUBLIC"]`, `["group:role:x"]`, `["a\"; DROP TABLE x; --"]`,
		`["${READER}"]`, `["$1"]`, `["IAMR:a/b@c"]`, `["\u0000","\n",""]`, `[7]`, `{"a":1}`, `["a"] []`,
	} {
		f.Add(seed)
	}
	quoted := regexp.MustCompile(`^(GROUP |ROLE )?"[^"\s\\$;]+"$`)
	f.Fuzz(func(t *testing.T, list string) {
		if strings.Contains(list, "\x00") {
			return // no environment variable holds it
		}
		t.Setenv(evsql.AutoRefresh, "YES")
		t.Setenv(evsql.Readers, list)
		w, err := readWanted(true)
		if err != nil {
			if !strings.Contains(err.Error(), evsql.Readers) {
				t.Errorf("an error that does not name the variable: %v", err)
			}
			return
		}
		for _, r := range w.readers {
			if !quoted.MatchString(r.grantee()) {
				t.Errorf("%q is %s in the GRANT", r, r.grantee())
			}
			s := evsql.Setting{Text: "GRANT SELECT ON v TO ${READER};"}
			if got, want := s.SQL(r.grantee()), "GRANT SELECT ON v TO "+r.grantee()+";"; got != want {
				t.Errorf("%q became %s, want %s", r, got, want)
			}
		}
	})
}
