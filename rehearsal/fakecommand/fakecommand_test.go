package fakecommand_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"example.com/evstream/rehearsal/fakecommand"
	"example.com/evstream/rehearsal/internal/provider"
)

const urn = resource.URN("urn:pulumi:dev::ev-streaming::command:local:Command::schema")

// bench is the stand-in with the engine's end of its door.
type bench struct {
	*testing.T
	server *fakecommand.Server
	engine *provider.Client
	dir    string // the commands' working directory
	log    *engineLog
}

func start(t *testing.T, env ...string) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir(), log: &engineLog{}}
	var err error
	if b.server, err = fakecommand.Start(fakecommand.Options{Dir: b.dir, Env: env}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.server.Close)
	if b.engine, err = provider.Dial(t.Context(), b.server.Port(), "command", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.engine.Close() })
	if err := b.engine.AttachTo(t.Context(), b.log.serve(t)); err != nil {
		t.Fatal(err)
	}
	return b
}

// engineLog is the part of the engine that takes log lines.
type engineLog struct {
	pulumirpc.UnimplementedEngineServer
	mu    sync.Mutex
	lines []string
}

func (l *engineLog) serve(t *testing.T) string {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pulumirpc.RegisterEngineServer(server, l)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func (l *engineLog) Log(_ context.Context, req *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if req.Urn == string(urn) && req.Ephemeral && req.Severity == pulumirpc.LogSeverity_INFO {
		l.lines = append(l.lines, req.Message)
	}
	return &emptypb.Empty{}, nil
}

func (l *engineLog) sorted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.lines))
}

type props = map[string]any

func inputs(p props) resource.PropertyMap { return resource.NewPropertyMapFromMap(p) }

func (b *bench) create(in resource.PropertyMap) (plugin.CreateResponse, error) {
	return b.engine.Create(b.Context(), plugin.CreateRequest{URN: urn, Properties: in})
}

func (b *bench) mustCreate(in resource.PropertyMap) resource.PropertyMap {
	b.Helper()
	made, err := b.create(in)
	if err != nil {
		b.Fatalf("create: %v", err)
	}
	if made.ID == "" {
		b.Error("a created command has no id")
	}
	return made.Properties
}

func (b *bench) update(state, news resource.PropertyMap) (resource.PropertyMap, error) {
	done, err := b.engine.Update(b.Context(), plugin.UpdateRequest{
		URN: urn, ID: "schema1", OldOutputs: state, OldInputs: state, NewInputs: news,
	})
	return done.Properties, err
}

func (b *bench) delete(state resource.PropertyMap) error {
	_, err := b.engine.Delete(b.Context(), plugin.DeleteRequest{URN: urn, ID: "schema1", Inputs: state, Outputs: state})
	return err
}

// wrote returns the content of a file in the working directory, "" if there is none.
func (b *bench) wrote(name string) string {
	b.Helper()
	content, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return string(content)
}

func text(v resource.PropertyValue) string {
	if !v.IsString() {
		return "not a plain text: " + v.String()
	}
	return v.StringValue()
}

