// Package fakesecrets is an in-process stand-in for that part of AWS Secrets Manager which
// makes and reads secrets: what a login to the warehouse needs.
//
// Secrets are made over the network (CreateSecret) or by [Server.Put]; those of [WithSource]
// live elsewhere. README.md of the emulator lists what is supported.
package fakesecrets

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
)

// A Secret is one with its current value.
type Secret struct {
	Name        string
	ARN         string // made by Put unless given
	Description string
	Value       string // "" for a secret without a value
	VersionID   string // of the value; made by Put unless given
	Created     time.Time
}

// A Server holds the secrets of one account in one region. Its methods may be called from
// several goroutines.
type Server struct {
	*awsjson.Service // the network: Start, URL, Close, ServeHTTP, Control, Calls

	region, account string
	now             func() time.Time
	source          func() []Secret

	mu  sync.Mutex
	own []Secret
}

// An Option changes how a Server behaves.
type Option func(*Server)

// WithRegion sets the region, us-east-1 unless given.
func WithRegion(region string) Option { return func(s *Server) { s.region = region } }

// WithAccount sets the twelve-digit account number, 123456789012 unless given.
func WithAccount(id string) Option { return func(s *Server) { s.account = id } }

// WithClock sets the clock, time.Now unless given. It must be safe for concurrent use.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithSource adds the secrets of somebody else, asked for at each request.
func WithSource(source func() []Secret) Option { return func(s *Server) { s.source = source } }

// New makes a server without secrets of its own.
func New(options ...Option) *Server {
	s := &Server{region: "us-east-1", account: "123456789012", now: time.Now, source: func() []Secret { return nil }}
	for _, o := range options {
		o(s)
	}
	s.Service = awsjson.New(awsjson.Config{
		Name:   "secretsmanager",
		Region: s.region,
		Operations: map[string]awsjson.Handler{
			"CreateSecret":   awsjson.Handle(s.createSecret),
			"DescribeSecret": awsjson.Handle(s.describeSecret),
			"GetSecretValue": awsjson.Handle(s.getSecretValue),
			"ListSecrets":    awsjson.Handle(s.listSecrets),
		},
		MaxBody:  1 << 20,
		Internal: "InternalServiceError",
		Message:  "Message",
	})
	return s
}

// Put makes a secret, or gives the one of that name another value.
func (s *Server) Put(secret Secret) Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.own, func(o Secret) bool { return o.Name == secret.Name })
	if i < 0 {
		s.own = append(s.own, Secret{})
		i = len(s.own) - 1
	}
	secret.ARN = cmp.Or(secret.ARN, s.own[i].ARN, fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", s.region, s.account, secret.Name, random(3)))
	if secret.Value != "" {
		secret.VersionID = cmp.Or(secret.VersionID, NewUUID())
	}
	if secret.Created.IsZero() {
		secret.Created = s.now()
	}
	s.own[i] = secret
	return secret
}

// MakeSecret makes a secret, or gives the one of that name another value, and returns its ARN.
func (s *Server) MakeSecret(name, value string) (arn string) {
	return s.Put(Secret{Name: name, Value: value}).ARN
}

// DeleteSecret removes a secret that the server made, by name or ARN.
func (s *Server) DeleteSecret(nameOrARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = slices.DeleteFunc(s.own, func(o Secret) bool { return o.named(nameOrARN) })
}

// Value is the current value of a secret, by name or ARN.
func (s *Server) Value(nameOrARN string) (string, error) {
	secret, err := s.find(nameOrARN)
	if err == nil && secret.Value == "" {
		err = noValue("AWSCURRENT")
	}
	return secret.Value, err
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}

