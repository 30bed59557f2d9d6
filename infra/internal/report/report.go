// Package report collects what a deployment's author should read: everything that
// is wrong at once instead of one item per preview, and warnings and notes besides.
package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// A Report is what rules have found. Its zero value is empty.
type Report struct {
	problems   []string
	refused    []string // settings that a problem is about
	unreadable []string // settings
	messages   []message
}

type message struct {
	warning bool
	text    string
}

// How many characters of a value a message shows, and how many problems are shown
// at once.
const (
	mostOfSetting = 100
	mostOfValue   = 1000
	mostProblems  = 20
)

// Problem records something that is wrong. Its text names the setting, the value
// (never a secret's), the rule and what to do.
func (r *Report) Problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, cutEach(args, mostOfValue)...))
}

// Setting records that a setting is wrong. The text follows its name. Of one that
// could not be read nothing more is reported: it has no value.
func (r *Report) Setting(name, format string, args ...any) {
	if slices.Contains(r.unreadable, name) {
		return
	}
	r.refused = append(r.refused, name)
	r.Problem(name+" "+format, cutEach(args, mostOfSetting)...)
}

// Unreadable records that a setting could not be read. The text follows its name.
func (r *Report) Unreadable(name, format string, args ...any) {
	r.Setting(name, format, args...)
	r.unreadable = append(r.unreadable, name)
}

// Refuses says whether one of these settings is wrong, so that nothing can be
// concluded from its value.
func (r *Report) Refuses(settings ...string) bool {
	return slices.ContainsFunc(settings, func(name string) bool { return slices.Contains(r.refused, name) })
}

// Warn records what may go wrong later.
func (r *Report) Warn(format string, args ...any) {
	r.messages = append(r.messages, message{warning: true, text: fmt.Sprintf(format, args...)})
}

// Note records what is worth knowing.
func (r *Report) Note(format string, args ...any) {
	r.messages = append(r.messages, message{text: fmt.Sprintf(format, args...)})
}

// Problems are what is wrong.
func (r *Report) Problems() []string { return r.problems }

// Messages are the warnings and notes, each with its kind.
func (r *Report) Messages() []string {
	var all []string
	for _, m := range r.messages {
		kind := "info: "
		if m.warning {
			kind = "warning: "
		}
		all = append(all, kind+m.text)
	}
	return all
}

// Log shows the warnings and notes.
func (r *Report) Log(log pulumi.Log) error {
	for _, m := range r.messages {
		show := log.Info
		if m.warning {
			show = log.Warn
		}
		if err := show(m.text, nil); err != nil {
			return err
		}
	}
	return nil
}

// Err is nil if nothing is wrong. Else it lists the problems below a heading.
func (r *Report) Err(heading string) error {
	if len(r.problems) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString(heading)
	for i, problem := range r.problems {
		if i == mostProblems {
			fmt.Fprintf(&text, "\n     and %d more", len(r.problems)-i)
			break
		}
		fmt.Fprintf(&text, "\n%3d. %s", i+1, problem)
	}
	return errors.New(text.String())
}

// Short is a value as a message shows it: long ones are cut.
func Short(value string) string { return cut(value, mostOfSetting) }

// cutEach cuts the strings among a message's arguments, and the errors, which have
// more room.
func cutEach(args []any, most int) []any {
	all := slices.Clone(args)
	for i, arg := range all {
		switch text := arg.(type) {
		case string:
			all[i] = cut(text, most)
		case error:
			all[i] = cut(text.Error(), mostOfValue)
		}
	}
	return all
}

func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return fmt.Sprintf("%s… (%d characters)", string(runes[:most]), len(runes))
}
