-- The stand-in's catalog, Redshift's functions as macros, and its system views.

CREATE SCHEMA rs;
CREATE SEQUENCE rs.ids START 100001;
CREATE TABLE rs.external_schemas (name VARCHAR, region VARCHAR, role VARCHAR);
CREATE TABLE rs.materialized_views (
    mv_id BIGINT, schema_name VARCHAR, name VARCHAR, owner VARCHAR,
    external_schema VARCHAR, stream VARCHAR, -- NULL when it is not over a stream
    query VARCHAR, auto_refresh BOOLEAN,
    refreshes BIGINT -- so that two transactions that refresh the same view can't both commit
);
-- Users, groups and roles; a password that is NULL lets nobody log in.
CREATE TABLE rs.identities (id BIGINT, kind VARCHAR, name VARCHAR, password VARCHAR, superuser BOOLEAN);
CREATE TABLE rs.members (kind VARCHAR, name VARCHAR, member_kind VARCHAR, member VARCHAR); -- of groups and roles
-- Of relations, and of schemas with an empty name.
CREATE TABLE rs.owners (schema_name VARCHAR, name VARCHAR, owner VARCHAR);
CREATE TABLE rs.privileges (schema_name VARCHAR, name VARCHAR, privilege VARCHAR, kind VARCHAR, grantee VARCHAR);
INSERT INTO rs.owners VALUES ('public', '', 'rdsdb');
INSERT INTO rs.privileges VALUES ('public', '', 'usage', 'public', 'public'), ('public', '', 'create', 'public', 'public');
CREATE TABLE rs.layouts (schema_name VARCHAR, name VARCHAR, distribution VARCHAR, sort_key VARCHAR);
-- What SHOW TABLE and SHOW VIEW give; query is that of a late-binding view, which the engine doesn't know.
CREATE TABLE rs.definitions (schema_name VARCHAR, name VARCHAR, definition VARCHAR, query VARCHAR);
CREATE TABLE rs.dependencies (schema_name VARCHAR, name VARCHAR, on_schema VARCHAR, on_name VARCHAR);
CREATE TABLE rs.identity_columns (schema_name VARCHAR, name VARCHAR, column_name VARCHAR);
CREATE TABLE rs.positions (mv_id BIGINT, shard_id VARCHAR, sequence_number VARCHAR);
CREATE TABLE rs.refresh_history (
    user_id INTEGER, session_id INTEGER, transaction_id BIGINT, database_name VARCHAR, schema_name VARCHAR, mv_id BIGINT, mv_name VARCHAR,
    refresh_type VARCHAR, status VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP, duration BIGINT
);
CREATE TABLE rs.scan_states (
    external_schema_name VARCHAR, stream_name VARCHAR, mv_name VARCHAR, transaction_id BIGINT, query_id BIGINT, record_time TIMESTAMP,
    partition_id VARCHAR, latest_position VARCHAR, scanned_rows BIGINT, skipped_rows BIGINT, scanned_bytes BIGINT,
    stream_record_time_min TIMESTAMP, stream_record_time_max TIMESTAMP
);
CREATE TABLE rs.scan_errors (
    external_schema_name VARCHAR, stream_name VARCHAR, mv_name VARCHAR, transaction_id BIGINT, query_id BIGINT,
    stream_timestamp_type VARCHAR, stream_timestamp TIMESTAMP, record_time TIMESTAMP,
    partition_id VARCHAR, position VARCHAR, error_code INTEGER, error_reason VARCHAR
);
-- Of SYS_SERVERLESS_USAGE, docs.aws.amazon.com/redshift/latest/dg/SYS_SERVERLESS_USAGE.html; nothing here uses RPUs, so it stays empty.
CREATE TABLE rs.serverless_usage (
    start_time TIMESTAMP, end_time TIMESTAMP, compute_seconds DOUBLE, compute_capacity DOUBLE,
    data_storage INTEGER, cross_region_transferred_data INTEGER, charged_seconds INTEGER
);

