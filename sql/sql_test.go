package sql_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/sql"
)

// migration returns a sound migration around the given statements.
func migration(statements string) string {
	return "-- What it is for.\n\n-- +goose NO TRANSACTION\n-- +goose ENVSUB ON\n-- +goose Up\n" + statements
}

// files makes a file system of names and texts in turn.
func files(namesAndTexts ...string) fs.FS {
	fsys := make(fstest.MapFS)
	for i := 0; i < len(namesAndTexts); i += 2 {
		fsys[namesAndTexts[i]] = &fstest.MapFile{Data: []byte(namesAndTexts[i+1])}
	}
	return fsys
}

func TestShippedMigrations(t *testing.T) {
	list, err := sql.List(sql.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		File         string
		Lines        []int
		Placeholders []sql.Placeholder
	}
	var got []row
	for _, m := range list {
		r := row{File: m.File, Placeholders: m.Placeholders}
		for _, s := range m.Statements {
			r.Lines = append(r.Lines, s.Line)
		}
		got = append(got, r)
	}
	if len(got) < 5 {
		t.Fatalf("%d migrations", len(got))
	}
	want := []row{
		{"00001_external_schema.sql", []int{10}, []sql.Placeholder{{Name: "STREAMING_ROLE_ARN", Line: 12}}},
		{"00002_streaming_view.sql", []int{13}, []sql.Placeholder{{Name: "STREAM_NAME", Line: 25}}},
	}
	if diff := cmp.Diff(want, got[:2]); diff != "" {
		t.Errorf("first migrations (-want +got):\n%s", diff)
	}
}

// TestReleasedMigrationsStay: cmd/migrate refuses a stack that has another text of a
// migration, so one that was released never changes.
func TestReleasedMigrationsStay(t *testing.T) {
	released, err := os.ReadFile("testdata/released.sha256")
	if err != nil {
		t.Fatal(err)
	}
	list, err := sql.List(sql.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(released)) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		i := slices.IndexFunc(list, func(m sql.Migration) bool { return m.File == file })
		if i < 0 || list[i].SHA256 != sum {
			t.Errorf("%s was released and is changed or gone: put it back, and add a migration instead", file)
		}
	}
}

func TestArchiveGivesBackEveryByte(t *testing.T) {
	fsys := files(
		"00002_b.sql", migration("SET a TO 1;\nCREATE VIEW b AS SELECT 'ä ünd ${STREAM_NAME}'; -- 語\n\n\n"),
		"00001_a.sql", migration("CREATE VIEW a AS\n    SELECT ';' ;\n--  --- \n"),
	)
	archive, err := sql.Pack(fsys, sql.SettingsFiles())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(archive, "-- 00001_a.sql --\n-- What it is for.\n") {
		t.Errorf("archive starts %q", archive[:40])
	}
	back, settings, err := sql.Unpack(archive)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(t, fsys), contents(t, back)); diff != "" {
		t.Errorf("migrations changed on the way (-packed +unpacked):\n%s", diff)
	}
	if diff := cmp.Diff(contents(t, sql.SettingsFiles()), contents(t, settings)); diff != "" {
		t.Errorf("settings changed on the way (-packed +unpacked):\n%s", diff)
	}
	again, err := sql.Pack(back, settings)
	if err != nil || again != archive {
		t.Errorf("packing what was unpacked gives another archive (error %v)", err)
	}
}

