package sql_test

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"example.com/evstream/sql"
)

// files makes a file system of names and texts in turn.
func files(namesAndTexts ...string) fs.FS {
	fsys := make(fstest.MapFS)
	for i := 0; i < len(namesAndTexts); i += 2 {
		fsys[namesAndTexts[i]] = &fstest.MapFile{Data: []byte(namesAndTexts[i+1])}
	}
	return fsys
}

// repeatable is what is repeated, with more text at the end of a file.
func repeatable(file, more string) fs.FS {
	texts := map[string]string{
		"refresh.sql": "ALTER MATERIALIZED VIEW v AUTO REFRESH ${AUTO_REFRESH};\n",
		"grant.sql":   "-- Who may read.\nGRANT USAGE ON SCHEMA public TO ${READER};\n",
	}
	if file != "" {
		texts[file] += more
	}
	var list []string
	for name, text := range texts {
		list = append(list, name, text)
	}
	return files(list...)
}

func TestShipped(t *testing.T) {
	if _, err := sql.Shipped(); err != nil {
		t.Error(err)
	}
}

// TestReleasedMigrationsStay: up refuses a stack that has another text of a migration, so
// one that was released never changes.
func TestReleasedMigrationsStay(t *testing.T) {
	released, err := os.ReadFile("testdata/released.sha256")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := sql.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	sums := make(map[string]string)
	for line := range strings.Lines(string(released)) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[file] = sum
	}
	for _, m := range shipped.Migrations {
		if sum := sums[m.File]; sum != "" && sum != m.SHA256 {
			t.Errorf("%s was released and has changed: restore it, and add a migration instead. "+
				"If no warehouse of yours has it, correct its line in sql/testdata/released.sha256: %s", m.File, m.SHA256)
		}
	}
}

func TestMigration(t *testing.T) {
	list, err := sql.List(files("00001_a.sql", `-- Made up; with ${NOTHING}.
SET a TO '1;'; -- a comment; with a semicolon;
-- between statements
CREATE PROCEDURE p() AS $$
BEGIN
  SELECT ';';
END;
$$ LANGUAGE plpgsql; CREATE VIEW "Late" AS SELECT '${STREAM_NAME}'
  FROM "${STREAM_NAME}" /* no; end /* yet; */ */ -- ${STREAMING_ROLE_ARN}
;
create or replace view public.other as select 1;
`, "00002_b.sql", sql.AloneLine+"\n\nCREATE EXTERNAL SCHEMA s FROM KINESIS;\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := sql.Migration{
		Version: 1, File: "00001_a.sql", SHA256: list[0].SHA256,
		Sets: []sql.Statement{{Line: 2, Text: "SET a TO '1;'"}},
		Statements: []sql.Statement{
			{Line: 4, Text: "CREATE PROCEDURE p() AS $$\nBEGIN\n  SELECT ';';\nEND;\n$$ LANGUAGE plpgsql"},
			{Line: 8, Text: "CREATE VIEW \"Late\" AS SELECT '${STREAM_NAME}'\n  FROM \"${STREAM_NAME}\" /* no; end /* yet; */ */ -- ${STREAMING_ROLE_ARN}"},
			{Line: 11, Text: "create or replace view public.other as select 1"},
		},
		Placeholders: []sql.Placeholder{{Name: "STREAM_NAME", Line: 8}, {Name: "STREAM_NAME", Line: 9}, {Name: "STREAMING_ROLE_ARN", Line: 9}},
	}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"late", "other"}, list[0].Views()); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	if len(list[0].SHA256) != 64 || !list[1].Alone {
		t.Errorf("SHA-256 %q, the second runs alone: %t", list[0].SHA256, list[1].Alone)
	}
	values := map[string]string{"STREAM_NAME": "ev", "STREAMING_ROLE_ARN": "$1${STREAM_NAME}"}
	if got := sql.Expand("${STREAM_NAME} $HOME ${STREAMING_ROLE_ARN}", values); got != "ev $HOME $1${STREAM_NAME}" {
		t.Errorf("expanded %q", got)
	}
}

