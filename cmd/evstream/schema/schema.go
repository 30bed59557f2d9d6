// Package schema has the verbs about the warehouse's migrations. cmd/migrate applies
// them, from pulumi up.
package schema

import (
	"cmp"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/migrate"
	evsql "example.com/evstream/sql"
)

// Status returns the verb that shows what is applied.
func Status() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which migrations are applied, how the view is refreshed and who may read",
		Long: `Show each migration with its state, how the streaming view is refreshed, and who may
read. It fails if something is wrong with a migration: one that was changed, renamed
or removed after it was applied.

The migrations are those that the command was built with: go run ./cmd/evstream has
those of the working directory.`,
		Args: cli.NoArgs,
		RunE: cli.Interruptible(func(cmd *cobra.Command, _ []string) error {
			config, err := t.config(cmd)
			if err != nil {
				return err
			}
			return migrate.Status(cmd.Context(), config, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	t.flags(cmd)
	return cmd
}

// Adopt returns the verb that records a migration.
func Adopt() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "adopt VERSION",
		Short: "Record the next pending migration as applied, because its object exists",
		Long: `Record the next pending migration as applied without running it, because its
object exists. When that is needed, pulumi up shows the whole command, with the
values of the migration's placeholders in the environment.`,
		Example: "  STREAM_NAME=ev_stream_data evstream adopt 2 --stack dev",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("adopt takes one VERSION, a migration's number, such as 2")
			}
			return nil
		},
		RunE: cli.Interruptible(func(cmd *cobra.Command, args []string) error {
			version, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || version < 1 {
				return cli.Usagef("adopt %s: VERSION is a migration's number, such as 2", args[0])
			}
			config, err := t.config(cmd)
			if err != nil {
				return err
			}
			return migrate.Adopt(cmd.Context(), config, version, cmd.ErrOrStderr())
		}),
	}
	t.flags(cmd)
	return cmd
}

// target is the warehouse, and how long to wait for it.
type target struct {
	cli.Connection
	wait time.Duration
}

func (t *target) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	t.WarehouseFlags(f)
	f.DurationVar(&t.wait, "wait", 0, "how long to wait for a workgroup that is not ready yet; default $MIGRATE_WAIT, or not at all")
}

// config puts the flags and the stack over what the environment says.
func (t *target) config(cmd *cobra.Command) (migrate.Config, error) {
	if t.wait < 0 {
		return migrate.Config{}, cli.Usagef("--wait is %s: it must not be negative", t.wait)
	}
	config, err := migrate.Environment(os.Getenv)
	if err != nil {
		return config, err
	}
	warehouse, err := t.Warehouse(cmd.Context())
	if err != nil {
		return config, err
	}
	warehouse.Region = cmp.Or(warehouse.Region, config.Warehouse.Region)
	warehouse.Wait = cmp.Or(t.wait, config.Warehouse.Wait)
	config.Warehouse = warehouse
	config.Namespace = cmp.Or(config.Namespace, t.Namespace)
	config.SQL, err = evsql.Shipped()
	return config, err
}
