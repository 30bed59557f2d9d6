package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/internal/interrupt"
	"example.com/evstream/rehearsal/fakeaws"
)

// shares of requests that fail during a soak, and the longest delay.
const (
	kinesisFaults = 0.1
	dataAPIFaults = 0.03
	soakDelay     = 200 * time.Millisecond
)

const refreshSetting = "ev-streaming:refresh"

// A soak disturbs a deployed stack while records stream into it. What happens follows
// from the seed; when it meets what else goes on does not.
type soak struct {
	*runner
	over atomic.Bool // no more faults
	rows int64       // of the streaming view, when it was last asked

	armed   atomic.Bool   // the next update kills the engine
	killing chan struct{} // says that it does
	killed  chan error    // and how that went

	mu    sync.Mutex
	rand  *rand.Rand
	count map[string]int
}

// chance is true for a share of calls, and counts them under a name.
func (s *soak) chance(share float64, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over.Load() || s.rand.Float64() >= share {
		return false
	}
	s.count[name]++
	return true
}

func (s *soak) intn(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

func (s *soak) counted(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[name]++
}

// soakFor streams records in for as long as --soak says, with faults of Kinesis and of
// the Data API, refreshes that fail, deployments with other settings and killed ones.
func (r *runner) soakFor(ctx context.Context) error {
	s := &soak{runner: r, rand: rand.New(rand.NewPCG(r.seed, 0)), count: map[string]int{}, killing: make(chan struct{}, 1), killed: make(chan error, 1)}
	fmt.Fprintf(r.out, "  seed %d, for %s\n", r.seed, r.soak)
	var dropped atomic.Pointer[string]
	s.disturb(&dropped)

	ctx, giveUp := context.WithCancel(ctx)
	writing, stop := context.WithCancel(ctx)
	written := make(chan error, 1)
	go func() {
		defer close(written)
		written <- s.write(ctx, writing.Done())
	}()
	defer func() {
		stop()
		giveUp()
		<-written // what writes must not outlive the stand-ins
	}()

	for end := time.Now().Add(r.soak); time.Now().Before(end) && ctx.Err() == nil && len(written) == 0; {
		if err := s.act(ctx); err != nil {
			return err
		}
	}
	s.over.Store(true)
	stop()
	if err := <-written; err != nil {
		return err
	}
	if err := r.stack.SetConfig(ctx, refreshSetting, auto.ConfigValue{Value: "auto"}); err != nil {
		return err
	}
	if _, err := r.stack.Up(ctx); err != nil {
		return fmt.Errorf("pulumi up after the soak: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(s.count)) {
		fmt.Fprintf(r.out, "  %6d × %s\n", s.count[name], name)
	}
	if statement := dropped.Load(); statement != nil {
		return fmt.Errorf("this was run: %s", *statement)
	}
	return nil
}

// disturb registers the faults of the services. Nothing is done of a request to Kinesis
// that fails, so that each record is in the stream once.
func (s *soak) disturb(dropped *atomic.Pointer[string]) {
	s.standIns.Kinesis.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
		c.Keep()
		if !s.chance(kinesisFaults, "Kinesis fails") {
			return &fakekinesis.Fault{}
		}
		switch s.intn(5) {
		case 0:
			return &fakekinesis.Fault{Refuse: map[int]string{s.intn(len(c.Records)): fakekinesis.Throttled, s.intn(len(c.Records)): fakekinesis.InternalFailure}}
		case 1:
			return &fakekinesis.Fault{Err: &fakekinesis.Error{Code: fakekinesis.Throttled, Message: "Rate exceeded"}}
		case 2:
			return &fakekinesis.Fault{Err: &fakekinesis.Error{Status: 500, Code: "InternalFailureException", Message: "soak"}}
		case 3:
			return &fakekinesis.Fault{CutBefore: true}
		default:
			return &fakekinesis.Fault{Delay: soakDelay}
		}
	})
	s.standIns.AWS.Control(fakeaws.Update, "", func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		if !s.armed.CompareAndSwap(true, false) {
			return &fakeaws.Fault{}
		}
		kill := func() {
			s.killing <- struct{}{}
			s.killed <- s.standIns.Kill(stackName)
		}
		if s.intn(2) == 0 {
			kill()
			return &fakeaws.Fault{Err: errors.New("killed")}
		}
		return &fakeaws.Fault{Then: kill}
	})
	s.standIns.DataAPI.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
		c.Keep()
		for _, statement := range c.SQL {
			if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(statement)), "DROP") {
				dropped.Store(&statement)
			}
		}
		if !s.chance(dataAPIFaults, "the Data API fails") {
			return &fakedataapi.Fault{}
		}
		switch s.intn(5) {
		case 0:
			return &fakedataapi.Fault{Err: &fakedataapi.Error{Code: "ThrottlingException", Message: "Rate exceeded"}}
		case 1:
			return &fakedataapi.Fault{Err: &fakedataapi.Error{Status: 500, Code: "InternalServerException", Message: "soak"}}
		case 2:
			return &fakedataapi.Fault{CutBefore: true}
		case 3:
			return &fakedataapi.Fault{CutAfter: true}
		default:
			return &fakedataapi.Fault{Delay: soakDelay}
		}
	})
}

