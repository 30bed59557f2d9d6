package fakeaws

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// World is what an account holds before anything is deployed.
type World struct {
	Region    string           // us-east-1 unless given
	AccountID string           // twelve digits, 123456789012 unless given
	Seed      string           // ids follow from it
	Now       func() time.Time // time.Now unless given; safe for concurrent use
	VPCs      []VPC
	Secrets   []Secret
	Streams   []Stream // names, modes and the like; ARNs are made up
}

// VPC is a network. Ids left out are made up.
type VPC struct {
	ID      string
	CIDR    string // 10.0.0.0/16 unless given
	Default bool   // the region's default VPC

	// Either of them rules out private DNS of endpoints.
	NoDNSSupport, NoDNSHostnames bool

	Tags map[string]string

	MainRouteTable RouteTable   // of the subnets that name none
	RouteTables    []RouteTable // others, which subnets name
	Subnets        []Subnet
	Endpoints      []Endpoint
}

// Endpoint is an interface endpoint of a VPC, whose security group admits the VPC.
type Endpoint struct {
	ID         string
	Service    string   // the last part of the service's name, for example kinesis-streams
	SubnetIDs  []string // the first of each zone unless given
	PrivateDNS bool
	Policy     string // allows everything unless given
	Tags       map[string]string
}

// Subnet is a part of a VPC.
type Subnet struct {
	ID            string
	Zone          string // availability zone, for example us-east-1a
	CIDR          string
	Tags          map[string]string
	FreeAddresses int
	MapPublicIP   bool
	RouteTable    string // id of one of the VPC's RouteTables; "" is the main one
}

// RouteTable is a set of routes. The local ones are there without saying.
type RouteTable struct {
	ID     string
	Routes []Route
	Tags   map[string]string
}

// Route sends a destination, a CIDR block, to a target: the id of a gateway (igw-,
// vgw-, nat-, tgw-), a peering (pcx-), an instance (i-) or a network interface (eni-).
type Route struct {
	Destination, Target string
}

// Secret is a secret in Secrets Manager.
type Secret struct {
	Name  string
	Value string
	Tags  map[string]string
}

// Account is an AWS account in one region. Its methods may be called from several
// goroutines.
type Account struct {
	region, id, seed string
	now              func() time.Time
	vpcs             []VPC

	mu       sync.Mutex // guards what follows
	objects  map[objectKey]*thing
	made     map[string]int       // how many were made, by kind and name
	messages map[string][]Message // in queues, by ARN

	// scheduled are the names of secrets that AWS still keeps though they were
	// deleted.
	scheduled map[string]bool
}

type objectKey struct{ kind, id string }

// thing is a resource as AWS has it.
type thing struct {
	kind  *resourceType
	id    string
	props values
}

