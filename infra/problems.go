package infra

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// problems collects what is wrong with a deployment, so that a person reads all
// of it at once instead of one item per preview.
type problems struct {
	found []string
}

// add records one problem. Its text names the setting, the value (never a
// secret's), the rule and the way out.
func (p *problems) add(format string, args ...any) {
	p.found = append(p.found, fmt.Sprintf(format, cutEach(args, 1000)...))
}

// said is what the provider said when it failed: its text covers several lines,
// of which the first ones only name the lookup.
func said(err error) string {
	return ceremony.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
}

var ceremony = regexp.MustCompile(`^.* errors? occurred: \* `)

// mostShown is how many problems a person is shown at once.
const mostShown = 20

// err is nil if nothing is wrong.
func (p *problems) err(ctx *pulumi.Context) error {
	if len(p.found) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "stack %s can't be deployed; nothing was changed. Fix the following:", ctx.Stack())
	for i, problem := range p.found {
		if i == mostShown {
			fmt.Fprintf(&text, "\n     and %d more", len(p.found)-i)
			break
		}
		fmt.Fprintf(&text, "\n%3d. %s", i+1, problem)
	}
	return errors.New(text.String())
}

// shown is how many characters of a value a message shows.
const shown = 100

// short is a value as a message shows it: long ones are cut.
func short(value string) string { return cut(value, shown) }

// cutEach cuts the strings among a message's arguments.
func cutEach(args []any, most int) []any {
	all := slices.Clone(args)
	for i, arg := range all {
		if text, ok := arg.(string); ok {
			all[i] = cut(text, most)
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
