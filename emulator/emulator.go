// Package emulator is the AWS side of a streaming warehouse for tests on one machine, at one
// address: Amazon Kinesis Data Streams, the Redshift Data API in front of a warehouse on DuckDB
// whose streaming views read those streams, the Redshift Serverless API, and what clients need
// around them of Secrets Manager and STS. Requests to any other service are refused in words.
//
//	e, err := emulator.Start(ctx, emulator.Options{})
//	if err != nil { … }
//	defer e.Close()
//	client := kinesis.New(kinesis.Options{BaseEndpoint: aws.String(e.URL()), …})
//
// A test in another language starts cmd/emulator. README.md lists what is supported.
package emulator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/fakeredshift"
	"example.com/evstream/emulator/fakesecrets"
	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
	"example.com/evstream/emulator/warehouse"
)

// Options say what the emulator is. The zero value of each means its default.
type Options struct {
	Address string // a loopback address with a port: a free one of 127.0.0.1
	Region  string // us-east-1; requests signed for another one are refused
	Account string // twelve digits: 123456789012
	Dir     string // an existing folder for data while it runs: a temporary one, removed by Close

	// RefreshInterval is how often streaming views are refreshed that refresh automatically:
	// 200 ms. A negative one leaves it to the caller (warehouse.AutoRefresh).
	RefreshInterval time.Duration

	// Clock is what all services go by: time.Now.
	Clock func() time.Time

	// Kinesis are further options of the streams: limits, discarding.
	Kinesis []fakekinesis.Option

	// Readings are answers to [Doubts] other than the defaults.
	Readings doubt.Readings

	// For a test that has more of an account than the emulator:

	// Secrets are secrets that are kept elsewhere.
	Secrets func() []fakesecrets.Secret
	// Authorize and Reach are those of [warehouse.Options]. None: every role may do
	// everything, and every service is reached.
	Authorize func(roleARN, action, resource string) error
	Reach     func(workgroup, roleARN, action, resource string) error
}

// DefaultRefreshInterval is how often automatic refreshes come unless Options say otherwise.
const DefaultRefreshInterval = 200 * time.Millisecond

func (o Options) withDefaults() Options {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "123456789012"
	}
	if o.RefreshInterval == 0 {
		o.RefreshInterval = DefaultRefreshInterval
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// Doubts lists what no source settles about the services.
func Doubts() doubt.List { return append(warehouse.Doubts(), fakedataapi.Doubts()...) }

// An Emulator runs until it is closed.
type Emulator struct {
	Kinesis   *fakekinesis.Server
	DataAPI   *fakedataapi.Server
	Redshift  *fakeredshift.Server // namespaces, workgroups, snapshots
	Secrets   *fakesecrets.Server
	Warehouse *warehouse.Warehouse
	Faults    *fault.Controls // of all services; each also has a method Control

	options   Options
	server    awsjson.Server
	temporary string // folder to remove
	stop      context.CancelFunc
	refreshes sync.WaitGroup
}

// Start starts an emulator, with nothing in it. Automatic refreshes end with ctx, the rest
// with Close.
func Start(ctx context.Context, o Options) (_ *Emulator, err error) {
	o = o.withDefaults()
	ctx, stop := context.WithCancel(ctx)
	e := &Emulator{options: o, stop: stop}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting the emulator: %w", err), e.Close())
		}
	}()
	if host, _, err := net.SplitHostPort(o.Address); err != nil {
		return nil, fmt.Errorf("the address %q: %w", o.Address, err)
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the address %q must be a loopback one, for example 127.0.0.1:4599: whoever reaches the emulator may do everything", o.Address)
	}
	if err := Doubts().Check(o.Readings); err != nil {
		return nil, err
	}
	if o.Dir == "" {
		if e.temporary, err = os.MkdirTemp("", "emulator-"); err != nil {
			return nil, err
		}
		o.Dir = e.temporary
	}
	if o.Secrets == nil {
		o.Secrets = func() []fakesecrets.Secret { return nil }
	}
	e.Kinesis = fakekinesis.New(append([]fakekinesis.Option{
		fakekinesis.WithRegion(o.Region), fakekinesis.WithAccount(o.Account), fakekinesis.WithClock(o.Clock), fakekinesis.WithDir(o.Dir),
	}, o.Kinesis...)...)
	e.Warehouse = warehouse.New(warehouse.Options{
		Streams: e.Kinesis, Authorize: o.Authorize, Reach: o.Reach, Region: o.Region, Account: o.Account, Clock: o.Clock, Dir: o.Dir,
		Readings: warehouse.Doubts().Of(o.Readings),
	})
	e.Secrets = fakesecrets.New(fakesecrets.WithRegion(o.Region), fakesecrets.WithAccount(o.Account), fakesecrets.WithClock(o.Clock), fakesecrets.WithSource(o.Secrets))
	e.DataAPI = fakedataapi.New(e.Warehouse, e.Secrets.Value,
		fakedataapi.WithRegion(o.Region), fakedataapi.WithClock(o.Clock), fakedataapi.WithReadings(fakedataapi.Doubts().Of(o.Readings)))
	e.Redshift = fakeredshift.New(e.Warehouse,
		fakeredshift.WithRegion(o.Region), fakeredshift.WithAccount(o.Account), fakeredshift.WithClock(o.Clock), fakeredshift.WithSecrets(e.Secrets))
	mux := awsjson.NewMux(
		[]*awsjson.Service{e.Kinesis.Service, e.DataAPI.Service, e.Redshift.Service, e.Secrets.Service},
		map[string]http.Handler{"sts": sts{account: o.Account}})
	e.Faults = mux.Faults
	if err := e.server.Start(o.Address, mux); err != nil {
		return nil, err
	}
	if o.RefreshInterval > 0 {
		e.refreshes.Go(func() { e.Warehouse.RunAutoRefresh(ctx, o.RefreshInterval) })
	}
	return e, nil
}

// URL is the address of all services, without a trailing slash: what AWS_ENDPOINT_URL is for.
func (e *Emulator) URL() string { return e.server.URL() }

// Env is the environment with which any AWS SDK and the AWS CLI talk to the emulator, whatever
// the service.
func (e *Emulator) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":      e.URL(),
		"AWS_REGION":            e.options.Region,
		"AWS_DEFAULT_REGION":    e.options.Region, // boto3 reads this one
		"AWS_ACCESS_KEY_ID":     "AKIAEMULATOR00000000",
		"AWS_SECRET_ACCESS_KEY": "SecretKeyOf/NoAccount+0000000000000000=",
	}
}

// Close ends the emulator; what it holds is gone. It may be called again.
func (e *Emulator) Close() error {
	e.stop()
	e.refreshes.Wait()
	errs := []error{e.server.Close()}
	if e.DataAPI != nil {
		errs = append(errs, e.DataAPI.Close())
	}
	if e.Warehouse != nil {
		errs = append(errs, e.Warehouse.Close())
	}
	if e.temporary != "" {
		errs = append(errs, os.RemoveAll(e.temporary))
	}
	return errors.Join(errs...)
}

// WriteEnv writes variables to a file that only its owner can read, one NAME=value a line, for a
// shell: set -a; . FILE; set +a.
func WriteEnv(file string, environment map[string]string) error {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		value := environment[name]
		if strings.ContainsAny(value, " \t\n\"'\\$`&;|<>()*?[]#~!") {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		fmt.Fprintf(&lines, "%s=%s\n", name, value)
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("writing the environment for clients: %w", err)
	}
	return nil
}
