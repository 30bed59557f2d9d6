package query

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"example.com/evstream/cmd/evstream/cli"
	"example.com/evstream/internal/interrupt"
	"example.com/evstream/internal/number"
)

// session is one run of the command with all that it keeps between rounds.
type session struct {
	host
	options
	savedQueries []savedQuery
	name         string // of a saved query, or refresh; empty with --sql

	stdin          io.Reader
	stdout, stderr io.Writer
	db             *sql.DB

	answer    answer
	verdict   verdict // of freshness
	csvHeader bool    // written already
	chartMade bool    // the file is this run's
	figures   chart
}

// answer gives what one round shows. It hands the result to show, which is to
// read it while the statement is open, and may then say something in words.
type answer func(ctx context.Context, show func(result) error) (words string, err error)

// own answers with the result of the statement of --sql.
func (s *session) own(ctx context.Context) (answer, error) {
	text, err := interrupt.Await(ctx, func() ([]byte, error) { // which a terminal or a FIFO keeps waiting
		if s.sqlFile == "-" {
			return io.ReadAll(s.stdin)
		}
		return os.ReadFile(s.sqlFile)
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read the SQL: %w", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, cli.Usagef("--sql %s holds no statement", s.sqlFile)
	}
	return s.statement(string(text)), nil
}

// statement answers with the result of one statement.
func (s *session) statement(text string) answer {
	return func(ctx context.Context, show func(result) error) (string, error) {
		return "", s.ask(ctx, text, show)
	}
}

// ask runs one statement and hands its result to use.
func (s *session) ask(ctx context.Context, text string, use func(result) error) error {
	rows, err := s.db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()

	r, err := newResult(rows)
	if err != nil {
		return err
	}
	return use(r)
}

// rounds shows the answer once or, when watching, until the context ends. A
// failed round ends the command only if it is the first: what has worked before
// is likely to work again.
func (s *session) rounds(ctx context.Context) error {
	for first := true; ; first = false {
		err := s.round(ctx, first)
		switch {
		case s.watch == 0:
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			fmt.Fprintf(s.stderr, "%s: %s; next try in %v\n", s.now().UTC().Format(time.TimeOnly), cli.Explain(err), s.watch)
		}
		if s.wait(ctx, s.watch) != nil {
			return nil
		}
	}
}

// round shows the answer once: rows, words and chart.
func (s *session) round(ctx context.Context, first bool) error {
	now := s.now().UTC()
	words, err := s.answer(ctx, func(r result) error {
		if s.chart != "" {
			if err := s.prepareChart(r.columns, now); err != nil {
				return err
			}
			r = r.tap(s.figures.add)
		}
		if s.watch > 0 && s.forPeople() {
			s.heading(now, first)
		}
		return s.show(r)
	})
	if err != nil {
		return err
	}

	if s.chart != "" {
		if err := s.drawChart(); err != nil {
			return err
		}
	}
	if words == "" {
		return nil
	}
	to := s.stderr
	if s.forPeople() {
		to = s.stdout
	}
	_, err = fmt.Fprintln(to, words)
	return err
}

// forPeople says whether stdout is for reading rather than for a program.
func (s *session) forPeople() bool { return s.format == "" || s.format == "table" }

// heading stands above each round of a watch. On a terminal a round takes the
// place of the one before.
func (s *session) heading(now time.Time, first bool) {
	if !cli.ClearScreen(s.stdout) && !first {
		fmt.Fprintln(s.stdout)
	}
	fmt.Fprintf(s.stdout, "%s at %s UTC, every %v\n", cmp.Or(s.name, s.sqlFile), now.Format(time.DateTime), s.watch)
}

// show writes the rows in the wanted format.
func (s *session) show(r result) error {
	switch {
	case len(r.columns) == 0:
		_, err := r.collect()
		if err == nil {
			_, err = fmt.Fprintln(s.stderr, "Done: the statement gives no rows.")
		}
		return err
	case s.chart == "-":
		for _, err := range r.rows {
			if err != nil {
				return err
			}
		}
		return nil
	case s.format == "csv":
		err := writeCSV(s.stdout, r, !s.csvHeader)
		s.csvHeader = true
		return err
	case s.format == "json" || s.format == "jsonl":
		return writeJSON(s.stdout, r, s.format == "json")
	}

	all, err := writeTable(s.stdout, r, cli.Width(s.stdout), s.chart != "")
	if err == nil && !all {
		_, err = fmt.Fprintf(s.stderr, "The table stops at %s rows; --format csv, json or jsonl gives all of them.\n", number.Format(tableRows))
	}
	return err
}

// prepareChart makes the chart from the first round's columns.
func (s *session) prepareChart(columns []column, now time.Time) error {
	if s.figures == nil {
		chart, err := newChart(columns, s.watch > 0)
		if err != nil {
			return err
		}
		s.figures = chart
	}
	s.figures.start(now)
	return nil
}

// drawChart writes the picture, or the terminal's.
func (s *session) drawChart() error {
	f, ok := s.figures.figure()
	switch {
	case !ok && s.watch > 0:
		return nil // rows may come yet
	case !ok:
		return fmt.Errorf("nothing to draw: the query gave no rows")
	case s.chart == "-":
		return writeTextChart(s.stdout, f, cli.Width(s.stdout))
	}

	picture, err := drawPicture(f, pictureFormat(s.chart))
	if err != nil {
		return fmt.Errorf("draw %s: %w", s.chart, err)
	}
	if err := s.writeChartFile(picture); err != nil {
		return fmt.Errorf("write the chart: %w", err)
	}
	if s.watch == 0 {
		fmt.Fprintf(s.stderr, "Chart written to %s.\n", s.chart)
	}
	return nil
}

// writeChartFile writes a file that only its owner can read, since it shows what
// records hold.
func (s *session) writeChartFile(picture []byte) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !s.force && !s.chartMade {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(s.chart, flags, 0o600)
	if err != nil {
		return err
	}
	s.chartMade = true
	_, err = f.Write(picture)
	return errors.Join(err, f.Close())
}
