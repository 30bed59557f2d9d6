// Package snapshottest runs cmd/snapshot against the stand-in for the Redshift
// Serverless API.
package snapshottest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/evstream/emulator/fakeredshift"
)

func TestLastSnapshot(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "snapshot")
	build := exec.Command("go", "build", "-o", binary, "./cmd/snapshot")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for argument, want := range map[string]int{"-h": 0, "help": 0, "now": 2} {
		cmd := exec.Command(binary, argument)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != want || !strings.HasPrefix(string(out), "Snapshot takes a last snapshot") {
			t.Errorf("%s exits with %d and prints\n%s", argument, cmd.ProcessState.ExitCode(), out)
		}
	}
	conflict := &fakeredshift.Error{Code: "ConflictException", Message: "There is an operation running on the namespace."}
	const advice = "Nothing is deleted before the snapshot is there."

	for _, c := range []struct {
		name    string
		given   func(*fakeredshift.Server)
		during  func(*fakeredshift.Server) // once it waits
		says    []string
		fails   bool
		taken   int
		another string // namespace that it is for
	}{
		{
			name: "a namespace", taken: 1,
			says: []string{"Snapshot ev-dev-final-", " is kept for 30 days.", "aws redshift-serverless restore-from-snapshot --region us-east-1 --namespace-name ev-dev --workgroup-name ev-dev --snapshot-name ev-dev-final-"},
		},
		{
			name: "a namespace whose password AWS keeps", another: "ev-kept", taken: 1, says: []string{" --manage-admin-password\n"},
		},
		{
			name: "an operation that still runs",
			given: func(s *fakeredshift.Server) {
				s.Control("CreateSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault { return &fakeredshift.Fault{Err: conflict} })
			},
			taken: 1,
		},
		{
			name: "an answer that is lost",
			given: func(s *fakeredshift.Server) {
				s.Control("CreateSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault { return &fakeredshift.Fault{CutAfter: true} })
			},
			taken: 1, says: []string{" is kept for 30 days."},
		},
		{
			name: "a snapshot that takes its time", taken: 1,
			given:  func(s *fakeredshift.Server) { s.Hold() },
			during: func(s *fakeredshift.Server) { s.Release("AVAILABLE") },
		},
		{
			name: "a snapshot that fails", taken: 1, fails: true, says: []string{" is FAILED\n", advice},
			given:  func(s *fakeredshift.Server) { s.Hold() },
			during: func(s *fakeredshift.Server) { s.Release("FAILED") },
		},
		{
			name: "no more snapshots allowed", fails: true, says: []string{"ServiceQuotaExceededException", advice},
			given: func(s *fakeredshift.Server) {
				s.Control("CreateSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
					return &fakeredshift.Fault{Err: &fakeredshift.Error{Code: "ServiceQuotaExceededException", Message: "Too many snapshots."}}
				})
			},
		},
		{
			name: "no such namespace", another: "none", fails: true, says: []string{"final snapshot of namespace none in us-east-1: ", "ResourceNotFoundException", advice},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			namespace := "ev-dev"
			if c.another != "" {
				namespace = c.another
			}
			s := start(t)
			if c.given != nil {
				c.given(s)
			}
			if c.during != nil {
				// It has begun to wait when it asks how the snapshot is.
				s.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
					go c.during(s)
					return &fakeredshift.Fault{}
				})
			}
			out, err := run(s, binary, namespace)
			if (err != nil) != c.fails {
				t.Errorf("it ends with %v: %s", err, out)
			}
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("it says %q, want %q in it", out, want)
				}
			}
			if taken := s.Snapshots(); len(taken) != c.taken {
				t.Errorf("snapshots are %v, want %d", taken, c.taken)
			}
		})
	}

	// What a killed one left is not made again, and what others left is not taken for it.
	t.Run("one that was begun", func(t *testing.T) {
		s := start(t)
		s.Hold()
		s.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
			return &fakeredshift.Fault{Err: &fakeredshift.Error{Code: "ValidationException", Message: "killed here"}}
		})
		if out, err := run(s, binary, "ev-dev"); err == nil {
			t.Fatalf("it was not stopped: %s", out)
		}
		s.Control("GetSnapshot", func(*fakeredshift.Call) *fakeredshift.Fault {
			go s.Release("AVAILABLE")
			return &fakeredshift.Fault{}
		})
		if out, err := run(s, binary, "ev-dev"); err != nil || !strings.Contains(out, "is already being created") {
			t.Errorf("it ends with %v and says %q", err, out)
		}
		if taken := s.Snapshots(); len(taken) != 1 {
			t.Errorf("snapshots are %v, want the one that was begun", taken)
		}
		// Records may have come since that one was whole.
		if out, err := run(s, binary, "ev-kept"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if taken := s.Snapshots(); len(taken) != 2 {
			t.Errorf("snapshots are %v, want one of each namespace", taken)
		}
	})
}

func start(t *testing.T) *fakeredshift.Server {
	t.Helper()
	s := fakeredshift.New(nil)
	for _, n := range []fakeredshift.Namespace{
		{Name: "ev-dev"},
		{Name: "ev-kept", AdminSecretARN: "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ev-kept"},
	} {
		if err := s.CreateNamespace(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if err := s.CreateWorkgroup(t.Context(), fakeredshift.Workgroup{Name: n.Name, Namespace: n.Name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// run runs the command and returns what it printed.
func run(s *fakeredshift.Server, binary, namespace string) (string, error) {
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_PROFILE=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS="+s.URL(),
		"REDSHIFT_NAMESPACE="+namespace, "REDSHIFT_WORKGROUP=ev-dev", "SNAPSHOT_RETENTION_DAYS=30")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
