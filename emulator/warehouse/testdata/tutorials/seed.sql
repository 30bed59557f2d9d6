-- The statements of the CDK project that this one continues, as its README writes them.

CREATE EXTERNAL SCHEMA evdata FROM KINESIS
IAM_ROLE 'arn:aws:iam::123456789012:role/RedshiftStreamingRole';
--> done

-- To create and use case sensitive identifiers
SET enable_case_sensitive_identifier TO true;
--> done

-- To check if enable_case_sensitive_identifier is turned on
SHOW enable_case_sensitive_identifier;
--> on

CREATE MATERIALIZED VIEW ev_station_data_extract DISTKEY(6) sortkey(1) AUTO REFRESH YES AS
 SELECT refresh_time,
    approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'_id',true)::character(36) as ID,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'clusterID',true)::varchar(30) as clusterID,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'connectionTime',true)::varchar(20) as connectionTime,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'kWhDelivered',true)::DECIMAL(10,2) as kWhDelivered,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'stationID',true)::INTEGER as stationID,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'spaceID',true)::varchar(100) as spaceID,
    json_extract_path_text(from_varbyte(kinesis_data, 'utf-8'),'timezone',true)::varchar(30)as timezone,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'userID',true)::varchar(30) as userID
 FROM evdata."ev_stream_data"
 WHERE LENGTH(kinesis_data) < 65355;
--> done

REFRESH MATERIALIZED VIEW ev_station_data_extract;
--> done

SELECT *
FROM ev_station_data_extract;
--> columns: refresh_time | approximate_arrival_timestamp | partition_key | shard_id | sequence_number | id | clusterid | connectiontime | kwhdelivered | stationid | spaceid | timezone | userid
--> 3 rows

SELECT to_timestamp(connectionTime, 'YYYY-MM-DD HH24:MI:SS') as connectiontime
   ,SUM(kWhDelivered) AS Energy_Consumed
   ,count(distinct userID) AS #Users
FROM ev_station_data_extract
GROUP BY to_timestamp(connectionTime, 'YYYY-MM-DD HH24:MI:SS')
ORDER BY 1 DESC;
--> columns: connectiontime | energy_consumed | #users
--> 2022-02-08 16:07:21+00 | 148.00 | 2
--> 2022-02-08 16:07:20+00 | 74.00 | 1
