-- The EV charging records: one row for each record that is a JSON object.

CREATE VIEW ev_station_data_extract AS
SELECT
    refresh_time,
    approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    id,
    clusterid,
    connectiontime,
    connection_timestamp,
    kwhdelivered,
    stationid,
    spaceid,
    timezone,
    userid
FROM ev_station_data_typed
WHERE JSON_TYPEOF(payload) = 'object';
