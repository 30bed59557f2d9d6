package faulttest

import (
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
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optimport"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/fakecommand"
)

// everything turns on every optional resource.
var everything = map[string]string{
	"ev-streaming:refresh":               "rate(5 minutes)",
	"ev-streaming:usageLimitRpuHours":    "100",
	"ev-streaming:alarmEmail":            "on-call@example.com",
	"ev-streaming:dashboard":             "true",
	"ev-streaming:createVpcEndpoints":    "true",
	"ev-streaming:snapshotRetentionDays": "7",
}

// changes change an input of each type that has no tags, by which TestEveryTypeFails makes it
// update.
var changes = map[string]struct {
	property string
	from, to string
}{
	commandType:                                    {"create", "", "true && "},
	"aws:iam/rolePolicy:RolePolicy":                {"policy", `"Sid":"`, `"Sid":"My`},
	"aws:cloudwatch/dashboard:Dashboard":           {"dashboardBody", `"title":"`, `"title":"My `},
	"aws:redshiftserverless/usageLimit:UsageLimit": {"breachAction", "log", "emit-metric"},
	"aws:scheduler/schedule:Schedule":              {"description", "", "My "},
}

// replaced are the types of which every change is another resource.
var replaced = map[string]string{
	"aws:secretsmanager/secretVersion:SecretVersion": "a secret's value is never changed, another one follows it",
	"aws:sns/topicSubscription:TopicSubscription":    "topic, protocol and endpoint make a subscription",
}

// changed is the program with the changes of those types.
func changed(ctx *pulumi.Context) error {
	err := ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		change, has := changes[args.Type]
		old := args.Props[change.property]
		if !has || old == nil {
			return nil
		}
		props := maps.Clone(args.Props)
		props[change.property] = pulumi.ToOutput(old).ApplyT(func(v any) string {
			return strings.Replace(fmt.Sprint(v), change.from, change.to, 1)
		}).(pulumi.StringOutput)
		return &pulumi.ResourceTransformResult{Props: props, Opts: args.Opts}
	})
	if err != nil {
		return err
	}
	return infra.Deploy(ctx)
}

// A fault is one failure of an operation on a resource type.
type fault struct {
	message string
	how     string // refused, lost or notReady
}

// faults fail the first calls of an operation on each resource, each in another way.
type faults struct {
	mu    sync.Mutex
	left  map[string][]fault // by type
	fired map[resource.URN]fault
	all   map[string]int // how many have fired, by type
}

func (s *stack) fail(operation string, kinds, hows []string) *faults {
	f := &faults{left: map[string][]fault{}, fired: map[resource.URN]fault{}, all: map[string]int{}}
	for i, kind := range kinds {
		for j, how := range hows {
			if replaced[kind] != "" && how == "notReady" {
				continue // it has nothing to wait for
			}
			code := []string{
				"ThrottlingException: Rate exceeded",
				"AccessDeniedException: User is not authorized",
				"ConflictException: There is an operation running on the resource",
			}[(i+j)%3]
			f.left[kind] = append(f.left[kind], fault{fmt.Sprintf("%s (%s %s, %s)", code, operation, kind, how), how})
		}
	}
	s.StandIns.AWS.Control(operation, "", func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		how, err := f.next(c.Type, c.URN)
		switch how {
		case "refused":
			return &fakeaws.Fault{Err: err}
		case "lost":
			return &fakeaws.Fault{Lost: err}
		case "notReady":
			return &fakeaws.Fault{NotReady: err}
		}
		return &fakeaws.Fault{}
	})
	s.StandIns.Commands.Control(operation, func(c *fakecommand.Call) *fakecommand.Fault {
		c.Keep()
		how, err := f.next(commandType, c.URN)
		if how == "refused" {
			return &fakecommand.Fault{Err: err}
		}
		return &fakecommand.Fault{Lost: err}
	})
	return f
}

// next takes the next fault of a type.
func (f *faults) next(kind string, urn resource.URN) (how string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.left[kind]
	if len(left) == 0 {
		return "", nil
	}
	f.left[kind] = left[1:]
	f.fired[urn] = left[0]
	f.all[kind]++
	return left[0].how, errors.New(left[0].message)
}

