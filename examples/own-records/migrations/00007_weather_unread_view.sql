-- The records that are no reading, or one without station, time or temperature,
-- so that none vanishes. Those of the second kind are in weather_readings too.

-- +goose NO TRANSACTION
-- +goose Up
CREATE VIEW weather_unread AS
SELECT approximate_arrival_timestamp, shard_id, sequence_number, 'not a JSON object' AS reason, payload, unparsed
FROM ev_station_data
WHERE JSON_TYPEOF(payload) IS NULL OR JSON_TYPEOF(payload) <> 'object'
UNION ALL
SELECT approximate_arrival_timestamp, shard_id, sequence_number, 'without station, measuredAt or airTempC', payload, NULL
FROM weather_readings
WHERE station IS NULL OR measured_at IS NULL OR air_temp_c IS NULL;
