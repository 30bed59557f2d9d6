package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"example.com/evstream/emulator"
	"example.com/evstream/internal/number"
	"example.com/evstream/rehearsal"
)

// stackName is the stack that is rehearsed: the shipped Pulumi.dev.yaml.
const stackName = "dev"

// shownRows is how many lines of a report are shown.
const shownRows = 16

// runner runs one rehearsal.
type runner struct {
	options
	root, dir string
	standIns  *rehearsal.StandIns
	out       io.Writer

	stack       auto.Stack
	environment map[string]string // of the commands
	steps       []step
	made        map[string]int // resources by type
	written     produced
}

// work is something to do, under its title.
type work struct {
	title string
	do    func(context.Context) error
}

type step struct {
	title string
	took  time.Duration
}

// produced is the part of evstream produce's summary that the rehearsal checks.
type produced struct {
	Delivered int64            `json:"delivered"`
	Kinds     map[string]int64 `json:"kinds"` // of record; sound is one
}

// all runs the rehearsal from the first step to the last.
func (r *runner) all(ctx context.Context) error {
	write := work{"evstream produce", r.produce}
	if r.soak > 0 {
		write = work{"soak", r.soakFor}
	}
	for _, s := range []work{
		{"prepare the Pulumi CLI and the commands", r.prepare},
		{"pulumi preview", r.preview},
		{"pulumi up", r.up},
		write,
		{"wait for the streaming view", r.wait},
		{"evstream query usage", r.query("usage")},
		{"evstream query freshness", r.query("freshness")},
		{"evstream query rejected", r.query("rejected")},
		{"pulumi preview, again", r.previewAgain},
		{"pulumi destroy", r.destroy},
	} {
		if r.keep && s.title == "pulumi destroy" {
			return r.keepRunning(ctx)
		}
		fmt.Fprintf(r.out, "\n── %s\n", s.title)
		began := time.Now()
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		r.steps = append(r.steps, step{s.title, time.Since(began)})
	}
	r.summary()
	return nil
}

// prepare finds the CLI, builds the commands and makes the stack.
func (r *runner) prepare(ctx context.Context) error {
	cli, err := rehearsal.CLI(ctx, r.root, r.out)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", r.dir+"/bin/", "./cmd/evstream")
	build.Dir = r.root
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building cmd/evstream: %w\n%s", err, text)
	}
	if r.stack, err = r.standIns.NewStack(ctx, cli, r.dir, stackName, rehearsal.StackOptions{}); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "  Pulumi %s, stack %s with the settings of Pulumi.%[2]s.yaml\n", cli.Version(), stackName)
	return nil
}

func (r *runner) preview(ctx context.Context) error {
	create := 0
	channel, done := rehearsal.Watch(r.out, func(event apitype.EngineEvent) {
		if step := event.ResourcePreEvent; step != nil && step.Metadata.Op == apitype.OpCreate && isResource(step.Metadata) {
			create++
		}
	})
	_, err := r.stack.Preview(ctx, optpreview.EventStreams(channel))
	done()
	if err != nil {
		return shorten(err)
	}
	fmt.Fprintf(r.out, "  %d resources to create\n", create)
	return nil
}

// isResource tells what is made in AWS, or run, from what groups it.
func isResource(step apitype.StepEventMetadata) bool {
	return step.New != nil && step.New.Custom && !strings.HasPrefix(step.Type, "pulumi:")
}

func (r *runner) up(ctx context.Context) error {
	channel, done := rehearsal.Watch(r.out, func(event apitype.EngineEvent) {
		if made := event.ResOutputsEvent; made != nil && isResource(made.Metadata) {
			r.made[rehearsal.ShortType(made.Metadata.Type)]++
		}
	})
	result, err := r.stack.Up(ctx, optup.EventStreams(channel))
	done()
	if err != nil {
		return shorten(err)
	}
	fmt.Fprintln(r.out, "  outputs:")
	names := slices.Sorted(maps.Keys(result.Outputs))
	width := 0
	for _, name := range names {
		width = max(width, len(name))
	}
	for _, name := range names {
		value := fmt.Sprint(result.Outputs[name].Value)
		if name == "estimatedMonthlyCost" {
			value, _, _ = strings.Cut(value, ": ") // the sum, without its terms
		}
		fmt.Fprintf(r.out, "    %-*s %s\n", width, name, value)
	}
	output := func(name string) string { return fmt.Sprint(result.Outputs[name].Value) }
	r.environment = r.standIns.CommandEnv()
	maps.Copy(r.environment, map[string]string{
		"REDSHIFT_WORKGROUP":  output("workgroupName"),
		"REDSHIFT_DATABASE":   output("databaseName"),
		"REDSHIFT_SECRET_ARN": output("dataApiSecretArn"),
		"STREAM_NAME":         output("streamName"),
	})
	return nil
}