CREATE VIEW main.sys_mv_refresh_history AS SELECT *, NULL::VARCHAR AS consumer_account, NULL::VARCHAR AS consumer_region, NULL::VARCHAR AS consumer_namespace FROM rs.refresh_history;
CREATE VIEW main.sys_stream_scan_states AS SELECT * FROM rs.scan_states;
CREATE VIEW main.sys_stream_scan_errors AS SELECT * FROM rs.scan_errors;
CREATE VIEW main.sys_serverless_usage AS SELECT * FROM rs.serverless_usage;
CREATE VIEW main.svv_external_schemas AS
    SELECT (hash(name) % 1000000)::INTEGER AS esoid, 6::INTEGER AS eskind, name AS schemaname, 100::INTEGER AS esowner, '@database@' AS databasename,
        '{"IAM_ROLE":"' || role || '"}' AS esoptions
    FROM rs.external_schemas;
CREATE VIEW main.svv_mv_info AS
    SELECT '@database@' AS database_name, schema_name, owner AS user_name, name, 'u' AS is_stale,
        CASE WHEN stream IS NULL THEN 0 ELSE 1 END::INTEGER AS state, 'f' AS autorewrite, CASE WHEN auto_refresh THEN 't' ELSE 'f' END AS autorefresh
    FROM rs.materialized_views;
CREATE VIEW main.svv_relation_privileges AS
    SELECT p.schema_name AS namespace_name, p.name AS relation_name, upper(p.privilege) AS privilege_type,
        coalesce(i.id, 0)::INTEGER AS identity_id, p.grantee AS identity_name, p.kind AS identity_type, FALSE AS admin_option
    FROM rs.privileges p LEFT JOIN rs.identities i ON i.kind = p.kind AND i.name = p.grantee
    WHERE p.name <> '';
CREATE VIEW main.svv_schema_privileges AS
    SELECT p.schema_name AS namespace_name, upper(p.privilege) AS privilege_type,
        coalesce(i.id, 0)::INTEGER AS identity_id, p.grantee AS identity_name, p.kind AS identity_type, FALSE AS admin_option, 'SCHEMA' AS privilege_scope
    FROM rs.privileges p LEFT JOIN rs.identities i ON i.kind = p.kind AND i.name = p.grantee
    WHERE p.name = '';
CREATE VIEW main.svv_roles AS SELECT id::INTEGER AS role_id, name AS role_name FROM rs.identities WHERE kind = 'role';
CREATE VIEW main.pg_group AS SELECT name AS groname, id::INTEGER AS grosysid FROM rs.identities WHERE kind = 'group';
CREATE VIEW main.pg_user AS SELECT name AS usename, id::INTEGER AS usesysid, superuser AS usesuper FROM rs.identities WHERE kind = 'user';
CREATE VIEW main.svv_tables AS
    SELECT '@database@' AS table_catalog, table_schema, table_name,
        CASE WHEN table_type = 'BASE TABLE' AND (table_schema, table_name) NOT IN (SELECT (schema_name, name) FROM rs.materialized_views)
            THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type,
        NULL::VARCHAR AS remarks
    FROM information_schema.tables
    WHERE table_schema NOT IN ('rs', 'main', 'information_schema', 'pg_catalog')
    UNION ALL SELECT '@database@', schema_name, name, 'VIEW', NULL FROM rs.definitions WHERE query IS NOT NULL;
CREATE VIEW main.svv_all_schemas AS
    SELECT '@database@' AS database_name, schema_name, 100::INTEGER AS schema_owner, 'local' AS schema_type, NULL::VARCHAR AS schema_acl, NULL::VARCHAR AS source_database, NULL::VARCHAR AS schema_option
    FROM duckdb_schemas() WHERE database_name = 'data' AND schema_name NOT IN ('rs', 'main', 'information_schema', 'pg_catalog')
    UNION ALL SELECT '@database@', name, 100, 'external', NULL, NULL, '{"IAM_ROLE":"' || role || '"}' FROM rs.external_schemas;
