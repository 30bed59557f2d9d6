package query

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

var usageColumns = []column{{"timezone", plain}, {"hour", timestamp}, {"energy_kwh", numeric}, {"users", numeric}, {"records", numeric}}

// usageRows are days of charging in these zones: most of it in the evening of
// each.
func usageRows(days int, zones ...string) [][]any {
	var rows [][]any
	for z, zone := range zones {
		location := newZone(zone).location
		end := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		for at := end.AddDate(0, 0, -days); at.Before(end); at = at.Add(time.Hour) {
			local := at.In(location)
			hour := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, time.UTC)
			share := 1.2 + math.Sin(float64(local.Hour()-12)*math.Pi/12)
			records := int64(share * float64(20+7*z))
			rows = append(rows, []any{zone, hour, fmtDecimal(float64(records) * 11.37), records - records/9, records})
		}
	}
	return rows
}

func fmtDecimal(v float64) string {
	return string(column{}.appendText(nil, math.Round(v*100)/100))
}

func usageFigure(t *testing.T, rows [][]any) figure {
	t.Helper()
	c, err := newChart(usageColumns, false)
	if err != nil {
		t.Fatal(err)
	}
	c.start(time.Time{})
	for _, row := range rows {
		if err := c.add(row); err != nil {
			t.Fatal(err)
		}
	}
	f, ok := c.figure()
	if !ok {
		t.Fatal("nothing to draw")
	}
	return f
}

func lagFigure(t *testing.T) figure {
	t.Helper()
	c, err := newChart([]column{{"lag_seconds", numeric}, {"load_seconds", numeric}}, true)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 1, 23, 57, 30, 0, time.UTC)
	for i := range 60 {
		c.start(start.Add(time.Duration(i) * 5 * time.Second))
		lag := int64(4 + i*5%35)
		if i > 40 {
			lag = int64(4 + 5*(i-40)) // the refreshes stopped
		}
		if err := c.add([]any{lag, int64(3 + i%3)}); err != nil {
			t.Fatal(err)
		}
	}
	f, _ := c.figure()
	return f
}

func TestCharts(t *testing.T) {
	figures := map[string]figure{
		"usage-zones": usageFigure(t, usageRows(1,
			"America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Seoul", "Australia/Sydney")),
		"usage-one-zone": usageFigure(t, usageRows(3, "Europe/Berlin")),
		"usage-many-zones": usageFigure(t, usageRows(2,
			"America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Seoul", "Australia/Sydney",
			"Asia/Kolkata", "Asia/Kathmandu", "Mars/Olympus_Mons", "Africa/Lagos", "")),
		"usage-one-hour": usageFigure(t, usageRows(1, "Europe/Berlin")[:1]),
		"freshness":      lagFigure(t),
	}
	for name, f := range figures {
		t.Run(name, func(t *testing.T) {
			svg, err := drawPicture(f, "svg")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".svg", svg)

			var text bytes.Buffer
			if err := writeTextChart(&text, f, 80); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", text.Bytes())

			picture, err := drawPicture(f, "png")
			if err != nil {
				t.Fatal(err)
			}
			size, err := png.DecodeConfig(bytes.NewReader(picture))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := float64(size.Width)/float64(size.Height), pictureWidth/pictureHeight; math.Abs(got-want) > 0.01 {
				t.Errorf("the PNG is %d by %d pixels, a ratio of %.2f; want %.2f", size.Width, size.Height, got, want)
			}
			if dir := os.Getenv("CHARTS"); dir != "" {
				os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
			}
		})
	}
}

// TestHeightsOutOfAllProportion: a chart ends, and has only numbers, whatever numbers a
// record holds.
func TestHeightsOutOfAllProportion(t *testing.T) {
	for _, energy := range []float64{5e-324, 1e-310, 1.7e308, -1, math.Inf(1), math.NaN()} {
		t.Run(fmt.Sprint(energy), func(t *testing.T) {
			rows := usageRows(1, "Europe/Berlin")[:1]
			rows[0][2] = energy
			f := usageFigure(t, append(rows, rows[0]))
			if peak := f.panels[0].peak(); peak != 0 {
				t.Fatalf("the highest bar is %v", peak) // for which labels would be made without end
			}
			svg, err := drawPicture(f, "svg")
			if err != nil || bytes.Contains(svg, []byte("NaN")) {
				t.Errorf("error %v, picture %s", err, svg)
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "charts", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the chart differs from %s. If that is meant, go test -update rewrites it; look at it then", file)
	}
}
