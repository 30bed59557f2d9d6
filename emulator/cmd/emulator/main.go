// Emulator is the AWS side of a streaming warehouse on one machine, for tests in any language:
// Kinesis, the Redshift Data API and the Redshift Serverless API at one address.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"example.com/evstream/emulator"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/fault"
)

const help = `Serve Kinesis, the Redshift Data API, Redshift Serverless, and what they need of Secrets
Manager and STS, at one address of this machine.

Usage: emulator [flags]

Any AWS SDK and the AWS CLI use it with AWS_ENDPOINT_URL, a region and any keys. Requests to
other services are refused, and none reaches AWS. Everything is gone when it ends.

Flags:
  --port N           port on 127.0.0.1 (default 4599; 0 is a free one)
  --region NAME      refuse requests signed for another region (default us-east-1)
  --account ID       account id, twelve digits (default 123456789012)
  --env-file FILE    write the environment for clients to FILE once it serves, as NAME=value
  --refresh D        how often streaming views refresh that do so automatically (default 200ms)
  --shard-limits     enforce the throughput of shards: 1,000 records and 1 MiB a second
  --readings LIST    answers to what AWS's documentation leaves open, as switch=answer,switch=answer;
                     others gives every switch its other answer

Exit status: 0 stopped by a signal; 1 failure; 2 wrong usage.
`

const defaultPort = 4599

type options struct {
	emulator.Options
	envFile string
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("emulator", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	port := f.Int("port", defaultPort, "")
	f.StringVar(&o.Region, "region", "us-east-1", "")
	f.StringVar(&o.Account, "account", "123456789012", "")
	f.StringVar(&o.envFile, "env-file", "", "")
	f.DurationVar(&o.RefreshInterval, "refresh", emulator.DefaultRefreshInterval, "")
	limits := f.Bool("shard-limits", false, "")
	readings := f.String("readings", "default", "")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.Address = fmt.Sprintf("127.0.0.1:%d", *port)
	if *limits {
		o.Kinesis = append(o.Kinesis, fakekinesis.WithShardLimits())
	}
	var err error
	if o.Readings, err = emulator.Doubts().Parse(*readings); err != nil {
		return o, fmt.Errorf("--readings %s: %w", *readings, err)
	}
	digits := len(o.Account) == 12 && strings.Trim(o.Account, "0123456789") == ""
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0))
	case *port < 0 || *port > 65535:
		return o, fmt.Errorf("--port %d: must be 0 to 65535", *port)
	case !digits:
		return o, fmt.Errorf("--account %s: must be twelve digits", o.Account)
	case o.RefreshInterval <= 0:
		return o, fmt.Errorf("--refresh %s: must be longer than 0", o.RefreshInterval)
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(help)
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "emulator: %v\nemulator -h explains the flags.\n", err)
		os.Exit(2)
	}
	// A broken pipe is no reason to stop serving: the emulator goes on without its output.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if err := run(untilTold(), o, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "emulator: %v\n", err)
		os.Exit(1)
	}
}

// untilTold is done at the first signal to stop. A second one ends the process at once. What was
// started with nohup outlives its terminal.
func untilTold() context.Context {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	received := make(chan os.Signal, 1)
	signal.Notify(received, signals...)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-received
		signal.Stop(received)
		cancel()
	}()
	return ctx
}

// run serves until ctx ends.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	e, err := emulator.Start(ctx, o.Options)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w\nSomething else uses the port, perhaps another emulator: end it, or give --port", err)
	}
	if err != nil {
		return err
	}
	defer func() {
		// What a client still waits for must not keep a person waiting.
		closed := make(chan error, 1)
		go func() { closed <- e.Close() }()
		select {
		case closing := <-closed:
			err = errors.Join(err, closing)
		case <-time.After(900 * time.Millisecond):
			err = errors.Join(err, errors.New("what still ran was cut off; the temporary folder may be left"))
		}
	}()
	environment := e.Env()
	if o.envFile != "" {
		if err := emulator.WriteEnv(o.envFile, environment); err != nil {
			return err
		}
	}
	fmt.Fprint(out, "Serving Kinesis, the Redshift Data API, Redshift Serverless, Secrets Manager and STS. Clients need:\n\n")
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		fmt.Fprintf(out, "\texport %s=%s\n", name, environment[name])
	}
	fmt.Fprintf(out, "\nFaults: POST to %s%s. Ctrl-C ends it, and everything in it is gone.\n", e.URL(), fault.Path)
	<-ctx.Done()
	return nil
}
