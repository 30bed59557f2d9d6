package produce

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"example.com/evstream/internal/kinesisput"
)

// gauge tells how a run is doing.
type gauge struct {
	o       options
	src     source
	writer  *kinesisput.Writer
	started time.Time

	// The last look, for the present rate.
	at               time.Time
	delivered, bytes int64
}

// line is how far the run is. Its rates are over the time since the last line.
func (g *gauge) line() string {
	now, s := time.Now(), g.writer.Stats()
	elapsed, since := now.Sub(g.started), max(now.Sub(g.at).Seconds(), 1e-3)
	text := fmt.Sprintf("%s: %s records  %s/s  %.2f MB/s  retries %s  throttled %s", elapsed.Round(time.Second),
		grouped(s.Delivered), grouped(int64(float64(s.Delivered-g.delivered)/since)), float64(s.Bytes-g.bytes)/1e6/since,
		grouped(s.Retries), grouped(s.Throttled))
	g.at, g.delivered, g.bytes = now, s.Delivered, s.Bytes
	if s.Failed > 0 {
		text += "  failed " + grouped(s.Failed)
	}
	if part := g.part(s, elapsed); part > 0 {
		left := seconds(elapsed.Seconds() * (1 - part) / part)
		text += fmt.Sprintf("  %.0f %%  ETA %s", 100*part, left.Round(time.Second))
	}
	return text
}

// part is how much of the run is done, up to 1, or 0 if that is not known.
func (g *gauge) part(s kinesisput.Stats, elapsed time.Duration) float64 {
	done, total := int64(0), int64(0)
	switch read, size := g.src.progress(); {
	case g.o.count >= 0:
		done, total = s.Delivered+s.Failed, g.o.count
	case size > 0:
		settled := float64(s.Delivered+s.Failed) / float64(max(s.Accepted, 1))
		done, total = int64(float64(read)*settled), size
	case g.o.duration > 0:
		done, total = int64(elapsed), int64(g.o.duration)
	}
	return min(float64(done)/float64(max(total, 1)), 1)
}

// showProgress shows a live line on a terminal and writes a line every now and
// then elsewhere, until the returned function is called.
func showProgress(out *os.File, o options, src source, w *kinesisput.Writer) (stop func()) {
	now := time.Now()
	g := &gauge{o: o, src: src, writer: w, started: now, at: now}
	const clear = "\r\x1b[K"
	every, show, end := 5*time.Second, func() { fmt.Fprintln(out, g.line()) }, func() {}
	if term.IsTerminal(int(out.Fd())) {
		every, end = 500*time.Millisecond, func() { fmt.Fprint(out, clear) }
		show = func() {
			line := g.line()
			if width, _, err := term.GetSize(int(out.Fd())); err == nil {
				line = line[:min(len(line), max(width-1, 0))] // it is ASCII
			}
			fmt.Fprint(out, clear, line)
		}
	}

	ticker := time.NewTicker(every)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				show()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(quit)
		<-ended
		end()
	}
}
