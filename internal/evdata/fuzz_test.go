package evdata_test

import (
	"bytes"
	"testing"
	"time"

	"example.com/evstream/internal/evdata"
)

// FuzzGenerator: for each seed, time and share of malformed records, a record is what its
// kind says, and the same again for the same seed.
func FuzzGenerator(f *testing.F) {
	f.Add(uint64(1), noon().Unix(), 0.0)
	f.Add(uint64(1<<63), int64(0), 1.0)
	f.Add(uint64(7), time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC).Unix(), 0.5)                        // Berlin skips an hour
	f.Add(uint64(7), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix(), 1e-300)                     // the last year of four digits
	f.Add(uint64(0), time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC).Unix(), float64(evdata.TooLarge)) // no share
	f.Fuzz(func(t *testing.T, seed uint64, unix int64, malformed float64) {
		const last = 253_402_214_400 // 9999-12-31
		now := func() time.Time { return time.Unix(max(0, min(unix, last)), 0) }
		g, err := evdata.NewGenerator(seed, now, malformed)
		if in := malformed >= 0 && malformed <= 1; in != (err == nil) {
			t.Fatalf("a share of %v: error %v", malformed, err)
		} else if !in {
			return
		}
		again, err := evdata.NewGenerator(seed, now, malformed)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			data, id, kind := g.Append(nil)
			if same, _, _ := again.Append(nil); !bytes.Equal(data, same) {
				t.Fatalf("the same seed made %q and %q", data, same)
			}
			if !isOf(kind, data) {
				t.Fatalf("kind %v at %s: %q", kind, now(), data)
			}
			if kind == evdata.Sound {
				checkSound(t, data, id, now())
			}
		}
	})
}
