-- A weather station's readings as typed columns: one row for each record that is
-- a JSON object. A value that does not convert is NULL.
--
-- A cast of a SUPER value gives NULL where a cast of text would fail. A text
-- longer than its column would be cut off silently, so its length is asked first.
--
-- The keys have upper case. Without this setting payload.airTempC means
-- payload.airtempc and is NULL for every record. A view keeps the setting it was
-- created with, so its readers need none.

-- +goose NO TRANSACTION
-- +goose Up
SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW weather_readings AS
SELECT
    approximate_arrival_timestamp,
    shard_id,
    sequence_number,
    CASE WHEN OCTET_LENGTH(payload.station::VARCHAR(65535)) <= 20
         THEN payload.station::VARCHAR(20) END AS station,
    CASE WHEN payload.measuredAt::VARCHAR(65535) ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'
         THEN TRY_CAST(REPLACE(REPLACE(payload.measuredAt::VARCHAR(20), 'T', ' '), 'Z', '') AS TIMESTAMP) END AS measured_at,
    payload.airTempC::DECIMAL(5,2) AS air_temp_c,
    payload.windKmh::INTEGER AS wind_kmh,
    payload
FROM ev_station_data
WHERE JSON_TYPEOF(payload) = 'object';
