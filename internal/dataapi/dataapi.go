// Package dataapi is a database/sql driver for a Redshift Serverless workgroup
// over the Redshift Data API: HTTPS and IAM, no network path to the warehouse.
//
// # Connections
//
// A connection is a Data API session, so SET and temporary tables last as long
// as it does. The session starts with the connection's first statement and ends
// five minutes after its last one; the Data API has no call that ends it. A handle
// has at most 50 connections, and at most 100 sessions whatever limits its pool is
// given: a statement that needs one more waits. There is one statement per call,
// and no transactions: Begin returns [ErrNoTransactions], but [Batch] runs several
// statements in one transaction.
//
// Cancelling the context of a statement cancels the statement in Redshift; the error
// says whether that came in time, with [ErrFinished] if not. A statement that Redshift
// refuses gives an [*Error], one that may or may not have run an [*UnknownError]. None
// is ever run twice.
//
// # Arguments
//
// Arguments are positional, written $1, $2, ..., and sent as named parameters
// p1, p2, ... The service takes only text that is not empty and converts it
// itself, so NULL and "" cannot be arguments. What it does with a colon inside a
// literal of a statement that has arguments is not documented; pass such a
// literal as an argument too.
//
// # Types
//
//	Redshift                          Go          as
//	BOOLEAN                           bool
//	SMALLINT, INTEGER, BIGINT         int64
//	REAL, DOUBLE PRECISION            float64
//	DECIMAL                           string      exact digits, "12.50"
//	TIMESTAMP, DATE                   time.Time   in UTC
//	TIMESTAMPTZ                       time.Time   the instant, in UTC
//	TIME, TIMETZ, CHAR, VARCHAR       string
//	SUPER                             string      JSON text
//	VARBYTE                           string      hexadecimal digits
//	any other                         string      as the Data API writes it
//	NULL                              nil
//
// A TIMESTAMP or DATE that time.Time cannot hold (infinity, before Christ) is an
// error; cast it to VARCHAR.
package dataapi

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"

	"example.com/evstream/internal/endpoint"
)

// keepAlive is how long a session outlives its last statement. It has to exceed
// the pauses of a caller that goes on with the session; a session left behind
// costs nothing but one of the 500 that may be open at a time.
const keepAlive = 5 * time.Minute

// A handle has at most maxSessions sessions, those included that outlive their
// connection. By itself it comes nowhere near that: it has maxConnections at most,
// and each lets go of its session after half the keep-alive time. A caller who gives
// the pool other limits, or cancels much, waits once there are so many.
const (
	maxConnections = 50
	maxSessions    = 2 * maxConnections
)

// A Config says which database to reach.
type Config struct {
	Workgroup string // name of the Redshift Serverless workgroup
	Database  string

	// SecretARN names the secret with the database user's name and password. When
	// it is empty, the database user follows from the caller's IAM identity.
	SecretARN string

	Region string // the workgroup's; empty: that of the AWS environment

	// Wait is how long a statement waits for a workgroup that does not exist yet
	// or is not available. The service says much the same of a workgroup that is
	// being created as of one that never was, so zero, not waiting, is right
	// unless somebody is creating it.
	Wait time.Duration

	// OnWait, when set, is called once for each statement that has to wait for
	// the workgroup, with what the service said.
	OnWait func(reason error)
}

// Open returns a database handle for the database c names. Credentials and
// endpoint are the ordinary AWS configuration of the environment. It sends
// nothing; use Ping to reach the database.
func Open(ctx context.Context, c Config) (*sql.DB, error) {
	if c.Workgroup == "" || c.Database == "" {
		return nil, fmt.Errorf("opening the Redshift Data API: workgroup %q, database %q: both are needed", c.Workgroup, c.Database)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is configured: set AWS_REGION to the workgroup's region")
	}
	client := redshiftdata.NewFromConfig(cfg, func(o *redshiftdata.Options) {
		o.Retryer = aws.NopRetryer{} // this package retries by its own rules, see retry.go
	})
	if err := endpoint.CheckTLS(client.Options().BaseEndpoint); err != nil {
		return nil, fmt.Errorf("opening the Redshift Data API: %w", err)
	}
	return openDB(c, client), nil
}

func openDB(c Config, client *redshiftdata.Client) *sql.DB {
	db := sql.OpenDB(&connector{Config: c, client: client, sessions: make(chan struct{}, maxSessions)})
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	// The pool must not hand out a session that has ended.
	db.SetConnMaxIdleTime(keepAlive / 2)
	return db
}

// A connector makes the connections of one handle. It is its own driver.
type connector struct {
	Config
	client   *redshiftdata.Client
	sessions chan struct{} // holds one for each session that may be open
}

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	return &conn{connector: c}, nil
}

func (c *connector) Driver() driver.Driver { return c }

// Open is there for the interface: a data source name is not supported.
func (c *connector) Open(string) (driver.Conn, error) {
	return nil, errors.New("dataapi: a handle is opened with dataapi.Open, not by a data source name")
}
