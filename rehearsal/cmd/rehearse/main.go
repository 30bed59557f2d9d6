// Rehearse deploys the Pulumi program of this project onto local stand-ins for
// AWS, streams EV charging records in, queries them, and destroys everything.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"example.com/evstream/emulator"
	"example.com/evstream/emulator/doubt"
	"example.com/evstream/internal/interrupt"
	"example.com/evstream/rehearsal"
)

const help = `Rehearse the deployment with the real Pulumi engine and no AWS account.

Usage: rehearse [flags]          (make rehearse ARGS="flags")

It starts the emulator and stand-ins for Pulumi's aws and command providers on loopback,
deploys stack dev with the settings of Pulumi.dev.yaml, writes records with evstream
produce, waits until the streaming view has them, shows the reports of evstream query,
previews again to show that nothing would change, and destroys. State and data are in a
temporary folder that is removed at the end, also after Ctrl-C.

Flags:
  --records N      number of records (default 5000)
  --seed N         seed of the records (default 1)
  --malformed P    the share of malformed records (default 0.02)
  --soak DURATION  instead of writing N records, write records for so long, for example 5m, while Kinesis,
                   the Data API and refreshes fail at random, and pulumi up runs again and is killed;
                   what happens follows from the seed
  --chart FILE     write the usage chart to FILE.svg or FILE.png
  --keep           keep it running before the end until Ctrl-C, for evstream and the AWS CLI
                   in another terminal
  --serve          only start the stand-ins, for an installed pulumi in another terminal
  --env-file FILE  where --keep and --serve write the environment for the other terminal
                   (default: a file in the temporary folder)
  --readings LIST  answers to what AWS's documentation leaves open, as switch=answer,switch=answer;
                   others gives every switch its other answer
  --installed NAME leave the provider NAME (command) to Pulumi, which uses its installed plugin

Exit status: 0 success; 1 failure; 2 wrong usage; 130 interrupted.
`

type options struct {
	records   int
	soak      time.Duration
	seed      uint64
	malformed float64
	chart     string
	keep      bool
	serve     bool
	envFile   string
	installed string
	readings  doubt.Readings
}

func parse(args []string) (options, error) {
	var o options
	f := pflag.NewFlagSet("rehearse", pflag.ContinueOnError)
	f.Usage = func() {} // help has it
	f.IntVar(&o.records, "records", 5000, "")
	f.Uint64Var(&o.seed, "seed", 1, "")
	f.Float64Var(&o.malformed, "malformed", 0.02, "")
	f.DurationVar(&o.soak, "soak", 0, "")
	f.StringVar(&o.chart, "chart", "", "")
	f.BoolVar(&o.keep, "keep", false, "")
	f.BoolVar(&o.serve, "serve", false, "")
	f.StringVar(&o.envFile, "env-file", "", "")
	f.StringVar(&o.installed, "installed", "", "")
	readings := f.String("readings", "default", "")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.readings, err = rehearsal.Doubts().Parse(*readings); err != nil {
		return o, fmt.Errorf("--readings %s: %w", *readings, err)
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0))
	case o.soak < 0:
		return o, fmt.Errorf("--soak %s: must not be negative", o.soak)
	case o.records < 0:
		return o, fmt.Errorf("--records %d: must not be negative", o.records)
	case !(o.malformed >= 0 && o.malformed <= 1):
		return o, fmt.Errorf("--malformed %v: must be a share from 0 (none) to 1 (all)", o.malformed)
	case !slices.Contains([]string{"", "command"}, o.installed):
		return o, fmt.Errorf("--installed %s: only the provider command can be left to Pulumi", o.installed)
	case !slices.Contains([]string{"", ".svg", ".png"}, filepath.Ext(o.chart)):
		return o, fmt.Errorf("--chart %s: it must be a file that ends in .svg or .png", o.chart)
	case o.chart != "" && exists(o.chart):
		return o, fmt.Errorf("--chart %s: the file exists; name another", o.chart)
	case o.envFile != "" && !o.keep && !o.serve:
		return o, fmt.Errorf("--env-file %s: only --keep and --serve write one", o.envFile)
	case o.keep && o.serve:
		return o, errors.New("--keep and --serve: give one of them")
	}
	return o, nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Print(help)
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "rehearse: %v\nrehearse -h explains the flags.\n", err)
		os.Exit(2)
	}
	// A client that hangs up must not end it, nor must a reader of the output that goes away
	// leave anything behind: the write that fails says so, not a signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := context.WithCancel(interrupt.Context())
	defer stop()
	err = run(ctx, o, &output{w: os.Stdout, failed: stop})
	switch {
	case err == nil:
	case ctx.Err() != nil && !errors.As(err, new(leftError)):
		fmt.Fprintln(os.Stderr, "rehearse: interrupted; everything was removed")
		os.Exit(130)
	case err != nil:
		fmt.Fprintf(os.Stderr, "rehearse: %v\n", err)
		os.Exit(1)
	}
}

// output ends the rehearsal when nobody reads it any more.
type output struct {
	w      io.Writer
	failed func()
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.failed()
	}
	return n, err
}

// leftError is why something could not be ended or removed at the end.
type leftError struct{ error }

func (e leftError) Unwrap() error { return e.error }

// run rehearses, or serves the stand-ins. Whatever happens, nothing is left
// behind.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	root, err := rehearsal.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rehearsal-")
	if err != nil {
		return err
	}
	defer func() {
		if left := os.RemoveAll(dir); left != nil {
			err = errors.Join(err, leftError{left})
		}
	}()

	// The CLI writes logs to its home even when it is only asked for its version.
	if err := os.Setenv("PULUMI_HOME", filepath.Join(dir, "home")); err != nil {
		return err
	}

	standIns, err := rehearsal.Start(rehearsal.Options{
		Root:             root,
		Dir:              dir,
		InstalledCommand: o.installed == "command",
		Readings:         o.readings,
		RefreshInterval:  emulator.DefaultRefreshInterval,
	})
	if err != nil {
		return err
	}
	defer func() {
		if left := standIns.Close(); left != nil {
			err = errors.Join(err, leftError{left})
		}
	}()

	if o.serve {
		return serve(ctx, standIns, cmp.Or(o.envFile, filepath.Join(dir, "env")), out)
	}
	r := &runner{options: o, root: root, dir: dir, standIns: standIns, out: out, made: map[string]int{}}
	return r.all(ctx)
}

// serve keeps the stand-ins running until ctx ends.
func serve(ctx context.Context, standIns *rehearsal.StandIns, envFile string, out io.Writer) error {
	environment := standIns.ProgramEnv()
	environment["PULUMI_BACKEND_URL"] = "file://" + standIns.StateDir()
	environment["PULUMI_CONFIG_PASSPHRASE"] = ""
	if err := emulator.WriteEnv(envFile, environment); err != nil {
		return err
	}
	fmt.Fprintf(out, `The stand-ins are running. In another terminal, in the project's folder:

	set -a; . %s; set +a
	cp Pulumi.dev.yaml Pulumi.rehearsal.yaml
	pulumi stack select --create rehearsal
	pulumi preview --diff
	pulumi up

The state is kept where the stand-ins are, and goes with them: Ctrl-C ends both.
`, envFile)
	<-ctx.Done()
	return nil
}
