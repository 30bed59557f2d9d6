package fakeaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	scheduleToken = "aws:scheduler/schedule:Schedule"

	// schedulerPrincipal is the name under which EventBridge Scheduler takes roles on.
	schedulerPrincipal = "scheduler.amazonaws.com"

	// executeStatement is the one target that the stand-in supports.
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
	executeStatement = "arn:aws:scheduler:::aws-sdk:redshiftdata:executeStatement"
)

// scheduleType is a schedule of EventBridge Scheduler in its group default. An update without a
// difference writes it again: internal/service/scheduler/schedule.go, resourceScheduleUpdate.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func scheduleType() *resourceType {
	return &resourceType{
		token: scheduleToken, noun: "EventBridge Scheduler Schedule", service: schedulerService, invalid: "ValidationException", name: "name", autoname: 64,
		schema: schema{
			"name":                       {replaces: true, check: matching(`[0-9A-Za-z_.-]{1,64}`)},
			"description":                {check: upTo(512)},
			"scheduleExpression":         {required: true, check: matching(`.{1,256}`)},
			"scheduleExpressionTimezone": {fallback: "UTC", check: matching(`.{1,50}`)},
			"state":                      {fallback: "ENABLED", check: oneOf("ENABLED", "DISABLED")},
			"flexibleTimeWindow": {kind: anObject, required: true, fields: schema{
				"mode": {required: true, check: oneOf("OFF", "FLEXIBLE")}, "maximumWindowInMinutes": {kind: number, check: between(1, 1440)},
			}},
			"target": {kind: anObject, required: true, fields: schema{
				"arn":              {required: true, check: isARN},
				"roleArn":          {required: true, check: isARN},
				"input":            {},
				"deadLetterConfig": {kind: anObject, fields: schema{"arn": {required: true, check: isARN}}},
				"retryPolicy": {kind: anObject, fields: schema{
					"maximumEventAgeInSeconds": {kind: number, check: between(60, 86400)},
					"maximumRetryAttempts":     {kind: number, check: between(0, 185)},
				}},
			}},
			"arn":       {output: true},
			"groupName": {output: true},
		},
		create: one("CreateSchedule", func(o *op) error {
			name := o.in.text("name")
			o.id = "default/" + name
			if o.find(scheduleToken, o.id) != nil {
				return o.refuse("ConflictException", "Schedule %s already exists.", name)
			}
			o.props["arn"] = o.arn("scheduler", "schedule/"+o.id)
			o.props["groupName"] = "default"
			return o.checkSchedule()
		}),
		update: []request{{api: "UpdateSchedule", always: true, do: (*op).checkSchedule}},
		delete: request{api: "DeleteSchedule"},
	}
}

var (
	queueARN = regexp.MustCompile(`^arn:aws(-[a-z]+)?:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]+$`)
	roleARN  = regexp.MustCompile(`^arn:aws(-[a-z]+)?:iam::\d{12}:role/[\w+=,.@/-]+$`)
)

