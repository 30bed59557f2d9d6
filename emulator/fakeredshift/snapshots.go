package fakeredshift

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Snapshot is a snapshot of a namespace.
type Snapshot struct {
	Name          string
	Namespace     string // name
	Status        string // CREATING, AVAILABLE, FAILED and so on
	RetentionDays int    // -1 is for ever
	Created       time.Time

	of Namespace
}

const (
	creating  = "CREATING"
	available = "AVAILABLE"
)

// Snapshots are those that were taken, oldest first.
func (s *Server) Snapshots() []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Snapshot
	for _, snapshot := range s.snapshots {
		all = append(all, *snapshot)
	}
	return all
}

// Hold keeps the snapshots taken from now on CREATING, until [Server.Release].
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// Release ends the snapshots that are CREATING with a status, AVAILABLE or FAILED. Later
// ones are AVAILABLE at once.
func (s *Server) Release(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	for _, snapshot := range s.snapshots {
		if snapshot.Status == creating {
			snapshot.Status = status
		}
	}
}

type createSnapshot struct {
	NamespaceName   string `json:"namespaceName"`
	SnapshotName    string `json:"snapshotName"`
	RetentionPeriod *int   `json:"retentionPeriod"`
}

// snapshotName is the rule for identifiers of snapshots of clusters; the service model
// gives none.
var snapshotName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check says what is wrong with a snapshot's own values.
func (in *createSnapshot) check(s *Server) error {
	days := in.days()
	switch {
	case in.NamespaceName == "" || in.SnapshotName == "":
		return invalid("Both namespaceName and snapshotName must be given.")
	case !snapshotName.MatchString(in.SnapshotName) || len(in.SnapshotName) > 255:
		return invalid("The snapshot name %s is not valid.", in.SnapshotName)
	case days != -1 && (days < 1 || days > 3653):
		return invalid("The retention period must be -1 or 1 to 3653 days, not %d.", days)
	case s.find(in.SnapshotName) != nil:
		return conflict("A snapshot named %s already exists.", in.SnapshotName)
	}
	return nil
}

func (in *createSnapshot) days() int {
	if in.RetentionPeriod == nil {
		return -1
	}
	return *in.RetentionPeriod
}

func (in *createSnapshot) apply(_ context.Context, s *Server) (any, error) {
	if err := in.check(s); err != nil {
		return nil, err
	}
	namespace, err := s.namespace(in.NamespaceName)
	if err != nil {
		return nil, err
	}
	if s.workgroupOf(in.NamespaceName) == "" {
		return nil, invalid("The namespace %s has no workgroup.", in.NamespaceName)
	}
	// The reply says CREATING, whatever it is by the next request.
	return map[string]any{"snapshot": with(creating, in.take(s, namespace).shown())}, nil
}

func (in *createSnapshot) take(s *Server, of Namespace) *Snapshot {
	snapshot := &Snapshot{
		Name: in.SnapshotName, Namespace: in.NamespaceName, Status: available, RetentionDays: in.days(), Created: s.now(), of: of,
	}
	if s.held {
		snapshot.Status = creating
	}
	s.snapshots = append(s.snapshots, snapshot)
	return snapshot
}

type getSnapshot struct {
	SnapshotName string `json:"snapshotName"`
}

func (in *getSnapshot) apply(_ context.Context, s *Server) (any, error) {
	if in.SnapshotName == "" {
		return nil, invalid("The stand-in needs snapshotName.")
	}
	snapshot := s.find(in.SnapshotName)
	if snapshot == nil {
		return nil, notFound("The snapshot %s was not found.", in.SnapshotName)
	}
	return map[string]any{"snapshot": snapshot.shown()}, nil
}

type listSnapshots struct {
	page
	NamespaceName string `json:"namespaceName"`
}

func (in *listSnapshots) apply(_ context.Context, s *Server) (any, error) {
	of := slices.DeleteFunc(slices.Clone(s.snapshots), func(snapshot *Snapshot) bool {
		return in.NamespaceName != "" && snapshot.Namespace != in.NamespaceName
	})
	slices.Reverse(of) // no order is documented: clients must not rely on one
	return list(in.page, "snapshots", of, (*Snapshot).shown)
}

func (s *Server) find(name string) *Snapshot {
	for _, snapshot := range s.snapshots {
		if strings.EqualFold(snapshot.Name, name) {
			return snapshot
		}
	}
	return nil
}

// shown is a snapshot as the service shows it.
func (s *Snapshot) shown() map[string]any {
	shown := map[string]any{
		"snapshotName": s.Name, "namespaceName": s.Namespace, "namespaceArn": s.of.ARN, "adminUsername": s.of.AdminUser,
		"status": s.Status, "snapshotRetentionPeriod": s.RetentionDays, "snapshotCreateTime": date(s.Created),
	}
	if s.of.AdminSecretARN != "" {
		shown["adminPasswordSecretArn"] = s.of.AdminSecretARN
	}
	return shown
}
