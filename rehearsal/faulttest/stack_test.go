// Package faulttest makes deployments fail, one resource type and one moment after
// the other, and does then what docs/reliability.md tells the user to do.
package faulttest

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optimport"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

const (
	commandType = "command:local:Command"
	streamType  = "aws:kinesis/stream:Stream"
	groupType   = "aws:ec2/securityGroup:SecurityGroup"
)

// stack is the stack dev on stand-ins of its own.
type stack struct {
	t *testing.T
	*stacktest.Deployment
	pulumi *auto.Stack
	before map[string]bool // what was in the account, by type and id
}

func start(t *testing.T, settings ...string) *stack {
	t.Helper()
	d := stacktest.Start(t)
	s := &stack{t: t, Deployment: d, pulumi: d.Stack(stacktest.With(settings...)), before: map[string]bool{}}
	_, port, _ := strings.Cut(stacktest.ServeLanguage(t, nil), ":")
	s.pulumi.Workspace().SetEnvVar("PULUMI_DEBUG_LANGUAGES", "go:"+port)
	for _, r := range d.StandIns.Account.Resources() {
		s.before[r.Type+" "+r.ID] = true
	}
	return s
}

// up deploys and returns what the engine printed.
func (s *stack) up(options ...optup.Option) (string, error) {
	var printed bytes.Buffer
	_, err := s.pulumi.Up(s.t.Context(), append(options, optup.ProgressStreams(&printed), optup.ErrorProgressStreams(&printed))...)
	return printed.String(), err
}

func (s *stack) mustUp() {
	s.t.Helper()
	if printed, err := s.up(); err != nil {
		s.t.Fatalf("pulumi up: %v\n%s", err, printed)
	}
}

// destroy destroys and returns what the engine printed.
func (s *stack) destroy(options ...optdestroy.Option) (string, error) {
	var printed bytes.Buffer
	_, err := s.pulumi.Destroy(s.t.Context(), append(options, optdestroy.ProgressStreams(&printed), optdestroy.ErrorProgressStreams(&printed))...)
	return printed.String(), err
}

// mustDestroy destroys and makes sure that nothing is left.
func (s *stack) mustDestroy() {
	s.t.Helper()
	if printed, err := s.destroy(); err != nil {
		s.t.Fatalf("pulumi destroy: %v\n%s", err, printed)
	}
	s.NothingIsLeft()
}

// unchanged makes sure that a preview finds nothing to do.
func (s *stack) unchanged() {
	s.t.Helper()
	if _, err := s.pulumi.Preview(s.t.Context(), optpreview.ExpectNoChanges()); err != nil {
		s.t.Errorf("after recovery there is still something to change: %v", err)
	}
}

// settled makes sure that AWS has what the program says, and the state too.
func (s *stack) settled() {
	s.t.Helper()
	if _, err := s.pulumi.Preview(s.t.Context(), optpreview.ExpectNoChanges(), optpreview.Refresh()); err != nil {
		s.t.Errorf("after recovery AWS has not what the program says: %v", err)
	}
}

// recoverCreation does what docs/reliability.md says about a creation that failed, beyond pulumi
// up --refresh: for what exists and is not recorded, and for what no refresh shows.
func (s *stack) recoverCreation(urn resource.URN, failed fault) {
	s.t.Helper()
	switch kind := string(urn.Type()); {
	case failed.request == streamType+" CreateStream" && failed.how == "notReady":
		s.imports([]*optimport.ImportResource{{Type: kind, Name: urn.Name(), ID: stacktest.Stream}})
	case strings.HasPrefix(kind, "aws:vpc/securityGroup") && (failed.how == "notReady" || strings.HasSuffix(failed.request, " CreateTags")):
		for _, r := range s.unrecorded() {
			if r.Type == kind {
				s.remove(r)
			}
		}
	case strings.HasSuffix(failed.request, " RevokeSecurityGroupEgress") && failed.how == "refused":
		s.revokeEgress(urn)
	}
}

// unrecorded is what was made in the account and the state does not have.
func (s *stack) unrecorded() []fakeaws.Resource {
	s.t.Helper()
	known := maps.Clone(s.before)
	for _, r := range s.state().Resources {
		known[string(r.Type)+" "+string(r.ID)] = true
	}
	return slices.DeleteFunc(s.StandIns.Account.Resources(), func(r fakeaws.Resource) bool { return known[r.Type+" "+r.ID] })
}

// remove deletes a resource in AWS.
func (s *stack) remove(r fakeaws.Resource) {
	s.t.Helper()
	if err := s.StandIns.Account.Remove(r.Type, r.ID); err != nil {
		s.t.Error(err)
	}
}

