package cost

import (
	"fmt"
	"math"

	"example.com/evstream/internal/number"
	"example.com/evstream/internal/refresh"
)

// KB, MB and GB are those of the Kinesis price page, where a KB is 1,024 bytes.
// https://aws.amazon.com/kinesis/data-streams/pricing/
const (
	kb = 1 << 10
	mb = 1 << 20
	gb = 1 << 30
)

// Monthly works out the bill of a month with the prices that come with the
// program.
func Monthly(s Settings) (Bill, error) {
	p, err := DefaultPrices()
	if err != nil {
		return Bill{}, err
	}
	return p.Monthly(s)
}

// Monthly works out the bill of a month. It refuses another region than that of
// the prices. Free tiers are not deducted, because they belong to the account.
func (p Prices) Monthly(s Settings) (Bill, error) {
	if s.Region != "" && s.Region != p.Region {
		return Bill{}, fmt.Errorf("no prices for the region %s: the prices known are those of %s. "+
			"evstream plan --prices FILE takes others, in the format of internal/cost/prices.json", s.Region, p.Region)
	}
	if err := s.check(); err != nil {
		return Bill{}, err
	}
	b := &biller{settings: s, prices: p, bill: Bill{Region: p.Region, Seen: p.Seen}}
	if err := b.compute(); err != nil {
		return Bill{}, err
	}
	b.storage()
	b.stream()
	b.network()
	b.options()
	return b.bill, nil
}

// biller writes a bill.
type biller struct {
	settings Settings
	prices   Prices
	bill     Bill
}

// line adds a term, or the remark that its price is not known.
func (b *biller) line(item, name, how string, quantity float64) {
	price, ok := b.prices.find(item)
	if !ok {
		b.leaveOut("%s (%s): the price is not known", name, how)
		return
	}
	b.bill.Lines = append(b.bill.Lines, Line{Name: name, How: how, Quantity: quantity, Price: price, Amount: cents(quantity * price.USD)})
}

func (b *biller) assume(format string, args ...any) {
	b.bill.Assumptions = append(b.bill.Assumptions, fmt.Sprintf(format, args...))
}

func (b *biller) leaveOut(format string, args ...any) {
	b.bill.LeftOut = append(b.bill.LeftOut, fmt.Sprintf(format, args...))
}

// compute adds what Redshift computes for the refreshes. Work is billed per
// second, at least a minute, and nothing while there is none.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing.html
func (b *biller) compute() error {
	s := b.settings
	runs := s.RefreshesPerMonth
	var hours float64
	var how string
	switch s.Refresh {
	case refresh.Auto:
		// A view that refreshes automatically under constant input keeps the
		// workgroup working: 100.3 % of the time were billed in a measurement of
		// 31 hours.
		// https://github.com/ClickHouse/CostBench/blob/375c5a28c2825a9e8cdedd1931dd856c2b1bc490/full-path-realtime/quotes/redshift-serverless/sql/observability.sql
		b.bill.If = "if records arrive all day"
		hours, how = HoursPerMonth, fmt.Sprintf("%d h", HoursPerMonth)
	case refresh.Manual:
		b.bill.If = "if nobody refreshes the view"
		if runs > 0 {
			b.bill.If = fmt.Sprintf("with %s refreshes by hand", number.Format(runs))
		}
	default:
		scheduled, atMost, err := runsPerMonth(s.Refresh)
		if err != nil {
			return err
		}
		most := ""
		if runs == 0 {
			runs = scheduled
			if atMost {
				most = "at most "
			}
		}
		b.bill.If = fmt.Sprintf("with %s%s refreshes on %s", most, number.Format(runs), s.Refresh)
	}
	if s.Refresh != refresh.Auto && runs > 0 {
		seconds := s.refreshSeconds(runs)
		hours = math.Min(runs*seconds/3600, HoursPerMonth)
		how = fmt.Sprintf("%s refreshes × %s s", number.Format(runs), number.Format(seconds))
		if hours == HoursPerMonth {
			how = fmt.Sprintf("%d h", HoursPerMonth)
		}
		b.assume("a refresh takes no longer than the minute that is billed at least, or than reading the waiting records at the stream's read limit; what Redshift needs for them is not known")
	}
	switch {
	case s.BaseCapacity == 0:
		b.leaveOut("Redshift compute: with a price target AWS chooses the capacity")
	case hours > 0:
		b.line(rpuHour, "Redshift compute", fmt.Sprintf("%d RPU × %s", s.BaseCapacity, how), float64(s.BaseCapacity)*hours)
	}
	if s.Refresh != refresh.Auto {
		b.leaveOut("Redshift compute for queries while no refresh runs: at least a minute of the base capacity each time")
	}
	b.bounds(float64(s.BaseCapacity) * hours)
	return nil
}

