-- Two statements, of which the second needs the first.
SET enable_case_sensitive_super_attribute TO TRUE;

CREATE VIEW readings AS
SELECT payload.upperCase::INT AS a FROM records;

CREATE VIEW readings_over_nine AS
SELECT a FROM readings WHERE a > 9;
