// Evstream is the command for people: it writes records to the stream, asks the
// warehouse about them, works out what a load costs, and looks after the migrations.
package main

import (
	"os"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/cmd/evstream/plan"
	"example.com/evstream/cmd/evstream/produce"
	"example.com/evstream/cmd/evstream/query"
	"example.com/evstream/cmd/evstream/schema"
)

func main() {
	os.Exit(cli.Run(cli.Root(
		produce.Command(),
		query.Command(),
		plan.Command(),
		schema.Status(),
		schema.Adopt(),
	)))
}
