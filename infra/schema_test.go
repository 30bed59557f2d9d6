package infra

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/internal/update"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
)

// ran are the inputs of the command that applies the SQL.
func ran(environment map[string]any) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(map[string]any{"stdin": "-- 00001_a.sql --\nSELECT 1;\n", "environment": environment})
}

// TestSchemaRule: what the engine can't show of a replacement, it shows of the
// command that runs after it.
func TestSchemaRule(t *testing.T) {
	s := settings{
		Warehouse: warehouse.Args{RoleName: "reader", DatabaseName: "dev", NamespaceName: "wh"},
		Stream:    pipeline.StreamArgs{Name: "records"},
	}
	at := arn.Scope{Partition: "aws", Region: "us-east-1", Account: "123456789012"}
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
		var r report.Report
		schemaRule(s, at)(update.Change{Old: ran(c.was), New: ran(c.now)}, &r)
		problems := r.Problems()
		if len(problems) != len(c.want) {
			t.Errorf("%s: refused with %q, want %q", c.name, problems, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(problems[i], want) {
				t.Errorf("%s: refused with %q, want in it %q", c.name, problems[i], want)
			}
		}
	}
}
