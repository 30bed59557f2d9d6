// Package plan is the verb that works out what a load costs in a month and which
// limit it meets first.
package plan

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/cost"
)

// options is what the command line says.
type options struct {
	settings cost.Settings
	perDay   float64 // refreshes
	events   string  // the flag
	loads    []float64
	stack    string
	prices   string
	json     bool
}

// Command returns the verb.
func Command() *cobra.Command {
	o := defaults()
	cmd := &cobra.Command{
		Use:   "plan --events-per-second N[,N...]",
		Short: "Work out what a load costs and which limit it meets first",
		Long: `Work out what a load costs in a month, with each term shown, next to the settings of
the CDK sample, and which limit it meets first. It does not contact AWS.

A flag for a setting has the setting's name and default, and may be written as in
Pulumi.yaml, --baseCapacity 8, or as --base-capacity 8. With --stack the settings
are those of the stack, with the most alarms, endpoints and secrets it can create;
flags override them.`,
		Example: `  evstream plan --events-per-second 1000 --bytes 400
  evstream plan --events-per-second 1000 --stack dev
  evstream plan --events-per-second 1000 --refresh 'rate(5 minutes)'
  evstream plan --events-per-second 10,1000,100000   a table of several loads`,
		Args: cli.NoArgs,
		RunE: cli.Interruptible(func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd.Context(), cmd.Flags()); err != nil {
				return err
			}
			return plan(cmd.OutOrStdout(), o)
		}),
	}
	o.flags(cmd.Flags())
	return cmd
}

// defaults are those of Pulumi.yaml.
func defaults() *options {
	return &options{settings: cost.Settings{
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
}

func (o *options) flags(f *pflag.FlagSet) {
	s := &o.settings
	f.SortFlags = false
	f.StringVar(&o.events, "events-per-second", "", "records written, the same all day; several give a Markdown table of both stream modes (`N[,N...]`)")
	f.IntVar(&s.BytesPerEvent, "bytes", s.BytesPerEvent, "one record with its partition key, in bytes")
	f.StringVar(&o.stack, "stack", "", "take the settings from this Pulumi stack, by `NAME`, in the project's folder")

	f.StringVar(&s.StreamMode, "stream-mode", s.StreamMode, "ON_DEMAND or PROVISIONED")
	f.IntVar(&s.Shards, "shard-count", s.Shards, "shards of a PROVISIONED stream; default as many as the load needs")
	f.IntVar(&s.RetentionHours, "retention-hours", s.RetentionHours, "how long the stream keeps records")
	f.StringVar(&s.Refresh, "refresh", s.Refresh, "auto, manual, rate(...) or cron(...)")
	f.Float64Var(&o.perDay, "refreshes-per-day", 0, "how often it is refreshed by hand, or by a cron expression that does not run every day")
	f.IntVar(&s.BaseCapacity, "base-capacity", s.BaseCapacity, "RPU")
	f.IntVar(&s.MaxCapacity, "max-capacity", s.MaxCapacity, "RPU; 0 for no limit")
	f.IntVar(&s.UsageLimitRPUHours, "usage-limit-rpu-hours", s.UsageLimitRPUHours, "RPU-hours in each period; 0 for no limit")
	f.StringVar(&s.UsageLimitPeriod, "usage-limit-period", s.UsageLimitPeriod, "daily, weekly or monthly")
	f.BoolVar(&s.EnhancedVPCRouting, "enhanced-vpc-routing", s.EnhancedVPCRouting, "Redshift's traffic passes through the VPC")
	f.BoolVar(&s.Dashboard, "dashboard", s.Dashboard, "a dashboard")

	f.IntVar(&s.Endpoints, "endpoints", s.Endpoints, "interface endpoints; createVpcEndpoints makes at most 2")
	f.IntVar(&s.Zones, "zones", s.Zones, "availability zones of the endpoints")
	f.IntVar(&s.Alarms, "alarms", s.Alarms, "metrics that alarms watch")
	f.IntVar(&s.Secrets, "secrets", s.Secrets, "secrets")
	f.BoolVar(&s.CustomerKey, "kms-key", s.CustomerKey, "a KMS key of your own")

	f.Float64Var(&s.StorageGB, "storage-gb", s.StorageGB, "Redshift's storage on average; 0 leaves it out of the bill")
	f.Float64Var(&s.SnapshotGB, "snapshot-gb", s.SnapshotGB, "a snapshot on average; 0 leaves it out of the bill")
	f.Float64Var(&s.LogGB, "log-gb", s.LogGB, "Redshift's logs on average; 0 leaves them out of the bill")

	f.StringVar(&o.prices, "prices", "", "instead of the prices that come with the program, those of `FILE`, in the format of internal/cost/prices.json")
	f.StringVar(&s.Region, "region", s.Region, "refuse prices of another `REGION`")
	f.BoolVar(&o.json, "json", false, "print everything as JSON")
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName { return pflag.NormalizedName(kebab(name)) })
}

// kebab writes the name of a setting as that of a flag.
func kebab(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// complete reads the settings of the stack, if one is named, below the flags that
// were given, and checks them.
func (o *options) complete(ctx context.Context, f *pflag.FlagSet) error {
	if o.stack != "" {
		if err := o.readStack(ctx, f); err != nil {
			return fmt.Errorf("reading the settings of stack %s: %w", o.stack, err)
		}
	}
	s := &o.settings
	switch {
	case o.events == "":
		return cli.Usagef("which load? Give --events-per-second N, 0 for a few records all day")
	case o.perDay > 0 && s.Refresh == "auto":
		return cli.Usagef("--refreshes-per-day %v goes with --refresh manual or cron(...), not with auto", o.perDay)
	}
	s.RefreshesPerMonth = o.perDay * cost.HoursPerMonth / 24

	// 1,000 could be the loads 1 and 0; who means 10 and 100 writes "10, 100".
	if grouped := regexp.MustCompile(`^\d{1,3}(,\d{3})+$`); grouped.MatchString(o.events) {
		return cli.Usagef("--events-per-second %q: write %s, or, if these are several loads, %q",
			o.events, strings.ReplaceAll(o.events, ",", ""), strings.ReplaceAll(o.events, ",", ", "))
	}
	for text := range strings.SplitSeq(o.events, ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(n >= 0 && n <= 1e9) {
			return cli.Usagef("--events-per-second %q: it must be a number from 0 to 1,000,000,000, or several with commas between them", text)
		}
		o.loads = append(o.loads, n)
	}
	s.EventsPerSecond = o.loads[0]
	if len(o.loads) > 1 && (o.json || s.Shards > 0) {
		return cli.Usagef("several loads give one table of both stream modes: leave out --json and --shard-count")
	}
	return nil
}

// readStack reads the settings of a stack, and sets the flags that were given again.
func (o *options) readStack(ctx context.Context, f *pflag.FlagSet) error {
	given := map[string]string{}
	f.Visit(func(flag *pflag.Flag) { given[flag.Name] = flag.Value.String() })
	var values config
	if err := cli.Pulumi(ctx, &values, "config", "--json", "--non-interactive", "--stack", o.stack); err != nil {
		return err
	}
	if err := values.into(&o.settings); err != nil {
		return err
	}
	for name, value := range given {
		if err := f.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func plan(stdout io.Writer, o *options) error {
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
