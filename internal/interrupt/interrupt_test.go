package interrupt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"example.com/evstream/internal/interrupt"
)

// TestMain is the test, or with INTERRUPTED set a command that waits for something
// that never comes and, when it is interrupted, hangs.
func TestMain(m *testing.M) {
	if os.Getenv("INTERRUPTED") == "" {
		os.Exit(m.Run())
	}
	ctx := interrupt.Context()
	fmt.Println("waiting")
	_, err := interrupt.Await(ctx, func() (any, error) { select {} })
	fmt.Println(err)
	select {}
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			command := exec.Command(os.Args[0])
			command.Env = append(os.Environ(), "INTERRUPTED=1")
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewScanner(stdout)
			for _, want := range []string{"waiting", sig.String() + " signal received"} {
				if !out.Scan() || out.Text() != want {
					t.Fatalf("the command says %q, want %q", out.Text(), want)
				}
				if err := command.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
			}
			var exit *exec.ExitError
			if err := command.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != sig {
				t.Errorf("the command ended with %v, want by the second signal", err)
			}
		})
	}
}

func TestAwaitReturnsWhatItRan(t *testing.T) {
	if n, err := interrupt.Await(t.Context(), func() (int, error) { return 7, nil }); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := interrupt.Sleep(ctx, time.Hour); err != context.Canceled {
		t.Errorf("%v", err)
	}
	if err := interrupt.Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("%v", err)
	}
}
