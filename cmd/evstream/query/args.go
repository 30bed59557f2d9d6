package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/evstream/internal/flagtext"
	"example.com/evstream/internal/stackoutput"
)

const help = `Ask the warehouse about the stream's records.

Usage:
  query NAME [flags]          run a saved query; query list describes them
  query --sql FILE [flags]    run the one SQL statement in FILE, or from stdin with -
  query refresh [flags]       take what the stream holds into the streaming view now
  query list                  list the saved queries

Where (the first that is given counts):
  --workgroup, --database, --secret-arn, --region
  --stack NAME                the outputs of this Pulumi stack; run it in the project's folder
  REDSHIFT_WORKGROUP, REDSHIFT_DATABASE, REDSHIFT_SECRET_ARN and the AWS environment
  Without a secret, the database user is the one of your IAM identity.

What comes out:
  --format table|csv|json|jsonl   table fits the terminal and stops at 1,000 rows (default);
                                  the others give every row as it arrives
  --chart FILE.svg|FILE.png       draw the result too: usage, or freshness with --watch
  --chart -                       draw it in the terminal instead of the table
  --watch 5s                      again and again, until Ctrl-C

In csv, NULL is empty and the empty text is "". Times are as the database
holds them: UTC, except where a column says that they are local.
`

// options is what the command line says.
type options struct {
	help    bool
	name    string // of a saved query, or list or refresh; empty with sqlFile
	sqlFile string // "-" is stdin
	flags   target
	stack   string
	format  string // empty unless given
	chart   string // "-" is the terminal; empty for none
	watch   time.Duration
}

// target says where the warehouse is.
type target struct {
	workgroup, database string
	secretARN           string // empty: the database user follows from the IAM identity
	region              string // empty: the AWS environment's
}

var formats = []string{"table", "csv", "json", "jsonl"}

// parseArgs reads flags before and after the query's name.
func parseArgs(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("query", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.sqlFile, "sql", "", "")
	f.StringVar(&o.flags.workgroup, "workgroup", "", "")
	f.StringVar(&o.flags.database, "database", "", "")
	f.StringVar(&o.flags.secretARN, "secret-arn", "", "")
	f.StringVar(&o.flags.region, "region", "", "")
	f.StringVar(&o.stack, "stack", "", "")
	f.StringVar(&o.format, "format", "", "")
	f.StringVar(&o.chart, "chart", "", "")
	f.DurationVar(&o.watch, "watch", 0, "a time to wait between two looks, such as 5s")

	var names []string
	for rest := args; ; {
		err := f.Parse(rest)
		if errors.Is(err, flag.ErrHelp) {
			return options{help: true}, nil
		}
		if err != nil {
			return options{}, usagef("%v", flagtext.Explain(f, err))
		}
		if f.NArg() == 0 {
			break
		}
		names = append(names, f.Arg(0))
		rest = f.Args()[1:]
	}
	if len(names) > 0 {
		o.name = names[0]
	}
	watching := false
	f.Visit(func(f *flag.Flag) { watching = watching || f.Name == "watch" })

	switch {
	case o.name == "help":
		return options{help: true}, nil
	case len(names) > 1:
		return options{}, usagef("one query at a time, not %s", strings.Join(names, " and "))
	case o.name == "" && o.sqlFile == "":
		return options{}, usagef("which query? query list describes the saved ones; --sql FILE runs your own")
	case o.name != "" && o.sqlFile != "":
		return options{}, usagef("either a saved query (%s) or --sql %s, not both", o.name, o.sqlFile)
	case o.format != "" && !slices.Contains(formats, o.format):
		return options{}, usagef("--format is %q: it must be one of %s", o.format, strings.Join(formats, ", "))
	case o.chart == "-" && o.format != "":
		return options{}, usagef("--chart - and --format %s would both write to the terminal: leave one out", o.format)
	case o.chart != "" && o.chart != "-" && pictureFormat(o.chart) == "":
		return options{}, usagef("--chart is %q: it must be a file that ends in .svg or .png, or - for the terminal", o.chart)
	case watching && o.watch <= 0:
		return options{}, usagef("--watch is %v: it must be a time to wait between two looks, such as 5s", o.watch)
	}
	return o, nil
}

// pictureFormat returns svg or png, or nothing for any other file.
func pictureFormat(file string) string {
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".svg", ".png":
		return ext[1:]
	}
	return ""
}

// resolveTarget puts the flags before the stack's outputs and these before the
// environment.
func (s *session) resolveTarget(ctx context.Context) (target, error) {
	t := s.flags
	if s.stack != "" {
		out, err := stackoutput.Read(ctx, s.stack)
		if err != nil {
			return target{}, err
		}
		t.workgroup = cmp.Or(t.workgroup, out.WorkgroupName)
		t.database = cmp.Or(t.database, out.DatabaseName)
		t.secretARN = cmp.Or(t.secretARN, out.DataAPISecretARN)
		t.region = cmp.Or(t.region, out.Region)
	}
	t.workgroup = cmp.Or(t.workgroup, s.getenv("REDSHIFT_WORKGROUP"))
	t.database = cmp.Or(t.database, s.getenv("REDSHIFT_DATABASE"))
	t.secretARN = cmp.Or(t.secretARN, s.getenv("REDSHIFT_SECRET_ARN"))

	switch {
	case t.workgroup == "":
		return target{}, usagef("which workgroup? Give --stack NAME, --workgroup or REDSHIFT_WORKGROUP")
	case t.database == "":
		return target{}, usagef("which database of workgroup %s? Give --stack NAME, --database or REDSHIFT_DATABASE", t.workgroup)
	}
	return t, nil
}
