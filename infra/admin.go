package infra

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// admin is the Redshift admin of the existing secret; there is none if AWS keeps
// the password. Name and password are secrets from the moment they are known: the
// lookup does not mark them.
type admin struct {
	secretARN string
	username  pulumi.StringOutput
	password  pulumi.StringOutput

	// version is the secret's, and changed the time since when it is.
	version, changed string

	// ownKey says whether a key of the customer's encrypts the secret.
	ownKey bool

	// readable says whether the Data API can read the secret as it is.
	readable bool
}

// lookUpAdmin reads the existing secret. It takes the shape of the CDK sample,
// {"admin_username", "admin_user_password"}, or the one the Data API reads,
// {"username", "password"}. Nothing it reports holds a value of the secret.
func lookUpAdmin(ctx *pulumi.Context, s settings, wrong *problems) admin {
	if s.ManageAdminPassword || !secretName.MatchString(s.SecretName) {
		return admin{} // not needed, or already reported
	}
	name := &secretsmanager.LookupSecretArgs{Name: &s.SecretName}
	if strings.HasPrefix(s.SecretName, "arn:") {
		name = &secretsmanager.LookupSecretArgs{Arn: &s.SecretName}
	}
	secret, err := secretsmanager.LookupSecret(ctx, name)
	if err != nil {
		wrong.add("secretName is %q: the secret can't be looked up in this region and account: %s. "+
			"Create it with: aws secretsmanager create-secret --name %[1]s --secret-string file://FILE", s.SecretName, said(err))
		return admin{}
	}
	version, err := secretsmanager.LookupSecretVersion(ctx, &secretsmanager.LookupSecretVersionArgs{SecretId: secret.Arn})
	if err != nil {
		wrong.add("secretName is %q: its value can't be read: %s. "+
			"The caller needs secretsmanager:GetSecretValue on %s, and kms:Decrypt on its key if it has one of its own.", s.SecretName, said(err), secret.Arn)
		return admin{}
	}
	found := parseAdmin(s, secret.Arn, version.SecretString, wrong)
	found.ownKey = secret.KmsKeyId != ""
	found.version, found.changed = version.VersionId, version.CreatedDate
	return found
}

func parseAdmin(s settings, arn, text string, wrong *problems) admin {
	const shapes = `{"username": "…", "password": "…"} or {"admin_username": "…", "admin_user_password": "…"}`
	// A decoder's error may quote the text, which is secret: it is not passed on.
	var fields map[string]any
	if json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
		wrong.add("secretName is %q: the secret's value is not a JSON object. It has the shape %s.", s.SecretName, shapes)
		return admin{}
	}
	pair := func(nameKey, passwordKey string) (username, password string, ok bool) {
		username, _ = fields[nameKey].(string)
		password, _ = fields[passwordKey].(string)
		return username, password, username != "" && password != ""
	}
	username, password, readable := pair("username", "password")
	if !readable {
		var ok bool
		if username, password, ok = pair("admin_username", "admin_user_password"); !ok {
			wrong.add("secretName is %q: the secret lacks a user name, a password, or both as strings. It has the shape %s.", s.SecretName, shapes)
			return admin{}
		}
	}
	for _, reason := range adminProblems(username, password) {
		wrong.add("secretName is %q: %s", s.SecretName, reason)
	}
	return admin{
		secretARN: arn,
		username:  secretText(username),
		password:  secretText(password),
		readable:  readable,
	}
}

func secretText(value string) pulumi.StringOutput {
	return pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
}

var adminName = regexp.MustCompile(`^[a-z][a-z0-9_+.@-]{0,127}$`)

// adminProblems says why Redshift would refuse an admin's name or password,
// without showing either.
// https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
func adminProblems(username, password string) []string {
	var found []string
	switch {
	case !adminName.MatchString(username):
		found = append(found, "the admin's name starts with a lower-case letter and has up to 128 lower-case letters, digits and _+.@-.")
	case isReserved(username) || username == "public":
		found = append(found, "the admin's name is public or a reserved word of Redshift; choose another.")
	}
	if n := len(password); n < 8 || n > 64 {
		found = append(found, fmt.Sprintf("the admin's password has %d characters; Redshift takes 8 to 64.", n))
	}
	var upper, lower, digit, foreign bool
	for _, c := range []byte(password) {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= '0' && c <= '9':
			digit = true
		case c < 33 || c > 126 || strings.IndexByte(`'"\/@`, c) >= 0:
			foreign = true
		}
	}
	if !upper || !lower || !digit {
		found = append(found, "the admin's password needs an upper-case letter, a lower-case letter and a digit.")
	}
	if foreign {
		found = append(found, `the admin's password holds a character that Redshift refuses: only ASCII 33 to 126 without ' " \ / @.`)
	}
	return found
}

// newDataAPISecret returns the ARN of the secret with which the Data API logs
// in: the one that AWS keeps, or the existing one if the Data API can read it,
// otherwise a copy of name and password in the shape that it reads.
func newDataAPISecret(ctx *pulumi.Context, s settings, login admin, house *warehouse) (pulumi.StringOutput, error) {
	switch {
	case s.ManageAdminPassword:
		return house.adminSecret(), nil
	case login.readable:
		return pulumi.String(login.secretARN).ToStringOutput(), nil
	}
	args := &secretsmanager.SecretArgs{
		Name:        pulumi.String(s.NamespaceName + "-data-api"),
		Description: pulumi.String("Redshift admin of " + s.NamespaceName + " as the Data API reads it; copied from " + s.SecretName),
		// The copy can be made again at any time. Kept for recovery it would
		// hold its name, and the next deployment could not use it.
		RecoveryWindowInDays: pulumi.Int(0),
		Tags:                 s.tags(),
	}
	if s.KMSKeyARN != "" {
		args.KmsKeyId = pulumi.String(s.KMSKeyARN)
	}
	secret, err := secretsmanager.NewSecret(ctx, "data-api", args)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	text := pulumi.All(login.username, login.password).ApplyT(func(parts []any) (string, error) {
		encoded, err := json.Marshal(map[string]any{"username": parts[0], "password": parts[1]})
		return string(encoded), err
	}).(pulumi.StringOutput)
	version, err := secretsmanager.NewSecretVersion(ctx, "data-api", &secretsmanager.SecretVersionArgs{
		SecretId:     secret.ID(),
		SecretString: pulumi.ToSecret(text).(pulumi.StringOutput),
	})
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	// The version's ARN is the secret's, known once there is a value to read.
	return version.Arn, nil
}
