package dataapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A service is a Data API of one workgroup, "ev-dev", as far as a driver can tell:
// sessions that hold one statement at a time, states that a statement goes
// through, results in pages, and tokens. It knows these statements:
//
//	SET name TO value   holds for the session
//	SHOW name           one row with that value
//	SLEEP               runs until it is cancelled
//	FAIL message        ends in FAILED with the message, \n meaning a new line
//	UNCONNECTED message does too, and has no process in the database
//	STATUS name         ends in a status of that name
//	any other           what results has for it, or no result set
type service struct {
	// control, when set, sees each call first. It may answer it (true).
	control func(operation string, in input, w http.ResponseWriter) bool
	results map[string]result

	mu         sync.Mutex
	opened     int // sessions so far
	calls      []call
	sessions   map[string]map[string]string
	statements map[string]*statement
	tokens     map[string]*statement
}

type input struct {
	SQL                     string `json:"Sql"`
	WorkgroupName           string
	Database                string
	SecretArn               string
	SessionID               string `json:"SessionId"`
	SessionKeepAliveSeconds *int
	ClientToken             string
	Parameters              []parameter
	ID                      string `json:"Id"`
	NextToken               string
}

type parameter struct{ Name, Value string }

type call struct {
	operation string
	in        input
}

type statement struct {
	id, session, status, message string
	pid                          int      // of its process in the database
	states                       []string // still to come, one for each DescribeStatement
	result                       *result
}

// A result is a result set; each page is rows of fields as the wire has them.
type result struct {
	columns []map[string]any
	pages   [][][]map[string]any
}

// start serves s and points the AWS configuration of the environment at it.
func start(t *testing.T, s *service) *service {
	t.Helper()
	s.sessions = make(map[string]map[string]string)
	s.statements = make(map[string]*statement)
	s.tokens = make(map[string]*statement)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_REDSHIFT_DATA": server.URL,
		"AWS_REGION":                     "us-east-1",
		"AWS_ACCESS_KEY_ID":              "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY":          "example",
		"AWS_CONFIG_FILE":                "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE":    "/dev/null",
	} {
		t.Setenv(name, value)
	}
	return s
}

// made returns the inputs of all calls of an operation so far.
func (s *service) made(operation string) []input {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []input
	for _, c := range s.calls {
		if c.operation == operation {
			all = append(all, c.in)
		}
	}
	return all
}

// endSessions does what their keep-alive time does in the end.
func (s *service) endSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "RedshiftData.")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, 400, "SerializationException", err.Error())
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, call{operation, in})
	s.mu.Unlock()
	if s.control != nil && s.control(operation, in, w) {
		return
	}
	s.handle(operation, in, w)
}

func (s *service) handle(operation string, in input, w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if operation == "ExecuteStatement" {
		s.execute(in, w)
		return
	}
	st, ok := s.statements[in.ID]
	if !ok {
		refuse(w, 400, "ResourceNotFoundException", "Query does not exist.")
		return
	}
	switch operation {
	case "DescribeStatement":
		if len(st.states) > 0 {
			st.status, st.states = st.states[0], st.states[1:]
		}
		out := map[string]any{
			"Id": st.id, "Status": st.status, "SessionId": st.session,
			"RedshiftPid":  st.pid,
			"HasResultSet": st.status == "FINISHED" && st.result != nil, "ResultRows": -1,
		}
		if st.status == "FAILED" || st.status == "ABORTED" {
			out["Error"] = st.message
		}
		answer(w, out)
	case "GetStatementResult":
		page := 0
		if in.NextToken != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(in.NextToken, "page "))
			if err != nil {
				refuse(w, 400, "ValidationException", "NextToken")
				return
			}
			page = n
		}
		if st.result == nil || page >= len(st.result.pages) {
			refuse(w, 400, "ResourceNotFoundException", "Query does not have result.")
			return
		}
		out := map[string]any{"Records": st.result.pages[page], "ColumnMetadata": st.result.columns}
		if page+1 < len(st.result.pages) {
			out["NextToken"] = fmt.Sprintf("page %d", page+1)
		}
		answer(w, out)
	case "CancelStatement":
		if st.status == "FINISHED" || st.status == "FAILED" || st.status == "ABORTED" {
			refuse(w, 400, "ValidationException", "Could not cancel a query that is already in "+st.status+" state")
			return
		}
		st.status, st.states = "ABORTED", nil
		answer(w, map[string]any{"Status": true})
	default:
		refuse(w, 400, "UnknownOperationException", operation)
	}
}

func (s *service) execute(in input, w http.ResponseWriter) {
	if st := s.tokens[in.ClientToken]; st != nil {
		answer(w, map[string]any{"Id": st.id, "SessionId": st.session})
		return
	}
	switch {
	case in.SessionID == "" && in.WorkgroupName != "ev-dev":
		refuse(w, 400, "ValidationException", "Redshift endpoint doesn't exist in this region.")
		return
	case in.SessionID != "" && (in.WorkgroupName != "" || in.Database != "" || in.SecretArn != ""):
		refuse(w, 400, "ValidationException", "SessionId and a connection cannot be given together")
		return
	case in.SessionID != "" && s.sessions[in.SessionID] == nil:
		refuse(w, 400, "ValidationException", "Session is not available")
		return
	}
	session := in.SessionID
	if session == "" && in.SessionKeepAliveSeconds != nil {
		s.opened++
		session = fmt.Sprintf("50000000-0000-0000-0000-%012d", s.opened)
		s.sessions[session] = make(map[string]string)
	}
	for _, other := range s.statements {
		if other.session == session && (other.status == "SUBMITTED" || other.status == "STARTED") {
			refuse(w, 400, "ValidationException", "Session is busy")
			return
		}
	}
	st := &statement{
		id:      fmt.Sprintf("10000000-0000-0000-0000-%012d", len(s.statements)+1),
		session: session, status: "SUBMITTED", states: []string{"PICKED", "STARTED"}, pid: 1000,
	}
	s.statements[st.id], s.tokens[in.ClientToken] = st, st
	verb, rest, _ := strings.Cut(in.SQL, " ")
	switch verb {
	case "SET":
		name, value, _ := strings.Cut(rest, " TO ")
		s.sessions[session][name] = value
		st.states = append(st.states, "FINISHED")
	case "SHOW":
		value := text(s.sessions[session][rest])
		st.result = &result{columns: []map[string]any{column("setting", "varchar")}, pages: [][][]map[string]any{{{value}}}}
		st.states = append(st.states, "FINISHED")
	case "SLEEP":
	case "FAIL", "UNCONNECTED":
		if verb == "UNCONNECTED" {
			st.pid = 0
		}
		st.message = strings.ReplaceAll(rest, `\n`, "\n")
		st.states = append(st.states, "FAILED")
	case "STATUS":
		st.states = append(st.states, rest)
	default:
		if r, ok := s.results[in.SQL]; ok {
			st.result = &r
		}
		st.states = append(st.states, "FINISHED")
	}
	answer(w, map[string]any{"Id": st.id, "SessionId": session, "CreatedAt": time.Now().Unix()})
}

func column(name, typeName string) map[string]any {
	return map[string]any{"name": name, "label": name, "typeName": typeName, "nullable": 1}
}

func text(v string) map[string]any { return map[string]any{"stringValue": v} }
func long(v int64) map[string]any  { return map[string]any{"longValue": v} }

func answer(w http.ResponseWriter, out map[string]any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		panic(err)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":%q,"Message":%q}`, code, message)
}

// cut breaks the connection off without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	conn.Close()
}
