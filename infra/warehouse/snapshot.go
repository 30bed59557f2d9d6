package warehouse

import (
	"maps"
	"strconv"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// finalSnapshot has a last snapshot taken before the workgroup and the namespace
// are deleted, if one is wanted. A resource of the AWS provider's would take it when
// it is made, and delete it with the stack.
//
// Creating the command only builds it, so that a mistake in the build is found then
// and not by the destroy. The delete goes through tools/start too and needs Go; with
// a filled build cache it compiles nothing. It runs with what the state holds, on
// whatever machine, so nothing here differs between machines; and before what it depends on
// goes. A replaced namespace replaces it, so that the old one's snapshot is taken
// too: that is what triggers do.
func (b *builder) finalSnapshot(w *Warehouse) (pulumi.Resource, error) {
	if b.args.SnapshotRetentionDays == 0 {
		return nil, nil
	}
	environment := pulumi.StringMap{
		"REDSHIFT_NAMESPACE":      w.Namespace.NamespaceName,
		"REDSHIFT_WORKGROUP":      w.Workgroup.WorkgroupName,
		"SNAPSHOT_RETENTION_DAYS": pulumi.String(strconv.Itoa(b.args.SnapshotRetentionDays)),
	}
	maps.Copy(environment, b.args.CommandEnvironment)
	return local.NewCommand(b.ctx, b.part("final-snapshot"), &local.CommandArgs{
		Create:                 pulumi.String("go run -exec true ./cmd/snapshot"),
		Delete:                 pulumi.String("exec tools/start cmd/snapshot"),
		Triggers:               pulumi.Array{w.Namespace.NamespaceId},
		Environment:            environment,
		Logging:                local.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	},
		b.of,
		pulumi.DependsOn([]pulumi.Resource{w.Workgroup}),
		pulumi.DeleteBeforeReplace(true),
		pulumi.Protect(b.args.Protect), // else it would take one whenever a destroy is refused
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "15m", Update: "15m", Delete: "2h"}))
}