// removeGroup deletes a security group in AWS, and with it the rule with which AWS made it.
func (s *stack) removeGroup(id string) {
	s.t.Helper()
	for _, r := range s.unrecorded() {
		if r.ID == id || r.Properties["securityGroupId"] == id {
			s.remove(r)
		}
	}
}

// revokeEgress does what aws ec2 revoke-security-group-egress does to the rule with which AWS
// makes a security group.
func (s *stack) revokeEgress(group resource.URN) {
	s.t.Helper()
	for _, r := range s.state().Resources {
		for _, rule := range s.unrecorded() {
			if r.URN == group && rule.Properties["securityGroupId"] == string(r.ID) && rule.Properties["ipProtocol"] == "-1" {
				s.remove(rule)
				return
			}
		}
	}
	s.t.Errorf("%s has no rule that lets everything out", group)
}

// state is what Pulumi keeps of the stack's resources, without what groups them.
func (s *stack) state() apitype.DeploymentV3 {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.StandIns.StateDir(), ".pulumi/stacks/ev-streaming/dev.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var file struct {
		Checkpoint struct{ Latest apitype.DeploymentV3 }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		s.t.Fatal(err)
	}
	state := file.Checkpoint.Latest
	state.Resources = slices.DeleteFunc(state.Resources, func(r apitype.ResourceV3) bool {
		return strings.HasPrefix(string(r.Type), "pulumi:") || !r.Custom
	})
	return state
}

// kinds are the resource types of the stack's state.
func (s *stack) kinds() []string {
	s.t.Helper()
	var kinds []string
	for _, r := range s.state().Resources {
		kinds = append(kinds, string(r.Type))
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// inAccount counts what was made in the account by type.
func (s *stack) inAccount() map[string]int {
	count := map[string]int{}
	for _, name := range s.StandIns.Left() {
		kind, _, _ := strings.Cut(name, " ")
		count[kind]++
	}
	return count
}

// kill ends the Pulumi CLI that works on the stack.
func (s *stack) kill() {
	if err := s.StandIns.Kill("dev"); err != nil {
		s.t.Error(err)
	}
}

// unlock does what pulumi cancel does to a stack in a folder, in less time.
func (s *stack) unlock() {
	locks, err := s.StandIns.Locks("dev")
	if err != nil {
		s.t.Error(err)
	}
	for _, lock := range locks {
		if err := os.Remove(lock); err != nil {
			s.t.Error(err)
		}
	}
}

// importPending imports what pending creates have made: those of which Pulumi does not
// know whether they were done. A security group it deletes. It is what docs/reliability.md
// tells the user to do.
func (s *stack) importPending() {
	s.t.Helper()
	found := map[resource.URN]*optimport.ImportResource{} // a resource may be pending twice
	for _, pending := range s.state().PendingOperations {
		if r := s.orphan(pending.Resource); r != nil {
			if r.Type == groupType {
				s.removeGroup(r.ID)
				continue
			}
			found[pending.Resource.URN] = r
		}
	}
	if len(found) > 0 {
		s.imports(slices.Collect(maps.Values(found)))
	}
}

// clearPending forgets the pending creates.
func (s *stack) clearPending() {
	s.t.Helper()
	if _, err := s.pulumi.Refresh(s.t.Context(), optrefresh.ClearPendingCreates()); err != nil {
		s.t.Fatalf("pulumi refresh --clear-pending-creates: %v", err)
	}
	if left := s.state().PendingOperations; len(left) > 0 {
		s.t.Errorf("after pulumi refresh --clear-pending-creates there still are %v", left)
	}
}

// orphan finds a resource in the account that the state does not have, by its type and
// what the program gave it, as a person would in the console.
func (s *stack) orphan(wanted apitype.ResourceV3) *optimport.ImportResource {
	for _, r := range s.unrecorded() {
		if r.Type != string(wanted.Type) {
			continue
		}
		same := true
		for name, want := range wanted.Inputs {
			if name == "encryptionType" || name == "kmsKeyId" {
				continue // a stream is encrypted after it was made
			}
			text, isText := want.(string)
			has, hasText := r.Properties[name].(string)
			same = same && (!isText || !hasText || has == text || json.Valid([]byte(text)))
		}
		if same {
			id := r.ID
			if r.Type == streamType {
				id = r.Properties["name"].(string)
			}
			return &optimport.ImportResource{Type: r.Type, Name: wanted.URN.Name(), ID: id}
		}
	}
	return nil
}

// imports imports resources. Their secrets are not shown, because no code is generated.
func (s *stack) imports(found []*optimport.ImportResource) {
	s.t.Helper()
	if result, err := s.pulumi.ImportResources(s.t.Context(), optimport.Resources(found), optimport.Protect(false), optimport.GenerateCode(false)); err != nil {
		s.t.Fatalf("pulumi import of %v: %v\n%s", *found[0], err, result.StdOut)
	}
}
