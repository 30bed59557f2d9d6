package recordtest

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/evstream/sql"
)

// savedQueries gives the text of each saved query by its name.
func savedQueries(t *testing.T) map[string]string {
	t.Helper()
	files, err := fs.Glob(sql.Queries(), "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no saved queries: %v", err)
	}
	queries := make(map[string]string)
	for _, file := range files {
		text, err := fs.ReadFile(sql.Queries(), file)
		if err != nil {
			t.Fatal(err)
		}
		queries[strings.TrimSuffix(file, ".sql")] = string(text)
	}
	return queries
}

// TestSavedQueries shows in a golden file what each saved query gives of a few records.
func TestSavedQueries(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := newPipeline(t, options{maxRecordKiB: 2048, clock: func() time.Time { return now }})
	for i, record := range []string{
		sound,
		changed(`"194"`, `"195"`),
		changed(`2026-02-25 11:08:04`, `2026-02-25 12:30:00`),
		changed(`America/Los_Angeles`, `Europe/Paris`),
		changed(`7.93`, `"x"`),
		`[1]`,
		`{"a`,
		strings.Repeat(" ", mebibyte) + `{}`,
	} {
		now = now.Add(time.Second)
		p.put(fmt.Sprint(i), record)
	}
	p.refresh()
	// A view of the same name in another schema, over another external schema, is
	// somebody else's.
	for _, statement := range []string{
		"CREATE SCHEMA other",
		"CREATE EXTERNAL SCHEMA otherdata FROM KINESIS IAM_ROLE '" + role + "'",
		`CREATE MATERIALIZED VIEW other.ev_station_data AS SELECT kinesis_data FROM otherdata."` + stream + `"`,
		"REFRESH MATERIALIZED VIEW other.ev_station_data",
	} {
		p.query(statement)
	}
	now = now.Add(90 * time.Second)
	queries := savedQueries(t)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(queries)) {
		res := p.query(queries[name])
		var columns []string
		for _, c := range res.Columns {
			columns = append(columns, c.Name)
		}
		out = append(out, "# "+name, strings.Join(columns, " | "))
		for _, row := range res.Rows {
			cells := make([]string, len(row))
			for i, v := range row {
				if cells[i] = fmt.Sprint(v); v == nil {
					cells[i] = "NULL"
				}
			}
			out = append(out, strings.Join(cells, " | "))
		}
	}
	golden(t, "queries", out)
}