func TestListFindsStatements(t *testing.T) {
	list, err := sql.List(files("00001_a.sql", `-- Made up.
-- +goose NO TRANSACTION
-- +goose Up

SET a TO '1;'; -- a comment; with a semicolon;
-- between statements
-- +goose StatementBegin
CREATE PROCEDURE p() AS $$
BEGIN
  SELECT 1;
END;
$$ LANGUAGE plpgsql;
-- +goose StatementEnd
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []sql.Statement{
		{Line: 5, Text: "SET a TO '1;'; -- a comment; with a semicolon;"},
		{Line: 8, Text: "CREATE PROCEDURE p() AS $$\nBEGIN\n  SELECT 1;\nEND;\n$$ LANGUAGE plpgsql;"},
	}
	if diff := cmp.Diff(want, list[0].Statements); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	if got := list[0]; got.Version != 1 || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(got.SHA256) {
		t.Errorf("version %d, SHA-256 %q", got.Version, got.SHA256)
	}
}

func TestPackRefuses(t *testing.T) {
	good := migration("CREATE VIEW a AS SELECT 1;\n")
	for name, test := range map[string]struct {
		fsys fs.FS
		want string
	}{
		"nothing":                 {files(), "there are no migrations"},
		"another name":            {files("1_a.sql", good), "1_a.sql: a migration's file is named NNNNN_name.sql"},
		"upper case in the name":  {files("00001_A.sql", good), "is named NNNNN_name.sql"},
		"a folder":                {files("00001_a.sql", good, "old/00001_a.sql", good), "old: a migration's file is named"},
		"a gap":                   {files("00001_a.sql", good, "00003_c.sql", good), "00003_c.sql: number 00002 is missing before it"},
		"not from 1":              {files("00002_a.sql", good), "00002_a.sql: number 00001 is missing before it"},
		"a number twice":          {files("00001_a.sql", good, "00001_b.sql", good), "00001_a.sql and 00001_b.sql have the same number"},
		"the same twice":          {files("00001_a.sql", good, "00002_b.sql", good), "00002_b.sql is the same as 00001_a.sql"},
		"too long a statement":    {files("00001_a.sql", migration("SELECT '"+strings.Repeat("x", 200<<10)+"';\n")), "00001_a.sql:6: the statement has 204810 bytes, and the Redshift Data API takes 204800"},
		"an empty file":           {files("00001_a.sql", ""), "00001_a.sql: is empty"},
		"no newline at the end":   {files("00001_a.sql", strings.TrimSpace(good)), "its last line does not end in a newline"},
		"Windows line ends":       {files("00001_a.sql", strings.ReplaceAll(good, "\n", "\r\n")), "has Windows line ends"},
		"not UTF-8":               {files("00001_a.sql", good+"-- \xff\n"), "is not UTF-8 text"},
		"a NUL":                   {files("00001_a.sql", good+"-- \x00\n"), "holds a NUL byte"},
		"an archive's marker":     {files("00001_a.sql", good+"-- 00002_b.sql --\n"), `00001_a.sql:7: a line "-- ... --" separates the files`},
		"transactions":            {files("00001_a.sql", "-- +goose Up\nSELECT 1;\n"), "lacks the line -- +goose NO TRANSACTION"},
		"a way back":              {files("00001_a.sql", good+"-- +goose Down\nDROP VIEW a;\n"), "00001_a.sql:7: migrations are never taken back"},
		"no Up":                   {files("00001_a.sql", "-- +goose NO TRANSACTION\n"), "lacks the line -- +goose Up"},
		"SQL before Up":           {files("00001_a.sql", "SELECT 1;\n"+good), "00001_a.sql:1: SQL before -- +goose Up"},
		"an indented annotation":  {files("00001_a.sql", " -- +goose Up\n"), "at the start of its line"},
		"an unknown annotation":   {files("00001_a.sql", "-- +goose UP\n"), `unknown annotation "UP"`},
		"no statement":            {files("00001_a.sql", migration("-- nothing\n")), "holds no statement"},
		"a statement without end": {files("00001_a.sql", migration("SET a TO 1;\nSELECT 1\n")), "00001_a.sql:7: the statement does not end in a semicolon"},
		"a block without end":     {files("00001_a.sql", migration("-- +goose StatementBegin\nSELECT 1;\n")), "lacks the line -- +goose StatementEnd"},
		"a block of nothing":      {files("00001_a.sql", migration("-- +goose StatementBegin\n \n-- +goose StatementEnd\nSELECT 1;\n")), "00001_a.sql:8: nothing between"},
		"a backslash before it":   {files("00001_a.sql", migration("SELECT '\\${STREAM_NAME}';\n")), "00001_a.sql:6: a backslash before ${"},
		"two statements":          {files("00001_a.sql", migration("CREATE VIEW a AS SELECT 1;\nCREATE VIEW b AS SELECT 1;\n")), "00001_a.sql:6: a migration is one statement"},
		"only SET":                {files("00001_a.sql", migration("SET a TO 1;\n")), "00001_a.sql:6: a migration is one statement"},
		"an unknown placeholder":  {files("00001_a.sql", migration("SELECT\n  '${ROLE}';\n")), "00001_a.sql:7: unknown placeholder ${ROLE}; known are ${STREAMING_ROLE_ARN} and ${STREAM_NAME}"},
		"a shell's default":       {files("00001_a.sql", migration("SELECT '${STREAM_NAME:-x}';\n")), "00001_a.sql:6: a $ that starts no placeholder"},
		"a shell's variable":      {files("00001_a.sql", migration("SELECT '$HOME';\n")), "00001_a.sql:6: a $ that starts no placeholder"},
		"substitution off":        {files("00001_a.sql", strings.Replace(migration("SELECT '${STREAM_NAME}';\n"), "ENVSUB ON", "ENVSUB OFF", 1)), "lacks -- +goose ENVSUB ON"},
	} {
		t.Run(name, func(t *testing.T) {
			archive, err := sql.Pack(test.fsys, files())
			if err == nil {
				t.Fatalf("packed:\n%s", archive)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
		})
	}
}

func TestListReportsEveryFile(t *testing.T) {
	_, err := sql.List(files("00001_a.sql", "", "b.sql", "", "00002_c.sql", migration("SELECT 1")))
	for _, want := range []string{"00001_a.sql: ", "b.sql: ", "00002_c.sql: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	good := "-- 00001_a.sql --\n" + migration("SELECT 1;\n")
	setting := "-- settings/refresh.sql --\nALTER MATERIALIZED VIEW v AUTO REFRESH ${AUTO_REFRESH};\n"
	for name, test := range map[string]struct{ archive, want string }{
		"nothing":                   {"", "there are no migrations"},
		"text before the first":     {"hello\n" + good, `starts with "hello"`},
		"a path":                    {strings.Replace(good, "00001", "../00001", 1), "invalid path"},
		"a folder":                  {strings.Replace(good, "00001", "x/00001", 1), "x: a migration's file is named"},
		"a file twice":              {good + good, "duplicate path"},
		"no newline at the end":     {strings.TrimSpace(good), "is not as Pack writes it"},
		"spaces in the marker line": {strings.Replace(good, " --", "  --", 1), "is not as Pack writes it"},
		"Windows line ends":         {strings.ReplaceAll(good, "\n", "\r\n"), "is not as Pack writes it"},
		"another order":             {strings.ReplaceAll(good, "1_a", "2_a") + good, "its files are not in order"},
		"a part of the settings":    {good + setting, "reading settings/grant.sql: "},
		"settings alone":            {setting, "there are no migrations"},
		"settings first":            {setting + good, "archive of migrations has 00001_a.sql after the settings"},
		"a file below the settings": {good + strings.Replace(setting, "/", "/x/", 1), "settings/x: the files of settings are"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := sql.Unpack(test.archive)
			if err == nil {
				t.Fatal("unpacked")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
		})
	}
}

// settingsWith returns the shipped settings' files with one of them changed.
func settingsWith(t *testing.T, file string, change func(string) string) fs.FS {
	all := contents(t, sql.SettingsFiles())
	all[file] = change(all[file])
	var namesAndTexts []string
	for name, text := range all {
		namesAndTexts = append(namesAndTexts, name, text)
	}
	return files(namesAndTexts...)
}

func TestShippedSettings(t *testing.T) {
	s, err := sql.ListSettings(sql.SettingsFiles())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Refresh.SQL("NO"), "ALTER MATERIALIZED VIEW ev_station_data AUTO REFRESH NO;"; got != want {
		t.Errorf("refresh is %q, want %q", got, want)
	}
	// Every view that a migration makes is one that readers may read.
	granted := make(map[string]bool)
	for _, g := range s.Grants {
		granted[g.On] = true
	}
	views := regexp.MustCompile(`(?m)^CREATE (?:MATERIALIZED )?VIEW ([a-z_]+)`)
	for name, text := range contents(t, sql.Migrations()) {
		for _, match := range views.FindAllStringSubmatch(text, -1) {
			if !granted["SELECT ON "+match[1]] {
				t.Errorf("%s makes %s, which settings/grant.sql does not grant", name, match[1])
			}
		}
	}
	if got, want := s.Grants[0].SQL(`"a"`), `GRANT USAGE ON SCHEMA public TO "a";`; got != want {
		t.Errorf("the first grant is %q, want %q", got, want)
	}
}

func TestSettingsRefused(t *testing.T) {
	with := func(text string) func(string) string { return func(s string) string { return s + text } }
	for name, test := range map[string]struct {
		file   string
		change func(string) string
		want   string
	}{
		"two views":            {"refresh.sql", with("ALTER MATERIALIZED VIEW w AUTO REFRESH ${AUTO_REFRESH};\n"), "settings/refresh.sql:7: a second statement"},
		"a constant mode":      {"refresh.sql", with("ALTER MATERIALIZED VIEW w AUTO REFRESH YES;\n"), "settings/refresh.sql:7: each line is a comment or ALTER MATERIALIZED VIEW"},
		"a drop":               {"refresh.sql", with("DROP MATERIALIZED VIEW ev_station_data;\n"), "settings/refresh.sql:7: each line is a comment or"},
		"no statement":         {"grant.sql", func(string) string { return "-- nobody\n" }, "settings/grant.sql: holds no statement"},
		"an empty file":        {"grant.sql", func(string) string { return "" }, "settings/grant.sql: is empty"},
		"another privilege":    {"grant.sql", with("GRANT DELETE ON v TO ${READER};\n"), "settings/grant.sql:13: each line is a comment or GRANT SELECT ON name TO ${READER};"},
		"everybody":            {"grant.sql", with("GRANT SELECT ON v TO PUBLIC;\n"), "settings/grant.sql:13: each line is a comment or"},
		"two statements":       {"grant.sql", with("GRANT SELECT ON v TO ${READER}; DROP VIEW v;\n"), "settings/grant.sql:13: each line is a comment or"},
		"twice":                {"grant.sql", with("GRANT USAGE ON SCHEMA public TO ${READER};\n"), "settings/grant.sql:13: USAGE ON SCHEMA public stands here twice"},
		"what cannot be taken": {"grant.sql", with("GRANT SELECT ON v TO ${READER};\n"), "settings/grant.sql:13: settings/revoke.sql lacks REVOKE SELECT ON v FROM ${READER};"},
		"not UTF-8":            {"revoke.sql", with("-- \xff\n"), "settings/revoke.sql: is not UTF-8 text"},
		"another file":         {"more.sql", with("SELECT 1;\n"), "settings/more.sql: the files of settings are refresh.sql, grant.sql and revoke.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sql.ListSettings(settingsWith(t, test.file, test.change))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestQueriesDescribeThemselves(t *testing.T) {
	for name, text := range contents(t, sql.Queries()) {
		if !strings.HasPrefix(text, "-- ") || !strings.HasSuffix(text, ";\n") {
			t.Errorf("%s: does not start with a comment or does not end in a semicolon", name)
		}
	}
}

func contents(t testing.TB, fsys fs.FS) map[string]string {
	t.Helper()
	names, err := fs.Glob(fsys, "*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files (error %v)", err)
	}
	all := make(map[string]string)
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	return all
}
