package warehouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/fakekinesis"
)

// Streams is where streaming views read. [*fakekinesis.Server] is one.
type Streams interface {
	// ShardIDs lists a stream's readable shards, parents before their children. It
	// fails when there is no such stream.
	ShardIDs(stream string) ([]string, error)
	// ReadAfter gives up to max records of a shard after a sequence number, "" meaning
	// TRIM_HORIZON. None means that there are none yet.
	ReadAfter(stream, shardID, sequenceNumber string, max int) ([]fakekinesis.Record, error)
}

// Options configure a [Warehouse]. The zero value of each means its default.
type Options struct {
	Streams Streams // none: every stream is missing

	// Authorize says why a role may not do an action on a resource, nil that it may.
	// The action sts:AssumeRole is asked with the role itself as resource. None: every
	// role may do everything.
	Authorize func(roleARN, action, resource string) error

	// Reach says why a workgroup's network keeps a role's action on a resource from its
	// service, nil that it does not. It is asked about sts:AssumeRole too. None: every
	// service is reached.
	Reach func(workgroup, roleARN, action, resource string) error

	// Readings are answers to [Doubts] other than the defaults.
	Readings doubt.Readings

	Clock          func() time.Time // time.Now; it must be that of Streams, whose later records a refresh leaves
	Region         string           // of streams' ARNs: us-east-1
	Account        string           // of streams' ARNs: 123456789012
	MaxRecordBytes int              // the longest record a streaming view takes: what the doubt record-size says
	Dir            string           // where each namespace has a folder, until it is deleted: the system's for temporary files
}

// reads says whether a doubt is read in one way.
func (o Options) reads(name, answer string) bool { return Doubts().Answer(o.Readings, name) == answer }

// A Warehouse holds the namespaces and workgroups of one account in one region. Its
// methods may be called from several goroutines.
type Warehouse struct {
	o Options

	mu         sync.Mutex
	namespaces map[string]*namespace
	workgroups map[string]*workgroup
	log        []LoggedStatement
}

// A Namespace is what CreateNamespace of Redshift Serverless asks for.
type Namespace struct {
	Name          string
	ID            string // its UUID
	Database      string // dev when ""
	AdminUser     string
	AdminPassword string
	IAMRoles      []string // ARNs of the roles that its SQL may name
	DefaultRole   string   // ARN of the one that IAM_ROLE default means
}

// A Workgroup is what CreateWorkgroup of Redshift Serverless asks for.
type Workgroup struct {
	Name      string
	Namespace string

	// CaseSensitiveIdentifiers is the configuration parameter
	// enable_case_sensitive_identifier, the default of every session and what counts
	// for automatic refreshes.
	CaseSensitiveIdentifiers bool

	// ReadyAt is when, by the clock, the workgroup becomes available.
	ReadyAt time.Time
}

type namespace struct {
	Namespace
	data *database
}

type workgroup struct {
	Workgroup
	sessions map[*Session]bool
}

// Errors of [Warehouse.Connect].
var (
	ErrNoWorkgroup = errors.New("there is no such workgroup")
	ErrNotReady    = errors.New("the workgroup is not available yet")
)

// New makes a warehouse without namespaces.
func New(o Options) *Warehouse {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Authorize == nil {
		o.Authorize = func(string, string, string) error { return nil }
	}
	if o.Reach == nil {
		o.Reach = func(string, string, string, string) error { return nil }
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "123456789012"
	}
	if o.MaxRecordBytes == 0 {
		o.MaxRecordBytes = 1 << 20
		if o.reads(recordSize, "10MiB") {
			o.MaxRecordBytes *= 10
		}
	}
	return &Warehouse{o: o, namespaces: make(map[string]*namespace), workgroups: make(map[string]*workgroup)}
}

// Close drops everything. A loop of [Warehouse.RunAutoRefresh] must have ended before.
func (w *Warehouse) Close() error {
	w.mu.Lock()
	var sessions []*Session
	for _, wg := range w.workgroups {
		sessions = append(sessions, wg.open()...)
	}
	namespaces := w.namespaces
	w.workgroups, w.namespaces = make(map[string]*workgroup), make(map[string]*namespace)
	w.mu.Unlock()

	errs := []error{endAll(sessions)}
	for _, ns := range namespaces {
		errs = append(errs, ns.data.close())
	}
	return errors.Join(errs...)
}

// open lists a workgroup's sessions. It is called with w.mu held.
func (wg *workgroup) open() []*Session { return slices.Collect(maps.Keys(wg.sessions)) }

// endAll ends sessions, each when its statement is done. It is called without w.mu,
// which such a statement may need.
func endAll(sessions []*Session) error {
	var errs []error
	for _, s := range sessions {
		errs = append(errs, s.end())
	}
	return errors.Join(errs...)
}