func TestPackRefuses(t *testing.T) {
	const good = "CREATE VIEW a AS SELECT 1;\n"
	statements := func(n int) string { return strings.Repeat("SELECT 1;\n", n) }
	for name, test := range map[string]struct {
		text string // of 00001_a.sql
		want string
	}{
		"too long a statement":     {"SELECT '" + strings.Repeat("x", 200<<10) + "';\n", "00001_a.sql:1: the statement has 204809 bytes, and the Redshift Data API takes 204800"},
		"an empty file":            {"", "00001_a.sql: is empty"},
		"no newline at the end":    {strings.TrimSpace(good), "its last line does not end in a newline"},
		"Windows line ends":        {strings.ReplaceAll(good, "\n", "\r\n"), "has Windows line ends"},
		"a byte order mark":        {"\ufeff" + good, "00001_a.sql: starts with a byte order mark"},
		"not UTF-8":                {good + "-- \xff\n", "is not UTF-8 text"},
		"a NUL":                    {good + "-- \x00\n", "holds a NUL byte"},
		"an archive's marker":      {good + "-- 00002_b.sql --\n", `00001_a.sql:2: a line "-- ... --" separates the files`},
		"no statement":             {"-- nothing;\n", "00001_a.sql:1: holds no statement besides SET"},
		"only SET":                 {"SET a TO 1;\n", "00001_a.sql:1: holds no statement besides SET"},
		"a SET that comes late":    {good + "SET a TO 1;\n", "00001_a.sql:2: a SET after another statement"},
		"a statement without end":  {"SET a TO 1;\nSELECT 1\n", "00001_a.sql:2: the statement does not end in a semicolon"},
		"a semicolon too many":     {"SELECT 1;\n;\n", "00001_a.sql:2: a semicolon that ends no statement"},
		"a comment without end":    {"SELECT 1; /* /* */\n", "00001_a.sql:1: the comment after /* has no end"},
		"a literal without end":    {"SELECT 'it''s;\n", "00001_a.sql:1: the literal after ' has no end"},
		"an identifier":            {"SELECT \"a;\n", `00001_a.sql:1: the identifier after " has no end`},
		"a body":                   {"\nCREATE PROCEDURE p() AS $x$ $$;\n", "00001_a.sql:2: $x$ has no other $x$ after it"},
		"a backslash and a quote":  {`SELECT '\';` + "\n", "00001_a.sql:1: a backslash before a quote in a literal"},
		"a transaction of its own": {"/* first */ begin;\nSELECT 1;\n", "00001_a.sql:1: BEGIN: the file is a transaction already"},
		"the end of it":            {good + "COMMIT;\n", "00001_a.sql:2: COMMIT: the file is a transaction already"},
		"an external schema":       {"CREATE EXTERNAL\nSCHEMA s FROM KINESIS;\n", "00001_a.sql:1: CREATE EXTERNAL SCHEMA S FROM may not, or is not documented to, run in a transaction: put this statement"},
		"a materialized view":      {good + "DROP MATERIALIZED VIEW v;\n", "00001_a.sql:2: DROP MATERIALIZED VIEW V may not"},
		"what commits":             {good + "TRUNCATE t;\n", "00001_a.sql:2: TRUNCATE T may not"},
		"what replaces":            {"CREATE OR REPLACE LIBRARY l LANGUAGE plpythonu FROM 's3://b/l.zip';\n", "CREATE OR REPLACE LIBRARY L may not"},
		"two that run alone":       {sql.AloneLine + "\nVACUUM a;\nVACUUM b;\n", "00001_a.sql:3: a second statement in a file that runs outside a transaction"},
		"more than a batch":        {"SET a TO 1;\n" + statements(37), "00001_a.sql:38: statement 37 of the file: one batch of the Redshift Data API has room for 36"},
		"with views in it":         {good + statements(36), "00001_a.sql:37: statement 37 of the file"},
		"nothing but SETs":         {strings.Repeat("SET a TO 1;\n", 38) + good, "00001_a.sql:39: statement 1 of the file: one batch of the Redshift Data API has room for 0"},
		"nothing but views":        {strings.Repeat(good, 38), "00001_a.sql:19: statement 19 of the file"},
		"an unknown placeholder":   {"SELECT\n  '${ROLE}';\n", "00001_a.sql:1: unknown placeholder ${ROLE} in line 2; known are ${STREAMING_ROLE_ARN} and ${STREAM_NAME}"},
		"a shell's default":        {"SELECT '${STREAM_NAME:-x}';\n", "unknown placeholder ${STREAM_NAME:-x}"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, test.want, files("00001_a.sql", test.text), files())
		})
	}
	if _, err := sql.Pack(files("00001_a.sql", statements(37)), files()); err != nil {
		t.Errorf("the largest batch: %v", err)
	}
}

func refuses(t *testing.T, want string, migrations, repeatable fs.FS) {
	t.Helper()
	archive, err := sql.Pack(migrations, repeatable)
	if err == nil {
		t.Fatalf("packed:\n%s", archive)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want one with %q", err, want)
	}
}

