// Produce writes records to a Kinesis data stream: generated EV charging
// records, or lines of a file. See usage below or produce -h.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/time/rate"

	"example.com/evstream/internal/flagtext"
	"example.com/evstream/internal/kinesisput"
)

const usage = `Produce writes records to a Kinesis data stream and reports the outcome of each.

	produce [flags]                          10 generated EV charging records
	produce --count 1000000 --rate 2000      a million, 2000 a second
	produce --duration 10m --malformed 0.01  for ten minutes, 1 % malformed
	produce --input FILE --partition-key ID  the lines of a file; - is standard input
	produce --dry-run                        print the records instead

Where to
  --stream NAME          the stream; default $STREAM_NAME
                         (--stream-name is the same)
  --region NAME          its region; default the AWS environment's
                         (--region-name is the same)
  --stack NAME           stream and region from the outputs of a Pulumi stack,
                         as in pulumi stack output --stack NAME
  --dry-run              print one record a line and write to no stream

What
  --count N              how many records; default 10, or no bound with
                         --duration or --input (--max-count is the same)
  --duration D           for how long, such as 30s or 5m
  --rate N               records per second, evenly; default as fast as the
                         stream takes them
  --skip N               leave out the first N records, to go on where a run ended
  --seed N               generate the same records again: ids and values depend
                         on it, connection times also on the time of day;
                         default random, and shown in the summary
  --malformed P          the share of generated records that are malformed, 0 to 1,
                         in turn: notJSON, notUTF8, notObject, wrongType,
                         missingField, tooLarge (a spaceID longer than its column)
  --input FILE           write the lines of FILE instead, empty ones left out;
                         dead letters among them are what they were
  --partition-key FIELD  take each line's partition key from this field of its JSON
                         object; default a hash of the line

What if
  --dead-letter FILE     write the records that could not be delivered to FILE, to
                         be sent again with --input FILE; FILE must be new or empty
  --max-attempts N       how often one record may be sent; default 20
  --retry-for D          how long a record is retried, and how long nothing at all
                         may be delivered before the run stops; default 1m
  --in-flight N          requests at once; default 16
  --json                 print the summary as JSON on standard output

Progress and the summary go to standard error. Interrupted (Ctrl-C), produce
sends what it accepted, then reports; interrupted again, it gives that up too.

Exit status: 0 every record was delivered; 1 some were not, or the run could
not go on; 2 wrong use; 130 interrupted, with every accepted record delivered.

Credentials and endpoint come from the AWS environment: AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL_KINESIS and so on. Writing needs the permission
kinesis:PutRecords on the stream.
`

