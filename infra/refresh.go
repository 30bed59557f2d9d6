package infra

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/internal/refresh"
)

// scheduled says whether a schedule refreshes the streaming view.
func (s settings) scheduled() bool { return s.Refresh != refresh.Auto && s.Refresh != refresh.Manual }

// autoRefresh says whether Redshift refreshes the streaming view as records
// arrive.
func (s settings) autoRefresh() bool { return s.Refresh == refresh.Auto }

// longestWait is the longest time between two scheduled refreshes, in minutes, if
// that can be known.
func (s settings) longestWait() (minutes int, known bool) {
	schedule, err := refresh.Parse(s.Refresh)
	if err != nil {
		return 0, false // no schedule, or already reported
	}
	return schedule.LongestWait()
}

func (s settings) checkRefresh(r *reader) {
	if !s.scheduled() {
		return
	}
	schedule, err := refresh.Parse(s.Refresh)
	if err != nil {
		r.add("refresh", "is %q: %s.", s.Refresh, err)
		return
	}
	if last, ends := schedule.Last(); ends && last.Before(time.Now()) {
		r.add("refresh", "is %q: its last run was at %s UTC, and it never runs again.", s.Refresh, last.Format("2006-01-02 15:04"))
	}
	if strings.EqualFold(s.RoleName, s.refreshName()) {
		r.add("roleName", "is %q: the schedule of refresh has a role of that name. Choose another.", s.RoleName)
	}
	if name := s.refreshName(); len(name) > 64 {
		r.add("workgroupName", "is %q: with a schedule in refresh it has up to %d characters, because the schedule and its role are named %s.",
			s.WorkgroupName, 64-len(name)+len(s.WorkgroupName), name)
	}
}

// checkRetention reports a schedule with which the stream forgets records before
// the view takes them, and warns of one with which a single refresh that fails
// does that.
func (s settings) checkRetention(ctx *pulumi.Context, existing *existingStream, wrong *problems) {
	hours, whose := s.RetentionHours, "retentionHours is"
	switch {
	case s.ExistingStreamName != "" && existing == nil:
		return // already reported
	case existing != nil:
		hours, whose = existing.retentionHours, "the existing stream keeps records for"
	}
	schedule, err := refresh.Parse(s.Refresh)
	if err != nil || hours < 24 {
		return // no schedule, or already reported
	}
	wait, known := schedule.LongestWait()
	switch {
	case !known:
		_ = ctx.Log.Warn(fmt.Sprintf("refresh is %q, which names years, and %s %d hours: what waits longer is lost, in a pause and when the years are over.",
			s.Refresh, whose, hours), nil)
	case wait >= hours*60:
		wrong.add("refresh is %q, with pauses of up to %d hours, and %s %d: records are gone before the view takes them. "+
			"Refresh more often, or let the stream keep them longer.", s.Refresh, wait/60, whose, hours)
	case 2*wait >= hours*60:
		_ = ctx.Log.Warn(fmt.Sprintf("refresh is %q, with pauses of up to %d hours, and %s %d: one refresh that fails loses records. "+
			"Refresh more often, or let the stream keep them longer.", s.Refresh, wait/60, whose, hours), nil)
	}
}

// refreshName is the name of the schedule and of its role, each of which has up
// to 64 characters.
func (s settings) refreshName() string { return s.WorkgroupName + "-refresh" }

// streamingView is the view that takes the stream's records, which the migrations
// make.
const streamingView = "ev_station_data"

