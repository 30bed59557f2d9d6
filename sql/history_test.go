package sql_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"example.com/evstream/sql"
)

// archive makes an archive of names and one-line texts in turn.
func archive(namesAndTexts ...string) string {
	var a txtar.Archive
	for i := 0; i < len(namesAndTexts); i += 2 {
		a.Files = append(a.Files, txtar.File{Name: namesAndTexts[i], Data: []byte(namesAndTexts[i+1] + "\n")})
	}
	return string(txtar.Format(&a))
}

// TestHistory: what was applied stays as it is; what was not may change, and so may what
// is repeated. A preview, which compares archives, finds what up finds, which compares with
// the ledger.
func TestHistory(t *testing.T) {
	applied := archive("00001_a.sql", "A;", "00002_b.sql", "B;")
	for _, c := range []struct {
		name   string
		now    string
		states string
		want   []string // in the problems, one each
	}{
		{"nothing changed", applied, "applied applied", nil},
		{"one added", archive("00001_a.sql", "A;", "00002_b.sql", "B;", "00003_c.sql", "C;"), "applied applied pending", nil},
		{"one edited", archive("00001_a.sql", "A;", "00002_b.sql", "b;"), "applied changed", []string{"00002_b.sql was applied ON and has changed since. Restore it"}},
		{"the last one removed, as by git revert", archive("00001_a.sql", "A;"), "applied removed", []string{"00002_b.sql was applied ON and is no longer there. Restore it"}},
		{"one renamed", archive("00001_a.sql", "A;", "00002_bee.sql", "B;"), "applied renamed", []string{"00002_b.sql was applied ON and is named 00002_bee.sql now"}},
		{"one inserted", archive("00001_a.sql", "A;", "00002_new.sql", "N;", "00003_b.sql", "B;"), "applied renamed late",
			[]string{"00002_b.sql was applied ON and is named 00003_b.sql now", "00002_new.sql is new, and 00002_b.sql was applied. Give it the next free number."}},
		{"one replaced", archive("00001_a.sql", "A;", "00002_c.sql", "C;"), "applied removed late",
			[]string{"00002_b.sql was applied ON and is no longer there", "00002_c.sql is new"}},
		{"everything wrong", archive("00001_a.sql", "a;"), "changed removed",
			[]string{"00001_a.sql was applied ON and has changed", "00002_b.sql was applied ON and is no longer there"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			same := func(where string, got []string, on string) {
				t.Helper()
				if len(got) != len(c.want) {
					t.Fatalf("%s: problems %q, want %q", where, got, c.want)
				}
				for i := range got {
					if want := strings.Replace(c.want[i], " ON", on, 1); !strings.Contains(got[i], want) {
						t.Errorf("%s: problem %q, want in it %q", where, got[i], want)
					}
				}
			}
			same("preview", sql.Compare(applied, c.now).Problems, "")

			before, err := sql.Unpack(applied)
			if err != nil {
				t.Fatal(err)
			}
			after, err := sql.Unpack(c.now)
			if err != nil {
				t.Fatal(err)
			}
			var records []sql.Record
			for _, m := range before.Migrations {
				records = append(records, sql.Record{File: m.File, SHA256: m.SHA256, AppliedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
			}
			var states, problems []string
			for _, e := range sql.Match(after.Migrations, records) {
				states = append(states, string(e.State))
				if e.Problem != "" {
					problems = append(problems, e.Problem)
				}
			}
			same("up", problems, " on 2026-03-01 12:00:00 UTC")
			if got := strings.Join(states, " "); got != c.states {
				t.Errorf("states %q, want %q", got, c.states)
			}
		})
	}
	repeated := "-- repeatable/grant.sql --\nGRANT SELECT ON v TO ${READER};\n-- repeatable/refresh.sql --\nALTER MATERIALIZED VIEW v AUTO REFRESH ${AUTO_REFRESH};\n"
	if got := sql.Compare(applied+strings.Replace(repeated, " v ", " w ", 1), applied+repeated).Problems; len(got) > 0 {
		t.Errorf("a change of what is repeated has the problems %q", got)
	}
	if got := sql.Compare(applied, "junk").Problems; len(got) != 1 {
		t.Errorf("an archive that is none has the problems %q", got)
	}
}

// TestMatchValues: a value stays what it was for the last file that uses it.
func TestMatchValues(t *testing.T) {
	set, err := sql.Unpack(archive("00001_a.sql", "A '${STREAM_NAME}';", "00002_b.sql", "B '${STREAM_NAME}';"))
	if err != nil {
		t.Fatal(err)
	}
	record := func(i int, stream string) sql.Record {
		m := set.Migrations[i]
		return sql.Record{File: m.File, SHA256: m.SHA256, Values: map[string]string{"STREAM_NAME": stream}}
	}
	for name, test := range map[string]struct {
		records []sql.Record
		now     map[string]string
		want    string // the problem of the last entry
	}{
		"the same":           {[]sql.Record{record(0, "ev"), record(1, "ev")}, map[string]string{"STREAM_NAME": "ev"}, ""},
		"not given":          {[]sql.Record{record(0, "ev"), record(1, "ev")}, nil, ""},
		"another":            {[]sql.Record{record(0, "ev"), record(1, "ev")}, map[string]string{"STREAM_NAME": "x"}, "00002_b.sql was applied with STREAM_NAME=ev, and it is x now."},
		"recreated with it":  {[]sql.Record{record(0, "ev"), record(1, "x")}, map[string]string{"STREAM_NAME": "x"}, ""},
		"to be recreated":    {[]sql.Record{record(0, "ev")}, map[string]string{"STREAM_NAME": "x"}, ""},
		"before its objects": {nil, map[string]string{"STREAM_NAME": "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			entries := sql.Match(set.Migrations, test.records)
			sql.MatchValues(entries, test.now)
			for i, e := range entries {
				if last := i == len(entries)-1; !last && e.Problem != "" || last && (e.Problem == "") != (test.want == "") || !strings.Contains(e.Problem, test.want) && last {
					t.Errorf("problem of %s: %q, want %q in the last one", e.File, e.Problem, test.want)
				}
			}
		})
	}
}

// TestAddedUse: only a new migration recreates what holds a placeholder.
func TestAddedUse(t *testing.T) {
	first := archive("00001_a.sql", "READ '${STREAM_NAME}';")
	if sql.Compare(first, first).AddedUse(sql.StreamName) {
		t.Error("an applied migration counts as new")
	}
	d := sql.Compare(first, first+archive("00002_b.sql", "REREAD '${STREAM_NAME}';"))
	if !d.AddedUse(sql.StreamName) || d.AddedUse(sql.StreamingRoleARN) {
		t.Error("the new migration recreates the view with another stream, and nothing with another role")
	}
	if sql.Compare(first, first+archive("00002_b.sql", "-- Unlike the view on ${STREAM_NAME}.\nSELECT 1;")).AddedUse(sql.StreamName) {
		t.Error("a placeholder in a comment counts as use")
	}
}
