package fakeaws_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"example.com/evstream/rehearsal/fakeaws"
)

// createAnd makes a resource with its ordinary inputs.
func (b *bench) createAnd(kind string) error {
	_, err := b.create(kind, kind, b.inputsOf(kind))
	return err
}

// inBackground makes a resource while the test does something else.
func (b *bench) inBackground(kind string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- b.createAnd(kind) }()
	return done
}

// fault has a fault happen to the next creation.
func (b *bench) fault(f fakeaws.Fault) {
	b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault { return &f })
}

// cancelUntil sends the engine's cancellation until the operation has ended with it: it
// may not have begun to wait yet.
func (b *bench) cancelUntil(done <-chan error) {
	b.Helper()
	for {
		b.must(b.engine.SignalCancellation(b.Context()))
		select {
		case err := <-done:
			wantError(b.T, err, "context canceled")
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Two engines at work on one account at the same time have settings of their own. A cancellation
// ends what its engine waits for, and nothing else.
func TestTwoEngines(t *testing.T) {
	dev := start(t, fakeaws.Options{})
	second := *dev
	prod := &second
	prod.settings = props{"region": "us-east-1", "defaultTags": `{"tags":{"environment":"prod"}}`}
	prod.dial()
	for name, c := range map[string]struct {
		engine *bench
		want   any
	}{"dev": {dev, nil}, "prod": {prod, props{"environment": "prod"}}} {
		m, err := c.engine.create("stream", name, merged(c.engine.inputsOf("stream"), props{"name": name}))
		if diff := cmp.Diff(c.want, shown(m.state)["tags"]); diff != "" || err != nil {
			t.Errorf("tags of the stream of %s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	_, err := prod.create("stream", "s", merged(prod.inputsOf("stream"), props{"name": "dev"}))
	wantError(t, err, "Stream dev under account 123456789012 already exists.")

	hold, held := make(chan struct{}), make(chan struct{}, 2)
	dev.server.Control(fakeaws.Create, "", func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		held <- struct{}{}
		return &fakeaws.Fault{Hold: hold}
	})
	ofDev, ofProd := dev.inBackground("role"), prod.inBackground("queue")
	<-held
	<-held
	dev.cancelUntil(ofDev)
	close(hold)
	if err := <-ofProd; err != nil {
		t.Errorf("the cancellation of dev ended what prod did: %v", err)
	}
}

// The ways an operation can go wrong when a test wants it.
func TestFaults(t *testing.T) {
	down := errors.New("AWS is down")
	t.Run("an error before anything is done", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		b.server.Control(fakeaws.Create, "aws:kinesis/stream:Stream", func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{Err: down} })
		b.must(b.createAnd("role"))
		wantError(t, b.createAnd("stream"), "creating Kinesis Stream (ev): AWS is down")
		b.must(b.createAnd("stream")) // the control is gone
		wantError(t, b.createAnd("stream"), "1 error occurred:\n\t* creating Kinesis Stream (ev): operation error Kinesis: CreateStream, https response error "+
			"StatusCode: 400, RequestID: stand-in, ResourceInUseException: Stream ev under account 123456789012 already exists.")
	})
	t.Run("an answer that is lost", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		made := 0
		b.fault(fakeaws.Fault{Then: func() { made = len(b.outside.asked) }, Lost: down})
		wantError(t, b.createAnd("stream"), "AWS is down")
		if made != 1 {
			t.Errorf("%d streams were made before the answer, want 1", made)
		}
		wantError(t, b.createAnd("stream"), "already exists")
	})
	t.Run("a workgroup that does not become available", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		b.must(b.createAnd("namespace"))
		b.fault(fakeaws.Fault{NotReady: down})
		m, err := b.create("workgroup", "w", b.inputsOf("workgroup"))
		wantError(t, err, "in the state, and failed: 1 error occurred:\n\t* waiting for Redshift Serverless Workgroup (ev-dev) create: AWS is down")
		if m.id != "ev-dev" || m.state.HasValue("endpoints") {
			t.Errorf("the engine is told of %q with %v, want what was planned", m.id, m.state)
		}
		if m, err = b.update(m, m.program, ""); err != nil || !m.state.HasValue("endpoints") {
			t.Errorf("the next update reads %v, %v; want an endpoint too", m.state, err)
		}
	})
	t.Run("a stream that does not become active is not kept", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		b.fault(fakeaws.Fault{NotReady: down})
		if m, err := b.create("stream", "s", b.inputsOf("stream")); err == nil || m.id != "" {
			t.Errorf("the engine is told of %q, %v; want an error alone", m.id, err)
		}
	})
	t.Run("a control that declines, and one that stays", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		b.server.Control(fakeaws.Create, "", func(c *fakeaws.Call) *fakeaws.Fault {
			c.Keep()
			return &fakeaws.Fault{Err: down}
		})
		for range 2 {
			wantError(t, b.createAnd("stream"), "AWS is down")
		}
		if want := []string{"CreateStream", "CreateStream"}; !slices.Equal(b.requests, want) {
			t.Errorf("the control that declines was asked about %q, want %q", b.requests, want)
		}
	})
	t.Run("a read and a lookup", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		m, err := b.create("stream", "s", b.inputsOf("stream"))
		b.must(err)
		for _, operation := range []string{fakeaws.Read, fakeaws.Lookup} {
			b.server.Control(operation, "", func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{Err: down} })
		}
		_, err = b.look("aws:index/getRegion:getRegion", nil)
		wantError(t, err, "invoking aws:index/getRegion:getRegion: 1 error occurred:\n\t* AWS is down")
		_, err = b.engine.Read(t.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id})
		wantError(t, err, "AWS is down")
	})
	t.Run("an operation held until the test lets it go", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		hold, held := make(chan struct{}), make(chan struct{})
		b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault {
			close(held)
			return &fakeaws.Fault{Hold: hold}
		})
		done := b.inBackground("stream")
		<-held
		if len(b.outside.asked) > 0 {
			t.Error("it was done though it was held")
		}
		close(hold)
		b.must(<-done)
	})
	t.Run("an effect outside that fails", func(t *testing.T) {
		b := start(t, fakeaws.Options{})
		b.outside.fails = errors.New("Kinesis says no")
		wantError(t, b.createAnd("stream"), "creating Kinesis Stream (ev): Kinesis says no")
		m, err := b.create("stream", "s", b.inputsOf("stream")) // the first one was taken back
		b.must(err)
		b.outside.fails = errors.New("Kinesis says no")
		wantError(t, b.delete(m), "Kinesis says no")
		b.must(b.delete(m))

		// With a namespace goes the secret that AWS made for it.
		b.outside.fails = errors.New("Redshift says no")
		before := b.inAWS()
		_, err = b.create("namespace", "n", b.changed(b.inputsOf("namespace"), "{adminUserPassword: null, manageAdminPassword: true}"))
		wantError(t, err, "Redshift says no")
		if diff := cmp.Diff(before, b.inAWS()); diff != "" {
			t.Errorf("in the account (-before +after):\n%s", diff)
		}
	})
}

