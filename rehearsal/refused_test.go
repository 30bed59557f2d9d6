package rehearsal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/tools/txtar"

	"example.com/evstream/infra"
	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
	"example.com/evstream/sql"
)

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

// migrations are an archive's migrations, without the settings after them.
func migrations(files []txtar.File) []txtar.File {
	n := 0
	for n < len(files) && !strings.HasPrefix(files[n].Name, "settings/") {
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
			name := fmt.Sprintf("%05d_added.sql", len(list)+1)
			list = append(list, txtar.File{Name: name, Data: []byte(text)})
		}
		return append(list, rest...)
	}
}

// statement is a migration of one statement.
func statement(text string) string {
	return "-- +goose NO TRANSACTION\n-- +goose Up\n" + text + ";\n"
}

// wantPreview makes sure that a preview is refused with each of the texts, or not
// at all if there is none.
func wantPreview(t *testing.T, d *stacktest.Deployment, name string, options rehearsal.StackOptions, says ...string) {
	t.Helper()
	_, err := d.Stack(options).Preview(t.Context())
	if len(says) == 0 && err != nil {
		t.Errorf("%s: the preview is refused: %v", name, err)
	}
	for _, text := range says {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: the preview ends with %v, want it refused with %q", name, err, text)
		}
	}
}

// TestAppliedSQLStays: a preview refuses what cmd/migrate would refuse of applied
// migrations, and takes what it would take: settings, and a migration that failed.
func TestAppliedSQLStays(t *testing.T) {
	d := stacktest.Start(t)
	unedited := stacktest.Defaults(t)
	sqls := func(edit func([]txtar.File) []txtar.File) rehearsal.StackOptions {
		return rehearsal.StackOptions{Settings: unedited.Settings, Program: withSQL(edit)}
	}
	edited := func(i int) func([]txtar.File) []txtar.File {
		return func(files []txtar.File) []txtar.File {
			files[i].Data = append([]byte("-- Edited.\n"), files[i].Data...)
			return files
		}
	}
	names, err := fs.Glob(sql.Migrations(), "*")
	if err != nil {
		t.Fatal(err)
	}
	d.MustUp(unedited)
	wantPreview(t, d, "edited", sqls(edited(2)), names[2]+" was applied and has changed since. Restore it")
	wantPreview(t, d, "the last one gone", sqls(func(files []txtar.File) []txtar.File {
		return append(migrations(files)[:len(migrations(files))-1], files[len(migrations(files)):]...)
	}), "was applied and is no longer there", "what it did is undone by a new migration only")
	wantPreview(t, d, "two at once", sqls(func(files []txtar.File) []txtar.File { return edited(0)(edited(1)(files)) }),
		names[0]+" was applied and has changed", names[1]+" was applied and has changed")
	wantPreview(t, d, "settings", sqls(func(files []txtar.File) []txtar.File { return edited(len(files) - 1)(files) }))

	// One that failed was not applied.
	broken := statement("CREATE VIEW added AS SELECT no_such_column FROM ev_station_data")
	mended := statement("CREATE VIEW added AS SELECT shard_id FROM ev_station_data")
	if _, err := d.Up(sqls(adding(broken))); err == nil {
		t.Fatal("the broken migration was applied")
	}
	wantPreview(t, d, "one that failed is mended", sqls(adding(mended)))
	wantPreview(t, d, "one that failed is given up", unedited)
	seen, err := watch(func(channel chan<- events.EngineEvent) error {
		_, err := d.Stack(sqls(adding(mended))).Up(t.Context(), optup.EventStreams(channel))
		return err
	})
	if name := fmt.Sprintf("%05d_added.sql", len(names)+1); err != nil || !strings.Contains(seen.said, "applied "+name) {
		t.Errorf("up ends with %v and says %q, want it to name %s", err, seen.said, name)
	}
	wantPreview(t, d, "it was applied since", sqls(adding(broken)), "_added.sql was applied and has changed since")

	// A refresh does not forget what was applied.
	if _, err := d.Stack(sqls(adding(mended))).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPreview(t, d, "reverted", unedited, "_added.sql was applied and is no longer there")
}