// newRefreshSchedule makes what refreshes the streaming view on a schedule, if
// the settings ask for one, and returns the queue of the refreshes that could not
// be started.
//
// The scheduler calls the Data API as the admin, because only the owner of a
// materialized view may refresh it. It knows whether the statement was accepted;
// whether it then failed, Redshift's metric of failed queries says.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-refresh-sql-command.html
func newRefreshSchedule(
	ctx *pulumi.Context, s settings, at place,
	house *warehouse, login pulumi.StringOutput, adminKey bool, schema pulumi.Resource,
) (*sqs.Queue, error) {
	if !s.scheduled() {
		return nil, nil
	}
	failed, err := sqs.NewQueue(ctx, "refresh-failed", &sqs.QueueArgs{
		Name:                    pulumi.String(s.refreshName() + "-failed"),
		MessageRetentionSeconds: pulumi.Int(14 * 24 * 60 * 60), // the longest there is
		SqsManagedSseEnabled:    pulumi.Bool(true),
		Tags:                    s.tags(),
	})
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	trust, err := policyDocument(trustedByScheduler(at))
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, "refresh", &iam.RoleArgs{
		Name:             pulumi.String(s.refreshName()),
		Description:      pulumi.String("Lets EventBridge Scheduler refresh the streaming view of " + s.WorkgroupName),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             s.tags(),
	})
	if err != nil {
		return nil, fmt.Errorf("role: %w", err)
	}
	document := pulumi.All(house.workgroup.Arn, login, failed.Arn).ApplyT(func(arns []any) (string, error) {
		return policyDocument(refreshes(arns[0].(string), arns[1].(string), arns[2].(string), adminKey)...)
	}).(pulumi.StringOutput)
	policy, err := iam.NewRolePolicy(ctx, "refresh", &iam.RolePolicyArgs{
		Name:   pulumi.String("refresh-view"),
		Role:   role.Name,
		Policy: document,
	})
	if err != nil {
		return nil, fmt.Errorf("role policy: %w", err)
	}
	input := pulumi.All(house.workgroup.WorkgroupName, house.namespace.DbName, login).ApplyT(func(parts []any) (string, error) {
		statement, err := json.Marshal(map[string]any{
			"WorkgroupName": parts[0],
			"Database":      parts[1],
			"SecretArn":     parts[2],
			"Sql":           "REFRESH MATERIALIZED VIEW " + streamingView,
			"StatementName": s.refreshName(),
		})
		return string(statement), err
	}).(pulumi.StringOutput)
	_, err = scheduler.NewSchedule(ctx, "refresh", &scheduler.ScheduleArgs{
		Name:               pulumi.String(s.refreshName()),
		Description:        pulumi.String("Refreshes the streaming view of " + s.WorkgroupName),
		ScheduleExpression: pulumi.String(s.Refresh),
		FlexibleTimeWindow: &scheduler.ScheduleFlexibleTimeWindowArgs{Mode: pulumi.String("OFF")},
		Target: &scheduler.ScheduleTargetArgs{
			Arn:              pulumi.String("arn:" + at.partition + ":scheduler:::aws-sdk:redshiftdata:executeStatement"),
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
	}, pulumi.DependsOn([]pulumi.Resource{schema, policy}))
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	return failed, nil
}

// trustedByScheduler lets the scheduler of this account take the role, and no
// other account's.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func trustedByScheduler(at place) statement {
	return statement{
		Effect:    "Allow",
		Principal: map[string][]string{"Service": {"scheduler.amazonaws.com"}},
		Action:    []string{"sts:AssumeRole"},
		Condition: condition{"StringEquals": {"aws:SourceAccount": at.account}},
	}
}

// refreshes is what a refresh through the Data API needs and no more.
func refreshes(workgroupARN, secretARN, queueARN string, adminKey bool) []statement {
	allow := func(sid, action, resource string) statement {
		return statement{Sid: sid, Effect: "Allow", Action: []string{action}, Resource: resource}
	}
	statements := []statement{
		allow("RunStatement", "redshift-data:ExecuteStatement", workgroupARN),
		allow("ReadSecret", "secretsmanager:GetSecretValue", secretARN),
		allow("KeepFailed", "sqs:SendMessage", queueARN),
	}
	if adminKey {
		statements = append(statements, decrypts("SecretARN", secretARN))
	}
	return statements
}
