package produce

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
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

// look returns how far the run is, as done of total (0 if unknown), and the
// numbers of the progress line, whose rates are over the time since the last look.
func (g *gauge) look() (done, total int64, text string) {
	now, s := time.Now(), g.writer.Stats()
	elapsed := now.Sub(g.started)
	switch read, size := g.src.progress(); {
	case g.o.count >= 0:
		done, total = s.Delivered+s.Failed, g.o.count
	case size > 0:
		done, total = read, size
	case g.o.duration > 0:
		done, total = int64(elapsed), int64(g.o.duration)
	}
	done = min(done, total)
	since := max(now.Sub(g.at).Seconds(), 1e-3)
	text = fmt.Sprintf("%s records  %s/s  %.2f MB/s  retries %s  throttled %s",
		grouped(s.Delivered), grouped(int64(float64(s.Delivered-g.delivered)/since)), float64(s.Bytes-g.bytes)/1e6/since,
		grouped(s.Retries), grouped(s.Throttled))
	if s.Failed > 0 {
		text += "  failed " + grouped(s.Failed)
	}
	if done > 0 {
		left := time.Duration(float64(elapsed) * float64(total-done) / float64(done))
		text += "  ETA " + left.Round(time.Second).String()
	}
	g.at, g.delivered, g.bytes = now, s.Delivered, s.Bytes
	return done, total, text
}

// showProgress shows a live line on a terminal and writes a line every now and
// then elsewhere, until the returned function is called.
func showProgress(out *os.File, o options, src source, w *kinesisput.Writer) (stop func()) {
	now := time.Now()
	g := &gauge{o: o, src: src, writer: w, started: now, at: now}
	every, show, end := 5*time.Second, func() {
		_, _, text := g.look()
		fmt.Fprintf(out, "%s: %s\n", time.Since(g.started).Round(time.Second), text)
	}, func() {}
	if term.IsTerminal(int(out.Fd())) {
		every = 500 * time.Millisecond
		show, end = liveLine(out, g)
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

// liveLine returns how to draw the line anew and how to end it.
func liveLine(out *os.File, g *gauge) (show, end func()) {
	p := mpb.New(mpb.WithOutput(out), mpb.WithWidth(30))
	var text atomic.Value
	text.Store("")
	var shape mpb.BarFillerBuilder = mpb.BarStyle()
	if _, total, _ := g.look(); total == 0 {
		shape = mpb.SpinnerStyle()
	}
	bar := p.New(0, shape, mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
		return text.Load().(string)
	})))
	show = func() {
		done, total, line := g.look()
		text.Store(line)
		if total > 0 {
			bar.SetTotal(total, false)
			bar.SetCurrent(done)
		}
	}
	return show, func() {
		bar.Abort(true)
		p.Wait()
	}
}
