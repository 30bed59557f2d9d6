package infra

import (
	"maps"
	"strconv"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newFinalSnapshot has a last snapshot taken before the workgroup and the namespace
// are deleted. A resource of the AWS provider's would take it when it is made, and
// delete it with the stack.
//
// Creating the command only builds it, so that a mistake in the build is found then
// and not by the destroy. The delete goes through tools/start too and needs Go; with
// a filled build cache it compiles nothing. It runs with what the state holds, on
// whatever machine, so nothing here differs between machines; and before what it depends on
// goes. A replaced namespace replaces it, so that the old one's snapshot is taken
// too: that is what triggers do.
func newFinalSnapshot(ctx *pulumi.Context, s settings, at place, house *warehouse, schema pulumi.Resource) error {
	if s.SnapshotRetentionDays == 0 {
		return nil
	}
	environment := awsEnvironment(ctx, at)
	maps.Copy(environment, pulumi.StringMap{
		"REDSHIFT_NAMESPACE":      house.namespace.NamespaceName,
		"REDSHIFT_WORKGROUP":      house.workgroup.WorkgroupName,
		"SNAPSHOT_RETENTION_DAYS": pulumi.String(strconv.Itoa(s.SnapshotRetentionDays)),
	})
	_, err := local.NewCommand(ctx, "final-snapshot", &local.CommandArgs{
		Create:                 pulumi.String("go run -exec true ./cmd/snapshot"),
		Delete:                 pulumi.String("exec tools/start cmd/snapshot"),
		Triggers:               pulumi.Array{house.namespace.NamespaceId},
		Environment:            environment,
		Logging:                local.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	},
		pulumi.DependsOn([]pulumi.Resource{house.workgroup, schema}),
		pulumi.DeleteBeforeReplace(true),
		pulumi.Protect(s.Protect), // else it would take one whenever a destroy is refused
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "15m", Update: "15m", Delete: "2h"}))
	return err
}
