-- The records that are no reading, so that none vanishes: what is no JSON object,
-- and every reading without station, time or temperature, or with a value that
-- became NULL. Those are in weather_readings too. The wind may be missing.

SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW weather_unread AS
SELECT
    approximate_arrival_timestamp,
    shard_id,
    sequence_number,
    'not a JSON object'::VARCHAR(100) AS reason,
    payload,
    unparsed
FROM ev_station_data
WHERE JSON_TYPEOF(payload) IS NULL OR JSON_TYPEOF(payload) <> 'object'
UNION ALL
SELECT
    approximate_arrival_timestamp,
    shard_id,
    sequence_number,
    ('missing or wrong:' || missing)::VARCHAR(100) AS reason,
    payload,
    NULL::VARBYTE AS unparsed
FROM (
    SELECT
        *,
        CASE WHEN station IS NULL THEN ' station' ELSE '' END
        || CASE WHEN measured_at IS NULL THEN ' measuredAt' ELSE '' END
        || CASE WHEN air_temp_c IS NULL THEN ' airTempC' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.windKmh) <> 'null' AND wind_kmh IS NULL THEN ' windKmh' ELSE '' END AS missing
    FROM weather_readings
) AS checked
WHERE missing <> '';