// NewUUID is a random UUID.
func NewUUID() string {
	h := random(16)
	return fmt.Sprintf("%s-%s-4%s-8%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
}

func (s *Server) all() []Secret {
	others := s.source()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(others, s.own...)
	slices.SortStableFunc(all, func(a, b Secret) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// named says whether an id is a secret's name or ARN. An ARN's last part may be missing,
// unless what is left ends as if it were there:
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
func (secret Secret) named(id string) bool {
	const random = len("-AbCdEf")
	return id == secret.Name || id == secret.ARN ||
		len(secret.ARN) > random && id == secret.ARN[:len(secret.ARN)-random] && !arnEnd.MatchString(id)
}

var arnEnd = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

func (s *Server) find(id string) (Secret, error) {
	for _, secret := range s.all() {
		if secret.named(id) {
			return secret, nil
		}
	}
	return Secret{}, fault.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

func noValue(stage string) error {
	return fault.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

type createSecret struct {
	Name               string
	Description        string
	ClientRequestToken *string
	SecretString       string
}

// secretName and the messages below were recorded from AWS by localstack 8b9a79f,
// tests/aws/services/secretsmanager, 2022-09-28 to 2024-06-13.
var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]+$`)

func (s *Server) createSecret(_ context.Context, in *createSecret) (any, error) {
	switch {
	case in.ClientRequestToken == nil:
		return nil, fault.Errorf("InvalidRequestException", "You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	case !secretName.MatchString(in.Name):
		return nil, fault.Errorf("ValidationException",
			"Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if old, err := s.find(in.Name); err == nil {
		if in.SecretString == old.Value && *in.ClientRequestToken == old.VersionID {
			return created(old), nil // the same request again
		}
		return nil, fault.Errorf("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
	}
	secret := Secret{Name: in.Name, Description: in.Description, Value: in.SecretString}
	if in.SecretString != "" {
		secret.VersionID = *in.ClientRequestToken
	}
	return created(s.Put(secret)), nil
}

func created(secret Secret) any {
	return struct {
		ARN, Name string
		VersionId string `json:",omitempty"`
	}{secret.ARN, secret.Name, secret.VersionID}
}

type getSecretValue struct {
	SecretId     string
	VersionId    string
	VersionStage string
}

func (s *Server) getSecretValue(_ context.Context, in *getSecretValue) (any, error) {
	secret, err := s.find(in.SecretId)
	stage := cmp.Or(in.VersionStage, "AWSCURRENT")
	switch {
	case err != nil:
		return nil, err
	case in.VersionId != "" && in.VersionId != secret.VersionID:
		return nil, fault.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", in.VersionId)
	case in.VersionId != "" && stage != "AWSCURRENT":
		return nil, fault.Errorf("InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
	case secret.Value == "" || stage != "AWSCURRENT":
		return nil, noValue(stage)
	}
	return struct {
		ARN, Name, VersionId, SecretString string
		VersionStages                      []string
		CreatedDate                        float64
	}{secret.ARN, secret.Name, secret.VersionID, secret.Value, []string{"AWSCURRENT"}, seconds(secret.Created)}, nil
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// description is what DescribeSecret and ListSecrets say, each with a name of its own for the
// stages of versions.
type description struct {
	ARN, Name       string
	Description     string `json:",omitempty"`
	CreatedDate     float64
	LastChangedDate float64

	VersionIdsToStages     map[string][]string `json:",omitempty"`
	SecretVersionsToStages map[string][]string `json:",omitempty"`
}

func describe(secret Secret) (description, map[string][]string) {
	at := seconds(secret.Created)
	d := description{ARN: secret.ARN, Name: secret.Name, Description: secret.Description, CreatedDate: at, LastChangedDate: at}
	if secret.Value == "" {
		return d, nil
	}
	return d, map[string][]string{secret.VersionID: {"AWSCURRENT"}}
}

type describeSecret struct{ SecretId string }

func (s *Server) describeSecret(_ context.Context, in *describeSecret) (any, error) {
	secret, err := s.find(in.SecretId)
	if err != nil {
		return nil, err
	}
	d, stages := describe(secret)
	d.VersionIdsToStages = stages
	return d, nil
}

type listSecrets struct {
	MaxResults *int
	NextToken  string
}

func (s *Server) listSecrets(_ context.Context, in *listSecrets) (any, error) {
	all := s.all()
	page, next, err := awsjson.Page(all, in.MaxResults, 100, in.NextToken)
	if err != nil {
		return nil, fault.Errorf("InvalidNextTokenException", "%v", err)
	}
	list := []description{}
	for _, secret := range page {
		d, stages := describe(secret)
		d.SecretVersionsToStages = stages
		list = append(list, d)
	}
	return struct {
		SecretList []description
		NextToken  string `json:",omitempty"`
	}{list, next}, nil
}
