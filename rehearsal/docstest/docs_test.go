// Package docstest runs every command that the documentation shows.
package docstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/evstream/emulator"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// page says what a page of the documentation takes to be run.
type page struct {
	// elsewhere are the blocks that this test does not run, and what does.
	elsewhere map[string]string
	// yours are the reader's own names, and the rehearsal's.
	yours map[string]string
	// prepare makes what the page's reader has.
	prepare func(*testing.T, *reader)
	// before does in the account what only AWS can do, before the block that begins
	// so.
	before map[string]func(*testing.T, *reader)
}

// ours is a text of the page with the rehearsal's names in it.
func (p page) ours(text string) string {
	for yours, ours := range p.yours {
		text = strings.ReplaceAll(text, yours, ours)
	}
	return text
}

var pages = map[string]page{
	"README.md": {
		elsewhere: map[string]string{
			"make rehearse": "TestRehearsal in rehearsal/cmd/rehearse",
			"make test":     "this test is part of it",
		},
		yours: map[string]string{"your-vpc": "data-platform"},
		prepare: func(t *testing.T, r *reader) {
			r.write(t, "admin.json", `{"username": "admin", "password": "Only4Rehearsals"}`)
		},
	},
	"docs/operations.md": {
		elsewhere: map[string]string{
			"pulumi login s3://your-state-bucket": "the rehearsal's state is in a folder",
		},
		yours: map[string]string{
			// The rehearsal encrypts its state with a passphrase.
			` --secrets-provider="awskms:///alias/ev-streaming?region=us-east-1"`: "",
		},
		prepare: func(t *testing.T, r *reader) {
			r.write(t, "admin.json", `{"username": "evadmin", "password": "Another4Rehearsals"}`)
			r.write(t, "password.json", `{"adminUsername": "evadmin", "adminUserPassword": "Another4Rehearsals"}`)
		},
		before: map[string]func(*testing.T, *reader){
			// A recovery point of the time before the last migration, the readers and refresh: auto.
			"aws redshift-serverless restore-from-recovery-point": func(t *testing.T, r *reader) {
				for _, statement := range []string{
					"DROP VIEW ev_station_data_rejected",
					"DELETE FROM ev_schema_migrations WHERE file = '00013_rejected_view.sql'",
					"ALTER MATERIALIZED VIEW ev_station_data AUTO REFRESH NO",
					"REVOKE ALL ON ev_station_data_extract FROM GROUP analysts",
				} {
					if _, err := r.standIns.Warehouse.Query(t.Context(), "ev-streaming-prod", statement); err != nil {
						t.Fatalf("%s: %v", statement, err)
					}
				}
			},
			"aws secretsmanager put-secret-value": func(t *testing.T, r *reader) {
				if err := r.standIns.Account.SetSecret("redshift/admin-prod", `{"username": "evadmin", "password": "Another4Rehearsals"}`); err != nil {
					t.Fatal(err)
				}
			},
		},
	},
	"docs/from-cdk.md": {
		yours: map[string]string{
			"your-vpc":       "data-platform",
			"ev_stream_data": rehearsal.ExistingStream,
		},
		prepare: func(t *testing.T, r *reader) {
			for _, record := range []string{`{"_id": "a"}`, `{"_id": "b"}`, `{"_id": "c"}`} {
				if _, err := r.standIns.Kinesis.Put(rehearsal.ExistingStream, "key", []byte(record)); err != nil {
					t.Fatal(err)
				}
			}
		},
		before: map[string]func(*testing.T, *reader){
			"aws redshift-serverless update-namespace": func(t *testing.T, r *reader) {
				namespace, err := r.standIns.Account.Namespace("ev-streaming-moved")
				if err != nil {
					t.Fatal(err)
				}
				roles := []any{namespace.DefaultRole, "arn:aws:iam::111122223333:role/your-role"}
				if err := r.standIns.Account.Change("aws:redshiftserverless/namespace:Namespace", namespace.Name, map[string]any{"iamRoles": roles}); err != nil {
					t.Fatal(err)
				}
			},
			// COPY, of the sample's records and one that the stream has no more.
			"cat > sql/migrations/00006_with_history.sql": func(t *testing.T, r *reader) {
				for _, statement := range []string{
					`CREATE TABLE ev_station_data_sample AS SELECT refresh_time, approximate_arrival_timestamp, partition_key, shard_id,
						sequence_number, id, clusterid, connectiontime, kwhdelivered, stationid, spaceid, timezone, userid FROM ev_station_data_extract`,
					`INSERT INTO ev_station_data_sample (shard_id, sequence_number, id) VALUES ('shardId-000000000000', '1', 'old')`,
				} {
					if _, err := r.standIns.Warehouse.Query(t.Context(), "ev-streaming-moved", statement); err != nil {
						t.Fatal(err)
					}
				}
			},
		},
	},
	"docs/reliability.md": {
		elsewhere: map[string]string{
			"pulumi import aws:kinesis/stream:Stream stream ev_stream_data --protect=false --generate-code=false": "TestKilledAnywhere in rehearsal/faulttest",
			"cd STATE/.pulumi/stacks/ev-streaming && cp prod.json.bak prod.json":                                  "TestFullDisk in rehearsal/faulttest",
		},
	},
	"examples/consumer/README.md":    {prepare: deployed("prod")},
	"examples/own-records/README.md": {prepare: deployed("dev")},
}

