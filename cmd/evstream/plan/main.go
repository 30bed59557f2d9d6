// Plan works out what a load costs in a month and which limit it meets first. See
// usage below or plan -h.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"example.com/evstream/internal/cost"
	"example.com/evstream/internal/flagtext"
	"example.com/evstream/internal/interrupt"
)

const usage = `Plan works out what a load costs in a month, with each term shown, next to the
settings of the CDK sample, and which limit it meets first. It asks AWS nothing.

	plan --events-per-second 1000 --bytes 400
	plan --events-per-second 1000 --stack dev           with the settings of a stack
	plan --events-per-second 1000 --refresh 'rate(5 minutes)'
	plan --events-per-second 10,1000,100000             a table of several loads

The load, the same all day
  --events-per-second N[,N...]  records written; several give a Markdown table of
                         both stream modes
  --bytes N              one record with its partition key; default 250, about
                         that of a generated record

The settings; each has the default of Pulumi.yaml
  --stack NAME           take them from a stack, as in pulumi config --stack NAME,
                         with the most alarms, endpoints and secrets that it makes;
                         flags that are given as well count instead
  --stream-mode MODE     ON_DEMAND or PROVISIONED
  --shards N             of a PROVISIONED stream; default as many as the load needs
  --retention D          how long records are kept, such as 24h or 168h
  --refresh HOW          auto, manual, rate(...) or cron(...)
  --refreshes-per-day N  how often it is refreshed by hand, or by a cron expression
                         that does not run every day
  --base-capacity N      RPU
  --max-capacity N       RPU
  --usage-limit N        RPU-hours, each --usage-limit-period daily, weekly or
                         monthly
  --enhanced-vpc-routing=false  Redshift's traffic does not pass through the VPC
  --endpoints N          interface endpoints, in --zones N zones; default 0 in 3
  --alarms N             metrics that alarms watch
  --dashboard            a dashboard
  --secrets N            secrets
  --kms-key              a KMS key of your own

What a month holds on average; what is not given is left out, and named
  --storage-gb N         Redshift's storage
  --snapshot-gb N        a snapshot
  --log-gb N             Redshift's logs

The prices
  --prices FILE          instead of those that come with the program, in the format
                         of internal/cost/prices.json
  --region NAME          refuse prices of another region

  --json                 print everything as JSON

Exit status: 0 all went well, 1 something failed, 2 wrong use.
`

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(interrupt.Context(), os.Args[1:], os.Stdout, os.Stderr))
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := plan(ctx, args, stdout)
	var mistake usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return exitOK
	case errors.As(err, &mistake):
		fmt.Fprintf(stderr, "plan: %v\nplan -h explains the flags.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "plan: %v\n", err)
		return exitFailed
	}
}

// options is what the command line says.
type options struct {
	settings cost.Settings
	loads    []float64
	stack    string
	prices   string
	json     bool
}

func plan(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(ctx, args)
	if err != nil {
		return err
	}
	prices, err := readPrices(o.prices)
	if err != nil {
		return err
	}
	if len(o.loads) > 1 {
		return writeLoads(stdout, prices, o)
	}
	return write(stdout, prices, o)
}