const (
	exitDelivered   = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

type options struct {
	stream, region, stack string
	count, skip           int64 // count -1 means no bound
	duration              time.Duration
	rate                  float64
	seed                  uint64
	malformed             float64
	input, partitionKey   string
	deadLetter            string
	maxAttempts, inFlight int
	retryFor              time.Duration
	dryRun, json          bool
}

// flags returns the flags, which set o.
func flags(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("produce", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	for _, name := range []string{"stream", "stream-name"} {
		f.StringVar(&o.stream, name, os.Getenv("STREAM_NAME"), "")
	}
	for _, name := range []string{"region", "region-name"} {
		f.StringVar(&o.region, name, "", "")
	}
	for _, name := range []string{"count", "max-count"} {
		f.Int64Var(&o.count, name, -1, "")
	}
	f.StringVar(&o.stack, "stack", "", "")
	f.Int64Var(&o.skip, "skip", 0, "")
	f.DurationVar(&o.duration, "duration", 0, "")
	f.Float64Var(&o.rate, "rate", 0, "")
	f.Uint64Var(&o.seed, "seed", rand.Uint64N(1_000_000), "")
	f.Float64Var(&o.malformed, "malformed", 0, "")
	f.StringVar(&o.input, "input", "", "")
	f.StringVar(&o.partitionKey, "partition-key", "", "")
	f.StringVar(&o.deadLetter, "dead-letter", "", "")
	f.IntVar(&o.maxAttempts, "max-attempts", 20, "")
	f.DurationVar(&o.retryFor, "retry-for", time.Minute, "")
	f.IntVar(&o.inFlight, "in-flight", 16, "")
	f.BoolVar(&o.dryRun, "dry-run", false, "")
	f.BoolVar(&o.json, "json", false, "")
	return f
}

func parse(args []string) (options, error) {
	var o options
	f := flags(&o)
	if err := f.Parse(args); err != nil {
		return o, flagtext.Explain(f, err)
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })

	wrong := func(format string, a ...any) (options, error) { return o, fmt.Errorf(format, a...) }
	switch {
	case f.NArg() > 0:
		return wrong("unexpected argument %q: everything is a flag", f.Arg(0))
	case (given["count"] || given["max-count"]) && o.count < 0:
		return wrong("--count %d: must not be negative", o.count)
	case o.skip < 0:
		return wrong("--skip %d: must not be negative", o.skip)
	case o.duration < 0 || given["duration"] && o.duration == 0:
		return wrong("--duration %s: must be positive", o.duration)
	case !(o.rate >= 0) || math.IsInf(o.rate, 0) || given["rate"] && o.rate == 0:
		return wrong("--rate %v: must be a positive number of records per second", o.rate)
	case !(o.malformed >= 0 && o.malformed <= 1):
		return wrong("--malformed %v: must be a share from 0 (none) to 1 (all)", o.malformed)
	case o.maxAttempts < 1 || o.inFlight < 1 || o.retryFor <= 0:
		return wrong("--max-attempts, --in-flight and --retry-for must be positive")
	case o.input == "" && o.partitionKey != "":
		return wrong("--partition-key goes with --input: generated records have their _id as the key")
	case o.input != "" && (given["seed"] || given["malformed"]):
		return wrong("--seed and --malformed go with generated records, not with --input")
	case o.dryRun && (o.json || o.deadLetter != ""):
		return wrong("--dry-run writes to no stream: there is nothing for --json or --dead-letter to tell")
	case o.stack != "" && (given["stream"] || given["stream-name"]):
		return wrong("--stack and --stream both say which stream: give one")
	}
	if o.count < 0 && o.input == "" && o.duration == 0 {
		o.count = 10
	}
	return o, nil
}

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		// What the writer keeps is bounded, but requests of large records leave
		// large garbage behind, which is to be collected before it piles up.
		debug.SetMemoryLimit(64 << 20)
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return exitDelivered
	case err != nil:
		fmt.Fprintf(os.Stderr, "produce: %v\nproduce -h explains the flags.\n", err)
		return exitUsage
	}

	// The first signal ends the input, the second also what was accepted.
	input, endInput := context.WithCancelCause(context.Background())
	flush, giveUp := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		endInput(errInterrupted)
		fmt.Fprintln(os.Stderr, "\nproduce: interrupted, sending what was accepted (interrupt again to give it up)")
		<-signals
		giveUp(errInterrupted)
		signal.Reset() // a third one kills
	}()

	code, err := produce(input, flush, o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "produce: %v\n", err)
	}
	return code
}

var (
	errInterrupted = errors.New("interrupted")
	errTimeIsUp    = errors.New("the duration is over")
)

// produce does the work. It takes records until input ends, and flushes them
// until flush ends.
func produce(input, flush context.Context, o options) (int, error) {
	src, err := openSource(o)
	if err != nil {
		return exitFailed, err
	}
	defer src.close()
	if o.dryRun {
		return dryRun(input, o, src)
	}
	return write(input, flush, o, src)
}

// within returns a context for o.duration, if there is one.
func within(ctx context.Context, o options) (context.Context, context.CancelFunc) {
	if o.duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, o.duration, errTimeIsUp)
}

// feed takes records from src until ctx ends, as many and at the rate that are
// asked for, and gives each to accept. It returns nil when there are no more.
func feed(ctx context.Context, o options, src source, accept func(context.Context, kinesisput.Record) error) error {
	var limiter *rate.Limiter
	if o.rate > 0 {
		// A burst of what falls into ten milliseconds makes up for timers that
		// fire late, without which a high rate would not be reached.
		limiter = rate.NewLimiter(rate.Limit(o.rate), max(1, int(o.rate/100)))
	}
	for n := int64(0); ; n++ {
		if n < o.skip {
			if err := src.next(nil); err != nil {
				return end(err)
			}
			continue
		}
		if o.count >= 0 && n-o.skip >= o.count {
			return nil
		}
		if ctx.Err() == nil && limiter != nil {
			if err := limiter.Wait(ctx); err != nil && ctx.Err() == nil {
				<-ctx.Done() // the next record's time is after the end
			}
		}
		if ctx.Err() != nil {
			return end(context.Cause(ctx))
		}
		var r kinesisput.Record
		if err := src.next(&r); err != nil {
			return end(err)
		}
		if err := accept(ctx, r); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return end(err)
		}
	}
}

// end drops the errors that are an ordinary end.
func end(err error) error {
	if err == io.EOF || errors.Is(err, errTimeIsUp) {
		return nil
	}
	return err
}