// deployed deploys a stack that the page's reader has.
func deployed(stack string) func(*testing.T, *reader) {
	return func(t *testing.T, r *reader) {
		t.Helper()
		project := *r
		project.dir = r.project
		if text, err := project.run("pulumi stack init " + stack + "\npulumi up"); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
}

// shippedMigration is a line of docs/operations.md that lists a migration.
var shippedMigration = regexp.MustCompile(`(?m)^(\d{5}_\w+\.sql) +applied`)

// asShipped takes out of a copy of the project what its owner has made of it, and the pages do not
// know: other migrations than those that docs/operations.md lists, the privileges on what they
// make, and other settings of the stacks.
func asShipped(t *testing.T, project string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(filepath.Join(project, "docs/operations.md"))
	check(err)
	var kept []string
	for _, match := range shippedMigration.FindAllStringSubmatch(string(page), -1) {
		kept = append(kept, match[1])
	}
	files, err := filepath.Glob(filepath.Join(project, "sql/migrations/*.sql"))
	check(err)
	var migrations strings.Builder
	for _, file := range files {
		if !slices.Contains(kept, filepath.Base(file)) {
			check(os.Remove(file))
			continue
		}
		text, err := os.ReadFile(file)
		check(err)
		migrations.Write(text)
	}
	grants := filepath.Join(project, "sql/repeatable/grant.sql")
	text, err := os.ReadFile(grants)
	check(err)
	check(os.WriteFile(grants, regexp.MustCompile(`(?m)^GRANT SELECT ON (\w+) TO .*\n`).ReplaceAllFunc(text, func(line []byte) []byte {
		if made := strings.Fields(string(line))[3]; !strings.Contains(migrations.String(), "VIEW "+made) {
			return nil
		}
		return line
	}), 0o600))
	for _, name := range []string{"Pulumi.dev.yaml", "Pulumi.prod.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		check(err)
		check(os.WriteFile(filepath.Join(project, name), text, 0o600))
	}
}

// TestDocs runs the commands of README.md, docs and the examples, page by page
// and from top to bottom, in a copy of the project (those of an example in its
// folder) and against stand-ins with an account of their own.
//
// A fenced block without a language, or with sh or console, holds commands; they must
// succeed. A text block after it is what they print: a line … stands for any
// lines, and … within a line for any text. Commands of the AWS CLI stand in
// blocks of their own, and reach AWS only where there is a stand-in for the
// service; of the others the CLI itself checks the parameters.
func TestDocs(t *testing.T) {
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "project")
	ran := map[string]bool{}
	for _, pattern := range []string{"README.md", "docs/*.md", "examples/*/README.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			name, err := filepath.Rel(root, name)
			if err != nil {
				t.Fatal(err)
			}
			blocks := read(t, filepath.Join(root, name))
			if !slices.ContainsFunc(blocks, block.isCommands) {
				continue
			}
			ran[name] = true
			t.Run(name, func(t *testing.T) {
				if err := os.RemoveAll(copied); err != nil {
					t.Fatal(err)
				}
				r := newReader(t, root, copied)
				if strings.HasPrefix(name, "examples/") {
					r.dir = filepath.Join(copied, filepath.Dir(name))
				}
				run(t, pages[name], blocks, r)
			})
		}
	}
	for name := range pages {
		if !ran[name] {
			t.Errorf("%s has no commands any more: take it off this test's list", name)
		}
	}
}

