package pipeline

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/parent"
	"example.com/evstream/infra/internal/policy"
	"example.com/evstream/internal/alarm"
)

// RefreshArgs say when a view takes new records, and which.
type RefreshArgs struct {
	Schedule string // rate(...) or cron(...)
	View     string
	AdminKey bool            // a key of the customer's encrypts the admin's secret
	After    pulumi.Resource // what makes the view
}

// ScheduleName is the name in AWS of the schedule and of its role, each of which
// has up to 64 characters.
func ScheduleName(prefix string) string { return prefix + "-refresh" }

// Refresh makes what refreshes the stream's view on a schedule.
//
// The scheduler calls the Data API as the admin, because only the owner of a
// materialized view may refresh it. It knows whether the statement was accepted;
// whether it then failed, Redshift's metric of failed queries says.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-refresh-sql-command.html
func (p *Pipeline) Refresh(ctx *pulumi.Context, args *RefreshArgs) error {
	name, of := ScheduleName(p.args.Name), parent.Of(p)
	wh := p.args.Warehouse
	failed, err := sqs.NewQueue(ctx, p.name+"-refresh-failed", &sqs.QueueArgs{
		Name:                    pulumi.String(name + "-failed"),
		MessageRetentionSeconds: pulumi.Int(14 * 24 * 60 * 60), // the longest there is
		SqsManagedSseEnabled:    pulumi.Bool(true),
		Tags:                    p.args.Tags,
	}, of)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	p.FailedRefreshes = failed
	role, rights, err := p.refreshRole(ctx, args)
	if err != nil {
		return fmt.Errorf("role: %w", err)
	}
	input := pulumi.All(wh.Workgroup.WorkgroupName, wh.Namespace.DbName, wh.LoginSecret).ApplyT(func(parts []any) (string, error) {
		statement, err := json.Marshal(map[string]any{
			"WorkgroupName": parts[0],
			"Database":      parts[1],
			"SecretArn":     parts[2],
			"Sql":           "REFRESH MATERIALIZED VIEW " + args.View,
			"StatementName": name,
		})
		return string(statement), err
	}).(pulumi.StringOutput)
	_, err = scheduler.NewSchedule(ctx, p.name+"-refresh", &scheduler.ScheduleArgs{
		Name:               pulumi.String(name),
		Description:        pulumi.String("Refreshes the streaming view of " + p.args.Name),
		ScheduleExpression: pulumi.String(args.Schedule),
		FlexibleTimeWindow: &scheduler.ScheduleFlexibleTimeWindowArgs{Mode: pulumi.String("OFF")},
		Target: &scheduler.ScheduleTargetArgs{
			Arn:              pulumi.String("arn:" + p.args.Scope.Partition + ":scheduler:::aws-sdk:redshiftdata:executeStatement"),
			RoleArn:          role.Arn,
			Input:            input,
			DeadLetterConfig: &scheduler.ScheduleTargetDeadLetterConfigArgs{Arn: failed.Arn},
			// A refresh takes all that is new, so one that is late by more than a
			// few minutes is not worth another try.
			RetryPolicy: &scheduler.ScheduleTargetRetryPolicyArgs{
				MaximumEventAgeInSeconds: pulumi.Int(300),
				MaximumRetryAttempts:     pulumi.Int(5),
			},
		},
	}, of, pulumi.DependsOn([]pulumi.Resource{args.After, rights}))
	if err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	return p.watch(ctx, alarm.OfSchedule(), pulumi.StringMap{"QueueName": failed.Name})
}

// refreshRole makes the role of the schedule: the scheduler of this account takes
// it, no other account's.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func (p *Pipeline) refreshRole(ctx *pulumi.Context, args *RefreshArgs) (*iam.Role, *iam.RolePolicy, error) {
	trusted := policy.TrustedBy("scheduler.amazonaws.com")
	trusted.Condition = policy.Condition{"StringEquals": {"aws:SourceAccount": p.args.Scope.Account}}
	trust, err := policy.Document(trusted)
	if err != nil {
		return nil, nil, err
	}
	role, err := iam.NewRole(ctx, p.name+"-refresh", &iam.RoleArgs{
		Name:             pulumi.String(ScheduleName(p.args.Name)),
		Description:      pulumi.String("Lets EventBridge Scheduler refresh the streaming view of " + p.args.Name),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             p.args.Tags,
	}, parent.Of(p))
	if err != nil {
		return nil, nil, err
	}
	wh := p.args.Warehouse
	document := pulumi.All(wh.Workgroup.Arn, wh.LoginSecret, p.FailedRefreshes.Arn).ApplyT(func(arns []any) (string, error) {
		secretARN := arns[1].(string)
		statements := []policy.Statement{
			policy.Allow("RunStatement", arns[0], "redshift-data:ExecuteStatement"),
			policy.Allow("ReadSecret", secretARN, "secretsmanager:GetSecretValue"),
			policy.Allow("KeepFailed", arns[2], "sqs:SendMessage"),
		}
		if args.AdminKey {
			statements = append(statements, policy.AllowDecrypt("SecretARN", secretARN))
		}
		return policy.Document(statements...)
	}).(pulumi.StringOutput)
	rights, err := iam.NewRolePolicy(ctx, p.name+"-refresh", &iam.RolePolicyArgs{
		Name:   pulumi.String("refresh-view"),
		Role:   role.Name,
		Policy: document,
	}, parent.Of(p))
	return role, rights, err
}
