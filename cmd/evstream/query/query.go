// Package query is the verb that runs the saved queries of sql/queries, or SQL of
// one's own, in the stack's warehouse and shows what comes back as a table, CSV,
// JSON or a chart.
package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/interrupt"
	saved "example.com/evstream/sql"
)

// host is what a query takes from its surroundings.
type host struct {
	queries fs.FS // the saved ones, name.sql each
	open    func(context.Context, dataapi.Config) (*sql.DB, error)
	now     func() time.Time
	wait    func(context.Context, time.Duration) error // until the time has passed or the context ends
}

// options is what the command line says.
type options struct {
	cli.Connection
	sqlFile string // "-" is stdin
	format  string // empty unless given
	chart   string // "-" is the terminal; empty for none
	force   bool
	watch   time.Duration
}

var formats = []string{"table", "csv", "json", "jsonl"}

// Command returns the verb, with a command of its own for each saved query.
func Command() *cobra.Command {
	return newCommand(host{queries: saved.Queries(), open: dataapi.Open, now: time.Now, wait: interrupt.Sleep})
}

func newCommand(h host) *cobra.Command {
	s := &session{host: h}
	cmd := &cobra.Command{
		Use:   "query NAME | --sql FILE",
		Short: "Run a saved query, or SQL of your own, and show or draw the result",
		Long: `Query the stream's records in the warehouse, by a saved query or by the one SQL
statement in a file.

A table fits the terminal and stops at 1,000 rows; the other formats give every row
as it arrives. In csv, NULL is empty and the empty text is "". Times are as the
database holds them: UTC, except where a column says that they are local. freshness
fails while refreshes do.`,
		Example: `  evstream query usage --stack dev
  evstream query usage --stack dev --chart usage.svg
  evstream query freshness --stack dev --watch 5s --chart -
  evstream query --stack dev --sql report.sql --format csv`,
		Args: s.unknown,
		RunE: s.run("", s.own),
	}
	s.flags(cmd.PersistentFlags())
	cmd.Flags().SortFlags = false

	queries, err := readSaved(h.queries)
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return err }
	s.savedQueries = queries
	cmd.AddGroup(&cobra.Group{ID: "saved", Title: "Saved queries:"}, &cobra.Group{ID: "actions", Title: "Other commands:"})
	for _, q := range queries {
		cmd.AddCommand(&cobra.Command{Use: q.name, Short: q.description(), GroupID: "saved", Args: one, RunE: s.run(q.name, s.saved(q))})
	}
	cmd.AddCommand(
		&cobra.Command{Use: "refresh", Short: refreshes, GroupID: "actions", Args: one, RunE: s.run("refresh", func(context.Context) (answer, error) { return s.refresh, nil })},
		&cobra.Command{Use: "list", Short: "List the saved queries.", GroupID: "actions", Args: one, RunE: s.list},
	)
	return cmd
}

const refreshes = "Refresh the streaming view now."

func (o *options) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.WarehouseFlags(f)
	f.StringVar(&o.sqlFile, "sql", "", "run the one SQL statement in `FILE`, or from stdin with -")
	f.StringVar(&o.format, "format", "", "table, csv, json or jsonl (default table)")
	f.StringVar(&o.chart, "chart", "", "draw the result into a `FILE` that ends in .svg or .png, or in the terminal with -: usage, or freshness with --watch")
	f.BoolVar(&o.force, "force", false, "let --chart overwrite a file")
	f.DurationVar(&o.watch, "watch", 0, "repeat with this pause in between, until Ctrl-C")
}

// one refuses a second query.
func one(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("one query at a time, not %s and %s", cmd.Name(), strings.Join(args, " and "))
	}
	return nil
}

// unknown says that there is no saved query of a name.
func (s *session) unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	name := args[0]
	hint := cli.DidYouMean(cmd.SuggestionsFor(name)...)
	if hint == "" && strings.HasSuffix(name, ".sql") {
		hint = fmt.Sprintf(". A file of your own runs with --sql %s.", name)
	}
	return cli.Usagef("there is no saved query %q%s\nevstream query list describes the saved ones", name, hint)
}

// check says what is wrong with the command line.
func (o *options) check(name string, f *pflag.FlagSet) error {
	switch {
	case name == "" && o.sqlFile == "":
		return cli.Usagef("which query? evstream query list describes the saved ones; --sql FILE runs your own")
	case name != "" && o.sqlFile != "":
		return cli.Usagef("either a saved query (%s) or --sql %s, not both", name, o.sqlFile)
	case o.format != "" && !slices.Contains(formats, o.format):
		return cli.Usagef("--format is %q: it must be one of %s", o.format, strings.Join(formats, ", "))
	case o.chart == "-" && o.format != "":
		return cli.Usagef("--chart - and --format %s would both write to the terminal: leave one out", o.format)
	case o.drawsFile() && pictureFormat(o.chart) == "":
		return cli.Usagef("--chart is %q: it must be a file that ends in .svg or .png, or - for the terminal", o.chart)
	case f.Changed("watch") && o.watch <= 0:
		return cli.Usagef("--watch is %v: it must be a time to wait between two looks, such as 5s", o.watch)
	}
	if _, err := os.Lstat(o.chart); err == nil && o.drawsFile() && !o.force {
		return cli.Usagef("--chart %s: the file exists; name another, or overwrite it with --force", o.chart)
	}
	return nil
}

