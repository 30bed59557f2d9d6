package kinesisput

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Stats counts records unless it says otherwise.
// Accepted is Delivered plus Failed plus those still on their way.
type Stats struct {
	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
	Bytes     int64 `json:"bytes"` // delivered, data and partition keys
	Requests  int64 `json:"requests"`
	Retries   int64 `json:"retries"`   // times that a record was sent again
	Throttled int64 `json:"throttled"` // times that a record was refused because a write limit was reached

	// Uncertain is how many times the outcome of sending a record stayed
	// unknown. The stream holds at least Delivered and at most Delivered plus
	// Uncertain of this writer's records, duplicates counted.
	Uncertain int64 `json:"uncertain"`
}

// Latency is a distribution of durations.
type Latency struct {
	P50, P90, P99, Max time.Duration
}

type latencies struct{ request, record histogram }

func newLatencies() latencies { return latencies{newHistogram(), newHistogram()} }

// histogram counts durations from a microsecond to an hour with three digits.
type histogram struct{ *hdrhistogram.Histogram }

func newHistogram() histogram {
	return histogram{hdrhistogram.New(1, time.Hour.Microseconds(), 3)}
}

func (h histogram) add(d time.Duration, n int64) {
	// The error is that of a value out of range, which the clamp excludes.
	_ = h.RecordValues(min(max(d.Microseconds(), 1), time.Hour.Microseconds()), n)
}

func (h histogram) summary() Latency {
	at := func(percent float64) time.Duration {
		return time.Duration(h.ValueAtQuantile(percent)) * time.Microsecond
	}
	return Latency{P50: at(50), P90: at(90), P99: at(99), Max: time.Duration(h.Max()) * time.Microsecond}
}
