-- Every record with the fields of an EV charging record as typed columns; a
-- value that does not convert is NULL. ev_station_data_extract and
-- ev_station_data_rejected are the two halves that people read.
--
-- A cast of a SUPER value gives NULL where a cast of text would fail. What a cast
-- would spoil without a word is asked for first: a text longer than its column
-- would be cut off, a fraction rounded to an integer, and a boolean would become
-- a text or a number. So each field takes a JSON string or number that fits.
--
-- The keys have upper case. Without this setting payload.stationID means
-- payload.stationid and is NULL for every record. A view keeps the setting it
-- was created with, so its readers need none.

-- +goose NO TRANSACTION
-- +goose Up
SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW ev_station_data_typed AS
SELECT
    refresh_time,
    approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    CASE WHEN JSON_TYPEOF(payload._id) IN ('string', 'number') AND OCTET_LENGTH(payload._id::VARCHAR(65535)) <= 36
         THEN payload._id::VARCHAR(36) END AS id,
    CASE WHEN JSON_TYPEOF(payload.clusterID) IN ('string', 'number') AND OCTET_LENGTH(payload.clusterID::VARCHAR(65535)) <= 30
         THEN payload.clusterID::VARCHAR(30) END AS clusterid,
    CASE WHEN JSON_TYPEOF(payload.connectionTime) IN ('string', 'number') AND OCTET_LENGTH(payload.connectionTime::VARCHAR(65535)) <= 20
         THEN payload.connectionTime::VARCHAR(20) END AS connectiontime,
    -- Local to the charging station: the zone is in the column timezone. The length
    -- is asked for as well, because $ matches at the end of any line.
    CASE WHEN OCTET_LENGTH(payload.connectionTime::VARCHAR(65535)) = 19
          AND payload.connectionTime::VARCHAR(65535) ~ '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'
         THEN TRY_CAST(payload.connectionTime::VARCHAR(20) AS TIMESTAMP) END AS connection_timestamp,
    CASE WHEN JSON_TYPEOF(payload.kWhDelivered) IN ('string', 'number')
         THEN payload.kWhDelivered::DECIMAL(10,2) END AS kwhdelivered,
    CASE WHEN JSON_TYPEOF(payload.stationID) IN ('string', 'number') AND payload.stationID::FLOAT8 = payload.stationID::INTEGER
         THEN payload.stationID::INTEGER END AS stationid,
    CASE WHEN JSON_TYPEOF(payload.spaceID) IN ('string', 'number') AND OCTET_LENGTH(payload.spaceID::VARCHAR(65535)) <= 100
         THEN payload.spaceID::VARCHAR(100) END AS spaceid,
    CASE WHEN JSON_TYPEOF(payload.timezone) IN ('string', 'number') AND OCTET_LENGTH(payload.timezone::VARCHAR(65535)) <= 30
         THEN payload.timezone::VARCHAR(30) END AS timezone,
    CASE WHEN JSON_TYPEOF(payload.userID) IN ('string', 'number') AND OCTET_LENGTH(payload.userID::VARCHAR(65535)) <= 30
         THEN payload.userID::VARCHAR(30) END AS userid,
    payload,
    unparsed
FROM ev_station_data;
