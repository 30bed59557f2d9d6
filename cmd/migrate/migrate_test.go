package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/dataapi"
	evsql "example.com/evstream/sql"
)

const role = "arn:aws:iam::123456789012:role/ev-dev-streaming"

// three returns migrations 1 to 3; the first uses the role, the second the stream.
func three(t *testing.T) []evsql.Migration {
	t.Helper()
	fsys := make(fstest.MapFS)
	for file, statement := range map[string]string{
		"00001_schema.sql": "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '${STREAMING_ROLE_ARN}';",
		"00002_raw.sql":    "CREATE MATERIALIZED VIEW raw AS\nSELECT 'ä', \"${STREAM_NAME}\" x\nFROM evdata.\"${STREAM_NAME}\";",
		"00003_view.sql":   "SET a TO TRUE;\n\nCREATE VIEW v AS\nSELECT x, y\nFROM raw;",
	} {
		text := "-- +goose NO TRANSACTION\n-- +goose ENVSUB ON\n-- +goose Up\n" + statement + "\n"
		fsys[file] = &fstest.MapFile{Data: []byte(text)}
	}
	list, err := evsql.List(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// recorded returns the record that up would have left of a migration.
func recorded(m evsql.Migration, values map[string]string) record {
	r := newLedger([]evsql.Migration{m}, values).records[m.Version]
	r.AppliedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return r
}

func TestCompare(t *testing.T) {
	list := three(t)
	values := map[string]string{"STREAMING_ROLE_ARN": role, "STREAM_NAME": "ev"}
	first, second, third := recorded(list[0], values), recorded(list[1], values), recorded(list[2], values)
	with := func(r record, change func(*record)) record {
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		records []record
		values  map[string]string // nil means as recorded
		states  string            // of versions 1, 2, ...
		problem string            // "" means none
	}{
		"a new database":     {nil, nil, "pending pending pending", ""},
		"half-way":           {[]record{first, second}, nil, "applied applied pending", ""},
		"all applied":        {[]record{first, second, third}, nil, "applied applied applied", ""},
		"no values given":    {[]record{first, second, third}, map[string]string{}, "applied applied applied", ""},
		"recorded by nobody": {[]record{first, third}, nil, "applied skipped applied", "00002_raw.sql is not recorded, though a later migration is"},
		"changed": {
			[]record{first, with(second, func(r *record) { r.SHA256 = "0123" })}, nil, "applied changed pending",
			"00002_raw.sql was applied on 2026-03-01 12:00:00 UTC with SHA-256 0123 and has SHA-256 " + list[1].SHA256 + " now.",
		},
		"renamed": {
			[]record{with(first, func(r *record) { r.File = "00001_old.sql" })}, nil, "renamed pending pending",
			"00001_old.sql was applied on 2026-03-01 12:00:00 UTC and is named 00001_schema.sql now. Give it its name back.",
		},
		"another file": {
			[]record{with(first, func(r *record) { r.File, r.SHA256 = "00001_old.sql", "0123" })}, nil, "changed pending pending",
			"version 1 was 00001_old.sql (SHA-256 0123) when it was applied on 2026-03-01 12:00:00 UTC and is 00001_schema.sql",
		},
		"vanished": {
			[]record{first, second, third, {Version: 4, File: "00004_more.sql", SHA256: "0123"}}, nil, "applied applied applied vanished",
			"00004_more.sql (SHA-256 0123) was applied on 0001-01-01 00:00:00 UTC and is no longer among the migrations.",
		},
		"recorded twice, differently": {
			[]record{first, with(first, func(r *record) { r.SHA256 = "0123" })}, nil, "changed pending pending",
			"version 1 is recorded twice, as 00001_schema.sql (SHA-256 " + first.SHA256 + ") and as 00001_schema.sql (SHA-256 0123)",
		},
		"another stream": {
			[]record{first, second}, map[string]string{"STREAMING_ROLE_ARN": role, "STREAM_NAME": "other"}, "applied changed pending",
			"00002_raw.sql was applied with STREAM_NAME=ev, and it is other now.",
		},
		"another stream, before its view": {
			[]record{first}, map[string]string{"STREAMING_ROLE_ARN": role, "STREAM_NAME": "other"}, "applied pending pending", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.values == nil {
				test.values = values
			}
			entries := compare(list, test.records, test.values)
			var states []string
			for _, e := range entries {
				states = append(states, string(e.state))
			}
			if got := strings.Join(states, " "); got != test.states {
				t.Errorf("states %q, want %q", got, test.states)
			}
			err := problems(entries)
			if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("problems %v\nwant %q", err, test.problem)
			}
		})
	}
}

