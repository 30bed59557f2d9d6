package recordtest

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/warehouse"
)

// TestOwnRecords puts readings of weather stations through the views of
// examples/own-records, under every reading of the doubts about Redshift.
func TestOwnRecords(t *testing.T) {
	const sound = `{"station":"Davos","measuredAt":"2026-03-01T06:00:00Z","airTempC":-7.25,"windKmh":12}`
	with := func(from, to string) string {
		if !strings.Contains(sound, from) {
			t.Fatalf("the sound reading has no %s", from)
		}
		return strings.Replace(sound, from, to, 1)
	}
	tests := []struct{ record, row, reason string }{
		{sound, "Davos|2026-03-01 06:00:00|-7.25|12", ""},
		{with(`12`, `null`), "Davos|2026-03-01 06:00:00|-7.25|NULL", ""},
		{with(`,"windKmh":12`, ``), "Davos|2026-03-01 06:00:00|-7.25|NULL", ""},
		{with(`12`, `"strong"`), "Davos|2026-03-01 06:00:00|-7.25|NULL", "missing or wrong: windKmh"},
		{with(`12`, `12.7`), "Davos|2026-03-01 06:00:00|-7.25|NULL", "missing or wrong: windKmh"},
		{with(`12`, `"12"`), "Davos|2026-03-01 06:00:00|-7.25|NULL", "missing or wrong: windKmh"},
		{with(`12`, `99999999999`), "Davos|2026-03-01 06:00:00|-7.25|NULL", "missing or wrong: windKmh"},
		{with(`-7.25`, `true`), "Davos|2026-03-01 06:00:00|NULL|12", "missing or wrong: airTempC"},
		{with(`-7.25`, `6.005`), "Davos|2026-03-01 06:00:00|6.01|12", ""},
		{with(`-7.25`, `-6.005`), "Davos|2026-03-01 06:00:00|-6.01|12", ""},
		{with(`-7.25`, `999.999`), "Davos|2026-03-01 06:00:00|NULL|12", "missing or wrong: airTempC"},
		{with(`-7.25`, `1e39`), "Davos|2026-03-01 06:00:00|NULL|12", "missing or wrong: airTempC"},
		{with(`00Z`, `00+01:00`), "Davos|NULL|-7.25|12", "missing or wrong: measuredAt"},
		{with(`03-01`, `02-30`), "Davos|NULL|-7.25|12", "missing or wrong: measuredAt"},
		{with(`00Z`, `00Z\n`), "Davos|NULL|-7.25|12", "missing or wrong: measuredAt"},
		{with(`"Davos"`, `7`), "NULL|2026-03-01 06:00:00|-7.25|12", "missing or wrong: station"},
		{with(`Davos`, strings.Repeat("é", 11)), "NULL|2026-03-01 06:00:00|-7.25|12", "missing or wrong: station"},
		{`{}`, "NULL|NULL|NULL|NULL", "missing or wrong: station measuredAt airTempC"},
		{`[]`, "", "not a JSON object"},
		{`restarted`, "", "not a JSON object"},
		{``, "", "not a JSON object"},
	}
	for _, readings := range append([]doubt.Readings{nil, warehouse.Doubts().Others()}, warehouse.Doubts().Single()...) {
		t.Run(name(readings), func(t *testing.T) {
			t.Parallel()
			p := newPipeline(t, options{readings: readings, more: []fs.FS{os.DirFS("../../examples/own-records/migrations")}})
			for i, test := range tests {
				p.put(strconv.Itoa(i), test.record)
			}
			p.refresh()
			rows := p.byKey("SELECT v.partition_key, r.station, r.measured_at, r.air_temp_c, r.wind_kmh FROM weather_readings r JOIN ev_station_data v ON v.sequence_number = r.sequence_number")
			unread := p.byKey("SELECT v.partition_key, r.reason FROM weather_unread r JOIN ev_station_data v ON v.sequence_number = r.sequence_number")
			for i, test := range tests {
				key := strconv.Itoa(i)
				row := strings.ReplaceAll(strings.Join(rows[key], "|"), null, "NULL")
				if diff := cmp.Diff([]string{test.row, test.reason}, []string{row, strings.Join(unread[key], "")}); diff != "" {
					t.Errorf("%s (-want +got):\n%s", test.record, diff)
				}
			}
		})
	}
}