// CreateNamespace makes a namespace with an empty database.
func (w *Warehouse) CreateNamespace(ctx context.Context, n Namespace) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.namespaces[n.Name]; ok {
		return fmt.Errorf("create namespace %q: it exists", n.Name)
	}
	if n.Database == "" {
		n.Database = "dev"
	}
	if err := Doubts().Check(w.o.Readings); err != nil {
		return fmt.Errorf("create namespace %q: Options.Readings: %w", n.Name, err)
	}
	data, err := openDatabase(ctx, n.Database, w.o)
	if err != nil {
		return fmt.Errorf("create namespace %q: %w", n.Name, err)
	}
	ns := &namespace{Namespace: n, data: data}
	if err := ns.addUser(ctx, n.AdminUser, true); err != nil {
		return errors.Join(fmt.Errorf("create namespace %q: %w", n.Name, err), data.close())
	}
	w.namespaces[n.Name] = ns
	return nil
}

// UpdateNamespace changes a namespace's roles and admin; its ID and database must be as
// they are.
func (w *Warehouse) UpdateNamespace(n Namespace) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ns, ok := w.namespaces[n.Name]
	if !ok {
		return fmt.Errorf("update namespace %q: it does not exist", n.Name)
	}
	if n.Database == "" {
		n.Database = "dev"
	}
	if n.ID != ns.ID || n.Database != ns.Database {
		return fmt.Errorf("update namespace %q: neither its ID nor its database %q can change", n.Name, ns.Database)
	}
	if err := ns.addUser(context.Background(), n.AdminUser, true); err != nil {
		return fmt.Errorf("update namespace %q: %w", n.Name, err)
	}
	ns.Namespace = n
	return nil
}

// DeleteNamespace drops a namespace and its data. It must have no workgroup.
func (w *Warehouse) DeleteNamespace(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ns, ok := w.namespaces[name]
	if !ok {
		return fmt.Errorf("delete namespace %q: it does not exist", name)
	}
	if wg := w.workgroupOf(name); wg != nil {
		return fmt.Errorf("delete namespace %q: its workgroup %q must be deleted first", name, wg.Name)
	}
	delete(w.namespaces, name)
	return ns.data.close()
}

func (w *Warehouse) workgroupOf(namespace string) *workgroup {
	for _, wg := range w.workgroups {
		if wg.Namespace == namespace {
			return wg
		}
	}
	return nil
}

// CreateWorkgroup attaches a workgroup to a namespace that has none.
func (w *Warehouse) CreateWorkgroup(g Workgroup) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.workgroups[g.Name]; ok {
		return fmt.Errorf("create workgroup %q: it exists", g.Name)
	}
	if _, ok := w.namespaces[g.Namespace]; !ok {
		return fmt.Errorf("create workgroup %q: namespace %q does not exist", g.Name, g.Namespace)
	}
	if other := w.workgroupOf(g.Namespace); other != nil {
		return fmt.Errorf("create workgroup %q: namespace %q has the workgroup %q already", g.Name, g.Namespace, other.Name)
	}
	w.workgroups[g.Name] = &workgroup{Workgroup: g, sessions: make(map[*Session]bool)}
	return nil
}

// UpdateWorkgroup changes a workgroup's parameters, and when it becomes available.
// Sessions keep the settings they began with.
func (w *Warehouse) UpdateWorkgroup(g Workgroup) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	wg, ok := w.workgroups[g.Name]
	if !ok {
		return fmt.Errorf("update workgroup %q: it does not exist", g.Name)
	}
	if g.Namespace != wg.Namespace {
		return fmt.Errorf("update workgroup %q: its namespace %q can't change", g.Name, wg.Namespace)
	}
	wg.Workgroup = g
	return nil
}

// DeleteWorkgroup ends a workgroup and its sessions. The namespace keeps its data.
func (w *Warehouse) DeleteWorkgroup(name string) error {
	w.mu.Lock()
	wg, ok := w.workgroups[name]
	if !ok {
		w.mu.Unlock()
		return fmt.Errorf("delete workgroup %q: it does not exist", name)
	}
	delete(w.workgroups, name)
	sessions := wg.open()
	w.mu.Unlock()
	return endAll(sessions)
}

// Connect opens a session as Redshift opens a connection. The error is [ErrNoWorkgroup],
// [ErrNotReady], or an [*Error] that says what is wrong with the login.
func (w *Warehouse) Connect(ctx context.Context, workgroupName, databaseName, user, password string) (*Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wg, err := w.ready(workgroupName)
	if err != nil {
		return nil, err
	}
	ns := w.namespaces[wg.Namespace]
	superuser, err := ns.login(ctx, user, password)
	if err != nil {
		return nil, err
	}
	if databaseName != ns.Database {
		return nil, &Error{Message: fmt.Sprintf("FATAL: database %q does not exist", databaseName)}
	}
	return w.session(ctx, ns, wg, user, superuser)
}