CREATE VIEW main.svv_columns AS
    SELECT '@database@' AS table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable,
        CASE WHEN data_type = 'VARIANT' THEN 'super' WHEN data_type = 'BLOB' THEN 'binary varying'
            WHEN data_type = 'VARCHAR' THEN 'character varying' WHEN data_type = 'TIMESTAMP' THEN 'timestamp without time zone'
            WHEN data_type LIKE 'DECIMAL%' THEN 'numeric' ELSE lower(data_type) END AS data_type,
        numeric_precision, numeric_scale
    FROM information_schema.columns
    WHERE table_schema NOT IN ('rs', 'main', 'information_schema', 'pg_catalog');

-- The statement's time, which the session sets, stands still within it.
CREATE MACRO main.rs_sysdate() AS getvariable('rs_now')::TIMESTAMP;
CREATE MACRO main.rs_current_user() AS getvariable('rs_user')::VARCHAR;
CREATE MACRO main.getdate() AS date_trunc('second', rs_sysdate()); -- which has no fractions

-- A macro is chosen by the type of its first argument; the last of each is for any other.

-- A SUPER value in a cast: what does not convert is NULL. Texts in @…@ are chosen by the
-- readings of the doubts, in database.go.
--
-- list_transform([x], lambda v: …)[1] is … with x as v, read once. A macro that names x
-- eight times would have the engine evaluate it eight times, and hold eight vectors for it
-- in each thread, which its memory limit does not count: casts of casts of a path into
-- SUPER then take hundreds of megabytes for a query of any number of rows.
CREATE MACRO main.rs_number_type(t) AS regexp_matches(t, '^(U?INT|DECIMAL|DOUBLE|FLOAT)');
CREATE MACRO main.rs_super_text(x VARIANT) AS list_transform([x], lambda v: CASE WHEN variant_typeof(v) = 'VARCHAR' THEN TRY_CAST(v AS VARCHAR) END)[1], (x) AS NULL::VARCHAR;
CREATE MACRO main.rs_lax_text(x VARIANT) AS list_transform([x], lambda v:
        CASE WHEN variant_typeof(v) = 'DOUBLE' THEN @number_text@
            WHEN variant_typeof(v) LIKE 'OBJECT%' OR variant_typeof(v) LIKE 'ARRAY%' THEN NULL ELSE TRY_CAST(v AS VARCHAR) END)[1],
    (x) AS NULL::VARCHAR;
CREATE MACRO main.rs_lax_ascii(x) AS list_transform([x], lambda v: CASE WHEN NOT regexp_matches(v, '[^\x00-\x7F]') THEN v END)[1];
CREATE MACRO main.rs_lax_cut(x, n) AS list_transform([x], lambda v: @lax_cut@)[1];
-- The digits of what converts to a number.
CREATE MACRO main.rs_digits(x VARIANT) AS list_transform([x], lambda v:
        CASE WHEN variant_typeof(v) = 'DOUBLE' THEN @super_digits@ WHEN rs_number_type(variant_typeof(v)) THEN TRY_CAST(v AS VARCHAR)
            WHEN variant_typeof(v) = 'VARCHAR' AND regexp_full_match(TRY_CAST(v AS VARCHAR), '@number_pattern@') THEN trim(TRY_CAST(v AS VARCHAR)) END)[1],
    (x) AS NULL::VARCHAR;
CREATE MACRO main.rs_integer_digits(x VARIANT) AS list_transform([x], lambda v:
        CASE WHEN variant_typeof(v) = 'DOUBLE' THEN @super_digits@ WHEN rs_number_type(variant_typeof(v)) THEN TRY_CAST(v AS VARCHAR)
            WHEN variant_typeof(v) = 'VARCHAR' AND regexp_full_match(TRY_CAST(v AS VARCHAR), '@integer_pattern@') THEN trim(TRY_CAST(v AS VARCHAR))
            WHEN variant_typeof(v) = 'BOOL_TRUE' THEN '1' WHEN variant_typeof(v) = 'BOOL_FALSE' THEN '0' END)[1],
    (x) AS NULL::VARCHAR;