// write runs evstream produce again and again, and adds up what it wrote.
func (s *soak) write(ctx context.Context, over <-chan struct{}) error {
	s.written = produced{Kinds: map[string]int64{}}
	for batch := uint64(1); ; batch++ {
		select {
		case <-over:
			return nil
		default:
		}
		cmd := s.command(ctx, "produce", "--json", "--count", "1000",
			"--seed", strconv.FormatUint(s.seed*1000+batch, 10),
			"--malformed", strconv.FormatFloat(s.malformed, 'f', -1, 64))
		cmd.Stderr = nil
		summary, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("writing records: %w", err)
		}
		var more produced
		if err := json.Unmarshal(summary, &more); err != nil {
			return fmt.Errorf("reading the summary %q: %w", summary, err)
		}
		s.written.Delivered += more.Delivered
		for kind, n := range more.Kinds {
			s.written.Kinds[kind] += n
		}
		_ = interrupt.Sleep(ctx, time.Duration(s.intn(1000))*time.Millisecond)
	}
}

// act does one thing to the stack.
func (s *soak) act(ctx context.Context) error {
	switch s.intn(4) {
	case 0:
		s.counted("queries")
		return s.look(ctx)
	case 1:
		s.counted("refreshes fail for a while")
		return s.breakRefreshes(ctx)
	case 2:
		s.counted("pulumi up with other settings")
		return s.redeploy(ctx, false)
	default:
		return s.redeploy(ctx, true)
	}
}

// look makes sure that the streaming view has lost nothing.
func (s *soak) look(ctx context.Context) error {
	rows, err := s.ask(ctx, "SELECT COUNT(*) FROM ev_station_data")
	if err != nil {
		return err
	}
	if rows[0] < s.rows {
		return fmt.Errorf("the streaming view had %d rows and has %d", s.rows, rows[0])
	}
	s.rows = rows[0]
	return nil
}

// breakRefreshes takes the streaming role's policy away for a while.
func (s *soak) breakRefreshes(ctx context.Context) error {
	const kind = "aws:iam/rolePolicy:RolePolicy"
	for _, r := range s.standIns.Account.Resources() {
		if r.Type != kind {
			continue
		}
		before := map[string]any{"policy": r.Properties["policy"]}
		if err := s.standIns.Account.Change(kind, r.ID, map[string]any{"policy": `{"Version":"2012-10-17","Statement":[]}`}); err != nil {
			return err
		}
		_ = interrupt.Sleep(ctx, time.Duration(200+s.intn(1000))*time.Millisecond)
		return s.standIns.Account.Change(kind, r.ID, before)
	}
	return errors.New("the account has no policy of a role")
}

// redeploy runs pulumi up with other settings, and may kill it.
func (s *soak) redeploy(ctx context.Context, kill bool) error {
	err := s.stack.SetAllConfig(ctx, auto.ConfigMap{
		"ev-streaming:maxCapacity":    {Value: strconv.Itoa(16 + 8*s.intn(10))},
		"ev-streaming:retentionHours": {Value: strconv.Itoa(24 + s.intn(100))},
		refreshSetting:                {Value: []string{"auto", "manual"}[s.intn(2)]},
	})
	if err != nil {
		return err
	}
	s.armed.Store(kill)
	_, err = s.stack.Up(ctx, optup.Parallel(1))
	s.armed.Store(false)
	select {
	case <-s.killing:
		if err := <-s.killed; err != nil {
			return err
		}
		s.counted("pulumi up is killed")
		if err := s.stack.Cancel(ctx); err != nil {
			return fmt.Errorf("pulumi cancel: %w", err)
		}
		_, err = s.stack.Up(ctx)
	default: // nothing was updated, because the settings were the same by chance
	}
	if err != nil {
		return fmt.Errorf("pulumi up: %w", err)
	}
	return nil
}
