package fakedataapi

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/evstream/emulator/warehouse"
)

// Documented limits: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html and
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-troubleshooting.html
const (
	maxStatement  = 200 << 10 // bytes of one statement's text
	maxRow        = 64 << 10  // bytes of one row of a result
	maxActive     = 500       // statements that have not ended
	maxSessions   = 500
	keepStatement = 24 * time.Hour // its description and result
	keepToken     = 8 * time.Hour
	maxSession    = 24 * time.Hour
)

// A statement is what ExecuteStatement or BatchExecuteStatement started.
type statement struct {
	*execute
	id        string
	target    connection // its session's, if it named one
	bound     []string   // the texts with the parameters' values
	sessionID string
	serial    int
	pid       int // of its process in the database; 0 before it has one

	status           string
	err              string
	created, updated time.Time
	parts            []part // one for each SQL text
	cancel           context.CancelFunc
}

// A part is one SQL text of a statement.
type part struct {
	status         string
	err            string
	started, ended time.Time
	result         *warehouse.Result
	size           int
	queryID        int
}

func (st *statement) ended() bool {
	return st.status != submitted && st.status != picked && st.status != started
}

const (
	submitted = "SUBMITTED"
	picked    = "PICKED"
	started   = "STARTED"
	finished  = "FINISHED"
	failed    = "FAILED"
	aborted   = "ABORTED"
)

// A session is a database session that outlives its statement.
type session struct {
	id        string
	target    connection
	opened    time.Time
	keepAlive time.Duration
	idleSince time.Time
	busy      bool
	database  *warehouse.Session // nil until its first statement has connected
}

func (ses *session) close() error {
	if ses.database == nil {
		return nil
	}
	return ses.database.Close()
}

type token struct {
	at      time.Time
	request string // all of it and its operation, so that a token is not used for another one
	reply   *executed
}

// expire forgets what the service keeps no longer. It is called with s.mu held.
func (s *Server) expire(now time.Time) {
	for len(s.order) > 0 && s.order[0].ended() && now.Sub(s.order[0].created) >= keepStatement {
		delete(s.statements, s.order[0].id)
		s.order = s.order[1:]
	}
	for id, ses := range s.sessions {
		if !ses.busy && (now.Sub(ses.idleSince) > ses.keepAlive || now.Sub(ses.opened) >= maxSession) {
			_ = ses.close() // the session is gone for its user whatever its end says
			s.reclaim(id)
		}
	}
	for key, t := range s.tokens {
		if now.Sub(t.at) >= keepToken {
			delete(s.tokens, key)
		}
	}
}

// reclaim forgets a session, but not that it was there.
func (s *Server) reclaim(id string) {
	delete(s.sessions, id)
	s.reclaimed[id] = true
}

// newID makes an identifier that is the same in every run.
func (s *Server) newID() string {
	s.serial++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", s.serial)
}

// start registers a statement and lets it run. It is called with s.mu held.
func (s *Server) start(st *statement, ses *session, login login, f Fault) {
	ctx, cancel := context.WithCancel(s.ctx)
	st.cancel = cancel
	st.status = submitted
	st.updated = st.created
	for range st.bound {
		st.parts = append(st.parts, part{status: submitted, queryID: s.serial})
	}
	s.statements[st.id] = st
	s.order = append(s.order, st)
	if ses != nil {
		ses.busy = true
	}
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer cancel()
		s.run(ctx, st, ses, login, f)
	}()
}

// move notes that a statement goes on, and whether it has a process in the database.
func (s *Server) move(st *statement, status string, connected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.status, st.updated = status, s.now()
	if connected {
		st.pid = st.serial
	}
}

