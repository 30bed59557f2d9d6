package fakeaws_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/scenario"
)

const password = "Plain-Text-Password-1"

type props = scenario.Props

// world has a VPC with private subnets in three zones, on the main route table, and a
// public one, and a small default VPC.
func world() fakeaws.World {
	return fakeaws.World{
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		VPCs: []fakeaws.VPC{{
			ID: "vpc-1", CIDR: "10.1.0.0/16", Tags: map[string]string{"Name": "data"},
			MainRouteTable: fakeaws.RouteTable{ID: "rtb-main", Routes: []fakeaws.Route{{Destination: "0.0.0.0/0", Target: "nat-1"}}},
			RouteTables: []fakeaws.RouteTable{{ID: "rtb-public", Routes: []fakeaws.Route{
				{Destination: "0.0.0.0/0", Target: "igw-1"}, {Destination: "::/0", Target: "igw-1"},
			}}, {ID: "rtb-isolated"}},
			Subnets: []fakeaws.Subnet{
				{ID: "subnet-a", Zone: "us-east-1a", CIDR: "10.1.0.0/24", FreeAddresses: 30, Tags: map[string]string{"tier": "private"}},
				{ID: "subnet-b", Zone: "us-east-1b", CIDR: "10.1.1.0/24", FreeAddresses: 30},
				{ID: "subnet-c", Zone: "us-east-1c", CIDR: "10.1.2.0/24", FreeAddresses: 30},
				{ID: "subnet-p", Zone: "us-east-1c", CIDR: "10.1.3.0/24", FreeAddresses: 200, MapPublicIP: true, RouteTable: "rtb-public"},
				{ID: "subnet-i", Zone: "us-east-1c", CIDR: "10.1.4.0/24", FreeAddresses: 200, RouteTable: "rtb-isolated"},
			},
		}, {
			ID: "vpc-2", Default: true, MainRouteTable: fakeaws.RouteTable{ID: "rtb-2"},
			Subnets: []fakeaws.Subnet{{ID: "subnet-2", Zone: "us-east-1a", FreeAddresses: 5}},
		}},
		Secrets: []fakeaws.Secret{{Name: "redshift/admin", Value: `{"admin_username":"evadmin","admin_user_password":"` + password + `"}`}},
	}
}

// bench is the stand-in with an engine.
type bench struct {
	*scenario.Engine
	world    fakeaws.World
	settings props // of the provider

	account  *fakeaws.Account
	server   *fakeaws.Server
	outside  *outside
	dataAPI  *dataAPI
	requests []string // made by changes
}

// start starts the stand-in in the ordinary world.
func start(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.start()
	return b
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{Engine: scenario.New(t), world: world(), settings: props{"region": "us-east-1"}, outside: &outside{}, dataAPI: &dataAPI{}}
}

func (b *bench) start() {
	b.Helper()
	var err error
	b.account, err = fakeaws.NewAccount(b.world)
	b.Must(err)
	b.server, err = fakeaws.Start(b.account, fakeaws.Options{Kinesis: b.outside, Redshift: b.outside, DataAPI: b.dataAPI})
	b.Must(err)
	b.Cleanup(b.server.Close)
	b.Connect(b.server.Port(), "aws", b.settings)
	b.server.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
		if c.Request != "" {
			b.requests = append(b.requests, c.Request)
		}
		return nil
	})
}

// refuse has the nth request of that name refused.
func (b *bench) refuse(api string, nth int) {
	b.server.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
		if c.Request == api {
			nth--
		}
		if c.Request != api || nth != 0 {
			return nil
		}
		return &fakeaws.Fault{Err: errors.New("AWS says no")}
	})
}

// outside stands for Kinesis and Redshift and remembers what they were asked.
type outside struct {
	mu    sync.Mutex
	asked []string
	fails error // of the next request
}

func (o *outside) ask(format string, args ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.fails
	o.fails = nil
	o.asked = append(o.asked, fmt.Sprintf(format, args...))
	return err
}

func (o *outside) CreateStream(_ context.Context, s fakeaws.Stream) error {
	return o.ask("create stream %+v", s)
}

func (o *outside) UpdateStream(_ context.Context, s fakeaws.Stream) error {
	return o.ask("update stream %+v", s)
}

func (o *outside) DeleteStream(_ context.Context, name string) error {
	return o.ask("delete stream %s", name)
}

func (o *outside) StreamTags(string) (map[string]string, error) {
	return map[string]string{"a": "b"}, nil
}

func (o *outside) CreateNamespace(_ context.Context, n fakeaws.Namespace) error {
	return o.ask("create namespace %+v", n)
}

func (o *outside) UpdateNamespace(_ context.Context, n fakeaws.Namespace) error {
	return o.ask("update namespace %+v", n)
}

func (o *outside) DeleteNamespace(_ context.Context, name string) error {
	return o.ask("delete namespace %s", name)
}

func (o *outside) CreateWorkgroup(_ context.Context, g fakeaws.Workgroup) error {
	return o.ask("create workgroup %+v", g)
}

func (o *outside) UpdateWorkgroup(_ context.Context, g fakeaws.Workgroup) error {
	return o.ask("update workgroup %+v", g)
}

func (o *outside) DeleteWorkgroup(_ context.Context, name string) error {
	return o.ask("delete workgroup %s", name)
}

// dataAPI stands for the Data API and remembers what it was asked.
type dataAPI struct {
	asked   []string
	refuses int   // so many requests
	fails   error // of the statement that is accepted
}

// throttled is a refusal as the AWS SDK has it.
type throttled struct{}

func (throttled) Error() string     { return "ThrottlingException: Rate exceeded" }
func (throttled) ErrorCode() string { return "ThrottlingException" }

func (d *dataAPI) ExecuteStatement(_ context.Context, s fakeaws.Statement) (func(context.Context) error, error) {
	d.asked = append(d.asked, fmt.Sprintf("execute %+v", s))
	if d.refuses > 0 {
		d.refuses--
		return nil, throttled{}
	}
	return func(context.Context) error { return d.fails }, nil
}