// Which command runs when, with which input, and what it leaves in the state.
func TestLifeCycle(t *testing.T) {
	type step struct{ did, stdout string }
	created := func(b *bench, in props) resource.PropertyMap { return b.mustCreate(inputs(in)) }
	for _, c := range []struct {
		name string
		do   func(*bench) (resource.PropertyMap, error)
		want step
	}{{
		name: "create runs create",
		do: func(b *bench) (resource.PropertyMap, error) {
			return created(b, props{"create": "echo hello; echo made >> did", "update": "false"}), nil
		},
		want: step{"made\n", "hello"},
	}, {
		name: "create without create does nothing",
		do: func(b *bench) (resource.PropertyMap, error) {
			return created(b, props{"delete": "echo gone >> did"}), nil
		},
	}, {
		name: "update runs update",
		do: func(b *bench) (resource.PropertyMap, error) {
			in := props{"create": "echo one", "update": "echo two; echo updated >> did"}
			return b.update(created(b, in), inputs(in))
		},
		want: step{"updated\n", "two"},
	}, {
		name: "update without update runs create again",
		do: func(b *bench) (resource.PropertyMap, error) {
			in := props{"create": "echo made >> did; wc -l < did"}
			return b.update(created(b, in), inputs(in))
		},
		want: step{"made\nmade\n", "2"},
	}, {
		name: "update with neither keeps the output",
		do: func(b *bench) (resource.PropertyMap, error) {
			state := created(b, props{"create": "echo kept"})
			return b.update(state, inputs(props{"delete": "true"}))
		},
		want: step{"", "kept"},
	}, {
		name: "update sees the previous output",
		do: func(b *bench) (resource.PropertyMap, error) {
			state := created(b, props{"create": "echo old; echo odd >&2"})
			in := props{"create": `echo "$PULUMI_COMMAND_STDOUT, $PULUMI_COMMAND_STDERR"`}
			return b.update(state, inputs(in))
		},
		want: step{"", "old, odd"},
	}, {
		name: "update does not see the previous output unless wanted",
		do: func(b *bench) (resource.PropertyMap, error) {
			state := created(b, props{"create": "echo old"})
			in := props{"create": `echo "[$PULUMI_COMMAND_STDOUT]"`, "addPreviousOutputInEnv": false}
			return b.update(state, inputs(in))
		},
		want: step{"", "[]"},
	}, {
		name: "delete runs what the state says",
		do: func(b *bench) (resource.PropertyMap, error) {
			state := created(b, props{
				"create": "echo made", "delete": `cat >> did; echo "$WHO $PULUMI_COMMAND_STDOUT" >> did`,
				"stdin": "input\n", "environment": props{"WHO": "me"},
			})
			return state, b.delete(state)
		},
		want: step{"input\nme made\n", "made"},
	}, {
		name: "delete without delete does nothing",
		do: func(b *bench) (resource.PropertyMap, error) {
			state := created(b, props{"create": "echo made"})
			return state, b.delete(state)
		},
		want: step{"", "made"},
	}, {
		name: "refresh returns the state as it is",
		do: func(b *bench) (resource.PropertyMap, error) {
			state := created(b, props{"create": "echo made; echo x >> did"})
			read, err := b.engine.Read(b.Context(), plugin.ReadRequest{URN: urn, ID: "schema1", State: state})
			return read.Outputs, err
		},
		want: step{"x\n", "made"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			state, err := c.do(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, step{b.wrote("did"), text(state["stdout"])}, cmp.AllowUnexported(step{})); diff != "" {
				t.Errorf("effect and stdout (-want +got):\n%s", diff)
			}
		})
	}
}

