-- Energy delivered and distinct users per hour, in each record's own time zone.
SELECT
    timezone,
    DATE_TRUNC('hour', connection_timestamp) AS hour,
    SUM(kwhdelivered) AS energy_kwh,
    COUNT(DISTINCT userid) AS users,
    COUNT(*) AS records
FROM ev_station_data_extract
WHERE connection_timestamp IS NOT NULL
GROUP BY timezone, DATE_TRUNC('hour', connection_timestamp)
ORDER BY 2 DESC, 1;
