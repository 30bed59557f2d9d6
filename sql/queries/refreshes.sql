-- The last 20 refreshes of the streaming view and what became of them. Times are UTC.
SELECT
    refresh_type,
    start_time,
    end_time,
    duration / 1000 AS duration_ms,
    TRIM(status) AS status
FROM sys_mv_refresh_history
WHERE TRIM(database_name) = CURRENT_DATABASE() AND TRIM(schema_name) = 'public' AND TRIM(mv_name) = 'ev_station_data'
ORDER BY start_time DESC
LIMIT 20;
