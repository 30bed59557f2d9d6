-- Runs alone, outside a transaction.
CREATE MATERIALIZED VIEW records
AUTO REFRESH YES
AS SELECT
    approximate_arrival_timestamp,
    JSON_PARSE(kinesis_data) AS payload
FROM source."${STREAM_NAME}"
WHERE CAN_JSON_PARSE(kinesis_data);
