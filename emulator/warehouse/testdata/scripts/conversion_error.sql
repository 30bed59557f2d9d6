-- A conversion error stops a streaming view: the refresh fails as a whole, by hand and automatically.

CREATE EXTERNAL SCHEMA evdata FROM KINESIS IAM_ROLE 'arn:aws:iam::123456789012:role/streaming';
--> done

CREATE MATERIALIZED VIEW typed AUTO REFRESH YES AS
    SELECT json_extract_path_text(from_varbyte(kinesis_data, 'utf-8'), 'kWhDelivered', true)::DECIMAL(10,2) AS kwh
    FROM evdata.ev_stream_data;
--> done

--: put k "{\"kWhDelivered\":1.5}"

REFRESH MATERIALIZED VIEW typed;
--> done

--: put k "{\"kWhDelivered\":2.5}"

--: put k "{\"kWhDelivered\":\"abc\"}"

--: put k "{\"kWhDelivered\":3.5}"

REFRESH MATERIALIZED VIEW typed;
--> error: Invalid digit, Value 'abc', Type: Decimal

--: auto refresh
--> error: refresh "public"."typed" automatically: ERROR: Invalid digit, Value 'abc', Type: Decimal

REFRESH MATERIALIZED VIEW typed;
--> error: Invalid digit, Value 'abc', Type: Decimal

--: auto refresh
--> error: refresh "public"."typed" automatically: ERROR: Invalid digit, Value 'abc', Type: Decimal

SELECT kwh FROM typed;
--> 1.50

SELECT refresh_type, COUNT(*) FROM sys_mv_refresh_history WHERE status LIKE 'Refresh failed%' GROUP BY refresh_type ORDER BY 1;
--> Auto | 2
--> Manual | 2

DROP MATERIALIZED VIEW typed;
--> done

--: auto refresh
--> done
