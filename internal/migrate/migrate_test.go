package migrate

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/dataapi"
	evsql "example.com/evstream/sql"
)

const role = "arn:aws:iam::123456789012:role/ev-dev-streaming"

// three returns migrations 1 to 3: the first two run alone and use the role and the stream.
func three(t *testing.T) []evsql.Migration {
	t.Helper()
	fsys := make(fstest.MapFS)
	for file, text := range map[string]string{
		"00001_schema.sql": evsql.AloneLine + "\n\nCREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '${STREAMING_ROLE_ARN}';",
		"00002_raw.sql":    evsql.AloneLine + "\n\nCREATE MATERIALIZED VIEW raw AS\nSELECT 'ä', \"${STREAM_NAME}\" x\nFROM evdata.\"${STREAM_NAME}\";",
		"00003_view.sql":   "SET a TO TRUE;\n\nCREATE VIEW v AS\nSELECT x, y\nFROM raw;",
	} {
		fsys[file] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	list, err := evsql.List(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// getenv is an environment with what up needs, and changes to it.
func getenv(changes map[string]string) func(string) string {
	environment := map[string]string{
		"REDSHIFT_WORKGROUP": "ev-dev", "REDSHIFT_DATABASE": "dev", "AWS_REGION": "us-east-1",
		"STREAMING_ROLE_ARN": role, "STREAM_NAME": "ev", "AUTO_REFRESH": "NO", "READERS": "[]",
	}
	for name, value := range changes {
		environment[name] = value
	}
	return func(name string) string { return environment[name] }
}

// configure is what up reads and refuses of an environment.
func configure(t *testing.T, changes map[string]string) (Config, error) {
	t.Helper()
	c, err := Environment(getenv(changes))
	if err != nil {
		return c, err
	}
	c.SQL.Migrations = three(t)
	c.SQL.Repeatable.Refresh.Text = "ALTER"
	return c, c.check(true)
}

func TestValues(t *testing.T) {
	for name, test := range map[string]struct{ variable, value, want string }{
		"a path and other clouds": {"STREAMING_ROLE_ARN", "arn:aws-us-gov:iam::123456789012:role/team/a/ev+x=1@b.c-d", ""},
		"a stream":                {"STREAM_NAME", "A.b-c_1", ""},
		"no role":                 {"STREAMING_ROLE_ARN", "", "00001_schema.sql:5: ${STREAMING_ROLE_ARN} has no value: set the environment variable STREAMING_ROLE_ARN to the ARN"},
		"no stream":               {"STREAM_NAME", "", "00002_raw.sql:4: ${STREAM_NAME} has no value"},
		"a name for an ARN":       {"STREAMING_ROLE_ARN", "ev-dev-streaming", `${STREAMING_ROLE_ARN} is "ev-dev-streaming": it must be the ARN of an IAM role`},
		"a quote in the role":     {"STREAMING_ROLE_ARN", role + "' OR ''='", "it must be the ARN of an IAM role"},
		"two roles":               {"STREAMING_ROLE_ARN", role + "," + role, "without a comma"},
		"a quote in the stream":   {"STREAM_NAME", `ev"; DROP SCHEMA evdata; --`, "it must be a stream's name"},
		"a line end":              {"STREAM_NAME", "ev\n", "it must be a stream's name"},
		"another placeholder":     {"STREAM_NAME", "${STREAMING_ROLE_ARN}", "it must be a stream's name"},
		"too long":                {"STREAM_NAME", strings.Repeat("e", 128), "it must be a stream's name"},
		"no refresh":              {"AUTO_REFRESH", "", `AUTO_REFRESH is "": it must be YES or NO`},
		"another refresh":         {"AUTO_REFRESH", "yes", `AUTO_REFRESH is "yes"`},
		"SQL for refresh":         {"AUTO_REFRESH", "NO; DROP VIEW v", "it must be YES or NO"},
		"a wait without a unit":   {"MIGRATE_WAIT", "5", `MIGRATE_WAIT is "5": it must be a time such as 90s or 5m`},
		"a wait":                  {"MIGRATE_WAIT", "90s", ""},
		"everyone that can be":    {"READERS", `["role:ops","ana","IAM:u+1=2@x.y-z","group:g","IAMR:a/b","AWSIDC:bo@x.y","ana"]`, ""},
		"127 characters":          {"READERS", `["` + strings.Repeat("a", 127) + `"]`, ""},
		"200 characters":          {"READERS", `["` + strings.Repeat("a", 200) + `"]`, "1 to 127 letters"},
		"a name for a list":       {"READERS", "ana", "it must be a JSON list"},
		"numbers":                 {"READERS", "[1]", "it must be a JSON list"},
		"an empty name":           {"READERS", `[""]`, `READERS holds ""`},
		"a double quote":          {"READERS", `["a\" WITH GRANT OPTION; --"]`, "a reader is NAME, group:NAME or role:NAME"},
		"a semicolon":             {"READERS", `["a;DROP"]`, "a reader is NAME"},
		"dollars":                 {"READERS", `["$$"]`, "a reader is NAME"},
		"a line end in a reader":  {"READERS", `["ana\n"]`, "a reader is NAME"},
		"a letter like no other":  {"READERS", `["ａna"]`, "a reader is NAME"},
		"everybody":               {"READERS", `["Public"]`, "it is every user of the database"},
		"a kind alone":            {"READERS", `["role:"]`, "a reader is NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := configure(t, map[string]string{test.variable: test.value})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	// What only reads needs no value.
	c := Config{SQL: evsql.Set{Migrations: three(t)}}
	if err := c.check(false); err != nil {
		t.Error(err)
	}
	c.Readers = []string{"role:ops", "ana", "ana"}
	if diff := cmp.Diff([]reader{"ana", "role:ops"}, c.readers()); diff != "" {
		t.Errorf("readers (-want +got):\n%s", diff)
	}
}

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
		c, err := configure(t, map[string]string{evsql.Readers: list})
		if err != nil {
			if !strings.Contains(err.Error(), evsql.Readers) {
				t.Errorf("an error that does not name the variable: %v", err)
			}
			return
		}
		s := evsql.Repeated{Statement: evsql.Statement{Text: "GRANT SELECT ON v TO ${READER}"}}
		for _, r := range c.readers() {
			if got := s.SQL(r.grantee()); !quoted.MatchString(r.grantee()) || got != "GRANT SELECT ON v TO "+r.grantee() {
				t.Errorf("%q became %s", r, got)
			}
		}
	})
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

// TestReader: even a name that is refused can't end its quotes.
func TestReader(t *testing.T) {
	for name, want := range map[reader][2]string{ // in a GRANT, and how it is made
		"ana":                     {`"ana"`, `CREATE USER "ana" PASSWORD DISABLE;`},
		"IAM:x":                   {`"IAM:x"`, `CREATE USER "IAM:x" PASSWORD DISABLE; -- or let that identity log in once`},
		"IAMR:x-y":                {`"IAMR:x-y"`, `CREATE USER "IAMR:x-y" PASSWORD DISABLE; -- or let that identity log in once`},
		"role:x":                  {`ROLE "x"`, `CREATE ROLE "x";`},
		"group:x":                 {`GROUP "x"`, `CREATE GROUP "x";`},
		`role:r", PUBLIC, ROLE "`: {`ROLE "r"", PUBLIC, ROLE """`, `CREATE ROLE "r"", PUBLIC, ROLE """;`},
	} {
		if got := [2]string{name.grantee(), name.create()}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestAdoption: a shell takes the command as it stands, also the ARN of a secret that AWS
// keeps, in which a shell that a person sits at would replace what is after the !.
func TestAdoption(t *testing.T) {
	c, err := configure(t, map[string]string{
		"REDSHIFT_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ev-admin-AbCdEf",
		"AWS_PROFILE":         "Ana's own",
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{Config: c}
	want := "  REDSHIFT_WORKGROUP=ev-dev REDSHIFT_DATABASE=dev " +
		"REDSHIFT_SECRET_ARN='arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ev-admin-AbCdEf' AWS_REGION=us-east-1 " +
		`AWS_PROFILE='Ana'\''s own' STREAMING_ROLE_ARN=` + role + " go run ./cmd/evstream adopt 1\n"
	if got := r.adoption(c.SQL.Migrations[0]); !strings.Contains(got, want) {
		t.Errorf("%s\nlacks\n%s", got, want)
	}
	if got := r.passwordRemedy(); !strings.Contains(got, `--profile 'Ana'\''s own'`) {
		t.Errorf("the profile is not quoted:\n%s", got)
	}
}

// TestLargestMigration: the largest file that a preview takes fits into a batch, and uses
// all of it.
func TestLargestMigration(t *testing.T) {
	var largest evsql.Migration
	for n := 1; ; n++ {
		text := "SET a TO TRUE;\n" + strings.Repeat("SELECT 1;\n", n)
		list, err := evsql.List(fstest.MapFS{"00001_a.sql": {Data: []byte(text)}})
		if err != nil {
			break
		}
		largest = list[0]
	}
	const record = 1
	if got := len(new(runner).batch(largest)) + record; got != dataapi.MaxBatch {
		t.Errorf("it is a batch of %d statements, want %d", got, dataapi.MaxBatch)
	}
}

func TestLocate(t *testing.T) {
	list := three(t)
	r := &runner{Config: Config{Placeholders: map[string]string{"STREAMING_ROLE_ARN": role, "STREAM_NAME": "ev"}}}
	const schema = "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '" + role + "'"
	for name, test := range map[string]struct {
		version  int
		sql      string
		position int
		want     string
	}{
		"no position":                   {1, schema, 0, "00001_schema.sql:3"},
		"the first character":           {1, schema, 1, "00001_schema.sql:3:1"},
		"after a new line":              {1, schema, 36, "00001_schema.sql:4:6"},
		"a line with values":            {1, schema, 55, "00001_schema.sql:5"},
		"beyond the end":                {1, schema, 999, "00001_schema.sql:3"},
		"the second statement":          {3, "CREATE VIEW v AS\nSELECT x, y\nFROM raw", 18 + 10, "00003_view.sql:4:11"},
		"characters longer than a byte": {2, "CREATE MATERIALIZED VIEW raw AS\nSELECT 'ä', \"ev\" x\nFROM evdata.\"ev\"", 33, "00002_raw.sql:4"},
		"another statement":             {3, "INSERT INTO ev_schema_migrations", 3, "00003_view.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := r.locate(list[test.version-1], &dataapi.Error{SQL: test.sql, Position: test.position})
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
