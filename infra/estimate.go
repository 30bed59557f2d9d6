package infra

import (
	"strings"

	"example.com/evstream/internal/cost"
)

// estimate says what the stack costs in a month if records arrive all day, and so
// few of them that their volume costs nothing. evstream plan takes a real load.
func estimate(s settings, at place, net network, existing *existingStream, login admin, watch *alarms) string {
	secrets := 0
	if !login.readable { // by the Data API, so that there is one more
		secrets = 1
	}
	endpoints := 0
	if s.CreateVPCEndpoints {
		endpoints = 2 // Kinesis and STS
	}
	bill, err := cost.Monthly(cost.Settings{
		Region:             at.region,
		StreamMode:         s.StreamMode,
		Shards:             s.ShardCount,
		RetentionHours:     s.RetentionHours,
		ExistingStream:     existing != nil,
		Refresh:            s.Refresh,
		BaseCapacity:       s.BaseCapacity,
		MaxCapacity:        s.MaxCapacity,
		UsageLimitRPUHours: s.UsageLimitRPUHours,
		UsageLimitPeriod:   s.UsageLimitPeriod,
		EnhancedVPCRouting: s.EnhancedVPCRouting,
		Endpoints:          endpoints,
		Zones:              len(net.endpointSubnetIDs),
		CustomerKey:        s.KMSKeyARN != "",
		Secrets:            secrets,
		Alarms:             watch.metrics,
		Dashboard:          s.Dashboard,
		LogExports:         len(s.LogExports) > 0,
		Snapshot:           s.SnapshotRetentionDays > 0,
	})
	if err != nil {
		return "not known: " + err.Error()
	}
	// Pulumi cuts a long output off anywhere, also in the middle of a ×.
	return strings.ReplaceAll(bill.Summary(), "×", "x")
}
