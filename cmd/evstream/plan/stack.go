package plan

import (
	"errors"
	"fmt"
	"strconv"

	"example.com/evstream/internal/alarm"
	"example.com/evstream/internal/cost"
)

// What a stack makes at most when the setting for it is on; which of it depends on
// what the deployment finds.
const (
	stackEndpoints = 2
	stackSecrets   = 1
)

// config is what pulumi config --json prints. It holds the defaults of Pulumi.yaml
// too.
type config map[string]struct{ Value string }

// into sets the settings that a stack has.
func (c config) into(s *cost.Settings) error {
	var err error
	value := func(key string) string {
		v, ok := c["ev-streaming:"+key]
		if !ok {
			err = errors.Join(err, fmt.Errorf("there is no ev-streaming:%s: is this the project's folder?", key))
		}
		return v.Value
	}
	number := func(key string) int {
		text := value(key)
		if text == "" {
			return 0
		}
		n, failed := strconv.Atoi(text)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s is %q: it must be a whole number", key, text))
		}
		return n
	}
	isOn := func(key string) bool { return value(key) == "true" }

	s.Region = c["aws:region"].Value
	s.ExistingStream = value("existingStreamName") != ""
	s.StreamMode = value("streamMode")
	s.Shards = number("shardCount")
	s.RetentionHours = number("retentionHours")
	s.Refresh = value("refresh")
	s.BaseCapacity = number("baseCapacity")
	s.MaxCapacity = number("maxCapacity")
	s.UsageLimitRPUHours = number("usageLimitRpuHours")
	s.UsageLimitPeriod = value("usageLimitPeriod")
	s.EnhancedVPCRouting = isOn("enhancedVpcRouting")
	if isOn("createVpcEndpoints") {
		s.Endpoints = stackEndpoints
	}
	if value("alarmEmail") != "" || value("alarmTopicArn") != "" {
		s.Alarms = alarm.Metrics(alarm.All()...)
	}
	s.Dashboard = isOn("dashboard")
	s.CustomerKey = value("kmsKeyArn") != ""
	s.Secrets = stackSecrets
	logs := value("logExports")
	s.LogExports = logs != "" && logs != "[]"
	s.Snapshot = number("snapshotRetentionDays") > 0
	return err
}
