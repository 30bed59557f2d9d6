// Package rehearsal runs the Pulumi program of this project against local
// stand-ins for AWS, with the real Pulumi engine.
//
// Start starts the stand-ins: the emulator of the AWS services, and Pulumi's aws and
// command providers, all on loopback. NewStack
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
	"time"

	"example.com/evstream/emulator"
	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/fakesecrets"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/fakecommand"
)

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
	// automatically, for example emulator.DefaultRefreshInterval; 0 leaves it to the
	// caller (warehouse.AutoRefresh).
	RefreshInterval time.Duration

	// InstalledCommand leaves the command provider to Pulumi.
	InstalledCommand bool

	// Readings are answers to Doubts other than the defaults.
	Readings doubt.Readings
}

// Doubts lists what no source settles about the services that the stand-ins stand for.
func Doubts() doubt.List { return emulator.Doubts() }

// StandIns are the running stand-ins. Close them.
type StandIns struct {
	*emulator.Emulator // the services, with what the account has made in them
	Account            *fakeaws.Account
	AWS                *fakeaws.Server
	Commands           *fakecommand.Server // nil with InstalledCommand

	root, dir string
	before    []string // what was in the account
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
	s := &StandIns{root: o.Root, dir: o.Dir}
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
	data := filepath.Join(o.Dir, "warehouse")
	for _, folder := range []string{data, s.StateDir()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	interval := o.RefreshInterval
	if interval == 0 {
		interval = -1
	}
	if s.Emulator, err = emulator.Start(context.Background(), emulator.Options{
		Region:          region,
		Account:         accountID,
		Dir:             data,
		RefreshInterval: interval,
		Readings:        o.Readings,
		Secrets:         func() []fakesecrets.Secret { return secrets(s.Account) },
		Authorize: func(roleARN, action, resource string) error {
			return s.Account.Authorize(roleARN, "redshift-serverless.amazonaws.com", action, resource)
		},
		Reach: s.Account.Egress,
	}); err != nil {
		return nil, err
	}
	for _, stream := range world.Streams {
		if _, err := s.Kinesis.CreateStream(streamSettings(stream)); err != nil {
			return nil, err
		}
	}
	s.AWS, err = fakeaws.Start(s.Account, fakeaws.Options{
		Kinesis: streams{s.Kinesis}, Redshift: s.Redshift, DataAPI: newStatements(s.URL()),
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
	return s, nil
}

// Close stops the stand-ins; what they hold is gone. The folder stays.
func (s *StandIns) Close() error {
	if s.Commands != nil {
		s.Commands.Close()
	}
	if s.AWS != nil {
		s.AWS.Close()
	}
	if s.Emulator == nil {
		return nil
	}
	return s.Emulator.Close()
}

// CommandEnv is the environment with which any AWS SDK, and so the commands of
// this project and the AWS CLI, talk to the stand-ins and nothing else.
func (s *StandIns) CommandEnv() map[string]string {
	environment := s.Env()
	environment["AWS_SESSION_TOKEN"] = "SessionTokenOf/NoAccount+000000=="
	environment["AWS_EC2_METADATA_DISABLED"] = "true"
	environment["PULUMI_SKIP_UPDATE_CHECK"] = "true" // with --stack they ask the Pulumi CLI
	return environment
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