// untilDone repeats an operation until it succeeds, and makes sure that each failure on
// the way is shown with the name of its resource.
func (f *faults) untilDone(t *testing.T, again func() (string, error), recover func(fired map[resource.URN]fault)) {
	t.Helper()
	for range 50 { // more than there are layers of resources, times the faults of each
		said, err := again()
		if err == nil {
			if len(f.fired) > 0 {
				t.Errorf("it succeeded in spite of %v", f.fired)
			}
			return
		}
		if len(f.fired) == 0 {
			t.Fatalf("it failed without a fault: %v\n%s", err, said)
		}
		for urn, fault := range f.fired {
			named := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(fmt.Sprintf("%s (%s):", urn.Type().DisplayName(), urn.Name())) +
				`[^:]*error:.*?` + regexp.QuoteMeta(fault.message))
			if !named.MatchString(said) {
				t.Errorf("%q does not appear under the name of %s in:\n%s", fault.message, urn, said)
			}
		}
		fired := f.fired
		f.fired = map[resource.URN]fault{}
		if recover != nil {
			recover(fired)
		}
	}
	t.Fatal("it never succeeds")
}

// covered makes sure that every fault of every type took place.
func (f *faults) covered(t *testing.T, operation string, except map[string]string) {
	t.Helper()
	for kind := range f.left {
		if reason, excepted := except[kind]; excepted {
			if f.all[kind] > 0 {
				t.Errorf("%s: %s failed at %s: take it off the list", kind, reason, operation)
			}
		} else if len(f.left[kind]) > 0 {
			t.Errorf("%s: these failures did not take place: %v", kind, f.left[kind])
		}
	}
}

// shownTypes are the resource types that the program's own tests show.
func shownTypes(t *testing.T) []string {
	t.Helper()
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "infra/testdata/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"((?:aws|command):\w+(?:/\w+)?:[A-Z]\w+)"`).FindAllSubmatch(text, -1) {
			types = append(types, string(match[1]))
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// TestEveryTypeFails lets every resource type fail at its creation, update and deletion:
// refused, done without an answer, and done without getting ready. Each failure is shown
// with the resource's name, and the next run goes on where it stopped.
func TestEveryTypeFails(t *testing.T) {
	t.Parallel()
	s := start(t, everything)

	kinds := shownTypes(t)
	creates := s.fail(fakeaws.Create, kinds, []string{"refused", "notReady"})
	creates.untilDone(t, func() (string, error) { return s.up(optup.ContinueOnError()) }, func(fired map[resource.URN]fault) {
		for urn, fault := range fired {
			// The provider does not keep a stream that did not become ready.
			if string(urn.Type()) == streamType && fault.how == "notReady" {
				s.imports([]*optimport.ImportResource{{Type: streamType, Name: urn.Name(), ID: "ev_stream_data"}})
			}
		}
	})
	creates.covered(t, "creation", nil)
	if got := s.kinds(); !slices.Equal(got, kinds) {
		t.Errorf("this test deploys the types\n%v\nthe program can make\n%v", got, kinds)
	}
	once := map[string]bool{}
	for _, r := range s.state().Resources {
		once[string(r.Type)+" "+string(r.ID)] = true
	}
	for _, r := range s.StandIns.Account.Resources() {
		if key := r.Type + " " + r.ID; !s.before[key] && !once[key] {
			t.Errorf("the account has %s, the state does not", key)
		}
	}
	s.unchanged()

	updates := s.fail(fakeaws.Update, kinds, []string{"refused", "lost", "notReady"})
	s.pulumi = s.Stack(rehearsal.StackOptions{Settings: everything, Program: changed})
	s.setTag("round", "two")
	updates.untilDone(t, func() (string, error) { return s.up(optup.ContinueOnError()) }, nil)
	updates.covered(t, "update", replaced)
	s.unchanged()

	deletes := s.fail(fakeaws.Delete, kinds, []string{"refused", "lost"})
	deletes.untilDone(t, func() (string, error) { return s.destroy(optdestroy.ContinueOnError()) }, nil)
	deletes.covered(t, "deletion", nil)
	if left := s.StandIns.Left(); len(left) > 0 {
		t.Errorf("in the end these are left: %v", left)
	}
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
	for _, kind := range shownTypes(t) {
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
