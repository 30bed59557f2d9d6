// Package stacktest deploys the program onto stand-ins of its own, for tests.
package stacktest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
)

// Deployment is the stack dev on stand-ins of its own.
type Deployment struct {
	Dir      string // everything that stand-ins and engine keep
	StandIns *rehearsal.StandIns
	Said     bytes.Buffer // everything that Up printed

	t   *testing.T
	cli auto.PulumiCommand
}

// Start starts the stand-ins. They end with the test.
func Start(t *testing.T) *Deployment {
	t.Helper()
	return StartIn(t, nil)
}

// StartIn does it in another world than rehearsal.World.
func StartIn(t *testing.T, world *fakeaws.World) *Deployment {
	t.Helper()
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	cli, err := rehearsal.CLI(t.Context(), root, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	d := &Deployment{t: t, cli: cli, Dir: t.TempDir()}
	if d.StandIns, err = rehearsal.Start(rehearsal.Options{Root: root, Dir: d.Dir, World: world}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.StandIns.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Defaults are settings with the defaults of Pulumi.yaml, whatever the stack file
// says, and the changes: names and values in turn.
func Defaults(t *testing.T, changes ...string) rehearsal.StackOptions {
	t.Helper()
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for name, declared := range project.Config {
		text, isText := declared.Default.(string)
		if !isText {
			encoded, err := json.Marshal(declared.Default)
			if err != nil {
				t.Fatal(err)
			}
			text = string(encoded)
		}
		settings["ev-streaming:"+name] = text
	}
	world := rehearsal.World()
	settings["ev-streaming:vpcName"] = world.VPCs[0].Tags["Name"]
	settings["ev-streaming:secretName"] = world.Secrets[0].Name
	for i := 0; i < len(changes); i += 2 {
		settings["ev-streaming:"+changes[i]] = changes[i+1]
	}
	return rehearsal.StackOptions{Settings: settings}
}

// Stack is the same stack every time, with another program.
func (d *Deployment) Stack(opts rehearsal.StackOptions) *auto.Stack {
	d.t.Helper()
	stack, err := d.StandIns.NewStack(d.t.Context(), d.cli, d.Dir, "dev", opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return &stack
}

// Elsewhere is a stack of the same name with another state, as on another machine.
func (d *Deployment) Elsewhere(opts rehearsal.StackOptions) *auto.Stack {
	d.t.Helper()
	stack, err := d.StandIns.NewStack(d.t.Context(), d.cli, d.t.TempDir(), "dev", opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return &stack
}

// Up deploys the stack.
func (d *Deployment) Up(opts rehearsal.StackOptions) (auto.UpResult, error) {
	d.t.Helper()
	return d.Stack(opts).Up(d.t.Context(), optup.ProgressStreams(&d.Said), optup.ErrorProgressStreams(&d.Said))
}

// MustUp deploys the stack without an error.
func (d *Deployment) MustUp(opts rehearsal.StackOptions) auto.UpResult {
	d.t.Helper()
	result, err := d.Up(opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return result
}

// Run runs a command in the project's folder, with the deployed stack's backend,
// and returns what it printed.
func (d *Deployment) Run(command string) string {
	d.t.Helper()
	root, err := rehearsal.Root()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.t.Context(), "sh", "-euc", command)
	cmd.Dir = root
	cmd.Env = append(os.Environ(),
		"PULUMI_BACKEND_URL=file://"+d.StandIns.StateDir(),
		"PULUMI_CONFIG_PASSPHRASE="+rehearsal.Passphrase)
	for name, value := range d.StandIns.CommandEnv() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Errorf("%s: %v\n%s", command, err, text)
	}
	return string(text)
}

// Ask gives the one value that a statement selects in the warehouse.
func (d *Deployment) Ask(statement string) any {
	d.t.Helper()
	result, err := d.StandIns.Warehouse.Query(d.t.Context(), "ev-streaming-dev", statement)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
		d.t.Fatalf("%s gave %v, want one value", statement, result.Rows)
	}
	return result.Rows[0][0]
}