// What is made again gets another id. That the same deployment gets the same ids each time,
// TestScenarios shows.
func TestIDsOfWhatIsMadeAgain(t *testing.T) {
	b := start(t, fakeaws.Options{})
	var ids []string
	for range 2 {
		m, err := b.create("namespace", "n", b.inputsOf("namespace"))
		b.must(err)
		ids = append(ids, m.state["namespaceId"].StringValue())
		b.must(b.delete(m))
	}
	if ids[0] == ids[1] {
		t.Errorf("two namespaces have the id %s", ids[0])
	}
}

// What an account shows to others.
func TestAccount(t *testing.T) {
	b := start(t, fakeaws.Options{})
	b.must(b.createAnd("namespace"))
	n, err := b.account.Namespace("ev-dev")
	if err != nil || n.AdminPassword != password || n.Database != "dev" {
		t.Errorf("the namespace is %+v, %v", n, err)
	}
	_, err = b.account.Namespace("none")
	wantError(t, err, "there is no namespace none")
	_, err = b.account.Workgroup("none")
	wantError(t, err, "there is no workgroup none")
	for _, r := range b.account.Resources() {
		if r.ID == "ev-dev" && r.Properties["adminUserPassword"] != nil {
			t.Error("the list of resources shows the password")
		}
	}
	wantError(t, b.account.Remove("x", "y"), "there is no x with the id y")
	wantError(t, b.account.Change("x", "y", nil), "there is no x with the id y")
	if b.account.ID() != "123456789012" || b.account.Region() != "us-east-1" || len(b.account.VPCs()) != 2 {
		t.Errorf("the account is %s in %s with %d VPCs", b.account.ID(), b.account.Region(), len(b.account.VPCs()))
	}
}
