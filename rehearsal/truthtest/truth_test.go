// Package truthtest holds the stand-ins against answers that were recorded from AWS, or
// that AWS's own pages show. Each file in testdata has the facts of one service.
package truthtest

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
)

var update = flag.Bool("update", false, "rewrite README.md")

// A book is a file of facts.
type book struct {
	Sources map[string]string // by the name that facts use
	Facts   []fact
}

// A fact is an answer to a call, after others.
type fact struct {
	Name     string // what it shows
	Source   string // the book's source, and the place in it
	Recorded string // the day, the month or the year; of the source's version if it does not say
	Given    []call // before it, and answered so if they have an answer
	call
	Differs string // why the stand-in answers otherwise, though it should not
}

// A call is one request and its answer. It is
//
//   - "kinesis OPERATION", "redshift-data OPERATION" or "redshift-serverless OPERATION";
//   - "create TYPE", or check, update, read or delete, of a resource; a name after the type
//     tells two of one type apart;
//   - "lookup TOKEN", a function of the provider;
//   - "sql", a statement;
//   - "await", DescribeStatement until the statement has ended;
//   - "wait DURATION", by the stand-ins' clock.
//
// In a text "<name>" stands for any text, always the same in one fact. A member that is
// null must not be in the answer; one that is not mentioned may be.
type call struct {
	Call   string
	Input  any
	Answer any
	Error  *failure
}

// A failure is an answer that is none. An empty code or message may be any: it is not
// recorded, or the provider refuses in its own words what AWS refuses too.
type failure struct{ Code, Message string }

func books(t *testing.T) map[string]book {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no facts (error %v)", err)
	}
	all := map[string]book{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b book
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&b); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = b
	}
	return all
}

// TestRecordedAnswers replays every fact. It fails for one that does not agree, unless the
// fact says why, and for one that agrees though it says why it does not.
func TestRecordedAnswers(t *testing.T) {
	all := books(t)
	agreeing, total, ran := map[string]int{}, 0, 0
	differing := ""
	seen := map[string]string{}
	for _, service := range slices.Sorted(maps.Keys(all)) {
		for _, f := range all[service].Facts {
			total++
			t.Run(service+"/"+f.Name, func(t *testing.T) {
				ran++
				f.check(t, all[service].Sources, seen)
				answer, failed, bound := f.replay(t)
				err := f.compare(answer, failed, bound)
				switch {
				case err == nil && f.Differs != "":
					t.Errorf("it is listed as differing (%s), and agrees", f.Differs)
				case err == nil:
					agreeing[service]++
					f.mutate(t, answer, failed, bound)
				case f.Differs == "":
					t.Errorf("%s %s\n%v", f.Call, compact(f.Input), err)
				default:
					differing += fmt.Sprintf("| %s | %s | %s |\n", service, f.Name, f.Differs)
				}
			})
		}
	}
	if t.Failed() || ran < total { // -run has chosen some
		return
	}
	sum := 0
	for _, n := range agreeing {
		sum += n
	}
	line := fmt.Sprintf("%d of %d recorded answers agree", sum, total)
	t.Log(line)
	checkReadme(t, all, agreeing, line, differing)
}

// check refuses a fact that can't be told from others or traced.
func (f fact) check(t *testing.T, sources map[string]string, seen map[string]string) {
	source, _, _ := strings.Cut(f.Source, ": ")
	if sources[source] == "" {
		t.Errorf("the source %q is not one of the book's", source)
	}
	if !regexp.MustCompile(`^20\d\d(-\d\d(-\d\d)?)?$`).MatchString(f.Recorded) {
		t.Errorf("it was recorded on %q", f.Recorded)
	}
	if (f.Answer == nil) == (f.Error == nil) {
		t.Error("it has either an answer or an error")
	}
	text, err := json.Marshal([]any{f.Given, f.call})
	if err != nil {
		t.Fatal(err)
	}
	key := string(text)
	if other, ok := seen[key]; ok {
		t.Errorf("it is the same as %s", other)
	}
	seen[key] = t.Name()
}

// replay makes the calls, and returns the last one's answer and what the placeholders
// stand for.
func (f fact) replay(t *testing.T) (any, *failure, map[string]string) {
	s := &standIns{T: t}
	bound := map[string]string{}
	for _, c := range f.Given {
		answer, failed := s.do(c.Call, filled(c.Input, bound))
		if c.Answer == nil && c.Error == nil && failed != nil {
			t.Fatalf("given %s %s: %v", c.Call, compact(c.Input), failed)
		}
		if err := c.compare(answer, failed, bound); err != nil {
			t.Fatalf("given %s %s: %v", c.Call, compact(c.Input), err)
		}
	}
	answer, failed := s.do(f.Call, filled(f.Input, bound))
	return answer, failed, bound
}

