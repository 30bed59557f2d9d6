// Package rehearsal runs the Pulumi program of this project against local
// stand-ins for AWS, with the real Pulumi engine.
//
// Start starts the stand-ins: Kinesis, the Redshift Data API in front of a
// warehouse, and Pulumi's aws and command providers, all on loopback. NewStack
// prepares a stack of the program on them through Pulumi's Automation API, and
// CLI finds or builds the Pulumi CLI that this needs.
package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/fakeredshift"
	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/fakecommand"
)

// DefaultRefreshInterval is how often the rehearsal refreshes streaming views
// that refresh automatically.
const DefaultRefreshInterval = 200 * time.Millisecond

// The admin in the existing secrets of the stand-in account.
const (
	AdminName     = "evadmin"
	AdminPassword = "Only4Rehearsals"
)

// ExistingStream is the stream that the stand-in account has from the start.
const ExistingStream = "existing_stream"

const (
	region    = "us-east-1"
	accountID = "123456789012"
)

// Options say how the stand-ins run.
type Options struct {
	Root string // the project's folder
	Dir  string // an existing folder for what the stand-ins keep

	// World is what the account holds at first; World() unless given. Its region and
	// account stay.
	World *fakeaws.World

	// RefreshInterval is how often streaming views are refreshed that refresh
	// automatically; 0 leaves it to the caller (warehouse.AutoRefresh).
	RefreshInterval time.Duration

	// InstalledCommand leaves the command provider to Pulumi.
	InstalledCommand bool

	// Readings are answers to Doubts other than the defaults.
	Readings doubt.Readings
}

// Doubts lists what no source settles about the services that the stand-ins stand for.
func Doubts() doubt.List { return append(warehouse.Doubts(), fakedataapi.Doubts()...) }

// StandIns are the running stand-ins. Close them.
type StandIns struct {
	Account   *fakeaws.Account
	AWS       *fakeaws.Server
	Commands  *fakecommand.Server // nil with InstalledCommand
	Kinesis   *fakekinesis.Server
	DataAPI   *fakedataapi.Server
	Warehouse *warehouse.Warehouse
	Snapshots *fakeredshift.Server

	root, dir string
	before    []string // what was in the account
	stop      context.CancelFunc
	refreshes sync.WaitGroup
}

// World is what the stand-in account holds before anything is deployed: the VPC
// and the secrets that Pulumi.dev.yaml and Pulumi.prod.yaml name, a VPC from which
// nothing gets out, and a stream of somebody else's.
func World() fakeaws.World {
	toNAT := []fakeaws.Route{{Destination: "0.0.0.0/0", Target: "nat-0a1b2c3d4e5f60718"}}
	toInternet := []fakeaws.Route{{Destination: "0.0.0.0/0", Target: "igw-0a1b2c3d4e5f60718"}}
	vpc := fakeaws.VPC{
		ID:             "vpc-0a1b2c3d4e5f60718",
		Tags:           map[string]string{"Name": "data-platform"},
		MainRouteTable: fakeaws.RouteTable{ID: "rtb-0a1b2c3d4e5f60718", Routes: toNAT},
		RouteTables:    []fakeaws.RouteTable{{ID: "rtb-0b1b2c3d4e5f60718", Routes: toInternet}},
	}
	isolated := fakeaws.VPC{ID: "vpc-0c1b2c3d4e5f60718", CIDR: "10.1.0.0/16", Tags: map[string]string{"Name": "isolated"}}
	for i, zone := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
		isolated.Subnets = append(isolated.Subnets,
			fakeaws.Subnet{ID: fmt.Sprintf("subnet-0c1b2c3d4e5f6071%d", i), Zone: zone, CIDR: fmt.Sprintf("10.1.%d.0/24", i), FreeAddresses: 251})
		vpc.Subnets = append(vpc.Subnets,
			fakeaws.Subnet{ID: fmt.Sprintf("subnet-0a1b2c3d4e5f6071%d", i), Zone: zone, CIDR: fmt.Sprintf("10.0.%d.0/24", i), FreeAddresses: 251},
			fakeaws.Subnet{
				ID: fmt.Sprintf("subnet-0b1b2c3d4e5f6071%d", i), Zone: zone, CIDR: fmt.Sprintf("10.0.%d.0/24", 100+i), FreeAddresses: 251,
				MapPublicIP: true, RouteTable: "rtb-0b1b2c3d4e5f60718",
			})
	}
	return fakeaws.World{
		Region:    region,
		AccountID: accountID,
		VPCs:      []fakeaws.VPC{vpc, isolated},
		Streams:   []fakeaws.Stream{{Name: ExistingStream, Mode: fakekinesis.OnDemand, RetentionHours: 24}},
		Secrets: []fakeaws.Secret{
			{Name: "redshift/admin", Value: fmt.Sprintf(`{"admin_username": %q, "admin_user_password": %q}`, AdminName, AdminPassword)},
			{Name: "redshift/admin-prod", Value: fmt.Sprintf(`{"username": %q, "password": %q}`, AdminName, AdminPassword)},
		},
	}
}

