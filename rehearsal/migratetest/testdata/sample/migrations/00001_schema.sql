-- Runs alone, outside a transaction.
CREATE EXTERNAL SCHEMA source
FROM KINESIS
IAM_ROLE '${STREAMING_ROLE_ARN}';
