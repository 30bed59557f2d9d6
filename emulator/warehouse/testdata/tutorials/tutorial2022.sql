-- "Electric vehicle station-data streaming ingestion tutorial, using Kinesis" as it was in 2022:
-- https://github.com/awsdocs/amazon-redshift-developer-guide/blob/7fb3604/doc_source/materialized-view-streaming-ingestion-example-station-data.md
-- The last result is AWS's, but that it prints the energy without decimals.

CREATE EXTERNAL SCHEMA evdata FROM KINESIS
IAM_ROLE 'arn:aws:iam::0123456789:role/redshift-streaming-role';
--> done

CREATE MATERIALIZED VIEW ev_station_data AS
    SELECT approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    json_parse(kinesis_data) as payload
    FROM evdata."ev_station_data" WHERE can_json_parse(kinesis_data);
--> done

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
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'stationID',true)::DECIMAL(10,2) as stationID,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'spaceID',true)::varchar(100) as spaceID,
    json_extract_path_text(from_varbyte(kinesis_data, 'utf-8'),'timezone',true)::varchar(30)as timezone,
    json_extract_path_text(from_varbyte(kinesis_data,'utf-8'),'userID',true)::varchar(30) as userID
    FROM evdata."ev_station_data"
    WHERE LENGTH(kinesis_data) < 65355;
--> done

-- AWS's text leaves this to the automatic refresh.
REFRESH MATERIALIZED VIEW ev_station_data_extract;
--> done

SELECT to_timestamp(connectionTime, 'YYYY-MM-DD HH24:MI:SS') as connectiontime
,SUM(kWhDelivered) AS Energy_Consumed 
,count(distinct userID) AS #Users
from ev_station_data_extract
group by  to_timestamp(connectionTime, 'YYYY-MM-DD HH24:MI:SS')
order by 1 desc;
--> columns: connectiontime | energy_consumed | #users
--> 2022-02-08 16:07:21+00 | 4139.00 | 10
--> 2022-02-08 16:07:20+00 | 5571.00 | 10
--> 2022-02-08 16:07:19+00 | 8697.00 | 20
--> 2022-02-08 16:07:18+00 | 4408.00 | 10
--> 2022-02-08 16:07:17+00 | 4257.00 | 10
--> 2022-02-08 16:07:16+00 | 6861.00 | 10
--> 2022-02-08 16:07:15+00 | 5643.00 | 10
--> 2022-02-08 16:07:14+00 | 3677.00 | 10
--> 2022-02-08 16:07:13+00 | 4673.00 | 10
--> 2022-02-08 16:07:11+00 | 9689.00 | 20
