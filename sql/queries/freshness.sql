-- How far the streaming view is behind: rows, newest record, and the refresh that loaded it.
-- lag_seconds counts from the newest record's arrival in Kinesis to now, so it
-- also grows while nobody writes; load_seconds is how long that record waited
-- in Kinesis for its refresh. Times are UTC.
SELECT
    COUNT(*) AS records,
    MAX(approximate_arrival_timestamp) AS newest_arrival,
    MAX(refresh_time) AS last_refresh,
    DATEDIFF(second, MAX(approximate_arrival_timestamp), GETDATE()) AS lag_seconds,
    DATEDIFF(second, MAX(approximate_arrival_timestamp), MAX(refresh_time)) AS load_seconds
FROM ev_station_data;
