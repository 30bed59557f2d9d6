// Package recordtest puts records that somebody might write to the stream, sound and
// poisoned, through the shipped migrations, and shows where each one is found.
package recordtest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/sql"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	role   = "arn:aws:iam::123456789012:role/streaming"
	stream = "ev_stream_data"
)

// A pipeline is a stream and a warehouse with the shipped migrations, and perhaps more.
type pipeline struct {
	testing.TB
	kinesis   *fakekinesis.Server
	warehouse *warehouse.Warehouse
}

// options are what differs between pipelines.
type options struct {
	maxRecordKiB int // the stream's limit: 1024
	readings     doubt.Readings
	clock        func() time.Time // the real one
	more         []fs.FS          // migrations beside the shipped ones
}

func newPipeline(t testing.TB, o options) pipeline {
	t.Helper()
	if o.clock == nil {
		o.clock = time.Now
	}
	p := pipeline{TB: t, kinesis: fakekinesis.New(fakekinesis.WithClock(o.clock))}
	if _, err := p.kinesis.CreateStream(fakekinesis.StreamSettings{Name: stream, Shards: 3, MaxRecordKiB: max(o.maxRecordKiB, 1024)}); err != nil {
		t.Fatal(err)
	}
	p.warehouse = warehouse.New(warehouse.Options{Streams: p.kinesis, Dir: t.TempDir(), Readings: o.readings, Clock: o.clock})
	t.Cleanup(func() { p.warehouse.Close() })
	if err := p.warehouse.CreateNamespace(t.Context(), warehouse.Namespace{Name: "ev", AdminUser: "admin", AdminPassword: "Secret1234", IAMRoles: []string{role}}); err != nil {
		t.Fatal(err)
	}
	if err := p.warehouse.CreateWorkgroup(warehouse.Workgroup{Name: "ev", Namespace: "ev"}); err != nil {
		t.Fatal(err)
	}
	all := make(fstest.MapFS)
	for _, folder := range append([]fs.FS{sql.Migrations()}, o.more...) {
		files, err := fs.Glob(folder, "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(folder, file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = &fstest.MapFile{Data: text}
		}
	}
	p.migrate(all)
	return p
}

func (p pipeline) migrate(files fs.FS) {
	p.Helper()
	migrations, err := sql.List(files)
	if err != nil {
		p.Fatal(err)
	}
	values := strings.NewReplacer("${"+sql.StreamingRoleARN+"}", role, "${"+sql.StreamName+"}", stream)
	for _, m := range migrations {
		session, err := p.warehouse.Connect(p.Context(), "ev", "dev", "admin", "Secret1234")
		if err != nil {
			p.Fatal(err)
		}
		for _, s := range slices.Concat(m.Sets, m.Statements) {
			if _, err := session.Execute(p.Context(), values.Replace(s.Text)); err != nil {
				p.Fatalf("%s: %v", m.File, err)
			}
		}
		session.Close()
	}
}

func (p pipeline) put(key, data string) {
	p.Helper()
	if _, err := p.kinesis.Put(stream, key, []byte(data)); err != nil {
		p.Fatalf("%s: %v", key, err)
	}
}

// refresh does what Redshift does in the background.
func (p pipeline) refresh() {
	p.Helper()
	if err := p.warehouse.AutoRefresh(p.Context()); err != nil {
		p.Fatalf("the records stop the refresh: %v", err)
	}
}

func (p pipeline) query(statement string) *warehouse.Result {
	p.Helper()
	res, err := p.warehouse.Query(p.Context(), "ev", statement)
	if err != nil {
		p.Fatalf("%s\n%v", statement, err)
	}
	return res
}

// byKey gives a query's rows by their first column, which no two may share.
func (p pipeline) byKey(statement string) map[string][]string {
	p.Helper()
	rows := make(map[string][]string)
	for _, row := range p.query(statement).Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			if cells[i] = fmt.Sprint(v); v == nil {
				cells[i] = null
			}
		}
		if rows[cells[0]] != nil {
			p.Errorf("%q is there twice: %s", cells[0], statement)
		}
		rows[cells[0]] = cells[1:]
	}
	return rows
}

// null stands for NULL among texts.
const null = "\x00NULL"

