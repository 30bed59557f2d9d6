-- Runs alone, outside a transaction.
--
-- The streaming view keeps every record of the stream, whatever it holds: the
-- parsed payload when the bytes are JSON, the bytes themselves when they are
-- not. Nothing here can fail on a record, because a conversion error in a
-- streaming view stops its refresh; types are given in the views above it.
--
-- Dropping this view loses every record older than the stream's retention.
-- AUTO REFRESH, the distribution style and the sort key can be changed in place
-- with ALTER MATERIALIZED VIEW.

CREATE MATERIALIZED VIEW ev_station_data
DISTSTYLE EVEN
SORTKEY (approximate_arrival_timestamp)
AUTO REFRESH YES
AS SELECT
    refresh_time,
    approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN JSON_PARSE(kinesis_data) END AS payload,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN NULL ELSE kinesis_data END AS unparsed
FROM evdata."${STREAM_NAME}";
