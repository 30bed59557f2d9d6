package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"example.com/evstream/rehearsal/internal/provider"
)

// Engine does to a provider what Pulumi's engine does, and keeps a state as it does.
type Engine struct {
	*testing.T
	*provider.Client // the connection; a test dials it

	Resources map[string]Resource // that are there, by name
	Commands  map[string]Command  // by name

	// Before is called with the name of a command before it is carried out, After afterwards,
	// with what it prints, to which it may add. Either may be nil.
	Before func(name string)
	After  func(name string, printed []string) []string

	inputs inputFile
}

// Resource is a resource as the program and the engine's state have it.
type Resource struct {
	URN     resource.URN
	ID      resource.ID // "" if it is not there
	Program Props
	Inputs  resource.PropertyMap
	State   resource.PropertyMap
}

// New is an engine that is not connected yet, with the commands that every provider knows:
//
//	create TYPE NAME {inputs}    preview TYPE NAME {inputs}    import TYPE NAME ID
//	update NAME {inputs}         diff NAME {inputs}            refresh NAME    delete NAME
//	state NAME [PROPERTY…]       inputs NAME [PROPERTY…]
//	lookup TOKEN [PROPERTY…] {arguments}
//
// update and diff take "ignoring PROPERTY" after the name. What a change changes is the program's
// inputs from then on.
func New(t *testing.T) *Engine {
	t.Helper()
	e := &Engine{T: t, Resources: map[string]Resource{}}
	e.readInputs()
	e.Commands = map[string]Command{
		"create": func(words []string, change string) []string {
			r, err := e.Create(words[0], words[1], e.Changed(e.InputsOf(words[0]), change))
			if r.ID != "" {
				e.Resources[words[1]] = r
			}
			return ErrorLines(err)
		},
		"preview": func(words []string, change string) []string {
			r, there := e.Resources[words[1]]
			if !there {
				r = Resource{URN: e.URN(words[0], words[1]), Program: e.InputsOf(words[0])}
			}
			state, err := e.Preview(r, e.Changed(r.Program, change))
			return append(ErrorLines(err), Lines(state)...)
		},
		"update": func(words []string, change string) []string {
			r := e.Named(words[0])
			r, err := e.Update(r, e.Changed(r.Program, change), ignored(words)...)
			e.Resources[words[0]] = r
			return ErrorLines(err)
		},
		"diff": func(words []string, change string) []string {
			r := e.Named(words[0])
			return e.diff(r, e.Changed(r.Program, change), ignored(words)...)
		},
		"delete": func(words []string, _ string) []string { return ErrorLines(e.Delete(e.Named(words[0]))) },
		"refresh": func(words []string, _ string) []string {
			e.Resources[words[0]] = e.refresh(e.Named(words[0]))
			return e.there(words[0])
		},
		"import": func(words []string, _ string) []string {
			r := Resource{URN: e.URN(words[0], words[1]), ID: resource.ID(words[2]), Program: e.InputsOf(words[0])}
			e.Resources[words[1]] = e.refresh(r)
			return e.there(words[1])
		},
		"state": func(words []string, _ string) []string { return Lines(Shown(e.Named(words[0]).State), words[1:]...) },
		"inputs": func(words []string, _ string) []string {
			return Lines(Shown(e.Named(words[0]).Inputs), words[1:]...)
		},
		"lookup": func(words []string, args string) []string {
			found, err := e.Lookup(words[0], e.Changed(Props{}, args))
			return append(ErrorLines(err), Lines(found, words[1:]...)...)
		},
	}
	return e
}

// Must ends the test if there is an error.
func (e *Engine) Must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// WantError makes sure that an error has a text in it.
func (e *Engine) WantError(err error, text string) {
	e.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		e.Errorf("the error is\n%v\nwant in it\n%s", err, text)
	}
}

// Connect dials the provider of a package.
func (e *Engine) Connect(port int, pkg string, settings Props) {
	e.Helper()
	client, err := provider.Dial(e.Context(), port, pkg, resource.NewPropertyMapFromMap(settings))
	e.Must(err)
	e.Cleanup(func() { client.Close() })
	e.Client = client
}

// Named is a resource that is there.
func (e *Engine) Named(name string) Resource {
	e.Helper()
	r, ok := e.Resources[name]
	if !ok {
		e.Fatalf("nothing is called %s", name)
	}
	return r
}

func (e *Engine) there(name string) []string {
	if e.Resources[name].ID == "" {
		return []string{"there is none"}
	}
	return nil
}

func ignored(words []string) []string {
	if words[1] != "ignoring" {
		return nil
	}
	return words[2:3]
}

// URN is that of a resource, whose type is given by its short name.
func (e *Engine) URN(kind, name string) resource.URN {
	return resource.NewURN("dev", "ev", "", tokens.Type(e.inputs.Types[kind].Type), name)
}

// Refused is what a provider has against inputs.
type Refused []plugin.CheckFailure

func (r Refused) Error() string { return fmt.Sprint([]plugin.CheckFailure(r)) }

func (e *Engine) check(urn resource.URN, olds resource.PropertyMap, in Props) (resource.PropertyMap, error) {
	checked, err := e.Client.Check(e.Context(), plugin.CheckRequest{URN: urn, Olds: olds, News: resource.NewPropertyMapFromMap(in), AllowUnknowns: true})
	if err == nil && len(checked.Failures) > 0 {
		err = Refused(checked.Failures)
	}
	return checked.Properties, err
}

// inPreview marks an error that a preview shows.
func inPreview(err error) error {
	if _, already := errors.AsType[Refused](err); err == nil || already {
		return err
	}
	return fmt.Errorf("refused in the preview: %w", err)
}