// What the views hold of a record, by its partition key.
type found struct {
	all      map[string][]string // ev_station_data: what is unparsed, as hexadecimal digits
	extract  map[string][]string // the typed columns
	rejected map[string][]string // the reason
	skipped  map[string]bool     // by sequence number
}

var columns = []string{"id", "clusterid", "connectiontime", "connection_timestamp", "kwhdelivered", "stationid", "spaceid", "timezone", "userid"}

func (p pipeline) find() found {
	p.Helper()
	f := found{
		all:      p.byKey("SELECT partition_key, FROM_VARBYTE(unparsed, 'hex') FROM ev_station_data"),
		extract:  p.byKey("SELECT partition_key, " + strings.Join(columns, ", ") + " FROM ev_station_data_extract"),
		rejected: p.byKey("SELECT partition_key, reason FROM ev_station_data_rejected"),
		skipped:  make(map[string]bool),
	}
	for _, row := range p.query("SELECT TRIM(position) FROM sys_stream_scan_errors WHERE TRIM(mv_name) = 'ev_station_data'").Rows {
		f.skipped[row[0].(string)] = true
	}
	return f
}

// check holds what was found against what the stream holds, record by record: each is in
// the streaming view or was skipped, each row of the streaming view is in the extract,
// among the rejected or in both, and none is anywhere else.
func (p pipeline) check(f found) {
	p.Helper()
	st, err := p.kinesis.Stream(stream)
	if err != nil {
		p.Fatal(err)
	}
	if got := int64(len(f.all) + len(f.skipped)); st.Stored != got {
		p.Errorf("the stream holds %d records, the streaming view %d, and %d were skipped", st.Stored, len(f.all), len(f.skipped))
	}
	shards, err := p.kinesis.ShardIDs(stream)
	if err != nil {
		p.Fatal(err)
	}
	for _, shard := range shards {
		records, err := p.kinesis.ReadAfter(stream, shard, "", 1_000_000)
		if err != nil {
			p.Fatal(err)
		}
		for _, r := range records {
			key := r.PartitionKey
			raw, inView := f.all[key]
			_, inExtract := f.extract[key]
			_, inRejected := f.rejected[key]
			if inView == f.skipped[r.SequenceNumber] {
				p.Errorf("%q: in the streaming view %t, skipped %t", key, inView, f.skipped[r.SequenceNumber])
			}
			if inView != (inExtract || inRejected) {
				p.Errorf("%q: in the streaming view %t, in the extract %t, among the rejected %t", key, inView, inExtract, inRejected)
			}
			if inView && raw[0] != null && raw[0] != hex.EncodeToString(r.Data) {
				p.Errorf("%q: the bytes that were not parsed are not those of the record", key)
			}
		}
	}
}

// TestKinds shows where each kind of record is found, and that it is the same under every
// reading of the doubts about Redshift, other than those in the second golden file.
func TestKinds(t *testing.T) {
	all := kinds()
	names := make(map[string]bool)
	for _, k := range all {
		if names[k.name] {
			t.Fatalf("two kinds are named %q", k.name)
		}
		names[k.name] = true
	}
	standard := through(t, all, nil)
	var outcomes []string
	for _, k := range all {
		outcomes = append(outcomes, k.name+": "+outcome(standard, k))
	}
	golden(t, "kinds", outcomes)

	singles := warehouse.Doubts().Single()
	depends := make([][]string, len(singles))
	t.Run("readings", func(t *testing.T) {
		for i, readings := range append(singles, warehouse.Doubts().Others()) {
			t.Run(name(readings), func(t *testing.T) {
				t.Parallel()
				f := through(t, all, readings)
				for _, k := range all {
					is, other := outcome(f, k), outcome(standard, k)
					_, mayDiffer := readings[k.doubt]
					switch {
					case is != other && !mayDiffer:
						t.Errorf("%s: %s\nby default: %s", k.name, is, other)
					case is == other && mayDiffer && len(readings) == 1:
						t.Errorf("%s: does not depend on %s", k.name, k.doubt)
					case is != other && i < len(singles):
						depends[i] = append(depends[i], fmt.Sprintf("%s, %s: %s", readings, k.name, is))
					}
				}
			})
		}
	})
	golden(t, "doubtful", slices.Concat(depends...))
}

