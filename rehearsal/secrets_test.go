package rehearsal_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestNoSecretIsWritten deploys with recognisable secrets, well and badly, and
// searches everything that the run has written, shown or passed on for them.
func TestNoSecretIsWritten(t *testing.T) {
	d := stacktest.Start(t)
	// Everybody's temporary files are in the folder that is searched.
	tmp := filepath.Join(d.Dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)

	const rotated = "Rotated5Rehearsals"
	environment := d.StandIns.CommandEnv()
	secrets := map[string]string{
		"the admin's name":         rehearsal.AdminName,
		"the admin's password":     rehearsal.AdminPassword,
		"the admin's new password": rotated,
		"the passphrase":           rehearsal.Passphrase,
		"the access key":           environment["AWS_ACCESS_KEY_ID"],
		"the secret key":           environment["AWS_SECRET_ACCESS_KEY"],
		"the session token":        environment["AWS_SESSION_TOKEN"],
	}
	unknownToEngine := maps.Clone(secrets)
	maps.DeleteFunc(unknownToEngine, func(name, _ string) bool { return strings.HasPrefix(name, "the admin's") })
	processes := watchProcesses(t)
	pulumi := &recorder{PulumiCommand: d.CLI, t: t, dir: d.Dir}

	// The admin changes so that a difference has an old and a new password.
	admin := func(name, password string) {
		t.Helper()
		value, err := json.Marshal(map[string]string{"admin_username": name, "admin_user_password": password})
		if err != nil {
			t.Fatal(err)
		}
		d.SetAdmin(string(value))
	}
	preview := func(stack *auto.Stack, also ...string) {
		t.Helper()
		pulumi.also = also
		planned := make(chan events.EngineEvent, 10_000)
		_, err := stack.Preview(t.Context(), optpreview.Plan(filepath.Join(d.Dir, "plan.json")), optpreview.EventStreams(planned))
		if err != nil {
			t.Error(err)
		}
		pulumi.keep("events", planned)
		pulumi.also = nil
	}
	up := func(stack *auto.Stack, want string) {
		t.Helper()
		happened := make(chan events.EngineEvent, 10_000)
		_, err := stack.Up(t.Context(), optup.EventStreams(happened))
		pulumi.keep("events", happened)
		switch {
		case want == "" && err != nil:
			t.Error(err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("up: err = %v, want %q", err, want)
		}
	}
	unedited := d.StackBy(pulumi, rehearsal.StackOptions{})
	preview(unedited, "--diff", "--show-full-output")

	// A value of the secret that is refused.
	admin(rehearsal.AdminName, rehearsal.AdminPassword+`'"\`)
	up(unedited, "holds a character that Redshift refuses")
	admin(rehearsal.AdminName, rehearsal.AdminPassword)

	// Failures of what holds the secret, and of the command.
	var refuse atomic.Bool
	refuse.Store(true)
	for _, kind := range []string{"aws:redshiftserverless/namespace:Namespace", "aws:secretsmanager/secretVersion:SecretVersion"} {
		d.StandIns.AWS.Control(fakeaws.Create, kind, func(call *fakeaws.Call) *fakeaws.Fault {
			if !refuse.Load() {
				return nil
			}
			call.Keep()
			return &fakeaws.Fault{Err: errors.New("AWS says no")}
		})
	}
	up(unedited, "AWS says no")
	refuse.Store(false)
	failing := adding(statement("CREATE VIEW wrong AS SELECT no_such_column FROM ev_station_data"))
	up(d.StackBy(pulumi, rehearsal.StackOptions{Program: withSQL(failing)}), "no_such_column")
	up(unedited, "")

	admin(rehearsal.AdminName, rotated)
	preview(unedited)
	preview(unedited, "--diff", "--show-full-output")
	preview(unedited, "--json")
	preview(unedited, "-v=11", "--logtostderr", "--logflow")
	pulumi.also = []string{"-v=8", "--logtostderr", "--logflow"}
	up(unedited, "")
	pulumi.also = nil
	for _, command := range []string{
		"go run ./cmd/evstream status --stack dev",
		"go run ./cmd/evstream query --stack dev usage",
		"go run ./cmd/evstream produce --stack dev --count 3",
		"pulumi stack export --stack dev",
		"pulumi stack history --stack dev --json",
	} {
		pulumi.write(command, []byte(d.Run(command)))
	}
	if _, err := unedited.Destroy(t.Context()); err != nil {
		t.Error(err)
	}

	searched := map[string]int{}
	for _, text := range processes() {
		searched["a process"]++
		find(t, "the arguments "+text, []byte(text), secrets)
	}
	err := filepath.WalkDir(d.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// What the stand-ins keep is AWS's.
		if entry.IsDir() && path == filepath.Join(d.Dir, "warehouse") {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		name, err := filepath.Rel(d.Dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched[kindOf(name)]++
		if strings.Contains(name, "-preview-v-logtostderr") && bytes.Contains(text, []byte(" -v=11 ")) {
			// From -v=9 on the engine logs what it exchanges with providers,
			// secrets too. It never sees the others.
			find(t, name, text, unknownToEngine)
			return nil
		}
		find(t, name, text, secrets)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// What was not there was not searched.
	if _, err := os.Stat("/proc/self/cmdline"); err == nil && searched["a process"] == 0 {
		t.Error("no process of the run was seen")
	}
	for _, kind := range []string{"state", "history", "backup", "plan", "preview", "up", "event", "export"} {
		if searched[kind] == 0 {
			t.Errorf("the run left no %s to search, but %v", kind, searched)
		}
	}
}

func kindOf(name string) string {
	for _, kind := range []struct{ part, name string }{
		{".pulumi/stacks/", "state"}, {".pulumi/history/", "history"}, {".pulumi/backups/", "backup"},
		{"plan.json", "plan"}, {"-up-", "up"}, {"-preview-", "preview"}, {"-events", "event"}, {"-export-", "export"},
	} {
		if strings.Contains(filepath.ToSlash(name), kind.part) {
			return kind.name
		}
	}
	return "other"
}

// find reports every secret that the text holds, as it is or encoded, also when
// the text is compressed.
func find(t *testing.T, where string, text []byte, secrets map[string]string) {
	t.Helper()
	if unpacked, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
		if text, err = io.ReadAll(unpacked); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	for name, secret := range secrets {
		for encoded, form := range forms(secret) {
			if at := bytes.Index(text, []byte(encoded)); at >= 0 {
				around := text[max(0, at-80):min(len(text), at+len(encoded)+80)]
				t.Errorf("%s shows %s, %s: %q", where, name, form, around)
			}
		}
	}
}

// forms are the texts as which a secret may be written, each with its name.
func forms(secret string) map[string]string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err) // a text can always be marshaled
	}
	all := map[string]string{
		hex.EncodeToString([]byte(secret)): "in hexadecimal",
		url.QueryEscape(secret):            "URL-encoded",
		strings.Trim(string(quoted), `"`):  "as JSON",
		secret:                             "as it is",
	}
	// Inside a longer text base64 has one of three forms, without its ends.
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		all[encoded[[]int{0, 2, 3}[shift]:len(encoded)-4]] = "in base64"
	}
	return all
}

