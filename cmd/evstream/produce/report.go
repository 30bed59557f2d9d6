package produce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/evdata"
	"example.com/evstream/internal/kinesisput"
)

// summary is what --json prints.
type summary struct {
	Stream string  `json:"stream"`
	Region string  `json:"region"`
	Seed   *uint64 `json:"seed,omitempty"`
	kinesisput.Stats
	InDoubt int64            `json:"inDoubt"`         // of those that failed: the stream may have taken them
	Kinds   map[string]int64 `json:"kinds,omitempty"` // accepted, of generated records

	Seconds          float64       `json:"seconds"`
	RecordsPerSecond float64       `json:"recordsPerSecond"`
	RequestLatency   latencyMillis `json:"requestLatencyMillis"`
	RecordLatency    latencyMillis `json:"recordLatencyMillis"`

	Interrupted bool           `json:"interrupted"`
	Stopped     string         `json:"stopped,omitempty"` // why the run could not go on
	Errors      []errorSummary `json:"errors,omitempty"`
	DeadLetter  string         `json:"deadLetter,omitempty"`
}

type latencyMillis struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

type errorSummary struct {
	Error   string `json:"error"`
	Records int64  `json:"records"`
}

// report gathers what becomes of a run.
type report struct {
	o       options
	region  string
	started time.Time
	dead    *deadLetters // nil without --dead-letter
	errors  map[string]int64
	inDoubt int64
	ended   error // how the input ended; nil at its end
	stopped error // why the writer stopped

	endInput context.CancelCauseFunc // for when failed records can't be kept
}

func newReport(o options, region string, endInput context.CancelCauseFunc) *report {
	return &report{o: o, region: region, started: time.Now(), errors: map[string]int64{}, endInput: endInput}
}

// failed notes a record that was given up.
func (r *report) failed(f kinesisput.Failure) {
	const kinds = 20 // of errors that are told apart
	text := cli.Explain(f.Err)
	if errors.Is(f.Err, kinesisput.ErrNoKey) && r.o.partitionKey != "" {
		text = fmt.Sprintf("the line has no text, number or boolean in the field %q to be its partition key", r.o.partitionKey)
		f.Err = errors.New(text)
	}
	if _, known := r.errors[text]; !known && len(r.errors) >= kinds {
		text = "other errors"
	}
	r.errors[text]++
	if f.Uncertain {
		r.inDoubt++
	}
	if r.dead != nil {
		if err := r.dead.add(f); err != nil {
			r.endInput(err)
		}
	}
}

// finish prints the summary and returns the exit status.
func (r *report) finish(w *kinesisput.Writer, src source) (int, error) {
	took := time.Since(r.started)
	stats := w.Stats()
	request, record := w.Latency()
	s := summary{
		Stream: r.o.Stream, Region: r.region,
		Stats: stats, InDoubt: r.inDoubt,
		Seconds: took.Seconds(), RecordsPerSecond: float64(stats.Delivered) / took.Seconds(),
		RequestLatency: millis(request), RecordLatency: millis(record),
		Interrupted: errors.Is(r.ended, cli.ErrInterrupted),
	}
	if g, ok := src.(*generated); ok {
		s.Seed = &r.o.seed
		s.Kinds = map[string]int64{}
		for _, k := range evdata.Kinds() {
			s.Kinds[k.String()] = g.kinds[k].Load()
		}
	}
	for _, text := range slices.Sorted(maps.Keys(r.errors)) {
		s.Errors = append(s.Errors, errorSummary{text, r.errors[text]})
	}

	code, err := exitDelivered, error(nil)
	switch {
	case r.stopped != nil && !errors.Is(r.stopped, cli.ErrInterrupted):
		code, err = exitFailed, fmt.Errorf("stopped: %w", r.stopped)
	case r.ended != nil && !errors.Is(r.ended, cli.ErrInterrupted):
		code, err = exitFailed, r.ended
	case stats.Failed > 0:
		code = exitFailed
	case s.Interrupted:
		code = exitInterrupted
	}
	if r.dead != nil {
		if stats.Failed > 0 {
			s.DeadLetter = r.o.deadLetter
		}
		if closed := r.dead.close(); closed != nil {
			code, err = exitFailed, closed
		}
	}
	if err != nil {
		s.Stopped = cli.Explain(err)
	}
	r.print(s)
	if r.o.json {
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		if e := out.Encode(s); e != nil {
			return exitFailed, fmt.Errorf("print the summary: %w", e)
		}
	}
	return code, err
}

// print writes the summary for people.
func (r *report) print(s summary) {
	stderr := cli.Terminal(os.Stderr) // an error's text may hold anything
	line := func(format string, a ...any) { fmt.Fprintf(stderr, format+"\n", a...) }
	line("%s of %s delivered to %s (%s) in %s: %s records/s, %.2f MB/s",
		grouped(s.Delivered), count(s.Accepted, "record"), s.Stream, s.Region, took(s.Seconds),
		grouped(int64(s.RecordsPerSecond)), float64(s.Bytes)/1e6/s.Seconds)
	line("%s, %s sent again, %s refused by a write limit", count(s.Requests, "request"), count(s.Retries, "record"), grouped(s.Throttled))
	if s.Delivered > 0 {
		line("latency in ms, 50/90/99 %%/max: request %s, record from accepted to delivered %s", s.RequestLatency, s.RecordLatency)
	}
	if s.Uncertain > 0 {
		line("%s a record was sent and the answer lost: the stream may hold up to as many records twice", count(s.Uncertain, "time"))
	}
	if s.Seed != nil {
		line("seed %d", *s.Seed)
	}
	for _, e := range s.Errors {
		line("failed: %s: %s", count(e.Records, "record"), e.Error)
	}
	if s.InDoubt > 0 {
		line("%s of those that failed may be in the stream nonetheless: their answers were lost", grouped(s.InDoubt))
	}
	switch {
	case s.DeadLetter != "":
		line("to send the failed records again: evstream produce --input %s", s.DeadLetter)
	case s.Failed > 0:
		line("the failed records were not kept: --dead-letter FILE keeps them")
	}
	// Records that failed and were kept nowhere must not be skipped.
	if (r.ended != nil || r.stopped != nil) && (s.Failed == 0 || s.DeadLetter != "") {
		line("to go on after these records: --skip %d", r.o.skip+s.Accepted)
	}
}

func (l latencyMillis) String() string {
	return fmt.Sprintf("%.1f/%.1f/%.1f/%.1f", l.P50, l.P90, l.P99, l.Max)
}

func millis(l kinesisput.Latency) latencyMillis {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return latencyMillis{ms(l.P50), ms(l.P90), ms(l.P99), ms(l.Max)}
}

// took writes a time, a short one in milliseconds.
func took(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.0f ms", seconds*1000)
	}
	return fmt.Sprintf("%.1f s", seconds)
}

// count writes a number of things, such as 1 record or 1,000 records.
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(n) + " " + thing
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
