package dataapi

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
)

// A service answers as a test has it. It is the HTTP client of a handle, so that tests
// run in a synctest bubble and wait for nothing.
type service struct {
	// ends gives, by a statement's SQL, the members of DescribeStatement at its end, JSON
	// without its braces. A statement that is not among them finishes.
	ends map[string]string
	// pages gives the answers of GetStatementResult, JSON without braces and tokens.
	pages map[string][]string
	// fault, when set, sees each call first, and leaves it to apply with the zero answer.
	fault func(call) answer

	mu         sync.Mutex
	calls      []call
	opened     int             // sessions so far
	gone       map[string]bool // sessions that have ended
	statements []*statement
}

type call struct {
	ctx                     context.Context
	operation               string
	ID                      string   `json:"Id"`
	SQL                     string   `json:"Sql"`
	SQLs                    []string `json:"Sqls"`
	WorkgroupName           string
	Database                string
	SecretArn               string
	SessionID               string `json:"SessionId"`
	SessionKeepAliveSeconds int
	ClientToken             string
	Parameters              []parameter
	NextToken               string
}

type parameter struct{ Name, Value string }

type answer struct {
	body   string
	status int   // 200 unless given
	err    error // instead of an answer
}

func refuse(status int, code, message string) answer {
	return answer{status: status, body: fmt.Sprintf(`{"__type":%q,"Message":%q}`, code, message)}
}

var (
	throttled = refuse(400, "ThrottlingException", "Rate exceeded")
	cut       = answer{err: io.ErrUnexpectedEOF}
)

// silence answers nothing until the caller gives up.
func silence(c call) answer {
	<-c.ctx.Done()
	return answer{err: c.ctx.Err()}
}

type statement struct {
	call
	id, session string
	polls       int
	aborted     bool
}

const (
	firstID      = "10000000-0000-0000-0000-000000000001"
	firstSession = "50000000-0000-0000-0000-000000000001"
)

func (s *service) Do(r *http.Request) (*http.Response, error) {
	c := call{ctx: r.Context()}
	_, c.operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), "RedshiftData.")
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	var a answer
	if s.fault != nil {
		a = s.fault(c)
	}
	if a == (answer{}) {
		a = s.apply(c)
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return &http.Response{
		StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(a.body)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
	}, nil
}

func (s *service) apply(c call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(c.operation, "ExecuteStatement") {
		return s.start(c)
	}
	var st *statement
	for _, st = range s.statements {
		if st.id == c.ID {
			break
		}
	}
	text := st.SQL + strings.Join(st.SQLs, ";")
	end, special := s.ends[text]
	switch c.operation {
	case "DescribeStatement":
		st.polls++
		switch {
		case st.aborted:
			end = `"Status":"ABORTED"`
		case st.polls == 1:
			end = `"Status":"STARTED"`
		case !special:
			end = fmt.Sprintf(`"Status":"FINISHED","ResultRows":-1,"HasResultSet":%t`, s.pages[text] != nil)
		}
		return answer{body: fmt.Sprintf(`{"Id":%q,"RedshiftPid":1000,%s}`, st.id, end)}
	case "GetStatementResult":
		n := len(c.NextToken)
		next := ""
		if n+1 < len(s.pages[text]) {
			next = fmt.Sprintf(`,"NextToken":%q`, strings.Repeat("x", n+1))
		}
		return answer{body: "{" + s.pages[text][n] + next + "}"}
	case "CancelStatement":
		st.aborted = true
		return answer{body: `{"Status":true}`}
	}
	panic(c.operation)
}

func (s *service) start(c call) answer {
	if s.gone[c.SessionID] {
		return refuse(400, "ValidationException", "Session is not available")
	}
	for _, st := range s.statements {
		if st.ClientToken == c.ClientToken {
			return answer{body: fmt.Sprintf(`{"Id":%q,"SessionId":%q}`, st.id, st.session)}
		}
	}
	st := &statement{call: c, id: fmt.Sprintf("10000000-0000-0000-0000-%012d", len(s.statements)+1), session: c.SessionID}
	if c.SessionKeepAliveSeconds > 0 {
		s.opened++
		st.session = fmt.Sprintf("50000000-0000-0000-0000-%012d", s.opened)
	}
	s.statements = append(s.statements, st)
	return answer{body: fmt.Sprintf(`{"Id":%q,"SessionId":%q}`, st.id, st.session)}
}

// made returns all calls of an operation so far.
func (s *service) made(operation string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []call
	for _, c := range s.calls {
		if c.operation == operation {
			all = append(all, c)
		}
	}
	return all
}

// on is a fault of the first n calls of one operation.
func on(operation string, n int, fault func(call) answer) func(call) answer {
	var mu sync.Mutex
	return func(c call) answer {
		mu.Lock()
		serves := c.operation == operation && n > 0
		if serves {
			n--
		}
		mu.Unlock()
		if !serves {
			return answer{}
		}
		return fault(c)
	}
}

func always(a answer) func(call) answer { return func(call) answer { return a } }

const secretARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:login-AbCdEf"

func (s *service) client() *redshiftdata.Client {
	return redshiftdata.New(redshiftdata.Options{
		Region: "us-east-1", HTTPClient: s, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
	})
}

// with runs a test with a handle on s, in a bubble of virtual time.
func with(t *testing.T, s *service, c Config, test func(*testing.T, *sql.DB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.Workgroup, c.Database, c.SecretARN = "ev-dev", "dev", secretARN
		db := openDB(c, s.client())
		defer db.Close()
		test(t, db)
	})
}

// exec runs one statement with a handle on s.
func exec(t *testing.T, s *service, query string, args ...any) (err error) {
	t.Helper()
	with(t, s, Config{}, func(t *testing.T, db *sql.DB) { _, err = db.ExecContext(t.Context(), query, args...) })
	return err
}

// wantError checks that err has a text and, when target is not nil, wraps it.
func wantError(t *testing.T, err error, text string, target error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || target != nil && !errors.Is(err, target) {
		t.Errorf("error %v\nwant one with %q and %v", err, text, target)
	}
}

// wantUnknown checks that err says that the fate of the statement is not known.
func wantUnknown(t *testing.T, err error, id string) {
	t.Helper()
	var unknown *UnknownError
	if !errors.As(err, &unknown) || unknown.StatementID != id {
		t.Errorf("error %#v, want an *UnknownError of statement %q", err, id)
	}
}
