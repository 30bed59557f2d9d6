package infra

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TestAdminIsSecretFromTheLookupOn: the lookup marks nothing, and the AWS SDK
// marks only the inputs that it knows to be secret. Wherever else name or password
// were used, the program's own mark would be the only one.
func TestAdminIsSecretFromTheLookupOn(t *testing.T) {
	for _, text := range []string{
		`{"username": "evadmin", "password": "Plain-Text-Password-1"}`,
		`{"admin_username": "evadmin", "admin_user_password": "Plain-Text-Password-1"}`,
	} {
		var wrong problems
		login := parseAdmin(settings{SecretName: "redshift/admin"}, "arn", text, &wrong)
		if len(wrong.found) > 0 {
			t.Errorf("%v", wrong.found)
		}
		if !pulumi.IsSecret(login.username) || !pulumi.IsSecret(login.password) {
			t.Errorf("the admin's name is secret: %t, the password: %t", pulumi.IsSecret(login.username), pulumi.IsSecret(login.password))
		}
	}
}
