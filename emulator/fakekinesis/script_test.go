package fakekinesis_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
)

var update = flag.Bool("update", false, "write the answers into the scripts of testdata")

// TestScripts sends the requests of testdata/*.script and compares the answers. A script has,
// line by line:
//
//	# a comment
//	+10s                                          the clock goes on
//	Operation {"Member":"value"}                  a request
//	name = Operation {"Member":"${other.Path}"}   one whose answer is for another one, and one that uses it
//	Operation {} | Path List.*.Path               of whose answer only this is shown
//	> what is answered, or the error
//
// go test -run TestScripts -update writes the lines of answers; read what it changes.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.script")
	if err != nil || len(files) == 0 {
		t.Fatalf("the scripts are %v, error %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-%s +answers)\n%s", file, diff)
			}
		})
	}
}

var (
	request   = regexp.MustCompile(`^(?:(\w+) = )?([A-Z]\w+) ({.*?})(?: \| (.*))?$`)
	reference = regexp.MustCompile(`\$\{(\w+)\.([^}]+)\}`)
)

// play returns a script with the answers that it gets.
func play(t *testing.T, script string) string {
	c := newClock()
	s := fakekinesis.New(fakekinesis.WithClock(c.Now), fakekinesis.WithStateDelay(10*time.Second))
	s.Checked = true
	answers := map[string]any{}
	var out strings.Builder
	for line := range strings.Lines(strings.TrimRight(script, "\n") + "\n") {
		if strings.HasPrefix(line, "> ") {
			continue
		}
		out.WriteString(line)
		line = strings.TrimSuffix(line, "\n")
		if pause, ok := strings.CutPrefix(line, "+"); ok {
			d, err := time.ParseDuration(pause)
			if err != nil {
				t.Fatal(err)
			}
			c.Advance(d)
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := request.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("%q is no line of a script", line)
		}
		body := reference.ReplaceAllStringFunc(parts[3], func(ref string) string {
			of := reference.FindStringSubmatch(ref)
			return fmt.Sprint(at(answers[of[1]], of[2]))
		})
		w := serve(s, parts[2], body)
		var answer map[string]any
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
		}
		answers[parts[1]] = answer
		paths := strings.Fields(parts[4])
		if parts[1] != "" && len(paths) == 0 {
			answer = nil // it is for another request
		}
		fmt.Fprintln(&out, "> "+shown(w.Code, answer, paths))
	}
	return out.String()
}

// shown is what a script has of an answer.
func shown(status int, answer map[string]any, paths []string) string {
	switch {
	case status != 200:
		return fmt.Sprintf("%d %v: %v", status, answer["__type"], answer["message"])
	case len(paths) == 0 && answer == nil:
		return "done"
	case len(paths) == 0:
		text, err := json.Marshal(answer)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	var all []string
	for _, path := range paths {
		all = append(all, fmt.Sprint(at(answer, path)))
	}
	return strings.Join(all, " ")
}

// at is the value at a path of names and numbers in an answer; * is every item of a list.
func at(v any, path string) any {
	name, rest, _ := strings.Cut(path, ".")
	if path == "" {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return at(v[name], rest)
	case []any:
		if name != "*" {
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return nil
			}
			return at(v[i], rest)
		}
		all := slices.Clone(v)
		for i := range all {
			all[i] = at(all[i], rest)
		}
		return all
	}
	return nil
}
