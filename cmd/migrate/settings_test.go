package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	evsql "example.com/evstream/sql"
)

func TestReadWanted(t *testing.T) {
	for name, test := range map[string]struct {
		refresh, readers string
		want             []reader
		wrong            string // in the error; "" means none
	}{
		"nobody":                 {"YES", "[]", []reader{}, ""},
		"everyone that can be":   {"NO", `["role:ops","ana","IAM:u+1=2@x.y-z","group:g","IAMR:a/b","AWSIDC:bo@x.y"]`, []reader{"AWSIDC:bo@x.y", "IAM:u+1=2@x.y-z", "IAMR:a/b", "ana", "group:g", "role:ops"}, ""},
		"twice":                  {"NO", `["ana","ana"]`, []reader{"ana"}, ""},
		"127 characters":         {"NO", `["` + strings.Repeat("a", 127) + `"]`, []reader{reader(strings.Repeat("a", 127))}, ""},
		"200 characters":         {"NO", `["` + strings.Repeat("a", 200) + `"]`, nil, "1 to 127 letters"},
		"no refresh":             {"", "[]", nil, `AUTO_REFRESH is "": it must be YES or NO`},
		"another refresh":        {"yes", "[]", nil, `AUTO_REFRESH is "yes"`},
		"SQL for refresh":        {"NO; DROP VIEW v", "[]", nil, "it must be YES or NO"},
		"no readers":             {"NO", "", nil, "it must be a JSON list"},
		"a name":                 {"NO", "ana", nil, "it must be a JSON list"},
		"numbers":                {"NO", "[1]", nil, "it must be a JSON list"},
		"an empty name":          {"NO", `[""]`, nil, `READERS holds ""`},
		"a double quote":         {"NO", `["a\" WITH GRANT OPTION; --"]`, nil, "a reader is NAME, group:NAME or role:NAME"},
		"a quote":                {"NO", `["a'b"]`, nil, "a reader is NAME"},
		"a semicolon":            {"NO", `["a;DROP"]`, nil, "a reader is NAME"},
		"dollars":                {"NO", `["$$"]`, nil, "a reader is NAME"},
		"a placeholder":          {"NO", `["${READER}"]`, nil, "a reader is NAME"},
		"a line end":             {"NO", `["ana\n"]`, nil, "a reader is NAME"},
		"a NUL":                  {"NO", `["ana\u0000"]`, nil, "a reader is NAME"},
		"a letter like no other": {"NO", `["ａna"]`, nil, "a reader is NAME"},
		"a space":                {"NO", `["ana bo"]`, nil, "a reader is NAME"},
		"two names":              {"NO", `["ana,bo"]`, nil, "a reader is NAME"},
		"everybody":              {"NO", `["Public"]`, nil, "every user of the database"},
		"a kind alone":           {"NO", `["role:"]`, nil, "a reader is NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(evsql.AutoRefresh, test.refresh)
			t.Setenv(evsql.Readers, test.readers)
			got, err := readWanted(true)
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("error %v, want one with %q", err, test.wrong)
				}
				return
			}
			if diff := cmp.Diff(test.want, got.readers); err != nil || diff != "" {
				t.Errorf("error %v, readers (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAutoRefreshMode(t *testing.T) {
	for autorefresh, want := range map[string]string{
		"t": "YES", "true": "YES", "1": "YES", "f": "NO", "false": "NO", "0": "NO", "u": "u",
	} {
		if got := autoRefreshMode(autorefresh); got != want {
			t.Errorf("%s is %s, want %s", autorefresh, got, want)
		}
	}
}

// TestGranteeStaysOneName: even a name that readWanted refuses can't end its quotes.
func TestGranteeStaysOneName(t *testing.T) {
	s := evsql.Setting{Text: "GRANT SELECT ON v TO ${READER};"}
	for name, want := range map[reader]string{
		"ana":                     `GRANT SELECT ON v TO "ana";`,
		"IAMR:ops":                `GRANT SELECT ON v TO "IAMR:ops";`,
		"group:g":                 `GRANT SELECT ON v TO GROUP "g";`,
		"role:group:g":            `GRANT SELECT ON v TO ROLE "group:g";`,
		`a"; DROP VIEW v; --`:     `GRANT SELECT ON v TO "a""; DROP VIEW v; --";`,
		`role:r", PUBLIC, ROLE "`: `GRANT SELECT ON v TO ROLE "r"", PUBLIC, ROLE """;`,
		"$1${READER}$$":           `GRANT SELECT ON v TO "$1${READER}$$";`,
	} {
		if got := s.SQL(name.grantee()); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

func TestCreate(t *testing.T) {
	for name, want := range map[reader]string{
		"x":        `CREATE USER "x" PASSWORD DISABLE;`,
		"IAM:x":    `CREATE USER "IAM:x" PASSWORD DISABLE; -- or let that identity log in once`,
		"IAMR:x-y": `CREATE USER "IAMR:x-y" PASSWORD DISABLE; -- or let that identity log in once`,
		"role:x":   `CREATE ROLE "x";`,
		"group:x":  `CREATE GROUP "x";`,
	} {
		if got := name.create(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
