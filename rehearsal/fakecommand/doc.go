// Package fakecommand is an in-process stand-in for Pulumi's command provider, with
// its one resource type command:local:Command.
//
// Start one and attach the engine to it:
//
//	commands, err := fakecommand.Start(fakecommand.Options{Dir: projectDir})
//	if err != nil { … }
//	defer commands.Close()
//	os.Setenv("PULUMI_DEBUG_PROVIDERS", fmt.Sprintf("command:%d", commands.Port()))
//
// Commands really run, in the engine's "up" and "destroy", never in a preview. What
// runs when, with which environment, what counts as a change and what is kept of a
// failure is as in the provider's release 1.2.1. Where that one hangs for ever, on a
// logged line of more than 64 KiB, the stand-in fails and says why. README.md lists
// what is not supported; using it is an error.
package fakecommand
