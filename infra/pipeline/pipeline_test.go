package pipeline_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/infra/warehouse"
	"example.com/evstream/internal/cost"
)

// made records resources by type and name, with the name that they have in AWS.
type made struct {
	mu     sync.Mutex
	inAWS  map[string]string
	inputs map[string]resource.PropertyMap
}

func (m *made) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := args.TypeToken + " " + args.Name
	if _, twice := m.inputs[key]; twice {
		return "", nil, fmt.Errorf("%s is made twice", key)
	}
	m.inputs[key] = args.Inputs
	if name := args.Inputs["name"]; name.IsString() {
		known := fmt.Sprint(args.TypeToken, args.Inputs["role"].V, name.V) // a policy's name is of its role
		if other, taken := m.inAWS[known]; taken {
			return "", nil, fmt.Errorf("%s has the name in AWS of %s", key, other)
		}
		m.inAWS[known] = key
	}
	state := args.Inputs.Copy()
	state["arn"] = resource.NewProperty("arn:" + args.Name)
	state["adminPasswordSecretArn"] = resource.NewProperty("arn:secret")
	return args.Name, state, nil
}

func (m *made) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// TestTwoStreams: a second stream in one warehouse is a second call. Each has a stream,
// a right, a schedule and alarms of its own; the role that reads them is one.
func TestTwoStreams(t *testing.T) {
	m := &made{inAWS: map[string]string{}, inputs: map[string]resource.PropertyMap{}}
	scope := arn.Scope{Partition: "aws", Region: "us-east-1", Account: "123456789012"}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		wh, err := warehouse.New(ctx, "warehouse", &warehouse.Args{
			Scope: scope, NamespaceName: "wh", RoleName: "reader", Admin: warehouse.Admin{Managed: true},
			Workgroup: warehouse.WorkgroupArgs{Name: "wh", BaseCapacity: 8}, AlarmEmail: "on-call@example.com",
		})
		if err != nil {
			return err
		}
		for _, stream := range []string{"charges", "readings"} {
			p, err := pipeline.New(ctx, stream, &pipeline.Args{
				Scope: scope, Warehouse: wh, Name: "wh-" + stream, LagMinutes: 15,
				Stream: pipeline.StreamArgs{Name: "ev_" + stream, Mode: cost.OnDemand, RetentionHours: 24},
			})
			if err != nil {
				return err
			}
			schema, err := local.NewCommand(ctx, "schema of "+stream, nil, pulumi.DependsOn(p.Ready))
			if err != nil {
				return err
			}
			if err := p.Refresh(ctx, &pipeline.RefreshArgs{Schedule: "rate(5 minutes)", View: "v_" + stream, After: schema}); err != nil {
				return err
			}
		}
		return nil
	}, pulumi.WithMocks("ev-streaming", "dev", m))
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"charges", "readings"} {
		right := m.inputs["aws:iam/rolePolicy:RolePolicy "+stream+"-read"]
		if text := right["policy"].StringValue(); !strings.Contains(text, "stream/ev_"+stream+`"`) || right["role"].StringValue() != "reader" {
			t.Errorf("the right to read %s is %v", stream, right)
		}
		for _, kind := range []string{
			"aws:kinesis/stream:Stream " + stream, "aws:scheduler/schedule:Schedule " + stream + "-refresh",
			"aws:cloudwatch/metricAlarm:MetricAlarm " + stream + "-lag", "aws:cloudwatch/metricAlarm:MetricAlarm " + stream + "-refresh-failed",
		} {
			if m.inputs[kind] == nil {
				t.Errorf("there is no %s", kind)
			}
		}
	}
}
