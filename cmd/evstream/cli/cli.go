// Package cli is what the verbs of evstream share: how they are called and stopped,
// how they end, where they connect to, and how they write to a terminal.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/evstream/internal/interrupt"
)

// Exit codes. exitStatuses says what they mean.
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// exitStatuses stands in the help of every verb that has not its own.
const exitStatuses = "Exit status: 0 success; 1 failure; 2 wrong usage; 130 interrupted."

// ErrInterrupted is the error of a verb that was interrupted.
var ErrInterrupted = errors.New("interrupted")

// A Status ends the command with an exit code of its own. Without Err nothing more
// is printed.
type Status struct {
	Code int
	Err  error
}

func (s Status) Error() string { return fmt.Sprint(s.Err) }
func (s Status) Unwrap() error { return s.Err }

type usageError struct{ error }

// Usagef returns an error about a mistake on the command line.
func Usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Root returns the command with these verbs.
func Root(verbs ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "evstream",
		Short: "Write records to the stream, ask the warehouse about them, and look after its migrations",
		Long: `Evstream writes records to the stream, queries them in the warehouse, calculates what
a load costs, and manages the warehouse's migrations.

--stack NAME, run in the project's folder, names the deployment. Flags override the
stack's outputs, and these the environment. Credentials, region and endpoint are
those of the AWS environment: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and so on.

` + exitStatuses + `
go run hides it (it exits with 1 itself): install the command with
go install ./cmd/evstream, or make install.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return Usagef("there is no verb %q%s", args[0], DidYouMean(cmd.SuggestionsFor(args[0])...))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages", "Flags.FlagUsagesWrapped 80"))
	root.AddCommand(verbs...)
	root.InitDefaultHelpCmd()
	for _, cmd := range append(verbs, root) {
		cmd.SuggestionsMinimumDistance = 2
		if !strings.Contains(cmd.Long, "Exit status") {
			cmd.Long += "\n\n" + exitStatuses
		}
	}
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" {
			cmd.Args = helpTopic
		}
	}
	return root
}

// helpTopic refuses what there is no help about: cobra would answer with the help of
// the last verb that it knows.
func helpTopic(cmd *cobra.Command, args []string) error {
	topic, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) == 0 {
		return err
	}
	return topic.ValidateArgs(rest)
}

// NoArgs refuses arguments that are no flags.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("unexpected argument %q: everything is a flag", args[0])
	}
	return nil
}

// version is the module's version, or the commit that the command was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := strings.Trim(info.Main.Version, "()")
	if revision := settings["vcs.revision"]; revision != "" {
		text = fmt.Sprintf("%s, commit %.12s of %s", text, revision, settings["vcs.time"])
	}
	return fmt.Sprintf("%s, %s", cmp.Or(text, "devel"), info.GoVersion)
}

// Run runs the command and returns its exit code.
func Run(root *cobra.Command) int {
	root.SetOut(Terminal(os.Stdout))
	root.SetErr(Terminal(os.Stderr))
	cmd, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	var usage usageError
	var status Status
	code, hint := ExitFailed, ""
	switch {
	case errors.As(err, &usage):
		code, hint = ExitUsage, fmt.Sprintf("%s -h shows how it is used.\n", cmd.CommandPath())
	case errors.As(err, &status):
		err, code = status.Err, status.Code
	case errors.Is(err, ErrInterrupted):
		code = ExitInterrupted
	}
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n%s", cmd.CommandPath(), Explain(err), hint)
	}
	return code
}

// grace is how long a verb that was told to stop may take for it, to cancel a
// statement for example.
const grace = 800 * time.Millisecond

// Interruptible makes run end soon after the first signal, whatever it waits for. A
// second signal ends the process at once.
func Interruptible(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx := interrupt.Context()
		cmd.SetContext(ctx)
		ended := make(chan error, 1)
		go func() { ended <- run(cmd, args) }()
		select {
		case err := <-ended:
			return stopped(ctx, err)
		case <-ctx.Done():
		}
		select {
		case err := <-ended:
			return stopped(ctx, err)
		case <-time.After(grace):
			return fmt.Errorf("%w, without waiting for an answer any longer", ErrInterrupted)
		}
	}
}

// stopped tells an error that is no more than the end of the context from others.
func stopped(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case err == ctx.Err() || err == context.Cause(ctx):
		return ErrInterrupted
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, err)
}

// flagError words what is wrong with a flag, with its usage text as the rule.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		return Usagef("there is no flag --%s%s", name, DidYouMean(nearest(name, cmd.Flags())...))
	case errors.As(err, &bare):
		_, usage := pflag.UnquoteUsage(bare.GetFlag())
		return Usagef("--%s needs a value: %s", bare.GetFlag().Name, usage)
	case errors.As(err, &invalid):
		return Usagef("--%s is %q: it must be %s", invalid.GetFlag().Name, invalid.GetValue(), kind(invalid.GetFlag()))
	}
	return usageError{err}
}

// kind says what a flag's value is.
func kind(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return "a time such as 30s, 5m or 24h"
	case "bool":
		return "true or false"
	case "float64":
		return "a number"
	case "uint64":
		return "a whole number from 0 on"
	}
	return "a whole number"
}

// nearest returns the flag that is most probably meant, if one is near.
func nearest(name string, flags *pflag.FlagSet) []string {
	best, fewest := "", len(name)/3+2 // so many edits are no slip of the finger
	flags.VisitAll(func(f *pflag.Flag) {
		if edits := levenshtein.Distance(strings.ToLower(name), f.Name, nil); edits < fewest && !f.Hidden {
			best, fewest = f.Name, edits
		}
	})
	if best == "" {
		return nil
	}
	return []string{"--" + best}
}

// DidYouMean is the question at the end of an error about a name that is not known,
// or nothing if no name is near.
func DidYouMean(names ...string) string {
	if len(names) == 0 {
		return ""
	}
	return ". Did you mean " + strings.Join(names, " or ") + "?"
}
