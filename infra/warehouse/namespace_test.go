package warehouse

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"example.com/evstream/infra/internal/report"
)

// TestNamespaceUpdates: a preview refuses what AWS, or this release of its provider,
// would refuse of an update.
func TestNamespaceUpdates(t *testing.T) {
	own := map[string]any{"adminUsername": "a", "adminUserPassword": "b", "iamRoles": []any{"r"}, "defaultIamRoleArn": "r", "kmsKeyId": "k"}
	kept := map[string]any{"adminUsername": "admin", "manageAdminPassword": true, "kmsKeyId": "k", "adminPasswordSecretKmsKeyId": "k"}
	for _, c := range []struct {
		name    string
		managed bool
		old, to map[string]any
		want    string
	}{
		{"nothing", false, own, nil, ""},
		{"the admin's name and password are one", false, own, map[string]any{"adminUsername": "c", "adminUserPassword": "d"}, ""},
		{"the role is one", false, own, map[string]any{"iamRoles": []any{"s"}, "defaultIamRoleArn": "s"}, ""},
		{"a secret that was no secret", false, own, map[string]any{"adminUserPassword": resource.MakeSecret(resource.NewProperty("b"))}, ""},
		{"two kinds", false, own, map[string]any{"adminUserPassword": "d", "kmsKeyId": "l"}, "the admin of secretName and kmsKeyArn of namespace ns change together"},
		{"AWS is to keep the password", true, own, map[string]any{"manageAdminPassword": true}, "Set secretName again and manageAdminPassword to false"},
		{"AWS keeps it no more", false, kept, map[string]any{"manageAdminPassword": false}, "Set manageAdminPassword to true again and remove secretName"},
		{"another key for the kept one", true, kept, map[string]any{"kmsKeyId": "l", "adminPasswordSecretKmsKeyId": "l"}, "kmsKeyArn can't change while AWS keeps"},
	} {
		args := &Args{NamespaceName: "ns", Admin: Admin{Managed: c.managed}}
		var r report.Report
		args.checkNamespace(changed(c.old, c.to), &r)
		got := strings.Join(r.Problems(), "\n")
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: it says %q, want %q", c.name, got, c.want)
		}
	}
}
