package fakecommand

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"example.com/evstream/rehearsal/internal/provider"
)

// commandType is the one resource type.
const commandType = "command:local:Command"

// commands is the Pulumi provider.
type commands struct {
	provider.Base
	*Server
}

// Attach has the engine get the log lines.
func (p *commands) Attach(engine string) error { return p.attach(engine) }

// Close does nothing: the engine's end is not the stand-in's.
func (p *commands) Close() error { return nil }

func (p *commands) Configure(_ context.Context, req plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	for key := range req.Inputs {
		if key != "version" && !resource.IsInternalPropertyKey(key) {
			return plugin.ConfigureResponse{}, fmt.Errorf("the command provider has no setting %s", key)
		}
	}
	return plugin.ConfigureResponse{}, nil
}

func (p *commands) SignalCancellation(context.Context) error {
	p.cancel()
	return nil
}

func (p *commands) Invoke(_ context.Context, req plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	return plugin.InvokeResponse{}, fmt.Errorf("the stand-in does not support the function %s", req.Tok)
}

func supported(kind tokens.Type) error {
	if kind != commandType {
		return fmt.Errorf("the stand-in does not support the resource type %s, only %s", kind, commandType)
	}
	return nil
}

func (p *commands) Check(_ context.Context, req plugin.CheckRequest) (plugin.CheckResponse, error) {
	if err := supported(req.Type); err != nil {
		return plugin.CheckResponse{}, err
	}
	inputs := resource.PropertyMap{}
	for key, value := range req.News {
		if !value.IsNull() {
			inputs[key] = value
		}
	}
	return plugin.CheckResponse{Properties: inputs, Failures: check(req.News)}, nil
}

// Diff compares the inputs: each of them counts, and so does the mark of a secret.
// Triggers replace; which of old and new goes first is left to the program.
func (p *commands) Diff(_ context.Context, req plugin.DiffRequest) (plugin.DiffResult, error) {
	diff := req.OldInputs.Diff(req.NewInputs, resource.IsInternalPropertyKey)
	if diff == nil {
		return plugin.DiffResult{Changes: plugin.DiffNone}, nil
	}
	details := plugin.NewDetailedDiffFromObjectDiff(diff, false)
	for path, detail := range details {
		if path == "triggers" || strings.HasPrefix(path, "triggers[") {
			detail.Kind = detail.Kind.AsReplace()
			details[path] = detail
		}
	}
	return plugin.DiffResult{Changes: plugin.DiffSome, ChangedKeys: diff.Keys(), DetailedDiff: details}, nil
}

func (p *commands) Create(ctx context.Context, req plugin.CreateRequest) (plugin.CreateResponse, error) {
	if err := supported(req.Type); err != nil {
		return plugin.CreateResponse{}, err
	}
	state := maps.Clone(req.Properties)
	if req.Preview {
		forgetOutput(state)
		return plugin.CreateResponse{Properties: state}, nil
	}
	out, err := p.run(ctx, run{operation: provider.Create, urn: req.URN, seconds: req.Timeout}, req.Properties)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	out.store(state)
	return plugin.CreateResponse{ID: p.newID(req.Name), Properties: state}, nil
}

func (p *commands) Update(ctx context.Context, req plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	state := maps.Clone(req.NewInputs)
	if req.Preview {
		forgetOutput(state)
		return plugin.UpdateResponse{Properties: state}, nil
	}
	out, err := p.run(ctx, run{operation: provider.Update, urn: req.URN, seconds: req.Timeout, previous: printed(req.OldOutputs)}, req.NewInputs)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	out.store(state)
	return plugin.UpdateResponse{Properties: state}, nil
}

// Delete runs what the state has, not what the program has by now.
func (p *commands) Delete(ctx context.Context, req plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	_, err := p.run(ctx, run{operation: provider.Delete, urn: req.URN, seconds: req.Timeout, previous: printed(req.Outputs)}, req.Outputs)
	return plugin.DeleteResponse{}, err
}

// Read returns the state as it is: there is nothing to look at.
func (p *commands) Read(_ context.Context, req plugin.ReadRequest) (plugin.ReadResponse, error) {
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{ID: req.ID, Inputs: req.Inputs, Outputs: req.State}}, nil
}

func (p *commands) newID(name string) resource.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.created++
	return resource.ID(fmt.Sprintf("%s%08x", name, p.created))
}

// output is what a command printed, each without one line end.
type output struct {
	stdout, stderr string
}

// store puts the output into a state, in the clear whatever was secret in the inputs.
func (o output) store(state resource.PropertyMap) {
	state[stdout] = resource.NewProperty(o.stdout)
	state[stderr] = resource.NewProperty(o.stderr)
}

// printed is the output in a state.
func printed(state resource.PropertyMap) output {
	out, _ := plain(state[stdout]).(string)
	errors, _ := plain(state[stderr]).(string)
	return output{stdout: out, stderr: errors}
}

// forgetOutput makes the output unknown, for a preview.
func forgetOutput(state resource.PropertyMap) {
	unknown := resource.MakeComputed(resource.NewProperty(""))
	state[stdout], state[stderr] = unknown, unknown
}
