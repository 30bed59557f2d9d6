package infra

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// How the streaming view is refreshed, unless on a schedule.
const (
	autoRefresh   = "auto"
	manualRefresh = "manual"
)

// scheduled says whether a schedule refreshes the streaming view.
func (s settings) scheduled() bool {
	return rate.MatchString(s.Refresh) || cron.MatchString(s.Refresh)
}

// autoRefresh says whether Redshift refreshes the streaming view as records
// arrive.
func (s settings) autoRefresh() bool { return s.Refresh == autoRefresh }

// The expressions of EventBridge Scheduler: a rate, or six fields of which one of
// the two kinds of day is a question mark.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
var (
	rate = regexp.MustCompile(`^rate\(([1-9][0-9]{0,4}) (minute|hour|day)s?\)$`)
	cron = regexp.MustCompile(`^cron\(` + strings.Join([]string{
		field(`[0-5]?\d`),
		field(`[01]?\d|2[0-3]`),
		`(?:` + field(`0?[1-9]|[12]\d|3[01]`) + `|\?|L|LW|(?:[1-9]|[12]\d|3[01])W)`,
		field(`0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC`),
		`(?:` + field(`[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT`) + `|\?|[1-7]?L|[1-7]#[1-5])`,
		field(`19[789]\d|20\d\d|21\d\d`),
	}, ` `) + `\)$`)
	cronDays = regexp.MustCompile(`^cron\(\S+ \S+ (\S+) \S+ (\S+) \S+\)$`)
)

// field is the pattern of one field of a cron expression: any value, or a list of
// values, ranges and steps.
func field(value string) string {
	one := `(?:` + value + `)(?:-(?:` + value + `))?(?:/[0-9]{1,4})?`
	return `(?:\*(?:/[0-9]{1,4})?|` + one + `(?:,` + one + `)*)`
}

func (s settings) checkRefresh(r *reader) {
	days := cronDays.FindStringSubmatch(s.Refresh)
	switch {
	case s.Refresh == autoRefresh, s.Refresh == manualRefresh, rate.MatchString(s.Refresh):
	case !cron.MatchString(s.Refresh):
		r.add("refresh", "is %q: it is auto, manual, rate(VALUE minutes|hours|days), or "+
			"cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR) in UTC, such as cron(0 6 * * ? *).", s.Refresh)
	case (days[1] == "?") == (days[2] == "?"):
		r.add("refresh", "is %q: of DAY-OF-MONTH (%s) and DAY-OF-WEEK (%s) exactly one is ?.", s.Refresh, days[1], days[2])
	}
	if name := s.refreshName(); s.scheduled() && len(name) > 64 {
		r.add("workgroupName", "is %q: with a schedule in refresh it has up to %d characters, because the schedule and its role are named %s.",
			s.WorkgroupName, 64-len(name)+len(s.WorkgroupName), name)
	}
}

// refreshName is the name of the schedule and of its role, each of which has up
// to 64 characters.
func (s settings) refreshName() string { return s.WorkgroupName + "-refresh" }

// rateInterval is the time between two refreshes of a rate expression, in
// minutes.
func rateInterval(expression string) (minutes int, ok bool) {
	parts := rate.FindStringSubmatch(expression)
	if parts == nil {
		return 0, false
	}
	value, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, false
	}
	return value * map[string]int{"minute": 1, "hour": 60, "day": 24 * 60}[parts[2]], true
}

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
