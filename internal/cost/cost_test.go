package cost_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/evstream/internal/cost"
)

var update = flag.Bool("update", false, "rewrite testdata/bills.txt")

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

// TestBills compares bills, what they rest on and leave out, and what the load needs
// and meets first with testdata/bills.txt, where the calculation by hand is. Settings
// that cannot be are refused.
func TestBills(t *testing.T) {
	const file = "testdata/bills.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "== ")
	got := head
	for test := range strings.SplitSeq(rest, "\n== ") {
		var kept []string // the name, the comments and the settings
		s := settings(nil)
		for line := range strings.Lines(test) {
			kept = append(kept, line)
			if strings.HasPrefix(line, "{") {
				if err := json.Unmarshal([]byte(line), &s); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				break
			}
		}
		got += "== " + strings.Join(kept, "") + bill(s) + "\n"
	}
	got = strings.TrimSuffix(got, "\n")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("bills (-want +got); if this is meant, go test -update rewrites them:\n%s", diff)
	}
}

// bill writes all that is known of settings.
func bill(s cost.Settings) string {
	bill, err := cost.Monthly(s)
	if err != nil {
		return fmt.Sprintf("refused: %v\n", err)
	}
	var b strings.Builder
	for _, l := range bill.Lines {
		fmt.Fprintf(&b, "%s: %s\n", l.Name, l)
	}
	fmt.Fprintf(&b, "%s a month %s\n", bill.Total(), bill.If)
	for _, text := range bill.Assumptions {
		fmt.Fprintf(&b, "assumed: %s\n", text)
	}
	for _, text := range bill.LeftOut {
		fmt.Fprintf(&b, "not counted: %s\n", text)
	}
	limits, err := cost.Limits(s)
	if err != nil {
		return fmt.Sprintf("refused: %v\n", err)
	}
	fmt.Fprintf(&b, "needs %d shards and %.4g requests a second; first limit: %s, %.0f %%\n",
		s.ShardsNeeded(), s.PutRecordsPerSecond(), limits[0].Name, 100*limits[0].Share())
	return b.String()
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

// TestSample: the CDK sample's bill is that of the same load with its settings.
func TestSample(t *testing.T) {
	ours := settings(func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent, s.Alarms, s.MaxCapacity = 1000, 400, 5, 64 })
	theirs := settings(func(s *cost.Settings) { s.EventsPerSecond, s.BytesPerEvent, s.BaseCapacity = 1000, 400, 128 })
	if diff := cmp.Diff(theirs, ours.Sample()); diff != "" {
		t.Errorf("the sample (-want +got):\n%s", diff)
	}
}

func TestNoNumber(t *testing.T) {
	_, err := cost.Monthly(settings(func(s *cost.Settings) { s.StorageGB = math.NaN() }))
	if want := "NaN GB of storage: it must be a number from 0 on"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
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
