package kinesisput

import (
	"math/bits"
	"time"
)

// window decides how much is on its way at once. It climbs towards what delivers
// most, as PCC does for TCP (Dong et al., "PCC: Re-architecting Congestion Control
// for Consistent High Performance", NSDI 2015): it measures what is delivered in a
// second, tries twice as much on its way or half, and keeps what was better. So it
// ends at a single request where several only wait for each other, and at many where
// each takes its time without slowing down the others. When requests fail it falls
// back, as TCP does after a loss.
type window struct {
	// level is the logarithm of what is on its way: from 0 on, 2^level requests
	// filled to the service's limits; below, one request of 2^level of a full one.
	level, highest int
	flying         int // requests on their way

	// The present round, in which is measured what comes back at the level.
	changed time.Time // when the level was; requests sent before do not count
	began   time.Time // zero until the first answer
	answers int
	goodput int64 // the weight of what was delivered since began

	kept      float64 // the goodput of a second at the level that was kept, 0 if unknown
	trial     int     // by which the level is changed to see what that brings; 0 at rest
	direction int     // of the next trial
	rest      int     // rounds until then
	rests     int     // rounds of rest after the next trial that brings nothing

	failures int       // requests in a row that failed as a whole
	failed   time.Time // when the last of them did
	until    time.Time // nothing is sent before

	tooMuch int       // a level at which several requests were late
	wary    time.Time // until then it is not tried again
}

const (
	lowest = -8 // a request of one record

	// A round is a number of answers and a time, so that the measure is not too
	// coarse, whether answers are slow or quick.
	roundAnswers = 4
	roundTime    = 100 * time.Millisecond

	fewestRests, mostRests = 4, 64

	// wariness is for how long a level is not tried again at which requests were late:
	// each of them may be in the stream twice.
	wariness = 5 * time.Minute
)

func newWindow(inFlight int) window {
	return window{highest: bits.Len(uint(inFlight)) - 1, direction: 1, rests: fewestRests}
}

// open reports whether one more request may go.
func (w *window) open(now time.Time) bool {
	return w.flying < 1<<max(w.level, 0) && !now.Before(w.until)
}

// limits returns how many records and bytes a request may have.
func (w *window) limits() (records, bytes int) {
	shift := max(-w.level, 0)
	return max(MaxRequestRecords>>shift, 1), MaxRequestBytes >> shift
}

// idle notes that there was nothing to send although a request could have gone: what
// comes back in this round is then no measure of the level.
func (w *window) idle() { w.began = time.Time{} }

// answered notes that a request sent at the given time came back with results.
func (w *window) answered(delivered int64, sent, now time.Time) {
	w.failures = 0
	w.count(delivered, sent, now)
}

// lost notes that a request failed as a whole; late says that no answer came in time.
// Nothing is sent for a pause, longer each time in a row. Of several requests one is
// left after a late one, and half of them otherwise; a single one becomes smaller the
// third time in a row.
func (w *window) lost(late bool, sent, now time.Time) {
	if !sent.After(w.failed) {
		return // sent before the last failure, which was for the same trouble
	}
	w.failures++
	w.failed = now
	w.until = now.Add(backoff(w.failures))
	switch {
	case late && w.level > 0:
		w.tooMuch, w.wary = w.level, now.Add(wariness)
		w.set(0, 0, now)
	case w.level > 0 || w.failures > 2:
		w.set(max(w.level-1, lowest), 0, now)
	default:
		w.count(0, sent, now)
		return
	}
	w.kept, w.direction, w.rest, w.rests = 0, 1, 0, fewestRests
}

// count adds what one request delivered to the round, and ends it in time.
func (w *window) count(delivered int64, sent, now time.Time) {
	if sent.Before(w.changed) {
		return
	}
	if w.began.IsZero() {
		w.began, w.answers, w.goodput = now, 0, 0
		return
	}
	w.answers++
	w.goodput += delivered
	took := now.Sub(w.began)
	if took < roundTime {
		return
	}
	goodput := float64(w.goodput) / took.Seconds()
	enough := max(roundAnswers, 2<<max(w.level, 0))
	worse := w.trial > 0 && goodput < 0.8*w.kept
	if w.answers >= enough || worse && 2*w.answers >= enough {
		w.learn(goodput, now)
	}
}

// learn decides after a round about its trial, and about the next one.
func (w *window) learn(goodput float64, now time.Time) {
	switch {
	case w.trial != 0 && !w.better(goodput):
		w.direction = -w.direction
		w.rest, w.rests = w.rests, min(2*w.rests, mostRests)
		w.set(w.level-w.trial, 0, now)
		return
	case w.trial != 0:
		w.kept = goodput
		w.rest, w.rests = 0, fewestRests
	case goodput < w.kept/2 || w.kept == 0: // what carries the requests has changed, or is new
		w.kept, w.rest = goodput, 0
	default:
		w.kept += (goodput - w.kept) / 4
		w.rest--
	}
	trial := 0
	if w.rest <= 0 {
		if w.possible(w.direction, now) {
			trial = w.direction
		} else {
			w.direction, w.rest = -w.direction, w.rests
		}
	}
	w.set(w.level+trial, trial, now)
}

// possible reports whether the next level in a direction may be tried. A full request
// alone is not made smaller for a trial.
func (w *window) possible(direction int, now time.Time) bool {
	if direction < 0 {
		return w.level > 0
	}
	return w.level < w.highest && (w.level+1 != w.tooMuch || now.After(w.wary))
}

// better reports whether a trial is to be kept. In doubt there are two requests, so that
// one is on its way while the client is busy with the other, and a slow answer does not
// hold up all; more of them must bring more, and one alone, too. A larger request must
// not bring less.
func (w *window) better(goodput float64) bool {
	switch {
	case w.trial > 0 && w.level > 1, w.trial < 0 && w.level == 0:
		return goodput > 1.05*w.kept
	}
	return goodput > 0.97*w.kept
}

// set begins a round at a level.
func (w *window) set(level, trial int, now time.Time) {
	if level != w.level {
		w.changed = now
	}
	w.level, w.trial, w.began = level, trial, time.Time{}
}
