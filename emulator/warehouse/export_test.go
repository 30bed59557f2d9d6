package warehouse

import (
	"maps"
	"slices"
	"strings"
)

// Functions lists what a query may call, but for names that only the engine's parser uses.
func Functions() []string {
	names := slices.Collect(maps.Keys(functions))
	for name := range rules {
		names = append(names, name)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.Contains(name, " ") || strings.HasPrefix(name, "quantile_") || strings.HasSuffix(name, "_escape") ||
			slices.Contains([]string{"count_star", "regexp_full_match", "pgdate_part", "log10"}, name)
	})
}