// checkSchedule says what the scheduler refuses.
func (o *op) checkSchedule() error {
	if expression := o.in.text("scheduleExpression"); !isSchedule(expression) {
		return o.invalid("Invalid Schedule Expression %s.", expression)
	}
	if _, err := time.LoadLocation(o.in.text("scheduleExpressionTimezone")); err != nil {
		return o.invalid("Invalid Time Zone %s.", o.in.text("scheduleExpressionTimezone"))
	}
	window := o.in.object("flexibleTimeWindow")
	if (window.text("mode") == "FLEXIBLE") != window.has("maximumWindowInMinutes") {
		return o.invalid("MaximumWindowInMinutes goes with a flexible time window of the mode FLEXIBLE, and only with it.")
	}
	target := o.in.object("target")
	if target.text("arn") != executeStatement {
		return fmt.Errorf("the stand-in does not support the target %s of a schedule, only %s", target.text("arn"), executeStatement)
	}
	if _, err := statementOf(target.text("input")); err != nil {
		return o.invalid("Invalid RequestJson provided. Reason %v", err)
	}
	if letter := target.object("deadLetterConfig"); letter != nil && !queueARN.MatchString(letter.text("arn")) {
		return o.invalid("1 validation error detected: Value '%s' at 'target.deadLetterConfig.arn' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: %s", letter.text("arn"), queueARN)
	}
	role := target.text("roleArn")
	if !roleARN.MatchString(role) {
		return o.invalid("1 validation error detected: Value '%s' at 'target.roleArn' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: %s", role, roleARN)
	}
	if err := o.authorize(role, schedulerPrincipal, "sts:AssumeRole", role); err != nil {
		return o.invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	return nil
}

// statementOf reads a target's input: a request of the Data API, of which the scheduler
// knows the fields, in Pascal case.
func statementOf(input string) (Statement, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(input), &fields); err != nil {
		return Statement{}, fmt.Errorf("request payload is not a JSON object: %w", err)
	}
	supported := map[string]bool{"Sql": true, "WorkgroupName": true, "Database": true, "SecretArn": true, "StatementName": true}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !supported[key] {
			return Statement{}, fmt.Errorf("the stand-in does not support the field %s of ExecuteStatement", key)
		}
	}
	var request struct{ Sql, WorkgroupName, Database, SecretArn, StatementName string }
	if err := json.Unmarshal([]byte(input), &request); err != nil {
		return Statement{}, err
	}
	if request.Sql == "" {
		return Statement{}, errors.New("request payload is missing the following field(s): Sql")
	}
	return Statement{
		SQL: request.Sql, Workgroup: request.WorkgroupName, Database: request.Database, SecretARN: request.SecretArn, Name: request.StatementName,
	}, nil
}

// isSchedule says whether the scheduler takes an expression.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func isSchedule(expression string) bool {
	kind, rest, ok := strings.Cut(expression, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return false
	}
	switch kind {
	case "at":
		_, err := time.Parse("2006-01-02T15:04:05", inner)
		return err == nil
	case "rate":
		value, unit, _ := strings.Cut(inner, " ")
		n, err := strconv.Atoi(value)
		return err == nil && n > 0 && slices.Contains([]string{"minute", "minutes", "hour", "hours", "day", "days"}, unit)
	case "cron":
		return isCron(strings.Fields(inner))
	}
	return false
}

const (
	months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
	days   = "SUN MON TUE WED THU FRI SAT"
)

var (
	dayOfMonth = regexp.MustCompile(`^(\?|L|LW|([1-9]|[12]\d|3[01])W)$`)
	dayOfWeek  = regexp.MustCompile(`^(\?|L|[1-7]L|(SUN|MON|TUE|WED|THU|FRI|SAT)L|[1-7]#[1-5]|(SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$`)
)

// isCron checks minutes, hours, day of month, month, day of week and year. Exactly one of
// the two days is a question mark.
func isCron(fields []string) bool {
	return len(fields) == 6 && (fields[2] == "?") != (fields[4] == "?") &&
		isCronField(fields[0], 0, 59, "") && isCronField(fields[1], 0, 23, "") &&
		(dayOfMonth.MatchString(fields[2]) || isCronField(fields[2], 1, 31, "")) && isCronField(fields[3], 1, 12, months) &&
		(dayOfWeek.MatchString(fields[4]) || isCronField(fields[4], 1, 7, days)) && isCronField(fields[5], 1970, 2199, "")
}

// isCronField checks a list of values, ranges and steps; names stand for values from low on.
func isCronField(field string, low, high int, names string) bool {
	value := func(text string) (int, bool) {
		if i := slices.Index(strings.Fields(names), text); i >= 0 {
			return low + i, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil && low <= n && n <= high
	}
	for part := range strings.SplitSeq(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1 || n > high) {
			return false
		}
		if span == "*" {
			continue
		}
		from, to, ranged := strings.Cut(span, "-")
		first, ok := value(from)
		if !ok {
			return false
		}
		if last, ok := value(to); ranged && (!ok || last < first) {
			return false
		}
	}
	return true
}

