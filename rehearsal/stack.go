package rehearsal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
	"example.com/evstream/rehearsal/fakeaws"
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
// of the project's Pulumi.NAME.yaml, moved into the stand-ins' account. Everything that the Pulumi CLI keeps is in
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
	moveHere(settings.Config)
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

// moveHere puts what the stand-in account has in the place of what a real one has:
// region, network, secret, key, stream and topic. So a stack file that is in use
// can be rehearsed too.
func moveHere(settings config.Map) {
	ours := func(name string) config.Key { return config.MustMakeKey("ev-streaming", name) }
	change := func(key config.Key, to func(was string) string) {
		if was, err := settings[key].Value(config.NopDecrypter); err == nil && was != "" {
			settings[key] = config.NewValue(to(was))
		}
	}
	always := func(value string) func(string) string { return func(string) string { return value } }

	change(config.MustMakeKey("aws", "region"), always(region))
	delete(settings, config.MustMakeKey("aws", "profile"))
	delete(settings, config.MustMakeKey("aws", "allowedAccountIds"))

	world := World()
	settings[ours("vpcName")] = config.NewValue(world.VPCs[0].Tags["Name"])
	delete(settings, ours("vpcId"))
	delete(settings, ours("subnetIds"))
	change(ours("secretName"), func(was string) string {
		if slices.ContainsFunc(world.Secrets, func(s fakeaws.Secret) bool { return s.Name == was }) {
			return was
		}
		return world.Secrets[0].Name
	})
	change(ours("existingStreamName"), always(ExistingStream))
	change(ours("kmsKeyArn"), always(fmt.Sprintf("arn:aws:kms:%s:%s:key/1234abcd-12ab-34cd-56ef-1234567890ab", region, accountID)))
	change(ours("alarmTopicArn"), always(fmt.Sprintf("arn:aws:sns:%s:%s:alarms", region, accountID)))
}