// What surrounds a command.
func TestSurroundings(t *testing.T) {
	long := strings.Repeat("long ", 42_000) // 210 KB
	for _, c := range []struct {
		name   string
		in     props
		stdout string
		fails  string
	}{
		{name: "the folder given to the stand-in", in: props{"create": "basename $(pwd)"}, stdout: "FOLDER"},
		{name: "a folder of its own", in: props{"create": "pwd", "dir": "/"}, stdout: "/"},
		{name: "this process's environment", in: props{"create": `test -n "$PATH" && echo yes`}, stdout: "yes"},
		{name: "the stand-in's environment", in: props{"create": "echo $PLACE"}, stdout: "stand-in"},
		{
			name:   "the command's environment wins",
			in:     props{"create": "echo $PLACE", "environment": props{"PLACE": "command"}},
			stdout: "command",
		},
		{name: "no -e and no pipefail", in: props{"create": "false | true; false; echo on"}, stdout: "on"},
		{
			name:  "an interpreter of its own",
			in:    props{"create": "false; echo on", "interpreter": []any{"/bin/sh", "-ec"}},
			fails: "exit status 1: running \"false; echo on\":\n",
		},
		{name: "stdin over 128 KiB", in: props{"create": "wc -c | tr -d ' '", "stdin": long}, stdout: "210000"},
		{name: "one line end is cut", in: props{"create": `printf 'a\n\n'`}, stdout: "a\n"},
		{
			name:  "a variable over 128 KiB",
			in:    props{"create": "true", "environment": props{"SQL": long}},
			fails: "fork/exec /bin/sh: argument list too long: running \"true\":\n",
		},
		{
			name:  "a failure tells command and output, secret or not",
			in:    props{"create": "cat >&2; exit 3", "stdin": resource.MakeSecret(resource.NewProperty("tell-tale\n")), "logging": "none"},
			fails: "exit status 3: running \"cat >&2; exit 3\":\ntell-tale\n",
		},
		{
			name: "a logged line over 64 KiB",
			// The real provider would never return.
			in:    props{"create": "head -c 65536 /dev/zero | tr '\\0' x; sleep 60"},
			fails: "a line of more than 65535 bytes while output is logged",
		},
		{
			name:   "a line over 64 KiB that is not logged",
			in:     props{"create": "head -c 70000 /dev/zero | tr '\\0' x | wc -c | tr -d ' '; head -c 70000 /dev/zero >&2", "logging": "stdout"},
			stdout: "70000",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, "PLACE=stand-in")
			made, err := b.create(inputs(c.in))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("create failed with %v, want %q in it", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(c.stdout, "FOLDER", filepath.Base(b.dir))
			if got := text(made.Properties["stdout"]); got != want {
				t.Errorf("stdout is %.100q, want %q", got, want)
			}
		})
	}
}

