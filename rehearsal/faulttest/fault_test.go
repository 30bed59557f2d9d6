package faulttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// everything turns on every optional resource.
var everything = []string{
	"refresh", "rate(5 minutes)", "usageLimitRpuHours", "100", "alarmEmail", "on-call@example.com", "dashboard", "true",
	"createVpcEndpoints", "true", "snapshotRetentionDays", "7", "caseSensitiveIdentifiers", "true",
}

// changes change an input of each type, so that TestEveryTypeFails makes it update: the input, and
// what becomes of it in a round. A security group changes by its tags alone.
var changes = map[string]struct {
	property string
	to       func(was any, round int) any
}{
	commandType:                                                 {"create", func(was any, round int) any { return strings.Repeat("true && ", round+1) + was.(string) }},
	streamType:                                                  {"retentionPeriod", func(_ any, round int) any { return 72 - 24*round }},
	"aws:cloudwatch/dashboard:Dashboard":                        {"dashboardBody", replace(`"title":"`, `"title":"My `)},
	"aws:cloudwatch/metricAlarm:MetricAlarm":                    {"alarmDescription", name},
	"aws:ec2/vpcEndpoint:VpcEndpoint":                           {"policy", replace(`"Sid":"`, `"Sid":"My`)},
	"aws:iam/role:Role":                                         {"description", name},
	"aws:iam/rolePolicy:RolePolicy":                             {"policy", replace(`"Sid":"`, `"Sid":"My`)},
	"aws:redshiftserverless/namespace:Namespace":                {"logExports", func(_ any, round int) any { return []any{"userlog", "connectionlog"}[round:] }},
	"aws:redshiftserverless/usageLimit:UsageLimit":              {"amount", func(_ any, round int) any { return 1000 + round }},
	"aws:redshiftserverless/workgroup:Workgroup":                {"baseCapacity", func(_ any, round int) any { return 16 + 8*round }},
	"aws:scheduler/schedule:Schedule":                           {"description", name},
	"aws:secretsmanager/secret:Secret":                          {"description", name},
	"aws:sns/topic:Topic":                                       {"displayName", name},
	"aws:sqs/queue:Queue":                                       {"delaySeconds", func(_ any, round int) any { return round + 1 }},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   {"description", name},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"description", name},
}

func name(_ any, round int) any { return fmt.Sprint("Round ", round) }

func replace(from, to string) func(any, int) any {
	return func(was any, round int) any {
		return strings.Replace(fmt.Sprint(was), from, fmt.Sprintf("%s%d", to, round), 1)
	}
}

// replaced are the types of which every change is another resource.
var replaced = map[string]string{
	"aws:secretsmanager/secretVersion:SecretVersion": "a secret's value is never changed, another one follows it",
	"aws:sns/topicSubscription:TopicSubscription":    "topic, protocol and endpoint make a subscription",
}

// changed is the program with the changes of a round.
func changed(round int) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		err := ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
			change, has := changes[args.Type]
			if !has {
				return nil
			}
			props := maps.Clone(args.Props)
			was := props[change.property]
			if was == nil {
				props[change.property] = pulumi.Any(change.to(nil, round))
			} else {
				props[change.property] = pulumi.ToOutput(was).ApplyT(func(v any) any { return change.to(v, round) })
			}
			return &pulumi.ResourceTransformResult{Props: props, Opts: args.Opts}
		})
		if err != nil {
			return err
		}
		return infra.Deploy(ctx)
	}
}

// A fault is one failure of a request.
type fault struct {
	request string // its type and name
	how     string // refused, lost or notReady
	message string
}

// faults fail the requests of an operation: each one of each type first in one way, then in the
// next. A request may not come again after the first, because its resource is there then.
type faults struct {
	hows []string

	mu    sync.Mutex
	fired map[resource.URN]fault // since the last run
	done  map[string]int         // how many of hows, by request
	first map[string]string      // the request that comes first, by type
}

func (s *stack) fail(operation string, hows ...string) *faults {
	f := &faults{hows: hows, fired: map[resource.URN]fault{}, done: map[string]int{}, first: map[string]string{}}
	decide := func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		how, err := f.next(c.Type, cmp.Or(c.Request, c.Operation), c.URN)
		if c.Type == commandType && how == "notReady" {
			how = "lost" // a command is ready when it ends
		}
		switch how {
		case "refused":
			return &fakeaws.Fault{Err: err}
		case "lost":
			return &fakeaws.Fault{Lost: err}
		case "notReady":
			return &fakeaws.Fault{NotReady: err}
		}
		return &fakeaws.Fault{}
	}
	s.StandIns.AWS.Control(operation, "", decide)
	s.StandIns.Commands.Control(operation, decide)
	return f
}

