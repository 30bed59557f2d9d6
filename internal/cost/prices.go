package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// A Price is what AWS asks for one unit of an item.
type Price struct {
	Item     string  `json:"item"`
	Unit     string  `json:"unit"`
	USD      float64 `json:"usd"`
	Source   string  `json:"source"`   // where it was seen
	Official bool    `json:"official"` // the source is AWS itself
	Note     string  `json:"note,omitempty"`
}

// Prices are the prices of one region. An item that they lack is left out of a
// bill, which says so.
type Prices struct {
	Region string  `json:"region"`
	Seen   string  `json:"seen"` // the day on which they were looked up
	Prices []Price `json:"prices"`
}

//go:embed prices.json
var defaultPrices string

// DefaultPrices returns the prices that come with the program.
func DefaultPrices() (Prices, error) { return ReadPrices(strings.NewReader(defaultPrices)) }

// ReadPrices reads prices in the format of prices.json. It refuses items that no
// rule uses, because a misspelt one would silently leave its cost out.
func ReadPrices(r io.Reader) (Prices, error) {
	var p Prices
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Prices{}, fmt.Errorf("reading prices: %w", err)
	}
	if p.Region == "" || p.Seen == "" {
		return Prices{}, fmt.Errorf("reading prices: region is %q and seen is %q: say which region's prices they are and of which day", p.Region, p.Seen)
	}
	var known []string
	for _, price := range p.Prices {
		switch {
		case !slices.Contains(items(), price.Item):
			return Prices{}, fmt.Errorf("reading prices: there is no item %q; the items are %s", price.Item, strings.Join(items(), ", "))
		case slices.Contains(known, price.Item):
			return Prices{}, fmt.Errorf("reading prices: the item %s has two prices", price.Item)
		case price.USD < 0 || math.IsInf(price.USD, 0):
			return Prices{}, fmt.Errorf("reading prices: the item %s costs %v: a price is not negative", price.Item, price.USD)
		}
		known = append(known, price.Item)
	}
	return p, nil
}

// find returns the price of an item, if there is one.
func (p Prices) find(item string) (Price, bool) {
	i := slices.IndexFunc(p.Prices, func(price Price) bool { return price.Item == item })
	if i < 0 {
		return Price{}, false
	}
	return p.Prices[i], true
}

// The items that bills are made of.
const (
	rpuHour           = "redshift-rpu-hour"
	storageGB         = "redshift-storage-gb-month"
	snapshotGB        = "redshift-snapshot-gb-month"
	streamHour        = "kinesis-stream-hour"
	inGB              = "kinesis-in-gb"
	outGB             = "kinesis-out-gb"
	extendedGB        = "kinesis-extended-gb-month"
	longTermGB        = "kinesis-long-term-gb-month"
	shardHour         = "kinesis-shard-hour"
	putUnits          = "kinesis-put-units"
	extendedShardHour = "kinesis-extended-shard-hour"
	natGB             = "nat-gb"
	endpointHour      = "endpoint-hour"
	endpointGB        = "endpoint-gb"
	alarm             = "alarm"
	dashboard         = "dashboard"
	logsGB            = "logs-in-gb"
	scheduleRuns      = "schedule-runs"
	secret            = "secret"
	kmsKey            = "kms-key"
)

func items() []string {
	return []string{
		rpuHour, storageGB, snapshotGB,
		streamHour, inGB, outGB, extendedGB, longTermGB, shardHour, putUnits, extendedShardHour,
		natGB, endpointHour, endpointGB,
		alarm, dashboard, logsGB, scheduleRuns, secret, kmsKey,
	}
}
