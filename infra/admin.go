package infra

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/warehouse"
)

// readAdmin takes the Redshift admin out of the existing secret. It takes the shape
// of the CDK sample, {"admin_username", "admin_user_password"}, or the one the Data
// API reads, {"username", "password"}. Nothing it reports holds a value of the
// secret.
func readAdmin(s settings, f *facts, r *report.Report) warehouse.Admin {
	admin := warehouse.Admin{Managed: s.Warehouse.Admin.Managed, SecretName: s.SecretName}
	switch {
	case f.secret.err != nil:
		r.Problem("secretName is %q: the secret can't be looked up in this region and account: %s. "+
			"Create it with: aws secretsmanager create-secret --name %[1]s --secret-string file://FILE", s.SecretName, f.secret.err)
	case f.value.err != nil:
		r.Problem("secretName is %q: its value can't be read: %s. "+
			"The caller needs secretsmanager:GetSecretValue on %s, and kms:Decrypt on its key if it has one of its own.", s.SecretName, f.value.err, f.secret.is.arn)
	case f.value.is != nil:
		admin.SecretARN = f.secret.is.arn
		username, password, readable, err := parseAdmin(f.value.is.text)
		if err != nil {
			r.Problem("secretName is %q: %s", s.SecretName, err)
			return admin
		}
		for _, problem := range checkAdmin(username, password) {
			r.Problem("secretName is %q: %s", s.SecretName, problem)
		}
		admin.Readable = readable
		// Name and password are secrets from the moment they are known: the lookup
		// does not mark them.
		admin.Username, admin.Password = secretText(username), secretText(password)
	}
	return admin
}

func secretText(value string) pulumi.StringOutput {
	return pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
}

// parseAdmin reads the value of the secret, and says whether the Data API can. A
// decoder's error may quote the text, which is secret: it is not passed on.
func parseAdmin(text string) (username, password string, readable bool, err error) {
	const shapes = `It has the shape {"username": "…", "password": "…"} or {"admin_username": "…", "admin_user_password": "…"}.`
	var fields map[string]any
	if json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
		return "", "", false, fmt.Errorf("the secret's value is not a JSON object. %s", shapes)
	}
	for _, keys := range [][2]string{{"username", "password"}, {"admin_username", "admin_user_password"}} {
		username, _ = fields[keys[0]].(string)
		password, _ = fields[keys[1]].(string)
		if username != "" && password != "" {
			return username, password, keys[0] == "username", nil
		}
	}
	return "", "", false, fmt.Errorf("the secret lacks a user name, a password, or both as strings. %s", shapes)
}

var adminPattern = regexp.MustCompile(`^[a-z][a-z0-9_+.@-]{0,127}$`)

// checkAdmin says why Redshift would refuse an admin's name or password, without
// showing either.
// https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
func checkAdmin(username, password string) []string {
	var problems []string
	switch {
	case !adminPattern.MatchString(username):
		problems = append(problems, "the admin's name starts with a lower-case letter and has up to 128 lower-case letters, digits and _+.@-.")
	case isReserved(username) || username == "public":
		problems = append(problems, "the admin's name is public or a reserved word of Redshift; choose another.")
	}
	if n := len(password); n < 8 || n > 64 {
		problems = append(problems, fmt.Sprintf("the admin's password has %d characters; Redshift takes 8 to 64.", n))
	}
	for _, class := range []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"} {
		if !strings.ContainsAny(password, class) {
			problems = append(problems, "the admin's password needs an upper-case letter, a lower-case letter and a digit.")
			break
		}
	}
	if strings.ContainsFunc(password, func(c rune) bool { return c < 33 || c > 126 || strings.ContainsRune(`'"\/@`, c) }) {
		problems = append(problems, `the admin's password holds a character that Redshift refuses: only ASCII 33 to 126 without ' " \ / @.`)
	}
	return problems
}
