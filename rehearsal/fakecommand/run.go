package fakecommand

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"example.com/evstream/rehearsal/internal/provider"
)

const (
	// longestText is the limit that Linux sets to one argument or environment
	// variable, in bytes with the zero byte at its end (MAX_ARG_STRLEN).
	longestText = 128 << 10

	// longestLine is how long a logged line may be, in bytes without its end.
	longestLine = bufio.MaxScanTokenSize - 1
)

// run is one execution of a command.
type run struct {
	operation string
	urn       resource.URN
	seconds   float64 // how long it may take; 0 is for ever
	previous  output

	in      inputs
	command *string // nil runs nothing and leaves the output as it was
}

// run runs what a command's properties have for the operation.
func (s *Server) run(ctx context.Context, r run, props resource.PropertyMap) (output, error) {
	var err error
	if r.in, err = read(props); err != nil {
		return output{}, err
	}
	r.command = map[string]*string{
		provider.Create: r.in.Create, provider.Update: cmp.Or(r.in.Update, r.in.Create), provider.Delete: r.in.Delete,
	}[r.operation]
	if r.command == nil {
		return r.previous, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.seconds > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.seconds*float64(time.Second)))
		defer cancel()
	}

	f := s.controls.Decide(Call{Operation: r.operation, Type: commandType, URN: r.urn})
	if f.Err != nil {
		return output{}, f.Err
	}
	out, err := s.execute(ctx, cancel, r)
	if f.Then != nil {
		f.Then()
	}
	if err == nil {
		err = f.Lost
	}
	return out, err
}

func (s *Server) execute(ctx context.Context, cancel func(), r run) (output, error) {
	args := append(slices.Clone(r.in.Interpreter), *r.command)
	if len(r.in.Interpreter) == 0 {
		args = []string{"/bin/sh", "-c", *r.command}
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = cmp.Or(r.in.Dir, s.opts.Dir)
	cmd.Env = s.environment(r)
	if r.in.Stdin != "" {
		cmd.Stdin = strings.NewReader(r.in.Stdin)
	}
	// A group of its own, as the real provider has one: a Ctrl-C at the terminal
	// goes to the engine only, which then asks for a cancellation.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	var both, stdoutText, stderrText bytes.Buffer
	shared := &locked{to: &both}
	log := &lineLog{
		send:    func(line string) { s.log(ctx, r.urn, line) },
		tooLong: func() { killGroup(cmd.Process.Pid) },
	}
	writers := func(text *bytes.Buffer, name string) io.Writer {
		if r.in.Logging == "" || r.in.Logging == name || r.in.Logging == stdoutAndStderr {
			return io.MultiWriter(text, shared, log)
		}
		return io.MultiWriter(text, shared)
	}
	cmd.Stdout = writers(&stdoutText, stdout)
	cmd.Stderr = writers(&stderrText, stderr)

	err := fits(append(slices.Clone(cmd.Env), args...))
	if err == nil {
		err = s.wait(cmd, cancel)
	}
	log.end()
	switch {
	case log.broken:
		return output{}, fmt.Errorf("a line of more than %d bytes while output is logged: the command provider stops reading there "+
			"and the deployment hangs for ever; fold long lines, or set logging to none: running %q", longestLine, *r.command)
	case err != nil:
		return output{}, fmt.Errorf("%w: running %q:\n%s", err, *r.command, both.String())
	}
	return output{
		stdout: strings.TrimSuffix(stdoutText.String(), "\n"),
		stderr: strings.TrimSuffix(stderrText.String(), "\n"),
	}, nil
}

// wait runs the process to its end.
func (s *Server) wait(cmd *exec.Cmd, cancel func()) error {
	s.mu.Lock()
	err := cmd.Start()
	if err != nil {
		s.mu.Unlock()
		return err
	}
	r := &running{cancel: cancel, group: cmd.Process.Pid}
	s.running[r] = struct{}{}
	s.mu.Unlock()

	err = cmd.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, r)
	return err
}

// killGroup kills a command and what it started. They may have ended by themselves.
func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }

// environment is that of this process, of the options, of the command and of its
// previous output, later ones winning.
func (s *Server) environment(r run) []string {
	env := append(os.Environ(), s.opts.Env...)
	for _, name := range slices.Sorted(maps.Keys(r.in.Environment)) {
		env = append(env, name+"="+r.in.Environment[name])
	}
	if with := r.in.AddPreviousOutputInEnv; with != nil && !*with {
		return env
	}
	if r.previous.stdout != "" {
		env = append(env, "PULUMI_COMMAND_STDOUT="+r.previous.stdout)
	}
	if r.previous.stderr != "" {
		env = append(env, "PULUMI_COMMAND_STDERR="+r.previous.stderr)
	}
	return env
}

// fits refuses on every system what Linux refuses.
func fits(texts []string) error {
	for _, text := range texts {
		if len(text) >= longestText {
			return &os.PathError{Op: "fork/exec", Path: "/bin/sh", Err: syscall.E2BIG}
		}
	}
	return nil
}

// log shows a line in the engine's progress display. A display that is gone fails no
// command.
func (s *Server) log(ctx context.Context, urn resource.URN, line string) {
	s.mu.Lock()
	engine := s.engine
	s.mu.Unlock()
	if engine == nil {
		return
	}
	_, _ = pulumirpc.NewEngineClient(engine).Log(ctx, &pulumirpc.LogRequest{
		Severity: pulumirpc.LogSeverity_INFO, Urn: string(urn), Message: strings.ToValidUTF8(line, "\uFFFD"), Ephemeral: true,
	})
}

// locked is a writer for several goroutines.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

func (w *locked) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// lineLog cuts the output into lines and sends them on. Both streams go through one
// pipe, as in the real provider, so that half lines of one may meet the other's.
type lineLog struct {
	send    func(line string)
	tooLong func()

	mu     sync.Mutex
	rest   []byte
	broken bool // a line was too long
}

func (l *lineLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return len(p), nil
	}
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if len(line) > longestLine {
			l.broken = true
			l.tooLong()
			return len(p), nil
		}
		if !whole {
			return len(p), nil
		}
		l.send(string(bytes.TrimSuffix(line, []byte("\r"))))
		l.rest = rest
	}
}

// end sends the last line if it has no end.
func (l *lineLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 && !l.broken {
		l.send(string(l.rest))
	}
}
