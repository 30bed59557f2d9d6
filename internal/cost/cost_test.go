package cost_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/cost"
)

// settings are the default stack's, with the changes of each test.
func settings(change func(*cost.Settings)) cost.Settings {
	s := cost.Settings{
		Region:             "us-east-1",
		StreamMode:         cost.OnDemand,
		RetentionHours:     24,
		Refresh:            "auto",
		BaseCapacity:       8,
		EnhancedVPCRouting: true,
	}
	if change != nil {
		change(&s)
	}
	return s
}

// TestMonthly compares each bill with a calculation by hand. A month is 730 hours
// or 2,628,000 seconds; a GB is 1,073,741,824 bytes or 1,048,576 KB.
func TestMonthly(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cost.Settings)
		want   []string
		total  string
	}{{
		// 8 × 730 × 0.375 = 2,190; 730 × 0.04 = 29.20.
		name: "the default stack, a few records all day",
		want: []string{
			"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
		},
		total: "$2,219.20",
	}, {
		// Written: 400 bytes count as 1 KB: 1,000 × 2,628,000 / 1,048,576 =
		// 2,506.256 GB × 0.08 = 200.50. Read: 1,000 × 400 × 2,628,000 /
		// 1,073,741,824 = 979.006 GB; × 0.04 = 39.16; × 0.045 = 44.06.
		name:   "a thousand records a second",
		change: func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = 1000, 400 },
		want: []string{
			"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Kinesis, written: 1,000/s × 1 KB × 730 h = 2,506.26 GB × $0.08 = $200.50",
			"Kinesis, read once: 1,000/s × 400 B × 730 h = 979.01 GB × $0.04 = $39.16",
			"NAT gateway, data: 1,000/s × 400 B × 730 h = 979.01 GB × $0.045 = $44.06",
		},
		total: "$2,502.92",
	}, {
		// 2 shards, because 1,500 records a second are more than one takes. 2 × 730 ×
		// 0.015 = 21.90. A record of 30,000 bytes is 2 PUT units (25,600 bytes each):
		// 1,500 × 2 × 2,628,000 = 7,884 million × 0.014 = 110.376. But 1,500 ×
		// 30,000 bytes = 42.9 MB/s need 43 shards: 43 × 730 = 31,390 × 0.015 = 470.85.
		name: "shards as many as the load needs, records above one PUT unit",
		change: func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent = 1500, 30000
			s.StreamMode, s.EnhancedVPCRouting = cost.Provisioned, false
		},
		want: []string{
			"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00",
			"Kinesis shards: 43 shards × 730 h × $0.015 = $470.85",
			"Kinesis PUT units: 1,500/s × 2 × 730 h = 7,884 million × $0.014 = $110.38",
		},
		total: "$2,771.23",
	}, {
		// Kept beyond a day: 168 − 24 = 144 h × 3,600 s × 10 KB / 1,048,576 = 4.944 GB
		// × 0.10 = 0.49; beyond seven: 720 − 168 = 552 h: 18.951 GB × 0.023 = 0.44.
		// Written: 10 × 2,628,000 / 1,048,576 = 25.06 GB × 0.08 = 2.005 → 2.01.
		// Read: 10 × 1,000 × 2,628,000 / 1,073,741,824 = 24.48 GB × 0.04 = 0.979.
		name: "thirty days of retention, on demand",
		change: func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.RetentionHours, s.EnhancedVPCRouting = 10, 1000, 720, false
		},
		want: []string{
			"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Kinesis, written: 10/s × 1 KB × 730 h = 25.06 GB × $0.08 = $2.01",
			"Kinesis, read once: 10/s × 1,000 B × 730 h = 24.48 GB × $0.04 = $0.98",
			"Kinesis, kept to day 7: 10/s × 1 KB × 144 h = 4.94 GB × $0.10 = $0.49",
			"Kinesis, kept after day 7: 10/s × 1 KB × 552 h = 18.95 GB × $0.023 = $0.44",
		},
		total: "$2,223.12",
	}, {
		// Provisioned: each shard-hour more, 2 × 730 × 0.02 = 29.20, and 18.951 GB × 0.023.
		name: "thirty days of retention, two shards",
		change: func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.RetentionHours, s.EnhancedVPCRouting = 10, 1000, 720, false
			s.StreamMode, s.Shards = cost.Provisioned, 2
		},
		want: []string{
			"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00",
			"Kinesis shards: 2 shards × 730 h × $0.015 = $21.90",
			"Kinesis PUT units: 10/s × 1 × 730 h = 26.28 million × $0.014 = $0.37",
			"Kinesis, kept to day 7: 2 shards × 730 h × $0.02 = $29.20",
			"Kinesis, kept after day 7: 10/s × 1 KB × 552 h = 18.95 GB × $0.023 = $0.44",
		},
		total: "$2,241.91",
	}, {
		// 730 / 0.25 = 2,920 refreshes of a minute: 2,920 × 60 / 3,600 × 8 × 0.375 = 146.
		name:   "a refresh every quarter of an hour",
		change: func(s *cost.Settings) { s.Refresh = "rate(15 minutes)" },
		want: []string{
			"Redshift compute: 8 RPU × 2,920 refreshes × 60 s × $0.375 = $146.00",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Schedule: 2,920 invocations / 1,000,000 × $1.00 = $0.00",
		},
		total: "$175.20",
	}, {
		// In an hour 1,000 × 400 × 3,600 bytes wait = 1,373.3 MB; a new on-demand
		// stream gives 8 MB/s: 171.66 s. 730 × 171.66 / 3,600 × 8 × 0.375 = 104.43.
		name: "a refresh that reads longer than a minute",
		change: func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.Refresh, s.EnhancedVPCRouting = 1000, 400, "rate(1 hour)", false
		},
		want: []string{
			"Redshift compute: 8 RPU × 730 refreshes × 171.66 s × $0.375 = $104.43",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Kinesis, written: 1,000/s × 1 KB × 730 h = 2,506.26 GB × $0.08 = $200.50",
			"Kinesis, read once: 1,000/s × 400 B × 730 h = 979.01 GB × $0.04 = $39.16",
			"Schedule: 730 invocations / 1,000,000 × $1.00 = $0.00",
		},
		total: "$373.29",
	}, {
		// 43,800 minutes of a month are 730 hours, all day: 4 × 730 × 0.375 = 1,095.
		name:   "a refresh every minute is as dear as automatic refresh",
		change: func(s *cost.Settings) { s.Refresh, s.BaseCapacity = "rate(1 minute)", 4 },
		want: []string{
			"Redshift compute: 4 RPU × 730 h × $0.375 = $1,095.00",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Schedule: 43,800 invocations / 1,000,000 × $1.00 = $0.04",
		},
		total: "$1,124.24",
	}, {
		// Twice a day: 2 × 730 / 24 = 60.83; 60.83 × 60 / 3,600 × 8 × 0.375 = 3.04.
		name:   "cron",
		change: func(s *cost.Settings) { s.Refresh = "cron(0 6,18 * * ? *)" },
		want: []string{
			"Redshift compute: 8 RPU × 60.83 refreshes × 60 s × $0.375 = $3.04",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Schedule: 60.83 invocations / 1,000,000 × $1.00 = $0.00",
		},
		total: "$32.24",
	}, {
		name:   "nobody refreshes",
		change: func(s *cost.Settings) { s.Refresh = "manual" },
		want:   []string{"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20"},
		total:  "$29.20",
	}, {
		// Ten times a day is 304.17 a month: 304.17 × 60 / 3,600 × 8 × 0.375 = 15.21.
		name:   "by hand ten times a day",
		change: func(s *cost.Settings) { s.Refresh, s.RefreshesPerMonth = "manual", 10*730/24. },
		want: []string{
			"Redshift compute: 8 RPU × 304.17 refreshes × 60 s × $0.375 = $15.21",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
		},
		total: "$44.41",
	}, {
		// 2 × 3 × 730 × 0.01 = 43.80, and no NAT. 100 × 0.024; 100 × 0.023; 5 × 0.10;
		// 2 × 0.50; 1 × 0.40.
		name: "every option",
		change: func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent = 1000, 400
			s.Endpoints, s.Zones, s.Alarms, s.Dashboard, s.Secrets, s.CustomerKey = 2, 3, 5, true, 1, true
			s.StorageGB, s.Snapshot, s.SnapshotGB, s.LogExports, s.LogGB = 100, true, 100, true, 2
		},
		want: []string{
			"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00",
			"Redshift storage: 100 GB × $0.024 = $2.40",
			"Redshift snapshot: 100 GB × $0.023 = $2.30",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
			"Kinesis, written: 1,000/s × 1 KB × 730 h = 2,506.26 GB × $0.08 = $200.50",
			"Kinesis, read once: 1,000/s × 400 B × 730 h = 979.01 GB × $0.04 = $39.16",
			"VPC endpoints: 2 endpoints × 3 zones × 730 h × $0.01 = $43.80",
			"VPC endpoint, data: 1,000/s × 400 B × 730 h = 979.01 GB × $0.01 = $9.79",
			"CloudWatch alarms: 5 alarm metrics × $0.10 = $0.50",
			"CloudWatch dashboard: 1 dashboard × $3.00 = $3.00",
			"CloudWatch logs: 2 GB × $0.50 = $1.00",
			"Secrets Manager: 1 secret × $0.40 = $0.40",
			"KMS key: 1 key × $1.00 = $1.00",
		},
		total: "$2,523.05",
	}, {
		name:   "endpoints in no zone are none",
		change: func(s *cost.Settings) { s.Endpoints, s.Refresh = 2, "manual" },
		want:   []string{"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20"},
		total:  "$29.20",
	}, {
		name:   "someone else's stream",
		change: func(s *cost.Settings) { s.ExistingStream, s.StreamMode = true, "" },
		want:   []string{"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00"},
		total:  "$2,190.00",
	}, {
		// 128 × 730 × 0.375 = 35,040.
		name:   "the CDK sample",
		change: func(s *cost.Settings) { *s = s.Sample() },
		want: []string{
			"Redshift compute: 128 RPU × 730 h × $0.375 = $35,040.00",
			"Kinesis stream: 1 stream × 730 h × $0.04 = $29.20",
		},
		total: "$35,069.20",
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bill, err := cost.Monthly(settings(test.change))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range bill.Lines {
				got = append(got, l.Name+": "+l.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if got := bill.Total().String(); got != test.total {
				t.Errorf("total %s, want %s", got, test.total)
			}
		})
	}
}

