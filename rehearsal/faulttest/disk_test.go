package faulttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/rehearsal"
)

// TestFullDisk lets the room for the state end in the middle of pulumi up. The file of the state is
// cut off then, and the one before lies next to it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := start(t)
	roomy := s.pulumi
	s.pulumi = s.withRoomFor(24)
	if printed, err := s.up(optup.Parallel(1)); err == nil || !strings.Contains(printed, "error occurred while writing the new snapshot file") {
		t.Fatalf("pulumi up without room for its state ends with %v:\n%s", err, printed)
	}
	s.pulumi = roomy
	s.unlock()
	if printed, err := s.up(); err == nil || !strings.Contains(printed, "failed to load checkpoint: place 1: unexpected end of JSON input") {
		t.Fatalf("pulumi up with the state cut off ends with %v: if it goes on by itself now, say so in docs/reliability.md\n%s", err, printed)
	}

	file := filepath.Join(s.StandIns.StateDir(), ".pulumi/stacks/ev-streaming/dev.json")
	before, err := os.ReadFile(file + ".bak")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	s.importPending()
	if printed, err := s.up(optup.Refresh()); err != nil {
		t.Fatalf("pulumi up --refresh with the state before: %v\n%s", err, printed)
	}
	s.clearPending()
	s.settled()
	s.mustDestroy()
}

// withRoomFor is the stack with a CLI that can write no file of more kilobytes.
func (s *stack) withRoomFor(kilobytes int) *auto.Stack {
	s.t.Helper()
	root, err := rehearsal.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	built, err := filepath.Glob(filepath.Join(root, "tools/bin/pulumi-*/bin"))
	if err != nil {
		s.t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nulimit -f %d\nPATH='%s' exec pulumi \"$@\"\n", kilobytes*2, strings.Join(append(built, os.Getenv("PATH")), ":"))
	dir := s.t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/pulumi"), []byte(script), 0o700); err != nil {
		s.t.Fatal(err)
	}
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: dir})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.StackBy(cli, rehearsal.StackOptions{})
}
