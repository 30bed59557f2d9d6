// Askredshift asks a real Redshift the questions that AWS's documentation leaves open, and
// prints its answers as the switches of the warehouse stand-in.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"example.com/evstream/emulator/doubt"
	"example.com/evstream/emulator/warehouse"
	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/interrupt"
)

const help = `Ask a Redshift Serverless workgroup what AWS's documentation leaves open.

Usage: go -C rehearsal run ./cmd/askredshift --workgroup NAME --secret-arn ARN [flags]

For each doubt of emulator/warehouse and emulator/fakedataapi it prints the question, the statement, the answer and
whether that is what the stand-in does by default. The last line is for
make rehearse ARGS="..." and says in what this Redshift differs.

It reads nothing of yours. It makes the schema ` + doubt.Schema + ` with a table of a few rows, and drops
it at the end; the database user needs the privilege to create a schema.

Flags:
  --workgroup NAME   the workgroup (output workgroupName)
  --database NAME    the database (default dev)
  --secret-arn ARN   the secret with the database user (output dataApiSecretArn); without it the
                     user follows from your IAM identity
  --region NAME      the workgroup's region (default: that of the AWS environment)

Exit status: 0 every question was answered; 1 one was not; 2 wrong usage.
`

func main() {
	var c dataapi.Config
	f := pflag.NewFlagSet("askredshift", pflag.ContinueOnError)
	f.Usage = func() {} // help has it
	f.StringVar(&c.Workgroup, "workgroup", "", "")
	f.StringVar(&c.Database, "database", "dev", "")
	f.StringVar(&c.SecretARN, "secret-arn", "", "")
	f.StringVar(&c.Region, "region", "", "")
	err := f.Parse(os.Args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Print(help)
		return
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0))
	case c.Workgroup == "":
		err = errors.New("--workgroup is missing: pulumi stack output workgroupName")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "askredshift: %v\naskredshift -h explains the flags.\n", err)
		os.Exit(2)
	}
	if err := run(interrupt.Context(), c, interrupt.Sleep, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "askredshift: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c dataapi.Config, wait func(context.Context, time.Duration) error, out io.Writer) error {
	db, err := dataapi.Open(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	client, err := newClient(ctx, c.Region)
	if err != nil {
		return err
	}
	r := report{out: out, readings: make(doubt.Readings)}
	if err := r.askSQL(ctx, db, warehouse.Doubts()); err != nil {
		return err
	}
	if err := r.askDataAPI(ctx, client, c, wait); err != nil {
		return err
	}
	return r.end()
}

// A report prints answers as they come.
type report struct {
	out        io.Writer
	readings   doubt.Readings // those that are not the default
	unanswered int
}

// note prints a doubt, how it was asked, what came back and which answer that is.
func (r *report) note(d doubt.Doubt, asked, shown, answer string) {
	fmt.Fprintf(r.out, "%s\n  %s\n  %s\n  %s\n", d.Name, d.Question, asked, shown)
	switch answer {
	case "":
		r.unanswered++
		fmt.Fprint(r.out, "  That is none of the answers that were thought of.\n\n")
	case d.Answers[0].Name:
		fmt.Fprintf(r.out, "  %s=%s, the default\n\n", d.Name, answer)
	default:
		r.readings[d.Name] = answer
		fmt.Fprintf(r.out, "  %s=%s, not the default\n\n", d.Name, answer)
	}
}

func (r *report) end() error {
	fmt.Fprintf(r.out, "--readings %s\n", r.readings)
	if r.unanswered > 0 {
		return fmt.Errorf("%d questions have an answer that was not thought of", r.unanswered)
	}
	return nil
}

// askSQL asks what one statement each can tell.
func (r *report) askSQL(ctx context.Context, db *sql.DB, doubts doubt.List) (err error) {
	begin := doubts.Begin()
	if _, err := db.ExecContext(ctx, begin[0]); err != nil {
		return fmt.Errorf("%s: %w\nIf an earlier run left the schema behind: %s", begin[0], err, doubts.End())
	}
	defer func() {
		if _, e := db.ExecContext(context.WithoutCancel(ctx), doubts.End()); e != nil {
			err = errors.Join(err, fmt.Errorf("the schema is left behind: %s: %w", doubts.End(), e))
		}
	}()
	for _, statement := range begin[1:] {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	for _, d := range doubts {
		if d.Ask == "" {
			fmt.Fprintf(r.out, "%s\n  %s\n  No statement can tell.\n\n", d.Name, d.Question)
			continue
		}
		value, err := answer(ctx, db, d.Statement())
		if err != nil && !refused(err) {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		shown := value
		if err != nil {
			shown = err.Error()
		}
		r.note(d, d.Statement(), shown, d.Read(value, err))
	}
	return nil
}

// refused says whether the database refused the statement, which is an answer.
func refused(err error) bool {
	var e *dataapi.Error
	return errors.As(err, &e) && e.Status == "FAILED"
}

// answer gives the one value of a query as a text.
func answer(ctx context.Context, db *sql.DB, statement string) (string, error) {
	var value any
	if err := db.QueryRowContext(ctx, statement).Scan(&value); err != nil {
		return "", err
	}
	if value == nil {
		return "NULL", nil
	}
	return fmt.Sprint(value), nil
}
