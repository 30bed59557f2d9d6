package evdata_test

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
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

var (
	uuid   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	space  = regexp.MustCompile(`^[a-z]+-([1-9]|1[0-9]|20)$`)
	energy = regexp.MustCompile(`"kWhDelivered":[0-9]+\.[0-9]{2},`)
)

// checkSound reads a record as a consumer does, holds every field against the
// tutorial's ranges and the columns of the typed view, and returns its time.
func checkSound(t *testing.T, data []byte, key evdata.UUID, now time.Time) time.Time {
	t.Helper()
	var r struct {
		ID             string  `json:"_id"`
		ClusterID      int     `json:"clusterID,string"`
		ConnectionTime string  `json:"connectionTime"`
		KWhDelivered   float64 `json:"kWhDelivered"`
		StationID      int     `json:"stationID"`
		SpaceID        string  `json:"spaceID"`
		Timezone       string  `json:"timezone"`
		UserID         int     `json:"userID,string"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	zone, err := time.LoadLocation(r.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	connected, err := time.ParseInLocation(time.DateTime, r.ConnectionTime, zone)
	if err != nil {
		t.Fatal(err)
	}
	// A local time in the hour that comes twice reads as either instant.
	const twice = time.Hour
	for rule, holds := range map[string]bool{
		"_id is a version 4 UUID and the partition key": uuid.MatchString(r.ID) && r.ID == key.String(),
		"clusterID is 1 to 50":                          r.ClusterID >= 1 && r.ClusterID <= 50,
		"kWhDelivered is 500.00 to 1500.00":             r.KWhDelivered >= 500 && r.KWhDelivered <= 1500 && energy.Match(data),
		"stationID is 1 to 467":                         r.StationID >= 1 && r.StationID <= 467,
		"spaceID is a word and a number up to 20":       space.MatchString(r.SpaceID) && len(r.SpaceID) <= 100,
		"timezone fits its column":                      len(r.Timezone) <= 30,
		"userID is 1000 to 500000":                      r.UserID >= 1000 && r.UserID <= 500000,
		"connectionTime is in the day before now":       !connected.After(now.Add(twice)) && !connected.Before(now.Add(-evdata.Window-twice)),
	} {
		if !holds {
			t.Errorf("%s, at %s: it does not hold that %s", data, now, rule)
		}
	}
	return connected
}

// TestRecordsFitTheirColumns reads many records.
func TestRecordsFitTheirColumns(t *testing.T) {
	g := newGenerator(t, 1, 0)
	zones, hours := map[string]int{}, map[string]int{}
	for range 5_000 {
		data, key, kind := g.Append(nil)
		if kind != evdata.Sound {
			t.Fatalf("kind %v without any malformed records asked for", kind)
		}
		connected := checkSound(t, data, key, noon())
		hours[connected.UTC().Format("02T15")]++
		zones[connected.Location().String()]++
	}
	if len(zones) < 3 {
		t.Errorf("zones %v: want a handful", zones)
	}
	if len(hours) < 24 {
		t.Errorf("connection times fall in %d hours %v: want all of the last 24", len(hours), hours)
	}
}

func TestSameSeedSameRecords(t *testing.T) {
	// same counts the records that two generators have in common, place by place.
	same := func(a, b *evdata.Generator) int {
		n := 0
		for range 500 {
			one, _, _ := a.Append(nil)
			other, _, _ := b.Append(nil)
			if string(one) == string(other) {
				n++
			}
		}
		return n
	}
	if n := same(newGenerator(t, 7, 0.1), newGenerator(t, 7, 0.1)); n != 500 {
		t.Errorf("two runs with one seed agree in %d of 500 records", n)
	}
	if n := same(newGenerator(t, 7, 0), newGenerator(t, 8, 0)); n != 0 {
		t.Errorf("two seeds share %d records", n)
	}
	if n := same(newGenerator(t, 7, 0), newGenerator(t, 7, 0.1)); n < 400 || n == 500 {
		t.Errorf("with a tenth malformed, %d of 500 records are as without: want the sound ones unchanged", n)
	}
}

// isOf says whether data is what a kind promises.
func isOf(kind evdata.Kind, data []byte) bool {
	var f map[string]any
	object := json.Unmarshal(data, &f) == nil && f != nil
	switch kind {
	case evdata.Sound:
		return object && len(f) == 8
	case evdata.NotJSON:
		return !json.Valid(data) && utf8.Valid(data)
	case evdata.NotUTF8:
		return !json.Valid(data) && !utf8.Valid(data)
	case evdata.NotObject:
		return json.Valid(data) && !object
	case evdata.WrongType:
		_, energy := f["kWhDelivered"].(string)
		_, station := f["stationID"].(string)
		_, connected := f["connectionTime"].(float64)
		return object && len(f) == 8 && (energy || station || connected)
	case evdata.MissingField:
		return object && len(f) == 7
	}
	space, _ := f["spaceID"].(string)
	return object && len(f) == 8 && len(space) > 100 // TooLarge
}

// TestMalformedKinds: a share of the records is malformed, of every kind in turn.
func TestMalformedKinds(t *testing.T) {
	g := newGenerator(t, 3, 0.5)
	seen := map[evdata.Kind]int{}
	const records = 12_000
	for range records {
		data, _, kind := g.Append(nil)
		seen[kind]++
		if !isOf(kind, data) {
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