// TestNamesStay: a preview refuses another stream, role, database or namespace
// while there is data, and says how to do it on purpose. That way works.
func TestNamesStay(t *testing.T) {
	d := stacktest.Start(t)
	set := func(changes ...string) rehearsal.StackOptions { return stacktest.Defaults(t, changes...) }
	d.MustUp(set())
	for _, c := range []struct {
		setting string
		value   string
		says    []string
	}{
		{"streamName", "other", []string{"streamName is other, and was ev_stream_data when the SQL was applied", "pulumi config set streamName ev_stream_data"}},
		{"existingStreamName", rehearsal.ExistingStream, []string{"existingStreamName is " + rehearsal.ExistingStream + ", and was ev_stream_data", "pulumi config rm existingStreamName if this stack made it"}},
		{"roleName", "other", []string{"roleName is other, and was ev-streaming-dev-streaming", "pulumi config set roleName ev-streaming-dev-streaming"}},
		{"databaseName", "other", []string{"databaseName is other, and was dev", "all its data lost"}},
		{"namespaceName", "other", []string{"namespaceName is other, and was ev-streaming-dev", "all its data lost"}},
	} {
		wantPreview(t, d, c.setting, set(c.setting, c.value), c.says...)
	}
	wantPreview(t, d, "several", set("streamName", "a", "roleName", "b"), "streamName is a", "roleName is b")
	wantPreview(t, d, "another workgroup", set("workgroupName", "other"))

	// On purpose: migrations recreate what has the old names in it.
	recreated := set("streamName", "other", "roleName", "other")
	recreated.Program = withSQL(func(files []txtar.File) []txtar.File {
		again := []string{statement("DROP MATERIALIZED VIEW ev_station_data CASCADE"), statement("DROP SCHEMA evdata")}
		for _, file := range migrations(files) {
			again = append(again, "-- Recreated.\n"+string(file.Data))
		}
		return adding(again...)(files)
	})
	wantPreview(t, d, "on purpose", recreated)
	d.MustUp(recreated)
	if _, err := d.StandIns.Kinesis.Put("other", "key", []byte(`{"_id": "of the other stream"}`)); err != nil {
		t.Fatal(err)
	}
	if err := d.StandIns.Warehouse.AutoRefresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.Ask("SELECT id FROM ev_station_data_extract"); got != "of the other stream" {
		t.Errorf("the extract has %v, want the record of the other stream", got)
	}
	if _, err := d.Stack(recreated).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("afterwards there is still something to do: %v", err)
	}

	// An empty warehouse is a new one.
	if _, err := d.Stack(recreated).Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.MustUp(set("databaseName", "other"))
}

// TestAnotherVPC: a workgroup can't move into another VPC in place. The preview
// says how it does, and that way works and keeps the data.
func TestAnotherVPC(t *testing.T) {
	d := stacktest.Start(t)
	d.MustUp(stacktest.Defaults(t))
	put(t, d, 3)

	var subnets []string
	for _, subnet := range rehearsal.World().VPCs[1].Subnets {
		subnets = append(subnets, subnet.ID)
	}
	ids, err := json.Marshal(subnets)
	if err != nil {
		t.Fatal(err)
	}
	moved := stacktest.Defaults(t, "vpcName", "isolated", "subnetIds", string(ids), "enhancedVpcRouting", "false")
	_, err = d.Stack(moved).Preview(t.Context())
	var urn []string
	if err != nil {
		urn = regexp.MustCompile(`pulumi up --replace '([^']+)'`).FindStringSubmatch(err.Error())
	}
	if urn == nil {
		t.Fatalf("the preview ends with %v, want it refused with the command that replaces the workgroup", err)
	}
	if _, err := d.Stack(moved).Up(t.Context(), optup.Replace(urn[1:])); err != nil {
		t.Fatal(err)
	}
	if got := d.Ask("SELECT COUNT(*) FROM ev_station_data_extract"); fmt.Sprint(got) != "3" {
		t.Errorf("%v of 3 records are left", got)
	}
	if _, err := d.Stack(moved).Preview(t.Context(), optpreview.ExpectNoChanges()); err != nil {
		t.Errorf("afterwards there is still something to do: %v", err)
	}
}

// TestStreamThatLacksSomething: a stream that is not encrypted, or keeps records
// for too short, though the state says otherwise, is noticed by a preview and
// repaired by up --refresh. That the settings change is nothing to notice.
func TestStreamThatLacksSomething(t *testing.T) {
	d := stacktest.Start(t)
	settings := stacktest.Defaults(t, "retentionHours", "48").Settings
	preview := func(channel chan<- events.EngineEvent) error {
		_, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Preview(t.Context(), optpreview.EventStreams(channel))
		return err
	}
	const notice = "stream ev_stream_data is not encrypted and keeps records for 24 hours instead of "
	d.MustUp(rehearsal.StackOptions{Settings: settings})

	settings["ev-streaming:retentionHours"] = "72"
	if seen, err := watch(preview); err != nil || seen.said != "" {
		t.Errorf("the preview of another retention ends with %v and says %q, want nothing", err, seen.said)
	}
	settings["ev-streaming:retentionHours"] = "48"
	for _, r := range d.StandIns.Account.Resources() {
		if r.Type == "aws:kinesis/stream:Stream" && r.Properties["name"] == "ev_stream_data" {
			if err := d.StandIns.Account.Change(r.Type, r.ID, map[string]any{"encryptionType": "NONE", "retentionPeriod": 24.0}); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen, err := watch(preview)
	if err != nil || !strings.Contains(seen.said, notice+"48") || !strings.Contains(seen.said, "pulumi up --refresh") || len(seen.changes) > 0 {
		t.Errorf("the preview ends with %v, changes %v and says %q, want no change and %q", err, seen.changes, seen.said, notice)
	}
	seen, err = watch(func(channel chan<- events.EngineEvent) error {
		_, err := d.Stack(rehearsal.StackOptions{Settings: settings}).Up(t.Context(), optup.Refresh(), optup.EventStreams(channel))
		return err
	})
	if err != nil || strings.Contains(seen.said, notice) {
		t.Errorf("up --refresh ends with %v and says %q", err, seen.said)
	}
	if seen, err := watch(preview); err != nil || seen.said != "" || len(seen.changes) > 0 {
		t.Errorf("afterwards the preview ends with %v, changes %v and says %q", err, seen.changes, seen.said)
	}
}
