package fakeredshift

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
	"example.com/evstream/emulator/warehouse"
)

// What a test says about requests; see package fault.
type (
	Error = fault.Error
	Call  = fault.Call
	Fault = fault.Fault
)

func invalid(format string, args ...any) error {
	return fault.Errorf("ValidationException", format, args...)
}

func notFound(format string, args ...any) error {
	return fault.Errorf("ResourceNotFoundException", format, args...)
}

func conflict(format string, args ...any) error {
	return fault.Errorf("ConflictException", format, args...)
}

// A Server is the service of one account in one region. Its methods may be called from
// several goroutines.
type Server struct {
	*awsjson.Service // the network: Start, URL, Close, ServeHTTP, Control, Calls

	warehouse       *warehouse.Warehouse // nil: nothing holds data
	region, account string
	now             func() time.Time
	secrets         Secrets

	mu         sync.Mutex // guards what follows
	namespaces []Namespace
	workgroups []Workgroup
	snapshots  []*Snapshot
	held       bool
}

// Secrets keeps the passwords of admins that AWS manages.
type Secrets interface {
	// MakeSecret makes a secret and returns its ARN.
	MakeSecret(name, value string) (arn string)
	DeleteSecret(arn string)
}

// An Option changes how a Server behaves.
type Option func(*Server)

// WithRegion sets the region, us-east-1 unless given. Requests signed for another one
// are refused, as they would not reach this one's endpoint.
func WithRegion(region string) Option { return func(s *Server) { s.region = region } }

// WithAccount sets the twelve-digit account number, 123456789012 unless given.
func WithAccount(id string) Option { return func(s *Server) { s.account = id } }

// WithClock sets the clock, time.Now unless given. It must be safe for concurrent use.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithSecrets sets where managed passwords are kept. Unless given, manageAdminPassword is
// refused.
func WithSecrets(secrets Secrets) Option { return func(s *Server) { s.secrets = secrets } }

// New makes a server of a warehouse, which may be nil: nothing then holds data.
func New(w *warehouse.Warehouse, options ...Option) *Server {
	s := &Server{warehouse: w, region: "us-east-1", account: "123456789012", now: time.Now}
	for _, o := range options {
		o(s)
	}
	s.Service = awsjson.New(awsjson.Config{
		Name:   "redshift-serverless",
		Region: s.region,
		Operations: map[string]awsjson.Handler{
			"CreateNamespace": op(s, (*createNamespace).apply),
			"GetNamespace":    op(s, (*getNamespace).apply),
			"ListNamespaces":  op(s, (*listNamespaces).apply),
			"DeleteNamespace": op(s, (*deleteNamespace).apply),
			"CreateWorkgroup": op(s, (*createWorkgroup).apply),
			"GetWorkgroup":    op(s, (*getWorkgroup).apply),
			"ListWorkgroups":  op(s, (*listWorkgroups).apply),
			"DeleteWorkgroup": op(s, (*deleteWorkgroup).apply),
			"CreateSnapshot":  op(s, (*createSnapshot).apply),
			"GetSnapshot":     op(s, (*getSnapshot).apply),
			"ListSnapshots":   op(s, (*listSnapshots).apply),
		},
		MaxBody: 1 << 20,
	})
	return s
}

// op makes a handler of an operation's function.
func op[In any](s *Server, apply func(*In, context.Context, *Server) (any, error)) awsjson.Handler {
	return awsjson.Handle(func(ctx context.Context, in *In) (any, error) { return apply(in, ctx, s) })
}

// A page is what the lists of the API are asked for.
type page struct {
	MaxResults *int   `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// pageSize is how many items a page has; the service's is not documented.
const pageSize = 20

// list answers with a page of what each item shows.
func list[T any](p page, name string, all []T, shown func(T) map[string]any) (any, error) {
	items, next, err := awsjson.Page(all, p.MaxResults, pageSize, p.NextToken)
	if err != nil {
		return nil, invalid("%v", err)
	}
	shownItems := make([]map[string]any, len(items))
	for i, item := range items {
		shownItems[i] = shown(item)
	}
	reply := map[string]any{name: shownItems}
	if next != "" {
		reply["nextToken"] = next
	}
	return reply, nil
}

// with is what is shown, with the status of one that the request has begun to change.
func with(status string, shown map[string]any) map[string]any {
	shown["status"] = status
	return shown
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (s *Server) arn(kind, id string) string {
	return strings.Join([]string{"arn:aws:redshift-serverless", s.region, s.account, kind + "/" + id}, ":")
}

// indexOf is where the item of a name is; -1 if there is none.
func indexOf[T any](all []T, name string, nameOf func(T) string) int {
	return slices.IndexFunc(all, func(item T) bool { return nameOf(item) == name })
}