// command prepares one of the project's commands, as a user would run it.
func (r *runner) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(r.dir, "bin", "evstream"), append([]string{name}, args...)...)
	cmd.Env = append(os.Environ(), "COLUMNS=78") // what is shown is indented by two
	for name, value := range r.environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Dir = r.root
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = &indent{w: r.out}
	return cmd
}

func (r *runner) produce(ctx context.Context) error {
	cmd := r.command(ctx, "produce", "--json",
		"--count", strconv.Itoa(r.records),
		"--seed", strconv.FormatUint(r.seed, 10),
		"--malformed", strconv.FormatFloat(r.malformed, 'f', -1, 64))
	summary, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("writing %s: %w", records(int64(r.records)), err)
	}
	if err := json.Unmarshal(summary, &r.written); err != nil {
		return fmt.Errorf("reading the summary %q: %w", summary, err)
	}
	return nil
}

// ask runs a statement that gives one row of numbers.
func (r *runner) ask(ctx context.Context, statement string) ([]int64, error) {
	cmd := r.command(ctx, "query", "--sql", "-", "--format", "csv")
	cmd.Stdin = strings.NewReader(statement)
	text, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var numbers []int64
	for _, field := range strings.Split(lines[len(lines)-1], ",") {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number: %w", field, err)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// patience is how long the warehouse may take nothing.
const patience = time.Minute

// wait waits until the streaming view has every record, and checks that each is
// where it belongs.
func (r *runner) wait(ctx context.Context) error {
	var have int64
	for last := time.Now(); ; {
		numbers, err := r.ask(ctx, "SELECT COUNT(*) FROM ev_station_data")
		if err != nil {
			return err
		}
		if numbers[0] != have {
			have, last = numbers[0], time.Now()
			fmt.Fprintf(r.out, "  %s of %s are in the streaming view\n", number.Format(have), records(r.written.Delivered))
		}
		if have >= r.written.Delivered {
			break
		}
		if time.Since(last) > patience {
			return fmt.Errorf("the streaming view holds %s of %s and took none for %s", number.Format(have), records(r.written.Delivered), patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return r.check(ctx)
}

// check compares what was written with what the views hold, kind by kind.
func (r *runner) check(ctx context.Context) error {
	have, err := r.ask(ctx, `SELECT
		(SELECT COUNT(*) FROM ev_station_data) AS all_records,
		(SELECT COUNT(*) FROM ev_station_data_extract) AS extract,
		(SELECT COUNT(*) FROM ev_station_data_rejected WHERE reason = 'not JSON') AS not_json,
		(SELECT COUNT(*) FROM ev_station_data_rejected WHERE reason = 'not a JSON object') AS not_object,
		(SELECT COUNT(*) FROM ev_station_data_rejected WHERE reason LIKE 'did not convert:%') AS unconverted`)
	if err != nil {
		return err
	}
	kinds := r.written.Kinds
	want := []int64{
		r.written.Delivered,
		r.written.Delivered - kinds["notJSON"] - kinds["notUTF8"] - kinds["notObject"],
		kinds["notJSON"] + kinds["notUTF8"],
		kinds["notObject"],
		kinds["wrongType"] + kinds["tooLarge"],
	}
	fmt.Fprintf(r.out, "  %s: %s in ev_station_data_extract; rejected: %s not JSON, %s not an object, %s with a value that did not convert\n",
		records(have[0]), number.Format(have[1]), number.Format(have[2]), number.Format(have[3]), number.Format(have[4]))
	if !slices.Equal(have, want) {
		return fmt.Errorf("of what was written these should be %v", want)
	}
	fmt.Fprintln(r.out, "  exactly as they were written")
	return nil
}

func (r *runner) query(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		cmd := r.command(ctx, "query", name)
		table, err := cmd.Output()
		if err != nil {
			return err
		}
		head(r.out, table)
		if name != "usage" || r.records == 0 {
			return nil
		}
		drawn := r.command(ctx, "query", name, "--chart", "-")
		drawn.Stdout = &indent{w: r.out}
		if err := drawn.Run(); err != nil {
			return err
		}
		if r.chart == "" {
			return nil
		}
		chart, err := filepath.Abs(r.chart)
		if err != nil {
			return err
		}
		return r.command(ctx, "query", name, "--chart", chart).Run()
	}
}

// head shows the first lines of a table.
func head(out io.Writer, table []byte) {
	lines := bytes.Split(bytes.TrimRight(table, "\n"), []byte("\n"))
	for _, line := range lines[:min(len(lines), shownRows)] {
		fmt.Fprintf(out, "  %s\n", line)
	}
	if rest := len(lines) - shownRows; rest > 0 {
		fmt.Fprintf(out, "  … %s more\n", number.Count(rest, "line"))
	}
}

func (r *runner) previewAgain(ctx context.Context) error {
	channel, done := rehearsal.Watch(r.out, nil)
	_, err := r.stack.Preview(ctx, optpreview.ExpectNoChanges(), optpreview.EventStreams(channel))
	done()
	if err != nil {
		return shorten(err)
	}
	fmt.Fprintln(r.out, "  nothing would change")
	return nil
}

// keepRunning waits for Ctrl-C. What runs goes with the stand-ins.
func (r *runner) keepRunning(ctx context.Context) error {
	r.summary()
	envFile := cmp.Or(r.envFile, filepath.Join(r.dir, "env"))
	if err := emulator.WriteEnv(envFile, r.environment); err != nil {
		return err
	}
	fmt.Fprintf(r.out, `
── keep it running
  In another terminal, in the project's folder:

	set -a; . %s; set +a
	go run ./cmd/evstream produce --count 1000
	go run ./cmd/evstream query usage
	aws kinesis describe-stream-summary --stream-name $STREAM_NAME
	aws redshift-data execute-statement --workgroup-name $REDSHIFT_WORKGROUP --database $REDSHIFT_DATABASE \
	    --secret-arn $REDSHIFT_SECRET_ARN --sql 'SELECT COUNT(*) FROM ev_station_data'

  Ctrl-C ends it.
`, envFile)
	<-ctx.Done()
	return nil
}

func (r *runner) destroy(ctx context.Context) error {
	channel, done := rehearsal.Watch(r.out, nil)
	_, err := r.stack.Destroy(ctx, optdestroy.EventStreams(channel))
	done()
	if err != nil {
		return shorten(err)
	}
	if left := r.standIns.Left(); len(left) > 0 {
		return fmt.Errorf("these are still there: %s", strings.Join(left, ", "))
	}
	fmt.Fprintln(r.out, "  nothing is left")
	return nil
}

// summary says what happened and how long it took.
func (r *runner) summary() {
	fmt.Fprint(r.out, "\n── summary\n  made:\n")
	for _, kind := range slices.Sorted(maps.Keys(r.made)) {
		fmt.Fprintf(r.out, "  %5d × %s\n", r.made[kind], kind)
	}
	fmt.Fprintf(r.out, "  records: %s written, all of them found in the views\n", number.Format(r.written.Delivered))
	var total time.Duration
	for _, s := range r.steps {
		total += s.took
		fmt.Fprintf(r.out, "  %8.2f s  %s\n", s.took.Seconds(), s.title)
	}
	fmt.Fprintf(r.out, "  %8.2f s  in all\n", total.Seconds())
}

func records(n int64) string { return number.Count(n, "record") }

// indent writes lines indented.
type indent struct{ w io.Writer }

func (i *indent) Write(p []byte) (int, error) {
	lines := bufio.NewScanner(bytes.NewReader(p))
	lines.Buffer(nil, len(p)+1)
	for lines.Scan() {
		if _, err := fmt.Fprintf(i.w, "  %s\n", lines.Bytes()); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// shorten leaves of an error of the Automation API what a person has not seen
// yet: the engine's messages were shown as they came.
func shorten(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s", text)
}