// Fire does what EventBridge Scheduler does when a schedule's time has come: it takes the
// schedule's role on and starts the statement through [Options].DataAPI. What is refused
// is tried again as often as the retry policy says, without the time between, and then put
// into the dead-letter queue if there is one. The error says what was refused and what
// became of it, or why the statement failed that was started: of that the scheduler knows
// nothing.
func (s *Server) Fire(ctx context.Context, schedule string) error {
	s.account.mu.Lock()
	found := s.account.find(scheduleToken, "default/"+schedule)
	s.account.mu.Unlock()
	switch {
	case found == nil:
		return fmt.Errorf("fakeaws: there is no schedule %s", schedule)
	case s.opts.DataAPI == nil:
		return fmt.Errorf("fakeaws: the schedule %s can't be fired: the options have no DataAPI", schedule)
	case found.props.text("state") != "ENABLED":
		return fmt.Errorf("fakeaws: the schedule %s can't be fired: it is %s", schedule, found.props.text("state"))
	}
	target := found.props.object("target")
	statement, err := statementOf(target.text("input"))
	if err != nil {
		return fmt.Errorf("firing the schedule %s: %w", schedule, err)
	}
	retries := 185 // the service's default
	if policy := target.object("retryPolicy"); policy.has("maximumRetryAttempts") {
		retries = policy.number("maximumRetryAttempts")
	}
	for range retries + 1 {
		var wait func(context.Context) error
		if wait, err = s.start(ctx, target.text("roleArn"), statement); err == nil {
			if err := wait(ctx); err != nil {
				return fmt.Errorf("firing the schedule %s: its statement failed, which the scheduler does not see: %w", schedule, err)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("firing the schedule %s: tried %d times: %w; %s", schedule, retries+1, err, s.bury(found, retries, err))
}

// start asks IAM and then the Data API.
func (s *Server) start(ctx context.Context, role string, statement Statement) (wait func(context.Context) error, _ error) {
	if err := s.mayExecute(role, statement); err != nil {
		return nil, err
	}
	return s.opts.DataAPI.ExecuteStatement(ctx, statement)
}

// mayExecute says what a role lacks for a statement.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
func (s *Server) mayExecute(role string, statement Statement) error {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	workgroup := "arn:aws:redshift-serverless:" + a.region + ":" + a.id + ":workgroup/"
	if group := a.find(workgroupToken, statement.Workgroup); group != nil {
		workgroup = group.props.text("arn")
	}
	if err := a.authorize(role, schedulerPrincipal, "redshift-data:ExecuteStatement", workgroup); err != nil {
		return &Error{Service: "Redshift Data", Operation: "ExecuteStatement", Code: "AccessDeniedException", Message: err.Error()}
	}
	if statement.SecretARN == "" {
		return errors.New("the stand-in does not support temporary credentials: the input has no SecretArn")
	}
	if err := a.authorize(role, schedulerPrincipal, "secretsmanager:GetSecretValue", statement.SecretARN); err != nil {
		return &Error{Service: "Redshift Data", Operation: "ExecuteStatement", Code: "AccessDeniedException", Message: err.Error()}
	}
	return nil
}

// bury puts an event that could not be delivered into the dead-letter queue and says what
// became of it.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
func (s *Server) bury(schedule *thing, retries int, cause error) string {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	target := schedule.props.object("target")
	letter := target.object("deadLetterConfig")
	if letter == nil {
		return "the event is lost: there is no dead-letter queue"
	}
	queue := letter.text("arn")
	if a.queueNamed(queue) == nil {
		return fmt.Sprintf("the event is lost: there is no queue %s", queue)
	}
	if err := a.authorize(target.text("roleArn"), schedulerPrincipal, "sqs:SendMessage", queue); err != nil {
		return fmt.Sprintf("the event is lost: %v", err)
	}
	code := "InternalFailure"
	if refusal, ok := errors.AsType[*Error](cause); ok {
		code = refusal.Code
	} else if refusal, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](cause); ok {
		code = refusal.ErrorCode()
	}
	a.messages[queue] = append(a.messages[queue], Message{Body: target.text("input"), Attributes: map[string]string{
		"ERROR_CODE": code, "ERROR_MESSAGE": cause.Error(), "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
		"IS_PAYLOAD_TRUNCATED": "false", "RETRY_ATTEMPTS": strconv.Itoa(retries),
		"SCHEDULED_TIME": s.now().UTC().Format(time.RFC3339), "SCHEDULE_ARN": schedule.props.text("arn"), "TARGET_ARN": target.text("arn"),
	}})
	return "the event is in the queue " + queue
}
