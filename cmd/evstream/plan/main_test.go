package main

import (
	"bytes"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// update rewrites the expected output in testdata/script and docs/capacity.md.
var update = flag.Bool("update", false, "rewrite the expected output")

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"plan": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
	})
}

func TestStackWithoutPulumi(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"--events-per-second", "1", "--stack", "dev"}, io.Discard, &stderr)
	if want := "pulumi is not on the PATH; give the settings as flags"; code != exitFailed || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit status %d, %q; want %q", code, &stderr, want)
	}
}
