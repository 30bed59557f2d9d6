package fakeaws_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/scenario"
)

// fault has a fault happen to the next creation.
func (b *bench) fault(f fakeaws.Fault) {
	b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault { return &f })
}

// cancelUntil sends the engine's cancellation until the operation has ended with it: it
// may not have begun to wait yet.
func (b *bench) cancelUntil(done <-chan error) {
	b.Helper()
	for {
		b.Must(b.SignalCancellation(b.Context()))
		select {
		case err := <-done:
			b.WantError(err, "context canceled")
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Two engines at work on one account at the same time have settings of their own. A cancellation
// ends what its engine waits for, and nothing else.
func TestTwoEngines(t *testing.T) {
	dev := start(t)
	prod := scenario.New(t)
	prod.Connect(dev.server.Port(), "aws", props{"region": "us-east-1", "defaultTags": `{"tags":{"environment":"prod"}}`})
	for name, c := range map[string]struct {
		engine *scenario.Engine
		want   any
	}{"dev": {dev.Engine, nil}, "prod": {prod, props{"environment": "prod"}}} {
		m, err := c.engine.Create("stream", name, c.engine.Changed(c.engine.InputsOf("stream"), "{name: "+name+"}"))
		if diff := cmp.Diff(c.want, scenario.Shown(m.State)["tags"]); diff != "" || err != nil {
			t.Errorf("tags of the stream of %s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	_, err := prod.Create("stream", "s", prod.Changed(prod.InputsOf("stream"), "{name: dev}"))
	prod.WantError(err, "Stream dev under account 123456789012 already exists.")

	hold, held := make(chan struct{}), make(chan struct{}, 2)
	dev.server.Control(fakeaws.Create, "", func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		held <- struct{}{}
		return &fakeaws.Fault{Hold: hold}
	})
	ofDev, ofProd := dev.InBackground("role"), prod.InBackground("queue")
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
		b := start(t)
		b.server.Control(fakeaws.Create, "aws:kinesis/stream:Stream", func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{Err: down} })
		b.Must(b.CreateAnd("role"))
		b.WantError(b.CreateAnd("stream"), "creating Kinesis Stream (ev): AWS is down")
		b.Must(b.CreateAnd("stream")) // the control is gone
		b.WantError(b.CreateAnd("stream"), "1 error occurred:\n\t* creating Kinesis Stream (ev): operation error Kinesis: CreateStream, https response error "+
			"StatusCode: 400, RequestID: stand-in, ResourceInUseException: Stream ev under account 123456789012 already exists.")
	})
	t.Run("an answer that is lost", func(t *testing.T) {
		b := start(t)
		made := 0
		b.fault(fakeaws.Fault{Then: func() { made = len(b.outside.asked) }, Lost: down})
		b.WantError(b.CreateAnd("stream"), "AWS is down")
		if made != 1 {
			t.Errorf("%d streams were made before the answer, want 1", made)
		}
		b.WantError(b.CreateAnd("stream"), "already exists")
	})
	t.Run("a workgroup that does not become available", func(t *testing.T) {
		b := start(t)
		b.Must(b.CreateAnd("namespace"))
		b.fault(fakeaws.Fault{NotReady: down})
		m, err := b.Create("workgroup", "w", b.InputsOf("workgroup"))
		b.WantError(err, "in the state, and failed: 1 error occurred:\n\t* waiting for Redshift Serverless Workgroup (ev-dev) create: AWS is down")
		if m.ID != "ev-dev" || m.State.HasValue("endpoints") {
			t.Errorf("the engine is told of %q with %v, want what was planned", m.ID, m.State)
		}
		if m, err = b.Update(m, m.Program); err != nil || !m.State.HasValue("endpoints") {
			t.Errorf("the next update reads %v, %v; want an endpoint too", m.State, err)
		}
	})
	t.Run("a stream that does not become active is not kept", func(t *testing.T) {
		b := start(t)
		b.fault(fakeaws.Fault{NotReady: down})
		if m, err := b.Create("stream", "s", b.InputsOf("stream")); err == nil || m.ID != "" {
			t.Errorf("the engine is told of %q, %v; want an error alone", m.ID, err)
		}
	})
	t.Run("a control that declines, and one that stays", func(t *testing.T) {
		b := start(t)
		b.server.Control(fakeaws.Create, "", func(c *fakeaws.Call) *fakeaws.Fault {
			c.Keep()
			return &fakeaws.Fault{Err: down}
		})
		for range 2 {
			b.WantError(b.CreateAnd("stream"), "AWS is down")
		}
		if want := []string{"CreateStream", "CreateStream"}; !slices.Equal(b.requests, want) {
			t.Errorf("the control that declines was asked about %q, want %q", b.requests, want)
		}
	})
	t.Run("a read and a lookup", func(t *testing.T) {
		b := start(t)
		m, err := b.Create("stream", "s", b.InputsOf("stream"))
		b.Must(err)
		for _, operation := range []string{fakeaws.Read, fakeaws.Lookup} {
			b.server.Control(operation, "", func(*fakeaws.Call) *fakeaws.Fault { return &fakeaws.Fault{Err: down} })
		}
		_, err = b.Lookup("aws:index/getRegion:getRegion", nil)
		b.WantError(err, "invoking aws:index/getRegion:getRegion: 1 error occurred:\n\t* AWS is down")
		_, err = b.Client.Read(t.Context(), plugin.ReadRequest{URN: m.URN, ID: m.ID})
		b.WantError(err, "AWS is down")
	})
	t.Run("an operation held until the test lets it go", func(t *testing.T) {
		b := start(t)
		hold, held := make(chan struct{}), make(chan struct{})
		b.server.Control(fakeaws.Create, "", func(*fakeaws.Call) *fakeaws.Fault {
			close(held)
			return &fakeaws.Fault{Hold: hold}
		})
		done := b.InBackground("stream")
		<-held
		if len(b.outside.asked) > 0 {
			t.Error("it was done though it was held")
		}
		close(hold)
		b.Must(<-done)
	})
	t.Run("an effect outside that fails", func(t *testing.T) {
		b := start(t)
		b.outside.fails = errors.New("Kinesis says no")
		b.WantError(b.CreateAnd("stream"), "creating Kinesis Stream (ev): Kinesis says no")
		m, err := b.Create("stream", "s", b.InputsOf("stream")) // the first one was taken back
		b.Must(err)
		b.outside.fails = errors.New("Kinesis says no")
		b.WantError(b.Delete(m), "Kinesis says no")
		b.Must(b.Delete(m))

		// With a namespace goes the secret that AWS made for it.
		b.outside.fails = errors.New("Redshift says no")
		before := b.inAWS()
		_, err = b.Create("namespace", "n", b.Changed(b.InputsOf("namespace"), "{adminUserPassword: null, manageAdminPassword: true}"))
		b.WantError(err, "Redshift says no")
		if diff := cmp.Diff(before, b.inAWS()); diff != "" {
			t.Errorf("in the account (-before +after):\n%s", diff)
		}
	})
}

// What is made again gets another id. That the same deployment gets the same ids each time,
// TestScenarios shows.
func TestIDsOfWhatIsMadeAgain(t *testing.T) {
	b := start(t)
	var ids []string
	for range 2 {
		m, err := b.Create("namespace", "n", b.InputsOf("namespace"))
		b.Must(err)
		ids = append(ids, m.State["namespaceId"].StringValue())
		b.Must(b.Delete(m))
	}
	if ids[0] == ids[1] {
		t.Errorf("two namespaces have the id %s", ids[0])
	}
}

// What an account shows to others.
func TestAccount(t *testing.T) {
	b := start(t)
	b.Must(b.CreateAnd("namespace"))
	n, err := b.account.Namespace("ev-dev")
	if err != nil || n.AdminPassword != password || n.Database != "dev" {
		t.Errorf("the namespace is %+v, %v", n, err)
	}
	_, err = b.account.Namespace("none")
	b.WantError(err, "there is no namespace none")
	_, err = b.account.Workgroup("none")
	b.WantError(err, "there is no workgroup none")
	for _, r := range b.account.Resources() {
		if r.ID == "ev-dev" && r.Properties["adminUserPassword"] != nil {
			t.Error("the list of resources shows the password")
		}
	}
	b.WantError(b.account.Remove("x", "y"), "there is no x with the id y")
	b.WantError(b.account.Change("x", "y", nil), "there is no x with the id y")
	if b.account.ID() != "123456789012" || b.account.Region() != "us-east-1" || len(b.account.VPCs()) != 2 {
		t.Errorf("the account is %s in %s with %d VPCs", b.account.ID(), b.account.Region(), len(b.account.VPCs()))
	}
}