// next takes the next fault of a request.
func (f *faults) next(kind, request string, urn resource.URN) (how string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first[kind] == "" {
		f.first[kind] = request
	}
	key := kind + " " + request
	n := f.done[key]
	if n == len(f.hows) {
		return "", nil
	}
	f.done[key]++
	code := []string{
		"ThrottlingException: Rate exceeded",
		"AccessDeniedException: User is not authorized",
		"ConflictException: There is an operation running on the resource",
	}[(len(f.done)+n)%3]
	fired := fault{key, f.hows[n], fmt.Sprintf("%s (%s, %s)", code, key, f.hows[n])}
	f.fired[urn] = fired
	return fired.how, errors.New(fired.message)
}

// untilDone repeats an operation until it succeeds, and makes sure that each failure on
// the way is shown with the name of its resource.
func (f *faults) untilDone(t *testing.T, again func() (string, error), recover func(urn resource.URN, fired fault)) {
	t.Helper()
	for range 80 { // more than there are layers of resources, times the faults of each
		printed, err := again()
		if err == nil {
			if len(f.fired) > 0 {
				t.Errorf("it succeeded in spite of %v", f.fired)
			}
			return
		}
		if len(f.fired) == 0 {
			t.Fatalf("it failed without a fault: %v\n%s", err, printed)
		}
		for urn, fired := range f.fired {
			named := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(fmt.Sprintf("%s (%s):", urn.Type().DisplayName(), urn.Name())) +
				`[^:]*error:.*?` + regexp.QuoteMeta(fired.message))
			if !named.MatchString(printed) {
				t.Errorf("%q does not appear under the name of %s in:\n%s", fired.message, urn, printed)
			}
			if recover != nil {
				recover(urn, fired)
			}
		}
		f.fired = map[resource.URN]fault{}
	}
	t.Fatal("it never succeeds")
}

// covered makes sure that every type failed, in every way at its first request.
func (f *faults) covered(t *testing.T, operation string, kinds []string) {
	t.Helper()
	for _, kind := range kinds {
		if n := f.done[kind+" "+f.first[kind]]; n < len(f.hows) {
			t.Errorf("%s: only %d of the failures %q of %s happened", kind, n, f.hows, operation)
		}
	}
	t.Logf("each request of %s that failed: %q", operation, slices.Sorted(maps.Keys(f.done)))
}

// types are the resource types that the stand-ins support, which are those that the program makes.
func types() []string {
	all := append(fakeaws.Types(), commandType)
	slices.Sort(all)
	return all
}

// TestEveryTypeFails lets every request that makes, changes or deletes a resource of any type
// fail: refused, carried out without an answer, and carried out without getting ready. Each failure
// is shown with the resource's name. The next pulumi up --refresh goes on where it stopped, and in
// the end AWS has what the program says.
func TestEveryTypeFails(t *testing.T) {
	t.Parallel()
	s := start(t, everything...)
	again := func() (string, error) { return s.up(optup.ContinueOnError(), optup.Refresh()) }

	kinds := types()
	creates := s.fail(fakeaws.Create, "refused", "notReady")
	creates.untilDone(t, again, s.recoverCreation)
	creates.covered(t, "creation", kinds)
	if got := s.kinds(); !slices.Equal(got, kinds) {
		t.Errorf("this test deploys the types\n%v\nthe stand-ins support\n%v", got, kinds)
	}
	for _, r := range s.unrecorded() {
		t.Errorf("the account has %s %s, the state does not", r.Type, r.ID)
	}
	s.settled()

	updates := s.fail(fakeaws.Update, "refused", "lost", "notReady")
	for round := range 2 { // a request that was carried out does not come again in the same round
		options := stacktest.With(everything...)
		options.Program = changed(round)
		s.pulumi = s.Stack(options)
		s.setTag("round", name(nil, round).(string))
		updates.untilDone(t, again, nil)
		s.settled()
	}
	updates.covered(t, "update", slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return replaced[kind] != "" }))

	deletes := s.fail(fakeaws.Delete, "refused", "lost")
	deletes.untilDone(t, func() (string, error) { return s.destroy(optdestroy.ContinueOnError()) }, nil)
	deletes.covered(t, "deletion", kinds)
	s.NothingIsLeft()
}

// setTag changes a default tag, and so every resource that has tags.
func (s *stack) setTag(name, value string) {
	s.t.Helper()
	err := s.pulumi.SetConfigWithOptions(s.t.Context(), "aws:defaultTags.tags."+name, auto.ConfigValue{Value: value}, &auto.ConfigOptions{Path: true})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestDocument: docs/reliability.md says for each resource type what an import takes, and
// names scripts of migratetest that there are.
func TestDocument(t *testing.T) {
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range types() {
		if !regexp.MustCompile("(?m)^- .*`" + regexp.QuoteMeta(kind) + "`.*: .+$").Match(text) {
			t.Errorf("it does not say with which id %s is imported", kind)
		}
	}
	for _, match := range regexp.MustCompile("`TestMigrate/([^`]+)`").FindAllSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root, "rehearsal/migratetest/testdata", string(match[1])+".txtar")); err != nil {
			t.Errorf("it names %s: %v", match[0], err)
		}
	}
}
