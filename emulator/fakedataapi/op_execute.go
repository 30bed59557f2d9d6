package fakedataapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/evstream/emulator/warehouse"
)

// common is what ExecuteStatement and BatchExecuteStatement have in common.
type common struct {
	ClusterIdentifier       string
	WorkgroupName           string
	Database                string
	SecretArn               string
	DbUser                  string
	StatementName           string
	WithEvent               bool
	Parameters              []parameter
	ClientToken             string
	ResultFormat            string
	SessionKeepAliveSeconds *int
	SessionID               string `json:"SessionId"`
}

type parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type executeStatement struct {
	common
	Sql string
}

type batchExecuteStatement struct {
	common
	Sqls []string
}

func (in *executeStatement) names() (string, []string)      { return "", []string{in.Sql} }
func (in *batchExecuteStatement) names() (string, []string) { return "", in.Sqls }

func (in *executeStatement) check(c *checks) {
	c.require("sql", in.Sql)
	in.common.check(c)
}

func (in *batchExecuteStatement) check(c *checks) {
	if n := len(in.Sqls); n < 1 || n > 40 {
		c.failf("Value at 'sqls' failed to satisfy constraint: Member must have length between 1 and 40, not %d", n)
	}
	in.common.check(c)
}

func (in *common) check(c *checks) {
	if !workgroupARN.MatchString(in.WorkgroupName) {
		c.match("workgroupName", in.WorkgroupName, workgroupPattern)
	}
	c.match("sessionId", in.SessionID, idPattern)
	if in.ClientToken != "" {
		c.length("clientToken", in.ClientToken, 1, 64)
	}
	c.length("statementName", in.StatementName, 0, 2048)
	if in.Parameters != nil && len(in.Parameters) == 0 {
		c.failf("Value at 'parameters' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	for _, p := range in.Parameters {
		c.require("parameters.member.name", p.Name)
		c.match("parameters.member.name", p.Name, parameterPattern)
		c.require("parameters.member.value", p.Value)
	}
	if k := in.SessionKeepAliveSeconds; k != nil && (*k < 0 || *k > 86400) {
		c.failf("Value '%d' at 'sessionKeepAliveSeconds' failed to satisfy constraint: Member must be between 0 and 86400", *k)
	}
	if f := in.ResultFormat; f != "" && f != "JSON" && f != "CSV" {
		c.failf("Value '%s' at 'resultFormat' failed to satisfy constraint: Member must satisfy enum value set: [JSON, CSV]", f)
	}
}

// supported checks what the model admits and the stand-in lacks, and how members must be
// combined.
func (in *common) supported(sqls []string) error {
	switch {
	case in.ClusterIdentifier != "" || in.DbUser != "":
		return unsupported("a provisioned cluster (ClusterIdentifier, DbUser)")
	case workgroupARN.MatchString(in.WorkgroupName):
		return unsupported("a workgroup by its ARN")
	case in.ResultFormat == "CSV":
		return unsupported("ResultFormat CSV")
	case in.WithEvent:
		return unsupported("WithEvent")
	case in.SessionID != "" && (in.WorkgroupName != "" || in.Database != "" || in.SecretArn != ""):
		return invalid("SessionId can't be combined with WorkgroupName, Database or SecretArn: the session has them")
	case in.SessionID != "":
	case in.WorkgroupName == "":
		return invalid("Either ClusterIdentifier, WorkgroupName or SessionId is required")
	case in.Database == "":
		return invalid("Database is required with WorkgroupName")
	case in.SecretArn == "":
		return unsupported("temporary credentials (WorkgroupName without SecretArn)")
	}
	for _, sql := range sqls {
		if strings.TrimSpace(sql) == "" {
			return invalid("The SQL statement is empty")
		}
		if len(sql) > maxStatement {
			return invalid("The SQL statement is longer than %d bytes: %d", maxStatement, len(sql))
		}
	}
	return nil
}

// bind puts the parameters in the texts, which share them.
func (in *common) bind(s *Server, sqls []string) ([]string, error) {
	params := make([]warehouse.Parameter, len(in.Parameters))
	for i, p := range in.Parameters {
		params[i] = warehouse.Parameter(p)
	}
	bound, err := warehouse.Bind(params, sqls...)
	if s.reads(batchParameters, "each") {
		for _, sql := range sqls {
			_, one := warehouse.Bind(params, sql)
			err = cmp.Or(err, one)
		}
	}
	if err != nil && len(params) > 0 {
		return nil, invalid("%s", strings.TrimPrefix(err.Error(), "ERROR: "))
	}
	return bound, nil
}

// executed answers ExecuteStatement and BatchExecuteStatement.
type executed struct {
	ID            string  `json:"Id"`
	CreatedAt     float64 `json:"CreatedAt"`
	Database      string
	WorkgroupName string
	SecretArn     string
	SessionID     string `json:"SessionId,omitempty"`
}

func (in *executeStatement) apply(s *Server, now time.Time, f Fault) (any, error) {
	return in.common.start(s, now, []string{in.Sql}, false, f)
}

func (in *batchExecuteStatement) apply(s *Server, now time.Time, f Fault) (any, error) {
	return in.common.start(s, now, in.Sqls, true, f)
}

func (in *common) start(s *Server, now time.Time, sqls []string, batch bool, f Fault) (any, error) {
	if err := in.supported(sqls); err != nil {
		return nil, err
	}
	bound, err := in.bind(s, sqls)
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(struct {
		*common
		Texts []string
		Batch bool
	}{in, sqls, batch})
	if err != nil {
		return nil, err
	}
	if s.reads(tokenOrder, "session-first") {
		if err := s.missing(in.SessionID); err != nil {
			return nil, err
		}
	}
	if t, ok := s.tokens[in.ClientToken]; ok && in.ClientToken != "" {
		if t.request != string(request) {
			return nil, invalid("The client token %q was used for another request", in.ClientToken)
		}
		return t.reply, nil
	}
	active := 0
	for _, st := range s.order {
		if !st.ended() {
			active++
		}
	}
	if active >= maxActive {
		return nil, &Error{Code: "ActiveStatementsExceededException", Message: "Active statements exceeded the allowed quota"}
	}

	st := &statement{target: connection{in.WorkgroupName, in.Database, in.SecretArn}, sqls: sqls, bound: bound, parameters: in.Parameters, name: in.StatementName, batch: batch, created: now}
	var l login
	ses, err := in.session(s, now, st)
	if err != nil {
		return nil, err
	}
	if ses == nil || ses.database == nil {
		if err := s.ready(st.target.workgroup); err != nil {
			return nil, err
		}
		if l, err = s.login(st.target.secret); err != nil {
			return nil, err
		}
	}
	if ses != nil {
		s.sessions[ses.id] = ses
	}
	st.id = s.newID()
	st.serial = s.serial
	s.start(st, ses, l, f)
	reply := &executed{st.id, seconds(now), st.target.database, st.target.workgroup, st.target.secret, st.sessionID}
	if in.ClientToken != "" {
		s.tokens[in.ClientToken] = token{now, string(request), reply}
	}
	return reply, nil
}

// session gives the session that a statement runs in: the one that it names, a new one
// that is kept, or nil for one that ends with it.
func (in *common) session(s *Server, now time.Time, st *statement) (*session, error) {
	var keep time.Duration
	if in.SessionKeepAliveSeconds != nil {
		keep = time.Duration(*in.SessionKeepAliveSeconds) * time.Second
	}
	if in.SessionID == "" {
		if keep == 0 {
			return nil, nil
		}
		if len(s.sessions) >= maxSessions {
			return nil, &Error{Code: "ActiveSessionsExceededException", Message: "Active sessions exceeded the allowed quota"}
		}
		st.sessionID = s.newID()
		return &session{id: st.sessionID, target: st.target, opened: now, keepAlive: keep}, nil
	}
	if err := s.missing(in.SessionID); err != nil {
		return nil, err
	}
	ses := s.sessions[in.SessionID]
	if ses.busy {
		return nil, invalid("Session %s is busy: it runs one statement at a time", in.SessionID)
	}
	if in.SessionKeepAliveSeconds != nil {
		ses.keepAlive = keep
	}
	st.sessionID, st.target = ses.id, ses.target
	return ses, nil
}

// missing says what the service has against a session that is not there: one that was
// reclaimed, or one that never was. https://github.com/awslabs/mcp/issues/4587
func (s *Server) missing(id string) error {
	if id == "" || s.sessions[id] != nil {
		return nil
	}
	message := "Session is not available"
	if !s.reclaimed[id] {
		message = fmt.Sprintf("Session with Id: %s is invalid", id)
	}
	if s.reads(missingSession, "not-found") {
		return notFound(id, message)
	}
	return invalid("%s", message)
}

// ready says whether a workgroup can be reached, in the only words of the service that
// are known.
func (s *Server) ready(workgroup string) error {
	err := s.warehouse.Ready(workgroup)
	if errors.Is(err, warehouse.ErrNoWorkgroup) || errors.Is(err, warehouse.ErrNotReady) {
		return invalid("Redshift endpoint doesn't exist in this region.")
	}
	return err
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
