package fakedataapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/evstream/emulator/warehouse"
)

// A connection says what to connect to, and as whom.
type connection struct {
	WorkgroupName string
	Database      string
	SecretArn     string
}

var workgroupARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:redshift-serverless:`)

// complete checks what the model admits and the stand-in lacks, and what must be there.
func (c connection) complete() error {
	switch {
	case workgroupARN.MatchString(c.WorkgroupName):
		return unsupported("a workgroup by its ARN")
	case c.WorkgroupName == "":
		return invalid("Either ClusterIdentifier, WorkgroupName or SessionId is required")
	case c.Database == "":
		return invalid("Database is required with WorkgroupName")
	case c.SecretArn == "":
		return invalid("the emulator does not support temporary credentials: give SecretArn, a secret with username and password")
	}
	return nil
}

// execute is the request of ExecuteStatement, with Sql, and of BatchExecuteStatement, with
// Sqls.
type execute struct {
	connection
	Sql                     string
	Sqls                    []string
	StatementName           string
	Parameters              []parameter
	ClientToken             string
	ResultFormat            string
	SessionKeepAliveSeconds *int
	SessionId               string
}

type parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (in *execute) batch() bool { return in.Sqls != nil }

func (in *execute) texts() []string {
	if in.batch() {
		return in.Sqls
	}
	return []string{in.Sql}
}

// supported checks what the model admits and the stand-in lacks, and how members must be
// combined.
func (in *execute) supported() error {
	switch {
	case in.ResultFormat == "CSV":
		return unsupported("ResultFormat CSV")
	case in.SessionId == "":
		if err := in.complete(); err != nil {
			return err
		}
	case in.connection != connection{}:
		return invalid("SessionId can't be combined with WorkgroupName, Database or SecretArn: the session has them")
	}
	for _, sql := range in.texts() {
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
func (in *execute) bind(s *Server) ([]string, error) {
	params := make([]warehouse.Parameter, len(in.Parameters))
	for i, p := range in.Parameters {
		params[i] = warehouse.Parameter(p)
	}
	bound, err := warehouse.Bind(params, in.texts()...)
	if s.reads(batchParameters, "each") {
		for _, sql := range in.texts() {
			_, one := warehouse.Bind(params, sql)
			err = cmp.Or(err, one)
		}
	}
	if err != nil {
		return nil, invalid("%s", strings.TrimPrefix(err.Error(), "ERROR: "))
	}
	return bound, nil
}

// executed is the answer.
type executed struct {
	Id        string
	CreatedAt float64
	connection
	SessionId string `json:",omitempty"`
}

func (in *execute) apply(s *Server, now time.Time, f Fault) (any, error) {
	if err := in.supported(); err != nil {
		return nil, err
	}
	bound, err := in.bind(s)
	if err != nil {
		return nil, err
	}
	if s.reads(tokenOrder, "session-first") {
		if err := s.missing(in.SessionId); err != nil {
			return nil, err
		}
	}
	request, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	if t, ok := s.tokens[in.ClientToken]; ok && in.ClientToken != "" {
		if t.request != string(request) {
			return nil, invalid("The client token %q was used for another request", in.ClientToken)
		}
		return t.reply, nil
	}
	active := slices.DeleteFunc(slices.Clone(s.order), (*statement).ended)
	if len(active) >= maxActive {
		return nil, &Error{Code: "ActiveStatementsExceededException", Message: "Active statements exceeded the allowed quota"}
	}

	st := &statement{execute: in, bound: bound, created: now}
	ses, err := s.session(st)
	if err != nil {
		return nil, err
	}
	var l login
	if ses == nil || ses.database == nil {
		if l, err = s.login(st.target); err != nil {
			return nil, err
		}
	}
	if ses != nil {
		s.sessions[ses.id] = ses
	}
	st.id = s.newID()
	st.serial = s.serial
	s.start(st, ses, l, f)
	reply := &executed{st.id, seconds(now), st.target, st.sessionID}
	if in.ClientToken != "" {
		s.tokens[in.ClientToken] = token{now, string(request), reply}
	}
	return reply, nil
}

// session gives the session that a statement runs in: the one that it names, a new one
// that is kept, or nil for one that ends with it. It notes in st which.
func (s *Server) session(st *statement) (*session, error) {
	var keep time.Duration
	if st.SessionKeepAliveSeconds != nil {
		keep = time.Duration(*st.SessionKeepAliveSeconds) * time.Second
	}
	if st.SessionId == "" {
		st.target = st.connection
		if keep == 0 {
			return nil, nil
		}
		if len(s.sessions) >= maxSessions {
			return nil, &Error{Code: "ActiveSessionsExceededException", Message: "Active sessions exceeded the allowed quota"}
		}
		st.sessionID = s.newID()
		return &session{id: st.sessionID, target: st.target, opened: st.created, keepAlive: keep}, nil
	}
	if err := s.missing(st.SessionId); err != nil {
		return nil, err
	}
	ses := s.sessions[st.SessionId]
	if ses.busy {
		return nil, invalid("Session %s is busy: it runs one statement at a time", ses.id)
	}
	if st.SessionKeepAliveSeconds != nil {
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

// A login is what a secret holds for a database user.
type login struct{ Username, Password string }

// login reads the secret for a workgroup that can be reached; its text goes no further.
// What the service says of one that can't is known in these words only.
func (s *Server) login(c connection) (login, error) {
	err := s.warehouse.Ready(c.WorkgroupName)
	if errors.Is(err, warehouse.ErrNoWorkgroup) || errors.Is(err, warehouse.ErrNotReady) {
		return login{}, invalid("Redshift endpoint doesn't exist in this region.")
	}
	if err != nil {
		return login{}, err
	}
	value, err := s.secrets(c.SecretArn)
	if err != nil {
		return login{}, invalid("Secrets Manager can't find the specified secret.")
	}
	var l login
	if json.Unmarshal([]byte(value), &l) != nil {
		return login{}, invalid("The secret is not a JSON object with username and password.")
	}
	if l.Username == "" || l.Password == "" {
		return login{}, invalid("username and password in secret cannot be empty")
	}
	return l, nil
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
