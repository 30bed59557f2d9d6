package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/pflag"

	"example.com/evstream/internal/dataapi"
)

// Connection says which deployment a verb talks to.
type Connection struct {
	Stack, Region, Stream          string
	Workgroup, Database, SecretARN string
	Namespace                      string // known only of a stack
}

// StreamFlags adds the flags that say where the stream is.
func (c *Connection) StreamFlags(f *pflag.FlagSet) {
	c.stackFlags(f)
	f.StringVar(&c.Stream, "stream", "", "the stream's `NAME`; default $STREAM_NAME")
}

// WarehouseFlags adds the flags that say where the warehouse is.
func (c *Connection) WarehouseFlags(f *pflag.FlagSet) {
	c.stackFlags(f)
	f.StringVar(&c.Workgroup, "workgroup", "", "the workgroup's `NAME`; default $REDSHIFT_WORKGROUP")
	f.StringVar(&c.Database, "database", "", "the database's `NAME`; default $REDSHIFT_DATABASE")
	f.StringVar(&c.SecretARN, "secret-arn", "", "the `ARN` of a secret with a database user's name and password; default $REDSHIFT_SECRET_ARN, or else the user of your IAM identity")
}

func (c *Connection) stackFlags(f *pflag.FlagSet) {
	f.StringVar(&c.Stack, "stack", "", "take what is not given from the outputs of this Pulumi stack, by `NAME`, in the project's folder")
	f.StringVar(&c.Region, "region", "", "AWS `REGION`; default from the AWS environment")
}

// Resolve fills in what the flags leave open, from the stack's outputs and then from
// the environment.
func (c *Connection) Resolve(ctx context.Context) error {
	if c.Stack != "" {
		if err := c.readOutputs(ctx); err != nil {
			return fmt.Errorf("reading the outputs of stack %s: %w", c.Stack, err)
		}
	}
	c.Stream = cmp.Or(c.Stream, os.Getenv("STREAM_NAME"))
	c.Workgroup = cmp.Or(c.Workgroup, os.Getenv("REDSHIFT_WORKGROUP"))
	c.Database = cmp.Or(c.Database, os.Getenv("REDSHIFT_DATABASE"))
	c.SecretARN = cmp.Or(c.SecretARN, os.Getenv("REDSHIFT_SECRET_ARN"))
	return nil
}

// Warehouse returns where the warehouse is.
func (c *Connection) Warehouse(ctx context.Context) (dataapi.Config, error) {
	if err := c.Resolve(ctx); err != nil {
		return dataapi.Config{}, err
	}
	switch {
	case c.Workgroup == "":
		return dataapi.Config{}, Usagef("which workgroup? Give --stack NAME, --workgroup or REDSHIFT_WORKGROUP")
	case c.Database == "":
		return dataapi.Config{}, Usagef("which database of workgroup %s? Give --stack NAME, --database or REDSHIFT_DATABASE", c.Workgroup)
	}
	return dataapi.Config{Region: c.Region, Workgroup: c.Workgroup, Database: c.Database, SecretARN: c.SecretARN}, nil
}

// readOutputs takes what is not given from the stack's outputs. It fails if the
// stack was not deployed to its end.
func (c *Connection) readOutputs(ctx context.Context) error {
	var out struct {
		Region           string `json:"region"`
		StreamName       string `json:"streamName"`
		NamespaceName    string `json:"namespaceName"`
		WorkgroupName    string `json:"workgroupName"`
		DatabaseName     string `json:"databaseName"`
		DataAPISecretARN string `json:"dataApiSecretArn"`
	}
	if err := Pulumi(ctx, &out, "stack", "output", "--json", "--non-interactive", "--stack", c.Stack); err != nil {
		return err
	}
	if out.WorkgroupName == "" || out.StreamName == "" || out.Region == "" {
		return errors.New("it exports no region, streamName and workgroupName: has pulumi up completed?")
	}
	c.Region = cmp.Or(c.Region, out.Region)
	c.Stream = cmp.Or(c.Stream, out.StreamName)
	c.Namespace = cmp.Or(c.Namespace, out.NamespaceName)
	c.Workgroup = cmp.Or(c.Workgroup, out.WorkgroupName)
	c.Database = cmp.Or(c.Database, out.DatabaseName)
	c.SecretARN = cmp.Or(c.SecretARN, out.DataAPISecretARN)
	return nil
}

// Pulumi runs the Pulumi CLI, which must be on the PATH, in the working directory's
// project, and reads the JSON that it prints.
func Pulumi(ctx context.Context, into any, args ...string) error {
	text, err := exec.CommandContext(ctx, "pulumi", args...).Output()
	var failed *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("pulumi is not on the PATH; give flags instead of --stack")
	case errors.As(err, &failed):
		return fmt.Errorf("pulumi says: %s", cmp.Or(strings.TrimSpace(string(failed.Stderr)), failed.Error()))
	case err != nil:
		return err
	}
	return json.Unmarshal(text, into)
}
