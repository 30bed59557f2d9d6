package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/dataapi"
)

// pulumi stands in for the CLI.
const pulumi = `#!/bin/sh
test "$1 $2 $3 $4 $5" = 'stack output --json --non-interactive --stack' || exit 2
case $6 in
dev) echo '{"region":"eu-central-1","streamName":"s","namespaceName":"n","workgroupName":"w","databaseName":"d","dataApiSecretArn":"arn","schemaVersion":5}' ;;
unfinished) echo '{"vpcId":"vpc-1"}' ;;
broken) echo 'Please log in' ;;
*) echo "error: no stack named '$6' found" >&2; exit 255 ;;
esac
`

// TestConnection: flags go over the stack's outputs, and these over the environment.
func TestConnection(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "pulumi"), []byte(pulumi), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	for name, value := range map[string]string{
		"STREAM_NAME": "env-s", "REDSHIFT_WORKGROUP": "env-w", "REDSHIFT_DATABASE": "env-d", "REDSHIFT_SECRET_ARN": "env-arn",
	} {
		t.Setenv(name, value)
	}
	for _, test := range []struct{ flags, want cli.Connection }{
		{cli.Connection{}, cli.Connection{Stream: "env-s", Workgroup: "env-w", Database: "env-d", SecretARN: "env-arn"}},
		{cli.Connection{Stack: "dev"},
			cli.Connection{Stack: "dev", Region: "eu-central-1", Stream: "s", Namespace: "n", Workgroup: "w", Database: "d", SecretARN: "arn"}},
		{cli.Connection{Stack: "dev", Region: "r", Stream: "mine", Workgroup: "mine", Database: "mine", SecretARN: "mine"},
			cli.Connection{Stack: "dev", Region: "r", Stream: "mine", Namespace: "n", Workgroup: "mine", Database: "mine", SecretARN: "mine"}},
	} {
		got := test.flags
		if err := got.Resolve(t.Context()); err != nil || got != test.want {
			t.Errorf("Resolve of %+v = %+v, %v; want %+v", test.flags, got, err, test.want)
		}
	}

	for stack, want := range map[string]string{
		"unfinished": "reading the outputs of stack unfinished: it exports no region, streamName and workgroupName",
		"broken":     "reading the outputs of stack broken: ",
		"nosuch":     "reading the outputs of stack nosuch: pulumi says: error: no stack named 'nosuch' found",
		// One argument, whatever it holds.
		"$(touch x); --yes": "reading the outputs of stack $(touch x); --yes: pulumi says: error: no stack named '$(touch x); --yes' found",
	} {
		c := cli.Connection{Stack: stack}
		if _, err := c.Warehouse(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("stack %s: %v, want %q", stack, err, want)
		}
	}

	t.Setenv("PATH", t.TempDir())
	c := cli.Connection{Stack: "dev"}
	if err := c.Resolve(t.Context()); err == nil || !strings.Contains(err.Error(), "pulumi is not on the PATH") {
		t.Errorf("without pulumi: %v", err)
	}
}

func TestWarehouseMustBeNamed(t *testing.T) {
	t.Setenv("REDSHIFT_WORKGROUP", "")
	t.Setenv("REDSHIFT_DATABASE", "")
	for want, c := range map[string]cli.Connection{
		"which workgroup? ":                {},
		"which database of workgroup ev? ": {Workgroup: "ev"},
	} {
		if _, err := c.Warehouse(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	c := cli.Connection{Workgroup: "ev", Database: "dev", Region: "r", SecretARN: "arn"}
	want := dataapi.Config{Workgroup: "ev", Database: "dev", Region: "r", SecretARN: "arn"}
	if got, err := c.Warehouse(t.Context()); err != nil || got.Workgroup != want.Workgroup || got.Database != want.Database || got.Region != want.Region || got.SecretARN != want.SecretARN {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}
