package warehouse_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/warehouse"
)

func TestRefreshTakesEachRecordOnce(t *testing.T) {
	f := newFixture(t)
	f.put("early", "0") // before the view: it starts at TRIM_HORIZON
	f.exec(streamingView...)
	f.want("SELECT COUNT(*) FROM raw", "0") // nothing happens by itself
	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.want("SELECT partition_key FROM raw", "early")

	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.want("SELECT COUNT(*) FROM raw", "1")
	for i := range 5000 {
		f.put("key "+string(rune('a'+i%20)), "x")
	}
	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.want("SELECT COUNT(*), COUNT(DISTINCT partition_key) FROM raw", "5001 | 21")
	f.want("SELECT TRIM(status) FROM sys_mv_refresh_history WHERE mv_name = 'raw' ORDER BY start_time",
		"Refresh successfully updated MV incrementally",
		"Refresh successfully updated MV incrementally. Stream returned no new data.",
		"Refresh successfully updated MV incrementally")
	f.want("SELECT SUM(scanned_rows), SUM(scanned_bytes), SUM(skipped_rows) FROM sys_stream_scan_states WHERE stream_name = '"+stream+"'", "5001 | 5001 | 0")

	t.Run("a record of later is the next refresh's", func(t *testing.T) {
		f.put("late", "x")
		f.clock.advance(-time.Second)
		f.exec("REFRESH MATERIALIZED VIEW raw")
		f.want("SELECT COUNT(*) FROM raw WHERE partition_key = 'late'", "0")
		f.clock.advance(time.Second)
		f.exec("REFRESH MATERIALIZED VIEW raw", "DELETE FROM raw WHERE partition_key = 'late'")
		f.want("SELECT COUNT(*) FROM raw", "5001")
	})
	t.Run("a reader's transaction that is rolled back gives the records back", func(t *testing.T) {
		f.put("again", "x")
		f.exec("BEGIN", "REFRESH MATERIALIZED VIEW raw")
		f.want("SELECT COUNT(*) FROM raw WHERE partition_key = 'again'", "1")
		f.exec("ROLLBACK")
		f.want("SELECT COUNT(*) FROM raw WHERE partition_key = 'again'", "0")
		f.exec("REFRESH MATERIALIZED VIEW raw")
		f.want("SELECT COUNT(*) FROM raw WHERE partition_key = 'again'", "1")
	})
	t.Run("deleted rows don't come back", func(t *testing.T) {
		f.exec("DELETE FROM raw WHERE partition_key = 'again'", "REFRESH MATERIALIZED VIEW raw")
		f.want("SELECT COUNT(*) FROM raw WHERE partition_key = 'again'", "0")
		f.exec("TRUNCATE raw")
		f.want("SELECT COUNT(*) FROM raw", "0")
	})
	t.Run("a view that is made again starts over", func(t *testing.T) {
		f.exec("DROP MATERIALIZED VIEW raw", streamingView[1], "REFRESH MATERIALIZED VIEW raw")
		f.want("SELECT COUNT(*) FROM raw", "5003")
	})
	t.Run("columns of a stream", func(t *testing.T) {
		f.exec("CREATE MATERIALIZED VIEW whole AS SELECT * FROM evdata."+stream, "REFRESH MATERIALIZED VIEW whole")
		f.want("SELECT column_name || ' ' || data_type FROM svv_columns WHERE table_name = 'whole' ORDER BY ordinal_position",
			"approximate_arrival_timestamp timestamp without time zone", "partition_key character varying", "shard_id character varying",
			"sequence_number character varying", "refresh_time timestamp without time zone", "kinesis_data binary varying")
		f.want("SELECT approximate_arrival_timestamp, shard_id, refresh_time, kinesis_data FROM whole WHERE partition_key = 'early'",
			"2026-03-01 12:00:01 | "+f.rows("SELECT shard_id FROM whole WHERE partition_key = 'early'")[0]+" | "+f.clock.Now().Format(time.DateTime)+" | 30")
	})
}

func TestRefreshesAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	f.exec(streamingView...)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s := f.connect()
			defer s.Close()
			for range 20 {
				if _, err := s.Execute(t.Context(), "REFRESH MATERIALIZED VIEW raw"); err != nil {
					t.Error(err)
				}
				if err := f.AutoRefresh(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := s.Execute(t.Context(), "ALTER MATERIALIZED VIEW raw AUTO REFRESH YES"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 500 {
		f.put("k", "x")
	}
	all.Wait()
	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.want("SELECT COUNT(*), COUNT(DISTINCT LENGTH(kinesis_data)) FROM raw", "500 | 1")

	f.put("k", "x")
	f.exec("BEGIN", "REFRESH MATERIALIZED VIEW raw")
	if err := f.AutoRefresh(t.Context()); err == nil {
		t.Error("two transactions took the same record")
	}
	f.exec("COMMIT")
	f.want("SELECT COUNT(*) FROM raw", "501")
}

func TestRefreshFollowsResharding(t *testing.T) {
	f := newFixture(t)
	f.exec(streamingView...)
	keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	write := func() {
		for _, k := range keys {
			f.put(k, "x")
		}
	}
	write()
	f.exec("REFRESH MATERIALIZED VIEW raw")
	if _, err := f.kinesis.UpdateStream(fakekinesis.StreamSettings{Name: stream, Shards: 4, MaxRecordKiB: 2048}); err != nil {
		t.Fatal(err)
	}
	write()
	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.want("SELECT COUNT(*), MIN(n), MAX(n) FROM (SELECT partition_key, COUNT(*) AS n FROM raw GROUP BY partition_key) AS k", "8 | 2 | 2")
}

func TestOversizedRecordsAreSkippedAndLogged(t *testing.T) {
	f := newFixture(t, func(o *warehouse.Options) { o.MaxRecordBytes = 10 })
	f.exec(streamingView...)
	f.put("k", strings.Repeat("x", 11))
	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.put("k", strings.Repeat("x", 10), strings.Repeat("x", 12))
	f.exec("REFRESH MATERIALIZED VIEW raw")
	f.want("SELECT COUNT(*), MAX(LENGTH(kinesis_data)) FROM raw", "1 | 10")
	f.want("SELECT stream_timestamp, error_reason FROM sys_stream_scan_errors ORDER BY record_time",
		"2026-03-01 12:00:01 | The record is longer than 10 bytes and was skipped.", "2026-03-01 12:00:03 | The record is longer than 10 bytes and was skipped.")
	f.want("SELECT status FROM sys_mv_refresh_history ORDER BY start_time",
		"Refresh successfully updated MV incrementally. All records received from the stream were skipped.",
		"Refresh successfully updated MV incrementally. Some stream records were skipped.")
}

func TestAStreamWithUpperCase(t *testing.T) {
	f := newFixture(t)
	f.createStream("EV-Stream")
	const create = `CREATE MATERIALIZED VIEW upper_case AUTO REFRESH YES AS SELECT kinesis_data FROM evdata."EV-Stream"`
	f.exec(streamingView[0])
	f.fails(create, `Kinesis stream "ev-stream" not found`)
	f.exec("SET enable_case_sensitive_identifier TO true", create, "REFRESH MATERIALIZED VIEW upper_case")
	if err := f.AutoRefresh(t.Context()); err == nil || !strings.Contains(err.Error(), "needs enable_case_sensitive_identifier in the workgroup's parameters") {
		t.Errorf("the setting of a session reached the automatic refresh: %v", err)
	}
	if err := f.UpdateWorkgroup(warehouse.Workgroup{Name: "ev", Namespace: "ev", CaseSensitiveIdentifiers: true}); err != nil {
		t.Fatal(err)
	}
	if err := f.AutoRefresh(t.Context()); err != nil {
		t.Error(err)
	}
	f.session = f.connect()
	f.want("SHOW enable_case_sensitive_identifier", "on")
}

func TestTheStreamingRole(t *testing.T) {
	schema, raw := streamingView[0], streamingView[1]
	denied := map[string]bool{} // action and resource
	walled := map[string]bool{} // the same, by the network
	f := newFixture(t, func(o *warehouse.Options) {
		o.Reach = func(_, roleARN, action, resource string) error {
			if roleARN == role && walled[action+" "+resource] {
				return errors.New("no way out")
			}
			return nil
		}
		o.Authorize = func(roleARN, action, resource string) error {
			if roleARN == role && denied[action+" "+resource] {
				return errors.New("denied")
			}
			return nil
		}
	})
	const streamARN = "arn:aws:kinesis:us-east-1:123456789012:stream/" + stream
	for statement, want := range map[string]string{
		"CREATE EXTERNAL SCHEMA x FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/other'": "is not associated",
		"CREATE EXTERNAL SCHEMA x FROM KINESIS IAM_ROLE 'streaming'":                            "not the ARN of a role",
		"CREATE EXTERNAL SCHEMA x FROM KINESIS IAM_ROLE '" + role + "," + role + "'":            "not supported",
		"CREATE EXTERNAL SCHEMA x FROM KINESIS REGION 'eu-west-1' IAM_ROLE default":             "not supported",
		"CREATE EXTERNAL SCHEMA x FROM DATA CATALOG DATABASE 'x' IAM_ROLE default":              "not supported",
		"CREATE EXTERNAL SCHEMA x FROM KINESIS":                                                 "syntax error at end of input",
		"ALTER EXTERNAL SCHEMA x IAM_ROLE default":                                              "not supported",
	} {
		f.fails(statement, want)
	}
	denied["sts:AssumeRole "+role] = true
	f.fails(schema, "Not authorized to get credentials of role "+role)
	clear(denied)
	f.exec("CREATE EXTERNAL SCHEMA IF NOT EXISTS evdata FROM KINESIS REGION 'us-east-1' IAM_ROLE default")
	f.exec("CREATE EXTERNAL SCHEMA IF NOT EXISTS evdata FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/other'") // looks at nothing
	f.fails(schema, `schema "evdata" already exists`)
	f.want("SELECT schemaname, esoptions FROM svv_external_schemas", `evdata | {"IAM_ROLE":"`+role+`"}`)

	for _, action := range []string{"kinesis:DescribeStreamSummary", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards", "kinesis:DescribeStream"} {
		denied[action+" "+streamARN] = true
		f.fails(raw, "is not authorized to perform: "+action+" on resource: "+streamARN)
		clear(denied)
	}
	for _, call := range []string{"sts:AssumeRole " + role, "kinesis:GetRecords " + streamARN, "kinesis:ListStreams *"} {
		walled[call] = true
		action, _, _ := strings.Cut(call, " ")
		f.fails(raw, "Failed to connect for "+action+": no way out")
		clear(walled)
	}
	denied["kinesis:ListStreams *"] = true
	f.fails(raw, "is not authorized to perform: kinesis:ListStreams on resource: *")
	clear(denied)
	f.exec(raw)

	denied["kinesis:GetRecords "+streamARN] = true
	f.fails("REFRESH MATERIALIZED VIEW raw", "is not authorized to perform: kinesis:GetRecords")
	clear(denied)
	f.exec("REFRESH MATERIALIZED VIEW raw")
	if err := f.kinesis.DeleteStream(stream); err != nil {
		t.Fatal(err)
	}
	f.fails("REFRESH MATERIALIZED VIEW raw", `Kinesis stream "ev_stream_data" not found`)
}
