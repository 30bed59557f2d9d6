package fakeaws_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"example.com/evstream/rehearsal/fakeaws"
	"example.com/evstream/rehearsal/internal/scenario"
)

func TestScenarios(t *testing.T) {
	scenario.Run(t, func(t *testing.T) *scenario.Engine {
		b := newBench(t)
		b.Text("long", strings.Repeat("x", 2048))
		for name, command := range b.commands() {
			b.Commands[name] = command
		}
		var before []string
		b.Before = func(name string) {
			if b.server == nil && name != "given" && name != "account" {
				b.start()
			}
			before = b.inAWS()
		}
		b.After = func(name string, printed []string) []string {
			if name == "create" && len(printed) > 0 {
				for _, kept := range b.inAWS() {
					if !slices.Contains(before, kept) {
						printed = append(printed, "AWS has "+kept)
					}
				}
			}
			for i, line := range printed {
				if strings.Contains(line, password) && !slices.Contains([]string{"asked", "lookup", "value"}, name) {
					t.Errorf("%s prints the admin's password", name)
				}
				printed[i] = serviceError.ReplaceAllString(line, "$1 $2: ")
			}
			return printed
		}
		return b.Engine
	})
}

// serviceError is what is the same in every error of AWS.
var serviceError = regexp.MustCompile(`operation error ([^:]+): (\w+), https response error StatusCode: 400, RequestID: stand-in, `)

// commands are those of AWS.
func (b *bench) commands() map[string]scenario.Command {
	errorLines := scenario.ErrorLines
	yes := func(err error) []string {
		if err == nil {
			return []string{"yes"}
		}
		return errorLines(err)
	}
	return map[string]scenario.Command{
		// What there is before: part of the first VPC or of another, a stream, a secret, the free addresses of each
		// subnet, the engine's settings of the provider. account says why that can't be.
		"given": func(words []string, change string) []string {
			switch words[0] {
			case "vpc":
				b.Must(yaml.Unmarshal([]byte(change), &b.world.VPCs[max(1, b.number(words[1]))-1]))
			case "stream":
				b.world.Streams = append(b.world.Streams, fakeaws.Stream{})
				b.Must(yaml.Unmarshal([]byte(change), &b.world.Streams[len(b.world.Streams)-1]))
			case "secret":
				b.world.Secrets = append(b.world.Secrets, fakeaws.Secret{Name: strings.TrimSpace(strings.Join(words[1:], " "))})
			case "addresses":
				for _, vpc := range b.world.VPCs {
					for i := range vpc.Subnets {
						vpc.Subnets[i].FreeAddresses = b.number(words[1])
					}
				}
			case "provider":
				b.settings = b.Changed(props{}, change)
			default:
				b.Fatalf("nothing is given as %s", words[0])
			}
			return nil
		},
		"account": func(_ []string, _ string) []string {
			_, err := fakeaws.NewAccount(b.world)
			return errorLines(err)
		},

		// A request that is refused: the nth of its name.
		"refused": func(words []string, _ string) []string {
			b.refuse(words[0], max(1, b.number(words[1])))
			return nil
		},

		// What can be seen of it: what AWS has of a resource and of a deployment, the requests to it since the
		// last look, and what Kinesis and Redshift were asked.
		"aws": func(words []string, _ string) []string {
			return scenario.Lines(b.inAccount(b.Named(words[0])), words[1:]...)
		},
		"left": func(_ []string, _ string) []string {
			return slices.DeleteFunc(b.inAWS(), func(r string) bool { return strings.Contains(r, "redshift/admin") })
		},
		"requests": func(_ []string, _ string) []string {
			defer func() { b.requests = nil }()
			return b.requests
		},
		"asked": func(_ []string, _ string) []string {
			defer func() { b.outside.asked = nil }()
			return b.outside.asked
		},

		// What others do and ask: a person changes or removes a resource of the account, or gives a
		// secret another value; services ask IAM, the network and Secrets Manager; a schedule's time
		// comes, with so many refusals of the Data API before, or a statement that fails.
		"change": func(words []string, change string) []string {
			m := b.Named(words[0])
			return errorLines(b.account.Change(string(m.URN.Type()), string(m.ID), b.Changed(props{}, change)))
		},
		"remove": func(words []string, _ string) []string {
			m := b.Named(words[0])
			return errorLines(b.account.Remove(string(m.URN.Type()), string(m.ID)))
		},
		"set-secret": func(words []string, change string) []string {
			return errorLines(b.account.SetSecret(words[0], change+words[1]))
		},
		"value": func(words []string, _ string) []string {
			value, err := b.account.SecretValue(words[0])
			return append(errorLines(err), value)[:1]
		},
		"authorize": func(words []string, _ string) []string {
			return yes(b.account.Authorize(words[0], words[1], words[2], words[3]))
		},
		"egress": func(words []string, _ string) []string {
			return yes(b.account.Egress(words[0], words[1], words[2], words[3]))
		},
		"throttled": func(words []string, _ string) []string {
			b.dataAPI.refuses = b.number(words[0])
			return nil
		},
		"failing": func(_ []string, _ string) []string {
			b.dataAPI.fails = fmt.Errorf("ERROR: no such view")
			return nil
		},
		"fire": func(words []string, _ string) []string {
			b.dataAPI.asked = nil
			err := b.server.Fire(b.Context(), words[0])
			var printed []string
			if n := len(b.dataAPI.asked); n > 0 {
				printed = append(printed, fmt.Sprintf("%d times: %s", n, b.dataAPI.asked[0]))
			}
			return append(printed, yes(err)...)
		},
		"messages": func(words []string, _ string) []string {
			messages, err := b.account.Messages(words[0])
			printed := errorLines(err)
			for _, m := range messages {
				printed = append(printed, m.Body)
				attributes := props{}
				for key, value := range m.Attributes {
					attributes[key] = value
				}
				printed = append(printed, scenario.Lines(attributes)...)
			}
			return printed
		},
	}
}

// inAWS are the resources of the account, by type and id.
func (b *bench) inAWS() []string {
	if b.account == nil {
		return nil
	}
	var all []string
	for _, r := range b.account.Resources() {
		all = append(all, r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.ID)
	}
	return all
}

// inAccount is what AWS has of a resource.
func (b *bench) inAccount(r scenario.Resource) props {
	b.Helper()
	for _, has := range b.account.Resources() {
		if has.Type == string(r.URN.Type()) && has.ID == string(r.ID) {
			return has.Properties
		}
	}
	b.Fatalf("AWS has no %s", r.ID)
	return nil
}

func (b *bench) number(text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	b.Must(err)
	return n
}