// bounds says how far the cost of computing can go beyond the estimate.
func (b *biller) bounds(rpuHours float64) {
	s := b.settings
	if s.BaseCapacity > 0 {
		b.assume("Redshift stays at its base capacity of %d RPU", s.BaseCapacity)
	}
	price, ok := b.prices.find(rpuHour)
	switch {
	case s.MaxCapacity > 0 && ok:
		b.assume("maxCapacity bounds Redshift compute to %d RPU × %d h × %s = %v", s.MaxCapacity, HoursPerMonth,
			price.Dollars(), cents(float64(s.MaxCapacity)*HoursPerMonth*price.USD))
	case s.MaxCapacity == 0:
		b.assume("no maxCapacity bounds how far Redshift scales up for queries")
	}
	if s.UsageLimitRPUHours > 0 {
		// What the limit does to automatic refresh is not documented, so nothing is
		// deducted.
		// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing-on-demand.html
		periods := map[string]float64{"daily": HoursPerMonth / 24., "weekly": HoursPerMonth / (7 * 24.), "monthly": 1}[s.UsageLimitPeriod]
		reached := "is not reached"
		if each := rpuHours / periods; each > float64(s.UsageLimitRPUHours) {
			reached = fmt.Sprintf("is reached after %.0f %% of the time", 100*float64(s.UsageLimitRPUHours)/each)
		}
		b.assume("the %s usage limit of %s RPU-hours %s; nothing is deducted for it", s.UsageLimitPeriod, number.Format(s.UsageLimitRPUHours), reached)
	}
}

// refreshSeconds is how long one of so many refreshes a month lasts at least: the
// minute that is billed, or the time to read what arrived since the last one at
// the stream's read limit.
func (s Settings) refreshSeconds(runs float64) float64 {
	const least = 60
	if s.EventsPerSecond == 0 || s.ExistingStream {
		return least
	}
	waiting := s.bytesPerSecond() * secondsPerMonth / runs
	return math.Max(least, waiting/s.readLimit())
}

// storage adds Redshift's storage and snapshots.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing.html
func (b *biller) storage() {
	s := b.settings
	switch {
	case s.StorageGB > 0:
		b.line(storageGB, "Redshift storage", number.Format(s.StorageGB)+" GB", s.StorageGB)
	case s.EventsPerSecond > 0:
		b.leaveOut("Redshift storage: a month of this load is %s GB before compression, which is not known, and the view keeps all of it", number.Format(s.gbPerMonth()))
	default:
		b.leaveOut("Redshift storage")
	}
	switch {
	case s.SnapshotGB > 0:
		b.line(snapshotGB, "Redshift snapshot", number.Format(s.SnapshotGB)+" GB", s.SnapshotGB)
	case s.Snapshot:
		b.leaveOut("the final snapshot, which is billed from the destroy on")
	}
}

// stream adds the Kinesis stream.
// https://aws.amazon.com/kinesis/data-streams/pricing/
func (b *biller) stream() {
	s := b.settings
	const day, week = 24, 7 * 24
	extended := float64(min(s.RetentionHours, week) - day)
	longTerm := float64(max(s.RetentionHours, week) - week)
	load := fmt.Sprintf("%s/s", number.Format(s.EventsPerSecond))

	if s.ExistingStream {
		b.leaveOut("the stream, which is not this deployment's")
		return
	}
	// Each record written counts as the next full KB. Records kept are counted
	// alike, although the page does not say it.
	written := s.EventsPerSecond * math.Ceil(float64(s.BytesPerEvent)/kb) * kb / gb // GB/s
	kilobytes := fmt.Sprintf("%s × %.0f KB", load, math.Ceil(float64(s.BytesPerEvent)/kb))
	switch s.StreamMode {
	case OnDemand:
		b.line(streamHour, "Kinesis stream", fmt.Sprintf("1 stream × %d h", HoursPerMonth), HoursPerMonth)
		if s.EventsPerSecond > 0 {
			b.line(inGB, "Kinesis, written", fmt.Sprintf("%s × %d h = %s GB", kilobytes, HoursPerMonth, number.Format(written*secondsPerMonth)), written*secondsPerMonth)
			// Reading is not rounded up.
			// https://www.trek10.com/blog/amazon-kinesis-data-streams-on-demand-vs.-provisioned-billing-mode-cost-comparison
			b.line(outGB, "Kinesis, read once", s.volume(), s.gbPerMonth())
			if extended > 0 {
				b.line(extendedGB, "Kinesis, kept to day 7", fmt.Sprintf("%s × %.0f h = %s GB", kilobytes, extended, number.Format(written*3600*extended)), written*3600*extended)
			}
		}
	case Provisioned:
		shards := s.shards()
		b.line(shardHour, "Kinesis shards", fmt.Sprintf("%s × %d h", number.Count(int(shards), "shard"), HoursPerMonth), shards*HoursPerMonth)
		if s.EventsPerSecond > 0 {
			// A PUT unit is up to 25 KB of one record.
			units := math.Ceil(float64(s.BytesPerEvent) / (25 * kb))
			millions := s.EventsPerSecond * units * secondsPerMonth / 1e6
			b.line(putUnits, "Kinesis PUT units", fmt.Sprintf("%s × %.0f × %d h = %s million", load, units, HoursPerMonth, number.Format(millions)), millions)
		}
		if extended > 0 {
			b.line(extendedShardHour, "Kinesis, kept to day 7", fmt.Sprintf("%s × %d h", number.Count(int(shards), "shard"), HoursPerMonth), shards*HoursPerMonth)
		}
	}
	if s.EventsPerSecond > 0 && longTerm > 0 {
		b.line(longTermGB, "Kinesis, kept after day 7", fmt.Sprintf("%s × %.0f h = %s GB", kilobytes, longTerm, number.Format(written*3600*longTerm)), written*3600*longTerm)
	}
	if s.EventsPerSecond == 0 {
		b.assume("so few records that their volume costs nothing")
	}
	// https://docs.aws.amazon.com/streams/latest/dev/costs-performance.html
	b.leaveOut("KMS requests for the stream's encryption, by AWS less than a few dollars")
}

