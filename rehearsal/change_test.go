package rehearsal_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/tools/txtar"

	"example.com/evstream/infra"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
	"example.com/evstream/sql"
)

// shipped are the names of the migrations.
func shipped(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(sql.Migrations(), "*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// withSQL is the program with other SQL, as if the files had been edited.
func withSQL(edit func(files []txtar.File) []txtar.File) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		err := ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
			if args.Name != "schema" {
				return nil
			}
			props := maps.Clone(args.Props)
			props["stdin"] = pulumi.ToOutput(props["stdin"]).ApplyT(func(v any) string {
				archive := txtar.Parse([]byte(fmt.Sprint(v)))
				archive.Files = edit(archive.Files)
				return string(txtar.Format(archive))
			}).(pulumi.StringOutput)
			return &pulumi.ResourceTransformResult{Props: props, Opts: args.Opts}
		})
		if err != nil {
			return err
		}
		return infra.Deploy(ctx)
	}
}

// migrations are an archive's migrations, without what is repeated after them.
func migrations(files []txtar.File) []txtar.File {
	n := 0
	for n < len(files) && !strings.HasPrefix(files[n].Name, "repeatable/") {
		n++
	}
	return files[:n:n]
}

// adding adds migrations, which get the next numbers.
func adding(texts ...string) func([]txtar.File) []txtar.File {
	return func(files []txtar.File) []txtar.File {
		list := migrations(files)
		rest := files[len(list):]
		for _, text := range texts {
			list = append(list, txtar.File{Name: added(len(list) + 1), Data: []byte(text)})
		}
		return append(list, rest...)
	}
}

// added is the name of a migration that a test adds.
func added(number int) string { return fmt.Sprintf("%05d_added.sql", number) }

// edited has a comment put into files.
func edited(numbers ...int) func([]txtar.File) []txtar.File {
	return func(files []txtar.File) []txtar.File {
		for _, i := range numbers {
			if i < 0 {
				i += len(files)
			}
			files[i].Data = append(files[i].Data, "-- Edited.\n"...)
		}
		return files
	}
}

// statement is a migration of one statement, and alone one that is no transaction.
func statement(text string) string { return text + ";\n" }
func alone(text string) string     { return sql.AloneLine + "\n" + statement(text) }

// outcome is what an operation does to resources, and tells the person.
type outcome struct {
	changes  []string // operation and type of each resource that changes
	messages string
	sql      string // of the schema that is made
}

// preview previews the stack.
func preview(t *testing.T, d *stacktest.Deployment, opts rehearsal.StackOptions) (outcome, error) {
	t.Helper()
	stack := d.Stack(opts)
	return watch(func(channel chan<- events.EngineEvent) error {
		_, err := stack.Preview(t.Context(), optpreview.EventStreams(channel), optpreview.ProgressStreams(&d.Printed), optpreview.ErrorProgressStreams(&d.Printed))
		return err
	})
}

// up deploys the stack.
func up(d *stacktest.Deployment, opts rehearsal.StackOptions, more ...optup.Option) (outcome, error) {
	return watch(func(channel chan<- events.EngineEvent) error {
		_, err := d.Up(opts, append(more, optup.EventStreams(channel))...)
		return err
	})
}

func watch(operation func(chan<- events.EngineEvent) error) (outcome, error) {
	var o outcome
	channel, done := rehearsal.Watch(io.Discard, func(event apitype.EngineEvent) {
		if pre := event.ResourcePreEvent; pre != nil {
			step := pre.Metadata
			if step.Op != apitype.OpSame && !strings.HasPrefix(step.Type, "pulumi:") && (step.New == nil || step.New.Custom) {
				o.changes = append(o.changes, fmt.Sprint(step.Op, " ", rehearsal.ShortType(step.Type)))
			}
			if step.Type == "command:local:Command" && step.New != nil {
				text, _ := step.New.Inputs["stdin"].(string)
				o.sql += text
			}
		}
		if message := event.DiagnosticEvent; message != nil && !message.Ephemeral {
			o.messages += message.Message
		}
	})
	err := operation(channel)
	done()
	slices.Sort(o.changes)
	return o, err
}

// records are so many of them, with ids that begin alike.
func records(prefix string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"_id": "%s%d", "stationID": %d}`, prefix, i, i))
	}
	return all
}

// wantPreview makes sure that a preview is refused with each of the texts, or not
// at all if there is none.
func wantPreview(t *testing.T, d *stacktest.Deployment, name string, options rehearsal.StackOptions, texts ...string) {
	t.Helper()
	_, err := d.Stack(options).Preview(t.Context())
	if len(texts) == 0 && err != nil {
		t.Errorf("%s: the preview is refused: %v", name, err)
	}
	d.WantError("the preview of "+name, err, texts...)
}
