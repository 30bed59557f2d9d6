-- The newest 20 records.
SELECT *
FROM ev_station_data_extract
ORDER BY approximate_arrival_timestamp DESC, sequence_number DESC
LIMIT 20;
