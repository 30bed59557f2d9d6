// Evstream writes records to the stream, asks the warehouse about them, and works
// out what a load costs.
package main

import (
	"os"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/cmd/evstream/plan"
	"example.com/evstream/cmd/evstream/produce"
	"example.com/evstream/cmd/evstream/query"
)

func main() {
	os.Exit(cli.Run(cli.Root(
		produce.Command(),
		query.Command(),
		plan.Command(),
	)))
}
