package rehearsal

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// cliModule is the Go module that holds the Pulumi CLI. tools/go.mod pins it.
const cliModule = "github.com/pulumi/pulumi/pkg/v3"

// CLI returns the Pulumi CLI: the one on the PATH if it is new enough, or else the
// one that tools/go.mod pins, which Go builds into its build cache. That one it puts
// on this process's PATH, where other commands find it too. It writes to progress
// what it does if that takes long.
func CLI(ctx context.Context, root string, progress io.Writer) (auto.PulumiCommand, error) {
	if found, err := auto.NewPulumiCommand(nil); err == nil {
		return found, nil
	}
	tools := filepath.Join(root, "tools")
	version, err := output(ctx, tools, "go", "list", "-m", "-f", "{{.Version}}", cliModule)
	if err != nil {
		return nil, fmt.Errorf("finding the pinned version of the Pulumi CLI: %w", err)
	}
	fmt.Fprintf(progress, "There is no pulumi on the PATH that fits: building %s, which takes some minutes the first time …\n", version)
	// As tools/start does, but the Automation API asks the CLI for its version, and
	// only the linker can tell it. go run shows what it has built just now in a
	// folder that is gone when it ends, and what it built before in its cache.
	stamp := "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=" + strings.TrimPrefix(version, "v")
	var binary string
	for range 2 {
		if binary, err = output(ctx, tools, "go", "run", "-ldflags", stamp, "-exec", "echo", cliModule+"/cmd/pulumi"); err != nil {
			return nil, fmt.Errorf("building the Pulumi CLI %s: %w", version, err)
		}
		if _, err = os.Stat(binary); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the Pulumi CLI in Go's build cache, where a program is only without GOCACHEPROG: %w", err)
	}
	if err := os.Setenv("PATH", filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		return nil, err
	}
	return auto.NewPulumiCommand(nil)
}

// output runs a command and returns what it printed, without the space around.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// Root returns the project's folder: the nearest one at or above the working
// directory that holds Pulumi.yaml.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "Pulumi.yaml")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no Pulumi.yaml in %s or above: run the rehearsal inside the project", dir)
		}
	}
}
