// Package stackoutput reads what a deployed stack of this project exports.
package stackoutput

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Outputs are the stack outputs that the commands use.
type Outputs struct {
	Region           string `json:"region"`
	StreamName       string `json:"streamName"`
	NamespaceName    string `json:"namespaceName"`
	WorkgroupName    string `json:"workgroupName"`
	DatabaseName     string `json:"databaseName"`
	DataAPISecretARN string `json:"dataApiSecretArn"`
}

// Read asks the Pulumi CLI, which must be on the PATH, for the outputs of the
// stack of that name in the project of the working directory. It fails if the
// stack was not deployed to its end.
func Read(ctx context.Context, name string) (Outputs, error) {
	out, err := read(ctx, name)
	if err != nil {
		return Outputs{}, fmt.Errorf("reading the outputs of stack %s: %w", name, err)
	}
	return out, nil
}

func read(ctx context.Context, name string) (Outputs, error) {
	text, err := exec.CommandContext(ctx, "pulumi", "stack", "output", "--json", "--non-interactive", "--stack", name).Output()
	var failed *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return Outputs{}, errors.New("pulumi is not on the PATH; give the names as flags instead of --stack")
	case errors.As(err, &failed):
		return Outputs{}, fmt.Errorf("pulumi says: %s", cmp.Or(strings.TrimSpace(string(failed.Stderr)), failed.Error()))
	case err != nil:
		return Outputs{}, err
	}
	var out Outputs
	if err := json.Unmarshal(text, &out); err != nil {
		return Outputs{}, err
	}
	if out.WorkgroupName == "" || out.StreamName == "" || out.Region == "" {
		return Outputs{}, errors.New("it exports no region, streamName and workgroupName: has pulumi up completed?")
	}
	return out, nil
}
