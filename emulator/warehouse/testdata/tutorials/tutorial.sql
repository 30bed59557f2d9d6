-- The same tutorial as it is since 2025, with records on SUPER:
-- https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-example-station-data.html
-- The last result is AWS's, whose rows stand in another order than the statement asks for, and
-- which prints the energy without decimals.

CREATE EXTERNAL SCHEMA evdata FROM KINESIS
IAM_ROLE 'arn:aws:iam::0123456789:role/redshift-streaming-role';
--> done

CREATE MATERIALIZED VIEW ev_station_data AS
    SELECT approximate_arrival_timestamp,
    partition_key,
    shard_id,
    sequence_number,
    case when can_json_parse(kinesis_data) then json_parse(kinesis_data) else null end as payload,
    case when not can_json_parse(kinesis_data) then kinesis_data else null end as failed_payload
    FROM evdata."ev_station_data" ;
--> done

SET enable_case_sensitive_super_attribute to TRUE;
--> done

REFRESH MATERIALIZED VIEW ev_station_data;
--> done

SELECT e.payload.connectionTime::date as connectiontime
,SUM(e.payload.kWhDelivered::decimal(10,2)) AS Energy_Consumed
,count(distinct e.payload.userID) AS #Users
from ev_station_data as e
group by connectiontime
order by 1 desc;
--> columns: connectiontime | energy_consumed | #users
--> 2022-02-23 | 6861.00 | 10
--> 2022-02-12 | 4257.00 | 10
--> 2022-02-11 | 4408.00 | 10
--> 2022-02-10 | 8697.00 | 20
--> 2022-02-09 | 5571.00 | 10
--> 2022-02-08 | 4139.00 | 10
