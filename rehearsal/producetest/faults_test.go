package producetest

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/internal/kinesisput"
)

const (
	faultShards  = 4
	faultRecords = 4000 // 8 requests
)

// fault is something that goes wrong with the requests of a run.
type fault struct {
	name string
	// arm makes s misbehave. What it returns mends what does not pass by itself;
	// it may be nil.
	arm func(t *testing.T, s *fakekinesis.Server) (mend func())

	throttled bool   // whether records are refused for the write limit
	uncertain int64  // sends without a known outcome
	copies    int    // how many of those the stream took
	stops     string // why the writer stops; "" if it does not
}

// first applies what to the first n PutRecords requests.
func first(s *fakekinesis.Server, n int, what func(*fakekinesis.Call) *fakekinesis.Fault) {
	for range n {
		s.Control("PutRecords", what)
	}
}

// always returns a control that answers f.
func always(f fakekinesis.Fault) func(*fakekinesis.Call) *fakekinesis.Fault {
	return func(*fakekinesis.Call) *fakekinesis.Fault { return &f }
}

// refuseEvery returns a control that refuses every n-th record of a request.
func refuseEvery(n int, code string) func(*fakekinesis.Call) *fakekinesis.Fault {
	return func(c *fakekinesis.Call) *fakekinesis.Fault {
		f := fakekinesis.Fault{Refuse: map[int]string{}}
		for i := 0; i < len(c.Records); i += n {
			f.Refuse[i] = code
		}
		return &f
	}
}

// before lets n requests pass, then runs what once before the next is applied.
func before(s *fakekinesis.Server, n int, what func()) {
	s.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
		if n--; n >= 0 {
			return nil
		}
		what()
		return &fakekinesis.Fault{}
	})
}

func faults() []fault {
	answer := func(status int, code, message string) fakekinesis.Fault {
		return fakekinesis.Fault{Err: &fakekinesis.Error{Status: status, Code: code, Message: message}}
	}
	once := func(n int, what func(*fakekinesis.Call) *fakekinesis.Fault) func(*testing.T, *fakekinesis.Server) func() {
		return func(_ *testing.T, s *fakekinesis.Server) func() {
			first(s, n, what)
			return nil
		}
	}
	return []fault{
		{
			name:      "some records throttled",
			arm:       once(4, refuseEvery(3, fakekinesis.Throttled)),
			throttled: true,
		},
		{
			name:      "all records throttled",
			arm:       once(4, refuseEvery(1, fakekinesis.Throttled)),
			throttled: true,
		},
		{
			name:      "requests throttled",
			arm:       once(4, always(answer(400, "LimitExceededException", "Rate exceeded."))),
			throttled: true,
		},
		{
			name: "partial failures",
			arm:  once(4, refuseEvery(7, fakekinesis.InternalFailure)),
		},
		{
			name:      "status 500",
			arm:       once(2, always(answer(500, "InternalFailure", "Internal service failure."))),
			uncertain: 1000,
		},
		{
			name:      "connections cut before the records are applied",
			arm:       once(2, always(fakekinesis.Fault{CutBefore: true})),
			uncertain: 1000,
		},
		{
			name:      "connections cut after the records are applied",
			arm:       once(2, always(fakekinesis.Fault{CutAfter: true})),
			uncertain: 1000,
			copies:    1000,
		},
		{
			name: "slow responses",
			arm:  once(4, always(fakekinesis.Fault{Delay: 20 * time.Second})),
		},
		{
			name:      "responses slower than the timeout",
			arm:       once(2, always(fakekinesis.Fault{Delay: 40 * time.Second})),
			uncertain: 1000,
			copies:    1000, // the stand-in applies a request whose client has gone
		},
		{
			name: "a shard split",
			arm: func(t *testing.T, s *fakekinesis.Server) func() {
				before(s, 3, func() {
					if _, err := s.UpdateStream(fakekinesis.StreamSettings{Name: streamName, Shards: 2 * faultShards}); err != nil {
						t.Error(err)
					}
				})
				return nil
			},
		},
		{
			name: "an expired token",
			arm: func(_ *testing.T, s *fakekinesis.Server) func() {
				requests, renewed := 0, false
				s.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
					if requests++; requests <= 3 || renewed {
						return nil
					}
					c.Keep()
					f := answer(400, "ExpiredTokenException", "The security token included in the request is expired")
					return &f
				})
				return func() { renewed = true }
			},
			stops: "ExpiredTokenException",
		},
		{
			name: "a deleted stream",
			arm: func(t *testing.T, s *fakekinesis.Server) func() {
				var gone []fakekinesis.Record
				before(s, 3, func() {
					each(t, s, func(r fakekinesis.Record) { gone = append(gone, r) })
					if err := s.DeleteStream(streamName); err != nil {
						t.Error(err)
					}
				})
				return func() {
					createStream(t, s, faultShards)
					for _, r := range gone { // what was delivered before counts
						if _, err := s.Put(streamName, r.PartitionKey, r.Data); err != nil {
							t.Error(err)
						}
					}
				}
			},
			stops: "ResourceNotFoundException",
		},
	}
}

