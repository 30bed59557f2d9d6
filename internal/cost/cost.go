// Package cost works out what a deployment costs in a month, with each term
// shown, and which limit its load meets first. It contacts no service: the rules are
// those of AWS's documentation, named where they are used, and the prices those of a
// dated file.
package cost

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"example.com/evstream/internal/number"
	"example.com/evstream/internal/refresh"
)

// HoursPerMonth is the month of AWS's pricing calculator: 365 days / 12.
const HoursPerMonth = 730

const secondsPerMonth = HoursPerMonth * 3600

// Settings say what is deployed and what load it carries. The zero value of an
// optional field means that there is none of it.
type Settings struct {
	Region string // empty: the region of the prices

	// The load, the same all day. No events means so few of them that their
	// volume costs nothing, although some arrive all day.
	EventsPerSecond float64
	BytesPerEvent   int // with the partition key

	StreamMode     string // ON_DEMAND or PROVISIONED
	Shards         int    // of a PROVISIONED stream; 0: as many as the load needs
	RetentionHours int
	ExistingStream bool // someone else's, who pays for it

	Refresh           string  // auto, manual, rate(...) or cron(...)
	RefreshesPerMonth float64 // by hand, or of a schedule; 0: as the schedule says

	BaseCapacity       int // RPU; 0: AWS chooses it (price target)
	MaxCapacity        int // RPU; 0: no limit
	UsageLimitRPUHours int
	UsageLimitPeriod   string // daily, weekly or monthly

	EnhancedVPCRouting bool
	Endpoints          int // interface endpoints, each in so many zones
	Zones              int

	CustomerKey bool
	Secrets     int
	Alarms      int // metrics that are watched; an alarm on a sum watches several
	Dashboard   bool

	// What a month holds on average. Of what is not given, the bill says that it
	// is left out.
	LogExports bool
	LogGB      float64
	StorageGB  float64
	Snapshot   bool
	SnapshotGB float64
}

// Stream modes, as Kinesis names them.
const (
	OnDemand    = "ON_DEMAND"
	Provisioned = "PROVISIONED"
)

// Sample returns the same load and network with the settings of the CDK sample: a
// stream on demand that keeps a day, automatic refresh, 128 RPU (the service's
// default), and none of the options.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html
func (s Settings) Sample() Settings {
	return Settings{
		Region:             s.Region,
		EventsPerSecond:    s.EventsPerSecond,
		BytesPerEvent:      s.BytesPerEvent,
		StreamMode:         OnDemand,
		RetentionHours:     24,
		Refresh:            refresh.Auto,
		BaseCapacity:       128,
		EnhancedVPCRouting: s.EnhancedVPCRouting,
		StorageGB:          s.StorageGB,
	}
}

func (s Settings) check() error {
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"events per second", s.EventsPerSecond},
		{"refreshes", s.RefreshesPerMonth},
		{"shards", float64(s.Shards)},
		{"RPU of the maximum capacity", float64(s.MaxCapacity)},
		{"RPU-hours of the usage limit", float64(s.UsageLimitRPUHours)},
		{"endpoints", float64(s.Endpoints)},
		{"zones", float64(s.Zones)},
		{"alarms", float64(s.Alarms)},
		{"secrets", float64(s.Secrets)},
		{"GB of logs", s.LogGB},
		{"GB of storage", s.StorageGB},
		{"GB of snapshot", s.SnapshotGB},
	} {
		if !(n.value >= 0 && n.value <= 1e12) {
			return fmt.Errorf("%v %s: it must be a number from 0 on", n.value, n.name)
		}
	}
	switch {
	case s.EventsPerSecond > 0 && (s.BytesPerEvent < 1 || s.BytesPerEvent > maxRecord):
		return fmt.Errorf("an event has %s: a record has 1 to %s (10 MiB)", number.Count(s.BytesPerEvent, "byte"), number.Format(maxRecord))
	case s.UsageLimitRPUHours > 0 && s.UsageLimitPeriod != "daily" && s.UsageLimitPeriod != "weekly" && s.UsageLimitPeriod != "monthly":
		return fmt.Errorf("the usage limit's period is %q: it must be daily, weekly or monthly", s.UsageLimitPeriod)
	case s.ExistingStream:
	case s.StreamMode != OnDemand && s.StreamMode != Provisioned:
		return fmt.Errorf("the stream's mode is %q: it must be %s or %s", s.StreamMode, OnDemand, Provisioned)
	case s.StreamMode == OnDemand && s.Shards != 0:
		return fmt.Errorf("an %s stream has no number of shards, not even %d: it scales by itself", OnDemand, s.Shards)
	case s.RetentionHours < 24 || s.RetentionHours > 8760:
		return fmt.Errorf("the retention is %s: Kinesis keeps records for 24 to 8,760 hours", number.Count(s.RetentionHours, "hour"))
	}
	if schedule, err := refresh.Parse(s.Refresh); err == nil && !s.ExistingStream {
		if wait, known := schedule.LongestWait(); known && wait >= s.RetentionHours*60 {
			return fmt.Errorf("refresh is %q, with pauses of up to %d hours, and the stream keeps records for %d: they are gone before the view takes them",
				s.Refresh, wait/60, s.RetentionHours)
		}
	}
	if s.BaseCapacity != 0 && !IsBaseCapacity(s.BaseCapacity) {
		return fmt.Errorf("the base capacity is %d RPU: Redshift Serverless takes 4, then 8 to 512 in steps of 8, then up to 1024 in steps of 32", s.BaseCapacity)
	}
	if s.MaxCapacity != 0 && s.MaxCapacity < s.BaseCapacity {
		return fmt.Errorf("the maximum capacity, %d RPU, is below the base capacity, %d RPU", s.MaxCapacity, s.BaseCapacity)
	}
	return nil
}