// Start starts the stand-ins for the world.
func Start(o Options) (_ *StandIns, err error) {
	ctx, stop := context.WithCancel(context.Background())
	s := &StandIns{root: o.Root, dir: o.Dir, stop: stop}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting the stand-ins: %w", err), s.Close())
		}
	}()

	world := World()
	if o.World != nil {
		world = *o.World
	}
	world.Region, world.AccountID = region, accountID
	if s.Account, err = fakeaws.NewAccount(world); err != nil {
		return nil, err
	}
	s.Kinesis = fakekinesis.New(fakekinesis.WithRegion(region), fakekinesis.WithAccount(accountID), fakekinesis.WithDir(o.Dir))
	if err := s.Kinesis.Start(); err != nil {
		return nil, err
	}
	for _, stream := range world.Streams {
		if err := (streams{s.Kinesis}).CreateStream(ctx, stream); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(o.Dir, "warehouse")
	for _, folder := range []string{data, s.StateDir()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	s.Warehouse = warehouse.New(warehouse.Options{
		Streams: s.Kinesis,
		Authorize: func(roleARN, action, resource string) error {
			return s.Account.Authorize(roleARN, "redshift-serverless.amazonaws.com", action, resource)
		},
		Reach:   s.Account.Egress,
		Region:  region,
		Account: accountID,
		Dir:     data,

		Readings: warehouse.Doubts().Of(o.Readings),
	})
	s.DataAPI = fakedataapi.New(s.Warehouse, s.Account.SecretValue, fakedataapi.WithRegion(region), fakedataapi.WithReadings(fakedataapi.Doubts().Of(o.Readings)))
	if err := s.DataAPI.Start(); err != nil {
		return nil, err
	}
	s.Snapshots = fakeredshift.New(s.namespace, fakeredshift.WithRegion(region))
	if err := s.Snapshots.Start(); err != nil {
		return nil, err
	}
	s.AWS, err = fakeaws.Start(s.Account, fakeaws.Options{
		Kinesis: streams{s.Kinesis}, Redshift: redshift{s.Warehouse}, DataAPI: newStatements(s.DataAPI.URL()),
	})
	if err != nil {
		return nil, err
	}
	if !o.InstalledCommand {
		var environment []string
		for name, value := range s.CommandEnv() {
			environment = append(environment, name+"="+value)
		}
		if s.Commands, err = fakecommand.Start(fakecommand.Options{Dir: o.Root, Env: environment}); err != nil {
			return nil, err
		}
	}
	s.before = s.resources()
	if o.RefreshInterval > 0 {
		s.refreshes.Go(func() { s.Warehouse.RunAutoRefresh(ctx, o.RefreshInterval) })
	}
	return s, nil
}

// Close stops the stand-ins; what they hold is gone. The folder stays.
func (s *StandIns) Close() error {
	s.stop()
	s.refreshes.Wait()
	if s.Commands != nil {
		s.Commands.Close()
	}
	if s.AWS != nil {
		s.AWS.Close()
	}
	var errs []error
	if s.Snapshots != nil {
		errs = append(errs, s.Snapshots.Close())
	}
	if s.DataAPI != nil {
		errs = append(errs, s.DataAPI.Close())
	}
	if s.Warehouse != nil {
		errs = append(errs, s.Warehouse.Close())
	}
	if s.Kinesis != nil {
		errs = append(errs, s.Kinesis.Close())
	}
	return errors.Join(errs...)
}

// CommandEnv is the environment with which any AWS SDK, and so the commands of
// this project and the AWS CLI, talk to the stand-ins.
func (s *StandIns) CommandEnv() map[string]string {
	return map[string]string{
		"AWS_REGION":                     region,
		"AWS_DEFAULT_REGION":             region,
		"AWS_ACCESS_KEY_ID":              "AKIAREHEARSAL0000000",
		"AWS_SECRET_ACCESS_KEY":          "SecretKeyOf/NoAccount+0000000000000000=",
		"AWS_SESSION_TOKEN":              "SessionTokenOf/NoAccount+000000==",
		"AWS_EC2_METADATA_DISABLED":      "true",
		"PULUMI_SKIP_UPDATE_CHECK":       "true", // with --stack they ask the Pulumi CLI
		"AWS_ENDPOINT_URL_KINESIS":       s.Kinesis.URL(),
		"AWS_ENDPOINT_URL_REDSHIFT_DATA": s.DataAPI.URL(),

		"AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS": s.Snapshots.URL(), // for snapshots only
	}
}

// ProgramEnv is the environment with which the Pulumi CLI runs the program on
// the stand-ins.
func (s *StandIns) ProgramEnv() map[string]string {
	environment := s.CommandEnv()
	providers := fmt.Sprintf("aws:%d", s.AWS.Port())
	if s.Commands != nil {
		providers += fmt.Sprintf(",command:%d", s.Commands.Port())
	}
	environment["PULUMI_DEBUG_PROVIDERS"] = providers
	environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
	return environment
}

// StateDir is an empty folder for the state of stacks that an installed Pulumi
// CLI deploys.
func (s *StandIns) StateDir() string { return filepath.Join(s.dir, "state") }

// namespace is what the account's Redshift knows of a namespace when it takes a
// snapshot.
func (s *StandIns) namespace(name string) (fakeredshift.Namespace, bool) {
	found, err := s.Account.Namespace(name)
	if err != nil {
		return fakeredshift.Namespace{}, false
	}
	n := fakeredshift.Namespace{ARN: found.ARN, AdminUser: found.AdminUser}
	for _, r := range s.Account.Resources() {
		if r.Properties["namespaceName"] != name {
			continue
		}
		switch ShortType(r.Type) {
		case "redshiftserverless.Namespace":
			n.AdminSecretARN, _ = r.Properties["adminPasswordSecretArn"].(string)
		case "redshiftserverless.Workgroup":
			n.Workgroup = r.ID
		}
	}
	return n, true
}

// Left names what is in the account that was not there at the start, but for
// snapshots, which are meant to stay.
func (s *StandIns) Left() []string {
	return slices.DeleteFunc(s.resources(), func(name string) bool { return slices.Contains(s.before, name) })
}

func (s *StandIns) resources() []string {
	var names []string
	for _, r := range s.Account.Resources() {
		names = append(names, ShortType(r.Type)+" "+r.ID)
	}
	for _, stream := range s.Kinesis.Streams() {
		names = append(names, "stream "+stream.Name)
	}
	return names
}