func (o *options) drawsFile() bool { return o.chart != "" && o.chart != "-" }

// pictureFormat returns svg or png, or nothing for any other file.
func pictureFormat(file string) string {
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".svg", ".png":
		return ext[1:]
	}
	return ""
}

// run returns what runs a saved query, the refresh, or --sql, as name says.
func (s *session) run(name string, choose func(context.Context) (answer, error)) func(*cobra.Command, []string) error {
	return cli.Interruptible(func(cmd *cobra.Command, _ []string) error {
		s.name, s.stdin, s.stdout, s.stderr = name, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
		if err := s.check(name, cmd.Flags()); err != nil {
			return err
		}
		var err error
		if s.answer, err = choose(cmd.Context()); err != nil {
			return err
		}
		where, err := s.Warehouse(cmd.Context())
		if err != nil {
			return err
		}
		if s.db, err = s.open(cmd.Context(), where); err != nil {
			return fmt.Errorf("connect to database %s of workgroup %s: %w", where.Database, where.Workgroup, err)
		}
		defer s.db.Close()
		err = explained(s.rounds(cmd.Context()))
		if err == nil && s.verdict == blocked && s.watch == 0 {
			return cli.Status{Code: cli.ExitFailed} // what is shown says why
		}
		return err
	})
}

// saved returns what chooses the answer of a saved query.
func (s *session) saved(q savedQuery) func(context.Context) (answer, error) {
	return func(context.Context) (answer, error) {
		if q.name != "freshness" {
			return s.statement(q.text), nil
		}
		i := slices.IndexFunc(s.savedQueries, func(q savedQuery) bool { return q.name == "refreshes" })
		if i < 0 {
			return nil, errors.New("freshness needs the saved query refreshes: sql/queries/refreshes.sql is missing")
		}
		return s.freshness(q.text, s.savedQueries[i].text), nil
	}
}

// explained adds to an error of Redshift's where in the statement it is, and what
// to do about it if Redshift does not say it itself.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-troubleshooting.html
func explained(err error) error {
	var refused *dataapi.Error
	if errors.As(err, &refused) && refused.Position >= 1 && refused.Position <= utf8.RuneCountInString(refused.SQL) {
		err = fmt.Errorf("%w\n%s", err, excerpt(refused))
	}
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "packet for query is too large") {
		err = fmt.Errorf("%w\nA row of the result has more than 64 KB, which the Data API does not return. "+
			"Leave out the wide columns, which are mostly payload and unparsed, or select single fields of them", err)
	}
	return err
}

// excerpt shows the line of the statement that an error is about, and marks the column.
func excerpt(err *dataapi.Error) string {
	before := string([]rune(err.SQL)[:err.Position-1])
	number := 1 + strings.Count(before, "\n")
	line := strings.Split(err.SQL, "\n")[number-1]
	column := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
	return fmt.Sprintf("line %d: %s\n%*s", number, line, len("line : ")+len(strconv.Itoa(number))+column+1, "^")
}

// savedQuery is one file of sql/queries.
type savedQuery struct {
	name string
	text string
}

// readSaved reads the files name.sql, in the order of their names.
func readSaved(dir fs.FS) ([]savedQuery, error) {
	files, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("read the saved queries: %w", err)
	}
	var queries []savedQuery
	for _, file := range files {
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, fmt.Errorf("read the saved queries: %w", err)
		}
		queries = append(queries, savedQuery{strings.TrimSuffix(file, ".sql"), string(text)})
	}
	return queries, nil
}

// description is the first sentence of the file's header comment.
func (q savedQuery) description() string {
	var words []string
	for line := range strings.Lines(q.text) {
		comment, ok := strings.CutPrefix(line, "--")
		if !ok {
			break
		}
		words = append(words, strings.TrimSpace(comment))
		if strings.HasSuffix(words[len(words)-1], ".") {
			break
		}
	}
	return strings.Join(words, " ")
}

// list describes the saved queries, one a line.
func (s *session) list(cmd *cobra.Command, _ []string) error {
	var b strings.Builder
	widest := 0
	for _, q := range s.savedQueries {
		widest = max(widest, len(q.name))
	}
	for _, q := range s.savedQueries {
		fmt.Fprintf(&b, "%-*s  %s\n", widest, q.name, q.description())
	}
	fmt.Fprintf(&b, "\n%-*s  %s\n", widest, "refresh", refreshes)
	_, err := io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}
