-- Who may do what by GRANT: users, groups, roles and everybody. A view is read with its owner's privileges.

CREATE EXTERNAL SCHEMA kinesis FROM KINESIS IAM_ROLE default;
--> done

CREATE MATERIALIZED VIEW readings DISTSTYLE EVEN SORTKEY (approximate_arrival_timestamp) AUTO REFRESH YES AS
SELECT refresh_time, approximate_arrival_timestamp, partition_key, shard_id, sequence_number,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN JSON_PARSE(kinesis_data) END AS payload,
    CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN NULL ELSE kinesis_data END AS unparsed
FROM kinesis.ev_stream_data;
--> done

CREATE VIEW readings_typed AS SELECT partition_key, payload._id::VARCHAR(36) AS id FROM readings;
--> done

CREATE VIEW readings_extract AS SELECT * FROM readings_typed WHERE id IS NOT NULL;
--> done

CREATE USER ana PASSWORD DISABLE;
--> done

CREATE USER "Bo" PASSWORD 'Secret1234';
--> done

CREATE USER eve WITH PASSWORD DISABLE;
--> done

CREATE GROUP analysts WITH USER ana;
--> done

CREATE ROLE outer_role;
--> done

CREATE ROLE inner_role;
--> done

GRANT ROLE inner_role TO ROLE outer_role;
--> done

GRANT ROLE outer_role TO "Bo";
--> done

--: as ana
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

--: as Bo
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

--: as eve
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

--: as IAMR:analyst
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

-- By a group and by a role of a role. A view is read with its own privilege.
GRANT SELECT ON readings_extract TO GROUP analysts, ROLE inner_role;
--> done

--: as ana
SELECT count(*) AS n FROM readings_extract;
--> 0

--: as Bo
SELECT count(*) AS n FROM readings_extract;
--> 0

--: as eve
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

--: as ana
SELECT count(*) AS n FROM readings_typed;
--> error: permission denied for relation readings_typed

--: as ana
SELECT 1 AS n WHERE EXISTS (SELECT 1 FROM readings);
--> error: permission denied for relation readings

--: as ana
CREATE VIEW mine AS SELECT * FROM readings;
--> error: permission denied for relation readings

-- Taken away.
REVOKE SELECT ON readings_extract FROM GROUP analysts;
--> done

REVOKE SELECT ON readings_extract FROM ana;
--> done

--: as ana
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

REVOKE ROLE outer_role FROM "Bo";
--> done

--: as Bo
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

-- By IAM.
GRANT SELECT ON readings_extract TO "IAMR:analyst";
--> done

--: as IAMR:analyst
SELECT count(*) AS n FROM readings_extract;
--> 0

GRANT SELECT ON readings TO "IAMR:unseen";
--> error: user "IAMR:unseen" does not exist

-- A name in double quotes keeps its case, but not that of a group.
GRANT SELECT ON readings TO Bo;
--> error: user "bo" does not exist

CREATE USER "Bo" PASSWORD DISABLE;
--> error: user "Bo" already exists

GRANT SELECT ON readings TO GROUP "ANALYSTS";
--> done

-- Everybody.
GRANT SELECT ON readings_extract TO "public";
--> done

--: as eve
SELECT count(*) AS n FROM readings_extract;
--> 0

REVOKE SELECT ON readings_extract FROM PUBLIC;
--> done

--: as eve
SELECT count(*) AS n FROM readings_extract;
--> error: permission denied for relation readings_extract

-- A schema.
CREATE SCHEMA other;
--> done

CREATE TABLE other.t (n INTEGER);
--> done

GRANT SELECT ON other.t TO ana;
--> done

--: as ana
SELECT n FROM other.t;
--> error: permission denied for schema other

GRANT USAGE ON SCHEMA other TO ana;
--> done

--: as ana
SELECT n FROM other.t;
--> 0 rows

--: as ana
INSERT INTO other.t VALUES (1);
--> error: permission denied for relation t

--: as ana
CREATE TABLE other.u (n INTEGER);
--> error: permission denied for schema other

-- What the catalog says.
SELECT relation_name, privilege_type, identity_name, identity_type, admin_option FROM svv_relation_privileges WHERE namespace_name = 'public' ORDER BY 1, 3;
--> readings | SELECT | analysts | group | false
--> readings_extract | SELECT | IAMR:analyst | user | false
--> readings_extract | SELECT | inner_role | role | false

SELECT namespace_name, privilege_type, identity_name, privilege_scope FROM svv_schema_privileges WHERE identity_type = 'user';
--> other | USAGE | ana | SCHEMA

-- Who and what must exist, and what is not supported.
GRANT SELECT ON readings TO nobody;
--> error: user "nobody" does not exist

GRANT SELECT ON readings TO GROUP ana;
--> error: group "ana" does not exist

REVOKE SELECT ON readings FROM ROLE nobody;
--> error: role "nobody" does not exist

GRANT SELECT ON nothing TO ana;
--> error: relation "nothing" does not exist

GRANT USAGE ON SCHEMA nothing TO ana;
--> error: schema "nothing" does not exist

GRANT USAGE ON readings TO ana;
--> error: invalid privilege type USAGE

GRANT SELECT ON SCHEMA public TO ana;
--> error: invalid privilege type SELECT

GRANT SELECT ON readings TO ana; DROP VIEW v;
--> error: cannot insert multiple commands into a prepared statement

GRANT SELECT ON readings TO "ana"" ";
--> error: user "ana\" " does not exist

GRANT SELECT ON readings TO ana WITH GRANT OPTION;
--> error: WITH GRANT OPTION and WITH ADMIN OPTION: not supported by the warehouse stand-in

GRANT SELECT ON ALL TABLES IN SCHEMA public TO ana;
--> error: privileges on ALL: not supported by the warehouse stand-in

CREATE USER PUBLIC PASSWORD DISABLE;
--> error: user name "public" is reserved

CREATE USER joe;
--> error: syntax error at end of input

DROP USER ana;
--> error: user "ana" cannot be dropped because the user has a privilege on some object

-- Only the owner and superusers.
--: as eve
GRANT SELECT ON readings TO eve;
--> error: must be owner of relation readings

--: as eve
CREATE USER joe PASSWORD DISABLE;
--> error: must be superuser to create users

--: as eve
CREATE SCHEMA mine;
--> error: must be superuser to create schemas

--: as eve
DROP VIEW readings_extract;
--> error: must be owner of relation readings_extract

--: as eve
ALTER MATERIALIZED VIEW readings AUTO REFRESH NO;
--> error: must be owner of relation readings
