package sql_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"example.com/evstream/sql"
)

// TestCompare: what was applied stays as it is; what was not may change, and so
// may the settings.
func TestCompare(t *testing.T) {
	pack := func(files ...string) string {
		var a txtar.Archive
		for i := 0; i < len(files); i += 2 {
			a.Files = append(a.Files, txtar.File{Name: files[i], Data: []byte(files[i+1] + "\n")})
		}
		return string(txtar.Format(&a))
	}
	applied := pack("00001_a.sql", "A", "00002_b.sql", "B", "settings/grant.sql", "G")
	for _, c := range []struct {
		name string
		now  string
		want []string // in the problems, one each
	}{
		{"nothing changed", applied, nil},
		{"one added, as another's copy", pack("00001_a.sql", "A", "00002_b.sql", "B", "00003_c.sql", "A"), nil},
		{"one added", pack("00001_a.sql", "A", "00002_b.sql", "B", "00003_c.sql", "C"), nil},
		{"settings changed", pack("00001_a.sql", "A", "00002_b.sql", "B", "settings/grant.sql", "other"), nil},
		{"one edited", pack("00001_a.sql", "A", "00002_b.sql", "b"), []string{"00002_b.sql was applied and has changed since. Restore it"}},
		{"the last one removed, as by git revert", pack("00001_a.sql", "A"), []string{"00002_b.sql was applied and is no longer there. Restore it"}},
		{"one renamed", pack("00001_a.sql", "A", "00002_bee.sql", "B"), []string{"00002_b.sql was applied and is named 00002_bee.sql now"}},
		{"one inserted", pack("00001_a.sql", "A", "00002_new.sql", "N", "00003_b.sql", "B"),
			[]string{"00002_b.sql was applied and is named 00003_b.sql now", "00002_new.sql is new, and 00002_b.sql was applied"}},
		{"one inserted under a free number", pack("00001_a.sql", "A", "00001_aa.sql", "N", "00002_b.sql", "B"),
			[]string{"00001_aa.sql is new, and 00002_b.sql was applied"}},
		{"one replaced", pack("00001_a.sql", "A", "00002_c.sql", "C"),
			[]string{"00002_b.sql was applied and is no longer there", "00002_c.sql is new"}},
		{"everything wrong", pack("00001_a.sql", "a"),
			[]string{"00001_a.sql was applied and has changed", "00002_b.sql was applied and is no longer there"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := sql.Compare(applied, c.now).Problems
			if len(got) != len(c.want) {
				t.Fatalf("problems %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("problem %q, want in it %q", got[i], c.want[i])
				}
			}
		})
	}
}

// TestAddedUse: only a new migration recreates what holds a placeholder.
func TestAddedUse(t *testing.T) {
	const head = "-- +goose NO TRANSACTION\n-- +goose ENVSUB ON\n-- +goose Up\n"
	const first, second = "-- 00001_a.sql --\n" + head + "READ ${STREAM_NAME};\n", "-- 00002_b.sql --\n" + head + "READ ${STREAM_NAME};\n"
	if sql.Compare(first, first).AddedUse(sql.StreamName) {
		t.Error("an applied migration counts as new")
	}
	d := sql.Compare(first, first+second)
	if !d.AddedUse(sql.StreamName) || d.AddedUse(sql.StreamingRoleARN) {
		t.Error("the new migration recreates the view with another stream, and nothing with another role")
	}
	const comment = "-- 00002_b.sql --\n" + head + "-- Unlike the view on ${STREAM_NAME}.\nSELECT 1;\n"
	if sql.Compare(first, first+comment).AddedUse(sql.StreamName) {
		t.Error("a placeholder in a comment counts as use")
	}
}
