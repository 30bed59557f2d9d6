package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"example.com/evstream/internal/cost"
)

// What a stack makes at most when the setting for it is on; which of it depends on
// what the deployment finds.
const (
	stackAlarms    = 13 // metrics
	stackEndpoints = 2
	stackSecrets   = 1
)

// readStack asks the Pulumi CLI, which must be on the PATH, for the settings of a
// stack of the project in the working directory, deployed or not.
func readStack(ctx context.Context, name string, s cost.Settings) (cost.Settings, error) {
	text, err := exec.CommandContext(ctx, "pulumi", "config", "--json", "--non-interactive", "--stack", name).Output()
	var failed *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		err = errors.New("pulumi is not on the PATH; give the settings as flags instead of --stack")
	case errors.As(err, &failed):
		err = fmt.Errorf("pulumi says: %s", cmp.Or(strings.TrimSpace(string(failed.Stderr)), failed.Error()))
	}
	if err == nil {
		s, err = fromConfig(text, s)
	}
	if err != nil {
		return s, fmt.Errorf("reading the settings of stack %s: %w", name, err)
	}
	return s, nil
}

// fromConfig takes the settings out of what pulumi config --json prints. It holds
// the defaults of Pulumi.yaml too.
func fromConfig(text []byte, s cost.Settings) (cost.Settings, error) {
	var values map[string]struct{ Value string }
	if err := json.Unmarshal(text, &values); err != nil {
		return s, err
	}
	var err error
	value := func(key string) string {
		v, ok := values["ev-streaming:"+key]
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

	s.Region = values["aws:region"].Value
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
		s.Alarms = stackAlarms
	}
	s.Dashboard = isOn("dashboard")
	s.CustomerKey = value("kmsKeyArn") != ""
	s.Secrets = stackSecrets
	logs := value("logExports")
	s.LogExports = logs != "" && logs != "[]"
	s.Snapshot = number("snapshotRetentionDays") > 0
	return s, err
}
