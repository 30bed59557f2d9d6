// Package scenario tests a stand-in of a Pulumi provider by files that read as its manual.
//
// A file of testdata has scenarios, each with a stand-in of its own: a line "== name", then
// commands, one a line. What a command prints follows it, behind a >; the test compares it, and
// writes it with -update. The lines before the first scenario stand at the beginning of each.
// A command has words, and an object in YAML at the end:
//
//	== a stream's retention
//	create stream s {retentionPeriod: 23}
//	> refused in the preview: retentionPeriod: expected a number in the range (24 - 8760), got 23
//
// Commands has those that every provider knows. testdata/inputs.yaml has the resource types by
// short names, with inputs to which the object is a change: null takes one away, !secret marks a
// secret, !unknown is what a preview does not know yet, !json the text of a document. $TEXT is a
// text of that file, $NAME.PROPERTY of a resource.
package scenario

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"gopkg.in/yaml.v3"

	"example.com/evstream/rehearsal/internal/provider"
)

var update = flag.Bool("update", false, "write what the scenarios print into testdata")

// Props are properties as plain data.
type Props = map[string]any

// Run plays the files of testdata, each scenario with an engine that start makes.
func Run(t *testing.T, start func(*testing.T) *Engine) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("the scenarios are %q, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			scenarios := strings.Split(strings.TrimSpace(string(text)), "\n\n== ")
			for i, want := range scenarios[1:] {
				name, _, _ := strings.Cut(want, "\n")
				t.Run(name, func(t *testing.T) {
					got := start(t).play(scenarios[0], want)
					if *update {
						scenarios[i+1] = got
					} else if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", file, diff)
					}
				})
			}
			if *update {
				if err := os.WriteFile(file, []byte(strings.Join(scenarios, "\n\n== ")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play plays a scenario after the beginning of its file, and returns it with what it prints.
func (e *Engine) play(beginning, scenario string) string {
	for line := range strings.Lines(beginning) {
		if printed := e.command(line); len(printed) > 0 {
			e.Fatalf("%s prints %q", line, printed)
		}
	}
	name, steps, _ := strings.Cut(scenario, "\n")
	played := []string{name}
	for line := range strings.Lines(steps) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, ">") {
			continue
		}
		played = append(played, line)
		for _, printed := range e.command(line) {
			played = append(played, "> "+printed)
		}
	}
	return strings.Join(played, "\n")
}

// Command is what a line of a scenario does: it gets the words, and an object as YAML or "", and
// returns what it prints. Words beyond the last are "".
type Command func(words []string, object string) []string

func (e *Engine) command(line string) []string {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	name, rest, _ := strings.Cut(e.filledIn(line), " ")
	words, object, _ := strings.Cut(rest, "{")
	if object != "" {
		object = "{" + object
	}
	do, known := e.Commands[name]
	if !known {
		e.Fatalf("there is no command %s", name)
	}
	if e.Before != nil {
		e.Before(name)
	}
	printed := do(append(strings.Fields(words), "", "", "", ""), object)
	if e.After != nil {
		printed = e.After(name, printed)
	}
	return printed
}

var placeholder = regexp.MustCompile(`\$(\w+)(?:\.(\w+))?`)

// filledIn puts texts and the properties of resources into a line.
func (e *Engine) filledIn(line string) string {
	return placeholder.ReplaceAllStringFunc(line, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		if r, ok := e.Resources[parts[1]]; ok && parts[2] == "id" {
			return string(r.ID)
		} else if ok {
			return fmt.Sprint(Shown(r.State)[parts[2]])
		}
		text, known := e.inputs.Texts[parts[1]]
		if !known {
			return found
		}
		return text + strings.TrimPrefix(found, "$"+parts[1])
	})
}

// inputFile is testdata/inputs.yaml.
type inputFile struct {
	Texts map[string]string
	Types map[string]struct {
		Type   string
		Inputs yaml.Node
	}
}

// readInputs reads the file, and then once more with the texts in the inputs.
func (e *Engine) readInputs() {
	e.Helper()
	text, err := os.ReadFile("testdata/inputs.yaml")
	e.Must(err)
	e.Must(yaml.Unmarshal(text, &e.inputs))
	e.Must(yaml.Unmarshal([]byte(e.filledIn(string(text))), &e.inputs))
}

// Text adds a text, for scenarios that are too long to be written.
func (e *Engine) Text(name, text string) { e.inputs.Texts[name] = text }

// InputsOf are the inputs of testdata/inputs.yaml for a type by its short name.
func (e *Engine) InputsOf(kind string) Props {
	e.Helper()
	known, ok := e.inputs.Types[kind]
	if !ok {
		e.Fatalf("testdata/inputs.yaml has no %s", kind)
	}
	if known.Inputs.IsZero() {
		return Props{}
	}
	return e.value(&known.Inputs).(Props)
}

// Changed are inputs with a change, an object in YAML.
func (e *Engine) Changed(in Props, change string) Props {
	e.Helper()
	if change == "" {
		return in
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(change), &document); err != nil {
		e.Fatalf("%s: %v", change, err)
	}
	return merged(in, e.value(document.Content[0]).(Props))
}

func merged(in, change Props) Props {
	in = maps.Clone(in)
	for key, value := range change {
		was, isObject := in[key].(Props)
		to, changes := value.(Props)
		switch {
		case value == nil:
			delete(in, key)
		case isObject && changes:
			in[key] = merged(was, to)
		default:
			in[key] = value
		}
	}
	return in
}

// value is a YAML value as a property.
func (e *Engine) value(n *yaml.Node) any {
	switch {
	case n.Tag == "!secret":
		return resource.MakeSecret(resource.NewProperty(n.Value))
	case n.Tag == "!unknown":
		return resource.MakeComputed(resource.NewProperty(""))
	case n.Tag == "!json":
		document := *n
		document.Tag = ""
		return asJSON(e.value(&document))
	case n.Kind == yaml.MappingNode:
		object := Props{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = e.value(n.Content[i+1])
		}
		return object
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, e.value(item))
		}
		return list
	}
	var v any
	e.Must(n.Decode(&v))
	return v
}

// Shown are properties as a scenario prints them: secrets and unknown values by name.
func Shown(m resource.PropertyMap) Props {
	return provider.Plain(resource.NewProperty(m), "[secret]", "[unknown]").(Props)
}

// Lines are properties, one a line: some of them, or all.
func Lines(all Props, some ...string) []string {
	some = slices.DeleteFunc(slices.Clone(some), func(key string) bool { return key == "" })
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if len(some) == 0 || slices.Contains(some, key) {
			lines = append(lines, key+": "+asJSON(all[key]))
		}
	}
	return lines
}

func asJSON(v any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // properties can always be encoded
	}
	return strings.TrimSpace(text.String())
}