// network adds the way from the stream to Redshift. With enhanced VPC routing it
// leads through the VPC.
// https://docs.aws.amazon.com/redshift/latest/mgmt/enhanced-vpc-routing.html
func (b *biller) network() {
	s := b.settings
	endpoints := s.Endpoints > 0 && s.Zones > 0
	if endpoints {
		b.line(endpointHour, "VPC endpoints", fmt.Sprintf("%s × %s × %d h", number.Count(s.Endpoints, "endpoint"), number.Count(s.Zones, "zone"), HoursPerMonth),
			float64(s.Endpoints*s.Zones*HoursPerMonth))
	}
	if !s.EnhancedVPCRouting || s.EventsPerSecond == 0 {
		return
	}
	if endpoints {
		b.line(endpointGB, "VPC endpoint, data", s.volume(), s.gbPerMonth())
		return
	}
	b.line(natGB, "NAT gateway, data", s.volume(), s.gbPerMonth())
	b.assume("with enhanced VPC routing and no endpoints of its own, records reach Redshift through the VPC's NAT gateway, whose own hours are not counted")
}

// options adds what the optional settings make.
func (b *biller) options() {
	s := b.settings
	if s.Refresh != refresh.Auto && s.Refresh != refresh.Manual {
		runs := s.RefreshesPerMonth
		if runs == 0 {
			runs, _, _ = runsPerMonth(s.Refresh) // compute has seen that it can be read
		}
		b.line(scheduleRuns, "Schedule", number.Format(runs)+" invocations / 1,000,000", runs/1e6)
		b.leaveOut("the queue for schedules that failed, which is billed by message (SQS)")
	}
	if s.Alarms > 0 {
		b.line(alarm, "CloudWatch alarms", number.Count(s.Alarms, "alarm metric"), float64(s.Alarms))
		b.leaveOut("alarm messages (SNS)")
	}
	if s.Dashboard {
		b.line(dashboard, "CloudWatch dashboard", "1 dashboard", 1)
	}
	switch {
	case s.LogGB > 0:
		b.line(logsGB, "CloudWatch logs", number.Format(s.LogGB)+" GB", s.LogGB)
	case s.LogExports:
		b.leaveOut("CloudWatch logs of Redshift, billed by GB; how much it writes is not known")
	}
	if s.Secrets > 0 {
		b.line(secret, "Secrets Manager", number.Count(s.Secrets, "secret"), float64(s.Secrets))
	}
	if s.CustomerKey {
		b.line(kmsKey, "KMS key", "1 key", 1)
	}
}

// runsPerMonth is how often a schedule runs in a month; atMost, if it runs on some
// days only and all are counted.
func runsPerMonth(schedule string) (runs float64, atMost bool, err error) {
	s, err := refresh.Parse(schedule)
	if err != nil {
		return 0, false, fmt.Errorf("refresh is %q: %w", schedule, err)
	}
	perDay, atMost := s.PerDay()
	return perDay * HoursPerMonth / 24, atMost, nil
}
