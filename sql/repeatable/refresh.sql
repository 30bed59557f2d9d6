-- How the streaming view is refreshed: AUTO_REFRESH is YES when the setting
-- refresh is auto, and NO when a person or a schedule refreshes the view.
--
-- This runs whenever the migrations have run, and only if SVV_MV_INFO says that
-- the view has the other mode. It changes the view in place and loses nothing.
ALTER MATERIALIZED VIEW ev_station_data AUTO REFRESH ${AUTO_REFRESH};
