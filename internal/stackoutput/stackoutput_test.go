package stackoutput_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/evstream/internal/stackoutput"
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

func TestRead(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "pulumi"), []byte(pulumi), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")

	got, err := stackoutput.Read(t.Context(), "dev")
	want := stackoutput.Outputs{Region: "eu-central-1", StreamName: "s", NamespaceName: "n", WorkgroupName: "w", DatabaseName: "d", DataAPISecretARN: "arn"}
	if err != nil || got != want {
		t.Errorf("Read = %+v, %v; want %+v", got, err, want)
	}
	for stack, want := range map[string]string{
		"unfinished": "reading the outputs of stack unfinished: it exports no region, streamName and workgroupName",
		"broken":     "reading the outputs of stack broken: ",
		"nosuch":     "reading the outputs of stack nosuch: pulumi says: error: no stack named 'nosuch' found",
		// One argument, whatever it holds.
		"$(touch x); --yes": "reading the outputs of stack $(touch x); --yes: pulumi says: error: no stack named '$(touch x); --yes' found",
	} {
		if _, err := stackoutput.Read(t.Context(), stack); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Read of stack %s: %v, want %q", stack, err, want)
		}
	}

	t.Setenv("PATH", t.TempDir())
	if _, err := stackoutput.Read(t.Context(), "dev"); err == nil || !strings.Contains(err.Error(), "pulumi is not on the PATH") {
		t.Errorf("without pulumi: %v", err)
	}
}
