-- The readings per station.
SELECT station, COUNT(*) AS readings, MIN(air_temp_c) AS coldest, MAX(air_temp_c) AS warmest
FROM weather_readings
GROUP BY station
ORDER BY station;
