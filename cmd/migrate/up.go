package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/interrupt"
	evsql "example.com/evstream/sql"
)

// up applies what is pending, in order, and stops at the first that fails.
func (r *runner) up(ctx context.Context) error {
	entries, err := r.entries(ctx)
	if err != nil {
		return err
	}
	if err := problems(entries); err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectCustom, r.db, r.fsys,
		goose.WithStore(r.ledger),
		goose.WithIsolateDDL(true), // without it goose makes its table in a transaction
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("preparing the migrations: %w", err)
	}
	var done []evsql.Migration
	left := toApply(entries)
	for len(left) > 0 {
		m := left[0]
		start := time.Now()
		how, err := r.apply(ctx, provider, m)
		if err != nil {
			return r.explain(m, err, done, left[1:])
		}
		fmt.Fprintf(r.stderr, "%s: %s (%.1f s)\n", m.File, how, time.Since(start).Seconds())
		done, left = append(done, m), left[1:]
		r.outcome.applied = append(r.outcome.applied, m.File)
	}
	return nil
}

// An outcome is what a run of up has done.
type outcome struct {
	applied          []string // files
	refresh          string   // YES or NO, or empty when it was so before
	granted, revoked []string // readers
	missing          []reader
}

// report says what readers could not be given, and in the last line what was done,
// both for the person who runs pulumi up: its schema command shows it at the end.
func (r *runner) report() {
	if len(r.outcome.missing) > 0 {
		fmt.Fprintln(r.stderr, "warning: the database does not have all the readers of the setting readers. Create those that are missing, in the query editor:")
		for _, reader := range r.outcome.missing {
			fmt.Fprintf(r.stderr, "  %s\n", reader.create())
		}
		fmt.Fprintln(r.stderr, "Then run the SQL command again, which replaces nothing else: pulumi up --replace '**::schema'")
		fmt.Fprintln(r.stderr, "If a name is wrong, also in upper and lower case, correct the setting readers and run pulumi up.")
	}
	var said []string
	add := func(what string, list []string) {
		if len(list) > 0 {
			said = append(said, what+strings.Join(list, ", "))
		}
	}
	add("applied ", r.outcome.applied)
	if r.outcome.refresh != "" {
		add("AUTO REFRESH ", []string{r.outcome.refresh})
	}
	add("readers granted: ", r.outcome.granted)
	add("readers removed: ", r.outcome.revoked)
	if len(said) == 0 {
		said = append(said, "nothing to do")
	}
	fmt.Fprintf(r.stderr, "%s; all %d migrations are applied\n", strings.Join(said, "; "), len(r.list))
}

// roleNotReady matches what Redshift says when a role cannot be assumed, or may
// not do something, as is so for a while after it was made. The first two are
// what COPY and UNLOAD say of it, in public reports; the third is IAM's wording.
var roleNotReady = regexp.MustCompile(`(?i)not authorized to (assume iam role|get credentials of role|perform:? )`)

// exists and conflict match what Redshift says to the slower one of two runs:
// after the other one has made the object, and while it is making it.
var (
	exists   = regexp.MustCompile(`(?i)already exists`)
	conflict = regexp.MustCompile(`(?i)conflict with concurrent transaction|serializable isolation violation`)
)

// recordGrace is how long another run may take from making an object to
// recording it.
const recordGrace = 5 * time.Second

// apply applies one migration and says how that came about.
func (r *runner) apply(ctx context.Context, provider *goose.Provider, m evsql.Migration) (string, error) {
	deadline := time.Now().Add(r.target.Wait)
	for delay := time.Second; ; delay = min(2*delay, 10*time.Second) {
		_, err := provider.ApplyVersion(ctx, m.Version, true)
		if err == nil {
			return "applied", nil
		}
		var refused *dataapi.Error
		switch {
		case errors.Is(err, goose.ErrAlreadyApplied):
			return r.appliedByAnother(ctx, m)
		case errors.Is(err, errNotRecorded), !errors.As(err, &refused):
			return "", err
		case exists.MatchString(refused.Message), conflict.MatchString(refused.Message):
			for end := time.Now().Add(recordGrace); ; {
				if how, otherErr := r.appliedByAnother(ctx, m); otherErr == nil {
					return how, nil
				}
				if time.Now().After(end) || interrupt.Sleep(ctx, time.Second) != nil {
					return "", err
				}
			}
		// The statement can be run again: a migration is one statement, and that failed.
		case !roleNotReady.MatchString(refused.Message), time.Now().Add(delay).After(deadline):
			return "", err
		}
		if delay == time.Second {
			fmt.Fprintf(r.stderr, "%s: waiting for the role: %s\n", m.File, refused.Message)
		}
		if interrupt.Sleep(ctx, delay) != nil {
			return "", err
		}
	}
}

