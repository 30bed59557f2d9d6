package warehouse

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"example.com/evstream/emulator/fakekinesis"
)

// A scan is the source of one refresh: the records of a stream from each shard's position
// to those that arrived when the refresh began. The engine pulls it, a chunk at a time, so that it holds few records.
type scan struct {
	streams  Streams
	stream   string
	maxBytes int
	start    time.Time

	shards    []*shardScan
	at        int // the shard being read
	batch     []fakekinesis.Record
	oversized []fakekinesis.Record // without their data
	rows      int64
	skipped   int64
}

type shardScan struct {
	id             string
	position       string
	rows, skipped  int64
	bytes          int64
	oldest, newest time.Time
}

func (d *database) begin(sc *scan) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serial++
	name := "scan " + strconv.Itoa(d.serial)
	d.scans[name] = sc
	return name
}

func (d *database) finish(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.scans, name)
}

// registerScan adds the table function kinesis_scan(name), which reads the scan of that
// name. A name that is no scan, such as the placeholder of a view that is being created, is empty.
func registerScan(conn *sql.Conn, d *database) error {
	err := duckdb.RegisterTableUDF(conn, "kinesis_scan", duckdb.ChunkTableFunction{
		Config: duckdb.TableFunctionConfig{Arguments: []duckdb.TypeInfo{simpleType(duckdb.TYPE_VARCHAR)}},
		BindArguments: func(_ map[string]any, args ...any) (duckdb.ChunkTableSource, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if sc, ok := d.scans[args[0].(string)]; ok {
				return sc, nil
			}
			return &scan{}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("register kinesis_scan: %w", err)
	}
	return nil
}

// ColumnInfos gives a stream's columns in their documented order.
func (sc *scan) ColumnInfos() []duckdb.ColumnInfo {
	types := []duckdb.Type{duckdb.TYPE_TIMESTAMP, duckdb.TYPE_VARCHAR, duckdb.TYPE_VARCHAR, duckdb.TYPE_VARCHAR, duckdb.TYPE_TIMESTAMP, duckdb.TYPE_BLOB}
	infos := make([]duckdb.ColumnInfo, len(types))
	for i, t := range types {
		infos[i] = duckdb.ColumnInfo{Name: streamColumns[i], T: simpleType(t)}
	}
	return infos
}

func (sc *scan) Cardinality() *duckdb.CardinalityInfo { return nil }

func (sc *scan) Init() {}

// FillChunk hands the engine the next records; an empty chunk ends the scan.
func (sc *scan) FillChunk(chunk duckdb.DataChunk) error {
	size := 0
	for size < duckdb.GetDataChunkCapacity() {
		rec, ok, err := sc.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		for column, v := range []any{rec.ArrivedAt.UTC(), rec.PartitionKey, rec.ShardID, rec.SequenceNumber, sc.start, rec.Data} {
			if err := chunk.SetValue(column, size, v); err != nil {
				return fmt.Errorf("take record %s: %w", rec.SequenceNumber, err)
			}
		}
		size++
	}
	return chunk.SetSize(size)
}

// next gives the next record that is not oversized.
func (sc *scan) next() (fakekinesis.Record, bool, error) {
	for {
		if len(sc.batch) == 0 {
			if sc.at == len(sc.shards) {
				return fakekinesis.Record{}, false, nil
			}
			sh := sc.shards[sc.at]
			var err error
			if sc.batch, err = sc.streams.ReadAfter(sc.stream, sh.id, sh.position, duckdb.GetDataChunkCapacity()); err != nil {
				return fakekinesis.Record{}, false, fmt.Errorf("read %s of stream %s: %w", sh.id, sc.stream, err)
			}
			if len(sc.batch) == 0 {
				sc.at++
				continue
			}
		}
		rec, sh := sc.batch[0], sc.shards[sc.at]
		if rec.ArrivedAt.After(sc.start) {
			// What came since then is the next refresh's. So a refresh ends however
			// fast records come.
			sc.batch = nil
			sc.at++
			continue
		}
		sc.batch = sc.batch[1:]
		sh.position = rec.SequenceNumber
		if sh.oldest.IsZero() {
			sh.oldest = rec.ArrivedAt.UTC()
		}
		sh.newest = rec.ArrivedAt.UTC()
		if len(rec.Data) > sc.maxBytes {
			rec.Data = nil
			sc.oversized = append(sc.oversized, rec)
			sc.skipped++
			sh.skipped++
			continue
		}
		sc.rows++
		sh.rows++
		sh.bytes += int64(len(rec.Data))
		return rec, true, nil
	}
}
