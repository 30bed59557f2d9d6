-- Every record with the fields of an EV charging record as typed columns.
-- ev_station_data_extract and ev_station_data_rejected are the two halves that
-- people read.
--
-- A column of numbers takes a JSON number, or a text that is nothing but a decimal
-- number: "2039", "-7.94", "00007". A column of texts takes a JSON text, or a whole
-- JSON number of at most 15 digits. Everything else is NULL, and so is what is too
-- long or out of range; ev_station_data_rejected says so. Each field is read in two
-- steps, because a cast does more than it says:
--
-- 1. given: a value is read as the widest type of its kind, VARCHAR(65535) or FLOAT8.
--    TRY_CAST makes NULL of a number that no FLOAT8 holds, 1e400, which might be an
--    error for every query over this view. Which texts SUPER takes for numbers is
--    open, so a text becomes a VARCHAR and then a number. Its line ends go, because ^
--    and $ may match at each.
-- 2. If it fits, it becomes the column's type. Without that question a text would be
--    cut off, a number out of range might be an error for every query over this
--    view, and digits would be cut off or rounded. So ROUND does the rounding: to
--    six decimals first, because a FLOAT8 has 7.934999... for 7.935. A number becomes
--    a text by way of BIGINT, because SUPER may write it with other digits.
--
-- The keys have upper case. Without this setting payload.stationID means
-- payload.stationid and is NULL for every record. A view keeps the setting it
-- was created with, so its readers need none.

SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW ev_station_data_typed AS
SELECT
    refresh_time,
    approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    CASE WHEN OCTET_LENGTH(given.id) <= 36 THEN given.id::VARCHAR(36)
         WHEN ABS(given.id_number) < 1e15 AND given.id_number = FLOOR(given.id_number) THEN given.id_number::BIGINT::VARCHAR(36) END AS id,
    CASE WHEN OCTET_LENGTH(given.clusterid) <= 30 THEN given.clusterid::VARCHAR(30)
         WHEN ABS(given.clusterid_number) < 1e15 AND given.clusterid_number = FLOOR(given.clusterid_number) THEN given.clusterid_number::BIGINT::VARCHAR(30) END AS clusterid,
    CASE WHEN OCTET_LENGTH(given.connectiontime) <= 20 THEN given.connectiontime::VARCHAR(20) END AS connectiontime,
    -- Local to the charging station: the zone is in the column timezone. The length is
    -- asked for because $ may match at the end of any line, and the day because
    -- February 30 may become March 2.
    CASE WHEN OCTET_LENGTH(given.connectiontime) = 19
          AND given.connectiontime ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'
         THEN CASE WHEN DATE_PART(day, TRY_CAST(given.connectiontime AS TIMESTAMP)) = SUBSTRING(given.connectiontime, 9, 2)::INTEGER
                   THEN TRY_CAST(given.connectiontime AS TIMESTAMP) END
         END AS connection_timestamp,
    CASE WHEN given.kwhdelivered BETWEEN -99999999.99 AND 99999999.99
         THEN ROUND(ROUND(given.kwhdelivered::DECIMAL(18,9), 6), 2)::DECIMAL(10,2) END AS kwhdelivered,
    CASE WHEN given.stationid BETWEEN -2147483648 AND 2147483647 AND given.stationid = FLOOR(given.stationid)
         THEN given.stationid::INTEGER END AS stationid,
    CASE WHEN OCTET_LENGTH(given.spaceid) <= 100 THEN given.spaceid::VARCHAR(100)
         WHEN ABS(given.spaceid_number) < 1e15 AND given.spaceid_number = FLOOR(given.spaceid_number) THEN given.spaceid_number::BIGINT::VARCHAR(100) END AS spaceid,
    CASE WHEN OCTET_LENGTH(given.timezone) <= 30 THEN given.timezone::VARCHAR(30)
         WHEN ABS(given.timezone_number) < 1e15 AND given.timezone_number = FLOOR(given.timezone_number) THEN given.timezone_number::BIGINT::VARCHAR(30) END AS timezone,
    CASE WHEN OCTET_LENGTH(given.userid) <= 30 THEN given.userid::VARCHAR(30)
         WHEN ABS(given.userid_number) < 1e15 AND given.userid_number = FLOOR(given.userid_number) THEN given.userid_number::BIGINT::VARCHAR(30) END AS userid,
    payload,
    unparsed
FROM (
    SELECT
        *,
        CASE WHEN JSON_TYPEOF(payload._id) = 'string' THEN payload._id::VARCHAR(65535) END AS id,
        CASE WHEN JSON_TYPEOF(payload._id) = 'number' THEN TRY_CAST(payload._id AS FLOAT8) END AS id_number,
        CASE WHEN JSON_TYPEOF(payload.clusterID) = 'string' THEN payload.clusterID::VARCHAR(65535) END AS clusterid,
        CASE WHEN JSON_TYPEOF(payload.clusterID) = 'number' THEN TRY_CAST(payload.clusterID AS FLOAT8) END AS clusterid_number,
        CASE WHEN JSON_TYPEOF(payload.connectionTime) = 'string' THEN payload.connectionTime::VARCHAR(65535) END AS connectiontime,
        CASE WHEN JSON_TYPEOF(payload.kWhDelivered) = 'number' THEN TRY_CAST(payload.kWhDelivered AS FLOAT8)
             WHEN JSON_TYPEOF(payload.kWhDelivered) = 'string'
             THEN NULLIF(REGEXP_SUBSTR(REPLACE(payload.kWhDelivered::VARCHAR(65535), CHR(10), '?'), '^-?[0-9]{1,20}([.][0-9]{1,20})?$'), '')::FLOAT8 END AS kwhdelivered,
        CASE WHEN JSON_TYPEOF(payload.stationID) = 'number' THEN TRY_CAST(payload.stationID AS FLOAT8)
             WHEN JSON_TYPEOF(payload.stationID) = 'string'
             THEN NULLIF(REGEXP_SUBSTR(REPLACE(payload.stationID::VARCHAR(65535), CHR(10), '?'), '^-?[0-9]{1,20}([.][0-9]{1,20})?$'), '')::FLOAT8 END AS stationid,
        CASE WHEN JSON_TYPEOF(payload.spaceID) = 'string' THEN payload.spaceID::VARCHAR(65535) END AS spaceid,
        CASE WHEN JSON_TYPEOF(payload.spaceID) = 'number' THEN TRY_CAST(payload.spaceID AS FLOAT8) END AS spaceid_number,
        CASE WHEN JSON_TYPEOF(payload.timezone) = 'string' THEN payload.timezone::VARCHAR(65535) END AS timezone,
        CASE WHEN JSON_TYPEOF(payload.timezone) = 'number' THEN TRY_CAST(payload.timezone AS FLOAT8) END AS timezone_number,
        CASE WHEN JSON_TYPEOF(payload.userID) = 'string' THEN payload.userID::VARCHAR(65535) END AS userid,
        CASE WHEN JSON_TYPEOF(payload.userID) = 'number' THEN TRY_CAST(payload.userID AS FLOAT8) END AS userid_number
    FROM ev_station_data
) AS given;