// IsBaseCapacity says whether Redshift Serverless takes a base capacity of so
// many RPU.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html
func IsBaseCapacity(rpu int) bool {
	switch {
	case rpu == 4:
		return true
	case rpu >= 8 && rpu <= 512:
		return rpu%8 == 0
	case rpu > 512 && rpu <= 1024:
		return rpu%32 == 0
	}
	return false
}

// Cents is an amount of money in US cents.
type Cents int64

// cents rounds an amount in dollars, half a cent away from zero.
func cents(usd float64) Cents { return Cents(math.Round(usd * 100)) }

// String returns the amount in dollars, such as $2,190.00.
func (c Cents) String() string {
	return fmt.Sprintf("$%s.%02d", number.Format(float64(c/100)), int64(c)%100)
}

// MarshalJSON returns the amount in dollars, such as 2190.00.
func (c Cents) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%02d", int64(c)/100, int64(c)%100), nil
}

// A Line is one term of a bill. Its amount is quantity × price, rounded to a
// cent.
type Line struct {
	Name     string  `json:"name"`
	How      string  `json:"how"` // how the quantity comes about
	Quantity float64 `json:"quantity"`
	Price    Price   `json:"price"`
	Amount   Cents   `json:"amount"`
}

// String returns the term, such as 8 RPU × 730 h × $0.375 = $2,190.00.
func (l Line) String() string { return l.How + " × " + l.Price.Dollars() + " = " + l.Amount.String() }

// Dollars returns the price with as many digits as it has, at least two.
func (p Price) Dollars() string {
	text := strconv.FormatFloat(p.USD, 'f', -1, 64)
	if _, fraction, _ := strings.Cut(text, "."); len(fraction) < 2 {
		text = strconv.FormatFloat(p.USD, 'f', 2, 64)
	}
	return "$" + text
}

// A Bill is what a month costs.
type Bill struct {
	Region      string   `json:"region"`
	Seen        string   `json:"pricesSeen"`
	If          string   `json:"if"` // what the bill rests on most
	Lines       []Line   `json:"lines"`
	Assumptions []string `json:"assumptions"`
	LeftOut     []string `json:"leftOut"` // what costs money too, but is not in the lines
}

// Total is the sum of the lines.
func (b Bill) Total() Cents {
	var sum Cents
	for _, l := range b.Lines {
		sum += l.Amount
	}
	return sum
}

// Summary says the bill in one line.
func (b Bill) Summary() string {
	var terms []string
	for _, l := range b.Lines {
		terms = append(terms, l.Name+": "+l.String())
	}
	text := fmt.Sprintf("%v a month in %s, %s", b.Total(), b.Region, b.If)
	if len(terms) > 0 {
		text += ": " + strings.Join(terms, "; ")
	}
	if len(b.LeftOut) > 0 {
		text += ". Not counted: " + strings.Join(b.LeftOut, "; ")
	}
	return fmt.Sprintf("%s. Prices of %s.", text, b.Seen)
}