// run takes a statement from SUBMITTED to its end. One that is cancelled, by ctx, is
// ABORTED only if that came in time to undo it.
func (s *Server) run(ctx context.Context, st *statement, ses *session, login login, f Fault) {
	s.move(st, picked, false)
	var database *warehouse.Session
	var err error
	if ses != nil {
		database = ses.database
	}
	outcome := f.Outcome
	if database == nil && !outcome.Unconnected {
		database, err = s.warehouse.Connect(ctx, st.target.WorkgroupName, st.target.Database, login.Username, login.Password)
	}
	s.move(st, started, database != nil)
	if err == nil && database != nil && (outcome.Status == "" || outcome.After) {
		err = s.runParts(ctx, st, database)
	}
	if outcome.Status == Running {
		<-ctx.Done()
		err = ctx.Err()
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case outcome.Status != "" && outcome.Status != Running:
		st.status, st.err = outcome.Status, outcome.Error
	case err != nil && ctx.Err() != nil:
		st.status = aborted
	case err != nil:
		st.status, st.err = failed, err.Error()
	default:
		st.status = finished
	}
	st.updated = s.now()
	st.settleParts()
	if database == nil {
		if ses != nil {
			s.reclaim(ses.id)
		}
		return
	}
	if ses == nil {
		_ = database.Close() // what it held is rolled back in any case
		return
	}
	ses.database, ses.busy, ses.idleSince = database, false, s.now()
}

// settleParts gives the parts that have not ended the state that the end of their statement
// means for them.
func (st *statement) settleParts() {
	for i := range st.parts {
		if p := &st.parts[i]; p.status == submitted || p.status == started {
			p.status = aborted
			if st.status == finished || st.status == failed && !st.batch() {
				p.status = st.status
			}
		}
	}
}

// runParts runs a statement's texts; several are one transaction.
func (s *Server) runParts(ctx context.Context, st *statement, database *warehouse.Session) error {
	if !st.batch() {
		return s.runPart(ctx, st, 0, database)
	}
	if _, err := database.Execute(ctx, "BEGIN"); err != nil {
		return err
	}
	for i := range st.bound {
		if err := s.runPart(ctx, st, i, database); err != nil {
			// The batch may have ended because ctx did; its transaction still has to.
			_, _ = database.Execute(context.WithoutCancel(ctx), "ROLLBACK")
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return failure(fmt.Sprintf("Query #%d failed with %v", i+1, err))
		}
	}
	// From here on it is too late to cancel.
	_, err := database.Execute(context.WithoutCancel(ctx), "COMMIT")
	if err != nil {
		_, _ = database.Execute(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return err
}

func (s *Server) runPart(ctx context.Context, st *statement, i int, database *warehouse.Session) error {
	s.mu.Lock()
	p := &st.parts[i]
	p.status, p.started = started, s.now()
	s.mu.Unlock()

	res, err := database.Execute(ctx, st.bound[i])
	size := 0
	if err == nil {
		size, err = measure(res)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	p.ended = s.now()
	switch {
	case err == nil:
		p.status, p.result, p.size = finished, res, size
	case ctx.Err() != nil:
		p.status = aborted
	default:
		p.status, p.err = failed, err.Error()
	}
	return err
}

// measure gives a result's size, and refuses a row that is too long for the Data API.
func measure(res *warehouse.Result) (int, error) {
	total := 0
	for _, row := range res.Rows {
		size := 0
		for _, v := range row {
			if text, ok := v.(string); ok {
				size += len(text)
			} else {
				size += 8
			}
		}
		if size > maxRow {
			return 0, failure(fmt.Sprintf("ERROR: Packet for query is too large (%d > %d): a row of a result can't be longer", size, maxRow))
		}
		total += size
	}
	return total, nil
}

// A failure is a statement's error in the service's words.
type failure string

func (f failure) Error() string { return string(f) }

// A Statement is what [Server.Statements] says about one.
type Statement struct {
	ID        string
	SQL       []string
	Status    string
	Error     string
	SessionID string // "" when it ran without one
}

// Statements lists the statements that are known, in the order of their submission.
func (s *Server) Statements() []Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Statement, len(s.order))
	for i, st := range s.order {
		all[i] = Statement{st.id, slices.Clone(st.texts()), st.status, st.err, st.sessionID}
	}
	return all
}
