package warehouse

import (
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"example.com/evstream/infra/internal/ec2"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/internal/update"
)

// changed is an update that gives inputs other values, and keeps the others.
func changed(old, to map[string]any) update.Change {
	all := maps.Clone(old)
	maps.Copy(all, to)
	return update.Change{Old: resource.NewPropertyMapFromMap(old), New: resource.NewPropertyMapFromMap(all)}
}

// TestWorkgroupUpdates: a preview says which requests an update takes, one for every
// input that changes, also one that is new to the program, and none for tags. It
// refuses what AWS or its provider would.
func TestWorkgroupUpdates(t *testing.T) {
	old := map[string]any{
		"baseCapacity": 8, "maxCapacity": 32, "enhancedVpcRouting": true, "port": 5439, "trackName": "current", "tags": map[string]any{"a": "1"},
		"securityGroupIds": []any{"sg-1"}, "subnetIds": []any{"subnet-1"},
	}
	unrouted := maps.Clone(old)
	unrouted["enhancedVpcRouting"] = false
	priced := map[string]any{"pricePerformanceTarget": map[string]any{"enabled": true, "level": 50}}
	for _, c := range []struct {
		name string
		old  map[string]any
		to   map[string]any
		want string // the problem, or what is said
	}{
		{"one", old, map[string]any{"baseCapacity": 16}, "info: workgroup wg: AWS changes baseCapacity 8 → 16 in place"},
		{"left out, it stays", old, map[string]any{"port": nil}, ""},
		{"tags", old, map[string]any{"tags": map[string]any{"a": "2"}}, ""},
		{"an unknown one comes last", old, map[string]any{"trackName": "trailing", "securityGroupIds": []any{"sg-2"}, "port": 5440},
			"this takes 3 requests, each followed by a wait of minutes: port 5439 → 5440, then securityGroupIds, then trackName. The data stays; if one fails, pulumi up --refresh goes on"},
		{"beyond the old limit, the limit comes first", old, map[string]any{"baseCapacity": 64, "maxCapacity": 128}, "maxCapacity 32 → 128, then baseCapacity 8 → 64"},
		{"no limit is a value", old, map[string]any{"maxCapacity": nil}, "AWS changes maxCapacity 32 → none in place"},
		{"base, and no limit any more", old, map[string]any{"baseCapacity": 16, "maxCapacity": nil}, "baseCapacity changes and maxCapacity is removed"},
		{"more than the subnets have room for", old, map[string]any{"baseCapacity": 128, "maxCapacity": 256},
			"baseCapacity goes from 8 to 128 RPU with enhancedVpcRouting, for which each subnet needs 28 free addresses: subnet-1 has 20."},
		{"more than they have room for without routing", unrouted, map[string]any{"baseCapacity": 1024, "maxCapacity": 2048}, "maxCapacity 32 → 2048, then baseCapacity 8 → 1024"},
		{"routing", unrouted, map[string]any{"enhancedVpcRouting": true, "baseCapacity": 64, "maxCapacity": 64},
			"warning: enhancedVpcRouting becomes true: a new workgroup of 64 RPU needs 21 free addresses in each subnet, and subnet-1 has 20."},
		{"routing and subnets", unrouted, map[string]any{"enhancedVpcRouting": true, "subnetIds": []any{"subnet-2"}}, "enhancedVpcRouting becomes true and the subnets change"},
		{"another VPC", old, map[string]any{"securityGroupIds": []any{"sg-2"}, "subnetIds": []any{"subnet-2"}}, "the workgroup moves into another VPC"},
		{"a price target that ends", priced, map[string]any{"pricePerformanceTarget": nil, "baseCapacity": 8}, "priceTarget can't be switched off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := &Args{
				Workgroup: WorkgroupArgs{Name: "wg"},
				Network:   Network{Subnets: []*ec2.Subnet{{ID: "subnet-1", AvailableIPAddressCount: 20}}},
			}
			change := changed(c.old, c.to)
			for key, value := range c.to {
				if value == nil {
					delete(change.New, resource.PropertyKey(key))
				}
			}
			var r report.Report
			args.checkWorkgroup(change, &r)
			got := strings.Join(append(r.Problems(), r.Messages()...), "\n")
			if !strings.Contains(got, c.want) || c.want == "" && got != "" {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}