// A recorder is the Pulumi CLI. It keeps what each command says in files.
type recorder struct {
	auto.PulumiCommand
	t    *testing.T
	dir  string
	also []string // more arguments for the next commands

	count int
}

func (r *recorder) Run(ctx context.Context, dir string, in io.Reader, out, errs []io.Writer, env []string, args ...string) (string, string, int, error) {
	if i := slices.IndexFunc(args, func(arg string) bool { return arg == "preview" || arg == "up" }); i >= 0 {
		args = slices.Insert(slices.Clone(args), i+1, r.also...)
	}
	stdout, stderr, code, err := r.PulumiCommand.Run(ctx, dir, in, out, errs, env, args...)
	r.write(strings.Join(args, " "), []byte(stdout+stderr))
	return stdout, stderr, code, err
}

// keep keeps the events of a command that has ended.
func (r *recorder) keep(name string, happened <-chan events.EngineEvent) {
	r.t.Helper()
	var all []events.EngineEvent
	for event := range happened {
		all = append(all, event)
	}
	text, err := json.Marshal(all)
	if err != nil {
		r.t.Fatal(err)
	}
	r.write(name, text)
}

// write keeps what a command printed.
func (r *recorder) write(command string, printed []byte) {
	r.t.Helper()
	r.count++
	words := regexp.MustCompile(`[^a-z]+`).ReplaceAllString(command, "-")
	name := fmt.Sprintf("printed-%02d-%.40s.txt", r.count, words)
	if err := os.WriteFile(filepath.Join(r.dir, name), append([]byte(command+"\n"), printed...), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// watchProcesses notes the arguments of every process that descends from this
// one, until the function that it returns is called.
func watchProcesses(t *testing.T) func() []string {
	ctx, stop := context.WithCancel(t.Context())
	seen := map[string]bool{}
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			for _, arguments := range descendants(os.Getpid()) {
				seen[arguments] = true
			}
			select {
			case <-ctx.Done():
			case <-time.After(25 * time.Millisecond):
			}
		}
	})
	return func() []string {
		stop()
		watching.Wait()
		var all []string
		for arguments := range seen {
			all = append(all, arguments)
		}
		return all
	}
}

// descendants are the arguments of a process's children, theirs, and so on.
func descendants(of int) []string {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The name before the closing parenthesis may hold anything; the state
		// and the parent's id follow.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		parent, _ := strconv.Atoi(fields[1])
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		children[parent] = append(children[parent], id)
	}
	var found []string
	for todo := children[of]; len(todo) > 0; todo = todo[1:] {
		if arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", todo[0])); err == nil {
			found = append(found, string(bytes.ReplaceAll(bytes.TrimRight(arguments, "\x00"), []byte{0}, []byte{' '})))
		}
		todo = append(todo, children[todo[0]]...)
	}
	return found
}