// What the engine is told of a change of inputs.
func TestDiff(t *testing.T) {
	base := props{"create": "run", "delete": "drop", "environment": props{"A": "1", "B": "2"}}
	with := func(key string, value any) resource.PropertyMap {
		changed := inputs(base)
		changed[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
		return changed
	}
	triggered := with("triggers", []any{"x", "y"})
	for _, c := range []struct {
		name       string
		olds, news resource.PropertyMap
		want       map[string]string
	}{
		{name: "nothing", olds: inputs(base), news: inputs(base)},
		{name: "create", olds: inputs(base), news: with("create", "other"), want: map[string]string{"create": "update"}},
		{name: "only delete", olds: inputs(base), news: with("delete", "other"), want: map[string]string{"delete": "update"}},
		{name: "only logging", olds: inputs(base), news: with("logging", "none"), want: map[string]string{"logging": "add"}},
		{
			name: "the new default of addPreviousOutputInEnv",
			olds: with("addPreviousOutputInEnv", true), news: inputs(base),
			want: map[string]string{"addPreviousOutputInEnv": "delete"},
		},
		{
			name: "one variable", olds: inputs(base),
			news: with("environment", props{"A": "1", "B": "3"}),
			want: map[string]string{"environment.B": "update"},
		},
		{
			name: "the mark of a secret", olds: inputs(base),
			news: with("create", resource.MakeSecret(resource.NewProperty("run"))),
			want: map[string]string{"create": "update"},
		},
		{
			name: "an unknown value, which the engine's comparison takes for none", olds: inputs(base),
			news: with("create", resource.MakeComputed(resource.NewProperty(""))),
			want: map[string]string{"create": "delete"},
		},
		{name: "triggers added", olds: inputs(base), news: triggered, want: map[string]string{"triggers": "add-replace"}},
		{name: "triggers removed", olds: triggered, news: inputs(base), want: map[string]string{"triggers": "delete-replace"}},
		{
			name: "a trigger changed", olds: triggered, news: with("triggers", []any{"x", "z"}),
			want: map[string]string{"triggers[1]": "update-replace"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			diff, err := b.engine.Diff(t.Context(), plugin.DiffRequest{URN: urn, ID: "schema1", OldInputs: c.olds, OldOutputs: c.olds, NewInputs: c.news})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			for path, detail := range diff.DetailedDiff {
				if got == nil {
					got = map[string]string{}
				}
				kind := detail.Kind.String()
				if slices.Contains(diff.ReplaceKeys, resource.PropertyKey(path)) && !detail.Kind.IsReplace() {
					kind += "-replace"
				}
				got[path] = kind
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if (diff.Changes == plugin.DiffSome) != (c.want != nil) {
				t.Errorf("changes are %v", diff.Changes)
			}
			if diff.DeleteBeforeReplace {
				t.Error("the provider asks to delete before replacing; it never does")
			}
		})
	}
}

func TestPreviewRunsNothing(t *testing.T) {
	b := start(t)
	in := inputs(props{
		"create":      "echo made >> did",
		"environment": props{"ID": resource.MakeComputed(resource.NewProperty(""))},
	})
	made, err := b.engine.Create(t.Context(), plugin.CreateRequest{URN: urn, Properties: in, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	state := resource.PropertyMap{"create": in["create"], "stdout": resource.NewProperty("old")}
	done, err := b.engine.Update(t.Context(), plugin.UpdateRequest{
		URN: urn, ID: "schema1", OldOutputs: state, OldInputs: state, NewInputs: in, Preview: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for operation, state := range map[string]resource.PropertyMap{"create": made.Properties, "update": done.Properties} {
		for _, key := range []resource.PropertyKey{"stdout", "stderr"} {
			if !state[key].IsComputed() {
				t.Errorf("%s: %s is %v in a preview, want unknown", operation, key, state[key])
			}
		}
		if !state["environment"].ContainsUnknowns() || text(state["create"]) != "echo made >> did" {
			t.Errorf("%s: the inputs are not in the state: %v", operation, state)
		}
	}
	if did := b.wrote("did"); did != "" {
		t.Errorf("a preview ran a command: %q", did)
	}
}

func TestSecretInputsStaySecretAndOutputDoesNotBecomeSo(t *testing.T) {
	b := start(t)
	state := b.mustCreate(inputs(props{
		"create": "echo $PASSWORD", "stdin": resource.MakeSecret(resource.NewProperty("x")),
		"environment": props{"PASSWORD": resource.MakeSecret(resource.NewProperty("tell-tale")), "USER": "me"},
	}))
	if !state["stdin"].IsSecret() || !state["environment"].ObjectValue()["PASSWORD"].IsSecret() {
		t.Errorf("secret inputs lost their mark: %v", state)
	}
	if text(state["environment"].ObjectValue()["USER"]) != "me" || text(state["stdout"]) != "tell-tale" {
		t.Errorf("what is not a secret input became secret: %v", state)
	}
}

func TestLogging(t *testing.T) {
	for _, c := range []struct {
		logging string // "" is unset
		want    []string
	}{
		{"", []string{"err", "out 1", "out 2"}},
		{"stdoutAndStderr", []string{"err", "out 1", "out 2"}},
		{"stdout", []string{"out 1", "out 2"}},
		{"stderr", []string{"err"}},
		{"none", nil},
	} {
		t.Run("logging "+c.logging, func(t *testing.T) {
			b := start(t)
			in := props{"create": `printf 'out 1\nout 2\n'; printf 'err\n' >&2`}
			if c.logging != "" {
				in["logging"] = c.logging
			}
			state := b.mustCreate(inputs(in))
			if diff := cmp.Diff(c.want, b.log.sorted()); diff != "" {
				t.Errorf("lines shown by the engine (-want +got):\n%s", diff)
			}
			if text(state["stdout"]) != "out 1\nout 2" || text(state["stderr"]) != "err" {
				t.Errorf("logging changed what is kept: %v", state)
			}
		})
	}
	t.Run("a last line without an end", func(t *testing.T) {
		b := start(t)
		b.mustCreate(inputs(props{"create": "printf half"}))
		if diff := cmp.Diff([]string{"half"}, b.log.sorted()); diff != "" {
			t.Errorf("lines shown by the engine (-want +got):\n%s", diff)
		}
	})
}

func TestStoppingKillsTheCommand(t *testing.T) {
	const slow = "echo started > did; exec sleep 60"
	waitUntilStarted := func(b *bench) {
		for b.wrote("did") == "" {
			time.Sleep(time.Millisecond)
		}
	}
	t.Run("cancellation", func(t *testing.T) {
		b := start(t)
		failed := make(chan error)
		go func() {
			_, err := b.create(inputs(props{"create": slow}))
			failed <- err
		}()
		waitUntilStarted(b)
		if err := b.engine.SignalCancellation(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; err == nil || !strings.Contains(err.Error(), "signal: killed") {
			t.Errorf("the command ended with %v, want it killed", err)
		}
		b.mustCreate(inputs(props{"create": "true"})) // the next engine finds it working
	})
	t.Run("timeout", func(t *testing.T) {
		b := start(t)
		_, err := b.engine.Create(t.Context(), plugin.CreateRequest{URN: urn, Properties: inputs(props{"create": slow}), Timeout: 0.2})
		if err == nil || !strings.Contains(err.Error(), "signal: killed") {
			t.Errorf("the command ended with %v, want it killed", err)
		}
	})
	t.Run("closing also kills what the command started", func(t *testing.T) {
		b := start(t)
		failed := make(chan error)
		go func() {
			_, err := b.create(inputs(props{"create": "echo started > did; sleep 60; echo on"}))
			failed <- err
		}()
		waitUntilStarted(b)
		b.server.Close()
		if err := <-failed; err == nil {
			t.Error("the command ended well")
		}
	})
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, property, reason string
		in                     props
	}{
		{"an unsupported input", "assetPaths", "the stand-in does not support assetPaths of a command", props{"assetPaths": []any{"x"}}},
		{"a number for a text", "create", "it takes a string", props{"create": 1}},
		{"a map that holds a number", "environment", "it takes a map of strings", props{"environment": props{"PORT": 5439}}},
		{"a wrong word for logging", "logging", "it takes stdout, stderr, stdoutAndStderr or none", props{"logging": "all"}},
		{"a text for a list", "triggers", "it takes a list", props{"triggers": "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t)
			checked, err := b.engine.Check(t.Context(), plugin.CheckRequest{URN: urn, News: inputs(c.in)})
			if err != nil {
				t.Fatal(err)
			}
			want := []plugin.CheckFailure{{Property: resource.PropertyKey(c.property), Reason: c.reason}}
			if diff := cmp.Diff(want, checked.Failures); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("another resource type", func(t *testing.T) {
		b := start(t)
		_, err := b.engine.Check(t.Context(), plugin.CheckRequest{URN: "urn:pulumi:dev::p::command:remote:Command::x", News: resource.PropertyMap{}})
		if err == nil || !strings.Contains(err.Error(), "does not support the resource type command:remote:Command") {
			t.Errorf("check said %v", err)
		}
	})
	t.Run("a function", func(t *testing.T) {
		b := start(t)
		_, err := b.engine.Invoke(t.Context(), plugin.InvokeRequest{Tok: "command:local:run", Args: resource.PropertyMap{}})
		if err == nil || !strings.Contains(err.Error(), "does not support the function command:local:run") {
			t.Errorf("invoke said %v", err)
		}
	})
}

// TestFaults: a command that is refused did not run, one whose answer is lost did.
func TestFaults(t *testing.T) {
	b := start(t)
	in := inputs(props{"create": "echo ran >>log"})
	for _, fault := range []fakecommand.Fault{
		{Err: errors.New("refused")},
		{Lost: errors.New("lost")},
	} {
		b.server.Control("create", func(c *fakecommand.Call) *fakecommand.Fault {
			if c.URN != urn {
				return nil
			}
			return &fault
		})
	}
	for _, want := range []struct{ err, log string }{{"refused", ""}, {"lost", "ran\n"}, {"", "ran\nran\n"}} {
		_, err := b.create(in)
		if want.err == "" && err != nil || want.err != "" && (err == nil || !strings.Contains(err.Error(), want.err)) {
			t.Errorf("err = %v, want %q", err, want.err)
		}
		if got := b.wrote("log"); got != want.log {
			t.Errorf("after %q the command has written %q, want %q", want.err, got, want.log)
		}
	}
}