// inState marks an error after which the engine has the resource in its state.
func inState(err error) error {
	if failed, kept := errors.AsType[*plugin.InitError](err); kept {
		return fmt.Errorf("in the state, and failed: %s", strings.Join(failed.Reasons, "; "))
	}
	return err
}

// Create previews and makes a new resource. One that is not in the state afterwards has no id.
func (e *Engine) Create(kind, name string, in Props) (Resource, error) {
	r := Resource{URN: e.URN(kind, name), Program: in}
	if _, err := e.Preview(r, in); err != nil {
		return r, err
	}
	var err error
	if r.Inputs, err = e.check(r.URN, nil, in); err != nil {
		return r, err
	}
	resp, err := e.Client.Create(e.Context(), plugin.CreateRequest{URN: r.URN, Name: name, Properties: r.Inputs, Timeout: 60})
	r.ID, r.State = resp.ID, resp.Properties
	return r, inState(err)
}

// CreateAnd makes a resource with the ordinary inputs of its type.
func (e *Engine) CreateAnd(kind string) error {
	_, err := e.Create(kind, kind, e.InputsOf(kind))
	return err
}

// InBackground does that while the test does something else.
func (e *Engine) InBackground(kind string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- e.CreateAnd(kind) }()
	return done
}

// Preview previews a change of what is there, or the creation of what is not.
func (e *Engine) Preview(r Resource, in Props) (Props, error) {
	inputs, err := e.check(r.URN, r.Inputs, in)
	if err != nil {
		return nil, inPreview(err)
	}
	if r.ID != "" {
		changed, err := e.Client.Update(e.Context(), plugin.UpdateRequest{
			URN: r.URN, ID: r.ID, OldInputs: r.Inputs, OldOutputs: r.State, NewInputs: inputs, Preview: true,
		})
		return Shown(changed.Properties), inPreview(err)
	}
	created, err := e.Client.Create(e.Context(), plugin.CreateRequest{URN: r.URN, Properties: inputs, Preview: true})
	return Shown(created.Properties), inPreview(err)
}

// diff prints what other inputs change, and which paths need a new resource.
func (e *Engine) diff(r Resource, in Props, ignore ...string) []string {
	news, err := e.check(r.URN, r.Inputs, in)
	if err != nil {
		return ErrorLines(err)
	}
	diff, err := e.Client.Diff(e.Context(), plugin.DiffRequest{
		URN: r.URN, ID: r.ID, OldInputs: r.Inputs, OldOutputs: r.State, NewInputs: news, IgnoreChanges: ignore, AllowUnknowns: true,
	})
	if err != nil {
		return ErrorLines(err)
	}
	var lines []string
	for path, detail := range diff.DetailedDiff {
		kind := detail.Kind.String()
		if slices.Contains(diff.ReplaceKeys, resource.PropertyKey(path)) && !detail.Kind.IsReplace() {
			kind += "-replace"
		}
		lines = append(lines, path+": "+kind)
	}
	slices.Sort(lines)
	if diff.DeleteBeforeReplace {
		lines = append(lines, "the old one is deleted first")
	}
	if (diff.Changes == plugin.DiffSome) != (len(lines) > 0) {
		e.Errorf("%s: the changes are %v, and %q", r.URN, diff.Changes, lines)
	}
	return append(lines, "nothing")[:max(1, len(lines))]
}

// Update changes a resource.
func (e *Engine) Update(r Resource, in Props, ignore ...string) (Resource, error) {
	news, err := e.check(r.URN, r.Inputs, in)
	if err != nil {
		return r, inPreview(err)
	}
	resp, err := e.Client.Update(e.Context(), plugin.UpdateRequest{
		URN: r.URN, ID: r.ID, OldInputs: r.Inputs, OldOutputs: r.State, NewInputs: news, IgnoreChanges: ignore,
	})
	if _, kept := errors.AsType[*plugin.InitError](err); err == nil || kept {
		r.Inputs, r.State = news, resp.Properties
	}
	r.Program = in
	return r, inState(err)
}

// refresh reads a resource. One that is gone has no id.
func (e *Engine) refresh(r Resource) Resource {
	e.Helper()
	found, err := e.Client.Read(e.Context(), plugin.ReadRequest{URN: r.URN, ID: r.ID, Inputs: r.Inputs, State: r.State})
	e.Must(err)
	r.ID, r.Inputs, r.State = found.ID, found.Inputs, found.Outputs
	return r
}

// Delete deletes a resource.
func (e *Engine) Delete(r Resource) error {
	_, err := e.Client.Delete(e.Context(), plugin.DeleteRequest{URN: r.URN, ID: r.ID, Inputs: r.Inputs, Outputs: r.State})
	return err
}

// Lookup asks a function of the provider.
func (e *Engine) Lookup(token string, args Props) (Props, error) {
	found, err := e.Client.Invoke(e.Context(), plugin.InvokeRequest{Tok: tokens.ModuleMember(token), Args: resource.NewPropertyMapFromMap(args)})
	return Shown(found.Properties), err
}

// ErrorLines are an error as a scenario prints it: on one line, without what Pulumi's bridge adds.
func ErrorLines(err error) []string {
	if err == nil {
		return nil
	}
	if refusals, ok := errors.AsType[Refused](err); ok {
		var lines []string
		for _, r := range refusals {
			lines = append(lines, fmt.Sprintf("refused in the preview: %s: %s", r.Property, r.Reason))
		}
		return lines
	}
	return []string{strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), "1 error occurred: * ", "")}
}
