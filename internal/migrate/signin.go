package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"example.com/evstream/internal/interrupt"
)

// refusedPassword matches what Redshift says of a password that is not the
// user's: FATAL: password authentication failed for user "x", with SQLSTATE
// 28000, by aws/amazon-redshift-jdbc-driver#21. How the Data API passes that on,
// as a failed statement or as an error of the call, is documented nowhere, so it
// is looked for in either.
var refusedPassword = regexp.MustCompile(`(?i)password authentication failed|\bSQLSTATE[ :=]*28(000|P01)\b`)

// userName matches the user in that message. It is part of the secret.
var userName = regexp.MustCompile(`\buser "[^"]*"`)

// hideUser takes the user of the secret out of an error about its password. No message
// names it.
func (c Config) hideUser(err *error) {
	if *err != nil && c.Warehouse.SecretARN != "" && refusedPassword.MatchString((*err).Error()) {
		*err = errors.New(userName.ReplaceAllString((*err).Error(), "the user of the secret"))
	}
}

// passwordGrace is how long a password that was changed a moment ago may take to
// be known to Redshift and to Secrets Manager alike.
const passwordGrace = 30 * time.Second

// signIn makes sure that Redshift takes the user and password of the secret, so
// that what comes later does not fail for that.
func (r *runner) signIn(ctx context.Context) error {
	deadline := time.Now().Add(min(r.Warehouse.Wait, passwordGrace))
	for delay := time.Second; ; delay = min(2*delay, 10*time.Second) {
		err := r.db.PingContext(ctx)
		switch {
		case err == nil:
			return nil
		case r.Warehouse.SecretARN == "", !refusedPassword.MatchString(err.Error()):
			return fmt.Errorf("signing in: %w", err)
		case time.Now().Add(delay).After(deadline):
			return fmt.Errorf("signing in: %w\n%s", err, r.passwordRemedy())
		}
		if delay == time.Second {
			fmt.Fprintf(r.progress, "signing in: the password is refused; trying for %v, because a new one may not be known everywhere yet\n", min(r.Warehouse.Wait, passwordGrace))
		}
		if err := interrupt.Sleep(ctx, delay); err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
	}
}

// passwordRemedy says which password is the newer one, as far as that can be
// known, and how to make both the same. AWS does not say when a namespace's
// password was changed; the Pulumi program says when the secret was.
func (r *runner) passwordRemedy() string {
	flags := ""
	if region := r.Warehouse.Region; region != "" {
		flags += " --region " + region
	}
	if r.Profile != "" {
		flags += " --profile " + quote(r.Profile)
	}
	// https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html
	if strings.Contains(r.Warehouse.SecretARN, ":secret:redshift!") {
		return fmt.Sprintf("AWS sets and rotates the password in %s itself. A rotation may be under way: run pulumi up again in a few minutes.\n"+
			"If that does not help, have AWS rotate it, then run pulumi up:\n"+
			"  aws secretsmanager rotate-secret --secret-id %[2]s%[3]s", r.Warehouse.SecretARN, quote(r.Warehouse.SecretARN), flags)
	}
	// The Pulumi program may have copied the secret, into the shape that the Data
	// API reads: a person changes the original.
	secret := cmp.Or(r.SecretName, r.Warehouse.SecretARN)
	var b strings.Builder
	fmt.Fprintf(&b, "The password in the secret %s is not the one that AWS has.\n", secret)
	if r.SecretChanged != "" {
		fmt.Fprintf(&b, "The secret was last changed at %s, so it is the newer one, unless somebody changed the password in AWS, or restored a snapshot, after that.\n", r.SecretChanged)
	}
	b.WriteString("Pulumi sends a new password only once: if AWS refused it, or has another one since, pulumi up alone does not repair this.\n")
	b.WriteString("To make the secret's user and password those of the namespace's admin, without showing them, run this, then pulumi up:\n")
	namespace := cmp.Or(r.Namespace, fmt.Sprintf(`"$(aws redshift-serverless get-workgroup --workgroup-name %s --query workgroup.namespaceName --output text%s)"`, r.Warehouse.Workgroup, flags))
	fmt.Fprintf(&b, "  aws secretsmanager get-secret-value --secret-id %s --query SecretString --output text%s | "+
		"jq '{adminUsername: .username, adminUserPassword: .password}' | "+
		"aws redshift-serverless update-namespace --namespace-name %s --cli-input-json file:///dev/stdin%s\n", r.Warehouse.SecretARN, flags, namespace, flags)
	fmt.Fprintf(&b, "Or change the secret %s, to the password that AWS has or to a new one, and run pulumi up.", secret)
	return b.String()
}
