package faulttest

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/stacktest"
)

var every = flag.Bool("every", false, "kill at every point, with every optional resource; not at one in four")

// errKilled is answered to an engine that is dead.
var errKilled = errors.New("killed")

// killer kills the engine once before and once after everything that it makes the
// stand-ins do.
type killer struct {
	*stack

	mu      sync.Mutex
	visited map[string]bool
	reached string // where the present up was killed
}

// now kills the engine if it was not yet killed at a point.
func (k *killer) now(point string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reached != "" || k.visited[point] || !*every && crc32.ChecksumIEEE([]byte(point))%4 != 0 {
		return false
	}
	k.visited[point], k.reached = true, point
	k.kill()
	return true
}

// arm registers the points: the requests of creations and deletions, commands, and
// statements of the Data API.
func (k *killer) arm() {
	decide := func(c *fakeaws.Call) *fakeaws.Fault {
		c.Keep()
		point := fmt.Sprint(cmp.Or(c.Request, c.Operation), " ", c.URN)
		if k.now("before " + point) {
			return &fakeaws.Fault{Err: errKilled}
		}
		return &fakeaws.Fault{Then: func() { k.now("after " + point) }}
	}
	for _, operation := range []string{fakeaws.Create, fakeaws.Delete} {
		k.StandIns.AWS.Control(operation, "", decide)
	}
	k.StandIns.Commands.Control(fakeaws.Create, decide)
	k.StandIns.DataAPI.Control("", func(c *fakedataapi.Call) *fakedataapi.Fault {
		if c.Operation != "ExecuteStatement" && c.Operation != "BatchExecuteStatement" {
			return nil
		}
		c.Keep()
		point := c.SQL[len(c.SQL)-1] // of a migration's batch, its record
		if k.now("before " + point) {
			return &fakedataapi.Fault{CutBefore: true}
		}
		// What was accepted goes on without its client.
		return &fakedataapi.Fault{CutAfter: isChange(point) && k.now("after "+point)}
	})
}

// isChange tells a statement that changes the database from one that does not.
func isChange(statement string) bool {
	return !regexp.MustCompile(`^(SELECT|SET|BEGIN|COMMIT|ROLLBACK|LOCK)\b`).MatchString(statement)
}

// adoption is the command that cmd/migrate prints for a migration that ran alone and is
// not recorded.
var adoption = regexp.MustCompile(`\S+=\S+ .*go run ./cmd/evstream adopt \d+`)

// changes are the statements that changed the database, in order. What does nothing the
// second time is left out.
func (s *stack) changes() []string {
	var made []string
	for _, statement := range s.StandIns.Warehouse.Log() {
		if statement.Err == nil && isChange(statement.SQL) && !strings.Contains(statement.SQL, "IF NOT EXISTS") {
			made = append(made, statement.SQL)
		}
	}
	return made
}

// TestKilledAnywhere kills pulumi up before and after each creation and each SQL
// statement, and pulumi destroy before and after each deletion. Doing each time what the document says, in the end everything is there
// once, and no statement was run twice.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	var settings []string
	if *every {
		settings = everything
	}
	s := start(t, settings...)
	s.mustUp()
	want, clean := s.inAccount(), s.changes()
	s.mustDestroy()

	k := &killer{stack: s, visited: map[string]bool{}}
	k.arm()
	adopted := 0
	for range 500 { // far more than there are points
		k.reached = ""
		// One operation at a time, so that no other one is under way.
		printed, err := s.up(optup.Parallel(1))
		if k.reached == "" {
			if command := adoption.FindString(printed); command != "" {
				k.reached = "no engine runs"
				s.Run(command)
				adopted++
				continue
			}
			if err != nil {
				t.Fatalf("pulumi up after a recovery: %v\n%s", err, printed)
			}
			break
		}
		if len(k.visited) == 1 {
			if _, err := s.up(); err == nil || !strings.Contains(err.Error(), "delete the lock file with `pulumi cancel`") {
				t.Errorf("pulumi up after a kill: %v, want what to do about the lock", err)
			}
			if err := s.pulumi.Cancel(t.Context()); err != nil {
				t.Fatalf("pulumi cancel: %v", err)
			}
		}
		s.unlock()
		s.importPending()
	}
	s.clearPending()
	t.Logf("killed at %d points; %d migrations were adopted", len(k.visited), adopted)

	if got := s.inAccount(); !maps.Equal(got, want) {
		t.Errorf("after all kills the account has %v, want %v", got, want)
	}
	made := s.changes()[len(clean):]
	slices.Sort(clean)
	slices.Sort(made)
	if !slices.Equal(made, clean) {
		t.Errorf("these statements were run:\n%s\nwant those of a run without kills:\n%s", strings.Join(made, "\n"), strings.Join(clean, "\n"))
	}
	s.unchanged()

	ups := len(k.visited)
	for k.reached = "none"; k.reached != ""; s.unlock() {
		k.reached = ""
		if printed, err := s.destroy(optdestroy.Parallel(1)); err != nil && k.reached == "" {
			t.Fatalf("pulumi destroy after a kill: %v\n%s", err, printed)
		}
	}
	t.Logf("pulumi destroy was killed at %d points", len(k.visited)-ups)
	s.NothingIsLeft()
}

// TestPendingCreatesAreNotImported shows why docs/reliability.md advises pulumi import.
func TestPendingCreatesAreNotImported(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.StandIns.AWS.Control(fakeaws.Create, streamType, func(*fakeaws.Call) *fakeaws.Fault {
		return &fakeaws.Fault{Then: s.kill}
	})
	if _, err := s.up(optup.Parallel(1)); err == nil {
		t.Fatal("pulumi up was not killed")
	}
	s.unlock()
	var pending []optrefresh.PendingCreate
	for _, operation := range s.state().PendingOperations {
		pending = append(pending, optrefresh.PendingCreate{URN: string(operation.Resource.URN), ID: stacktest.Stream})
	}
	if len(pending) != 1 {
		t.Fatalf("the pending creates are %v, want the stream's", pending)
	}
	if _, err := s.pulumi.Refresh(t.Context(), optrefresh.ImportPendingCreates(pending)); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(s.kinds(), streamType) {
		t.Error("pulumi refresh --import-pending-creates imports now: say so in docs/reliability.md")
	}
}
