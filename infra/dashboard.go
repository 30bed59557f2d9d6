package infra

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
	"example.com/evstream/internal/alarm"
)

// newDashboard makes a CloudWatch dashboard that shows the pipeline in the order
// in which a record passes through it, if the settings ask for it.
func newDashboard(ctx *pulumi.Context, s settings, region string, wh *warehouse.Warehouse, p *pipeline.Pipeline) error {
	if !s.Dashboard {
		return nil
	}
	body := pulumi.All(p.StreamName, wh.Workgroup.WorkgroupName, wh.Namespace.NamespaceName).ApplyT(func(names []any) (string, error) {
		text, err := json.Marshal(map[string]any{
			"widgets": widgets(region, names[0].(string), names[1].(string), names[2].(string)),
		})
		return string(text), err
	}).(pulumi.StringOutput)
	_, err := cloudwatch.NewDashboard(ctx, "pipeline", &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(s.Warehouse.Workgroup.Name),
		DashboardBody: body,
	})
	return err
}

// widgets are the graphs from left to right, in two rows of three.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
func widgets(region, stream, workgroup, namespace string) []map[string]any {
	ofStream := func(metric string) []any { return []any{alarm.Kinesis, metric, "StreamName", stream} }
	ofWorkgroup := func(metric string) []any { return []any{alarm.Redshift, metric, "Workgroup", workgroup} }
	var list []map[string]any
	graph := func(title, statistic string, metrics ...[]any) {
		const columns, width, height = 3, 8, 6
		n := len(list)
		list = append(list, map[string]any{
			"type": "metric", "x": n % columns * width, "y": n / columns * height, "width": width, "height": height,
			"properties": map[string]any{
				"title": title, "region": region, "view": "timeSeries", "stat": statistic, "period": 300, "metrics": metrics,
			},
		})
	}
	graph("Incoming records and bytes", "Sum",
		ofStream("IncomingRecords"), append(ofStream("IncomingBytes"), map[string]any{"yAxis": "right"}))
	graph("Throttled writes and reads", "Sum",
		ofStream("WriteProvisionedThroughputExceeded"), ofStream("ReadProvisionedThroughputExceeded"))
	graph("Age of the oldest record read (ms)", "Maximum", ofStream("GetRecords.IteratorAgeMilliseconds"))
	graph("Compute capacity (RPU) and seconds", "Maximum",
		ofWorkgroup("ComputeCapacity"), append(ofWorkgroup("ComputeSeconds"), map[string]any{"yAxis": "right"}))
	graph("Queries", "Sum", append(sumOverTypes("QueriesSucceeded", "succeeded", workgroup), sumOverTypes("QueriesFailed", "failed", workgroup)...)...)
	graph("Storage (MB)", "Maximum", []any{alarm.Redshift, "DataStorage", "Namespace", namespace})
	return list
}

// sumOverTypes is one line, the sum of a metric that Redshift counts by type of
// query.
func sumOverTypes(metric, label, workgroup string) [][]any {
	var terms []string
	var metrics [][]any
	for _, kind := range alarm.QueryTypes() {
		id := label + strings.ToLower(kind)
		terms = append(terms, id)
		metrics = append(metrics, []any{
			alarm.Redshift, metric, "QueryType", kind, "Workgroup", workgroup, map[string]any{"id": id, "visible": false},
		})
	}
	sum := fmt.Sprintf("SUM([%s])", strings.Join(terms, ","))
	return append([][]any{{map[string]any{"expression": sum, "label": label, "id": label}}}, metrics...)
}
