package warehouse_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/warehouse"
)

// TestScripts runs SQL that others wrote, statement by statement, against records like
// those it was written for, and compares each result with the --> lines that follow it.
func TestScripts(t *testing.T) {
	const template = `{"_id":"12084f2f-fc41-41fb-a218-8cc1ac6146eb","clusterID":"49","connectionTime":"%s","kWhDelivered":"%s","stationID":"421","spaceID":"technologies-2","timezone":"America/Los_Angeles","userID":"%d"}`
	// sessions gives one record a user, which have an amount of energy together.
	sessions := func(at string, users int, energy float64) (records []string) {
		for user := range users {
			records = append(records, fmt.Sprintf(template, at, fmt.Sprintf("%.2f", energy/float64(users)), 482329+user))
		}
		return records
	}
	concat := func(all ...[]string) (records []string) {
		for _, some := range all {
			records = append(records, some...)
		}
		return records
	}
	for _, script := range []struct {
		name, stream, role string
		records            []string
	}{
		{"seed", stream, "arn:aws:iam::123456789012:role/RedshiftStreamingRole", concat(
			sessions("2022-02-08 16:07:20", 1, 74), sessions("2022-02-08 16:07:21", 2, 148))},
		{"tutorial2022", "ev_station_data", "arn:aws:iam::0123456789:role/redshift-streaming-role", concat(
			sessions("2022-02-08 16:07:11", 20, 9689), sessions("2022-02-08 16:07:13", 10, 4673), sessions("2022-02-08 16:07:14", 10, 3677),
			sessions("2022-02-08 16:07:15", 10, 5643), sessions("2022-02-08 16:07:16", 10, 6861), sessions("2022-02-08 16:07:17", 10, 4257),
			sessions("2022-02-08 16:07:18", 10, 4408), sessions("2022-02-08 16:07:19", 20, 8697), sessions("2022-02-08 16:07:20", 10, 5571),
			sessions("2022-02-08 16:07:21", 10, 4139))},
		{"tutorial", "ev_station_data", "arn:aws:iam::0123456789:role/redshift-streaming-role", concat(
			sessions("2022-02-08 13:17:15", 10, 4139), sessions("2022-02-09 13:17:15", 10, 5571), sessions("2022-02-10 13:17:15", 20, 8697),
			sessions("2022-02-11 13:17:15", 10, 4408), sessions("2022-02-12 13:17:15", 10, 4257), sessions("2022-02-23 13:17:15", 10, 6861))},
	} {
		t.Run(script.name, func(t *testing.T) {
			f := newFixture(t)
			if err := f.UpdateNamespace(warehouse.Namespace{Name: "ev", Database: "dev", AdminUser: "admin", AdminPassword: "Secret1234", IAMRoles: []string{script.role}}); err != nil {
				t.Fatal(err)
			}
			if script.stream != stream {
				if _, err := f.kinesis.CreateStream(fakekinesis.StreamSettings{Name: script.stream, Shards: 1}); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range script.records {
				if _, err := f.kinesis.Put(script.stream, "k", []byte(r)); err != nil {
					t.Fatal(err)
				}
			}
			f.script("testdata/scripts/" + script.name + ".sql")
		})
	}
}

// script runs a file. A statement ends with its --> lines: "done", how many "rows", an
// "error:", or the "columns:" and each row.
func (f *fixture) script(name string) {
	f.t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		f.t.Fatal(err)
	}
	var statement, want []string
	run := func() {
		f.t.Helper()
		if want == nil {
			return
		}
		f.compare(strings.Join(statement, "\n"), want)
		statement, want = nil, nil
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if result, ok := strings.CutPrefix(line, "--> "); ok {
			want = append(want, result)
			continue
		}
		run()
		statement = append(statement, line)
	}
	run()
	if rest := strings.TrimSpace(strings.Join(statement, "")); rest != "" {
		f.t.Errorf("%s: the last statement has no --> lines: %s", name, rest)
	}
}

// compare runs a statement and compares what it gives with the lines of a script.
func (f *fixture) compare(statement string, want []string) {
	f.t.Helper()
	var got []string
	res, err := f.session.Execute(f.t.Context(), statement)
	switch {
	case err != nil:
		got = []string{"error: " + strings.TrimPrefix(strings.Split(err.Error(), "\n")[0], "ERROR: ")}
		if strings.HasPrefix(want[0], "error: ") && strings.Contains(got[0], strings.TrimPrefix(want[0], "error: ")) {
			return
		}
	case res.Columns == nil:
		got = []string{"done"}
	default:
		if strings.HasPrefix(want[0], "columns: ") {
			var names []string
			for _, c := range res.Columns {
				names = append(names, c.Name)
			}
			got = append(got, "columns: "+strings.Join(names, " | "))
		}
		if strings.HasSuffix(want[len(want)-1], " rows") {
			got = append(got, fmt.Sprintf("%d rows", len(res.Rows)))
		} else {
			got = append(got, lines(res)...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("%s\n(-want +got)\n%s", statement, diff)
	}
}
