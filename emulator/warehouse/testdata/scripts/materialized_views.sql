-- Materialized views over streams and tables.

CREATE EXTERNAL SCHEMA evdata FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/streaming';
--> done

CREATE TABLE t (n INTEGER, doc SUPER);
--> done

CREATE VIEW v AS SELECT n FROM t;
--> done

CREATE MATERIALIZED VIEW x SORTKEY (partition_key) DISTSTYLE EVEN AS SELECT * FROM evdata.ev_stream_data;
--> error: syntax error at or near "DISTSTYLE"

CREATE MATERIALIZED VIEW x AUTO REFRESH YES SORTKEY (partition_key) AS SELECT * FROM evdata.ev_stream_data;
--> error: syntax error at or near "SORTKEY"

CREATE MATERIALIZED VIEW IF NOT EXISTS x AS SELECT * FROM evdata.ev_stream_data;
--> error: syntax error at or near "IF"

CREATE OR REPLACE MATERIALIZED VIEW x AS SELECT * FROM evdata.ev_stream_data;
--> error: CREATE OR: not supported by the warehouse stand-in

CREATE MATERIALIZED VIEW x DISTKEY (6) AS SELECT * FROM evdata.ev_stream_data;
--> error: column "kinesis_data" of type varbyte can be neither DISTKEY nor SORTKEY

CREATE MATERIALIZED VIEW x DISTSTYLE KEY AS SELECT * FROM evdata.ev_stream_data;
--> error: DISTSTYLE KEY requires a DISTKEY column

CREATE MATERIALIZED VIEW x SORTKEY (nothing) AS SELECT * FROM evdata.ev_stream_data;
--> error: column "nothing" of a DISTKEY or SORTKEY does not exist in "x"

CREATE MATERIALIZED VIEW x SORTKEY (p) AS SELECT JSON_PARSE(kinesis_data) AS p FROM evdata.ev_stream_data;
--> error: column "p" of type super can be neither DISTKEY nor SORTKEY

CREATE MATERIALIZED VIEW x AS SELECT * FROM evdata.ev_stream_data_none;
--> error: Kinesis stream "ev_stream_data_none" not found: ResourceNotFoundException: Stream ev_stream_data_none under account 123456789012 not found.

CREATE MATERIALIZED VIEW x AS SELECT JSON_PARSE(kinesis_data) AS p, p.n::INTEGER AS n FROM evdata.ev_stream_data;
--> error: Materialized view over stream could not be created, reason: Column aliases are not supported.

CREATE MATERIALIZED VIEW x AS SELECT p.kinesis_data FROM (SELECT * FROM evdata.ev_stream_data) AS p;
--> error: Materialized view over stream could not be created, reason: joins and subqueries are not supported

CREATE MATERIALIZED VIEW x AS WITH p AS (SELECT * FROM evdata.ev_stream_data) SELECT * FROM p;
--> error: Materialized view over stream could not be created, reason: set operations and common table expressions are not supported

CREATE MATERIALIZED VIEW x AS SELECT a.partition_key FROM evdata.ev_stream_data AS a, evdata.ev_stream_data AS b;
--> error: Materialized view over stream could not be created, reason: a view can read one stream only

CREATE MATERIALIZED VIEW x AS SELECT a.partition_key FROM evdata.ev_stream_data AS a JOIN t ON t.n = 1;
--> error: Materialized view over stream could not be created, reason: joins and subqueries are not supported

CREATE MATERIALIZED VIEW x AS SELECT partition_key FROM evdata.ev_stream_data WHERE partition_key IN (SELECT 'a');
--> error: Materialized view over stream could not be created, reason: Subqueries are not supported.

CREATE MATERIALIZED VIEW x AS SELECT partition_key FROM evdata.ev_stream_data ORDER BY 1;
--> error: Materialized view over stream could not be created, reason: ORDER BY, LIMIT, OFFSET and DISTINCT are not supported

CREATE MATERIALIZED VIEW x AS SELECT partition_key FROM evdata.ev_stream_data LIMIT 1;
--> error: Materialized view over stream could not be created, reason: ORDER BY, LIMIT, OFFSET and DISTINCT are not supported