// TestRounding: the sizes at which a record costs more. On demand it counts in
// KB of 1,024 bytes, provisioned in PUT units of 25 KB.
func TestRounding(t *testing.T) {
	tests := []struct {
		mode  string
		bytes int
		want  string
	}{
		{cost.OnDemand, 1, "1/s × 1 KB × 730 h"},
		{cost.OnDemand, 1024, "1/s × 1 KB × 730 h"},
		{cost.OnDemand, 1025, "1/s × 2 KB × 730 h"},
		{cost.Provisioned, 25 * 1024, "1/s × 1 × 730 h"},
		{cost.Provisioned, 25*1024 + 1, "1/s × 2 × 730 h"},
	}
	for _, test := range tests {
		bill, err := cost.Monthly(settings(func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.StreamMode = 1, test.bytes, test.mode
		}))
		if err != nil {
			t.Fatal(err)
		}
		// The first lines are Redshift and the stream's or the shards' hours.
		if got := bill.Lines[2].How; !strings.HasPrefix(got, test.want) {
			t.Errorf("%s, %d bytes: %s, want %s", test.mode, test.bytes, got, test.want)
		}
	}
}

// TestSummary: the text that the deployment exports names what it rests on and
// what it leaves out.
func TestSummary(t *testing.T) {
	bill, err := cost.Monthly(settings(func(s *cost.Settings) { s.LogExports = true }))
	if err != nil {
		t.Fatal(err)
	}
	want := "$2,219.20 a month in us-east-1, if records arrive all day: " +
		"Redshift compute: 8 RPU × 730 h × $0.375 = $2,190.00; Kinesis stream: 1 stream × 730 h × $0.04 = $29.20. " +
		"Not counted: Redshift storage; KMS requests for the stream's encryption, by AWS less than a few dollars; " +
		"CloudWatch logs of Redshift, billed by GB; how much it writes is not known. Prices of 2026-11-23."
	if diff := cmp.Diff(want, bill.Summary()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// TestRemarks: a bill says what bounds it, what it assumes and what it leaves out.
func TestRemarks(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cost.Settings)
		want   string
	}{
		// 32 × 730 × 0.375 = 8,760.
		{"maxCapacity", func(s *cost.Settings) { s.MaxCapacity = 32 }, "maxCapacity bounds Redshift compute to 32 RPU × 730 h × $0.375 = $8,760.00"},
		{"no maxCapacity", nil, "no maxCapacity bounds how far Redshift scales up"},
		// All day is 8 × 730 = 5,840 RPU-hours; 1,460 are a quarter of them.
		{"a usage limit that is reached", func(s *cost.Settings) { s.UsageLimitRPUHours, s.UsageLimitPeriod = 1460, "monthly" }, "the monthly usage limit of 1,460 RPU-hours is reached after 25 % of the time"},
		// A day is 8 × 24 = 192.
		{"a usage limit for a day", func(s *cost.Settings) { s.UsageLimitRPUHours, s.UsageLimitPeriod = 192, "daily" }, "the daily usage limit of 192 RPU-hours is not reached"},
		// A week is 8 × 168 = 1,344.
		{"a usage limit for a week", func(s *cost.Settings) { s.UsageLimitRPUHours, s.UsageLimitPeriod = 672, "weekly" }, "the weekly usage limit of 672 RPU-hours is reached after 50 % of the time"},
		{"a price target", func(s *cost.Settings) { s.BaseCapacity = 0 }, "Redshift compute: with a price target AWS chooses the capacity"},
		{"days of a cron expression", func(s *cost.Settings) { s.Refresh, s.RetentionHours = "cron(0 6 ? * MON-FRI *)", 96 }, "with at most 30.42 refreshes on cron(0 6 ? * MON-FRI *)"},
		{"storage", func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = 1000, 400 }, "Redshift storage: a month of this load is 979.01 GB before compression"},
		{"a stream of someone else", func(s *cost.Settings) { s.ExistingStream = true }, "the stream, which is not this deployment's"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bill, err := cost.Monthly(settings(test.change))
			if err != nil {
				t.Fatal(err)
			}
			remarks := strings.Join(append(append([]string{bill.If}, bill.Assumptions...), bill.LeftOut...), "\n")
			if !strings.Contains(remarks, test.want) {
				t.Errorf("%q is not said:\n%s", test.want, remarks)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cost.Settings)
		want   string
	}{
		{"another region", func(s *cost.Settings) { s.Region = "eu-central-1" }, "no prices for the region eu-central-1: the prices known are those of us-east-1."},
		{"no bytes", func(s *cost.Settings) { s.EventsPerSecond = 1 }, "an event has 0 bytes"},
		{"too many bytes", func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = 1, 10<<20+1 }, "an event has 10,485,761 bytes"},
		{"a negative load", func(s *cost.Settings) { s.EventsPerSecond = -1 }, "-1 events per second: it must be a number from 0 on"},
		{"no number", func(s *cost.Settings) { s.StorageGB = math.NaN() }, "NaN GB of storage: it must be a number from 0 on"},
		{"a limit's period", func(s *cost.Settings) { s.UsageLimitRPUHours = 1 }, `the usage limit's period is ""`},
		{"a mode", func(s *cost.Settings) { s.StreamMode = "on-demand" }, `the stream's mode is "on-demand"`},
		{"shards on demand", func(s *cost.Settings) { s.Shards = 2 }, "not even 2"},
		{"retention", func(s *cost.Settings) { s.RetentionHours = 9000 }, "the retention is 9,000 hours"},
		{"base capacity", func(s *cost.Settings) { s.BaseCapacity = 10 }, "the base capacity is 10 RPU"},
		{"maximum below base", func(s *cost.Settings) { s.MaxCapacity = 4 }, "the maximum capacity, 4 RPU, is below"},
		{"refresh", func(s *cost.Settings) { s.Refresh = "hourly" }, `refresh is "hourly"`},
		{"cron with names for minutes", func(s *cost.Settings) { s.Refresh = "cron(x 6 * * ? *)" }, `refresh is "cron(x 6 * * ? *)": it must be auto`},
		{"cron beyond the day", func(s *cost.Settings) { s.Refresh = "cron(0 24 * * ? *)" }, `refresh is "cron(0 24 * * ? *)": it must be auto`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := cost.Monthly(settings(test.change)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestPrices: prices can be given, and one that is missing is left out of the bill
// in so many words.
func TestPrices(t *testing.T) {
	p, err := cost.ReadPrices(strings.NewReader(`{"region": "eu-central-1", "seen": "2026-12-01",
		"prices": [{"item": "redshift-rpu-hour", "unit": "RPU-hour", "usd": 0.5, "source": "invoice"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	bill, err := p.Monthly(settings(func(s *cost.Settings) { s.Region = "eu-central-1" }))
	if err != nil {
		t.Fatal(err)
	}
	// 8 × 730 × 0.5 = 2,920.
	if got := bill.Total().String(); got != "$2,920.00" {
		t.Errorf("total %s, want $2,920.00", got)
	}
	if want := "Kinesis stream (1 stream × 730 h): the price is not known"; !strings.Contains(bill.Summary(), want) {
		t.Errorf("the summary does not say %q: %s", want, bill.Summary())
	}

	for name, text := range map[string]string{
		`there is no item "redshift-rpu"`:  `{"region": "r", "seen": "d", "prices": [{"item": "redshift-rpu", "usd": 1}]}`,
		`the item secret has two prices`:   `{"region": "r", "seen": "d", "prices": [{"item": "secret", "usd": 1}, {"item": "secret", "usd": 2}]}`,
		`the item secret costs -1`:         `{"region": "r", "seen": "d", "prices": [{"item": "secret", "usd": -1}]}`,
		`region is "" and seen is "today"`: `{"seen": "today"}`,
		`unknown field "price"`:            `{"region": "r", "seen": "d", "price": []}`,
	} {
		if _, err := cost.ReadPrices(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("ReadPrices(%s): %v, want %q", text, err, name)
		}
	}
}

// TestDefaultPrices: each item has a price, a unit and a source on the web.
func TestDefaultPrices(t *testing.T) {
	p, err := cost.DefaultPrices()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Prices) != 20 {
		t.Errorf("%d prices, want one for each of the 20 items", len(p.Prices))
	}
	for _, price := range p.Prices {
		if price.USD <= 0 || price.Unit == "" || !strings.HasPrefix(price.Source, "https://") {
			t.Errorf("%+v has no price, unit or source", price)
		}
		if aws := strings.HasPrefix(price.Source, "https://aws.amazon.com/"); aws != price.Official {
			t.Errorf("%s: official is %t, but the source is %s", price.Item, price.Official, price.Source)
		}
	}
}

// TestLimits: which limit binds first, and how much of it is used.
func TestLimits(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cost.Settings)
		want   string
	}{
		// 4 shards' worth: 1,000 of 4,000 records a second.
		{"a new on-demand stream by records", func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = 1000, 400 }, "a new on-demand stream, records 25%"},
		// 100 × 100,000 bytes = 9.54 MB/s of 4.
		{"a new on-demand stream by bytes", func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = 100, 100_000 }, "a new on-demand stream, bytes 238%"},
		{"shards by records", func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.StreamMode, s.Shards = 1500, 400, cost.Provisioned, 1
		}, "shards, records written 150%"},
		// 10 × 200,000 bytes = 1.91 MB/s of 2.
		{"shards by bytes", func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.StreamMode, s.Shards = 10, 200_000, cost.Provisioned, 2
		}, "shards, bytes written 95%"},
		{"one record", func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = 0.1, 2<<20 }, "the size of one record 200%"},
		// 1,000,000 × 400 bytes = 381.5 MB/s; 1,000 shards are used in full.
		{"a million a second, shards as needed", func(s *cost.Settings) {
			s.EventsPerSecond, s.BytesPerEvent, s.StreamMode = 1e6, 400, cost.Provisioned
		}, "one view's refresh, documented as hundreds of MB/s 381%"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limits, err := cost.Limits(settings(test.change))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %.0f%%", limits[0].Name, 100*limits[0].Share()); got != test.want {
				t.Errorf("first %s, want %s", got, test.want)
			}
		})
	}
}

// TestLoad: shards and requests, by hand.
func TestLoad(t *testing.T) {
	tests := []struct {
		events   float64
		bytes    int
		shards   int
		requests float64
	}{
		{0, 0, 1, 0},
		{1000, 400, 1, 2},          // 1,000 / 500
		{1001, 400, 2, 2.002},      // one record more than a shard takes
		{10, 1 << 20, 10, 1},       // 10 MB/s: ten shards, and one request of 10 MB
		{1e7, 400, 10000, 20000},   // by records; by bytes it would be 3,815
		{1e6, 2000, 1908, 2000},    // by bytes: 2e9 / 1,048,576 = 1,907.3; requests by records
		{1000, 50_000, 48, 4.7684}, // by bytes: 5e7 / 1,048,576 = 47.7; 5e7 / 10,485,760
	}
	for _, test := range tests {
		s := settings(func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent = test.events, test.bytes })
		if got := s.ShardsNeeded(); got != test.shards {
			t.Errorf("%v events of %d bytes: %d shards, want %d", test.events, test.bytes, got, test.shards)
		}
		if got := s.PutRecordsPerSecond(); math.Abs(got-test.requests) > 1e-4 {
			t.Errorf("%v events of %d bytes: %v requests a second, want %v", test.events, test.bytes, got, test.requests)
		}
	}
}

// TestProperties: whatever the settings, a bill is the sum of its lines, each line
// is quantity × price, and more load or capacity never costs less. The number of
// shards is given, because with one more of them a scheduled refresh reads faster.
func TestProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for range 500 {
		s := cost.Settings{
			EventsPerSecond:    math.Pow(10, random.Float64()*7),
			BytesPerEvent:      1 + random.IntN(100_000),
			StreamMode:         pick(cost.OnDemand, cost.Provisioned),
			RetentionHours:     24 + random.IntN(1000),
			Refresh:            pick("auto", "manual", "rate(5 minutes)", "rate(2 hours)", "cron(0/10 8-18 * * ? *)"),
			BaseCapacity:       8 * (1 + random.IntN(60)),
			EnhancedVPCRouting: random.IntN(2) == 0,
			Endpoints:          random.IntN(3),
			Zones:              3,
			Alarms:             random.IntN(8),
			StorageGB:          float64(random.IntN(1000)),
		}
		if s.StreamMode == cost.Provisioned {
			s.Shards = 1 + random.IntN(10_000)
		}
		total := func(what string, s cost.Settings) cost.Cents {
			bill, err := cost.Monthly(s)
			if err != nil {
				t.Fatalf("%s of %+v: %v", what, s, err)
			}
			var sum cost.Cents
			for _, l := range bill.Lines {
				sum += l.Amount
				if exact := l.Quantity * l.Price.USD * 100; math.Abs(exact-float64(l.Amount)) > 0.5+exact*1e-12 || l.Amount < 0 {
					t.Errorf("%s: %v × %v is %v", l.Name, l.Quantity, l.Price.USD, l.Amount)
				}
			}
			if bill.Total() != sum {
				t.Errorf("total %v, the lines are %v", bill.Total(), sum)
			}
			return sum
		}
		before := total("bill", s)
		for what, more := range map[string]func(*cost.Settings){
			"more events":    func(s *cost.Settings) { s.EventsPerSecond *= 1 + random.Float64() },
			"larger events":  func(s *cost.Settings) { s.BytesPerEvent += random.IntN(10_000) },
			"more retention": func(s *cost.Settings) { s.RetentionHours += random.IntN(1000) },
			"more capacity":  func(s *cost.Settings) { s.BaseCapacity += 8 },
			"more alarms":    func(s *cost.Settings) { s.Alarms++ },
		} {
			changed := s
			more(&changed)
			if after := total(what, changed); after < before {
				t.Errorf("%s cost less: %v instead of %v\n before %+v\n after  %+v", what, after, before, s, changed)
			}
		}
	}
}

// FuzzRefresh: whatever refresh says, it is refused or costs no more than
// automatic refresh and a schedule that runs every minute.
func FuzzRefresh(f *testing.F) {
	for _, seed := range []string{"auto", "manual", "rate(1 minute)", "rate(99999 days)", "cron(0/5 8-18 ? * MON-FRI *)", "cron(5-1 * * * ? *)", "cron(*/0 * * * ? *)"} {
		f.Add(seed)
	}
	auto, err := cost.Monthly(settings(nil))
	if err != nil {
		f.Fatal(err)
	}
	// 43,800 invocations at $1 a million are four cents.
	most := auto.Total() + 4
	f.Fuzz(func(t *testing.T, refresh string) {
		bill, err := cost.Monthly(settings(func(s *cost.Settings) { s.Refresh = refresh }))
		if err == nil && bill.Total() > most {
			t.Errorf("refresh %q costs %v, more than %v", refresh, bill.Total(), most)
		}
	})
}
