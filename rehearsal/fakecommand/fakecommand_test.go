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

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"example.com/evstream/rehearsal/fakecommand"
	"example.com/evstream/rehearsal/internal/scenario"
)

// bench is the stand-in with an engine.
type bench struct {
	*scenario.Engine
	server *fakecommand.Server
	dir    string // the commands' working directory
	log    *engineLog
}

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{Engine: scenario.New(t), dir: filepath.Join(t.TempDir(), "folder"), log: &engineLog{}}
	b.Must(os.Mkdir(b.dir, 0o700))
	var err error
	b.server, err = fakecommand.Start(fakecommand.Options{Dir: b.dir, Env: []string{"PLACE=stand-in"}})
	b.Must(err)
	t.Cleanup(b.server.Close)
	b.Connect(b.server.Port(), "command", nil)
	b.Must(b.AttachTo(t.Context(), b.log.serve(t)))
	return b
}

// did is what commands have written into the file did.
func (b *bench) did() string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "did"))
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return string(text)
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
	go func() { _ = server.Serve(listener) }() // ends by Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func (l *engineLog) Log(_ context.Context, req *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if req.Ephemeral && req.Severity == pulumirpc.LogSeverity_INFO {
		l.lines = append(l.lines, resource.URN(req.Urn).Name()+": "+req.Message)
	}
	return &emptypb.Empty{}, nil
}

// sorted are the lines since the last time: those of stdout and stderr come in any order.
func (l *engineLog) sorted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := slices.Sorted(slices.Values(l.lines))
	l.lines = nil
	return lines
}

func TestScenarios(t *testing.T) {
	scenario.Run(t, func(t *testing.T) *scenario.Engine {
		b := start(t)
		b.Text("long", strings.Repeat("long ", 42_000))
		b.Commands["did"] = func([]string, string) []string { return strings.Fields(b.did()) }
		b.Commands["log"] = func([]string, string) []string { return b.log.sorted() }
		b.Commands["fault"] = func(words []string, _ string) []string {
			fault := map[string]fakecommand.Fault{"refused": {Err: errors.New("refused")}, "lost": {Lost: errors.New("lost")}}[words[0]]
			b.server.Control("create", func(*fakecommand.Call) *fakecommand.Fault { return &fault })
			return nil
		}
		return b.Engine
	})
}

func TestStoppingKillsTheCommand(t *testing.T) {
	const change = "{create: echo started > did; exec sleep 60}"
	begin := func(b *bench, change string) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := b.Create("command", "c", b.Changed(scenario.Props{}, change))
			ended <- err
		}()
		for b.did() == "" {
			time.Sleep(time.Millisecond)
		}
		return ended
	}
	t.Run("cancellation", func(t *testing.T) {
		b := start(t)
		ended := begin(b, change)
		b.Must(b.SignalCancellation(t.Context()))
		b.WantError(<-ended, "signal: killed")
		_, err := b.Create("command", "next", scenario.Props{"create": "true"})
		b.Must(err) // the next engine finds it working
	})
	t.Run("timeout", func(t *testing.T) {
		b := start(t)
		inputs := resource.NewPropertyMapFromMap(b.Changed(scenario.Props{}, change))
		_, err := b.Client.Create(t.Context(), plugin.CreateRequest{URN: b.URN("command", "c"), Properties: inputs, Timeout: 0.2})
		b.WantError(err, "signal: killed")
	})
	t.Run("closing also kills what the command started", func(t *testing.T) {
		b := start(t)
		ended := begin(b, "{create: echo started > did; sleep 60; echo on}")
		b.server.Close()
		if err := <-ended; err == nil {
			t.Error("the command ended well")
		}
	})
}
