// Package ci has tests of what builds, checks and deploys this project: the workflows of
// GitHub Actions with their scripts, the Makefile, and tools/start.
package ci

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// workflows are the texts of .github/workflows, by file name.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no workflows: %v", err)
	}
	texts := map[string]string{}
	for _, name := range names {
		texts[filepath.Base(name)] = read(t, name)
	}
	return texts
}

// actions are the texts of the workflows, and of the steps that their jobs share.
func actions(t *testing.T) map[string]string {
	t.Helper()
	texts := workflows(t)
	texts["setup"] = read(t, "../../.github/setup/action.yml")
	return texts
}

// A resource is one that the program makes, as infra/testdata/resources.json shows it.
type resource struct {
	Type, Name string
	Options    struct{ Timeouts string }
	Inputs     map[string]any
}

// resources are those of a stack whose every resource with limits of its own is
// there.
func resources(t *testing.T) []resource {
	t.Helper()
	var all map[string]struct{ Resources []resource }
	if err := json.Unmarshal([]byte(read(t, "../../infra/testdata/resources.json")), &all); err != nil {
		t.Fatal(err)
	}
	return all["private"].Resources
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestActionsArePinned: a tag can be moved to other code, a commit cannot.
func TestActionsArePinned(t *testing.T) {
	used := regexp.MustCompile(`(?m)uses: (\S+)(.*)$`)
	pinned := regexp.MustCompile(`^([\w-]+/[\w-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	commits := map[string]string{}
	for name, text := range actions(t) {
		for _, use := range used.FindAllStringSubmatch(text, -1) {
			action := use[1] + use[2]
			if strings.HasPrefix(action, "./") {
				continue
			}
			match := pinned.FindStringSubmatch(action)
			if match == nil {
				t.Errorf("%s uses %s: name the commit and the version, as in OWNER/NAME@COMMIT # v1.2.3", name, action)
				continue
			}
			if other, seen := commits[match[1]]; seen && other != action {
				t.Errorf("%s uses %s, another workflow %s", name, action, other)
			}
			commits[match[1]] = action
		}
	}
}

// TestWorkflowScriptsTakeNoExpression: what ${{ }} stands for is pasted into the
// script, and a branch's name can hold a command. Scripts take it from the
// environment.
func TestWorkflowScriptsTakeNoExpression(t *testing.T) {
	for name, text := range actions(t) {
		for _, line := range strings.Split(text, "\n") {
			if strings.Contains(line, "run:") && strings.Contains(line, "${{") {
				t.Errorf("%s: a script with an expression in it: %s", name, strings.TrimSpace(line))
			}
			// In a block of lines the check above would not see it.
			if strings.HasSuffix(line, "run: |") || strings.HasSuffix(line, "run: >-") {
				t.Errorf("%s: a script of more than one line belongs into a file of its own", name)
			}
		}
	}
}

// TestOnePulumiVersion: go.mod names the version of Pulumi. The CLI of the
// workflows is read from there; the other modules agree with it.
func TestOnePulumiVersion(t *testing.T) {
	version := func(file, module string) string {
		match := regexp.MustCompile(`\s` + regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(read(t, file))
		if match == nil {
			t.Fatalf("%s does not name %s", file, module)
		}
		return match[1]
	}
	want := version("../../go.mod", "github.com/pulumi/pulumi/sdk/v3")
	for file, module := range map[string]string{
		"../../rehearsal/go.mod": "github.com/pulumi/pulumi/sdk/v3",
		"../../tools/go.mod":     "github.com/pulumi/pulumi/pkg/v3",
	} {
		if got := version(file, module); got != want {
			t.Errorf("%s has %s %s, go.mod has the SDK %s", file, module, got, want)
		}
	}
	for name, text := range actions(t) {
		installs := strings.Count(text, "uses: pulumi/actions@")
		reads := strings.Count(text, `go list -m -f '{{.Version}}' github.com/pulumi/pulumi/sdk/v3`)
		takes := strings.Count(text, "pulumi-version: ${{ steps.pinned.outputs.pulumi }}")
		if installs != reads || installs != takes {
			t.Errorf("%s installs the Pulumi CLI %d times, and takes its version from go.mod %d times", name, installs, min(reads, takes))
		}
	}
}

// TestWorkflowsTakeTheNewestGo: setup-go v7.0.0 takes a go line such as 1.26.0 for
// that very version, without the patches of the months since, and keeps Go from
// getting a newer one (src/installer.ts, parseGoVersionFile; src/main.ts,
// setGoToolchain). With x and check-latest it asks for the newest patch.
func TestWorkflowsTakeTheNewestGo(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	if version == nil {
		t.Fatal("go.mod names no version of Go")
	}
	found := 0
	for name, text := range actions(t) {
		found += strings.Count(text, "actions/setup-go@")
		newest := strings.Count(text, "go-version: "+version[1]+".x\n") == 1 && strings.Count(text, "check-latest: true\n") == 1
		if strings.Contains(text, "actions/setup-go@") && !newest || strings.Contains(text, "go-version-file") {
			t.Errorf("%s does not take the newest Go %s: give it go-version: %[2]s.x and check-latest: true", name, version[1])
		}
		if name != "setup" && strings.Count(text, "actions/checkout@") != strings.Count(text, "uses: ./.github/setup\n") {
			t.Errorf("%s has a job that does not use .github/setup", name)
		}
	}
	if found != 1 {
		t.Errorf("setup-go is used %d times, want once, in .github/setup", found)
	}
}

// TestNoDeploymentIsLost: the stacks are changed after the checks, one job at a time.
// GitHub ends a waiting job when another comes, unless all of them may wait.
func TestNoDeploymentIsLost(t *testing.T) {
	texts := workflows(t)
	for _, want := range []string{"  dev:\n    needs: check\n", "  prod:\n    needs: dev\n"} {
		if !strings.Contains(texts["deploy.yml"], want) {
			t.Errorf("deploy.yml lacks %q", want)
		}
	}
	if want := "      group: up-${{ inputs.stack }}\n      queue: max\n"; !strings.Contains(texts["up.yml"], want) {
		t.Errorf("up.yml lacks %q", want)
	}
}

// TestUp runs the script of a deployment, against a gh that knows the newest run and a
// pulumi that says how it is called.
func TestUp(t *testing.T) {
	const up = "pulumi up --stack prod --refresh --diff --yes --non-interactive --color never --suppress-outputs\n"
	for name, test := range map[string]struct {
		newest, want string
		fails        bool
	}{
		"the newest run":           {newest: "12 running https://github.com/ev/streaming/actions/runs/900", want: up},
		"a later run has begun":    {newest: "13 running https://github.com/ev/streaming/actions/runs/901", want: "::notice::Stack prod is left to the later run https://github.com/ev/streaming/actions/runs/901, which has these changes too.\n"},
		"a later run has deployed": {newest: "13 success https://github.com/ev/streaming/actions/runs/901", want: "::notice::Stack prod is left to the later run https://github.com/ev/streaming/actions/runs/901, which has these changes too.\n"},
		"a later run has failed": {newest: "13 failure https://github.com/ev/streaming/actions/runs/901", fails: true,
			want: "::error::Nothing was deployed: the later run https://github.com/ev/streaming/actions/runs/901 has these changes too, and ended with failure. Run that one again.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "gh"), `#!/bin/sh
case "$*" in
"api repos/ev/streaming/actions/workflows/deploy.yml/runs?branch=main&per_page=1 --jq "*) echo "`+test.newest+`" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`, 0o700)
			writeFile(t, filepath.Join(dir, "pulumi"), "#!/bin/sh\necho pulumi \"$@\"\n", 0o700)
			cmd := exec.CommandContext(t.Context(), "../../.github/up")
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "STACK=prod",
				"GITHUB_REPOSITORY=ev/streaming", "GITHUB_REF_NAME=main", "GITHUB_RUN_NUMBER=12")
			if got, err := cmd.CombinedOutput(); (err != nil) != test.fails || string(got) != test.want {
				t.Errorf("it says %q, %v; want %q", got, err, test.want)
			}
		})
	}
	if _, err := os.Stat("../../.github/workflows/deploy.yml"); err != nil {
		t.Errorf(".github/up looks for the runs of it: %v", err)
	}
}

// TestPreviewsCheck: the check that main requires passes once each stack was previewed,
// and in a fork's pull request, where nothing is.
func TestPreviewsCheck(t *testing.T) {
	script := regexp.MustCompile(`(?m)^      - run: (test .*)$`).FindStringSubmatch(workflows(t)["preview.yml"])
	if script == nil {
		t.Fatal("preview.yml has no job that looks at the result of the others")
	}
	for _, test := range []struct {
		result, fork string
		passes       bool
	}{
		{"success", "", true}, {"failure", "", false}, {"cancelled", "", false}, {"skipped", "", false},
		{"skipped", "skipped", true}, {"failure", "skipped", false},
	} {
		cmd := exec.CommandContext(t.Context(), "bash", "-ec", script[1])
		cmd.Env = append(os.Environ(), "RESULT="+test.result, "FORK="+test.fork)
		if err := cmd.Run(); (err == nil) != test.passes {
			t.Errorf("after %q, with FORK=%q: %v", test.result, test.fork, err)
		}
	}
}

// TestUpHasTime: a job that GitHub ends, or a role's session that does, leaves an
// up midway. Both last longer than the limits of all that an up may wait for, one
// after the other, though much of it goes on at once.
func TestUpHasTime(t *testing.T) {
	// The namespace's limits are the provider's: it doesn't wait for a creation.
	// Those of the other kinds without limits of their own are minutes, and fit in
	// what is left.
	const namespace = 10 * time.Minute
	waits, limited := namespace, 0
	for _, r := range resources(t) {
		timeouts := r.Options.Timeouts
		if timeouts == "" {
			continue
		}
		limited++
		limit := map[string]time.Duration{}
		for _, match := range regexp.MustCompile(`(\w+) "(\w*)"`).FindAllStringSubmatch(timeouts, -1) {
			if match[2] == "" {
				continue
			}
			var err error
			if limit[match[1]], err = time.ParseDuration(match[2]); err != nil {
				t.Fatalf("%s %s: %s: %v", r.Type, r.Name, timeouts, err)
			}
		}
		// A command without a delete has nothing to wait for; where a resource of
		// AWS's has no limit the provider takes its own, up to two hours.
		if _, deletes := r.Inputs["delete"]; limit["create"] == 0 || limit["update"] == 0 ||
			limit["delete"] == 0 && (deletes || strings.HasPrefix(r.Type, "aws:")) {
			t.Errorf("%s %s: %s: give every limit, or the provider's holds", r.Type, r.Name, timeouts)
		}
		// An up may replace it, and take what a setting no longer asks for away.
		waits += max(limit["update"], limit["delete"]+limit["create"])
	}
	if limited != 4 {
		t.Fatalf("%d resources have limits, want the stream, the workgroup, the schema and the final snapshot", limited)
	}
	up := workflows(t)["up.yml"]
	number := func(pattern string) int {
		match := regexp.MustCompile(pattern).FindStringSubmatch(up)
		if match == nil {
			t.Fatalf("up.yml has no %s", pattern)
		}
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	job := time.Duration(number(`timeout-minutes: (\d+)`)) * time.Minute
	session := time.Duration(number(`role-duration-seconds: (\d+)`)) * time.Second
	if job <= waits || session < job {
		t.Errorf("the program may wait %v, the job lasts %v and the role's session %v: each must outlast the one before it", waits, job, session)
	}
}

// TestComment runs the script with which a pull request's preview is shown,
// against a gh that answers like GitHub and writes down what it is asked.
func TestComment(t *testing.T) {
	for name, test := range map[string]struct {
		preview string // what the preview printed
		status  string
		comment string // the id of the comment that is there
		request string
		body    []string
	}{
		"first preview": {
			preview: "+ aws:kinesis/stream:Stream", status: "success",
			request: "POST repos/ev/streaming/issues/7/comments",
			body:    []string{"### pulumi preview of stack dev: success\n", "+ aws:kinesis/stream:Stream", "commit 0123456789,"},
		},
		"a later one edits the comment": {
			preview: "no change", status: "success", comment: "42",
			request: "PATCH repos/ev/streaming/issues/comments/42",
			body:    []string{"no change"},
		},
		"a failed one is shown too": {
			preview: "error: baseCapacity is 7 RPU", status: "failure", comment: "42",
			request: "PATCH repos/ev/streaming/issues/comments/42",
			body:    []string{"stack dev: failure\n", "baseCapacity is 7 RPU"},
		},
		"the job failed before the preview": {
			status: "failure", request: "POST repos/ev/streaming/issues/7/comments",
			body: []string{"The preview did not start."},
		},
		"a long one keeps its end": {
			preview: strings.Repeat("line\n", 20000) + "3 to update", status: "success",
			request: "POST repos/ev/streaming/issues/7/comments",
			body:    []string{"line\n3 to update\n"},
		},
		"the first preview's SQL has lines": {
			preview: `        stdin : "-- 00001_x.sql --\nCREATE\n  VIEW x"` + "\n        other : \"a\\nb\"", status: "success",
			request: "POST repos/ev/streaming/issues/7/comments",
			body:    []string{"-- 00001_x.sql --\nCREATE\n  VIEW x\"\n", `other : "a\nb"`},
		},
		"text is text": {
			preview: "```\n$(touch broken) `touch broken` <b>", status: "success",
			request: "POST repos/ev/streaming/issues/7/comments",
			body:    []string{"```\n$(touch broken) `touch broken` <b>\n``````````\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			gh := `#!/bin/sh
case "$*" in
*--method*) echo "$4 $5" >` + dir + `/request; cp "${7#body=@}" ` + dir + `/body ;;
*--paginate*startswith*"pulumi preview of stack dev:"*) echo "$COMMENT" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`
			write := func(name, text string, mode os.FileMode) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			write("gh", gh, 0o700)
			if test.preview != "" {
				write("preview.txt", test.preview, 0o600)
			}
			script, err := filepath.Abs("../../.github/comment")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), script, filepath.Join(dir, "preview.txt"))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TMPDIR="+dir,
				"STACK=dev", "STATUS="+test.status, "PULL_REQUEST=7", "COMMIT=0123456789abcdef", "COMMENT="+test.comment,
				"GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=ev/streaming", "GITHUB_RUN_ID=9")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if got := strings.TrimSpace(read(t, filepath.Join(dir, "request"))); got != test.request {
				t.Errorf("it asks GitHub for %s, want %s", got, test.request)
			}
			body := read(t, filepath.Join(dir, "body"))
			for _, want := range test.body {
				if !strings.Contains(body, want) {
					t.Errorf("the comment lacks %q:\n%.2000s", want, body)
				}
			}
			if len(body) > 65536 {
				t.Errorf("the comment has %d characters, GitHub takes 65536", len(body))
			}
			if _, err := os.Stat(filepath.Join(dir, "broken")); err == nil {
				t.Error("a command in the preview's text was run")
			}
		})
	}
}

// TestSessionLastsAsLongAsItsJob: the role that deploys must grant the session
// that the workflow asks for.
func TestSessionLastsAsLongAsItsJob(t *testing.T) {
	asked := regexp.MustCompile(`role-duration-seconds: (\d+)`).FindStringSubmatch(workflows(t)["up.yml"])
	granted := regexp.MustCompile(`--max-session-duration (\d+)`).FindStringSubmatch(read(t, "../iam/README.md"))
	if asked == nil || granted == nil || asked[1] != granted[1] {
		t.Errorf("up.yml asks for a session of %q seconds, deploy/iam/README.md makes a role that grants %q", asked, granted)
	}
}

// TestWorkflowsMayLittle: a workflow has no permission that it doesn't name, no
// job can change the repository, and no code of a fork meets a secret or a role.
func TestWorkflowsMayLittle(t *testing.T) {
	for name, text := range workflows(t) {
		if !regexp.MustCompile(`(?m)^permissions:( \{\}|\n  contents: read)$`).MatchString(text) {
			t.Errorf("%s: the workflow's own permissions are not {} or contents: read", name)
		}
		for _, permission := range regexp.MustCompile(`(?m)^ +([a-z-]+: write|permissions: [a-z]+-all)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains([]string{"id-token: write", "pull-requests: write"}, permission[1]) {
				t.Errorf("%s: no workflow here needs %s", name, permission[1])
			}
		}
		for _, unsafe := range []string{"pull_request_target", "workflow_run", "secrets: inherit", "persist-credentials: true"} {
			if strings.Contains(text, unsafe) {
				t.Errorf("%s has %s", name, unsafe)
			}
		}
		const ownBranch = "if: github.event.pull_request.head.repo.full_name == github.repository"
		if strings.Contains(text, "pull_request") && strings.Contains(text, "id-token: write") && !strings.Contains(text, ownBranch) {
			t.Errorf("%s gives a role to pull requests, those of forks too: it lacks %s", name, ownBranch)
		}
		if strings.Count(text, "actions/checkout@") != strings.Count(text, "persist-credentials: false") {
			t.Errorf("%s: a checkout leaves the token in the folder: give it persist-credentials: false", name)
		}
	}
}
