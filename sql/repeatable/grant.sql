-- What each of the readers may do. This runs for every reader whenever the
-- migrations have run, and leaves out what a reader has already. READER is one of
-- the setting readers: "NAME", GROUP "NAME" or ROLE "NAME".
--
-- A view that a new migration makes gets a line here. A line that is deleted here
-- is taken back from every reader that was given it by this program, which the
-- table ev_schema_readers says; what a person granted stays.
GRANT USAGE ON SCHEMA public TO ${READER};
GRANT SELECT ON ev_station_data TO ${READER};
GRANT SELECT ON ev_station_data_typed TO ${READER};
GRANT SELECT ON ev_station_data_extract TO ${READER};
GRANT SELECT ON ev_station_data_rejected TO ${READER};
