// Package stacktest deploys the program onto stand-ins of its own, for tests.
//
// The settings are the defaults of Pulumi.yaml and what a test gives, whatever the shipped stack
// files have: who changes those breaks no test.
package stacktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
)

// The names of what the stack makes, unless a test gives others.
const (
	Stream    = "ev_stream_data"
	Workgroup = "ev-streaming-dev"
	Namespace = Workgroup
)

// Deployment is the stack dev on stand-ins of its own.
type Deployment struct {
	Dir      string // everything that stand-ins and engine keep
	StandIns *rehearsal.StandIns
	CLI      auto.PulumiCommand
	Printed  bytes.Buffer // by Up and Destroy

	t    *testing.T
	root string
}

// Start starts the stand-ins. They end with the test.
func Start(t *testing.T) *Deployment {
	t.Helper()
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	cli, err := rehearsal.CLI(t.Context(), root, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	d := &Deployment{t: t, root: root, CLI: cli, Dir: t.TempDir()}
	if d.StandIns, err = rehearsal.Start(rehearsal.Options{Root: root, Dir: d.Dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.StandIns.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// With are settings other than the defaults: names without the project's, and values, in turn.
func With(changes ...string) rehearsal.StackOptions {
	settings := map[string]string{}
	for i := 0; i < len(changes); i += 2 {
		settings["ev-streaming:"+changes[i]] = changes[i+1]
	}
	return rehearsal.StackOptions{Settings: settings}
}

// And are options with more settings, given as for [With].
func And(opts rehearsal.StackOptions, changes ...string) rehearsal.StackOptions {
	settings := maps.Clone(opts.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	maps.Copy(settings, With(changes...).Settings)
	opts.Settings = settings
	return opts
}

// settings are the defaults, what the stand-ins' account needs, and those of a test.
func (d *Deployment) settings(own map[string]string) map[string]string {
	d.t.Helper()
	project, err := workspace.LoadProject(filepath.Join(d.root, "Pulumi.yaml"))
	if err != nil {
		d.t.Fatal(err)
	}
	world := rehearsal.World()
	all := With("vpcName", world.VPCs[0].Tags["Name"], "secretName", world.Secrets[0].Name, "streamName", Stream, "baseCapacity", "8", "maxCapacity", "32").Settings
	for name, declared := range project.Config {
		if _, given := all["ev-streaming:"+name]; given {
			continue
		}
		text, isText := declared.Default.(string)
		if !isText {
			encoded, err := json.Marshal(declared.Default)
			if err != nil {
				d.t.Fatal(err)
			}
			text = string(encoded)
		}
		all["ev-streaming:"+name] = text
	}
	maps.Copy(all, own)
	return all
}

// Stack is the same stack every time, with other settings or another program.
func (d *Deployment) Stack(opts rehearsal.StackOptions) *auto.Stack {
	d.t.Helper()
	return d.stack(d.CLI, d.Dir, opts)
}

// StackBy is the same stack, for another CLI.
func (d *Deployment) StackBy(cli auto.PulumiCommand, opts rehearsal.StackOptions) *auto.Stack {
	d.t.Helper()
	return d.stack(cli, d.Dir, opts)
}

// Elsewhere is a stack of the same name with another state, as on another machine.
func (d *Deployment) Elsewhere(opts rehearsal.StackOptions) *auto.Stack {
	d.t.Helper()
	return d.stack(d.CLI, d.t.TempDir(), opts)
}

func (d *Deployment) stack(cli auto.PulumiCommand, dir string, opts rehearsal.StackOptions) *auto.Stack {
	d.t.Helper()
	opts.Settings = d.settings(opts.Settings)
	stack, err := d.StandIns.NewStack(d.t.Context(), cli, dir, "dev", opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return &stack
}

// Up deploys the stack.
func (d *Deployment) Up(opts rehearsal.StackOptions, more ...optup.Option) (auto.UpResult, error) {
	d.t.Helper()
	return d.Stack(opts).Up(d.t.Context(), append(more, optup.ProgressStreams(&d.Printed), optup.ErrorProgressStreams(&d.Printed))...)
}

// MustUp deploys the stack without an error.
func (d *Deployment) MustUp(opts rehearsal.StackOptions, more ...optup.Option) auto.UpResult {
	d.t.Helper()
	result, err := d.Up(opts, more...)
	if err != nil {
		d.t.Fatal(err)
	}
	return result
}

// MustDestroy destroys the stack and makes sure that nothing is left.
func (d *Deployment) MustDestroy(opts rehearsal.StackOptions) {
	d.t.Helper()
	if _, err := d.Stack(opts).Destroy(d.t.Context(), optdestroy.ProgressStreams(&d.Printed), optdestroy.ErrorProgressStreams(&d.Printed)); err != nil {
		d.t.Fatal(err)
	}
	d.NothingIsLeft()
}

// NothingIsLeft makes sure that the account has what it had before.
func (d *Deployment) NothingIsLeft() {
	d.t.Helper()
	if left := d.StandIns.Left(); len(left) > 0 {
		d.t.Errorf("these are left: %v", left)
	}
}

// Unchanged makes sure that a preview finds nothing to do.
func (d *Deployment) Unchanged(opts rehearsal.StackOptions) {
	d.t.Helper()
	if _, err := d.Stack(opts).Preview(d.t.Context(), optpreview.ExpectNoChanges()); err != nil {
		d.t.Errorf("there still is something to do: %v", err)
	}
}

// WantError makes sure that an operation failed with each of the texts in its error.
func (d *Deployment) WantError(operation string, err error, texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			d.t.Errorf("%s ends with %v, want it to fail with %q", operation, err, text)
		}
	}
}

// Put writes records to the stack's stream: JSON.
func (d *Deployment) Put(records ...string) {
	d.t.Helper()
	d.PutInto(Stream, records...)
}

// PutInto writes records to a stream.
func (d *Deployment) PutInto(stream string, records ...string) {
	d.t.Helper()
	for i, record := range records {
		if _, err := d.StandIns.Kinesis.Put(stream, fmt.Sprint(i), []byte(record)); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Refresh refreshes the streaming views that are refreshed automatically.
func (d *Deployment) Refresh() {
	d.t.Helper()
	if err := d.StandIns.Warehouse.AutoRefresh(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// WantRecords makes sure that the extract has so many records.
func (d *Deployment) WantRecords(want int) {
	d.t.Helper()
	if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract"); fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("the extract has %v records, want %d", got, want)
	}
}

// SetAdmin changes the admin in the existing secret.
func (d *Deployment) SetAdmin(secret string) {
	d.t.Helper()
	if err := d.StandIns.Account.SetSecret(rehearsal.World().Secrets[0].Name, secret); err != nil {
		d.t.Fatal(err)
	}
}

// TellWarehouse has the warehouse take the admin's password that the account has.
func (d *Deployment) TellWarehouse() {
	d.t.Helper()
	n, err := d.StandIns.Account.Namespace(Namespace)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.StandIns.Warehouse.UpdateNamespace(warehouse.Namespace{
		Name: n.Name, ID: n.ID, Database: n.Database, AdminUser: n.AdminUser, AdminPassword: n.AdminPassword, IAMRoles: n.IAMRoles, DefaultRole: n.DefaultRole,
	}); err != nil {
		d.t.Fatal(err)
	}
}

// Resource finds the one resource of the account that is asked for.
func (d *Deployment) Resource(is func(fakeaws.Resource) bool) fakeaws.Resource {
	d.t.Helper()
	var found []fakeaws.Resource
	for _, r := range d.StandIns.Account.Resources() {
		if is(r) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		d.t.Fatalf("%d resources of the account are asked for, want one: %v", len(found), found)
	}
	return found[0]
}

// Run runs a command in the project's folder, with the deployed stack's backend,
// and returns what it printed.
func (d *Deployment) Run(command string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "sh", "-euc", command)
	cmd.Dir = d.root
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
	result, err := d.StandIns.Warehouse.Query(d.t.Context(), Workgroup, statement)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
		d.t.Fatalf("%s gave %v, want one value", statement, result.Rows)
	}
	return result.Rows[0][0]
}
