-- Nothing here uses RPUs, so there is nothing to add up.

SELECT COUNT(start_time), COUNT(end_time), SUM(compute_seconds), MAX(compute_capacity), MAX(data_storage),
    SUM(cross_region_transferred_data), SUM(charged_seconds) FROM sys_serverless_usage;
--> 0 | 0 | NULL | NULL | NULL | NULL | NULL

SELECT start_time::DATE AS day, SUM(charged_seconds::FLOAT8) / 3600 AS rpu_hours FROM sys_serverless_usage GROUP BY 1;
--> 0 rows
