// Package watch makes alarms in CloudWatch.
package watch

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/slim"
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
		if err := slim.NewMetricAlarm(ctx, args.Resource+"-"+a.Name, args.inputs(a), opts...); err != nil {
			return fmt.Errorf("alarm %s: %w", a.Name, err)
		}
	}
	return nil
}

func (args Args) inputs(a alarm.Alarm) pulumi.Map {
	inputs := pulumi.Map{
		"name":               pulumi.String(args.Name + "-" + a.Name),
		"alarmDescription":   pulumi.String(a.Description + " What to do: docs/operations.md."),
		"comparisonOperator": pulumi.String("GreaterThanThreshold"),
		"threshold":          pulumi.Float64(a.Threshold),
		"evaluationPeriods":  pulumi.Int(a.Periods),
		"treatMissingData":   pulumi.String(a.Missing),
		"alarmActions":       pulumi.Array{args.Topic},
		"okActions":          pulumi.Array{args.Topic},
		"tags":               args.Tags,
	}
	dimensions := pulumi.Map{}
	for _, name := range a.Dimensions {
		dimensions[name] = args.Dimensions[name]
	}
	metric := pulumi.Map{
		"namespace":  pulumi.String(a.Namespace),
		"metricName": pulumi.String(a.Metric),
		"dimensions": dimensions,
		"period":     pulumi.Int(a.PeriodSeconds),
	}
	if a.ByQueryType {
		metric["stat"] = pulumi.String(a.Statistic)
		inputs["metricQueries"] = sumOverTypes(metric, dimensions)
		return inputs
	}
	metric["statistic"] = pulumi.String(a.Statistic)
	maps.Copy(inputs, metric)
	return inputs
}

// sumOverTypes is one query for each type of query that Redshift counts by, and
// their sum.
func sumOverTypes(metric, dimensions pulumi.Map) pulumi.Array {
	queries := pulumi.Array{pulumi.Map{
		"id":         pulumi.String("failed"),
		"label":      pulumi.String("Failed queries"),
		"expression": pulumi.String("SUM(METRICS())"),
		"returnData": pulumi.Bool(true),
	}}
	for _, kind := range alarm.QueryTypes() {
		one, by := maps.Clone(metric), maps.Clone(dimensions)
		by["QueryType"] = pulumi.String(kind)
		one["dimensions"] = by
		queries = append(queries, pulumi.Map{"id": pulumi.String(strings.ToLower(kind)), "metric": one})
	}
	return queries
}