// TestFaults sends records while something goes wrong, and what failed again
// when it has passed. Each time every record is accounted for, and in the end
// the stream has all of them: once, but for those whose sending had no known
// outcome.
func TestFaults(t *testing.T) {
	for _, fault := range faults() {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, faultShards)
				mend := fault.arm(t, s)
				records := numbered(faultRecords)
				// One request at a time, so that the faults hit full requests.
				cfg := kinesisput.Config{InFlight: 1, RetryFor: 5 * time.Minute}
				out := send(t.Context(), t, clientWithoutNetwork(s), cfg, records)

				if out.Delivered+out.Failed != out.Accepted || int64(len(out.failed)) != out.Failed {
					t.Errorf("%d delivered and %d failed, %d reported, of %d accepted", out.Delivered, out.Failed, len(out.failed), out.Accepted)
				}
				if (out.Throttled > 0) != fault.throttled || out.Uncertain != fault.uncertain {
					t.Errorf("%d throttled, %d uncertain: want throttled %t, uncertain %d", out.Throttled, out.Uncertain, fault.throttled, fault.uncertain)
				}
				if fault.stops == "" && (out.stopped != nil || out.Delivered != faultRecords) {
					t.Errorf("%d of %d delivered, stopped by %v: want all", out.Delivered, faultRecords, out.stopped)
				}
				if fault.stops != "" && (out.Failed == 0 || out.stopped == nil || !strings.Contains(out.stopped.Error(), fault.stops)) {
					t.Errorf("%d failed, stopped by %v: want to be stopped by %s", out.Failed, out.stopped, fault.stops)
				}

				if mend != nil {
					mend()
				}
				var again []kinesisput.Record
				for _, f := range out.failed {
					again = append(again, f.Record)
				}
				if rest := send(t.Context(), t, clientWithoutNetwork(s), cfg, again); rest.Delivered != out.Failed {
					t.Errorf("%d of the %d failed records delivered when sent again", rest.Delivered, out.Failed)
				}
				have, copies := stored(t, s), 0
				for _, r := range records[:out.Accepted] {
					n := have[string(r.Data)]
					if n == 0 {
						t.Fatalf("%s is lost", r.Data)
					}
					copies += n - 1
				}
				if len(have) != int(out.Accepted) || copies != fault.copies {
					t.Errorf("the stream holds %d records and %d copies, want %d and %d", len(have), copies, out.Accepted, fault.copies)
				}
			})
		})
	}
}

// TestFaultTableIsComplete holds the table in README.md against the tests.
func TestFaultTableIsComplete(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults() {
		row := "\n| " + fault.name + " |"
		test := "`TestFaults/" + strings.ReplaceAll(fault.name, " ", "_") + "`"
		if !strings.Contains(string(readme), row) || !strings.Contains(string(readme), test) {
			t.Errorf("README.md has no row %q that names %s", fault.name, test)
		}
	}
}