// NewAccount makes an account that holds the world.
func NewAccount(w World) (*Account, error) {
	a := &Account{
		region: cmp.Or(w.Region, "us-east-1"), id: cmp.Or(w.AccountID, "123456789012"), seed: w.Seed, now: w.Now,
		objects: map[objectKey]*thing{}, made: map[string]int{}, messages: map[string][]Message{}, scheduled: map[string]bool{},
	}
	if a.now == nil {
		a.now = time.Now
	}
	var problems []error
	ids := map[string]bool{}
	take := func(id *string, prefix, key string) {
		if *id == "" {
			*id = a.newID(prefix, key, 17)
		}
		if ids[*id] {
			problems = append(problems, fmt.Errorf("the id %s is given twice", *id))
		}
		ids[*id] = true
	}
	for i, v := range w.VPCs {
		key := fmt.Sprintf("world %d", i)
		take(&v.ID, "vpc-", key)
		v.CIDR = cmp.Or(v.CIDR, "10.0.0.0/16")
		take(&v.MainRouteTable.ID, "rtb-", key)
		v.RouteTables = slices.Clone(v.RouteTables)
		for j := range v.RouteTables {
			take(&v.RouteTables[j].ID, "rtb-", fmt.Sprint(key, " ", j))
		}
		v.Subnets = slices.Clone(v.Subnets)
		for j := range v.Subnets {
			s := &v.Subnets[j]
			take(&s.ID, "subnet-", fmt.Sprint(key, " ", j))
			if s.Zone == "" {
				problems = append(problems, fmt.Errorf("subnet %s has no availability zone", s.ID))
			}
			if s.RouteTable != "" && !slices.ContainsFunc(v.RouteTables, func(t RouteTable) bool { return t.ID == s.RouteTable }) {
				problems = append(problems, fmt.Errorf("subnet %s names the route table %s, which %s does not have", s.ID, s.RouteTable, v.ID))
			}
		}
		for _, t := range append(v.RouteTables, v.MainRouteTable) {
			for _, r := range t.Routes {
				if _, known := routeTarget(r.Target); !known {
					problems = append(problems, fmt.Errorf("route table %s has a route to %q, which is no known kind of target", t.ID, r.Target))
				}
			}
		}
		a.vpcs = append(a.vpcs, v)
	}
	if len(problems) == 0 {
		for i := range a.vpcs {
			for _, e := range a.vpcs[i].Endpoints {
				if err := a.putWorldEndpoint(&a.vpcs[i], e); err != nil {
					problems = append(problems, fmt.Errorf("the endpoint for %s of %s: %w", e.Service, a.vpcs[i].ID, err))
				}
			}
		}
	}
	for _, s := range w.Streams {
		if err := a.putWorldStream(s); err != nil {
			problems = append(problems, fmt.Errorf("the stream %q: %w", s.Name, err))
		}
	}
	for _, s := range w.Secrets {
		if reason := secretName(s.Name); reason != "" {
			problems = append(problems, errors.New(reason))
		}
		a.putSecret(s)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("fakeaws: the world can't be: %w", err)
	}
	return a, nil
}

// Region is where the account works.
func (a *Account) Region() string { return a.region }

// ID is the account's number.
func (a *Account) ID() string { return a.id }

// VPCs are the networks, with all ids.
func (a *Account) VPCs() []VPC { return slices.Clone(a.vpcs) }

// arn makes the ARN of something that lives in the region.
func (a *Account) arn(service, rest string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, a.region, a.id, rest)
}

// newID makes up an id that follows from the seed, the name of what it is for and how
// often that was asked: a prefix and as many hexadecimal digits.
func (a *Account) newID(prefix, name string, digits int) string {
	key := prefix + name
	a.made[key]++
	return prefix + a.digits(fmt.Sprintf("%s|%d", key, a.made[key]), digits)
}

func (a *Account) newUUID(kind, name string) string {
	d := strings.TrimPrefix(a.newID(kind, name, 32), kind)
	return strings.Join([]string{d[:8], d[8:12], "4" + d[13:16], "8" + d[17:20], d[20:]}, "-")
}

func (a *Account) digits(of string, n int) string {
	sum := sha256.Sum256([]byte(a.seed + "|" + of))
	return hex.EncodeToString(sum[:])[:n]
}

// shuffled puts ids into an order that follows from the seed: AWS promises none.
func (a *Account) shuffled(ids []string) []string {
	slices.SortFunc(ids, func(x, y string) int { return cmp.Compare(a.digits(x, 8), a.digits(y, 8)) })
	return ids
}

func (a *Account) find(kind, id string) *thing { return a.objects[objectKey{kind, id}] }

