package fakedataapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// find gives a statement by its id; the id of a part names its statement too.
func (s *Server) find(id string) (*statement, int, error) {
	base, number, isPart := strings.Cut(id, ":")
	st := s.statements[base]
	if st == nil {
		return nil, 0, notFound(id, "Query does not exist.")
	}
	if !isPart {
		return st, -1, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || !st.batch || n < 1 || n > len(st.parts) {
		return nil, 0, notFound(id, "Query does not exist.")
	}
	return st, n - 1, nil
}

type describeStatement struct {
	ID string `json:"Id"`
}

func (in *describeStatement) names() (string, []string) { return in.ID, nil }

func (in *describeStatement) check(c *checks) {
	c.require("id", in.ID)
	c.match("id", in.ID, idPattern)
}

type described struct {
	ID              string `json:"Id"`
	Status          string
	Error           string `json:",omitempty"`
	CreatedAt       float64
	UpdatedAt       float64
	Duration        int64 // nanoseconds
	HasResultSet    bool
	ResultRows      int64
	ResultSize      int64
	QueryString     string         `json:",omitempty"`
	QueryParameters []parameter    `json:",omitempty"`
	RedshiftPid     int            `json:",omitempty"`
	RedshiftQueryID int            `json:"RedshiftQueryId"`
	Database        string         `json:",omitempty"`
	SecretArn       string         `json:",omitempty"`
	WorkgroupName   string         `json:",omitempty"`
	ResultFormat    string         `json:",omitempty"`
	SessionID       string         `json:"SessionId,omitempty"`
	SubStatements   []subStatement `json:",omitempty"`
}

type subStatement struct {
	ID              string `json:"Id"`
	Status          string
	Error           string `json:",omitempty"`
	CreatedAt       float64
	UpdatedAt       float64
	Duration        int64
	HasResultSet    bool
	ResultRows      int64
	ResultSize      int64
	QueryString     string
	RedshiftQueryID int `json:"RedshiftQueryId"`
}

func (in *describeStatement) apply(s *Server, _ time.Time, _ Fault) (any, error) {
	st, _, err := s.find(in.ID)
	if err != nil {
		return nil, err
	}
	out := &described{
		ID: st.id, Status: st.status, Error: st.err, CreatedAt: seconds(st.created), UpdatedAt: seconds(st.updated),
		ResultRows: -1, ResultSize: -1, QueryParameters: st.parameters, RedshiftPid: st.pid,
		Database: st.target.database, SecretArn: st.target.secret, WorkgroupName: st.target.workgroup,
		ResultFormat: "JSON", SessionID: st.sessionID,
	}
	if !st.batch {
		sub := st.describe(0)
		out.QueryString, out.Duration, out.HasResultSet = sub.QueryString, sub.Duration, sub.HasResultSet
		out.ResultRows, out.ResultSize, out.RedshiftQueryID = sub.ResultRows, sub.ResultSize, sub.RedshiftQueryID
		return out, nil
	}
	for i := range st.parts {
		sub := st.describe(i)
		out.Duration += sub.Duration
		out.HasResultSet = out.HasResultSet || sub.HasResultSet
		out.SubStatements = append(out.SubStatements, sub)
	}
	return out, nil
}

func (st *statement) describe(i int) subStatement {
	p := st.parts[i]
	sub := subStatement{
		ID: st.id + ":" + strconv.Itoa(i+1), Status: p.status, Error: p.err, CreatedAt: seconds(st.created), UpdatedAt: seconds(st.updated),
		ResultRows: -1, ResultSize: -1, QueryString: st.sqls[i], RedshiftQueryID: p.queryID,
	}
	if !p.ended.IsZero() {
		sub.Duration = p.ended.Sub(p.started).Nanoseconds()
	}
	if p.result != nil && p.status == finished {
		sub.HasResultSet = p.result.Columns != nil
		sub.ResultRows, sub.ResultSize = p.result.Affected, 0
		if sub.HasResultSet {
			sub.ResultRows, sub.ResultSize = int64(len(p.result.Rows)), int64(p.size)
		}
	}
	return sub
}

type cancelStatement struct {
	ID string `json:"Id"`
}

func (in *cancelStatement) names() (string, []string) { return in.ID, nil }

func (in *cancelStatement) check(c *checks) {
	c.require("id", in.ID)
	c.match("id", in.ID, idPattern)
}

func (in *cancelStatement) apply(s *Server, now time.Time, _ Fault) (any, error) {
	st, _, err := s.find(in.ID)
	if err != nil {
		return nil, err
	}
	if st.ended() {
		return nil, invalid("Could not cancel a query that is already in %s state with ID: %s", st.status, st.id)
	}
	st.status, st.updated = aborted, now
	for i := range st.parts {
		if p := &st.parts[i]; p.status == submitted || p.status == started {
			p.status = aborted
		}
	}
	st.cancel()
	return map[string]bool{"Status": true}, nil
}

type listStatements struct {
	ClusterIdentifier string
	Database          string
	MaxResults        *int
	NextToken         string
	RoleLevel         *bool
	StatementName     string
	Status            string
	WorkgroupName     string
}

func (in *listStatements) names() (string, []string) { return "", nil }

func (in *listStatements) check(c *checks) {
	if in.MaxResults != nil && (*in.MaxResults < 0 || *in.MaxResults > 100) {
		c.failf("Value '%d' at 'maxResults' failed to satisfy constraint: Member must be between 0 and 100", *in.MaxResults)
	}
	if in.Status != "" && !slices.Contains([]string{submitted, picked, started, finished, aborted, failed, "ALL"}, in.Status) {
		c.failf("Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set", in.Status)
	}
	c.length("statementName", in.StatementName, 0, 2048)
	c.match("workgroupName", in.WorkgroupName, workgroupPattern)
}

type listed struct {
	ID               string      `json:"Id"`
	Status           string      `json:",omitempty"`
	StatementName    string      `json:",omitempty"`
	QueryString      string      `json:",omitempty"`
	QueryStrings     []string    `json:",omitempty"`
	QueryParameters  []parameter `json:",omitempty"`
	IsBatchStatement bool
	SecretArn        string
	CreatedAt        float64
	UpdatedAt        float64
	ResultFormat     string
	SessionID        string `json:"SessionId,omitempty"`
}

// apply lists the newest statements first; unless asked otherwise, those that have
// finished. https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
func (in *listStatements) apply(s *Server, _ time.Time, _ Fault) (any, error) {
	if in.ClusterIdentifier != "" {
		return nil, unsupported("a provisioned cluster (ClusterIdentifier)")
	}
	most := 100
	if in.MaxResults != nil && *in.MaxResults > 0 {
		most = *in.MaxResults
	}
	var out struct {
		Statements []listed
		NextToken  string `json:",omitempty"`
	}
	out.Statements = []listed{}
	skip := in.NextToken != ""
	status := cmp.Or(in.Status, finished)
	for _, st := range slices.Backward(s.order) {
		if skip {
			skip = st.id != in.NextToken
			if skip {
				continue
			}
		}
		if status != "ALL" && st.status != status || !strings.HasPrefix(st.name, in.StatementName) ||
			in.WorkgroupName != "" && st.target.workgroup != in.WorkgroupName || in.Database != "" && st.target.database != in.Database {
			continue
		}
		if len(out.Statements) == most {
			out.NextToken = st.id
			break
		}
		l := listed{
			ID: st.id, Status: st.status, StatementName: st.name, QueryParameters: st.parameters, IsBatchStatement: st.batch,
			SecretArn: st.target.secret, CreatedAt: seconds(st.created), UpdatedAt: seconds(st.updated), ResultFormat: "JSON", SessionID: st.sessionID,
		}
		if st.batch {
			l.QueryStrings = st.sqls
		} else {
			l.QueryString = st.sqls[0]
		}
		out.Statements = append(out.Statements, l)
	}
	if skip {
		return nil, invalid("Invalid NextToken")
	}
	return out, nil
}
