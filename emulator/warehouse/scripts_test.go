package warehouse_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/warehouse"
)

// TestScripts runs each file of testdata/scripts, statement by statement, and compares what
// each gives with the --> lines that follow it: "done", how many "rows", an "error:", or the
// "columns:" and each row. Lines of a --: are steps that are no SQL:
//
//	--: put KEY "RECORD"   writes a record, one second later
//	--: advance 60s        lets time pass
//	--: connect            goes on in a new session
//	--: as USER            runs the next statement in a session of that user
//	--: auto refresh       does what Redshift does in the background
//
// go test -run TestScripts -update writes the --> lines; see the difference.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
			newFixture(t).script(file)
		})
	}
}

// TestTutorials runs SQL that others wrote against records like those it was written for.
func TestTutorials(t *testing.T) {
	const template = `{"_id":"12084f2f-fc41-41fb-a218-8cc1ac6146eb","clusterID":"49","connectionTime":"%s","kWhDelivered":"%s","stationID":"421","spaceID":"technologies-2","timezone":"America/Los_Angeles","userID":"%d"}`
	// A session is one record of each of some users, which have an amount of energy together.
	type session struct {
		at     string
		users  int
		energy float64
	}
	for _, tutorial := range []struct {
		name, stream, role string
		sessions           []session
	}{
		{"seed", stream, "arn:aws:iam::123456789012:role/RedshiftStreamingRole", []session{
			{"2022-02-08 16:07:20", 1, 74}, {"2022-02-08 16:07:21", 2, 148},
		}},
		{"tutorial2022", "ev_station_data", "arn:aws:iam::0123456789:role/redshift-streaming-role", []session{
			{"2022-02-08 16:07:11", 20, 9689}, {"2022-02-08 16:07:13", 10, 4673}, {"2022-02-08 16:07:14", 10, 3677}, {"2022-02-08 16:07:15", 10, 5643},
			{"2022-02-08 16:07:16", 10, 6861}, {"2022-02-08 16:07:17", 10, 4257}, {"2022-02-08 16:07:18", 10, 4408}, {"2022-02-08 16:07:19", 20, 8697},
			{"2022-02-08 16:07:20", 10, 5571}, {"2022-02-08 16:07:21", 10, 4139},
		}},
		{"tutorial", "ev_station_data", "arn:aws:iam::0123456789:role/redshift-streaming-role", []session{
			{"2022-02-08 13:17:15", 10, 4139}, {"2022-02-09 13:17:15", 10, 5571}, {"2022-02-10 13:17:15", 20, 8697},
			{"2022-02-11 13:17:15", 10, 4408}, {"2022-02-12 13:17:15", 10, 4257}, {"2022-02-23 13:17:15", 10, 6861},
		}},
	} {
		t.Run(tutorial.name, func(t *testing.T) {
			f := newFixture(t)
			if err := f.UpdateNamespace(warehouse.Namespace{Name: "ev", Database: "dev", AdminUser: "admin", AdminPassword: "Secret1234", IAMRoles: []string{tutorial.role}}); err != nil {
				t.Fatal(err)
			}
			if tutorial.stream != stream {
				f.createStream(tutorial.stream)
			}
			for _, s := range tutorial.sessions {
				for user := range s.users {
					f.write(tutorial.stream, "k", fmt.Sprintf(template, s.at, fmt.Sprintf("%.2f", s.energy/float64(s.users)), 482329+user))
				}
			}
			f.script("testdata/tutorials/" + tutorial.name + ".sql")
		})
	}
}

// TestCutShort runs the beginnings of the scripts' statements, word by word: each is run, or
// refused as a statement is.
func TestCutShort(t *testing.T) {
	f := newFixture(t)
	files, err := filepath.Glob("testdata/scripts/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	done := make(map[string]bool)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for statement := range strings.SplitSeq(string(data), ";\n--> ") {
			_, statement, _ = strings.Cut(statement, "\n\n") // what the one before gave
			words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ", ",", " , ").Replace(statement))
			for i := range min(len(words), 60) {
				cut := strings.Join(words[:i+1], " ")
				if strings.HasPrefix(cut, "SELECT ") || done[cut] {
					continue // a query is for the engine to read
				}
				done[cut] = true
				if _, err := f.session.Execute(t.Context(), cut); err != nil && !errors.As(err, new(*warehouse.Error)) {
					t.Errorf("%s\nfailed with %T %v", cut, err, err)
				}
				f.exec("ROLLBACK")
			}
		}
	}
}

