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
	if err != nil || !st.batch() || n < 1 || n > len(st.parts) {
		return nil, 0, notFound(id, "Query does not exist.")
	}
	return st, n - 1, nil
}

// byID is the request of DescribeStatement and of CancelStatement.
type byID struct{ Id string }

// subStatement describes one text of a statement.
type subStatement struct {
	Id              string
	Status          string
	Error           string `json:",omitempty"`
	CreatedAt       float64
	UpdatedAt       float64
	Duration        int64 // nanoseconds
	HasResultSet    bool
	ResultRows      int64
	ResultSize      int64
	QueryString     string `json:",omitempty"`
	RedshiftQueryId int
}

type described struct {
	subStatement
	connection
	QueryParameters []parameter `json:",omitempty"`
	RedshiftPid     int         `json:",omitempty"`
	ResultFormat    string
	SessionId       string         `json:",omitempty"`
	SubStatements   []subStatement `json:",omitempty"`
}

func (in *byID) describe(s *Server, _ time.Time, _ Fault) (any, error) {
	st, _, err := s.find(in.Id)
	if err != nil {
		return nil, err
	}
	out := &described{
		subStatement: subStatement{ResultRows: -1, ResultSize: -1},
		connection:   st.target, QueryParameters: st.Parameters, RedshiftPid: st.pid, ResultFormat: "JSON", SessionId: st.sessionID,
	}
	if st.batch() {
		for i := range st.parts {
			sub := st.describe(i)
			out.Duration += sub.Duration
			out.HasResultSet = out.HasResultSet || sub.HasResultSet
			out.SubStatements = append(out.SubStatements, sub)
		}
	} else {
		out.subStatement = st.describe(0)
	}
	out.Id, out.Status, out.Error = st.id, st.status, st.err
	out.CreatedAt, out.UpdatedAt = seconds(st.created), seconds(st.updated)
	return out, nil
}

func (st *statement) describe(i int) subStatement {
	p := st.parts[i]
	sub := subStatement{
		Id: st.id + ":" + strconv.Itoa(i+1), Status: p.status, Error: p.err, CreatedAt: seconds(st.created), UpdatedAt: seconds(st.updated),
		ResultRows: -1, ResultSize: -1, QueryString: st.texts()[i], RedshiftQueryId: p.queryID,
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

// cancel tells a statement to stop. Its end says whether that came in time.
func (in *byID) cancel(s *Server, _ time.Time, _ Fault) (any, error) {
	st, _, err := s.find(in.Id)
	if err != nil {
		return nil, err
	}
	if st.ended() {
		return nil, invalid("Could not cancel a query that is already in %s state with ID: %s", st.status, st.id)
	}
	st.cancel()
	return map[string]bool{"Status": true}, nil
}

type listStatements struct {
	Database      string
	MaxResults    int
	NextToken     string
	RoleLevel     *bool // every caller sees every statement
	StatementName string
	Status        string
	WorkgroupName string
}

type listed struct {
	Id               string
	Status           string
	StatementName    string      `json:",omitempty"`
	QueryString      string      `json:",omitempty"`
	QueryStrings     []string    `json:",omitempty"`
	QueryParameters  []parameter `json:",omitempty"`
	IsBatchStatement bool
	SecretArn        string
	CreatedAt        float64
	UpdatedAt        float64
	ResultFormat     string
	SessionId        string `json:",omitempty"`
}

// apply lists the newest statements first; unless asked otherwise, those that have
// finished. https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
func (in *listStatements) apply(s *Server, _ time.Time, _ Fault) (any, error) {
	var out struct {
		Statements []listed
		NextToken  string `json:",omitempty"`
	}
	out.Statements = []listed{}
	skip := in.NextToken != ""
	status := cmp.Or(in.Status, finished)
	for _, st := range slices.Backward(s.order) {
		skip = skip && st.id != in.NextToken
		if skip || status != "ALL" && st.status != status || !strings.HasPrefix(st.StatementName, in.StatementName) ||
			in.WorkgroupName != "" && st.target.WorkgroupName != in.WorkgroupName || in.Database != "" && st.target.Database != in.Database {
			continue
		}
		if len(out.Statements) == cmp.Or(in.MaxResults, 100) {
			out.NextToken = st.id
			break
		}
		out.Statements = append(out.Statements, listed{
			Id: st.id, Status: st.status, StatementName: st.StatementName, QueryString: st.Sql, QueryStrings: st.Sqls,
			QueryParameters: st.Parameters, IsBatchStatement: st.batch(), SecretArn: st.target.SecretArn,
			CreatedAt: seconds(st.created), UpdatedAt: seconds(st.updated), ResultFormat: "JSON", SessionId: st.sessionID,
		})
	}
	if skip {
		return nil, invalid("Invalid NextToken")
	}
	return out, nil
}