// compare says how an answer differs from the recorded one.
func (c call) compare(answer any, failed *failure, bound map[string]string) error {
	switch {
	case failed != nil && c.Error == nil && c.Answer != nil:
		return fmt.Errorf("it is refused: %v", failed)
	case c.Error == nil && c.Answer == nil:
		return nil
	case c.Error == nil:
		return agree("answer", c.Answer, answer, bound)
	case failed == nil:
		return fmt.Errorf("it is answered with %s, not refused with %v", compact(answer), *c.Error)
	case c.Error.Code != "" && c.Error.Code != failed.Code:
		return fmt.Errorf("the code is %q (%s), not %q (%s)", failed.Code, failed.Message, c.Error.Code, c.Error.Message)
	case c.Error.Message == "":
		return nil
	}
	return agree("message", parts(c.Error.Message), parts(failed.Message), bound)
}

// parts takes a message on several broken constraints apart: AWS names them in any order.
func parts(message string) any {
	count, rest, ok := strings.Cut(message, " detected: ")
	if !ok || !strings.Contains(count, "validation error") {
		return message
	}
	all := strings.Split(rest, "; ")
	slices.Sort(all)
	list := []any{count}
	for _, part := range all {
		list = append(list, part)
	}
	return list
}

// agree says where got is not what was recorded.
func agree(at string, want, got any, bound map[string]string) error {
	switch want := want.(type) {
	case nil:
		if got != nil {
			return fmt.Errorf("%s is there: %s", at, compact(got))
		}
		return nil
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %s, not %s", at, compact(got), compact(want))
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if err := agree(at+"."+key, want[key], object[key], bound); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Errorf("%s is %s, not %s", at, compact(got), compact(want))
		}
		for i := range want {
			if err := agree(fmt.Sprintf("%s[%d]", at, i), want[i], list[i], bound); err != nil {
				return err
			}
		}
		return nil
	case string:
		if wildcard.FindString(want) == want && got != nil && want != "" {
			if _, isText := got.(string); !isText {
				got = compact(got)
			}
		}
		text, ok := got.(string)
		if !ok || !fits(want, text, bound) {
			return fmt.Errorf("%s is %s, not %s", at, compact(got), compact(want))
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("%s is %s, not %s", at, compact(got), compact(want))
	}
	return nil
}

var wildcard = regexp.MustCompile(`<[a-z][a-z0-9-]*>`)

// fits says whether a text is the recorded one, and notes what its placeholders stand for.
func fits(want, got string, bound map[string]string) bool {
	pattern, names, rest := "", []string{}, want
	for {
		at := wildcard.FindStringIndex(rest)
		if at == nil {
			break
		}
		pattern += regexp.QuoteMeta(rest[:at[0]])
		if name := rest[at[0]:at[1]]; bound[name] != "" {
			pattern += regexp.QuoteMeta(bound[name])
		} else {
			pattern += "(.+?)"
			names = append(names, name)
		}
		rest = rest[at[1]:]
	}
	found := regexp.MustCompile("(?s)^" + pattern + regexp.QuoteMeta(rest) + "$").FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, name := range names {
		if bound[name] != "" && bound[name] != found[i+1] {
			return false
		}
		bound[name] = found[i+1]
	}
	return true
}

// filled puts what placeholders stand for into an input.
func filled(input any, bound map[string]string) any {
	switch v := input.(type) {
	case string:
		return wildcard.ReplaceAllStringFunc(v, func(name string) string {
			if bound[name] == "" {
				return name
			}
			return bound[name]
		})
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = filled(v[i], bound)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for key, item := range v {
			object[key] = filled(item, bound)
		}
		return object
	}
	return input
}

// mutate changes what was recorded, one thing at a time. None of it may agree.
func (f fact) mutate(t *testing.T, answer any, failed *failure, bound map[string]string) {
	try := func(what string, changed call) {
		if changed.compare(answer, failed, maps.Clone(bound)) == nil {
			t.Errorf("it agrees also with %s", what)
		}
	}
	if f.Error == nil {
		try("an error", call{Error: &failure{Code: "Mutated"}})
		for what, changed := range mutations("answer", f.Answer) {
			try(what, call{Answer: changed})
		}
		return
	}
	try("an answer", call{Answer: map[string]any{}})
	if f.Error.Code != "" {
		try("another code", call{Error: &failure{f.Error.Code + "~", f.Error.Message}})
	}
	if f.Error.Message != "" {
		try("another message", call{Error: &failure{f.Error.Code, f.Error.Message + "~"}})
	}
}

// mutations are all values with one thing changed.
func mutations(at string, v any) map[string]any {
	all := map[string]any{}
	switch v := v.(type) {
	case nil:
		all[at+" there"] = "~"
	case bool:
		all[at+" negated"] = !v
	case float64:
		all[at+" increased"] = v + 1
	case string:
		all[at+" lengthened"] = v + "~"
	case []any:
		all[at+" longer"] = append(slices.Clone(v), "~")
		for i := range v {
			for what, changed := range mutations(fmt.Sprintf("%s[%d]", at, i), v[i]) {
				list := slices.Clone(v)
				list[i] = changed
				all[what] = list
			}
		}
	case map[string]any:
		all[at+" with another member"] = with(v, "~", "~")
		for key := range v {
			for what, changed := range mutations(at+"."+key, v[key]) {
				all[what] = with(v, key, changed)
			}
		}
	}
	return all
}

func with(object map[string]any, key string, value any) map[string]any {
	changed := maps.Clone(object)
	changed[key] = value
	return changed
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > 600 {
		text = append(text[:600:600], "…"...)
	}
	return string(text)
}
