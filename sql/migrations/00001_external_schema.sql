-- Runs alone, outside a transaction.
--
-- The schema through which Redshift reads Kinesis with the streaming role.
-- It names no stream; the materialized view does.
--
-- An external schema on Kinesis cannot be altered, so the role keeps its name
-- and ARN for as long as the schema lives.

CREATE EXTERNAL SCHEMA evdata
FROM KINESIS
IAM_ROLE '${STREAMING_ROLE_ARN}';
