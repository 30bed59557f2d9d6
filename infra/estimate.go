package infra

import (
	"fmt"
	"strings"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/warehouse"
	"example.com/evstream/internal/alarm"
	"example.com/evstream/internal/cost"
)

// estimate says what the stack costs in a month if records arrive all day, and so
// few of them that their volume costs nothing. evstream plan takes a real load.
func estimate(s settings, in inputs) string {
	wg, limit := s.Warehouse.Workgroup, s.Warehouse.UsageLimit
	stack := cost.Settings{
		Region:             in.warehouse.Scope.Region,
		StreamMode:         s.Stream.Mode,
		Shards:             s.Stream.Shards,
		RetentionHours:     s.Stream.RetentionHours,
		ExistingStream:     s.Stream.Existing,
		Refresh:            s.Refresh,
		BaseCapacity:       wg.BaseCapacity,
		MaxCapacity:        wg.MaxCapacity,
		UsageLimitRPUHours: limit.RPUHours,
		UsageLimitPeriod:   limit.Period,
		EnhancedVPCRouting: wg.EnhancedVPCRouting,
		Zones:              len(in.warehouse.Network.EndpointSubnetIDs),
		CustomerKey:        s.Warehouse.KMSKeyARN != "",
		Dashboard:          s.Dashboard,
		LogExports:         len(s.Warehouse.LogExports) > 0,
		Snapshot:           s.Warehouse.SnapshotRetentionDays > 0,
	}
	if !in.warehouse.Admin.Readable { // by the Data API, so that there is one more
		stack.Secrets = 1
	}
	if s.Warehouse.CreateEndpoints {
		stack.Endpoints = len(warehouse.EndpointServices())
	}
	if s.Warehouse.HasAlarms() {
		stack.Alarms = alarm.Metrics(s.Warehouse.Alarms()...) + alarm.Metrics(alarm.OfStream(s.lagAlarm())...)
		if s.scheduled() {
			stack.Alarms += alarm.Metrics(alarm.OfSchedule()...)
		}
	}
	bill, err := cost.Monthly(stack)
	if err != nil {
		return "not known: " + err.Error()
	}
	// Pulumi cuts a long output off anywhere, also in the middle of a ×.
	return strings.ReplaceAll(bill.Summary(), "×", "x")
}

// queryEditorURL opens Redshift's query editor v2.
func queryEditorURL(at arn.Scope) string {
	console := "console.aws.amazon.com"
	switch at.Partition {
	case "aws-cn":
		console = "console.amazonaws.cn"
	case "aws-us-gov":
		console = "console.amazonaws-us-gov.com"
	}
	return fmt.Sprintf("https://%s.%s/sqlworkbench/home?region=%s", at.Region, console, at.Region)
}
