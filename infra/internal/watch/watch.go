// Package watch makes alarms in CloudWatch.
package watch

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/internal/alarm"
)

// Args say whose the alarms are and whom they tell.
type Args struct {
	Resource   string // prefix of the resources' names
	Name       string // prefix of the alarms' names in AWS
	Topic      pulumi.StringInput
	Dimensions pulumi.StringMap // by name, the values for all of the alarms' dimensions
	Tags       pulumi.StringMap
}

// Alarms makes alarms that go off above their thresholds, and tell when it is over.
// Without a topic there is nobody to tell, so that it makes none.
func Alarms(ctx *pulumi.Context, alarms []alarm.Alarm, args Args, opts ...pulumi.ResourceOption) error {
	if args.Topic == nil {
		return nil
	}
	for _, a := range alarms {
		_, err := cloudwatch.NewMetricAlarm(ctx, args.Resource+"-"+a.Name, args.of(a), opts...)
		if err != nil {
			return fmt.Errorf("alarm %s: %w", a.Name, err)
		}
	}
	return nil
}

func (args Args) of(a alarm.Alarm) *cloudwatch.MetricAlarmArgs {
	dimensions := pulumi.StringMap{}
	for _, name := range a.Dimensions {
		dimensions[name] = args.Dimensions[name]
	}
	made := &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(args.Name + "-" + a.Name),
		AlarmDescription:   pulumi.String(a.Description + " What to do: docs/operations.md."),
		ComparisonOperator: pulumi.String("GreaterThanThreshold"),
		Threshold:          pulumi.Float64(a.Threshold),
		EvaluationPeriods:  pulumi.Int(a.Periods),
		TreatMissingData:   pulumi.String(a.Missing),
		AlarmActions:       pulumi.Array{args.Topic},
		OkActions:          pulumi.Array{args.Topic},
		Tags:               args.Tags,
	}
	if a.ByQueryType {
		made.MetricQueries = sumOverTypes(a, dimensions)
		return made
	}
	made.Namespace = pulumi.String(a.Namespace)
	made.MetricName = pulumi.String(a.Metric)
	made.Dimensions = dimensions
	made.Statistic = pulumi.String(a.Statistic)
	made.Period = pulumi.Int(a.PeriodSeconds)
	return made
}

// sumOverTypes is one query for each type of query that Redshift counts by, and
// their sum.
func sumOverTypes(a alarm.Alarm, dimensions pulumi.StringMap) cloudwatch.MetricAlarmMetricQueryArray {
	queries := cloudwatch.MetricAlarmMetricQueryArray{
		&cloudwatch.MetricAlarmMetricQueryArgs{
			Id:         pulumi.String("failed"),
			Label:      pulumi.String("Failed queries"),
			Expression: pulumi.String("SUM(METRICS())"),
			ReturnData: pulumi.Bool(true),
		},
	}
	for _, kind := range alarm.QueryTypes() {
		of := maps.Clone(dimensions)
		of["QueryType"] = pulumi.String(kind)
		queries = append(queries, &cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String(strings.ToLower(kind)),
			Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
				Namespace:  pulumi.String(a.Namespace),
				MetricName: pulumi.String(a.Metric),
				Dimensions: of,
				Stat:       pulumi.String(a.Statistic),
				Period:     pulumi.Int(a.PeriodSeconds),
			},
		})
	}
	return queries
}
