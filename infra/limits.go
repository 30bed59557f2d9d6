package infra

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newUsageLimit limits what the workgroup computes, if the settings say so.
func newUsageLimit(ctx *pulumi.Context, s settings, house *warehouse) (*redshiftserverless.UsageLimit, error) {
	if s.UsageLimitRPUHours == 0 {
		return nil, nil
	}
	return redshiftserverless.NewUsageLimit(ctx, "compute", &redshiftserverless.UsageLimitArgs{
		ResourceArn:  house.workgroup.Arn,
		UsageType:    pulumi.String("serverless-compute"),
		Amount:       pulumi.Int(s.UsageLimitRPUHours),
		Period:       pulumi.String(s.UsageLimitPeriod),
		BreachAction: pulumi.String(s.UsageLimitAction),
	})
}
