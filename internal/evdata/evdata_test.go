package evdata_test

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"example.com/evstream/internal/evdata"
)

// noon is the clock of these tests, a day on which Berlin went back an hour.
func noon() time.Time { return time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC) }

func newGenerator(t testing.TB, seed uint64, malformed float64) *evdata.Generator {
	t.Helper()
	g, err := evdata.NewGenerator(seed, noon, malformed)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestRecordsFitTheirColumns reads records as a consumer does and holds every
// field against the tutorial's ranges and the columns of the typed view.
func TestRecordsFitTheirColumns(t *testing.T) {
	id := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	space := regexp.MustCompile(`^[a-z]+-([1-9]|1[0-9]|20)$`)
	energy := regexp.MustCompile(`"kWhDelivered":[0-9]+\.[0-9]{2},`)

	g := newGenerator(t, 1, 0)
	zones := map[string]int{}
	hours := map[string]int{}
	for range 20_000 {
		data, key, kind := g.Append(nil)
		if kind != evdata.Sound {
			t.Fatalf("kind %v without any malformed records asked for", kind)
		}
		var r struct {
			ID             string  `json:"_id"`
			ClusterID      string  `json:"clusterID"`
			ConnectionTime string  `json:"connectionTime"`
			KWhDelivered   float64 `json:"kWhDelivered"`
			StationID      int     `json:"stationID"`
			SpaceID        string  `json:"spaceID"`
			Timezone       string  `json:"timezone"`
			UserID         string  `json:"userID"`
		}
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if !id.MatchString(r.ID) || r.ID != key.String() {
			t.Fatalf("_id %q, partition key %q: want one version 4 UUID", r.ID, key)
		}
		if n, err := strconv.Atoi(r.ClusterID); err != nil || n < 1 || n > 50 {
			t.Fatalf("clusterID %q: want 1 to 50", r.ClusterID)
		}
		if r.KWhDelivered < 500 || r.KWhDelivered > 1500 || !energy.Match(data) {
			t.Fatalf("kWhDelivered in %s: want 500.00 to 1500.00", data)
		}
		if r.StationID < 1 || r.StationID > 467 {
			t.Fatalf("stationID %d: want 1 to 467", r.StationID)
		}
		if !space.MatchString(r.SpaceID) || len(r.SpaceID) > 100 {
			t.Fatalf("spaceID %q: want a word and a number up to 20", r.SpaceID)
		}
		if n, err := strconv.Atoi(r.UserID); err != nil || n < 1000 || n > 500000 {
			t.Fatalf("userID %q: want 1000 to 500000", r.UserID)
		}
		zone, err := time.LoadLocation(r.Timezone)
		if err != nil || len(r.Timezone) > 30 {
			t.Fatalf("timezone %q: %v", r.Timezone, err)
		}
		connected, err := time.ParseInLocation(time.DateTime, r.ConnectionTime, zone)
		if err != nil {
			t.Fatal(err)
		}
		// A local time in the hour that Berlin has twice reads as either instant.
		const twice = time.Hour
		if connected.After(noon()) || connected.Before(noon().Add(-evdata.Window-twice)) {
			t.Fatalf("connectionTime %s %s: want the day before %s", r.ConnectionTime, r.Timezone, noon())
		}
		zones[r.Timezone]++
		hours[connected.UTC().Format("02T15")]++
	}
	if len(zones) < 3 {
		t.Errorf("zones %v: want a handful", zones)
	}
	if len(hours) < 24 {
		t.Errorf("connection times fall in %d hours %v: want all of the last 24", len(hours), hours)
	}
}

func TestSameSeedSameRecords(t *testing.T) {
	run := func(seed uint64, malformed float64) []string {
		g := newGenerator(t, seed, malformed)
		var lines []string
		for range 500 {
			data, _, _ := g.Append(nil)
			lines = append(lines, string(data))
		}
		return lines
	}
	same := func(a, b []string) int {
		n := 0
		for i := range a {
			if a[i] == b[i] {
				n++
			}
		}
		return n
	}
	if n := same(run(7, 0.1), run(7, 0.1)); n != 500 {
		t.Errorf("two runs with one seed agree in %d of 500 records", n)
	}
	if n := same(run(7, 0), run(8, 0)); n != 0 {
		t.Errorf("two seeds share %d records", n)
	}
	if n := same(run(7, 0), run(7, 0.1)); n < 400 || n == 500 {
		t.Errorf("with a tenth malformed, %d of 500 records are as without: want the sound ones unchanged", n)
	}
}

func TestMalformedKinds(t *testing.T) {
	type fields = map[string]any
	isObject := func(data []byte) (fields, bool) {
		var f fields
		err := json.Unmarshal(data, &f)
		return f, err == nil && f != nil
	}
	g := newGenerator(t, 3, 0.5)
	seen := map[evdata.Kind]int{}
	const records = 12_000
	for range records {
		data, _, kind := g.Append(nil)
		seen[kind]++
		f, object := isObject(data)
		var ok bool
		switch kind {
		case evdata.Sound:
			ok = object && len(f) == 8
		case evdata.NotJSON:
			ok = !json.Valid(data) && utf8.Valid(data)
		case evdata.NotUTF8:
			ok = !json.Valid(data) && !utf8.Valid(data)
		case evdata.NotObject:
			ok = json.Valid(data) && !object
		case evdata.WrongType:
			_, text := f["kWhDelivered"].(string)
			_, name := f["stationID"].(string)
			_, number := f["connectionTime"].(float64)
			ok = object && len(f) == 8 && (text || name || number)
		case evdata.MissingField:
			ok = object && len(f) == 7
		case evdata.TooLarge:
			space, _ := f["spaceID"].(string)
			ok = object && len(f) == 8 && len(space) > 100
		}
		if !ok {
			t.Fatalf("not of kind %v: %q", kind, data)
		}
	}
	if got := float64(records-seen[evdata.Sound]) / records; math.Abs(got-0.5) > 0.02 {
		t.Errorf("share of malformed records is %.3f: want 0.5", got)
	}
	for _, kind := range evdata.Kinds()[1:] {
		if n := seen[kind]; n < 900 || n > 1100 {
			t.Errorf("%d records of kind %v: want a sixth of about 6000", n, kind)
		}
	}
}

func TestShareOfMalformedIsRefused(t *testing.T) {
	for _, share := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := evdata.NewGenerator(1, noon, share); err == nil {
			t.Errorf("share %v was accepted", share)
		}
	}
}

// TestGeneratingDoesNotAllocate is why a run's memory does not grow with its
// length, and most of why it is fast.
func TestGeneratingDoesNotAllocate(t *testing.T) {
	g := newGenerator(t, 1, 0)
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(1000, func() { buf, _, _ = g.Append(buf[:0]) }); n > 0 {
		t.Errorf("%v allocations a record: want none into a buffer with room", n)
	}
}

// BenchmarkGenerate makes and encodes one record, with its key as the text that
// a Kinesis request needs.
func BenchmarkGenerate(b *testing.B) {
	g, err := evdata.NewGenerator(1, time.Now, 0)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		var id evdata.UUID
		buf, id, _ = g.Append(buf[:0])
		bytes += len(buf) + len(id.String())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.SetBytes(int64(bytes / b.N))
}