CREATE MATERIALIZED VIEW x AS SELECT DISTINCT partition_key FROM evdata.ev_stream_data;
--> error: Materialized view over stream could not be created, reason: ORDER BY, LIMIT, OFFSET and DISTINCT are not supported

CREATE MATERIALIZED VIEW x AS SELECT GETDATE() AS at FROM evdata.ev_stream_data;
--> error: Materialized view over stream could not be created, reason: the mutable function getdate is not supported

CREATE MATERIALIZED VIEW x AS SELECT ROW_NUMBER() OVER () AS n FROM evdata.ev_stream_data;
--> error: Materialized view over stream could not be created, reason: window functions are not supported

CREATE MATERIALIZED VIEW x AS SELECT partition_key FROM evdata.ev_stream_data UNION ALL SELECT 'a';
--> error: Materialized view over stream could not be created, reason: set operations and common table expressions are not supported

CREATE MATERIALIZED VIEW x AS SELECT COUNT(*) AS n FROM evdata.ev_stream_data;
--> error: an aggregation in a streaming view: not supported by the warehouse stand-in

CREATE MATERIALIZED VIEW x AS SELECT n FROM v;
--> error: Materialized view could not be created: it can't be defined on the standard view "v"

CREATE MATERIALIZED VIEW x AS SELECT n FROM t ORDER BY n;
--> error: ORDER BY, LIMIT and OFFSET are not supported in a materialized view

CREATE MATERIALIZED VIEW x AS SELECT GETDATE() AS at FROM t;
--> error: the mutable function getdate in a materialized view: not supported by the warehouse stand-in

CREATE MATERIALIZED VIEW evdata.x AS SELECT * FROM evdata.ev_stream_data;
--> error: Operations on local objects in external schema "evdata" are not enabled.

CREATE TABLE evdata.x (n INTEGER);
--> error: Operations on local objects in external schema "evdata" are not enabled.

SELECT * FROM evdata.ev_stream_data;
--> error: reading the stream evdata."ev_stream_data" outside of a materialized view: not supported by the warehouse stand-in

CREATE MATERIALIZED VIEW raw AUTO REFRESH YES AS SELECT partition_key, kinesis_data FROM evdata.ev_stream_data;
--> done

CREATE MATERIALIZED VIEW raw AUTO REFRESH YES AS SELECT partition_key, kinesis_data FROM evdata.ev_stream_data;
--> error: relation "raw" already exists

CREATE TABLE raw (n INTEGER);
--> error: relation "raw" already exists

INSERT INTO raw VALUES ('a', NULL);
--> error: cannot insert into materialized view "raw"

DROP VIEW raw;
--> error: "raw" is not a view

REFRESH MATERIALIZED VIEW nothing;
--> error: materialized view "nothing" does not exist

REFRESH MATERIALIZED VIEW raw CASCADE;
--> error: REFRESH MATERIALIZED VIEW CASCADE: not supported by the warehouse stand-in

CREATE VIEW above AS SELECT partition_key FROM raw;
--> done

DROP MATERIALIZED VIEW raw;
--> error: cannot drop materialized view raw because other objects depend on it: above

DROP SCHEMA evdata;
--> error: cannot drop schema evdata because other objects depend on it: raw

DROP SCHEMA evdata CASCADE;
--> done

SELECT COUNT(*) FROM svv_tables WHERE table_name IN ('raw', 'above');
--> 0

INSERT INTO t (n) VALUES (1), (2);
--> done

CREATE MATERIALIZED VIEW total AS SELECT SUM(n) AS n FROM t;
--> done

SELECT n FROM total;
--> 3

CREATE MATERIALIZED VIEW more AUTO REFRESH YES AS SELECT n FROM total;
--> error: Auto-refresh is not supported for materialized views defined on other materialized views.

CREATE MATERIALIZED VIEW more AS SELECT n FROM total;
--> done

INSERT INTO t (n) VALUES (4);
--> done

REFRESH MATERIALIZED VIEW total;
--> done

SELECT total.n, more.n FROM total, more;
--> 7 | 3