func readPrices(file string) (cost.Prices, error) {
	if file == "" {
		return cost.DefaultPrices()
	}
	f, err := os.Open(file)
	if err != nil {
		return cost.Prices{}, err
	}
	defer f.Close()
	p, err := cost.ReadPrices(f)
	if err != nil {
		return cost.Prices{}, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// parse reads the flags, over the settings of a stack if one is named.
func parse(ctx context.Context, args []string) (options, error) {
	o := options{settings: cost.Settings{
		BytesPerEvent:      250,
		StreamMode:         cost.OnDemand,
		RetentionHours:     24,
		Refresh:            "auto",
		BaseCapacity:       8,
		UsageLimitPeriod:   "monthly",
		EnhancedVPCRouting: true,
		Zones:              3,
		LogExports:         true,
	}}
	if err := parseInto(&o, args); err != nil {
		return o, err
	}
	if o.stack != "" {
		s, err := readStack(ctx, o.stack, o.settings)
		if err != nil {
			return o, err
		}
		o.settings = s
		if err := parseInto(&o, args); err != nil {
			return o, err
		}
	}
	return o, nil
}

// parseInto sets what the flags say and leaves the rest as it is.
func parseInto(o *options, args []string) error {
	s := &o.settings
	f := flag.NewFlagSet("plan", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	var loads string
	retention := time.Duration(s.RetentionHours) * time.Hour
	perDay := s.RefreshesPerMonth * 24 / cost.HoursPerMonth
	f.StringVar(&loads, "events-per-second", "", "")
	f.IntVar(&s.BytesPerEvent, "bytes", s.BytesPerEvent, "")
	f.StringVar(&o.stack, "stack", o.stack, "")
	f.StringVar(&s.StreamMode, "stream-mode", s.StreamMode, "")
	f.IntVar(&s.Shards, "shards", s.Shards, "")
	f.DurationVar(&retention, "retention", retention, "a time such as 24h or 168h")
	f.StringVar(&s.Refresh, "refresh", s.Refresh, "")
	f.Float64Var(&perDay, "refreshes-per-day", perDay, "")
	f.IntVar(&s.BaseCapacity, "base-capacity", s.BaseCapacity, "")
	f.IntVar(&s.MaxCapacity, "max-capacity", s.MaxCapacity, "")
	f.IntVar(&s.UsageLimitRPUHours, "usage-limit", s.UsageLimitRPUHours, "")
	f.StringVar(&s.UsageLimitPeriod, "usage-limit-period", s.UsageLimitPeriod, "")
	f.BoolVar(&s.EnhancedVPCRouting, "enhanced-vpc-routing", s.EnhancedVPCRouting, "")
	f.IntVar(&s.Endpoints, "endpoints", s.Endpoints, "")
	f.IntVar(&s.Zones, "zones", s.Zones, "")
	f.IntVar(&s.Alarms, "alarms", s.Alarms, "")
	f.BoolVar(&s.Dashboard, "dashboard", s.Dashboard, "")
	f.IntVar(&s.Secrets, "secrets", s.Secrets, "")
	f.BoolVar(&s.CustomerKey, "kms-key", s.CustomerKey, "")
	f.Float64Var(&s.StorageGB, "storage-gb", s.StorageGB, "")
	f.Float64Var(&s.SnapshotGB, "snapshot-gb", s.SnapshotGB, "")
	f.Float64Var(&s.LogGB, "log-gb", s.LogGB, "")
	f.StringVar(&o.prices, "prices", o.prices, "")
	f.StringVar(&s.Region, "region", s.Region, "")
	f.BoolVar(&o.json, "json", o.json, "")

	wrong := func(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
	err := flagtext.Explain(f, f.Parse(args))
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return usageError{err}
	case f.NArg() > 0:
		return wrong("unexpected argument %q: everything is a flag", f.Arg(0))
	case loads == "":
		return wrong("which load? Give --events-per-second N, 0 for a few records all day")
	case retention%time.Hour != 0:
		return wrong("--retention %s: Kinesis counts whole hours", retention)
	case perDay > 0 && s.Refresh == "auto":
		return wrong("--refreshes-per-day %v goes with --refresh manual or cron(...), not with auto", perDay)
	}
	s.RetentionHours = int(retention / time.Hour)
	s.RefreshesPerMonth = perDay * cost.HoursPerMonth / 24

	// 1,000 could be the loads 1 and 0; who means 10 and 100 writes "10, 100".
	if grouped := regexp.MustCompile(`^\d{1,3}(,\d{3})+$`); grouped.MatchString(loads) {
		return wrong("--events-per-second %q: write %s, or, if these are several loads, %q",
			loads, strings.ReplaceAll(loads, ",", ""), strings.ReplaceAll(loads, ",", ", "))
	}
	o.loads = nil
	for text := range strings.SplitSeq(loads, ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(n >= 0 && n <= 1e9) {
			return wrong("--events-per-second %q: it must be a number from 0 to 1,000,000,000, or several with commas between them", text)
		}
		o.loads = append(o.loads, n)
	}
	s.EventsPerSecond = o.loads[0]
	if len(o.loads) > 1 && (o.json || s.Shards > 0) {
		return wrong("several loads give one table of both stream modes: leave out --json and --shards")
	}
	return nil
}
