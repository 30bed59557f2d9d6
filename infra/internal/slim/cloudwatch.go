package slim

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// NewMetricAlarm makes an alarm of CloudWatch from the provider's inputs of one.
func NewMetricAlarm(ctx *pulumi.Context, name string, inputs pulumi.Map, opts ...pulumi.ResourceOption) error {
	_, err := register(ctx, "aws:cloudwatch/metricAlarm:MetricAlarm", name, inputs, opts)
	return err
}

// NewDashboard makes a dashboard of CloudWatch. Its body is JSON.
func NewDashboard(ctx *pulumi.Context, name, inAWS string, body pulumi.StringInput, opts ...pulumi.ResourceOption) error {
	_, err := register(ctx, "aws:cloudwatch/dashboard:Dashboard", name, pulumi.Map{
		"dashboardName": pulumi.String(inAWS),
		"dashboardBody": body,
	}, opts)
	return err
}
