-- Every record that is not JSON, is not a JSON object, or has a field whose
-- value did not convert, with the reason. A record of the last kind is in
-- ev_station_data_extract as well, with NULL in that column. A field that is
-- missing or null is NULL in the extract and no reason to be listed here.
--
-- JSON_TYPEOF is NULL for a missing field and 'null' for a null one, so the
-- comparison with 'null' holds only where there is a value.

SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW ev_station_data_rejected AS
SELECT
    refresh_time,
    approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    CASE WHEN unparsed IS NOT NULL THEN 'not JSON'
         WHEN is_object THEN 'did not convert:' || unconverted
         ELSE 'not a JSON object' END AS reason,
    payload,
    unparsed
FROM (
    SELECT
        refresh_time,
        approximate_arrival_timestamp,
        partition_key,
        shard_id,
        sequence_number,
        payload,
        unparsed,
        COALESCE(JSON_TYPEOF(payload) = 'object', FALSE) AS is_object,
        CASE WHEN JSON_TYPEOF(payload._id) <> 'null' AND id IS NULL THEN ' _id' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.clusterID) <> 'null' AND clusterid IS NULL THEN ' clusterID' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.connectionTime) <> 'null' AND connection_timestamp IS NULL THEN ' connectionTime' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.kWhDelivered) <> 'null' AND kwhdelivered IS NULL THEN ' kWhDelivered' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.stationID) <> 'null' AND stationid IS NULL THEN ' stationID' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.spaceID) <> 'null' AND spaceid IS NULL THEN ' spaceID' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.timezone) <> 'null' AND timezone IS NULL THEN ' timezone' ELSE '' END
        || CASE WHEN JSON_TYPEOF(payload.userID) <> 'null' AND userid IS NULL THEN ' userID' ELSE '' END
            AS unconverted
    FROM ev_station_data_typed
) AS checked
WHERE NOT is_object OR unconverted <> '';