// script runs a file.
func (f *fixture) script(name string) {
	f.t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		f.t.Fatal(err)
	}
	var out, statement, want []string // the file as it should be, and what is being read of it
	user := ""
	run := func() {
		f.t.Helper()
		if want == nil {
			return
		}
		got := f.outcome(user, strings.Join(statement, "\n"), want)
		out = append(out, statement...)
		for _, line := range got {
			out = append(out, "--> "+line)
		}
		if diff := cmp.Diff(want, got); diff != "" && !*update {
			f.t.Errorf("%s:%d: (-want +got)\n%s\n%s", name, len(out), strings.Join(statement, "\n"), diff)
		}
		statement, want, user = nil, nil, ""
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if result, ok := strings.CutPrefix(line, "--> "); ok {
			want = append(want, result)
			continue
		}
		run()
		statement = append(statement, line)
		if step, ok := strings.CutPrefix(line, "--: "); ok && step != "auto refresh" {
			user = f.step(step)
		}
	}
	run()
	if rest := strings.TrimSpace(strings.Join(statement, "")); rest != "" {
		f.t.Errorf("%s: the last statement has no --> lines: %s", name, rest)
	}
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(out, "\n")+"\n"), 0o666); err != nil {
			f.t.Fatal(err)
		}
	}
}

// step does what a --: line says, and gives the user for whom it says that the next
// statement runs.
func (f *fixture) step(step string) (user string) {
	f.t.Helper()
	verb, args, _ := strings.Cut(step, " ")
	switch verb {
	case "put":
		key, text, _ := strings.Cut(args, " ")
		record, err := strconv.Unquote(text)
		if err != nil {
			f.t.Fatalf("%s: %v", step, err)
		}
		f.put(key, record)
	case "advance":
		d, err := time.ParseDuration(args)
		if err != nil {
			f.t.Fatalf("%s: %v", step, err)
		}
		f.clock.advance(d)
	case "connect":
		f.session = f.connect()
	case "as":
		return args
	default:
		f.t.Fatalf("there is no step %q", step)
	}
	return ""
}

// outcome runs a statement, or an automatic refresh, and gives its --> lines, in the form of
// those that are wanted.
func (f *fixture) outcome(user, statement string, want []string) []string {
	f.t.Helper()
	var res *warehouse.Result
	var err error
	switch {
	case strings.HasSuffix(statement, "--: auto refresh"):
		res, err = &warehouse.Result{}, f.AutoRefresh(f.t.Context())
	case user != "":
		res, err = f.QueryAs(f.t.Context(), "ev", user, statement)
	default:
		res, err = f.session.Execute(f.t.Context(), statement)
	}
	if err != nil {
		return strings.Split("error: "+strings.TrimPrefix(err.Error(), "ERROR: "), "\n")[:1]
	}
	if res.Columns == nil {
		return []string{"done"}
	}
	var out []string
	if strings.HasPrefix(want[0], "columns: ") {
		var names []string
		for _, c := range res.Columns {
			names = append(names, c.Name)
		}
		out = append(out, "columns: "+strings.Join(names, " | "))
	}
	if len(res.Rows) == 0 || strings.HasSuffix(want[len(want)-1], " rows") {
		return append(out, fmt.Sprintf("%d rows", len(res.Rows)))
	}
	for _, line := range lines(res) {
		out = append(out, strings.ReplaceAll(line, "\n", "⏎"))
	}
	return out
}

// createStream makes another stream, of one shard.
func (f *fixture) createStream(name string) {
	f.t.Helper()
	if _, err := f.kinesis.CreateStream(fakekinesis.StreamSettings{Name: name, Shards: 1}); err != nil {
		f.t.Fatal(err)
	}
}
