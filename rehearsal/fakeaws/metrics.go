package fakeaws

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// metrics are the metrics that services document, by CloudWatch namespace and name, each
// with its sets of dimensions. CloudWatch takes any name, and then says nothing.
//
//   - https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
//   - https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-audit-logging.html
//   - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
//   - https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
func metrics() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	add := func(namespace, dimensions, names string) {
		if all[namespace] == nil {
			all[namespace] = map[string][]string{}
		}
		for name := range strings.FieldsSeq(names) {
			all[namespace][name] = append(all[namespace][name], dimensions)
		}
	}
	add("AWS/Kinesis", "StreamName", `
		GetRecords.Bytes GetRecords.IteratorAgeMilliseconds GetRecords.Latency GetRecords.Records GetRecords.Success
		IncomingBytes IncomingRecords PutRecord.Bytes PutRecord.Latency PutRecord.Success PutRecords.Bytes PutRecords.Latency
		PutRecords.Records PutRecords.Success PutRecords.TotalRecords PutRecords.SuccessfulRecords PutRecords.FailedRecords
		PutRecords.ThrottledRecords ReadProvisionedThroughputExceeded WriteProvisionedThroughputExceeded`)
	add("AWS/Kinesis", "ConsumerName, StreamName", `
		SubscribeToShard.RateExceeded SubscribeToShard.Success SubscribeToShardEvent.Bytes
		SubscribeToShardEvent.MillisBehindLatest SubscribeToShardEvent.Records SubscribeToShardEvent.Success`)
	add("AWS/Kinesis", "ShardId, StreamName", `
		IncomingBytes IncomingRecords IteratorAgeMilliseconds OutgoingBytes OutgoingRecords
		ReadProvisionedThroughputExceeded WriteProvisionedThroughputExceeded`)

	for _, database := range []string{"", "Database, "} {
		add("AWS/Redshift-Serverless", database+"LatencyRange, Workgroup", "QueriesCompletedPerSecond QueryDuration")
		add("AWS/Redshift-Serverless", database+"QueryType, Workgroup", "QueriesRunning QueriesQueued QueriesSucceeded QueriesFailed")
		add("AWS/Redshift-Serverless", database+"Workgroup", "DatabaseConnections")
		add("AWS/Redshift-Serverless", database+"Stage, Workgroup", "QueryRuntimeBreakdown")
	}
	add("AWS/Redshift-Serverless", "Workgroup", "ComputeCapacity ComputeSeconds ExtraComputeForAutomaticOptimizationChargedSeconds")
	add("AWS/Redshift-Serverless", "UsageLimitId, UsageType, Workgroup", "UsageLimitAvailable UsageLimitConsumed")
	add("AWS/Redshift-Serverless", "Namespace", "DataStorage")
	add("AWS/Redshift-Serverless", "Database, Namespace", "TotalTableCount")
	add("AWS/Redshift-Serverless", "", "SnapshotStorage")

	add("AWS/SQS", "QueueName", `
		ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible
		ApproximateNumberOfMessagesVisible NumberOfEmptyReceives NumberOfMessagesDeleted NumberOfMessagesReceived
		NumberOfMessagesSent SentMessageSize`)

	add("AWS/Scheduler", "ScheduleGroup", `
		InvocationAttemptCount InvocationDroppedCount InvocationThrottleCount TargetErrorCount TargetErrorThrottledCount
		InvocationsSentToDeadLetterCount InvocationsFailedToBeSentToDeadLetterCount
		InvocationsSentToDeadLetterCount_Truncated_MessageSizeExceeded`)
	return all
}

// dimensionValues are the values of dimensions that have only some.
func dimensionValues() map[string][]string {
	return map[string][]string{
		"QueryType": {"INSERT", "DELETE", "UPDATE", "UNLOAD", "LOAD", "SELECT", "CTAS", "OTHER"},
		"UsageType": {"SERVERLESS_COMPUTE", "CROSS_REGION_DATASHARING"},
	}
}

// checkMetric says what is wrong with a metric that nothing ever writes.
func checkMetric(namespace, name string, dimensions map[string]string) error {
	names, known := metrics()[namespace]
	if !known {
		return fmt.Errorf("the stand-in does not know the metrics of the namespace %q", namespace)
	}
	sets, known := names[name]
	if !known {
		return fmt.Errorf("%s documents no metric %q", namespace, name)
	}
	given := strings.Join(slices.Sorted(maps.Keys(dimensions)), ", ")
	if !slices.Contains(sets, given) {
		return fmt.Errorf("%s has no metric %s with the dimensions {%s}, only with {%s}", namespace, name, given, strings.Join(sets, "} and {"))
	}
	for dimension, allowed := range dimensionValues() {
		if value, ok := dimensions[dimension]; ok && !slices.Contains(allowed, value) {
			return fmt.Errorf("%s has no metric %s with a %s of %q, only of %s", namespace, name, dimension, value, strings.Join(allowed, ", "))
		}
	}
	return nil
}
