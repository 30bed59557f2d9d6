// Command query runs the saved queries of sql/queries, or SQL of your own, in
// the stack's warehouse and shows what comes back as a table, CSV, JSON or a
// chart.
//
//	query list
//	query usage --stack dev
//	query usage --chart usage.svg
//	query freshness --watch 5s --chart -
//	query --sql report.sql --format csv
//
// It exits with 0 when all went well, 1 when something failed, 2 when the
// command line is wrong and 130 when it was interrupted.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/interrupt"
	saved "example.com/evstream/sql"
)

func main() {
	os.Exit(run(interrupt.Context(), os.Args[1:], host{
		getenv: os.Getenv,
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		saved:  saved.Queries(),
		open:   openWarehouse,
		now:    time.Now,
		wait:   wait,
	}))
}

// host is what a run takes from its surroundings.
type host struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	saved          fs.FS // the saved queries, name.sql each
	open           func(context.Context, target) (*sql.DB, error)
	now            func() time.Time
	wait           func(context.Context, time.Duration) error // until the time has passed or the context ends
}

// openWarehouse connects through the Data API.
func openWarehouse(ctx context.Context, t target) (*sql.DB, error) {
	return dataapi.Open(ctx, dataapi.Config{
		Region:    t.region,
		Workgroup: t.workgroup,
		Database:  t.database,
		SecretARN: t.secretARN,
	})
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usageError is a mistake on the command line.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// run is the whole command and returns its exit code.
func run(ctx context.Context, args []string, h host) int {
	err := runArgs(ctx, args, h)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(h.stderr, "query: %v\nquery -h shows how it is used.\n", err)
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(h.stderr, "query: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(h.stderr, "query: %v\n%s%s", err, place(err), hint(err))
		return exitFailed
	}
}

// hint says what to do about an error of Redshift's that does not say it itself.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-troubleshooting.html
func hint(err error) string {
	if strings.Contains(strings.ToLower(err.Error()), "packet for query is too large") {
		return "A row of the result has more than 64 KB, which the Data API does not return. " +
			"Leave out the wide columns, which are mostly payload and unparsed, or select single fields of them.\n"
	}
	return ""
}

// place shows the place in the statement that Redshift's error is about, if it
// names one.
func place(err error) string {
	var refused *dataapi.Error
	if !errors.As(err, &refused) || refused.Position < 1 || refused.Position > utf8.RuneCountInString(refused.SQL) {
		return ""
	}
	before := string([]rune(refused.SQL)[:refused.Position-1])
	number := 1 + strings.Count(before, "\n")
	line := strings.Split(refused.SQL, "\n")[number-1]
	column := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
	return fmt.Sprintf("line %d: %s\n%*s\n", number, line, len("line : ")+len(strconv.Itoa(number))+column+1, "^")
}

func runArgs(ctx context.Context, args []string, h host) error {
	queries, err := readSaved(h.saved)
	if err != nil {
		return err
	}
	opts, err := parseArgs(args)
	if err != nil {
		return err
	}

	if opts.help {
		_, err := io.WriteString(h.stdout, help)
		return err
	}
	if opts.name == "list" {
		return queries.list(h.stdout)
	}

	s := session{host: h, options: opts, queries: queries}
	if s.answer, err = s.chooseAnswer(); err != nil {
		return err
	}
	if s.target, err = s.resolveTarget(ctx); err != nil {
		return err
	}
	if s.db, err = h.open(ctx, s.target); err != nil {
		return fmt.Errorf("connect to database %s of workgroup %s: %w", s.target.database, s.target.workgroup, err)
	}
	defer s.db.Close()

	return s.rounds(ctx)
}