// name is what a subtest under the readings is called.
func name(readings doubt.Readings) string {
	if len(readings) > 1 {
		return "others"
	}
	return readings.String()
}

// through puts the records through the pipeline under the readings, and gives what is found.
func through(t *testing.T, all []kind, readings doubt.Readings) found {
	t.Helper()
	p := newPipeline(t, options{maxRecordKiB: 10240, readings: readings})
	for i, k := range all {
		p.put(k.name, k.record)
		if i%50 == 0 {
			p.refresh()
		}
	}
	p.refresh()
	p.put("after all of them", sound)
	p.refresh()
	f := p.find()
	p.check(f)
	if diff := cmp.Diff(f.extract["sound"], f.extract["after all of them"]); diff != "" || f.extract["sound"] == nil {
		t.Errorf("a sound record after all the others (-first +last):\n%s", diff)
	}
	for name, text := range savedQueries(t) {
		if rows := p.query(text).Rows; len(rows) == 0 && (name != "skipped" || len(f.skipped) > 0) {
			t.Errorf("the saved query %s shows nothing of all these records", name)
		}
	}
	return f
}

// outcome is where a record is found: how its row of the extract differs from the sound
// one's, and why it is rejected.
func outcome(f found, k kind) string { return inExtract(f, k) + "; " + inRejected(f, k.name) }

func inExtract(f found, k kind) string {
	row, ok := f.extract[k.name]
	if !ok {
		return "not in the extract"
	}
	var given map[string]any
	_ = json.Unmarshal([]byte(k.record), &given) // nil if Go does not take it for JSON
	var differs []string
	nulls := 0
	for i, v := range row {
		if v == null {
			nulls++
		}
		if v == f.extract["sound"][i] {
			continue
		}
		switch {
		case v == null:
			v = "NULL"
		case given[fieldOf(columns[i]).name] == v:
			v = "as given"
		case len(v) > 40:
			v = fmt.Sprintf("%d bytes", len(v))
		default:
			v = strconv.QuoteToASCII(v)
		}
		differs = append(differs, columns[i]+" "+v)
	}
	switch {
	case nulls == len(columns):
		return "all NULL"
	case differs == nil:
		return "as sound"
	}
	return strings.Join(differs, ", ")
}

func inRejected(f found, name string) string {
	if row, ok := f.rejected[name]; ok {
		return "rejected: " + row[0]
	}
	if _, ok := f.all[name]; !ok {
		return "skipped, in SYS_STREAM_SCAN_ERRORS"
	}
	return "not rejected"
}

// golden compares lines with a file of testdata, or writes it.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	file, text := "testdata/"+name+".golden", strings.Join(lines, "\n")+"\n"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s is not what was found; see the difference and, if it is right, run go test -run %s -update (-file +found):\n%s", file, t.Name(), diff)
	}
}

// TestTooLargeForTheStream shows that a record above the stream's limit never gets in.
func TestTooLargeForTheStream(t *testing.T) {
	p := newPipeline(t, options{})
	const key = "k"
	p.put(key, strings.Repeat("x", mebibyte-len(key)))
	for _, size := range []int{mebibyte - len(key) + 1, 10_000_000} {
		_, err := p.kinesis.Put(stream, key, make([]byte, size))
		var refused *fakekinesis.Error
		if !errors.As(err, &refused) {
			t.Errorf("a record of %d bytes: %v, want it refused", size, err)
		}
	}
	p.refresh()
	p.check(p.find())
}

