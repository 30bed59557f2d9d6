package rehearsal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Locks are the files that lock a stack, as NewStack prepares it, while a Pulumi CLI
// works on it or after one was killed.
func (s *StandIns) Locks(stack string) ([]string, error) {
	return filepath.Glob(filepath.Join(s.StateDir(), ".pulumi/locks/organization/*", stack, "*.json"))
}

// Kill ends the Pulumi CLI that works on a stack, the one that its lock names, as
// kill -9 does, and waits for its end. The command that it runs goes with it.
func (s *StandIns) Kill(stack string) error {
	locks, err := s.Locks(stack)
	if err != nil {
		return err
	}
	if len(locks) != 1 {
		return fmt.Errorf("killing what works on stack %s: its locks are %v, want one", stack, locks)
	}
	text, err := os.ReadFile(locks[0])
	if err != nil {
		return err
	}
	var lock struct{ Pid int }
	if err := json.Unmarshal(text, &lock); err != nil || lock.Pid <= 0 {
		return fmt.Errorf("the lock %s names no process: %q (error %v)", locks[0], text, err)
	}
	if err := syscall.Kill(lock.Pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing process %d: %w", lock.Pid, err)
	}
	for !errors.Is(syscall.Kill(lock.Pid, 0), syscall.ESRCH) {
		time.Sleep(time.Millisecond)
	}
	return nil
}
