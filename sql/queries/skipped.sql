-- Records that Redshift could not take into the streaming view, for example for their size.
SELECT
    record_time,
    TRIM(partition_id) AS shard_id,
    TRIM(position) AS sequence_number,
    error_code,
    TRIM(error_reason) AS error_reason
FROM sys_stream_scan_errors
WHERE TRIM(external_schema_name) = 'evdata' AND TRIM(mv_name) = 'ev_station_data'
ORDER BY record_time DESC
LIMIT 100;
