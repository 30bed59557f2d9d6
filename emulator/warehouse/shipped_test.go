package warehouse_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sound is a record as producers write it.
const sound = `{"_id":"5bc90cb9f9af8b0d7fe77cd2","clusterID":"0039","connectionTime":"2026-02-25 11:08:04","kWhDelivered":7.932,"stationID":2039,"spaceID":"CA-496","timezone":"America/Los_Angeles","userID":"000000194"}`

// changed gives the sound record with a part of it replaced.
func changed(from, to string) string { return strings.Replace(sound, from, to, 1) }

// TestShippedViews runs the shipped migrations and shows what each kind of record becomes
// in the two views that people read.
func TestShippedViews(t *testing.T) {
	const (
		extractColumns = "id, clusterid, connectiontime, connection_timestamp, kwhdelivered, stationid, spaceid, timezone, userid"
		whole          = "5bc90cb9f9af8b0d7fe77cd2 | 0039 | 2026-02-25 11:08:04 | 2026-02-25 11:08:04 | 7.93 | 2039 | CA-496 | America/Los_Angeles | 000000194"
		none           = "" // not in that view
	)
	// with gives the sound record's row with a part of it replaced.
	with := func(from, to string) string { return strings.Replace(whole, from, to, 1) }
	tests := []struct {
		name     string
		record   string
		extract  string
		rejected string
	}{
		{"sound", sound, whole, none},
		{"a number as a text", changed(`2039`, `"2039"`), whole, none},
		{"a text as a number", changed(`"000000194"`, `194`), with("000000194", "194"), none},
		{"rounded up", changed(`7.932`, `7.935`), with("7.93", "7.94"), none},
		{"a missing field", changed(`"spaceID":"CA-496",`, ``), with("CA-496", "NULL"), none},
		{"a null field", changed(`"CA-496"`, `null`), with("CA-496", "NULL"), none},
		{"an unknown field", changed(`"spaceID"`, `"more":{"a":[1]},"spaceID"`), whole, none},
		{"an empty object", `{}`, "NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL", none},
		{"a key in another case", changed(`"stationID"`, `"stationid"`), with("2039", "NULL"), none},
		{"a text where a number belongs", changed(`2039`, `"abc"`), with("2039", "NULL"), "did not convert: stationID"},
		{"a fraction as text where an integer belongs", changed(`2039`, `"20.39"`), with("2039", "NULL"), "did not convert: stationID"},
		{"an integer that is too big", changed(`2039`, `99999999999`), with("2039", "NULL"), "did not convert: stationID"},
		{"an integer of thirty digits", changed(`2039`, `123456789012345678901234567890`), with("2039", "NULL"), "did not convert: stationID"},
		{"a number beyond the column", changed(`7.932`, `123456789.5`), with("7.93", "NULL"), "did not convert: kWhDelivered"},
		{"a number beyond floating point", changed(`7.932`, `1e400`), with("7.93", "NULL"), "did not convert: kWhDelivered"},
		{"an empty text", changed(`7.932`, `""`), with("7.93", "NULL"), "did not convert: kWhDelivered"},
		{"an object where a text belongs", changed(`"CA-496"`, `{"a":1}`), with("CA-496", "NULL"), "did not convert: spaceID"},
		{"a text that is too long", changed(`"000000194"`, `"`+strings.Repeat("9", 31)+`"`), with("000000194", "NULL"), "did not convert: userID"},
		{"a text of the column's length", changed(`"000000194"`, `"`+strings.Repeat("9", 30)+`"`), with("000000194", strings.Repeat("9", 30)), none},
		{"too long in bytes only", changed(`"000000194"`, `"`+strings.Repeat("é", 16)+`"`), with("000000194", "NULL"), "did not convert: userID"},
		{"a date that there is not", changed(`2026-02-25`, `2026-02-30`), strings.Replace(with("2026-02-25", "2026-02-30"), "2026-02-25 11:08:04", "NULL", 1), "did not convert: connectionTime"},
		{"a date in another form", changed(`2026-02-25 11:08:04`, `25.02.2026 11:08`), "5bc90cb9f9af8b0d7fe77cd2 | 0039 | 25.02.2026 11:08 | NULL | 7.93 | 2039 | CA-496 | America/Los_Angeles | 000000194", "did not convert: connectionTime"},
		{"two wrong fields", changed(`7.932,"stationID":2039`, `"x","stationID":"y"`), "5bc90cb9f9af8b0d7fe77cd2 | 0039 | 2026-02-25 11:08:04 | 2026-02-25 11:08:04 | NULL | NULL | CA-496 | America/Los_Angeles | 000000194", "did not convert: kWhDelivered stationID"},
		{"an array", `[1,2]`, none, "not a JSON object"},
		{"a number", `5`, none, "not a JSON object"},
		{"a null", `null`, none, "not a JSON object"},
		{"cut off", sound[:40], none, "not JSON"},
		{"two values", sound + sound, none, "not JSON"},
		{"a key twice", `{"a":1,"a":2}`, none, "not JSON"},
		{"not UTF-8", "{\"a\":\"\xff\"}", none, "not JSON"},
		{"plain text", `hello`, none, "not JSON"},
	}
	f := newFixture(t)
	f.migrate()
	for _, test := range tests {
		f.put("k", test.record)
	}
	f.refresh()
	f.want("SELECT COUNT(*) FROM ev_station_data", strconv.Itoa(len(tests)))

	at := func(i int) string {
		return f.clock.Now().Add(time.Duration(i-len(tests)+1) * time.Second).Format("TIMESTAMP '2006-01-02 15:04:05'")
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := *f
			f.t = t
			for query, want := range map[string]string{
				"SELECT " + extractColumns + " FROM ev_station_data_extract": test.extract,
				"SELECT reason FROM ev_station_data_rejected":                test.rejected,
			} {
				rows := []string{}
				if want != none {
					rows = append(rows, want)
				}
				f.want(query+" WHERE approximate_arrival_timestamp = "+at(i), rows...)
			}
		})
	}
}