// appliedByAnother makes sure that the ledger has the migration as it is here.
func (r *runner) appliedByAnother(ctx context.Context, m evsql.Migration) (string, error) {
	entries, err := r.entries(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.version != m.Version {
			continue
		}
		if e.problem != "" {
			return "", errors.New(e.problem)
		}
		if e.state == applied {
			return "applied by another run at the same time", nil
		}
	}
	return "", errors.New("it is not recorded")
}

// explain says what failed where and why, what state that leaves, and what to do.
func (r *runner) explain(m evsql.Migration, err error, done, left []evsql.Migration) error {
	var b strings.Builder
	var refused *dataapi.Error
	switch {
	case errors.As(err, &refused) && !errors.Is(err, errNotRecorded):
		place, statement := r.place(m, refused)
		fmt.Fprintf(&b, "%s: %s\n", place, refused.Message)
		fmt.Fprintf(&b, "  statement %s ended as %s: %s\n", refused.StatementID, refused.Status, statement)
	default:
		fmt.Fprintf(&b, "%s: %v\n", m.File, cause(err))
	}
	names(&b, "applied in this run", done)
	names(&b, "not tried", left)
	switch {
	case errors.Is(err, errNotRecorded):
		b.WriteString(r.adoption(m))
	case refused != nil && exists.MatchString(refused.Message):
		fmt.Fprintf(&b, "What %s makes is there, but the migration is not recorded in %s: a run was probably stopped in between.\n",
			m.File, ledgerTable)
		b.WriteString(r.adoption(m))
	case refused != nil && roleNotReady.MatchString(refused.Message):
		fmt.Fprintf(&b, "Redshift could not use the role for %v. Check its trust policy, its permissions on the stream, and that it is attached to the namespace; "+
			"then run again, which goes on with %s.\n", r.target.Wait, m.File)
	default:
		fmt.Fprintf(&b, "Nothing of %s is recorded. Once the cause is removed, run again: it goes on with this file, which may be changed until it is applied.\n", m.File)
	}
	return errors.New(strings.TrimSuffix(b.String(), "\n"))
}

// cause takes off goose's wrapping, which repeats the version.
func cause(err error) error {
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return partial.Err
	}
	return err
}

// place finds a failed statement in its file: "FILE:LINE:COLUMN" or as much of it
// as is known, and the statement's first line.
func (r *runner) place(m evsql.Migration, refused *dataapi.Error) (place, statement string) {
	first, _, _ := strings.Cut(refused.SQL, "\n")
	for _, s := range m.Statements {
		if r.expand(s.Text) != refused.SQL {
			continue
		}
		before := []rune(refused.SQL)
		if refused.Position < 1 || refused.Position > len(before) {
			return fmt.Sprintf("%s:%d", m.File, s.Line), first
		}
		before = before[:refused.Position-1]
		lines := strings.Split(string(before), "\n")
		n := len(lines) - 1
		if line := strings.Split(s.Text, "\n")[n]; r.expand(line) != line {
			return fmt.Sprintf("%s:%d", m.File, s.Line+n), first // values have moved the columns
		}
		return fmt.Sprintf("%s:%d:%d", m.File, s.Line+n, len([]rune(lines[n]))+1), first
	}
	return m.File, first
}

// expand puts in the values as goose does.
func (r *runner) expand(text string) string {
	for name, value := range r.values {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

func names(w io.Writer, what string, list []evsql.Migration) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "  %s:", what)
	for _, m := range list {
		fmt.Fprintf(w, " %s", m.File)
	}
	fmt.Fprintln(w)
}
