package fakeaws_test

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
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"gopkg.in/yaml.v3"

	"example.com/evstream/rehearsal/fakeaws"
)

var update = flag.Bool("update", false, "write what the scenarios print into testdata")

// TestScenarios plays the files of testdata. A file has scenarios, each with an account of its
// own: a line "== name", then commands. What a command prints follows it, behind a >; the test
// compares it. The lines before the first scenario stand at the beginning of each. commands says
// which there are, testdata/inputs.yaml from which inputs they start.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("the scenarios are %q, %v", files, err)
	}
	inputs := readInputs(t)
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
					got := play(t, inputs, scenarios[0], want)
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
func play(t *testing.T, inputs *inputFile, beginning, scenario string) string {
	b := &bench{T: t, world: world(), inputs: inputs, made: map[string]made{}}
	for line := range strings.Lines(beginning) {
		if printed := b.play(line); len(printed) > 0 {
			t.Fatalf("%s prints %q", line, printed)
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
		for _, printed := range b.play(line) {
			if strings.Contains(printed, password) && !slices.Contains([]string{"asked", "lookup", "value"}, strings.Fields(line)[0]) {
				t.Errorf("%s prints the admin's password", line)
			}
			played = append(played, "> "+printed)
		}
	}
	return strings.Join(played, "\n")
}

// play carries out one line and returns what it prints.
func (b *bench) play(line string) []string {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	name, rest, _ := strings.Cut(b.filledIn(line), " ")
	words, change, _ := strings.Cut(rest, "{")
	if change != "" {
		change = "{" + change
	}
	command, known := commands[name]
	if !known {
		b.Fatalf("there is no command %s", name)
	}
	args := strings.Fields(words)
	if len(args) < command.args {
		b.Fatalf("%s takes %d words and has %q", name, command.args, args)
	}
	if b.server == nil && name != "given" && name != "account" {
		b.start(fakeaws.Options{})
	}
	before := b.inAWS()
	printed := command.do(b, append(args, "", "", ""), change)
	if len(printed) > 0 && name == "create" {
		for _, kept := range b.inAWS() {
			if !slices.Contains(before, kept) {
				printed = append(printed, "AWS has "+kept)
			}
		}
	}
	return printed
}

// inAWS are the resources of the account, by type and id.
func (b *bench) inAWS() []string {
	if b.account == nil {
		return nil
	}
	var all []string
	for _, r := range b.account.Resources() {
		all = append(all, r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.ID)
	}
	return all
}

var placeholder = regexp.MustCompile(`\$(\w+)(?:\.(\w+))?`)

// filledIn puts $TEXT of inputs.yaml and $NAME.PROPERTY of a resource into a line.
func (b *bench) filledIn(line string) string {
	return placeholder.ReplaceAllStringFunc(line, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		if m, ok := b.made[parts[1]]; ok && parts[2] == "id" {
			return string(m.id)
		} else if ok {
			return fmt.Sprint(shown(m.state)[parts[2]])
		}
		text, known := b.inputs.Texts[parts[1]]
		if !known {
			b.Fatalf("there is no %s", found)
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

func readInputs(t *testing.T) *inputFile {
	t.Helper()
	text, err := os.ReadFile("testdata/inputs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file inputFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	file.Texts["long"] = strings.Repeat("x", 2048)
	// Once more, with the texts in the inputs.
	filled := (&bench{T: t, inputs: &file}).filledIn(string(text))
	if err := yaml.Unmarshal([]byte(filled), &file); err != nil {
		t.Fatal(err)
	}
	return &file
}

// value is a YAML value as a property. An input that is null is none.
func (b *bench) value(n *yaml.Node) any {
	switch {
	case n.Tag == "!secret":
		return secret(n.Value)
	case n.Tag == "!unknown":
		return unknown
	case n.Tag == "!json":
		document := *n
		document.Tag = ""
		return asJSON(b.value(&document))
	case n.Kind == yaml.MappingNode:
		object := props{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = b.value(n.Content[i+1])
		}
		return object
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, b.value(item))
		}
		return list
	}
	var v any
	if err := n.Decode(&v); err != nil {
		b.Fatal(err)
	}
	return v
}

// changed are inputs with a change, as YAML: null takes one away.
func (b *bench) changed(in props, change string) props {
	if change == "" {
		return in
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(change), &document); err != nil {
		b.Fatalf("%s: %v", change, err)
	}
	return merged(in, b.value(document.Content[0]).(props))
}

func merged(in, change props) props {
	in = maps.Clone(in)
	for key, value := range change {
		was, isObject := in[key].(props)
		to, changes := value.(props)
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

// a command of a scenario. Its words follow the name, then an object in YAML.
type command struct {
	args int
	do   func(b *bench, args []string, change string) []string
}

// commands are all of them.
var commands = map[string]command{
	// What there is before: part of the first VPC or of another, a stream, a secret, the free addresses of each
	// subnet, the engine's settings of the provider. account says why that can't be.
	"given": {1, func(b *bench, args []string, change string) []string {
		switch args[0] {
		case "vpc":
			b.must(yaml.Unmarshal([]byte(change), &b.world.VPCs[max(1, b.number(args[1]))-1]))
		case "stream":
			b.world.Streams = append(b.world.Streams, fakeaws.Stream{})
			b.must(yaml.Unmarshal([]byte(change), &b.world.Streams[len(b.world.Streams)-1]))
		case "secret":
			b.world.Secrets = append(b.world.Secrets, fakeaws.Secret{Name: strings.TrimSpace(strings.Join(args[1:], " "))})
		case "addresses":
			for _, vpc := range b.world.VPCs {
				for i := range vpc.Subnets {
					vpc.Subnets[i].FreeAddresses = b.number(args[1])
				}
			}
		case "provider":
			b.settings = b.changed(props{}, change)
		default:
			b.Fatalf("nothing is given as %s", args[0])
		}
		return nil
	}},
	"account": {0, func(b *bench, _ []string, _ string) []string {
		_, err := fakeaws.NewAccount(b.world)
		return errorLines(err)
	}},

	// What the engine does. create KIND NAME, then NAME alone; diff NAME ignoring PROPERTY.
	"create": {2, func(b *bench, args []string, change string) []string {
		m, err := b.create(args[0], args[1], b.changed(b.inputsOf(args[0]), change))
		if m.id != "" {
			b.made[args[1]] = m
		}
		return errorLines(err)
	}},
	"preview": {2, func(b *bench, args []string, change string) []string {
		m, there := b.made[args[1]]
		if !there {
			m = made{urn: b.urn(args[0], args[1]), program: b.inputsOf(args[0])}
		}
		state, err := b.preview(m, b.changed(m.program, change))
		return append(errorLines(err), propertyLines(state)...)
	}},
	"update": {1, func(b *bench, args []string, change string) []string {
		m := b.named(args[0])
		m, err := b.update(m, b.changed(m.program, change), args[2])
		b.made[args[0]] = m
		return errorLines(err)
	}},
	"diff": {1, func(b *bench, args []string, change string) []string {
		m := b.named(args[0])
		return b.diff(m, b.changed(m.program, change), args[2])
	}},
	"delete": {1, func(b *bench, args []string, _ string) []string { return errorLines(b.delete(b.named(args[0]))) }},
	"refresh": {1, func(b *bench, args []string, _ string) []string {
		b.made[args[0]] = b.refresh(b.named(args[0]))
		if b.made[args[0]].id == "" {
			return []string{"it is gone"}
		}
		return nil
	}},
	"import": {3, func(b *bench, args []string, _ string) []string {
		m := made{urn: b.urn(args[0], args[1]), id: resource.ID(args[2]), program: b.inputsOf(args[0])}
		b.made[args[1]] = b.refresh(m)
		if b.made[args[1]].id == "" {
			return []string{"there is none"}
		}
		return nil
	}},
	"lookup": {1, func(b *bench, args []string, change string) []string {
		found, err := b.look(args[0], b.changed(props{}, change))
		return append(errorLines(err), propertyLines(found, args[1:]...)...)
	}},
	"refused": {1, func(b *bench, args []string, _ string) []string {
		b.refuse(args[0], max(1, b.number(args[1])))
		return nil
	}},

	// What can be seen of it: the state and the inputs of a resource, what AWS has, the requests
	// to it since the last look, what Kinesis and Redshift were asked, the events.
	"state": {1, func(b *bench, args []string, _ string) []string {
		return propertyLines(shown(b.named(args[0]).state), args[1:]...)
	}},
	"inputs": {1, func(b *bench, args []string, _ string) []string {
		return propertyLines(shown(b.named(args[0]).inputs), args[1:]...)
	}},
	"aws": {1, func(b *bench, args []string, _ string) []string {
		return propertyLines(b.inAccount(b.named(args[0])), args[1:]...)
	}},
	"left": {0, func(b *bench, _ []string, _ string) []string {
		return slices.DeleteFunc(b.inAWS(), func(r string) bool { return strings.Contains(r, "redshift/admin") })
	}},
	"requests": {0, func(b *bench, _ []string, _ string) []string {
		defer func() { b.requests = nil }()
		return b.requests
	}},
	"asked": {0, func(b *bench, _ []string, _ string) []string {
		defer func() { b.outside.asked = nil }()
		return b.outside.asked
	}},

	// What others do and ask: a person changes or removes a resource of the account, or gives a
	// secret another value; services ask IAM, the network and Secrets Manager; a schedule's time
	// comes, with so many refusals of the Data API before, or a statement that fails.
	"change": {1, func(b *bench, args []string, change string) []string {
		m := b.named(args[0])
		return errorLines(b.account.Change(string(m.urn.Type()), string(m.id), b.changed(props{}, change)))
	}},
	"remove": {1, func(b *bench, args []string, _ string) []string {
		m := b.named(args[0])
		return errorLines(b.account.Remove(string(m.urn.Type()), string(m.id)))
	}},
	"set-secret": {1, func(b *bench, args []string, change string) []string {
		return errorLines(b.account.SetSecret(args[0], change+args[1]))
	}},
	"value": {1, func(b *bench, args []string, _ string) []string {
		value, err := b.account.SecretValue(args[0])
		return append(errorLines(err), value)[:1]
	}},
	"authorize": {4, func(b *bench, args []string, _ string) []string {
		return yes(b.account.Authorize(args[0], args[1], args[2], args[3]))
	}},
	"egress": {4, func(b *bench, args []string, _ string) []string {
		return yes(b.account.Egress(args[0], args[1], args[2], args[3]))
	}},
	"throttled": {1, func(b *bench, args []string, _ string) []string {
		b.dataAPI.refuses = b.number(args[0])
		return nil
	}},
	"failing": {0, func(b *bench, _ []string, _ string) []string {
		b.dataAPI.fails = fmt.Errorf("ERROR: no such view")
		return nil
	}},
	"fire": {1, func(b *bench, args []string, _ string) []string {
		b.dataAPI.asked = nil
		err := b.server.Fire(b.Context(), args[0])
		var printed []string
		if n := len(b.dataAPI.asked); n > 0 {
			printed = append(printed, fmt.Sprintf("%d times: %s", n, b.dataAPI.asked[0]))
		}
		return append(printed, yes(err)...)
	}},
	"messages": {1, func(b *bench, args []string, _ string) []string {
		messages, err := b.account.Messages(args[0])
		printed := errorLines(err)
		for _, m := range messages {
			printed = append(printed, m.Body)
			attributes := props{}
			for key, value := range m.Attributes {
				attributes[key] = value
			}
			printed = append(printed, propertyLines(attributes)...)
		}
		return printed
	}},
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) number(text string) int {
	n, err := strconv.Atoi(text)
	if text != "" && err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bench) inputsOf(kind string) props {
	known, ok := b.inputs.Types[kind]
	if !ok {
		b.Fatalf("inputs.yaml has no %s", kind)
	}
	return b.value(&known.Inputs).(props)
}

func (b *bench) named(name string) made {
	m, ok := b.made[name]
	if !ok {
		b.Fatalf("nothing is called %s", name)
	}
	return m
}

func yes(err error) []string {
	if err == nil {
		return []string{"yes"}
	}
	return errorLines(err)
}

var serviceError = regexp.MustCompile(`operation error ([^:]+): (\w+), https response error StatusCode: 400, RequestID: stand-in, `)

// errorLines are an error in one line, without what is the same in every error of AWS.
func errorLines(err error) []string {
	if err == nil {
		return nil
	}
	var lines []string
	if refusals, ok := err.(refused); ok {
		for _, r := range refusals {
			lines = append(lines, fmt.Sprintf("refused in the preview: %s: %s", r.Property, r.Reason))
		}
		return lines
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = serviceError.ReplaceAllString(strings.ReplaceAll(text, "1 error occurred: * ", ""), "$1 $2: ")
	return []string{text}
}

// propertyLines are properties, one a line; some of them, or all.
func propertyLines(all props, some ...string) []string {
	some = slices.DeleteFunc(slices.Clone(some), func(key string) bool { return key == "" })
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key == "__defaults" || len(some) > 0 && !slices.Contains(some, key) {
			continue
		}
		lines = append(lines, key+": "+asJSON(all[key]))
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