CREATE MACRO main.rs_super_float(x VARIANT) AS list_transform([x], lambda v:
        CASE WHEN rs_number_type(variant_typeof(v)) THEN TRY_CAST(v AS DOUBLE)
            WHEN variant_typeof(v) = 'VARCHAR' AND regexp_full_match(TRY_CAST(v AS VARCHAR), '@number_pattern@') AND isfinite(TRY_CAST(trim(TRY_CAST(v AS VARCHAR)) AS DOUBLE))
                THEN TRY_CAST(trim(TRY_CAST(v AS VARCHAR)) AS DOUBLE) END)[1],
    (x) AS NULL::DOUBLE;
CREATE MACRO main.rs_super_bool(x VARIANT) AS list_transform([x], lambda v: CASE WHEN NOT regexp_matches(variant_typeof(v), '^(DECIMAL|DOUBLE|FLOAT)') THEN v END)[1], (x) AS NULL::VARIANT;
CREATE MACRO main.rs_in_range(digits, x) AS CASE WHEN x IS NULL AND digits IS NOT NULL THEN error('Overflow: ' || digits || ' is out of range') ELSE x END;

-- Any other value in a cast: what does not convert is an error, or NULL in a TRY_CAST.
CREATE MACRO main.rs_strict(x VARIANT) AS NULL, (x) AS x;
CREATE MACRO main.rs_not_blank(x VARIANT) AS list_transform([x], lambda v: CASE WHEN variant_typeof(v) = 'VARCHAR' AND trim(TRY_CAST(v AS VARCHAR)) = '' THEN @blank@ ELSE v END)[1],
    (x VARCHAR) AS CASE WHEN trim(x) = '' THEN @blank@ ELSE x END,
    (x) AS x;
CREATE MACRO main.rs_rolled(x VARCHAR) AS rs_roll_date(x), (x) AS x;
CREATE MACRO main.rs_text(x VARIANT, try) AS NULL::VARCHAR, (x BLOB, try) AS decode(x), (x VARCHAR, try) AS x,
    (x, try) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN regexp_replace(x::VARCHAR, '\.0$', '') ELSE x::VARCHAR END;
CREATE MACRO main.rs_ascii(x, try) AS
    CASE WHEN NOT regexp_matches(x, '[^\x00-\x7F]') THEN x WHEN try OR x IS NULL THEN NULL
        ELSE error('CHAR string contains invalid ASCII character: ' || x) END;
