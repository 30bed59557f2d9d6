package faulttest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// refuse has AWS refuse the next request of that name.
func (s *stack) refuse(api string) {
	s.StandIns.AWS.Control("", "", func(c *fakeaws.Call) *fakeaws.Fault {
		if c.Request != api {
			return nil
		}
		return &fakeaws.Fault{Err: fmt.Errorf("operation error: %s, AccessDeniedException: User is not authorized", api)}
	})
}

// mustFail deploys, and makes sure that it fails with the refusal of a request.
func (s *stack) mustFail(api string) {
	s.t.Helper()
	if printed, err := s.up(); err == nil || !strings.Contains(printed, api+", AccessDeniedException") {
		s.t.Fatalf("pulumi up ends with %v, want the refusal of %s in:\n%s", err, api, printed)
	}
}

// stream is the stack's stream in Kinesis.
func (s *stack) stream() fakekinesis.Stream {
	s.t.Helper()
	stream, err := s.StandIns.Kinesis.Stream(stacktest.Stream)
	if err != nil {
		s.t.Fatal(err)
	}
	return stream
}

// TestRefusedUpdateIsHidden shows why docs/reliability.md advises --refresh: without it, the next
// pulumi up says that it updated what was refused, and does nothing. The preview after that sees
// what is missing.
func TestRefusedUpdateIsHidden(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.mustUp()
	s.pulumi = s.Stack(stacktest.With("retentionHours", "96"))
	s.refuse("IncreaseStreamRetentionPeriod")
	s.mustFail("IncreaseStreamRetentionPeriod")

	printed, err := s.up()
	if got := s.stream().RetentionHours; err != nil || got == 96 || !strings.Contains(printed, "1 updated") {
		t.Errorf("the next pulumi up, without --refresh, repairs a refused update now: say so in docs/reliability.md. It kept %d hours, %v:\n%s", got, err, printed)
	}
	if _, err := s.pulumi.Preview(t.Context(), optpreview.ExpectNoChanges()); err == nil {
		t.Error("the preview after that finds nothing to change")
	}
	s.mustUp()
	if got := s.stream().RetentionHours; got != 96 {
		t.Errorf("the pulumi up after that keeps records for %d hours, want 96", got)
	}
	s.settled()
}

// TestHalfMadeStream refuses each request that follows the creation of the stream: it exists, and
// the state has it as the program wants it. It deploys the stream alone.
func TestHalfMadeStream(t *testing.T) {
	t.Parallel()
	s := start(t, "retentionHours", "96")
	alone := []string{"**::stream"}
	for _, api := range []string{"IncreaseStreamRetentionPeriod", "StartStreamEncryption", "AddTagsToStream"} {
		s.refuse(api)
		if printed, err := s.up(optup.Target(alone)); err == nil || !strings.Contains(printed, api+", AccessDeniedException") {
			t.Fatalf("pulumi up ends with %v, want the refusal of %s in:\n%s", err, api, printed)
		}
		if stream := s.stream(); stream.RetentionHours == 96 && stream.KMSKey != "" && len(stream.Tags) > 0 {
			t.Fatalf("%s: the stream is complete: %+v", api, stream)
		}
		if printed, err := s.up(optup.Target(alone), optup.Refresh()); err != nil {
			t.Fatalf("pulumi up --refresh: %v\n%s", err, printed)
		}
		if stream := s.stream(); stream.RetentionHours != 96 || stream.KMSKey == "" || len(stream.Tags) == 0 {
			t.Errorf("%s: pulumi up --refresh left the stream as %+v, want 96 hours, a key and tags", api, stream)
		}
		if _, err := s.pulumi.Preview(t.Context(), optpreview.Target(alone), optpreview.ExpectNoChanges(), optpreview.Refresh()); err != nil {
			t.Errorf("%s: after recovery AWS has not what the program wants: %v", api, err)
		}
		s.mustDestroy()
	}
}

// TestRefusedPassword refuses changes of the admin's password: what docs/operations.md calls "the
// password in AWS is not the one in the secret". No refresh shows it, because AWS shows no
// password. Setting it in AWS, or changing the secret once more, repairs it.
func TestRefusedPassword(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.mustUp()
	for _, c := range []struct {
		name   string
		wanted string
		repair func()
	}{
		{"the password is set in AWS", "Second1Password", func() { s.setPassword("Second1Password") }},
		{"the secret is changed once more", "Third1Password", func() { s.setSecret("Fourth1Password") }},
	} {
		before := s.password()
		s.setSecret(c.wanted)
		s.refuse("UpdateNamespace")
		s.mustFail("UpdateNamespace")
		printed, err := s.up(optup.Refresh())
		for _, want := range []string{"is not the one that AWS has", "aws redshift-serverless update-namespace --namespace-name ev-streaming-dev"} {
			if err == nil || !strings.Contains(printed, want) {
				t.Errorf("pulumi up --refresh ends with %v, want %q in:\n%s", err, want, printed)
			}
		}
		if s.password() != before {
			t.Fatal("pulumi up --refresh repairs a refused password now: say so in docs/operations.md")
		}
		c.repair()
		s.mustUp()
		if value, err := s.StandIns.Account.SecretValue(rehearsal.World().Secrets[0].Name); err != nil || !strings.Contains(value, s.password()) {
			t.Errorf("%s: the password in AWS is still not the one in the secret, %v", c.name, err)
		}
		s.settled()
	}
}

// setSecret gives the admin another password in the secret that the stack names.
func (s *stack) setSecret(password string) {
	s.t.Helper()
	s.SetAdmin(fmt.Sprintf(`{"admin_username": %q, "admin_user_password": %q}`, rehearsal.AdminName, password))
}

// setPassword does what aws redshift-serverless update-namespace does.
func (s *stack) setPassword(password string) {
	s.t.Helper()
	if err := s.StandIns.Account.Change("aws:redshiftserverless/namespace:Namespace", stacktest.Namespace, map[string]any{"adminUserPassword": password}); err != nil {
		s.t.Fatal(err)
	}
	s.TellWarehouse()
}

// password is the admin's in AWS.
func (s *stack) password() string {
	s.t.Helper()
	n, err := s.StandIns.Account.Namespace(stacktest.Namespace)
	if err != nil {
		s.t.Fatal(err)
	}
	return n.AdminPassword
}
