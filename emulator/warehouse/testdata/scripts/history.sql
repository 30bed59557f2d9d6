-- Keeping the rows of a streaming view that must be recreated: in a table, read together with the new
-- view, or moved by ALTER TABLE APPEND.

CREATE EXTERNAL SCHEMA kinesis FROM KINESIS IAM_ROLE default;
--> done

CREATE MATERIALIZED VIEW readings DISTSTYLE EVEN SORTKEY (approximate_arrival_timestamp) AUTO REFRESH YES AS
SELECT refresh_time, approximate_arrival_timestamp, partition_key, shard_id, sequence_number,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN JSON_PARSE(kinesis_data) END AS payload,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN NULL ELSE kinesis_data END AS unparsed
FROM kinesis.ev_stream_data;
--> done

CREATE VIEW readings_typed AS SELECT partition_key, payload._id::VARCHAR(36) AS id FROM readings;
--> done

CREATE VIEW readings_extract AS SELECT * FROM readings_typed WHERE id IS NOT NULL;
--> done

--: put k "{\"_id\":\"1\",\"stationID\":7}"

--: put k "\xff\x00"

REFRESH MATERIALIZED VIEW readings;
--> done

CREATE TABLE history DISTSTYLE EVEN SORTKEY (approximate_arrival_timestamp) AS SELECT * FROM readings;
--> done

DROP MATERIALIZED VIEW readings;
--> error: cannot drop materialized view readings because other objects depend on it: readings_typed

DROP MATERIALIZED VIEW readings CASCADE;
--> done

SELECT id FROM readings_extract;
--> error: relation "readings_extract" does not exist

CREATE MATERIALIZED VIEW readings DISTSTYLE EVEN SORTKEY (approximate_arrival_timestamp) AUTO REFRESH YES AS
SELECT refresh_time, approximate_arrival_timestamp, partition_key, shard_id, sequence_number,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN JSON_PARSE(kinesis_data) END AS payload,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN NULL ELSE kinesis_data END AS unparsed
FROM kinesis.ev_stream_data;
--> done

CREATE VIEW readings_typed AS SELECT partition_key, payload._id::VARCHAR(36) AS id FROM readings;
--> done

CREATE VIEW readings_extract AS SELECT * FROM readings_typed WHERE id IS NOT NULL;
--> done

SELECT count(*) AS n FROM readings;
--> 0

--: put k "{\"_id\":\"2\"}"

REFRESH MATERIALIZED VIEW readings;
--> done

CREATE VIEW everything AS SELECT * FROM history UNION ALL SELECT * FROM readings WHERE payload._id::VARCHAR = '2';
--> done

SELECT payload._id::VARCHAR AS id FROM everything ORDER BY id;
--> 1
--> 2
--> NULL

DROP TABLE history;
--> error: cannot drop table history because other objects depend on it: everything

DROP VIEW everything;
--> done

TRUNCATE history;
--> done

ALTER TABLE history APPEND FROM readings;
--> done

SELECT (SELECT count(*) FROM history) AS moved, (SELECT count(*) FROM readings) AS left_over;
--> 3 | 0

--: put k "{\"_id\":\"3\"}"

REFRESH MATERIALIZED VIEW readings;
--> done

SELECT payload._id::VARCHAR AS id FROM readings;
--> 3

INSERT INTO history SELECT * FROM readings;
--> done

SELECT count(*) AS n FROM history;
--> 4

CREATE TABLE plain AS SELECT * FROM history;
--> done

CREATE TABLE narrow DISTSTYLE EVEN AS SELECT refresh_time FROM history;
--> done

ALTER TABLE plain APPEND FROM readings;
--> error: ALTER TABLE APPEND: "plain" and "readings" must have the same distribution style and sort key

ALTER TABLE narrow APPEND FROM readings;
--> error: ALTER TABLE APPEND: the columns of "narrow" and "readings" are not the same

ALTER TABLE history APPEND FROM readings_typed;
--> error: ALTER TABLE APPEND takes a table, and as its source also a streaming materialized view; "readings_typed" is a view

ALTER TABLE readings APPEND FROM history;
--> error: ALTER TABLE APPEND takes a table, and as its source also a streaming materialized view; "readings" is a materialized view

ALTER TABLE history APPEND FROM plain FILLTARGET;
--> error: ALTER TABLE APPEND with IGNOREEXTRA or FILLTARGET: not supported by the warehouse stand-in

BEGIN;
--> done

ALTER TABLE history APPEND FROM readings;
--> error: ALTER TABLE APPEND cannot run inside a transaction block

ROLLBACK;
--> done
