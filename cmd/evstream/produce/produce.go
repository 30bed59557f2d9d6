// Package produce is the verb that writes records to a Kinesis data stream:
// generated EV charging records, or lines of a file.
package produce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/interrupt"
)

const (
	exitDelivered   = 0
	exitFailed      = cli.ExitFailed
	exitInterrupted = cli.ExitInterrupted
)

type options struct {
	cli.Connection
	count, skip         int64 // count -1 means no bound
	duration            time.Duration
	rate                float64
	seed                uint64
	malformed           float64
	input, partitionKey string
	deadLetter          string
	maxAttempts         int
	retryFor            time.Duration
	dryRun, json        bool
}

// Command returns the verb.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "produce",
		Short: "Write generated records, or lines of a file, to the stream",
		Long: `Write records to a Kinesis data stream, and report the outcome of each.

It sends as much at once as the network and the stream take, and respects the
stream's write limit. Progress and the summary go to standard error. Interrupted
(Ctrl-C), it sends accepted records for another half a second, gives up the rest and
reports; interrupted again, it ends at once.

Exit status: 0 every record was delivered; 1 some were not, or the run stopped;
2 wrong usage; 130 interrupted, with every accepted record delivered.

Writing needs the permission kinesis:PutRecords on the stream.`,
		Example: `  evstream produce --stack dev                  10 generated EV charging records
  evstream produce --count 1000000 --rate 2000  a million, 2000 a second
  evstream produce --duration 10m --malformed 0.01
  evstream produce --input FILE --partition-key ID
  evstream produce --dry-run                    print the records instead`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			code, err := run(&o)
			if code == exitDelivered {
				return err
			}
			return cli.Status{Code: code, Err: err}
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func (o *options) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.StreamFlags(f)
	f.BoolVar(&o.dryRun, "dry-run", false, "print one record a line and write to no stream")
	f.Int64Var(&o.count, "count", -1, "how many records; default 10, or no limit with --duration or --input")
	f.DurationVar(&o.duration, "duration", 0, "for how long, such as 30s or 5m")
	f.Float64Var(&o.rate, "rate", 0, "records per second, evenly; default as fast as the stream takes them")
	f.Int64Var(&o.skip, "skip", 0, "leave out the first records, to go on where a run ended")
	f.Uint64Var(&o.seed, "seed", rand.Uint64N(1_000_000), "generate the same records again: ids and values depend on it, connection times also on the time of day; default random, and shown in the summary")
	f.Float64Var(&o.malformed, "malformed", 0, "the share of generated records that are malformed, 0 to 1, in turn: notJSON, notUTF8, notObject, wrongType, missingField, tooLarge (a spaceID longer than its column)")
	f.StringVar(&o.input, "input", "", "write the lines of `FILE` instead, empty ones left out, - being standard input; dead letters among them are sent as the records they were")
	f.StringVar(&o.partitionKey, "partition-key", "", "take each line's partition key from this `FIELD` of its JSON object; default a hash of the line")
	f.StringVar(&o.deadLetter, "dead-letter", "", "write the records that could not be delivered to `FILE`, to be sent again with --input; FILE must be new or empty")
	f.IntVar(&o.maxAttempts, "max-attempts", 20, "maximum send attempts per record")
	f.DurationVar(&o.retryFor, "retry-for", time.Minute, "how long a record is retried, and how long nothing at all may be delivered before the run stops")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON on standard output")
	f.Lookup("count").DefValue, f.Lookup("seed").DefValue = "0", "0" // the text says the default

	// The names that the CDK sample's script has.
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if ours, ok := map[string]string{"stream-name": "stream", "region-name": "region", "max-count": "count"}[name]; ok {
			name = ours
		}
		return pflag.NormalizedName(name)
	})
}

// check says what is wrong with the flags, and sets the count that follows from them.
func (o *options) check(f *pflag.FlagSet) error {
	switch given := f.Changed; {
	case given("count") && o.count < 0:
		return cli.Usagef("--count %d: must not be negative", o.count)
	case o.skip < 0:
		return cli.Usagef("--skip %d: must not be negative", o.skip)
	case o.duration < 0 || given("duration") && o.duration == 0:
		return cli.Usagef("--duration %s: must be positive", o.duration)
	case !(o.rate >= 0) || math.IsInf(o.rate, 0) || given("rate") && o.rate == 0:
		return cli.Usagef("--rate %v: must be a positive number of records per second", o.rate)
	case !(o.malformed >= 0 && o.malformed <= 1):
		return cli.Usagef("--malformed %v: must be a share from 0 (none) to 1 (all)", o.malformed)
	case o.maxAttempts < 1 || o.retryFor <= 0:
		return cli.Usagef("--max-attempts and --retry-for must be positive")
	case o.input == "" && o.partitionKey != "":
		return cli.Usagef("--partition-key goes with --input: generated records have their _id as the key")
	case o.input != "" && (given("seed") || given("malformed")):
		return cli.Usagef("--seed and --malformed go with generated records, not with --input")
	case o.dryRun && (o.json || o.deadLetter != ""):
		return cli.Usagef("--dry-run writes to no stream: --json and --dead-letter have no effect")
	}
	if o.count < 0 && o.input == "" && o.duration == 0 {
		o.count = 10
	}
	return nil
}

func run(o *options) (int, error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		// What the writer keeps is bounded, but requests of large records leave
		// large garbage behind, which is to be collected before it piles up.
		debug.SetMemoryLimit(64 << 20)
	}

	// A signal ends the input, and soon after what was accepted. Whatever may wait
	// for ever ends with one of the two contexts; interrupt has the second signal end
	// the process.
	input, endInput := context.WithCancelCause(context.Background())
	flush, giveUp := context.WithCancelCause(context.Background())
	context.AfterFunc(interrupt.Context(), func() {
		endInput(cli.ErrInterrupted)
		fmt.Fprintln(os.Stderr, "\nevstream produce: interrupted; interrupt again to end at once")
		time.Sleep(flushTime)
		giveUp(cli.ErrInterrupted)
	})
	return o.produce(input, flush)
}

// failedToStart is the exit status and the error of a run that took no record. When it
// was interrupted, what fails then says nothing.
func failedToStart(input context.Context, err error) (int, error) {
	if input.Err() != nil {
		return exitInterrupted, fmt.Errorf("%w: no record was read", context.Cause(input))
	}
	return exitFailed, err
}

// flushTime is how long accepted records are still sent after an interrupt.
const flushTime = 500 * time.Millisecond

// produce does the work. It takes records until input ends, and sends them until
// flush ends.
func (o *options) produce(input, flush context.Context) (int, error) {
	// A stack that is not there is a mistake in a dry run, too.
	if !o.dryRun || o.Stack != "" {
		if err := o.Resolve(input); err != nil {
			return failedToStart(input, err)
		}
	}
	if !o.dryRun && o.Stream == "" {
		return cli.ExitUsage, errors.New("which stream? Give --stack NAME, --stream or STREAM_NAME")
	}
	src, err := openSource(input, *o)
	if err != nil {
		return failedToStart(input, err)
	}
	defer src.close()
	if o.dryRun {
		return dryRun(input, *o, src)
	}
	return write(input, flush, *o, src)
}
