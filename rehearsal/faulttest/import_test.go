package faulttest

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optimport"

	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestImportOfKeptPassword: an imported namespace does not show that AWS keeps its
// admin's password. The next up takes it as it is, and a later switch is refused as
// ever.
func TestImportOfKeptPassword(t *testing.T) {
	t.Parallel()
	kept := []string{"secretName", "", "manageAdminPassword", "true"}
	s := start(t, kept...)
	s.mustUp()
	s.Run("pulumi state delete --stack dev --yes --force --target-dependents " +
		"'urn:pulumi:dev::ev-streaming::evstream:infra:Warehouse$aws:redshiftserverless/namespace:Namespace::warehouse'")
	s.imports([]*optimport.ImportResource{
		{Type: "aws:redshiftserverless/namespace:Namespace", Name: "warehouse", ID: "ev-streaming-dev"},
		{Type: "aws:redshiftserverless/workgroup:Workgroup", Name: "warehouse", ID: "ev-streaming-dev"},
	})
	s.mustUp()
	s.unchanged()

	s.pulumi = s.Stack(stacktest.With())
	if _, err := s.pulumi.Preview(t.Context()); err == nil || !strings.Contains(err.Error(), "Set manageAdminPassword to true again and remove secretName") {
		t.Errorf("the preview without manageAdminPassword ends with %v, want the way back", err)
	}
	s.pulumi = s.Stack(stacktest.With(kept...))
	s.mustDestroy()
}