// TestShippedQueries runs each saved query over a few records.
func TestShippedQueries(t *testing.T) {
	f := newFixture(t)
	f.migrate()
	f.put("k",
		sound,
		changed(`000000194`, `000000195`),
		changed(`2026-02-25 11:08:04`, `2026-02-25 12:30:00`),
		changed(`America/Los_Angeles`, `Europe/Paris`),
		changed(`7.932`, `"x"`),
		`[1]`,
		`{"a`,
		strings.Repeat(" ", 1<<20)+`{}`,
	)
	f.refresh()
	// A view of the same name in another schema, over another external schema, is
	// somebody else's.
	f.exec("CREATE SCHEMA other")
	f.exec("CREATE EXTERNAL SCHEMA otherdata FROM KINESIS IAM_ROLE '" + role + "'")
	f.exec(`CREATE MATERIALIZED VIEW other.ev_station_data AS SELECT kinesis_data FROM otherdata."` + stream + `"`)
	f.exec("REFRESH MATERIALIZED VIEW other.ev_station_data")
	f.clock.advance(90 * time.Second)
	tests := []struct {
		query string
		want  []string
	}{
		{"usage", []string{
			"America/Los_Angeles | 2026-02-25 12:00:00 | 7.93 | 1 | 1",
			"America/Los_Angeles | 2026-02-25 11:00:00 | 15.86 | 2 | 3",
			"Europe/Paris | 2026-02-25 11:00:00 | 7.93 | 1 | 1",
		}},
		{"usage_by_connection_time", []string{
			"America/Los_Angeles | 2026-02-25 12:30:00 | 7.93 | 1",
			"America/Los_Angeles | 2026-02-25 11:08:04 | 15.86 | 2",
			"Europe/Paris | 2026-02-25 11:08:04 | 7.93 | 1",
		}},
		{"freshness", []string{"7 | 2026-03-01 12:00:07 | 2026-03-01 12:00:08 | 91 | 1"}},
		{"refreshes", []string{"Manual | 2026-03-01 12:00:08 | 2026-03-01 12:00:08 | 0 | Refresh successfully updated MV incrementally. Some stream records were skipped."}},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			if diff := cmp.Diff(test.want, f.rows(saved(t, test.query))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	t.Run("rejected", func(t *testing.T) {
		for i, want := range []string{"did not convert: kWhDelivered | 1 |", "not JSON | 1 |", "not a JSON object | 1 |"} {
			if got := f.rows(saved(t, "rejected"))[i]; !strings.HasPrefix(got, want) {
				t.Errorf("row %d is %q, want it to begin with %q", i, got, want)
			}
		}
	})
	t.Run("skipped", func(t *testing.T) {
		got := f.rows(saved(t, "skipped"))
		if len(got) != 1 || !strings.HasPrefix(got[0], "2026-03-01 12:00:08 | shardId-00000000000") || !strings.Contains(got[0], "longer than 1048576 bytes") {
			t.Errorf("got %q, want the one record that is too long", got)
		}
	})
	t.Run("latest", func(t *testing.T) {
		got := f.rows(saved(t, "latest"))
		if len(got) != 5 || !strings.Contains(got[0], "12:00:05") || !strings.Contains(got[4], "12:00:01") {
			t.Errorf("got %d rows, want the 5 objects, the newest first:\n%s", len(got), strings.Join(got, "\n"))
		}
	})
}

func saved(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../../sql/queries/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
