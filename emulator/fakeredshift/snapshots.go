package fakeredshift

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

type createSnapshot struct {
	NamespaceName   string `json:"namespaceName"`
	SnapshotName    string `json:"snapshotName"`
	RetentionPeriod *int   `json:"retentionPeriod"`
}

// snapshotName is the rule for identifiers of snapshots of clusters; the service model
// gives none.
var snapshotName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (in createSnapshot) apply(s *Server) (any, error) {
	days := -1
	if in.RetentionPeriod != nil {
		days = *in.RetentionPeriod
	}
	namespace, ok := s.namespaces(in.NamespaceName)
	switch {
	case in.NamespaceName == "" || in.SnapshotName == "":
		return nil, invalid("Both namespaceName and snapshotName must be given.")
	case !snapshotName.MatchString(in.SnapshotName) || len(in.SnapshotName) > 255:
		return nil, invalid("The snapshot name %s is not valid.", in.SnapshotName)
	case days != -1 && (days < 1 || days > 3653):
		return nil, invalid("The retention period must be -1 or 1 to 3653 days, not %d.", days)
	case !ok:
		return nil, &Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf("The namespace %s was not found.", in.NamespaceName)}
	case namespace.Workgroup == "":
		return nil, invalid("The namespace %s has no workgroup.", in.NamespaceName)
	case s.find(in.SnapshotName) != nil:
		return nil, &Error{Code: "ConflictException", Message: fmt.Sprintf("A snapshot named %s already exists.", in.SnapshotName)}
	}
	snapshot := &Snapshot{
		Name: in.SnapshotName, Namespace: in.NamespaceName, Status: available, RetentionDays: days, Created: s.now(), of: namespace,
	}
	if s.held {
		snapshot.Status = creating
	}
	s.snapshots = append(s.snapshots, snapshot)
	shown := snapshot.shown()
	shown["status"] = creating // whatever it is by the next request
	return map[string]any{"snapshot": shown}, nil
}

type getSnapshot struct {
	SnapshotName string `json:"snapshotName"`
}

func (in getSnapshot) apply(s *Server) (any, error) {
	if in.SnapshotName == "" {
		return nil, invalid("The stand-in needs snapshotName.")
	}
	snapshot := s.find(in.SnapshotName)
	if snapshot == nil {
		return nil, &Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf("The snapshot %s was not found.", in.SnapshotName)}
	}
	return map[string]any{"snapshot": snapshot.shown()}, nil
}

type listSnapshots struct {
	NamespaceName string  `json:"namespaceName"`
	MaxResults    *int    `json:"maxResults"`
	NextToken     *string `json:"nextToken"`
}

// pageSize is how many snapshots a page has; the service's is not documented.
const pageSize = 20

func (in listSnapshots) apply(s *Server) (any, error) {
	size, from := pageSize, 0
	if in.MaxResults != nil {
		if size = *in.MaxResults; size < 1 || size > 100 {
			return nil, invalid("maxResults must be 1 to 100, not %d.", size)
		}
	}
	if in.NextToken != nil {
		if _, err := fmt.Sscanf(*in.NextToken, "from %d", &from); err != nil {
			return nil, invalid("The token %q is none of the stand-in's.", *in.NextToken)
		}
	}
	var of []map[string]any
	for _, snapshot := range s.snapshots {
		if in.NamespaceName == "" || snapshot.Namespace == in.NamespaceName {
			of = append(of, snapshot.shown())
		}
	}
	slices.Reverse(of) // no order is documented: clients must not rely on one
	from = min(from, len(of))
	to := min(from+size, len(of))
	reply := map[string]any{"snapshots": of[from:to]}
	if to < len(of) {
		reply["nextToken"] = fmt.Sprintf("from %d", to)
	}
	return reply, nil
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
		"status": s.Status, "snapshotRetentionPeriod": s.RetentionDays, "snapshotCreateTime": s.Created.UTC().Format(time.RFC3339),
	}
	if s.of.AdminSecretARN != "" {
		shown["adminPasswordSecretArn"] = s.of.AdminSecretARN
	}
	return shown
}
