// Package evdata generates EV charging records like those of the electric vehicle
// tutorial for Redshift streaming ingestion: the same fields, types and ranges.
//
// A Generator with the same seed and the same clock generates the same records.
package evdata

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
	_ "time/tzdata" // the time zones must load on machines that have no zone files
)

// Window is how far back connection times reach.
const Window = 24 * time.Hour

// connectionLayout is how connectionTime is written: the station's local time.
const connectionLayout = time.DateTime

// Record is one charging session. Every value fits the columns of the view
// ev_station_data_extract.
type Record struct {
	ID          UUID
	ClusterID   int       // 1 to 50; text in JSON
	Connected   time.Time // in the station's time zone, whole seconds, never in the future
	CentiKWh    int       // hundredths of a kWh, 50000 to 150000; in JSON kWhDelivered, 500.00 to 1500.00
	StationID   int       // 1 to 467
	SpaceWord   string    // with SpaceNumber the spaceID, as in "harbor-7"
	SpaceNumber int       // 1 to 20
	UserID      int       // 1000 to 500000; text in JSON
}

// UUID is a random (version 4) UUID.
type UUID [16]byte

// AppendText appends the 36 characters of the usual notation to b.
func (u UUID) AppendText(b []byte) ([]byte, error) { return u.append(b), nil }

func (u UUID) String() string { return string(u.append(make([]byte, 0, 36))) }

func (u UUID) append(b []byte) []byte {
	b = append(hex.AppendEncode(b, u[0:4]), '-')
	b = append(hex.AppendEncode(b, u[4:6]), '-')
	b = append(hex.AppendEncode(b, u[6:8]), '-')
	b = append(hex.AppendEncode(b, u[8:10]), '-')
	return hex.AppendEncode(b, u[10:16])
}

// AppendJSON appends the record as one JSON object without a line end, in the
// field order of the tutorial's generator.
func (r Record) AppendJSON(b []byte) []byte { return r.appendJSON(b, none, 0) }

// appendJSON writes the record, spoilt in the way that flaw says. No text in a
// record needs JSON escapes.
func (r Record) appendJSON(b []byte, flaw flaw, padding int) []byte {
	b = append(b, `{"_id":"`...)
	b = r.ID.append(b)
	b = append(b, `","clusterID":"`...)
	b = strconv.AppendInt(b, int64(r.ClusterID), 10)
	b = append(b, '"')

	switch flaw {
	case connectionMissing:
	case connectionNumber:
		b = append(b, `,"connectionTime":`...)
		b = strconv.AppendInt(b, r.Connected.Unix(), 10)
	default:
		b = append(b, `,"connectionTime":"`...)
		b = r.Connected.AppendFormat(b, connectionLayout)
		b = append(b, '"')
	}

	switch flaw {
	case energyMissing:
	case energyText:
		b = append(b, `,"kWhDelivered":"unknown"`...)
	default:
		b = append(b, `,"kWhDelivered":`...)
		b = strconv.AppendInt(b, int64(r.CentiKWh/100), 10)
		b = append(b, '.', byte('0'+r.CentiKWh/10%10), byte('0'+r.CentiKWh%10))
	}

	if flaw == stationText {
		b = append(b, `,"stationID":"station `...)
		b = strconv.AppendInt(b, int64(r.StationID), 10)
		b = append(b, '"')
	} else {
		b = append(b, `,"stationID":`...)
		b = strconv.AppendInt(b, int64(r.StationID), 10)
	}

	b = append(b, `,"spaceID":"`...)
	b = append(b, r.SpaceWord...)
	for range padding {
		b = append(b, '-')
	}
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(r.SpaceNumber), 10)
	b = append(b, `","timezone":"`...)
	b = append(b, r.Connected.Location().String()...)
	b = append(b, '"')

	if flaw != userMissing {
		b = append(b, `,"userID":"`...)
		b = strconv.AppendInt(b, int64(r.UserID), 10)
		b = append(b, '"')
	}
	return append(b, '}')
}

// words are the first halves of spaceIDs.
var words = [...]string{
	"amber", "anchor", "basin", "beacon", "birch", "bridge", "canal", "cedar",
	"copper", "delta", "dune", "ember", "fern", "garden", "granite", "harbor",
	"hazel", "island", "juniper", "lagoon", "lantern", "maple", "meadow", "mill",
	"orchard", "pebble", "pier", "quarry", "river", "saddle", "summit", "willow",
}

// zones are where the stations stand.
var zones = [...]string{
	"America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Seoul", "Australia/Sydney",
}

// Generator makes records. It is not safe for concurrent use.
type Generator struct {
	now   func() time.Time
	rand  *rand.Rand
	zones [len(zones)]*time.Location

	spoil     *rand.Rand // of its own, so that the sound records of a seed do not depend on malformed
	malformed float64
	spoilt    int // how many malformed records were made
	scratch   []byte
}

// NewGenerator returns a generator whose records depend on nothing but seed and
// the times that now returns. A share of the records from 0 (none) to 1 (all)
// is malformed, of every kind in turn.
func NewGenerator(seed uint64, now func() time.Time, malformed float64) (*Generator, error) {
	if !(malformed >= 0 && malformed <= 1) {
		return nil, fmt.Errorf("share of malformed records is %v: it must be from 0 (none) to 1 (all)", malformed)
	}
	g := &Generator{
		now:       now,
		rand:      rand.New(rand.NewPCG(seed, 0)),
		spoil:     rand.New(rand.NewPCG(seed, 1)),
		malformed: malformed,
	}
	for i, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("load time zone: %w", err)
		}
		g.zones[i] = zone
	}
	return g, nil
}

// Next returns the next sound record. Connection times are spread evenly over
// the Window before now.
func (g *Generator) Next() Record {
	var r Record
	putUint64(r.ID[:8], g.rand.Uint64())
	putUint64(r.ID[8:], g.rand.Uint64())
	r.ID[6] = r.ID[6]&0x0f | 0x40 // version 4
	r.ID[8] = r.ID[8]&0x3f | 0x80 // the variant of RFC 9562

	ago := g.rand.Int64N(int64(Window / time.Second))
	r.Connected = time.Unix(g.now().Unix()-ago, 0).In(g.zones[g.rand.IntN(len(g.zones))])
	r.ClusterID = 1 + g.rand.IntN(50)
	r.CentiKWh = 50_000 + g.rand.IntN(100_001)
	r.StationID = 1 + g.rand.IntN(467)
	r.SpaceWord = words[g.rand.IntN(len(words))]
	r.SpaceNumber = 1 + g.rand.IntN(20)
	r.UserID = 1000 + g.rand.IntN(499_001)
	return r
}

// Append makes the next record, sound or malformed, and appends what is sent of
// it to b. It returns the extended buffer, the record's partition key (its id)
// and its kind.
func (g *Generator) Append(b []byte) ([]byte, UUID, Kind) {
	r := g.Next()
	if g.malformed == 0 || g.spoil.Float64() >= g.malformed {
		return r.AppendJSON(b), r.ID, Sound
	}
	n := g.spoilt
	g.spoilt++
	kind := malformedKinds[n%len(malformedKinds)]
	return g.appendMalformed(b, r, kind, n/len(malformedKinds)), r.ID, kind
}

func putUint64(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
}
