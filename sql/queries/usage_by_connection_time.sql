-- Energy delivered and distinct users per connection time, in each record's own time zone.
SELECT
    timezone,
    connection_timestamp,
    SUM(kwhdelivered) AS energy_kwh,
    COUNT(DISTINCT userid) AS users
FROM ev_station_data_extract
WHERE connection_timestamp IS NOT NULL
GROUP BY timezone, connection_timestamp
ORDER BY 2 DESC, 1;