func TestReadValues(t *testing.T) {
	list := three(t)
	for name, test := range map[string]struct{ role, stream, want string }{
		"good":                    {role, "ev_stream_data", ""},
		"a path and other clouds": {"arn:aws-us-gov:iam::123456789012:role/team/a/ev+x=1@b.c-d", "A.b-c", ""},
		"no role":                 {"", "ev", "00001_schema.sql:6: ${STREAMING_ROLE_ARN} has no value: set the environment variable STREAMING_ROLE_ARN to the ARN"},
		"no stream":               {role, "", "00002_raw.sql:5: ${STREAM_NAME} has no value"},
		"a name for an ARN":       {"ev-dev-streaming", "ev", `${STREAMING_ROLE_ARN} is "ev-dev-streaming": it must be the ARN of an IAM role`},
		"a quote in the role":     {role + "' OR ''='", "ev", "it must be the ARN of an IAM role"},
		"two roles":               {role + "," + role, "ev", "without a comma"},
		"a quote in the stream":   {role, `ev"; DROP SCHEMA evdata; --`, "it must be a stream's name"},
		"a line end":              {role, "ev\n", "it must be a stream's name"},
		"another placeholder":     {role, "${STREAMING_ROLE_ARN}", "it must be a stream's name"},
		"too long":                {role, strings.Repeat("e", 128), "it must be a stream's name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STREAMING_ROLE_ARN", test.role)
			t.Setenv("STREAM_NAME", test.stream)
			values, err := readValues(list, true)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				}
				return
			}
			want := map[string]string{"STREAMING_ROLE_ARN": test.role, "STREAM_NAME": test.stream}
			if diff := cmp.Diff(want, values); err != nil || diff != "" {
				t.Errorf("error %v, values (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestPlaceOfAFailedStatement(t *testing.T) {
	list := three(t)
	r := &runner{values: map[string]string{"STREAMING_ROLE_ARN": role, "STREAM_NAME": "ev"}}
	for name, test := range map[string]struct {
		version  int
		sql      string
		position int
		want     string
	}{
		"no position":                   {1, "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '" + role + "';", 0, "00001_schema.sql:4"},
		"the first character":           {1, "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '" + role + "';", 1, "00001_schema.sql:4:1"},
		"after a new line":              {1, "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '" + role + "';", 36, "00001_schema.sql:5:6"},
		"a line with values":            {1, "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '" + role + "';", 55, "00001_schema.sql:6"},
		"beyond the end":                {1, "CREATE EXTERNAL SCHEMA evdata\nFROM KINESIS\nIAM_ROLE '" + role + "';", 999, "00001_schema.sql:4"},
		"the second statement":          {3, "CREATE VIEW v AS\nSELECT x, y\nFROM raw;", 18 + 10, "00003_view.sql:7:11"},
		"characters longer than a byte": {2, "CREATE MATERIALIZED VIEW raw AS\nSELECT 'ä', \"ev\" x\nFROM evdata.\"ev\";", 33, "00002_raw.sql:5"},
		"another statement":             {3, "INSERT INTO ev_schema_migrations", 3, "00003_view.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := r.place(list[test.version-1], &dataapi.Error{SQL: test.sql, Position: test.position})
			if got != test.want {
				t.Errorf("place %s, want %s", got, test.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_PROFILE", "")
	list := three(t)
	r := &runner{
		target: dataapi.Config{Workgroup: "ev-dev", Database: "dev", SecretARN: "arn:aws:secretsmanager:us-east-1:123456789012:secret:login-AbCdEf", Wait: time.Minute},
		values: map[string]string{"STREAMING_ROLE_ARN": role, "STREAM_NAME": "ev"},
	}
	failed := func(message string) error {
		return &dataapi.Error{StatementID: "10000000-1", Status: "FAILED", Message: message, SQL: r.expand(list[1].Statements[0].Text)}
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"refused": {failed(`ERROR: relation "x" does not exist`), `00002_raw.sql:4: ERROR: relation "x" does not exist
  statement 10000000-1 ended as FAILED: CREATE MATERIALIZED VIEW raw AS
  applied in this run: 00001_schema.sql
  not tried: 00003_view.sql
Nothing of 00002_raw.sql is recorded. Once the cause is removed, run again: it goes on with this file, which may be changed until it is applied.`},
		"there already": {failed(`ERROR: relation "raw" already exists`), `00002_raw.sql:4: ERROR: relation "raw" already exists
  statement 10000000-1 ended as FAILED: CREATE MATERIALIZED VIEW raw AS
  applied in this run: 00001_schema.sql
  not tried: 00003_view.sql
What 00002_raw.sql makes is there, but the migration is not recorded in ev_schema_migrations: a run was probably stopped in between.
Check, in the query editor, that it is as sql/migrations/00002_raw.sql has it from line 4:
  SHOW VIEW raw;
If it is, record the migration and run again:
  REDSHIFT_WORKGROUP=ev-dev REDSHIFT_DATABASE=dev REDSHIFT_SECRET_ARN=arn:aws:secretsmanager:us-east-1:123456789012:secret:login-AbCdEf AWS_REGION=us-east-1 STREAM_NAME=ev go run ./cmd/migrate adopt 2
If it is not, drop it and run again; dropping a streaming view loses what its stream no longer has.`},
		"the role": {failed("ERROR: Not authorized to get credentials of role " + role), `00002_raw.sql:4: ERROR: Not authorized to get credentials of role ` + role + `
  statement 10000000-1 ended as FAILED: CREATE MATERIALIZED VIEW raw AS
  applied in this run: 00001_schema.sql
  not tried: 00003_view.sql
Redshift could not use the role for 1m0s. Check its trust policy, its permissions on the stream, and that it is attached to the namespace; then run again, which goes on with 00002_raw.sql.`},
		"not recorded": {fmt.Errorf("%w: connection lost", errNotRecorded), `00002_raw.sql: it was applied, but could not be recorded: connection lost
  applied in this run: 00001_schema.sql
  not tried: 00003_view.sql
Check, in the query editor, that it is as sql/migrations/00002_raw.sql has it from line 4:
  SHOW VIEW raw;
If it is, record the migration and run again:
  REDSHIFT_WORKGROUP=ev-dev REDSHIFT_DATABASE=dev REDSHIFT_SECRET_ARN=arn:aws:secretsmanager:us-east-1:123456789012:secret:login-AbCdEf AWS_REGION=us-east-1 STREAM_NAME=ev go run ./cmd/migrate adopt 2
If it is not, drop it and run again; dropping a streaming view loses what its stream no longer has.`},
	} {
		t.Run(name, func(t *testing.T) {
			got := r.explain(list[1], test.err, list[:1], list[2:]).Error()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("explanation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	var out bytes.Buffer
	text := "short\n" + strings.Repeat("ä", 2000) + "\n\nend"
	for i := range len(text) { // byte by byte, as badly as can be
		if n, err := (&folder{to: &out}).Write([]byte{text[i]}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if out.String() != text {
		t.Error("single bytes were changed")
	}
	out.Reset()
	f := &folder{to: &out}
	for _, part := range []string{text[:100], text[100:2501], text[2501:]} {
		if n, err := f.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	for i, line := range strings.Split(out.String(), "\n") {
		if len(line) > maxLine+utf8.UTFMax || !utf8.ValidString(line) {
			t.Errorf("line %d has %d bytes, valid UTF-8: %t", i+1, len(line), utf8.ValidString(line))
		}
	}
	if got := strings.ReplaceAll(out.String(), "\n", ""); got != strings.ReplaceAll(text, "\n", "") {
		t.Error("folding changed the text")
	}
	f = &folder{to: failing{}}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("the writer's error is lost")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestWrongUse(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":              {nil, "one of up, status, adopt is needed"},
		"another verb":         {[]string{"down"}, `"down" is none of up, status, adopt`},
		"another flag":         {[]string{"up", "--force"}, "there is no flag --force"},
		"an argument":          {[]string{"up", "3"}, `up takes no argument: "3"`},
		"no workgroup":         {[]string{"up"}, "which workgroup? set --stack, --workgroup or REDSHIFT_WORKGROUP"},
		"no database":          {[]string{"up", "--workgroup", "ev"}, "which database? set --stack, --database or REDSHIFT_DATABASE"},
		"no version":           {[]string{"adopt"}, "adopt takes one VERSION"},
		"a file for a version": {[]string{"adopt", "00002_a.sql"}, "VERSION is a migration's number"},
		"two versions":         {[]string{"adopt", "2", "--region", "us-east-1", "3"}, "adopt takes one VERSION"},
		"a flag after it":      {[]string{"adopt", "2", "--force"}, "there is no flag --force"},
		"a wait without unit":  {[]string{"up", "--wait", "5"}, `--wait or MIGRATE_WAIT is "5": it must be a time such as 90s or 5m`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(test.want, "which ") {
				t.Setenv("REDSHIFT_WORKGROUP", "ev")
				t.Setenv("REDSHIFT_DATABASE", "dev")
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), test.args, strings.NewReader(""), &stdout, &stderr)
			if code != exitUsage || !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
				t.Errorf("status %d, output %q, errors %q; want status 2 and %q", code, &stdout, &stderr, test.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"help"}, {"up", "--help"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 || stdout.String() != usage || stderr.Len() > 0 {
			t.Errorf("%q: status %d, errors %q", args, code, &stderr)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Setenv("REDSHIFT_WORKGROUP", "ev-dev")
	t.Setenv("REDSHIFT_DATABASE", "dev")
	t.Setenv("AWS_REGION", "us-east-1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := run(ctx, []string{"status"}, nil, &stdout, &stderr); code != exitInterrupted {
		t.Errorf("status %d, errors %q", code, &stderr)
	}
}

// TestInterruptedWhileItReads: one interrupt is enough while nobody has sent the SQL.
func TestInterruptedWhileItReads(t *testing.T) {
	t.Setenv("REDSHIFT_WORKGROUP", "ev-dev")
	t.Setenv("REDSHIFT_DATABASE", "dev")
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"up"}, waiting{cancel, t.Context().Done()}, &stdout, &stderr)
	if want := "migrate: reading the packed SQL: context canceled\n"; code != exitInterrupted || stderr.String() != want {
		t.Errorf("status %d, errors %q, want 130 and %q", code, &stderr, want)
	}
}

// waiting is a standard input on which nothing comes.
type waiting struct {
	asked func()
	end   <-chan struct{}
}

func (w waiting) Read([]byte) (int, error) {
	w.asked()
	<-w.end
	return 0, io.EOF
}

func TestArchiveThatCannotBeRead(t *testing.T) {
	t.Setenv("REDSHIFT_WORKGROUP", "ev-dev")
	t.Setenv("REDSHIFT_DATABASE", "dev")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"status", "--archive", "nowhere"}, nil, &stdout, &stderr)
	if want := "migrate: reading the packed SQL: open nowhere: "; code != exitFailed || !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("status %d, errors %q, want 1 and %q", code, &stderr, want)
	}
}
