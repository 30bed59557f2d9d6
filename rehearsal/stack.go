package rehearsal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
)

// StackOptions say how a stack on the stand-ins differs from the shipped one.
type StackOptions struct {
	// Program replaces infra.Deploy.
	Program pulumi.RunFunc
	// Settings go over those of the shipped stack file, by full name. A list is
	// JSON.
	Settings map[string]string
}

// Passphrase encrypts the secret values of stacks that NewStack prepares. Their
// secrets are the stand-in account's.
const Passphrase = "PassphraseOfNoStack"

// NewStack prepares a stack of the program on the stand-ins, with the settings
// of the project's Pulumi.NAME.yaml. Everything that the Pulumi CLI keeps is in
// dir, the state in its folder state. Two stacks of one name need two
// directories.
func (s *StandIns) NewStack(ctx context.Context, cli auto.PulumiCommand, dir, name string, opts StackOptions) (auto.Stack, error) {
	stack, err := s.newStack(ctx, cli, dir, name, opts)
	if err != nil {
		return stack, fmt.Errorf("preparing stack %s: %w", name, err)
	}
	return stack, nil
}

func (s *StandIns) newStack(ctx context.Context, cli auto.PulumiCommand, dir, name string, opts StackOptions) (auto.Stack, error) {
	state, work := filepath.Join(dir, "state"), filepath.Join(dir, "work")
	for _, folder := range []string{state, work} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return auto.Stack{}, err
		}
	}
	project, err := workspace.LoadProject(filepath.Join(s.root, "Pulumi.yaml"))
	if err != nil {
		return auto.Stack{}, err
	}
	project.Main = s.root
	project.Backend = &workspace.ProjectBackend{URL: "file://" + state}

	file := "Pulumi." + name + ".yaml"
	settings, err := workspace.LoadProjectStack(nil, project, filepath.Join(s.root, file))
	if err != nil {
		return auto.Stack{}, err
	}
	// Deploying the stack for real adds its encryption to the file, which this
	// one's passphrase does not fit.
	settings.SecretsProvider, settings.EncryptedKey, settings.EncryptionSalt = "", "", ""
	for name, text := range opts.Settings {
		key, err := config.ParseKey(name)
		if err != nil {
			return auto.Stack{}, err
		}
		value := config.NewValue(text)
		if strings.HasPrefix(text, "[") {
			value = config.NewObjectValue(text)
		}
		settings.Config[key] = value
	}
	if err := settings.Save(filepath.Join(work, file)); err != nil {
		return auto.Stack{}, err
	}

	environment := s.ProgramEnv()
	environment["PULUMI_CONFIG_PASSPHRASE"] = Passphrase
	program := opts.Program
	if program == nil {
		program = infra.Deploy
	}
	space, err := auto.NewLocalWorkspace(ctx,
		auto.Pulumi(cli),
		auto.PulumiHome(filepath.Join(dir, "home")),
		auto.WorkDir(work),
		auto.Project(*project),
		auto.Program(program),
		auto.SecretsProvider("passphrase"),
		auto.EnvVars(environment))
	if err != nil {
		return auto.Stack{}, err
	}
	return auto.UpsertStack(ctx, name, space)
}
