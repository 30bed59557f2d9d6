package cost

import (
	"cmp"
	"fmt"
	"slices"
)

// A Limit is something that the load meets as it grows.
type Limit struct {
	Name   string  `json:"name"`
	Used   float64 `json:"used"`
	Most   float64 `json:"most"`
	Unit   string  `json:"unit"`
	Advice string  `json:"advice"` // what to change when it is met
}

// RecordSize names the limit that is the same for any number of records.
const RecordSize = "the size of one record"

// Share is how much of the limit the load uses.
func (l Limit) Share() float64 { return l.Used / l.Most }

// Limits returns the limits of a deployment, the one that binds first at the top.
func Limits(s Settings) ([]Limit, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var limits []Limit
	add := func(name string, used, most float64, unit, advice string) {
		limits = append(limits, Limit{name, used, most, unit, advice})
	}
	mbs := s.MBPerSecond()
	inMB, outMB := float64(shardBytesIn/mb), float64(shardBytesOut/mb)

	if !s.ExistingStream {
		shards := s.shards()
		if s.StreamMode == OnDemand {
			const warm = "it grows to twice the highest load of the last 30 days; raise the load step by step, or start PROVISIONED with enough shards"
			add("a new on-demand stream, records", s.EventsPerSecond, onDemandStart*shardRecordsIn, "records/s", warm)
			add("a new on-demand stream, bytes", mbs, onDemandStart*inMB, "MB/s", warm)
			const several = "use several streams, each with a view, or ask AWS for more"
			add("the largest on-demand stream, records", s.EventsPerSecond, onDemandMost*shardRecordsIn, "records/s", several)
			add("the largest on-demand stream, bytes", mbs, onDemandMost*inMB, "MB/s", several)
		} else {
			more := fmt.Sprintf("shardCount: %d, and more for what is not spread evenly", s.ShardsNeeded())
			add("shards, records written", s.EventsPerSecond, shards*shardRecordsIn, "records/s", more)
			add("shards, bytes written", mbs, shards*inMB, "MB/s", more)
			add("shards of an account", shards, accountShards, "shards", "ask AWS for a higher quota, or on-demand mode, which it does not count")
		}
		add("one view reading the shards", mbs, shards*outMB, "MB/s", "more shards; a second view on the stream doubles what is read")
		calls := max(s.EventsPerSecond/getRecords, s.bytesPerSecond()/getBytes) / shards
		add("GetRecords calls of one view, each shard", calls, getsASecond, "calls/s", "more shards, or fewer readers")
	}
	if s.EventsPerSecond > 0 {
		add(RecordSize, float64(s.BytesPerEvent), defaultRecord, "bytes", "smaller records: the stream refuses larger ones unless it is set to take them, and Redshift skips them then")
	}
	add("one view's refresh, documented as hundreds of MB/s", mbs, refreshBytes/mb, "MB/s",
		"measure it; then more baseCapacity, or several streams, each with a view")

	slices.SortStableFunc(limits, func(a, b Limit) int { return cmp.Compare(b.Share(), a.Share()) })
	return limits, nil
}
