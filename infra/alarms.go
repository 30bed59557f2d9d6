package infra

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/internal/refresh"
)

// Namespaces of metrics in CloudWatch. Names and dimensions are documented in
// https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html,
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-audit-logging.html and
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
const (
	kinesisMetrics  = "AWS/Kinesis"
	redshiftMetrics = "AWS/Redshift-Serverless"
	sqsMetrics      = "AWS/SQS"
)

// queryTypes are the values of the dimension QueryType, without which Redshift
// Serverless has no metric of its queries.
func queryTypes() []string {
	return []string{"SELECT", "INSERT", "UPDATE", "DELETE", "LOAD", "UNLOAD", "CTAS", "OTHER"}
}

// alarms are the stack's alarms, all of which tell the same topic.
type alarms struct {
	ctx     *pulumi.Context
	s       settings
	topic   pulumi.StringInput // its ARN; nil if there are no alarms
	metrics int                // how many they watch, which is what they cost
}

// newAlarms makes the alarms, if the settings say whom to tell.
func newAlarms(
	ctx *pulumi.Context, s settings,
	from stream, house *warehouse, limit *redshiftserverless.UsageLimit, failed *sqs.Queue,
) (*alarms, error) {
	a := &alarms{ctx: ctx, s: s}
	if !s.hasAlarms() {
		return a, nil
	}
	var err error
	if a.topic, err = newAlarmTopic(ctx, s); err != nil {
		return nil, fmt.Errorf("topic: %w", err)
	}
	if why := s.watchesLag(); why != "" {
		_ = ctx.Log.Info("No alarm watches how long records wait: "+why, nil)
	} else if err := a.watchLag(from); err != nil {
		return nil, err
	}
	if err := a.watchWrites(from); err != nil {
		return nil, err
	}
	if err := a.watchQueries(house); err != nil {
		return nil, err
	}
	if err := a.watchStorage(house); err != nil {
		return nil, err
	}
	if limit != nil {
		if err := a.watchUsage(house, limit); err != nil {
			return nil, err
		}
	}
	if failed != nil {
		if err := a.watchSchedule(failed); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func newAlarmTopic(ctx *pulumi.Context, s settings) (pulumi.StringInput, error) {
	if s.AlarmTopicARN != "" {
		return pulumi.String(s.AlarmTopicARN), nil
	}
	topic, err := sns.NewTopic(ctx, "alarms", &sns.TopicArgs{
		Name: pulumi.String(s.WorkgroupName + "-alarms"),
		Tags: s.tags(),
	})
	if err != nil {
		return nil, err
	}
	_, err = sns.NewTopicSubscription(ctx, "alarms", &sns.TopicSubscriptionArgs{
		Topic:    topic.Arn,
		Protocol: pulumi.String("email"),
		Endpoint: pulumi.String(s.AlarmEmail),
	})
	return topic.Arn, err
}

// watchesLag says why no alarm watches how long records wait, or nothing if one
// does. It goes off when nothing reads the stream, and CloudWatch looks back a
// week at most.
func (s settings) watchesLag() (unless string) {
	if s.Refresh == refresh.Manual {
		return "refresh is manual, so nobody promises that they are read in time."
	}
	wait, known := s.longestWait()
	switch {
	case !s.scheduled():
		return ""
	case !known:
		return fmt.Sprintf("refresh is %q, which names years, and an alarm would go off when they are over.", s.Refresh)
	case wait >= 7*24*60:
		return fmt.Sprintf("refresh is %q, and CloudWatch does not look back over a pause of a week.", s.Refresh)
	}
	return ""
}

// watchLag alarms when records wait too long in the stream. The metric exists only
// while something reads, so that silence is as bad.
func (a *alarms) watchLag(from stream) error {
	period, periods := a.s.AlarmLagMinutes*60, 1
	if day := 24 * 60 * 60; period > day {
		period, periods = day, period/day
	}
	return a.add("lag", fmt.Sprintf("Records wait longer than %d minutes in the stream, or nothing reads it.", a.s.AlarmLagMinutes),
		&cloudwatch.MetricAlarmArgs{
			Namespace:         pulumi.String(kinesisMetrics),
			MetricName:        pulumi.String("GetRecords.IteratorAgeMilliseconds"),
			Dimensions:        pulumi.StringMap{"StreamName": from.name},
			Statistic:         pulumi.String("Maximum"),
			Threshold:         pulumi.Float64(a.s.AlarmLagMinutes * 60 * 1000),
			Period:            pulumi.Int(period),
			EvaluationPeriods: pulumi.Int(periods),
			TreatMissingData:  pulumi.String("breaching"),
		})
}

// watchWrites alarms when the stream refuses records.
func (a *alarms) watchWrites(from stream) error {
	return a.add("write-throttling", "The stream refuses records, because more are written than its shards take.",
		&cloudwatch.MetricAlarmArgs{
			Namespace:         pulumi.String(kinesisMetrics),
			MetricName:        pulumi.String("WriteProvisionedThroughputExceeded"),
			Dimensions:        pulumi.StringMap{"StreamName": from.name},
			Statistic:         pulumi.String("Sum"),
			Threshold:         pulumi.Float64(0),
			Period:            pulumi.Int(300),
			EvaluationPeriods: pulumi.Int(1),
			TreatMissingData:  pulumi.String("notBreaching"),
		})
}

// watchQueries alarms when queries fail, a refresh of the streaming view among
// them. Redshift counts by type of query, so the types are summed up.
func (a *alarms) watchQueries(house *warehouse) error {
	queries := cloudwatch.MetricAlarmMetricQueryArray{
		&cloudwatch.MetricAlarmMetricQueryArgs{
			Id:         pulumi.String("failed"),
			Label:      pulumi.String("Failed queries"),
			Expression: pulumi.String("SUM(METRICS())"),
			ReturnData: pulumi.Bool(true),
		},
	}
	for _, kind := range queryTypes() {
		queries = append(queries, &cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String(strings.ToLower(kind)),
			Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
				Namespace:  pulumi.String(redshiftMetrics),
				MetricName: pulumi.String("QueriesFailed"),
				Dimensions: pulumi.StringMap{"QueryType": pulumi.String(kind), "Workgroup": house.workgroup.WorkgroupName},
				Stat:       pulumi.String("Sum"),
				Period:     pulumi.Int(300),
			},
		})
	}
	a.metrics += len(queryTypes()) - 1 // add counts one
	return a.add("failed-queries", "Queries fail: a refresh of the streaming view, or somebody's own.",
		&cloudwatch.MetricAlarmArgs{
			MetricQueries:     queries,
			Threshold:         pulumi.Float64(0),
			EvaluationPeriods: pulumi.Int(1),
			TreatMissingData:  pulumi.String("notBreaching"),
		})
}

