package sql_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"example.com/evstream/sql"
)

func TestShippedMigrationsRoundTrip(t *testing.T) {
	packed, err := sql.Pack(sql.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := sql.Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(sql.Migrations(), "*")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d migrations, %v", len(names), err)
	}
	for _, name := range names {
		want, _ := fs.ReadFile(sql.Migrations(), name)
		got, err := fs.ReadFile(unpacked, name)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s came back as %q, %v", name, got, err)
		}
	}
}

func TestPackRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"another name":       {"1_a.sql", "SELECT 1;\n", `"1_a.sql" is not the name of a migration`},
		"no last line feed":  {"00001_a.sql", "SELECT 1;", "00001_a.sql does not end with a line feed"},
		"empty":              {"00001_a.sql", "", "00001_a.sql does not end with a line feed"},
		"carriage returns":   {"00001_a.sql", "SELECT 1;\r\n", "00001_a.sql has carriage returns"},
		"not UTF-8":          {"00001_a.sql", "SELECT '\xff';\n", "00001_a.sql is not UTF-8"},
		"a marker in a file": {"00001_a.sql", "SELECT 1;\n-- 00002_b.sql --\n", `"-- 00002_b.sql --" inside a file`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sql.Pack(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
	if _, err := sql.Pack(fstest.MapFS{}); err == nil {
		t.Error("an empty folder was packed")
	}
}

func TestUnpackRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":           {"", "the archive is empty"},
		"text before":       {"hello\n-- 00001_a.sql --\nSELECT 1;\n", `"hello" stands before`},
		"another name":      {"-- ../00001_a.sql --\nSELECT 1;\n", "is not the name of a migration"},
		"a name twice":      {"-- 00001_a.sql --\nSELECT 1;\n-- 00001_a.sql --\nSELECT 2;\n", "00001_a.sql"},
		"a file cut off":    {"-- 00001_a.sql --\n", "does not end with a line feed"},
		"carriage returns":  {"-- 00001_a.sql --\nSELECT 1;\r\n", "has carriage returns"},
		"no file but words": {"SELECT 1;\n", "stands before"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sql.Unpack(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	packed, err := sql.Pack(sql.Migrations())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add("-- 00001_a.sql --\nSELECT 1;\n")
	f.Fuzz(func(t *testing.T, text string) {
		unpacked, err := sql.Unpack(text)
		if err != nil {
			return
		}
		again, err := sql.Pack(unpacked)
		if err != nil {
			t.Fatalf("%q was unpacked and can't be packed: %v", text, err)
		}
		if _, err := sql.Unpack(again); err != nil {
			t.Fatalf("%q: %v", again, err)
		}
	})
}