CREATE MACRO main.rs_cut(x, n) AS CASE WHEN strlen(x) <= n THEN x ELSE rs_truncate(x, n) END;
CREATE MACRO main.rs_integer(x VARIANT, try) AS NULL::VARCHAR,
    (x VARCHAR, try) AS CASE WHEN regexp_full_match(x, '\s*[+-]?[0-9]+\s*') THEN x WHEN try OR x IS NULL THEN NULL
        ELSE error('Invalid digit, Value ''' || x || ''', Type: Integer') END,
    (x, try) AS x;
CREATE MACRO main.rs_number(x VARIANT, try) AS NULL::VARCHAR,
    (x VARCHAR, try) AS CASE WHEN regexp_full_match(x, '\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*') THEN x WHEN try OR x IS NULL THEN NULL
        ELSE error('Invalid digit, Value ''' || x || ''', Type: Decimal') END,
    (x, try) AS x;
CREATE MACRO main.rs_decimal_cut(x VARCHAR, scale) AS x, (x BOOLEAN, scale) AS x,
    (x, scale) AS CASE WHEN starts_with(typeof(x), 'DECIMAL') THEN trunc(x, scale) ELSE x END;
CREATE MACRO main.rs_float_digits(x VARIANT) AS NULL::VARCHAR, (x VARCHAR) AS NULL::VARCHAR, (x BOOLEAN) AS NULL::VARCHAR,
    (x) AS format('{:.17g}', x::DOUBLE);
-- What a cast is refused from, by the usage notes of docs.aws.amazon.com/redshift/latest/dg/r_TRY_CAST.html
-- and the casts that limitations-super.html excludes.
CREATE MACRO main.rs_refused(source, target) AS
    CASE WHEN target = 'super' THEN source IN ('DATE', 'TIME', 'TIME WITH TIME ZONE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE')
        WHEN target = 'bool' THEN regexp_matches(source, '^(DECIMAL|DOUBLE|FLOAT|DATE|TIME)')
        WHEN target IN ('date', 'time', 'timetz', 'timestamp', 'timestamptz') THEN regexp_matches(source, '^(BOOLEAN|[A-Z]*INT|DECIMAL|DOUBLE|FLOAT)')
        WHEN target IN ('numeric', 'float4', 'float8') THEN regexp_matches(source, '^(BOOLEAN|DATE|TIME)')
        WHEN target IN ('int2', 'int4', 'int8') THEN regexp_matches(source, '^(DATE|TIME)')
        WHEN target IN ('varchar', 'bpchar') THEN source = 'BOOLEAN'
        ELSE false END;
CREATE MACRO main.rs_refuse(source, target) AS error('cannot cast type ' || lower(source) || ' to ' || target);
CREATE MACRO main.rs_bytes(x VARIANT) AS NULL::BLOB, (x VARCHAR) AS encode(x), (x BLOB) AS x;

CREATE MACRO main.rs_json_parse(x BLOB) AS
    CASE WHEN x IS NULL THEN NULL WHEN can_json_parse(x) THEN @json_bytes@::JSON::VARIANT ELSE error('JSON parsing error') END,
    (x VARCHAR) AS
    CASE WHEN x IS NULL THEN NULL WHEN can_json_parse(x) THEN @json_text@::JSON::VARIANT ELSE error('JSON parsing error') END;
CREATE MACRO main.rs_json_typeof(x VARIANT) AS list_transform([variant_typeof(x)], lambda t:
    CASE WHEN t = 'VARIANT_NULL' THEN NULL WHEN t LIKE 'OBJECT%' THEN 'object' WHEN t LIKE 'ARRAY%' THEN 'array'
        WHEN t LIKE 'BOOL%' THEN 'boolean' WHEN t = 'VARCHAR' THEN 'string' WHEN t IS NOT NULL THEN 'number' END)[1];
-- The engine holds a JSON null and a missing key alike; the parent still knows its keys.
CREATE MACRO main.rs_json_typeof_at(parent VARIANT, key) AS
    CASE WHEN variant_extract(parent, key) IS NOT NULL THEN rs_json_typeof(variant_extract(parent, key))
        WHEN variant_typeof(parent) LIKE 'OBJECT%' AND (@missing_is_null@ OR list_contains(json_keys(parent::JSON), key)) THEN 'null' END,
    (parent, key) AS rs_json_typeof(struct_extract(parent, key));
CREATE MACRO main.rs_json_serialize(x VARIANT) AS CASE WHEN x IS NOT NULL THEN x::JSON::VARCHAR END;
CREATE MACRO main.rs_json_extract_path_text(doc, pointer, lenient) AS
    CASE WHEN can_json_parse(doc) THEN json_extract_string(doc, pointer) WHEN lenient OR doc IS NULL THEN NULL ELSE error('JSON parsing error') END;

CREATE MACRO main.rs_compared(x VARCHAR) AS rtrim(x, ' '), (x VARIANT) AS x, (x) AS x;
CREATE MACRO main.rs_length(x BLOB) AS octet_length(x)::INTEGER, (x VARCHAR) AS length(x)::INTEGER;
CREATE MACRO main.rs_octet_length(x BLOB) AS octet_length(x)::INTEGER, (x VARCHAR) AS strlen(x)::INTEGER;
CREATE MACRO main.rs_hex(x BLOB) AS lower(hex(x));
CREATE MACRO main.rs_avg(x SMALLINT) AS trunc(avg(x))::BIGINT, (x INTEGER) AS trunc(avg(x))::BIGINT, (x BIGINT) AS trunc(avg(x))::BIGINT,
    (x) AS CASE WHEN typeof(min(x)) LIKE 'DECIMAL%' THEN error('AVG of a NUMERIC: not supported by the warehouse stand-in; cast it to float8') ELSE avg(x) END;
