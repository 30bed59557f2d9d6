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

const (
	door = "CREATE EXTERNAL SCHEMA evdata FROM KINESIS IAM_ROLE '" + role + "'"
	raw  = "CREATE MATERIALIZED VIEW raw AUTO REFRESH YES AS SELECT partition_key, kinesis_data FROM evdata." + stream
)

func TestRefreshTakesEachRecordOnce(t *testing.T) {
	f := newFixture(t)
	f.put("early", "0") // before the view: it starts at TRIM_HORIZON
	f.exec(door, raw)
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
		f.exec("DROP MATERIALIZED VIEW raw", raw, "REFRESH MATERIALIZED VIEW raw")
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
	f.exec(door, raw)
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
	f.exec(door, raw)
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
	f.exec(door, raw)
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

// TestAConversionErrorStopsAStreamingView shows why the shipped view converts nothing.
func TestAConversionErrorStopsAStreamingView(t *testing.T) {
	f := newFixture(t)
	f.exec(door, `CREATE MATERIALIZED VIEW typed AUTO REFRESH YES AS
		SELECT json_extract_path_text(from_varbyte(kinesis_data, 'utf-8'), 'kWhDelivered', true)::DECIMAL(10,2) AS kwh
		FROM evdata.`+stream)
	f.put("k", `{"kWhDelivered":1.5}`)
	f.exec("REFRESH MATERIALIZED VIEW typed")
	f.put("k", `{"kWhDelivered":2.5}`, `{"kWhDelivered":"abc"}`, `{"kWhDelivered":3.5}`)
	for range 2 {
		f.fails("REFRESH MATERIALIZED VIEW typed", "Invalid digit, Value 'abc'")
		if err := f.AutoRefresh(t.Context()); err == nil || !strings.Contains(err.Error(), "Invalid digit") {
			t.Errorf("the automatic refresh gave %v, want the conversion error", err)
		}
	}
	f.want("SELECT kwh FROM typed", "1.50") // not even the record before
	f.want("SELECT refresh_type, COUNT(*) FROM sys_mv_refresh_history WHERE status LIKE 'Refresh failed%' GROUP BY refresh_type ORDER BY 1", "Auto | 2", "Manual | 2")
	f.exec("DROP MATERIALIZED VIEW typed")
	if err := f.AutoRefresh(t.Context()); err != nil {
		t.Errorf("after the view was dropped: %v", err)
	}
}

func TestAutoRefresh(t *testing.T) {
	f := newFixture(t)
	f.exec(door, raw, strings.NewReplacer("raw", "manual", " AUTO REFRESH YES", "").Replace(raw))
	step := func() {
		t.Helper()
		if err := f.AutoRefresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.put("k", "1")
	step()
	step() // finds nothing, and says nothing of it
	f.want("SELECT COUNT(*) FROM raw", "1")
	f.want("SELECT COUNT(*) FROM manual", "0")
	f.want("SELECT refresh_type, status FROM sys_mv_refresh_history", "Auto | Refresh successfully updated MV incrementally")
	f.want("SELECT name, autorefresh, state FROM svv_mv_info ORDER BY name", "manual | f | 1", "raw | t | 1")

	f.exec("ALTER MATERIALIZED VIEW raw AUTO REFRESH NO", "ALTER MATERIALIZED VIEW manual AUTO REFRESH YES", "ALTER MATERIALIZED VIEW manual ALTER SORTKEY (partition_key)")
	f.put("k", "2")
	step()
	f.want("SELECT COUNT(*) FROM raw", "1")
	f.want("SELECT COUNT(*) FROM manual", "2")
}

func TestAStreamWithUpperCase(t *testing.T) {
	f := newFixture(t)
	if _, err := f.kinesis.CreateStream(fakekinesis.StreamSettings{Name: "EV-Stream", Shards: 1}); err != nil {
		t.Fatal(err)
	}
	const create = `CREATE MATERIALIZED VIEW upper_case AUTO REFRESH YES AS SELECT kinesis_data FROM evdata."EV-Stream"`
	f.exec(door)
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

func TestCreateMaterializedView(t *testing.T) {
	f := newFixture(t)
	f.exec(door, "CREATE TABLE t (n INTEGER, doc SUPER)", "CREATE VIEW v AS SELECT n FROM t")
	const from = " FROM evdata." + stream
	for statement, want := range map[string]string{
		"CREATE MATERIALIZED VIEW x SORTKEY (partition_key) DISTSTYLE EVEN AS SELECT *" + from:               `syntax error at or near "DISTSTYLE"`,
		"CREATE MATERIALIZED VIEW x AUTO REFRESH YES SORTKEY (partition_key) AS SELECT *" + from:             `syntax error at or near "SORTKEY"`,
		"CREATE MATERIALIZED VIEW IF NOT EXISTS x AS SELECT *" + from:                                        `syntax error at or near "IF"`,
		"CREATE OR REPLACE MATERIALIZED VIEW x AS SELECT *" + from:                                           "not supported",
		"CREATE MATERIALIZED VIEW x DISTKEY (6) AS SELECT *" + from:                                          "can be neither DISTKEY nor SORTKEY",
		"CREATE MATERIALIZED VIEW x DISTSTYLE KEY AS SELECT *" + from:                                        "requires a DISTKEY",
		"CREATE MATERIALIZED VIEW x SORTKEY (nothing) AS SELECT *" + from:                                    `column "nothing"`,
		"CREATE MATERIALIZED VIEW x SORTKEY (p) AS SELECT JSON_PARSE(kinesis_data) AS p" + from:              "can be neither DISTKEY nor SORTKEY",
		"CREATE MATERIALIZED VIEW x AS SELECT *" + from + "_none":                                            `Kinesis stream "ev_stream_data_none" not found`,
		"CREATE MATERIALIZED VIEW x AS SELECT JSON_PARSE(kinesis_data) AS p, p.n::INTEGER AS n" + from:       "Column aliases are not supported.",
		"CREATE MATERIALIZED VIEW x AS SELECT p.kinesis_data FROM (SELECT *" + from + ") AS p":               "joins and subqueries are not supported",
		"CREATE MATERIALIZED VIEW x AS WITH p AS (SELECT *" + from + ") SELECT * FROM p":                     "common table expressions are not supported",
		"CREATE MATERIALIZED VIEW x AS SELECT a.partition_key" + from + " AS a, evdata." + stream + " AS b":  "one stream only",
		"CREATE MATERIALIZED VIEW x AS SELECT a.partition_key" + from + " AS a JOIN t ON t.n = 1":            "joins and subqueries are not supported",
		"CREATE MATERIALIZED VIEW x AS SELECT partition_key" + from + " WHERE partition_key IN (SELECT 'a')": "Subqueries are not supported.",
		"CREATE MATERIALIZED VIEW x AS SELECT partition_key" + from + " ORDER BY 1":                          "ORDER BY, LIMIT",
		"CREATE MATERIALIZED VIEW x AS SELECT partition_key" + from + " LIMIT 1":                             "ORDER BY, LIMIT",
		"CREATE MATERIALIZED VIEW x AS SELECT DISTINCT partition_key" + from:                                 "DISTINCT are not supported",
		"CREATE MATERIALIZED VIEW x AS SELECT GETDATE() AS at" + from:                                        "mutable function getdate",
		"CREATE MATERIALIZED VIEW x AS SELECT ROW_NUMBER() OVER () AS n" + from:                              "window functions are not supported",
		"CREATE MATERIALIZED VIEW x AS SELECT partition_key" + from + " UNION ALL SELECT 'a'":                "set operations",
		"CREATE MATERIALIZED VIEW x AS SELECT COUNT(*) AS n" + from:                                          "an aggregation in a streaming view: not supported by the warehouse stand-in",
		"CREATE MATERIALIZED VIEW x AS SELECT n FROM v":                                                      "can't be defined on the standard view",
		"CREATE MATERIALIZED VIEW x AS SELECT n FROM t ORDER BY n":                                           "ORDER BY, LIMIT and OFFSET are not supported",
		"CREATE MATERIALIZED VIEW x AS SELECT GETDATE() AS at FROM t":                                        "mutable function getdate",
		"CREATE MATERIALIZED VIEW evdata.x AS SELECT *" + from:                                               "external schema",
		"CREATE TABLE evdata.x (n INTEGER)":                                                                  "external schema",
		"SELECT *" + from:                                                                                    "outside of a materialized view",
	} {
		f.fails(statement, want)
	}
	f.exec(raw)
	f.fails(raw, `relation "raw" already exists`)
	f.fails("CREATE TABLE raw (n INTEGER)", `relation "raw" already exists`)
	f.fails("INSERT INTO raw VALUES ('a', NULL)", `cannot insert into materialized view "raw"`)
	f.fails("DROP VIEW raw", `"raw" is not a view`)
	f.fails("REFRESH MATERIALIZED VIEW nothing", `materialized view "nothing" does not exist`)
	f.fails("REFRESH MATERIALIZED VIEW raw CASCADE", "not supported")
	f.exec("CREATE VIEW above AS SELECT partition_key FROM raw")
	f.fails("DROP MATERIALIZED VIEW raw", "cannot drop materialized view raw because other objects depend on it: above")
	f.fails("DROP SCHEMA evdata", "cannot drop schema evdata because other objects depend on it: raw")
	f.exec("DROP SCHEMA evdata CASCADE")
	f.want("SELECT COUNT(*) FROM svv_tables WHERE table_name IN ('raw', 'above')", "0")

	f.exec("INSERT INTO t (n) VALUES (1), (2)", "CREATE MATERIALIZED VIEW total AS SELECT SUM(n) AS n FROM t")
	f.want("SELECT n FROM total", "3")
	f.fails("CREATE MATERIALIZED VIEW more AUTO REFRESH YES AS SELECT n FROM total", "Auto-refresh is not supported for materialized views defined on other materialized views.")
	f.exec("CREATE MATERIALIZED VIEW more AS SELECT n FROM total", "INSERT INTO t (n) VALUES (4)", "REFRESH MATERIALIZED VIEW total")
	f.want("SELECT total.n, more.n FROM total, more", "7 | 3")
}

func TestTheStreamingRole(t *testing.T) {
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
	f.fails(door, "Not authorized to get credentials of role "+role)
	clear(denied)
	f.exec("CREATE EXTERNAL SCHEMA IF NOT EXISTS evdata FROM KINESIS REGION 'us-east-1' IAM_ROLE default")
	f.exec("CREATE EXTERNAL SCHEMA IF NOT EXISTS evdata FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/other'") // looks at nothing
	f.fails(door, `schema "evdata" already exists`)
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

// Nothing here uses RPUs, so that there is nothing to add up.
func TestServerlessUsage(t *testing.T) {
	f := newFixture(t)
	f.want(`SELECT COUNT(start_time), COUNT(end_time), SUM(compute_seconds), MAX(compute_capacity), MAX(data_storage),
		SUM(cross_region_transferred_data), SUM(charged_seconds) FROM sys_serverless_usage`, "0 | 0 | NULL | NULL | NULL | NULL | NULL")
	f.want(`SELECT start_time::DATE AS day, SUM(charged_seconds::FLOAT8) / 3600 AS rpu_hours FROM sys_serverless_usage GROUP BY 1`)
}
