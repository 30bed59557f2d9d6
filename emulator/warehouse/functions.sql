-- Redshift's functions that the engine lacks or means otherwise: fn_NAME is the function
-- NAME. Where the argument's type decides, the macro is chosen by it; the last is for any
-- other type. Each name is one of docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html.

-- SUPER: operators, by the values' own types. What does not fit together is NULL, and of an
-- equality false; trailing blanks don't count:
-- docs.aws.amazon.com/redshift/latest/dg/operators-functions.html and query-super.html.
-- rs_same, rs_less and rs_reckon are in super.go and work on the values' JSON.
CREATE MACRO main.rs_to_super(x) AS
    CASE WHEN typeof(x) IN ('DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'INTERVAL', 'BLOB')
        THEN error('could not convert type ' || lower(typeof(x)) || ' to super')::VARIANT ELSE x::VARIANT END;
CREATE MACRO main.rs_json(x) AS rs_to_super(x)::JSON::VARCHAR;
CREATE MACRO main.rs_kind(x) AS rs_json_typeof(rs_to_super(x));
CREATE MACRO main.rs_alike(x, y) AS rs_same(rs_json(x), rs_json(y));
CREATE MACRO main.rs_before(x, y) AS rs_less(rs_json(x), rs_json(y));
CREATE MACRO main.rs_eq(x VARIANT, y VARIANT) AS rs_alike(x, y), (x VARIANT, y) AS rs_alike(x, y), (x, y VARIANT) AS rs_alike(x, y), (x, y) AS x = y;
CREATE MACRO main.rs_ne(x VARIANT, y VARIANT) AS NOT rs_alike(x, y), (x VARIANT, y) AS NOT rs_alike(x, y), (x, y VARIANT) AS NOT rs_alike(x, y), (x, y) AS x <> y;
CREATE MACRO main.rs_lt(x VARIANT, y VARIANT) AS rs_before(x, y), (x VARIANT, y) AS rs_before(x, y), (x, y VARIANT) AS rs_before(x, y), (x, y) AS x < y;
CREATE MACRO main.rs_gt(x VARIANT, y VARIANT) AS rs_before(y, x), (x VARIANT, y) AS rs_before(y, x), (x, y VARIANT) AS rs_before(y, x), (x, y) AS x > y;
CREATE MACRO main.rs_le(x VARIANT, y VARIANT) AS NOT rs_before(y, x), (x VARIANT, y) AS NOT rs_before(y, x), (x, y VARIANT) AS NOT rs_before(y, x), (x, y) AS x <= y;
CREATE MACRO main.rs_ge(x VARIANT, y VARIANT) AS NOT rs_before(x, y), (x VARIANT, y) AS NOT rs_before(x, y), (x, y VARIANT) AS NOT rs_before(x, y), (x, y) AS x >= y;
CREATE MACRO main.rs_super(op, x, y) AS rs_reckon(op, rs_json(x), rs_json(y))::JSON::VARIANT;
CREATE MACRO main.rs_add(x VARIANT, y VARIANT) AS rs_super('+', x, y), (x VARIANT, y) AS rs_super('+', x, y), (x, y VARIANT) AS rs_super('+', x, y),
    (x BLOB, y BLOB) AS x || y, (x, y) AS x + y;
CREATE MACRO main.rs_subtract(x VARIANT, y VARIANT) AS rs_super('-', x, y), (x VARIANT, y) AS rs_super('-', x, y), (x, y VARIANT) AS rs_super('-', x, y), (x, y) AS x - y;
CREATE MACRO main.rs_multiply(x VARIANT, y VARIANT) AS rs_super('*', x, y), (x VARIANT, y) AS rs_super('*', x, y), (x, y VARIANT) AS rs_super('*', x, y), (x, y) AS x * y;
CREATE MACRO main.rs_remainder(x VARIANT, y VARIANT) AS rs_super('%', x, y), (x VARIANT, y) AS rs_super('%', x, y), (x, y VARIANT) AS rs_super('%', x, y),
    (x, y) AS CASE WHEN y = 0 THEN error('Divide by zero') ELSE x % y END;
CREATE MACRO main.rs_divide(x VARIANT, y VARIANT) AS rs_super('/', x, y), (x VARIANT, y) AS rs_super('/', x, y), (x, y VARIANT) AS rs_super('/', x, y),
    (x, y) AS CASE WHEN typeof(x) LIKE 'DECIMAL%' OR typeof(y) LIKE 'DECIMAL%'
        THEN error('division of a NUMERIC: not supported by the warehouse stand-in; cast it to float8')
        WHEN y = 0 THEN error('Divide by zero') ELSE x / y END;
CREATE MACRO main.rs_negate(x VARIANT) AS rs_super('-', 0::VARIANT, x), (x) AS -x;
CREATE MACRO main.rs_concat(x BLOB, y BLOB) AS x || y, (x BLOB, y) AS rs_mistyped('operator does not exist: binary varying || character varying', x)::VARCHAR,
    (x, y BLOB) AS rs_mistyped('operator does not exist: character varying || binary varying', y)::VARCHAR, (x, y) AS x || y;
CREATE MACRO main.rs_not_super(x VARIANT) AS rs_mistyped('SUPER can''t be used in a RIGHT or FULL JOIN', x)::VARIANT, (x) AS x;
-- The order of a SUPER value among those of other types.
CREATE MACRO main.rs_order(x VARIANT) AS {kind: list_position(['boolean', 'number', 'string', 'array', 'object'], rs_kind(x)),
        number: CASE WHEN rs_kind(x) = 'number' THEN TRY_CAST(x AS DOUBLE) END, text: CASE WHEN rs_kind(x) <> 'number' THEN rs_json(x) END},
    (x) AS x;
CREATE MACRO main.rs_sum(x VARIANT) AS rtrim(rtrim(sum(TRY_CAST(CASE WHEN rs_kind(x) = 'number' THEN x END AS DECIMAL(38,10)))::VARCHAR, '0'), '.')::JSON::VARIANT,
    (x SMALLINT) AS sum(x)::BIGINT, (x INTEGER) AS sum(x)::BIGINT, (x BIGINT) AS sum(x)::DECIMAL(38,0), (x) AS sum(x);
CREATE MACRO main.rs_min(x VARIANT) AS arg_min(x, rs_order(x)), (x) AS min(x);
CREATE MACRO main.rs_max(x VARIANT) AS arg_max(x, rs_order(x)), (x) AS max(x);
CREATE MACRO main.fn_abs(x VARIANT) AS rs_super('abs', x, 0::VARIANT), (x) AS abs(x);
CREATE MACRO main.fn_ceil(x VARIANT) AS rs_super('ceil', x, 0::VARIANT), (x) AS ceil(x);
CREATE MACRO main.fn_ceiling(x) AS fn_ceil(x);
CREATE MACRO main.fn_floor(x VARIANT) AS rs_super('floor', x, 0::VARIANT), (x) AS floor(x);
CREATE MACRO main.fn_round(x VARIANT) AS rs_super('round', x, 0::VARIANT), (x) AS round(x), (x VARIANT, n) AS rs_super('round', x, n), (x, n) AS round(x, n);
CREATE MACRO main.fn_trunc(x VARIANT) AS rs_super('trunc', x, 0::VARIANT), (x TIMESTAMP) AS x::DATE, (x TIMESTAMPTZ) AS timezone('UTC', x)::DATE, (x DATE) AS x,
    (x) AS trunc(x), (x VARIANT, n) AS rs_super('trunc', x, n), (x, n) AS CASE WHEN n >= 0 THEN trunc(x * 10 ** n) / 10 ** n ELSE trunc(x / 10 ** -n) * 10 ** -n END;

-- SUPER: arrays and objects.
CREATE MACRO main.rs_elements(x) AS TRY_CAST(CASE WHEN rs_kind(x) = 'array' THEN x::VARIANT END AS VARIANT[]);
CREATE MACRO main.rs_unnest(x) AS TABLE SELECT unnest(rs_elements(x)) AS element;
CREATE MACRO main.rs_unnest_at(x) AS TABLE SELECT unnest(rs_elements(x)) AS element, generate_subscripts(rs_elements(x), 1) - 1 AS index;
CREATE MACRO main.rs_attributes(x) AS map_entries(json_transform(CASE WHEN rs_kind(x) = 'object' THEN rs_json(x)::JSON END, '"MAP(VARCHAR,JSON)"'));
CREATE MACRO main.rs_unpivot(x) AS TABLE SELECT e.value::VARIANT AS element FROM (SELECT unnest(rs_attributes(x)) AS e);
CREATE MACRO main.rs_unpivot_at(x) AS TABLE SELECT e.value::VARIANT AS element, e.key AS attribute FROM (SELECT unnest(rs_attributes(x)) AS e);
CREATE MACRO main.fn_get_array_length(x) AS len(rs_elements(x))::BIGINT;
CREATE MACRO main.fn_array_concat(x, y) AS CASE WHEN rs_elements(x) IS NOT NULL AND rs_elements(y) IS NOT NULL THEN list_concat(rs_elements(x), rs_elements(y))::VARIANT END;
CREATE MACRO main.fn_array_flatten(x) AS rs_flatten(CASE WHEN rs_kind(x) = 'array' THEN rs_json(x) END)::JSON::VARIANT;
CREATE MACRO main.rs_from(x, i) AS CASE WHEN i < 0 THEN greatest(len(rs_elements(x)) + i, 0) ELSE i END;
-- A cast of list_slice's result to VARIANT has the elements from the list's beginning.
CREATE MACRO main.fn_subarray(x, i) AS list_filter(rs_elements(x), lambda e, k: k > rs_from(x, i))::VARIANT,
    (x, i, n) AS list_filter(rs_elements(x), lambda e, k: k > rs_from(x, i) AND k <= rs_from(x, i) + n)::VARIANT;
CREATE MACRO main.fn_split_to_array(x) AS string_split(x, ',')::VARIANT, (x, delimiter) AS string_split(x, delimiter)::VARIANT;
CREATE MACRO main.fn_json_size(x) AS CASE WHEN x IS NOT NULL THEN strlen(rs_json(x)) END;
CREATE MACRO main.rs_decimal_text(x) AS CASE WHEN rs_kind(x) = 'number' AND NOT regexp_matches(rs_json(x), '[eE]') THEN ltrim(rs_json(x), '-') END;
CREATE MACRO main.fn_decimal_scale(x) AS len(split_part(rs_decimal_text(x), '.', 2))::INTEGER;
CREATE MACRO main.fn_decimal_precision(x) AS len(ltrim(replace(rs_decimal_text(x), '.', ''), '0'))::INTEGER;
CREATE MACRO main.fn_is_array(x) AS coalesce(rs_kind(x) = 'array', FALSE);
CREATE MACRO main.fn_is_object(x) AS coalesce(rs_kind(x) = 'object', FALSE);
CREATE MACRO main.fn_is_scalar(x) AS coalesce(rs_kind(x) NOT IN ('array', 'object'), FALSE);
CREATE MACRO main.fn_is_boolean(x) AS coalesce(rs_kind(x) = 'boolean', FALSE);
CREATE MACRO main.fn_is_varchar(x) AS coalesce(rs_kind(x) = 'string', FALSE);
CREATE MACRO main.fn_is_char(x) AS coalesce(rs_kind(x) = 'string' AND NOT regexp_matches(x::VARCHAR, '[^\x00-\x7F]'), FALSE);
CREATE MACRO main.fn_is_decimal(x) AS coalesce(rs_decimal_text(x) IS NOT NULL, FALSE);
CREATE MACRO main.fn_is_float(x) AS coalesce(rs_kind(x) = 'number' AND rs_decimal_text(x) IS NULL, FALSE);
CREATE MACRO main.rs_whole(x) AS TRY_CAST(CASE WHEN regexp_full_match(rs_decimal_text(x), '[0-9]+(\.0*)?') THEN rs_json(x) END AS HUGEINT);
CREATE MACRO main.fn_is_smallint(x) AS coalesce(rs_whole(x) BETWEEN -32768 AND 32767, FALSE);
CREATE MACRO main.fn_is_integer(x) AS coalesce(rs_whole(x) BETWEEN -2147483648 AND 2147483647, FALSE);
CREATE MACRO main.fn_is_bigint(x) AS coalesce(rs_whole(x) BETWEEN -9223372036854775808 AND 9223372036854775807, FALSE);

-- JSON in texts.
CREATE MACRO main.fn_is_valid_json(x) AS rs_is_json(x, '{');
CREATE MACRO main.fn_is_valid_json_array(x) AS rs_is_json(x, '[');
CREATE MACRO main.rs_json_array(x, lenient) AS CASE WHEN rs_is_json(x, '[') THEN x WHEN lenient OR x IS NULL THEN NULL ELSE error('invalid json array object ' || x) END;
CREATE MACRO main.fn_json_array_length(x) AS json_array_length(rs_json_array(x, FALSE))::INTEGER, (x, lenient) AS json_array_length(rs_json_array(x, lenient))::INTEGER;
CREATE MACRO main.rs_json_at(x, i) AS CASE WHEN i >= 0 THEN json_extract_string(x, i) END;
CREATE MACRO main.fn_json_extract_array_element_text(x, i) AS rs_json_at(rs_json_array(x, FALSE), i), (x, i, lenient) AS rs_json_at(rs_json_array(x, lenient), i);

-- Bytes and texts.
CREATE MACRO main.rs_format(format) AS replace(replace(lower(format), '-', ''), '_', '');
CREATE MACRO main.fn_from_varbyte(x, format) AS CASE rs_format(format) WHEN 'utf8' THEN decode(x) WHEN 'hex' THEN rs_hex(x) WHEN 'base64' THEN to_base64(x)
    ELSE error('FROM_VARBYTE with format ' || format || ': not supported by the warehouse stand-in') END;
CREATE MACRO main.fn_to_varbyte(x, format) AS CASE rs_format(format) WHEN 'utf8' THEN encode(x) WHEN 'hex' THEN unhex(x) WHEN 'base64' THEN from_base64(x)
    ELSE error('TO_VARBYTE with format ' || format || ': not supported by the warehouse stand-in') END;

-- Texts.
CREATE MACRO main.fn_charindex(part, x) AS strpos(x, part);
CREATE MACRO main.rs_listagg(l, delimiter) AS nullif(array_to_string(list_filter(list_transform(l, lambda v: v::VARCHAR), lambda v: v <> ''), delimiter), '');
CREATE MACRO main.fn_initcap(x) AS array_to_string(list_transform(regexp_extract_all(x, '[[:alnum:]]+|[^[:alnum:]]+'), lambda w: upper(w[1]) || lower(w[2:])), '');
CREATE MACRO main.fn_replicate(x, n) AS repeat(x, n);
CREATE MACRO main.fn_regexp_count(x, pattern) AS len(regexp_extract_all(x, pattern))::INTEGER;
CREATE MACRO main.fn_regexp_replace(x, pattern) AS regexp_replace(x, pattern, '', 'g'),
    (x, pattern, replacement) AS regexp_replace(x, pattern, regexp_replace(replacement, '\$([0-9])', '\\\1', 'g'), 'g');
CREATE MACRO main.fn_regexp_substr(x, pattern) AS regexp_extract(x, pattern);
CREATE MACRO main.fn_regexp_instr(x, pattern) AS CASE WHEN regexp_matches(x, pattern) THEN strpos(x, regexp_extract(x, pattern)) ELSE 0 END::INTEGER;
CREATE MACRO main.fn_to_hex(x) AS lower(to_hex(x));
CREATE MACRO main.fn_sha(x) AS sha1(x);
CREATE MACRO main.fn_func_sha1(x) AS sha1(x);
CREATE MACRO main.fn_sha2(x, bits) AS CASE WHEN bits IN (0, 256) THEN sha256(x) ELSE error('SHA2 with ' || bits || ' bits: not supported by the warehouse stand-in') END;
CREATE MACRO main.fn_quote_ident(x) AS CASE WHEN regexp_full_match(x, '[a-z_][a-z0-9_$]*') THEN x ELSE '"' || replace(x, '"', '""') || '"' END;
CREATE MACRO main.fn_quote_literal(x) AS '''' || replace(replace(x, '\', '\\'), '''', '''''') || '''';

-- Dates and times. rs_format_time, rs_format_number and rs_read_time are in format.go.
CREATE MACRO main.fn_to_char(x TIMESTAMP, format) AS rs_format_time(x, format), (x DATE, format) AS rs_format_time(x, format), (x TIMESTAMPTZ, format) AS rs_format_time(timezone('UTC', x), format),
    (x, format) AS rs_format_number(x::VARCHAR, format);
CREATE MACRO main.fn_to_timestamp(x, format) AS timezone('UTC', rs_read_time(x::VARCHAR, format, FALSE)), (x, format, strict) AS timezone('UTC', rs_read_time(x::VARCHAR, format, strict));
CREATE MACRO main.fn_to_date(x, format) AS rs_read_time(x::VARCHAR, format, FALSE)::DATE, (x, format, strict) AS rs_read_time(x::VARCHAR, format, strict)::DATE;
CREATE MACRO main.fn_dateadd(part, n, x) AS x::TIMESTAMP + CASE part WHEN 'year' THEN to_years(n::INTEGER) WHEN 'quarter' THEN to_quarters(n::INTEGER) WHEN 'month' THEN to_months(n::INTEGER)
    WHEN 'week' THEN to_weeks(n::INTEGER) WHEN 'day' THEN to_days(n::INTEGER) WHEN 'hour' THEN to_hours(n::BIGINT) WHEN 'minute' THEN to_minutes(n::BIGINT) WHEN 'second' THEN to_seconds(n::BIGINT)
    WHEN 'millisecond' THEN to_milliseconds(n::BIGINT) WHEN 'microsecond' THEN to_microseconds(n::BIGINT) ELSE error('DATEADD does not know the date part "' || part || '"') END;
CREATE MACRO main.fn_date_add(part, n, x) AS fn_dateadd(part, n, x);
CREATE MACRO main.fn_convert_timezone(target, x) AS timezone(target, timezone('UTC', x::TIMESTAMP)),
    (source, target, x) AS timezone(target, timezone(source, x::TIMESTAMP));
CREATE MACRO main.fn_last_day(x) AS last_day(x::DATE);
CREATE MACRO main.fn_add_months(x, n) AS
    CASE WHEN x::DATE = last_day(x::DATE) THEN last_day((x::DATE + to_months(n))::DATE)::TIMESTAMP + (x::TIMESTAMP - x::DATE::TIMESTAMP) ELSE x::TIMESTAMP + to_months(n) END;
CREATE MACRO main.fn_date_part_year(x) AS date_part('year', x::DATE)::INTEGER;
CREATE MACRO main.fn_date_cmp(x, y) AS sign(x::DATE - y::DATE)::INTEGER;
CREATE MACRO main.fn_timestamp_cmp(x, y) AS CASE WHEN x::TIMESTAMP < y::TIMESTAMP THEN -1 WHEN x::TIMESTAMP > y::TIMESTAMP THEN 1 WHEN x IS NOT NULL AND y IS NOT NULL THEN 0 END;

-- Numbers.
CREATE MACRO main.fn_mod(x, y) AS CASE WHEN y = 0 THEN error('Divide by zero') ELSE mod(x, y) END;
CREATE MACRO main.fn_random() AS random();
CREATE MACRO main.fn_dexp(x) AS exp(x);
CREATE MACRO main.fn_dlog1(x) AS ln(x);
CREATE MACRO main.fn_dlog10(x) AS log10(x);
CREATE MACRO main.fn_log(x) AS log10(x);

-- Conditions.
CREATE MACRO main.fn_nvl2(x, given, missing) AS CASE WHEN x IS NULL THEN missing ELSE given END;

-- The session.
CREATE MACRO main.fn_current_database() AS '@database@';
CREATE MACRO main.fn_version() AS 'PostgreSQL 8.0.2, Redshift 1.0 (the warehouse stand-in)';