// watchStorage alarms when the namespace holds more than the settings expect.
func (a *alarms) watchStorage(house *warehouse) error {
	return a.add("storage", fmt.Sprintf("The namespace holds more than %d GB.", a.s.AlarmStorageGB),
		&cloudwatch.MetricAlarmArgs{
			Namespace:         pulumi.String(redshiftMetrics),
			MetricName:        pulumi.String("DataStorage"),
			Dimensions:        pulumi.StringMap{"Namespace": house.namespace.NamespaceName},
			Statistic:         pulumi.String("Maximum"),
			Threshold:         pulumi.Float64(a.s.AlarmStorageGB * 1000), // the metric is in megabytes
			Period:            pulumi.Int(3600),
			EvaluationPeriods: pulumi.Int(1),
			TreatMissingData:  pulumi.String("ignore"),
		})
}

// watchUsage alarms while there is still something left of the usage limit.
func (a *alarms) watchUsage(house *warehouse, limit *redshiftserverless.UsageLimit) error {
	return a.add("usage", fmt.Sprintf("Four fifths of the %s usage limit of %d RPU-hours are used; at the limit: %s.",
		a.s.UsageLimitPeriod, a.s.UsageLimitRPUHours, a.s.UsageLimitAction),
		&cloudwatch.MetricAlarmArgs{
			Namespace:  pulumi.String(redshiftMetrics),
			MetricName: pulumi.String("UsageLimitConsumed"),
			Dimensions: pulumi.StringMap{
				"UsageLimitId": limit.ID(),
				"UsageType":    pulumi.String("SERVERLESS_COMPUTE"),
				"Workgroup":    house.workgroup.WorkgroupName,
			},
			Statistic:         pulumi.String("Maximum"),
			Threshold:         pulumi.Float64(float64(a.s.UsageLimitRPUHours) * 0.8),
			Period:            pulumi.Int(300),
			EvaluationPeriods: pulumi.Int(1),
			TreatMissingData:  pulumi.String("notBreaching"),
		})
}

// watchSchedule alarms when a refresh could not be started.
func (a *alarms) watchSchedule(failed *sqs.Queue) error {
	return a.add("refresh-failed", "A scheduled refresh could not be started; the queue says why.",
		&cloudwatch.MetricAlarmArgs{
			Namespace:         pulumi.String(sqsMetrics),
			MetricName:        pulumi.String("ApproximateNumberOfMessagesVisible"),
			Dimensions:        pulumi.StringMap{"QueueName": failed.Name},
			Statistic:         pulumi.String("Maximum"),
			Threshold:         pulumi.Float64(0),
			Period:            pulumi.Int(300),
			EvaluationPeriods: pulumi.Int(1),
			TreatMissingData:  pulumi.String("notBreaching"),
		})
}

// add makes an alarm that goes off above its threshold, and tells when it is over.
func (a *alarms) add(name, description string, args *cloudwatch.MetricAlarmArgs) error {
	args.Name = pulumi.String(a.s.WorkgroupName + "-" + name)
	args.AlarmDescription = pulumi.String(description + " What to do: docs/operations.md.")
	args.ComparisonOperator = pulumi.String("GreaterThanThreshold")
	args.AlarmActions = pulumi.Array{a.topic}
	args.OkActions = pulumi.Array{a.topic}
	args.Tags = a.s.tags()
	a.metrics++
	if _, err := cloudwatch.NewMetricAlarm(a.ctx, name, args); err != nil {
		return fmt.Errorf("alarm %s: %w", name, err)
	}
	return nil
}