// TestMutations puts sound records through, each spoilt at random, and holds what is found
// against the JSON that they still are.
func TestMutations(t *testing.T) {
	const records = 4000
	p := newPipeline(t, options{})
	random := rand.New(rand.NewPCG(2026, 11))
	data := make(map[string]string, records)
	for i := range records {
		key := strconv.Itoa(i)
		data[key] = mutate(random, sound)
		p.put(key, data[key])
		if i%1000 == 0 {
			p.refresh()
		}
	}
	p.refresh()
	f := p.find()
	p.check(f)

	spoilt := 0
	for key, text := range data {
		row, inExtract := f.extract[key]
		var object map[string]json.RawMessage
		isObject := utf8.ValidString(text) && json.Unmarshal([]byte(text), &object) == nil && object != nil
		switch {
		case inExtract && !isObject:
			t.Errorf("%q is in the extract, but no JSON object", text)
		case !inExtract && isObject && !unsafeObject(text):
			t.Errorf("%q is a JSON object, but not in the extract", text)
		}
		if !inExtract {
			spoilt++
			continue
		}
		// What is in a column is what the record says; else the column is NULL and the
		// record rejected, unless it says nothing.
		for i, column := range columns {
			field := fieldOf(column)
			said, ok := object[field.name]
			var value any
			dec := json.NewDecoder(bytes.NewReader(said))
			dec.UseNumber()
			if ok && dec.Decode(&value) != nil {
				t.Fatalf("%s: %q", field.name, said)
			}
			switch reason := f.rejected[key]; {
			case row[i] == null && value != nil && (reason == nil || !strings.Contains(reason[0], " "+field.name)):
				t.Errorf("%q: %s is NULL, but the reason is %q", text, column, reason)
			case row[i] != null && value == nil:
				t.Errorf("%q: %s is %q, but the record says nothing", text, column, row[i])
			case row[i] != null && column != "connection_timestamp" && !says(value, row[i], field.width > 0):
				t.Errorf("%q: %s is %q", text, column, row[i])
			}
		}
	}
	if spoilt < records/5 || spoilt > records*4/5 {
		t.Errorf("%d of %d records are no JSON object any more: the mutations show little", spoilt, records)
	}
}

// says holds a column's text against the JSON value it was made of. Two decimals are what
// kwhdelivered keeps.
func says(value any, column string, isText bool) bool {
	if isText && column == fmt.Sprint(value) {
		return true
	}
	said, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(value)), 64)
	if err != nil {
		return false
	}
	got, err := strconv.ParseFloat(column, 64)
	return err == nil && math.Abs(said-got) <= 0.005
}

func fieldOf(column string) field {
	for _, f := range fields {
		if f.column == column || column == "connection_timestamp" && f.column == "connectiontime" {
			return f
		}
	}
	panic("no field for " + column)
}

// unsafeObject says whether a text that Go's decoder takes may be none to Redshift: Go
// lets duplicate keys, NUL and halves of surrogate pairs pass.
func unsafeObject(text string) bool {
	return strings.Contains(text, `\u`) || duplicateKey(text)
}

func duplicateKey(text string) bool {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var seen []map[string]bool // of each open object; nil for an array
	isKey := false
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		top := len(seen) - 1
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				seen = append(seen, map[string]bool{})
				isKey = true
				continue
			case '[':
				seen = append(seen, nil)
			default:
				seen = seen[:top]
			}
		case string:
			if isKey {
				if seen[top][token] {
					return true
				}
				seen[top][token] = true
				isKey = false
				continue
			}
		}
		isKey = len(seen) > 0 && seen[len(seen)-1] != nil
	}
}

// mutate spoils a text in one to three places.
func mutate(random *rand.Rand, text string) string {
	pieces := []string{"", "null", "true", "0", "-1", "1e9", "1e400", `""`, `"x"`, `"7"`, "{}", "[]", `{"a":[1]}`, `"\u0000"`, `"\ud800"`, `"2026-02-30 00:00:00"`,
		"\x00", "\xff", "\xf0\x9f\x94\x8c", "é", "\\", `\n`, "\"", ",", ":", "}", " ", "\t", "\u2028"}
	b := []byte(text)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(b) + 1)
		piece := pieces[random.IntN(len(pieces))]
		switch random.IntN(6) {
		case 0: // another value in a field
			f := fields[random.IntN(len(fields))]
			b = bytes.Replace(b, []byte(f.value), []byte(piece), 1)
		case 1: // another key
			b = bytes.Replace(b, []byte(fields[random.IntN(len(fields))].name), []byte(fields[random.IntN(len(fields))].name), 1)
		case 2: // a piece put in
			b = append(b[:at:at], append([]byte(piece), b[at:]...)...)
		case 3: // a few bytes left out
			b = append(b[:at:at], b[min(len(b), at+1+random.IntN(3)):]...)
		case 4: // a bit turned
			if at < len(b) {
				b[at] ^= 1 << random.IntN(8)
			}
		case 5: // a value that is longer
			b = bytes.Replace(b, []byte(`"39"`), []byte(quoted(random.IntN(40))), 1)
		}
	}
	return string(b)
}