// block is one fenced block.
type block struct {
	line     int
	language string
	text     string
}

func (b block) isCommands() bool { return slices.Contains([]string{"", "sh", "console"}, b.language) }

// read returns a page's blocks.
func read(t *testing.T, name string) []block {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	for i, line := range strings.SplitAfter(string(text), "\n") {
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, language: strings.TrimSpace(language)}
		case fence:
			if !open.isCommands() && !slices.Contains([]string{"text", "sql", "python"}, open.language) {
				t.Errorf("%s:%d: does a block of %s hold commands? Tell this test.", name, open.line, open.language)
			}
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	return blocks
}

// run runs a page's blocks in order, and stops at the first that fails, because
// the ones after it build on it.
func run(t *testing.T, p page, blocks []block, r *reader) {
	t.Helper()
	if p.prepare != nil {
		p.prepare(t, r)
	}
	skipped := 0
	for i, b := range blocks {
		if !b.isCommands() {
			continue
		}
		if p.elsewhere[strings.TrimSpace(b.text)] != "" {
			skipped++
			continue
		}
		commands := p.ours(b.text)
		for beginning, do := range p.before {
			if strings.HasPrefix(b.text, beginning) {
				do(t, r)
			}
		}
		got, err := r.run(commands)
		if err != nil {
			t.Fatalf("line %d:\n%s%v\n%s", b.line, commands, err, got)
		}
		t.Logf("line %d:\n%s\n%s", b.line, commands, got)
		if i+1 < len(blocks) && blocks[i+1].language == "text" {
			if want := blocks[i+1]; !printed(p.ours(want.text)).MatchString(got) {
				t.Fatalf("line %d:\n%sprints\n%swhich is not what line %d shows:\n%s", b.line, commands, got, want.line, want.text)
			}
		}
	}
	if skipped != len(p.elsewhere) {
		t.Errorf("%d of the %d blocks that run elsewhere are on this page", skipped, len(p.elsewhere))
	}
}

