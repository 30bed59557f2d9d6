-- A weather station's readings as typed columns: one row for each record that is
-- a JSON object. A value of another JSON type, or one that does not fit its column,
-- is NULL, and weather_unread says so.
--
-- Each field is read in two steps: in given as the widest type of its kind, by a
-- cast that can't fail, and then, if it fits, as the column's type. A cast alone
-- would cut off a text that is too long and digits that don't fit, and a number out
-- of range might be an error for every query over this view.
--
-- The keys have upper case. Without this setting payload.airTempC means
-- payload.airtempc and is NULL for every record. A view keeps the setting it was
-- created with, so its readers need none.

SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW weather_readings AS
SELECT
    approximate_arrival_timestamp,
    shard_id,
    sequence_number,
    CASE WHEN OCTET_LENGTH(given.station) <= 20 THEN given.station::VARCHAR(20) END AS station,
    -- UTC, as the Z says. The length is asked for because $ may match at the end of
    -- any line, and the day because February 30 may become March 2.
    CASE WHEN OCTET_LENGTH(given.measured_at) = 20
          AND given.measured_at ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$'
         THEN CASE WHEN DATE_PART(day, TRY_CAST(REPLACE(LEFT(given.measured_at, 19), 'T', ' ') AS TIMESTAMP)) = SUBSTRING(given.measured_at, 9, 2)::INTEGER
                   THEN TRY_CAST(REPLACE(LEFT(given.measured_at, 19), 'T', ' ') AS TIMESTAMP) END
         END AS measured_at,
    -- To two decimals; to six first, because a FLOAT8 has 6.004999... for 6.005.
    CASE WHEN given.air_temp_c BETWEEN -999.99 AND 999.99
         THEN ROUND(ROUND(given.air_temp_c::DECIMAL(18,9), 6), 2)::DECIMAL(5,2) END AS air_temp_c,
    CASE WHEN given.wind_kmh BETWEEN -2147483648 AND 2147483647 AND given.wind_kmh = FLOOR(given.wind_kmh)
         THEN given.wind_kmh::INTEGER END AS wind_kmh,
    payload
FROM (
    SELECT
        *,
        CASE WHEN JSON_TYPEOF(payload.station) = 'string' THEN payload.station::VARCHAR(65535) END AS station,
        CASE WHEN JSON_TYPEOF(payload.measuredAt) = 'string' THEN payload.measuredAt::VARCHAR(65535) END AS measured_at,
        CASE WHEN JSON_TYPEOF(payload.airTempC) = 'number' THEN TRY_CAST(payload.airTempC AS FLOAT8) END AS air_temp_c,
        CASE WHEN JSON_TYPEOF(payload.windKmh) = 'number' THEN TRY_CAST(payload.windKmh AS FLOAT8) END AS wind_kmh
    FROM ev_station_data
    WHERE JSON_TYPEOF(payload) = 'object'
) AS given;