func TestNamesRefused(t *testing.T) {
	const good, other = "SELECT 1;\n", "SELECT 2;\n"
	for name, test := range map[string]struct {
		fsys fs.FS
		want string
	}{
		"nothing":                {files(), "there are no migrations"},
		"another name":           {files("1_a.sql", good), "1_a.sql: a migration's file is named NNNNN_name.sql"},
		"upper case in the name": {files("00001_A.sql", good), "is named NNNNN_name.sql"},
		"a folder":               {files("00001_a.sql", good, "old/00001_a.sql", good), "old: a migration's file is named"},
		"a gap":                  {files("00001_a.sql", good, "00003_c.sql", other), "00003_c.sql: number 00002 is missing before it"},
		"not from 1":             {files("00002_a.sql", good), "00002_a.sql: number 00001 is missing before it"},
		"a number twice":         {files("00001_a.sql", good, "00001_b.sql", other), "00001_a.sql and 00001_b.sql have the same number"},
		"the same twice":         {files("00001_a.sql", good, "00002_b.sql", good), "00002_b.sql is the same as 00001_a.sql"},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, test.want, test.fsys, files()) })
	}
	_, err := sql.List(files("00001_a.sql", "", "b.sql", "", "00002_c.sql", "SELECT 1"))
	for _, want := range []string{"00001_a.sql: ", "b.sql: ", "00002_c.sql: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
}

func TestRepeatableRefused(t *testing.T) {
	many := ""
	for i := range 39 {
		many += fmt.Sprintf("GRANT SELECT ON v%d TO ${READER};\n", i)
	}
	for name, test := range map[string]struct{ file, more, want string }{
		"two views":         {"refresh.sql", "ALTER MATERIALIZED VIEW w AUTO REFRESH ${AUTO_REFRESH};\n", "repeatable/refresh.sql:2: statement 2; there can be 1"},
		"a constant mode":   {"refresh.sql", "ALTER MATERIALIZED VIEW w AUTO REFRESH YES;\n", "repeatable/refresh.sql:2: each statement is ALTER MATERIALIZED VIEW"},
		"a drop":            {"refresh.sql", "DROP MATERIALIZED VIEW v;\n", "repeatable/refresh.sql:2: each statement is"},
		"another privilege": {"grant.sql", "GRANT DELETE ON v TO ${READER};\n", "repeatable/grant.sql:3: each statement is GRANT SELECT ON name TO ${READER};"},
		"everybody":         {"grant.sql", "GRANT SELECT ON v TO PUBLIC;\n", "repeatable/grant.sql:3: each statement is"},
		"two statements":    {"grant.sql", "GRANT SELECT ON v TO ${READER}; DROP VIEW v;\n", "repeatable/grant.sql:3: each statement is"},
		"twice":             {"grant.sql", "GRANT USAGE ON SCHEMA public TO ${READER};\n", "repeatable/grant.sql:3: USAGE ON SCHEMA public is here twice"},
		"too many":          {"grant.sql", many, "repeatable/grant.sql:41: statement 40; there can be 39"},
		"no end":            {"grant.sql", "GRANT SELECT ON v TO ${READER}\n", "repeatable/grant.sql:3: the statement does not end"},
		"not UTF-8":         {"grant.sql", "-- \xff\n", "repeatable/grant.sql: is not UTF-8 text"},
		"another file":      {"more.sql", "SELECT 1;\n", "repeatable/more.sql: the files there are refresh.sql and grant.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, test.want, files("00001_a.sql", "SELECT 1;\n"), repeatable(test.file, test.more))
		})
	}
	refuses(t, "reading repeatable/grant.sql: ", files("00001_a.sql", "SELECT 1;\n"), files("refresh.sql", "-- none\n"))
	refuses(t, "repeatable/refresh.sql: holds no statement", files("00001_a.sql", "SELECT 1;\n"), files("refresh.sql", "-- none\n"))
}

