package infra

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func inputs(values map[string]any) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(values)
}

// ran are the inputs of the command that applies the SQL.
func ran(environment map[string]any) resource.PropertyMap {
	return inputs(map[string]any{"stdin": "-- 00001_a.sql --\nSELECT 1;\n", "environment": environment})
}

// TestSchemaChanges: what the engine can't show of a replacement, it shows of the
// command that runs after it.
func TestSchemaChanges(t *testing.T) {
	s := settings{StreamName: "records", RoleName: "reader", DatabaseName: "dev", NamespaceName: "wh"}
	at := place{partition: "aws", region: "us-east-1", account: "123456789012"}
	last := func(changes ...any) map[string]any {
		environment := map[string]any{
			"AWS_REGION": "us-east-1", "REDSHIFT_DATABASE": "dev", "REDSHIFT_NAMESPACE": "wh", "REDSHIFT_NAMESPACE_ID": "0f",
			"STREAM_NAME": "records", "STREAMING_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
		}
		for i := 0; i < len(changes); i += 2 {
			environment[changes[i].(string)] = changes[i+1]
		}
		return environment
	}
	for _, c := range []struct {
		name     string
		was, now map[string]any
		want     []string
	}{
		{"nothing", last(), last(), nil},
		{"a state of before these names were in it", map[string]any{"REDSHIFT_NAMESPACE_ID": "0f"}, last(), nil},
		{"another region", last("AWS_REGION", "eu-west-1"), last(), []string{"Set it back: pulumi config set aws:region eu-west-1."}},
		{"another region and database", last("AWS_REGION", "eu-west-1", "REDSHIFT_DATABASE", "ev"), last(), []string{"aws:region is", "databaseName is dev, and was ev"}},
		{"another stream and role", last("STREAM_NAME", "old", "STREAMING_ROLE_ARN", "arn:aws:iam::123456789012:role/old"), last(),
			[]string{"streamName is records, and was old", "roleName is reader, and was old"}},
		{"an empty namespace takes any name", last("STREAM_NAME", "old"), last("REDSHIFT_NAMESPACE_ID", resource.MakeComputed(resource.NewProperty(""))), nil},
		{"a namespace that will be replaced", last("REDSHIFT_DATABASE", "ev"), last("REDSHIFT_NAMESPACE_ID", resource.MakeComputed(resource.NewProperty(""))),
			[]string{"databaseName is dev, and was ev"}},
		{"a namespace that was replaced, without a preview", last("REDSHIFT_DATABASE", "ev", "STREAM_NAME", "old"), last("REDSHIFT_NAMESPACE_ID", "1f"), nil},
	} {
		var wrong problems
		if err := schemaChanges(s, at)(change{old: ran(c.was), new: ran(c.now)}, &wrong); err != nil {
			t.Fatal(err)
		}
		if len(wrong.found) != len(c.want) {
			t.Errorf("%s: refused with %q, want %q", c.name, wrong.found, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(wrong.found[i], want) {
				t.Errorf("%s: refused with %q, want in it %q", c.name, wrong.found[i], want)
			}
		}
	}
}

// A note is what the program says to whoever runs it.
type note struct {
	pulumi.Log
	said *string
}

func (n note) Info(text string, _ *pulumi.LogArgs) error { *n.said = text; return nil }

type noResources struct{}

func (noResources) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return args.Name, args.Inputs, nil
}
func (noResources) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// TestRequestsOfAWorkgroup: a preview counts a request for every input that changes,
// one that is new to the program too, and none for tags.
func TestRequestsOfAWorkgroup(t *testing.T) {
	old := map[string]any{"baseCapacity": 8, "port": 5439, "trackName": "current", "tags": map[string]any{"a": "1"}, "securityGroupIds": []any{"sg-1"}}
	for _, c := range []struct {
		name string
		new  map[string]any
		want string
	}{
		{"one", map[string]any{"baseCapacity": 16}, "AWS changes baseCapacity 8 → 16 in place"},
		{"tags", map[string]any{"baseCapacity": 8, "tags": map[string]any{"a": "2"}}, ""},
		{"left out, it stays", map[string]any{}, ""},
		{"an unknown one comes last", map[string]any{"trackName": "trailing", "securityGroupIds": []any{"sg-2"}, "port": 5440},
			"this takes 3 requests, each followed by a wait of minutes: port 5439 → 5440, then securityGroupIds, then trackName. The data stays; if one fails, pulumi up --refresh goes on"},
	} {
		var wrong problems
		said := ""
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			ctx.Log = note{ctx.Log, &said}
			return workgroupChanges(ctx, settings{}, network{})(change{old: inputs(old), new: inputs(c.new)}, &wrong)
		}, pulumi.WithMocks("p", "s", noResources{}))
		if err != nil || len(wrong.found) > 0 {
			t.Fatalf("%s: %v, %q", c.name, err, wrong.found)
		}
		if !strings.Contains(said, c.want) || c.want == "" && said != "" {
			t.Errorf("%s: it says %q, want %q", c.name, said, c.want)
		}
	}
}
