-- Automatic refresh: only of views that ask for it, and without a word where there is nothing new.

CREATE EXTERNAL SCHEMA evdata FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/streaming';
--> done

CREATE MATERIALIZED VIEW raw AUTO REFRESH YES AS SELECT partition_key, kinesis_data FROM evdata.ev_stream_data;
--> done

CREATE MATERIALIZED VIEW manual AS SELECT partition_key, kinesis_data FROM evdata.ev_stream_data;
--> done

--: put k "1"

--: auto refresh
--> done

--: auto refresh
--> done

SELECT COUNT(*) FROM raw;
--> 1

SELECT COUNT(*) FROM manual;
--> 0

SELECT refresh_type, status FROM sys_mv_refresh_history;
--> Auto | Refresh successfully updated MV incrementally

SELECT name, autorefresh, state FROM svv_mv_info ORDER BY name;
--> manual | f | 1
--> raw | t | 1

ALTER MATERIALIZED VIEW raw AUTO REFRESH NO;
--> done

ALTER MATERIALIZED VIEW manual AUTO REFRESH YES;
--> done

ALTER MATERIALIZED VIEW manual ALTER SORTKEY (partition_key);
--> done

--: put k "2"

--: auto refresh
--> done

SELECT COUNT(*) FROM raw;
--> 1

SELECT COUNT(*) FROM manual;
--> 2