func TestRevoke(t *testing.T) {
	if got, err := sql.Revoke("SELECT ON v", `"a"`); got != `REVOKE SELECT ON v FROM "a"` || err != nil {
		t.Errorf("%q, error %v", got, err)
	}
	for _, on := range []string{"SELECT ON v; DROP VIEW v", "ALL ON v", "SELECT ON v FROM x; --", ""} {
		if got, err := sql.Revoke(on, `"a"`); err == nil {
			t.Errorf("%q became %q", on, got)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	const good = "-- 00001_a.sql --\nSELECT 1;\n"
	const repeated = "-- repeatable/refresh.sql --\nALTER MATERIALIZED VIEW v AUTO REFRESH ${AUTO_REFRESH};\n"
	for name, test := range map[string]struct{ archive, want string }{
		"nothing":                      {"", "there are no migrations"},
		"text before the first":        {"hello\n" + good, "is not as Pack writes it"},
		"a path":                       {strings.Replace(good, "00001", "../00001", 1), "invalid path"},
		"a folder":                     {strings.Replace(good, "00001", "x/00001", 1), "x: a migration's file is named"},
		"a file twice":                 {good + good, "duplicate path"},
		"no newline at the end":        {strings.TrimSpace(good), "is not as Pack writes it"},
		"spaces in the marker line":    {strings.Replace(good, " --", "  --", 1), "is not as Pack writes it"},
		"Windows line ends":            {strings.ReplaceAll(good, "\n", "\r\n"), "has Windows line ends"},
		"another order":                {strings.NewReplacer("1_a", "2_a", "SELECT 1", "SELECT 2").Replace(good) + good, "is not as Pack writes it"},
		"a part of what is repeated":   {good + repeated, "reading repeatable/grant.sql: "},
		"what is repeated, alone":      {repeated, "there are no migrations"},
		"what is repeated, first":      {strings.Replace(repeated, "-- repeatable", "-- repeatable/grant.sql --\nGRANT SELECT ON v TO ${READER};\n-- repeatable", 1) + good, "is not as Pack writes it"},
		"a file in a folder of theirs": {good + strings.Replace(repeated, "/", "/x/", 1), "repeatable/x: the files there are"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := sql.Unpack(test.archive); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// FuzzArchive: an archive that Unpack takes is the one that Pack makes of its files, and
// what Pack takes is in the archive byte for byte.
func FuzzArchive(f *testing.F) {
	f.Add("-- 00001_a.sql --\nCREATE VIEW a AS SELECT 1;\n", "SET a TO 1;\nSELECT '語 -- ;' ; -- x\n")
	f.Add("hello\n-- 00001_a.sql --\n", "SELECT 1;\r\n")
	f.Add("-- ../00001_a.sql --\nSELECT 1;\n", "SELECT 1;\n-- 00002_b.sql --\n")
	f.Fuzz(func(t *testing.T, archive, text string) {
		if _, err := sql.Unpack(archive); err == nil {
			all, err := txtar.FS(txtar.Parse([]byte(archive)))
			if err != nil {
				t.Fatal(err)
			}
			var migrations []string
			var repeated fs.FS = files()
			for _, file := range txtar.Parse([]byte(archive)).Files {
				if strings.HasPrefix(file.Name, "repeatable/") {
					repeated, _ = fs.Sub(all, "repeatable")
					continue
				}
				migrations = append(migrations, file.Name, string(file.Data))
			}
			if again, err := sql.Pack(files(migrations...), repeated); err != nil || again != archive {
				t.Errorf("packed again it is another archive (error %v):\n%s", err, again)
			}
		}
		packed, err := sql.Pack(files("00001_a.sql", text), repeatable("", ""))
		if err == nil && !strings.HasPrefix(packed, "-- 00001_a.sql --\n"+text+"-- repeatable/grant.sql --\n") {
			t.Errorf("%q became\n%s", text, packed)
		}
	})
}

// FuzzSplit: the statements of a text are what is there besides comments and white space,
// in order, and each is one statement by itself.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		"SET a TO '1;'; -- a; b;\n\nSELECT ';' -- no end;\n  ;\n",
		"SELECT '$HOME $$ ${HOME:-x}' AS a$b$c;\n",
		"CREATE PROCEDURE p() AS $x$ BEGIN; $$ END; $x$;\n",
		"/* ; */ SELECT 1 /* \n /* ; */ */;\n",
		"SELECT 1;\u00a0--\u2003;\n", ";\n", `SELECT '\\', '\';`, `SELECT "a;""b";`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := sql.Split(text)
		if err != nil {
			return
		}
		rest := text
		for _, s := range list {
			before, after, found := strings.Cut(rest, s.Text)
			if !found || s.Text == "" {
				t.Fatalf("%q is not in the rest %q", s.Text, rest)
			}
			if line := 1 + strings.Count(text[:len(text)-len(rest)+len(before)], "\n"); line > s.Line {
				t.Errorf("%q is found in line %d, said to be in %d", s.Text, line, s.Line)
			}
			rest = after
			alone, err := sql.Split(s.Text + "\n;")
			if err != nil || len(alone) != 1 || alone[0].Text != s.Text {
				t.Errorf("%q by itself is %v (error %v)", s.Text, alone, err)
			}
		}
	})
}
