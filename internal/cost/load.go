package cost

import (
	"fmt"
	"math"

	"example.com/evstream/internal/number"
)

// What Kinesis takes and gives. A shard's limits are the same in both modes.
// https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
// https://docs.aws.amazon.com/streams/latest/dev/working-with-streams.html
const (
	shardRecordsIn = 1000
	shardBytesIn   = 1 * mb
	shardBytesOut  = 2 * mb

	// A GetRecords call returns up to 10,000 records and 10 MB; a shard answers
	// 5 a second, whoever asks.
	getRecords  = 10000
	getBytes    = 10 * mb
	getsASecond = 5

	// A PutRecords call.
	putRecords = 500
	putBytes   = 10 * mb

	maxRecord     = 10 * mb // the most a stream can be set to take
	defaultRecord = 1 * mb  // what it takes unless it is set; Redshift skips more

	// A new stream on demand, and the largest in us-east-1, in shards. The page
	// says 4 MB/s and 10 GB/s; what they are in records is inferred.
	onDemandStart = 4
	onDemandMost  = 10 * 1024

	// The shards of an account in us-east-1, unless its quota was raised.
	accountShards = 20000

	// AWS says that a refresh takes in hundreds of MB a second. This is the least
	// that can mean.
	// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion.html
	refreshBytes = 100 * mb
)

func (s Settings) bytesPerSecond() float64 { return s.EventsPerSecond * float64(s.BytesPerEvent) }

func (s Settings) gbPerMonth() float64 { return s.bytesPerSecond() * secondsPerMonth / gb }

func (s Settings) volume() string {
	return fmt.Sprintf("%s/s × %s B × %d h = %s GB", number.Format(s.EventsPerSecond), number.Format(s.BytesPerEvent), HoursPerMonth, number.Format(s.gbPerMonth()))
}

// shardsFull is how many shards the load fills.
func (s Settings) shardsFull() float64 {
	return max(s.EventsPerSecond/shardRecordsIn, s.bytesPerSecond()/shardBytesIn)
}

// ShardsNeeded is how many shards the load needs if its partition keys spread it
// evenly.
func (s Settings) ShardsNeeded() int { return max(1, int(math.Ceil(s.shardsFull()))) }

// shards is how many shards the stream has, or for a stream on demand how many it
// works like: those of a new one, or enough for the load.
func (s Settings) shards() float64 {
	switch {
	case s.StreamMode == OnDemand:
		return max(onDemandStart, s.shardsFull())
	case s.Shards > 0:
		return float64(s.Shards)
	}
	return float64(s.ShardsNeeded())
}

// readLimit is how many bytes can be read of the stream in a second.
func (s Settings) readLimit() float64 { return s.shards() * shardBytesOut }

// PutRecordsPerSecond is how many PutRecords calls a second the load needs at
// least, each with as many records as it takes.
func (s Settings) PutRecordsPerSecond() float64 {
	return max(s.EventsPerSecond/putRecords, s.bytesPerSecond()/putBytes)
}

// MBPerSecond is what the load writes.
func (s Settings) MBPerSecond() float64 { return s.bytesPerSecond() / mb }
