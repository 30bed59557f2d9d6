// Package alarm defines a stack's alarms. It imports no cloud SDK, so that an
// estimate can count their cost.
package alarm

import "fmt"

// Namespaces of metrics in CloudWatch. Names and dimensions are documented in
// https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html,
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-audit-logging.html and
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
const (
	Kinesis  = "AWS/Kinesis"
	Redshift = "AWS/Redshift-Serverless"
	SQS      = "AWS/SQS"
)

// QueryTypes are the values of the dimension QueryType, without which Redshift
// Serverless has no metric of its queries.
func QueryTypes() []string {
	return []string{"SELECT", "INSERT", "UPDATE", "DELETE", "LOAD", "UNLOAD", "CTAS", "OTHER"}
}

// An Alarm goes off when a metric is above a threshold.
type Alarm struct {
	Name        string // what it watches, such as lag
	Description string

	Namespace, Metric, Statistic string
	Dimensions                   []string // names; whoever makes the alarm knows the values
	ByQueryType                  bool     // the sum over QueryTypes

	Threshold     float64
	PeriodSeconds int
	Periods       int
	Missing       string // what no data means, as CloudWatch names it
}

// What an alarm takes a metric without data for.
const (
	breaching    = "breaching"
	notBreaching = "notBreaching"
	ignore       = "ignore"
)

// OfStream returns the alarms of a stream. Without lagMinutes none watches how long
// records wait.
func OfStream(lagMinutes int) []Alarm {
	writes := Alarm{
		Name: "write-throttling", Description: "The stream refuses records, because more are written than its shards take.",
		Namespace: Kinesis, Metric: "WriteProvisionedThroughputExceeded", Statistic: "Sum", Dimensions: []string{"StreamName"},
		PeriodSeconds: 300, Periods: 1, Missing: notBreaching,
	}
	if lagMinutes == 0 {
		return []Alarm{writes}
	}
	period, periods := lagMinutes*60, 1
	if day := 24 * 60 * 60; period > day {
		period, periods = day, period/day
	}
	return []Alarm{{
		Name: "lag", Description: fmt.Sprintf("Records wait longer than %d minutes in the stream, or nothing reads it.", lagMinutes),
		Namespace: Kinesis, Metric: "GetRecords.IteratorAgeMilliseconds", Statistic: "Maximum", Dimensions: []string{"StreamName"},
		Threshold: float64(lagMinutes * 60 * 1000), PeriodSeconds: period, Periods: periods,
		Missing: breaching, // the metric exists only while something reads
	}, writes}
}

// OfSchedule returns the alarms of a schedule that refreshes a view.
func OfSchedule() []Alarm {
	return []Alarm{{
		Name: "refresh-failed", Description: "A scheduled refresh could not be started; the queue says why.",
		Namespace: SQS, Metric: "ApproximateNumberOfMessagesVisible", Statistic: "Maximum", Dimensions: []string{"QueueName"},
		PeriodSeconds: 300, Periods: 1, Missing: notBreaching,
	}}
}

// OfWarehouse returns the alarms of a namespace that should hold up to storageGB,
// and of its workgroup.
func OfWarehouse(storageGB int) []Alarm {
	return []Alarm{{
		Name: "failed-queries", Description: "Queries fail: a refresh of the streaming view, or somebody's own.",
		Namespace: Redshift, Metric: "QueriesFailed", Statistic: "Sum", Dimensions: []string{"Workgroup"}, ByQueryType: true,
		PeriodSeconds: 300, Periods: 1, Missing: notBreaching,
	}, {
		Name: "storage", Description: fmt.Sprintf("The namespace holds more than %d GB.", storageGB),
		Namespace: Redshift, Metric: "DataStorage", Statistic: "Maximum", Dimensions: []string{"Namespace"},
		Threshold:     float64(storageGB * 1000), // the metric is in megabytes
		PeriodSeconds: 3600, Periods: 1, Missing: ignore,
	}}
}

// OfUsageLimit returns the alarms of a usage limit in RPU-hours per period, at which
// Redshift takes an action. They go off while there is still something left of it.
func OfUsageLimit(rpuHours int, period, action string) []Alarm {
	return []Alarm{{
		Name: "usage", Description: fmt.Sprintf("Four fifths of the %s usage limit of %d RPU-hours are used; at the limit: %s.", period, rpuHours, action),
		Namespace: Redshift, Metric: "UsageLimitConsumed", Statistic: "Maximum", Dimensions: []string{"UsageLimitId", "UsageType", "Workgroup"},
		Threshold: float64(rpuHours) * 0.8, PeriodSeconds: 300, Periods: 1, Missing: notBreaching,
	}}
}

// All returns every alarm that a stack with one stream can have.
func All() []Alarm {
	all := append(OfStream(1), OfSchedule()...)
	all = append(all, OfWarehouse(1)...)
	return append(all, OfUsageLimit(1, "monthly", "log")...)
}

// Metrics is how many metrics alarms watch, which is what they cost.
func Metrics(alarms ...Alarm) int {
	n := 0
	for _, a := range alarms {
		if a.ByQueryType {
			n += len(QueryTypes())
		} else {
			n++
		}
	}
	return n
}