// session opens a session of a user. It is called with w.mu held.
func (w *Warehouse) session(ctx context.Context, ns *namespace, wg *workgroup, user string, superuser bool) (*Session, error) {
	conn, err := ns.data.db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "SET VARIABLE rs_user = "+quoteText(user))
	}
	if err != nil {
		return nil, fmt.Errorf("connect to workgroup %q: %w", wg.Name, err)
	}
	s := &Session{w: w, data: ns.data, conn: conn, namespace: ns.Name, user: user, superuser: superuser, workgroup: wg.Name, settings: defaultSettings(wg.CaseSensitiveIdentifiers)}
	s.detach = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(wg.sessions, s)
	}
	wg.sessions[s] = true
	return s, nil
}

// Query runs one statement as the namespace's admin in a session of its own, for tests.
// The namespace must have a workgroup, available or not.
func (w *Warehouse) Query(ctx context.Context, namespaceName, statement string) (*Result, error) {
	return w.QueryAs(ctx, namespaceName, "", statement)
}

// QueryAs does it as another user, as one who logs in with IAM and needs no password. A
// user IAM:NAME or IAMR:ROLE is made by that; every other one must exist. "" is the admin.
func (w *Warehouse) QueryAs(ctx context.Context, namespaceName, user, statement string) (*Result, error) {
	w.mu.Lock()
	ns, wg := w.namespaces[namespaceName], w.workgroupOf(namespaceName)
	if ns == nil || wg == nil {
		w.mu.Unlock()
		return nil, fmt.Errorf("query namespace %q: it or its workgroup does not exist", namespaceName)
	}
	s, err := w.sessionOf(ctx, ns, wg, user)
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Execute(ctx, statement)
}

// sessionOf opens a session of a user without a password. It is called with w.mu held.
func (w *Warehouse) sessionOf(ctx context.Context, ns *namespace, wg *workgroup, user string) (*Session, error) {
	if user == "" || user == ns.AdminUser {
		return w.session(ctx, ns, wg, ns.AdminUser, true)
	}
	if strings.HasPrefix(user, "IAM:") || strings.HasPrefix(user, "IAMR:") {
		if err := ns.addUser(ctx, user, false); err != nil {
			return nil, err
		}
	}
	var superuser bool
	err := ns.data.db.QueryRowContext(ctx, "SELECT superuser FROM rs.identities WHERE kind = 'user' AND name = $1", user).Scan(&superuser)
	if err != nil {
		return nil, fmt.Errorf("connect as user %q: %w", user, err)
	}
	return w.session(ctx, ns, wg, user, superuser)
}

// A LoggedStatement is what the activity log keeps of a statement.
type LoggedStatement struct {
	At        time.Time
	Workgroup string
	User      string
	SQL       string // with *** for a password
	Err       error  // nil when it succeeded
}

var passwordClause = regexp.MustCompile(`(?i)(\bpassword\s+)'([^']|'')*'`)

// logged is how many statements [Warehouse.Log] keeps.
const logged = 10_000

// Log lists the latest statements of all sessions, the oldest first.
func (w *Warehouse) Log() []LoggedStatement {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

func (w *Warehouse) note(s LoggedStatement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.SQL = passwordClause.ReplaceAllString(s.SQL, "$1'***'")
	if len(w.log) == logged {
		w.log = slices.Delete(w.log, 0, logged/10)
	}
	w.log = append(w.log, s)
}

// role checks that a namespace's SQL may use a role for an action on a resource.
func (w *Warehouse) role(namespaceName, roleARN, action, resource string) error {
	w.mu.Lock()
	ns := w.namespaces[namespaceName]
	attached := ns != nil && slices.Contains(ns.IAMRoles, roleARN)
	wg := w.workgroupOf(namespaceName)
	w.mu.Unlock()
	if !attached {
		return errorf("The requested role %s is not associated to cluster", roleARN)
	}
	if w.o.Authorize(roleARN, "sts:AssumeRole", roleARN) != nil {
		return errorf("Not authorized to get credentials of role %s", roleARN)
	}
	if action == "" {
		return nil
	}
	if err := w.o.Authorize(roleARN, action, resource); err != nil {
		return errorf("User: %s is not authorized to perform: %s on resource: %s", roleARN, action, resource)
	}
	if wg == nil {
		return nil
	}
	for _, call := range [][2]string{{"sts:AssumeRole", roleARN}, {action, resource}} {
		if err := w.o.Reach(wg.Name, roleARN, call[0], call[1]); err != nil {
			return errorf("Failed to connect for %s: %v", call[0], err)
		}
	}
	return nil
}

// Ready says why a workgroup can't be connected to: [ErrNoWorkgroup] or [ErrNotReady],
// nil when it can.
func (w *Warehouse) Ready(workgroupName string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.ready(workgroupName)
	return err
}

// ready gives a workgroup that can be connected to. It is called with w.mu held.
func (w *Warehouse) ready(name string) (*workgroup, error) {
	wg, ok := w.workgroups[name]
	switch {
	case !ok:
		return nil, ErrNoWorkgroup
	case w.o.Clock().Before(wg.ReadyAt):
		return nil, ErrNotReady
	}
	return wg, nil
}