// all returns the things of a kind, by id.
func (a *Account) all(kind string) []*thing {
	var found []*thing
	for key, t := range a.objects {
		if key.kind == kind {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(x, y *thing) int { return cmp.Compare(x.id, y.id) })
	return found
}

// where returns the things of a kind whose properties are as given, by id. A property that is a
// list has the value among its own.
func (a *Account) where(kind string, is values) []*thing {
	return slices.DeleteFunc(a.all(kind), func(t *thing) bool {
		for key, want := range is {
			if text, ok := want.(string); ok && slices.Contains(t.props.texts(key), text) {
				continue
			}
			if !isSame(t.props[key], want) {
				return true
			}
		}
		return false
	})
}

// first is the first of some things, nil if there is none.
func first(things []*thing) *thing {
	if len(things) == 0 {
		return nil
	}
	return things[0]
}

func (a *Account) put(t *thing)    { a.objects[objectKey{t.kind.token, t.id}] = t }
func (a *Account) remove(t *thing) { delete(a.objects, objectKey{t.kind.token, t.id}) }

// undo returns what takes back every change of the objects since an earlier state, and
// only those: what others change meanwhile stays. It is called with the account locked.
func (a *Account) undo(earlier map[objectKey]*thing) func() {
	changed := map[objectKey]*thing{} // nil for what was not there
	for key, thing := range a.objects {
		if earlier[key] != thing {
			changed[key] = earlier[key]
		}
	}
	for key, thing := range earlier {
		if a.objects[key] == nil {
			changed[key] = thing
		}
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for key, thing := range changed {
			if thing == nil {
				delete(a.objects, key)
				continue
			}
			a.objects[key] = thing
		}
	}
}

// vpcOf returns the VPC of a subnet, and the subnet.
func (a *Account) vpcOf(subnet string) (*VPC, *Subnet) {
	for i := range a.vpcs {
		for j := range a.vpcs[i].Subnets {
			if a.vpcs[i].Subnets[j].ID == subnet {
				return &a.vpcs[i], &a.vpcs[i].Subnets[j]
			}
		}
	}
	return nil, nil
}

// free is how many addresses of a subnet nobody holds.
func (a *Account) free(s *Subnet) int {
	free := s.FreeAddresses
	for _, group := range a.where(workgroupToken, values{"subnetIds": s.ID}) {
		free -= holds(group.props)
	}
	return free - len(a.where(vpcEndpointToken, values{"subnetIds": s.ID}))
}

// table returns the route table that a subnet uses.
func (v *VPC) table(s *Subnet) RouteTable {
	for _, t := range v.RouteTables {
		if t.ID == s.RouteTable {
			return t
		}
	}
	return v.MainRouteTable
}

// routeTarget is the property in which a lookup shows a route's target.
func routeTarget(id string) (property string, known bool) {
	prefix, _, _ := strings.Cut(id, "-")
	property, known = map[string]string{
		"igw": "gatewayId", "vgw": "gatewayId", "nat": "natGatewayId", "tgw": "transitGatewayId",
		"pcx": "vpcPeeringConnectionId", "i": "instanceId", "eni": "networkInterfaceId",
	}[prefix]
	return property, known
}

// Resource is something that was made in the account.
type Resource struct {
	Type string // the resource type's token
	ID   string // as the engine has it
	// Properties are as the provider shows them, without the secret ones: string,
	// float64, bool, []any and map[string]any.
	Properties map[string]any
}

// Resources returns what was made and not deleted, by type and id.
func (a *Account) Resources() []Resource {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := []Resource{}
	for _, t := range a.objects {
		found = append(found, Resource{Type: t.kind.token, ID: t.id, Properties: t.shown()})
	}
	slices.SortFunc(found, func(x, y Resource) int { return cmp.Or(cmp.Compare(x.Type, y.Type), cmp.Compare(x.ID, y.ID)) })
	return found
}

func (t *thing) shown() map[string]any {
	props := maps.Clone(t.props)
	for key, p := range t.kind.schema {
		if p.secret {
			delete(props, key)
		}
	}
	return props
}

// Change sets properties of a resource behind the engine's back, for a refresh to find.
func (a *Account) Change(kind, id string, properties map[string]any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.find(kind, id)
	if t == nil {
		return fmt.Errorf("fakeaws: there is no %s with the id %s", kind, id)
	}
	props := t.props.clone()
	for key, value := range properties {
		if p, known := t.kind.schema[key]; !known || !p.kind.fits(value) {
			return fmt.Errorf("fakeaws: %s of a %s does not take this value", key, kind)
		}
		props[key] = value
	}
	t.props = props
	return nil
}

// Remove deletes a resource behind the engine's back, whatever depends on it.
func (a *Account) Remove(kind, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.find(kind, id)
	if t == nil {
		return fmt.Errorf("fakeaws: there is no %s with the id %s", kind, id)
	}
	a.remove(t)
	return nil
}
