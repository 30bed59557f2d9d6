-- What must not pass for Redshift's SQL, beyond the rows of README.md.

CREATE TABLE t (n INTEGER, doc SUPER);
--> done

CREATE VIEW v AS SELECT n FROM t;
--> done

SELECT COLUMNS('n') FROM t;
--> error: * columns: not supported by the warehouse stand-in

SELECT {'a': 1};
--> error: syntax error at or near "{"

SELECT list_value(1);
--> error: function list_value does not exist, or is not supported by the warehouse stand-in

SELECT strftime(GETDATE(), '%Y');
--> error: function strftime does not exist, or is not supported by the warehouse stand-in

SELECT * FROM generate_series(1, 3);
--> error: function generate_series does not exist, or is not supported by the warehouse stand-in

SELECT * FROM main.svv_tables;
--> error: schema "main" does not exist

SELECT * FROM pg_class;
--> error: the system view pg_class: not supported by the warehouse stand-in

SELECT n FROM t GROUP BY ALL;
--> error: GROUP BY ALL: not supported by the warehouse stand-in

SELECT DISTINCT ON (n) n FROM t;
--> error: DISTINCT ON: not supported by the warehouse stand-in

SELECT n FROM t POSITIONAL JOIN v;
--> error: syntax error at end of input

SELECT abs(1), trunc(n) OVER () FROM t;
--> error: window function trunc: not supported by the warehouse stand-in

SELECT date_trunc(fortnight, GETDATE());
--> error: column "fortnight" does not exist

SELECT CURRENT_TIMESTAMP;
--> error: CURRENT_TIMESTAMP: not supported by the warehouse stand-in

SELECT $1;
--> error: syntax error: one query without placeholders is expected

SELECT :n;
--> error: syntax error at or near ":"

SELECT n FROM;
--> error: syntax error at end of input

VALUES (1);
--> error: syntax error at or near "VALUES"

PRAGMA database_list;
--> error: syntax error at or near "PRAGMA"

ATTACH ':memory:' AS x;
--> error: ATTACH :MEMORY:: not supported by the warehouse stand-in

INSTALL httpfs;
--> error: syntax error at or near "INSTALL"

COPY t FROM 's3://bucket/key' IAM_ROLE default;
--> error: COPY T: not supported by the warehouse stand-in

EXPLAIN SELECT 1;
--> error: EXPLAIN SELECT: not supported by the warehouse stand-in

MERGE INTO t USING v ON t.n = v.n;
--> error: MERGE INTO: not supported by the warehouse stand-in

INSERT INTO v VALUES (1);
--> error: cannot insert into view "v"

SET memory_limit TO '1GB';
--> error: unrecognized configuration parameter "memory_limit", or the warehouse stand-in does not support it

SET enable_case_sensitive_super_attribute TO maybe;
--> error: parameter "enable_case_sensitive_super_attribute" requires a Boolean value

CREATE EXTERNAL TABLE x (n INTEGER);
--> error: CREATE EXTERNAL: not supported by the warehouse stand-in

;
--> error: syntax error at end of input

-- nothing;
--> error: syntax error at end of input

SELECT 1; -- with an end;
--> 1

SELECT /* a /* nested */ comment */ 1;
--> 1
