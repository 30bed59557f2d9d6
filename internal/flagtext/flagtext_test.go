package flagtext_test

import (
	"errors"
	"flag"
	"io"
	"testing"
	"time"

	"example.com/evstream/internal/flagtext"
)

func TestExplain(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"another flag":                {[]string{"--nonsense", "3"}, `there is no flag --nonsense`},
		"no value":                    {[]string{"-count"}, `--count needs a value: a whole number`},
		"no integer":                  {[]string{"-count", "many"}, `--count "many": a whole number`},
		"an empty value":              {[]string{"--count="}, `--count "": a whole number`},
		"a value with quotes":         {[]string{"--count", "a \"b\"\n"}, `--count "a \"b\"\n": a whole number`},
		"too large":                   {[]string{"--count", "99999999999999999999"}, `--count "99999999999999999999": a whole number, and this one is out of range`},
		"no number":                   {[]string{"--rate", "fast"}, `--rate "fast": a number`},
		"below 0":                     {[]string{"--seed", "-1"}, `--seed "-1": a whole number from 0 on`},
		"days":                        {[]string{"--wait", "7d"}, `--wait "7d": a time such as 30s, 5m or 24h`},
		"with a usage text":           {[]string{"--retention", "7d"}, `--retention "7d": a time such as 24h or 168h`},
		"neither true nor false":      {[]string{"--json=perhaps"}, `--json "perhaps": true or false`},
		"what it leaves as it is":     {[]string{"---json"}, `bad flag syntax: ---json`},
		"help, which is no mistake":   {[]string{"-h"}, flag.ErrHelp.Error()},
		"a command line that is fine": {[]string{"--json"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := flag.NewFlagSet("test", flag.ContinueOnError)
			f.SetOutput(io.Discard)
			f.Int("count", 0, "")
			f.Float64("rate", 0, "")
			f.Uint64("seed", 0, "")
			f.Duration("wait", 0, "")
			f.Duration("retention", time.Hour, "a time such as 24h or 168h")
			f.Bool("json", false, "")
			parsed := f.Parse(test.args)
			err := flagtext.Explain(f, parsed)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%q is explained as %q, want %q", parsed, got, test.want)
			}
			if errors.Is(parsed, flag.ErrHelp) != errors.Is(err, flag.ErrHelp) {
				t.Errorf("%v is no longer flag.ErrHelp", err)
			}
		})
	}
}
