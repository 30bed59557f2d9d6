package plan

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"example.com/evstream/cmd/evstream/cli"
)

// update rewrites the expected output in testdata/script and docs/capacity.md.
var update = flag.Bool("update", false, "rewrite the expected output")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"evstream": func() { os.Exit(cli.Run(cli.Root(Command()))) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
	})
}