// printed matches what a text block shows.
func printed(text string) *regexp.Regexp {
	var pattern strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if line == "…" {
			pattern.WriteString(`(.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + ` *\n`)
	}
	return regexp.MustCompile(`\A` + pattern.String() + `\n*\z`)
}

// reader has a copy of the project, and an account of stand-ins behind every command.
type reader struct {
	project  string
	dir      string // where the commands run
	standIns *rehearsal.StandIns
	env      []string
}

func newReader(t *testing.T, root, project string) *reader {
	t.Helper()
	copyProject(t, root, project)
	asShipped(t, project)
	kept := t.TempDir()
	if _, err := rehearsal.CLI(t.Context(), root, os.Stderr); err != nil {
		t.Fatal(err)
	}
	r := &reader{project: project, dir: project}
	var err error
	if r.standIns, err = rehearsal.Start(rehearsal.Options{Root: project, Dir: kept, RefreshInterval: emulator.DefaultRefreshInterval}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.standIns.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, value := range r.standIns.ProgramEnv() {
		r.env = append(r.env, name+"="+value)
	}
	bin := filepath.Join(kept, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	r.env = append(r.env,
		"PULUMI_HOME="+filepath.Join(kept, "home"),
		"PULUMI_BACKEND_URL=file://"+r.standIns.StateDir(),
		"PULUMI_CONFIG_PASSPHRASE="+rehearsal.Passphrase,
		"PULUMI_SKIP_CONFIRMATIONS=true",
		"PATH="+bin+":"+path)

	// The commands find these before the real ones.
	shim := func(name, script string) {
		t.Helper()
		text := fmt.Sprintf("#!/bin/sh\nreal=$(PATH=%q command -v %s)\n%s", path, name, script)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	address := stacktest.ServeLanguage(t, r.env)
	// The preview of an up would take as long again; pulumi preview has its own.
	shim("pulumi", `case "$1" in
up) set -- "$@" --skip-preview --client=`+address+` ;;
preview | refresh | destroy) set -- "$@" --client=`+address+` ;;
esac
exec "$real" "$@"
`)
	// An import asks for the plugin, although it runs no program.
	shim("pulumi-language-go", "echo "+address[strings.LastIndex(address, ":")+1:]+"\nexec sleep 600\n")
	shim("aws", `case "$1" in
kinesis | redshift-data) exec "$real" "$@" ;;
esac
answer=$(AWS_MAX_ATTEMPTS=1 "$real" "$@" --endpoint-url http://127.0.0.1:9 2>&1) || true
case "$answer" in
*"Could not connect to the endpoint URL"*) ;; # it was ready to be sent
*) echo "$answer" >&2; exit 1 ;;
esac
`)
	return r
}

// run runs the commands of a block in the project's folder.
func (r *reader) run(commands string) (string, error) {
	aws := 0
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(commands), "\\\n", ""), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "aws ") {
			aws++
		}
	}
	if aws > 0 && aws < len(lines) {
		return "", fmt.Errorf("give the commands of the AWS CLI a block of their own")
	}
	if _, err := exec.LookPath("aws"); err != nil && aws > 0 {
		return "", nil // nothing here can check them
	}
	cmd := exec.Command("sh", "-euc", commands)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), r.env...)
	text, err := cmd.CombinedOutput()
	return waiting.ReplaceAllString(string(text), ""), err
}

// waiting are the lines in which the Pulumi CLI says that it is still at work.
var waiting = regexp.MustCompile(`(?m)^@ [a-z ]+\.+\n`)

func (r *reader) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.project, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyProject copies what a reader has before anything is built.
func copyProject(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if slices.Contains([]string{".git", ".github", "bin", "rehearsal", "emulator"}, name) {
			continue
		}
		if entry.IsDir() {
			err = os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name)))
		} else if text, failed := os.ReadFile(filepath.Join(from, name)); failed != nil {
			err = failed
		} else {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrinted(t *testing.T) {
	for _, test := range []struct {
		shown, printed string
		want           bool
	}{
		{"one\ntwo\n", "one\ntwo\n", true},
		{"one\n", "one\ntwo\n", false},
		{"two\n", "one\ntwo\n", false},
		{"…\ntwo\n…\n", "one\ntwo\nthree\n", true},
		{"one\n…\nthree\n", "one\nthree\n", true},
		{"one\n…\nfour\n", "one\ntwo\nthree\n", false},
		{"done in …s\n", "done in 12s\n", true},
		{"done in …s\n", "done in 12m\n", false},
		{"a.c\n", "abc\n", false},
	} {
		if got := printed(test.shown).MatchString(test.printed); got != test.want {
			t.Errorf("shown %q, printed %q: a match is %v", test.shown, test.printed, got)
		}
	}
}
