// Package flagtext says the mistakes that package flag finds on a command line in
// the words of the commands' help.
package flagtext

import (
	"flag"
	"fmt"
	"strings"
	"time"
)

// Explain says an error of f.Parse: with two hyphens before a flag's name, and with
// what its value is, which is the flag's usage text if it has one. The package flag
// has no types for its errors, so their text is read. What it doesn't know, such as
// flag.ErrHelp, it returns as it is.
func Explain(f *flag.FlagSet, err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return fmt.Errorf("there is no flag --%s", name)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fmt.Errorf("--%s needs a value: %s", name, kind(f.Lookup(name)))
	}
	for _, format := range []string{"invalid value %q for flag -%s", "invalid boolean value %q for -%s"} {
		var value, name string
		if _, err := fmt.Sscanf(text, format, &value, &name); err != nil {
			continue
		}
		name = strings.TrimSuffix(name, ":")
		reason := ""
		if strings.HasSuffix(text, "value out of range") {
			reason = ", and this one is out of range"
		}
		return fmt.Errorf("--%s %q: %s%s", name, value, kind(f.Lookup(name)), reason)
	}
	return err
}

// kind says what a flag's value is.
func kind(f *flag.Flag) string {
	if f.Usage != "" {
		return f.Usage
	}
	switch f.Value.(flag.Getter).Get().(type) {
	case time.Duration:
		return "a time such as 30s, 5m or 24h"
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case uint, uint64:
		return "a whole number from 0 on"
	case int, int64:
		return "a whole number"
	}
	return "a string"
}
