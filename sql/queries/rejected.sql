-- Records that are not JSON, not an object, or hold a value that did not convert, counted by reason.
SELECT
    reason,
    COUNT(*) AS records,
    MAX(approximate_arrival_timestamp) AS newest_arrival,
    MAX(shard_id || ' ' || sequence_number) AS example
FROM ev_station_data_rejected
GROUP BY reason
ORDER BY records DESC, reason
LIMIT 100;
