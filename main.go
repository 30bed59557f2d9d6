// The Pulumi program that deploys EV charging data from Kinesis into Redshift
// Serverless.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra"
)

func main() {
	pulumi.Run(infra.Deploy)
}
