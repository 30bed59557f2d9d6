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

func (in *createSnapshot) apply(_ context.Context, s *Server) (any, error) {
	namespace, err := s.Namespace(in.NamespaceName)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	idle := s.workgroupOf(namespace.Name) == ""
	s.mu.Unlock()
	if idle {
		return nil, invalid("The namespace %s has no workgroup.", namespace.Name)
	}
	snapshot, err := in.take(s, namespace)
	if err != nil {
		return nil, err
	}
	return map[string]any{"snapshot": with(creating, snapshot.shown())}, nil // whatever it is by the next request
}

func (in *createSnapshot) take(s *Server, of Namespace) (Snapshot, error) {
	days := -1
	if in.RetentionPeriod != nil {
		days = *in.RetentionPeriod
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !snapshotName.MatchString(in.SnapshotName) || len(in.SnapshotName) > 255:
		return Snapshot{}, invalid("The snapshot name %s is not valid.", in.SnapshotName)
	case days != -1 && (days < 1 || days > 3653):
		return Snapshot{}, invalid("The retention period must be -1 or 1 to 3653 days, not %d.", days)
	case s.find(in.SnapshotName) != nil:
		return Snapshot{}, conflict("A snapshot named %s already exists.", in.SnapshotName)
	}
	snapshot := &Snapshot{Name: in.SnapshotName, Namespace: of.Name, Status: available, RetentionDays: days, Created: s.now(), of: of}
	if s.held {
		snapshot.Status = creating
	}
	s.snapshots = append(s.snapshots, snapshot)
	return *snapshot, nil
}

type getSnapshot struct {
	SnapshotName string `json:"snapshotName"`
}

func (in *getSnapshot) apply(_ context.Context, s *Server) (any, error) {
	if in.SnapshotName == "" {
		return nil, invalid("The stand-in needs snapshotName.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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
	s.mu.Lock()
	defer s.mu.Unlock()
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
