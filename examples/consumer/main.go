// Consumer is an example of a Pulumi program that reads the outputs of a stack of
// ev-streaming, and derives what a client and a writer need.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() { pulumi.Run(consume) }

func consume(ctx *pulumi.Context) error {
	stack, err := pulumi.NewStackReference(ctx, config.Require(ctx, "pipeline"), nil)
	if err != nil {
		return err
	}
	output := func(name string) pulumi.StringOutput { return stack.GetStringOutput(pulumi.String(name)) }

	// For a client inside the VPC: the warehouse admits this security group only.
	ctx.Export("clientSecurityGroupId", output("clientSecurityGroupId"))
	ctx.Export("jdbcUrl", pulumi.Sprintf("jdbc:redshift://%s:5439/%s", output("workgroupEndpoint"), output("databaseName")))

	// For whoever sends records.
	ctx.Export("streamName", output("streamName"))
	ctx.Export("writerPolicy", pulumi.JSONMarshal(pulumi.Map{
		"Version": pulumi.String("2012-10-17"),
		"Statement": pulumi.MapArray{pulumi.Map{
			"Effect":   pulumi.String("Allow"),
			"Action":   pulumi.ToStringArray([]string{"kinesis:DescribeStreamSummary", "kinesis:PutRecords"}),
			"Resource": output("streamArn"),
		}},
	}))
	return nil
}
