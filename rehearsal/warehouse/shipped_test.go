package warehouse_test

import "testing"

func TestSmoke(t *testing.T) {
	f := newFixture(t)
	f.migrate()
	f.put("a", `{"_id":"x1","clusterID":"c","connectionTime":"2026-02-01 10:00:00","kWhDelivered":7.935,"stationID":"12","spaceID":"s","timezone":"America/Los_Angeles","userID":null}`, `{"a`, `[1]`)
	f.refresh()
	t.Log(f.rows("select * from ev_station_data"))
	t.Log(f.rows("select * from ev_station_data_extract"))
	t.Log(f.rows("select * from ev_station_data_rejected"))
}
