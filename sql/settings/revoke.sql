-- What is taken from a reader that is no longer in the setting readers. Each line
-- runs only if the table ev_schema_readers says that this program gave the reader
-- that privilege, so what a person granted stays.
REVOKE SELECT ON ev_station_data_rejected FROM ${READER};
REVOKE SELECT ON ev_station_data_extract FROM ${READER};
REVOKE SELECT ON ev_station_data_typed FROM ${READER};
REVOKE SELECT ON ev_station_data FROM ${READER};
REVOKE USAGE ON SCHEMA public FROM ${READER};
