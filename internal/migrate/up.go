package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/interrupt"
	evsql "example.com/evstream/sql"
)

// Up applies what is pending, in order, and stops at the first that fails; then it
// runs what is repeated. It can be stopped at any moment and run again: it goes on
// where it was. It writes what it does to progress, the last line being what it has
// done; a reader that the database lacks is a warning there and no error.
func Up(ctx context.Context, c Config, progress io.Writer) (err error) {
	defer c.hideUser(&err)
	r, err := open(ctx, c, true, progress)
	if err != nil {
		return err
	}
	defer r.db.Close()
	applied, err := r.applyAll(ctx)
	if err != nil {
		return err
	}
	r.db.SetMaxIdleConns(1) // what follows sets nothing and shares a session
	done := outcome{applied: applied}
	if r.SQL.Repeatable.Refresh.Text != "" {
		if err := errors.Join(r.applyRefresh(ctx, &done), r.applyReaders(ctx, &done)); err != nil {
			return err
		}
	}
	r.report(done)
	return nil
}

// applyAll applies what is pending and returns the files.
func (r *runner) applyAll(ctx context.Context) ([]string, error) {
	left, err := r.pending(ctx)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	if _, err := r.db.ExecContext(ctx, createLedger); err != nil {
		return nil, fmt.Errorf("creating the ledger %s: %w", ledgerTable, err)
	}
	var done []string
	for i, m := range left {
		start := time.Now()
		how, err := r.apply(ctx, m)
		if err != nil {
			return done, r.explain(m, err, done, left[i+1:])
		}
		fmt.Fprintf(r.progress, "%s: %s (%.1f s)\n", m.File, how, time.Since(start).Seconds())
		done = append(done, m.File)
	}
	return done, nil
}

// An outcome is what a run of Up has done.
type outcome struct {
	applied          []string // files
	refresh          string   // YES or NO, or empty when it was so before
	granted, revoked []string // readers
	missing          []reader
}

// report says what readers could not be given, and in the last line what was done,
// both for the person who runs pulumi up: its schema command shows it at the end.
func (r *runner) report(o outcome) {
	if len(o.missing) > 0 {
		fmt.Fprintln(r.progress, "warning: the database does not have all the readers of the setting readers. Create those that are missing, in the query editor:")
		for _, reader := range o.missing {
			fmt.Fprintf(r.progress, "  %s\n", reader.create())
		}
		fmt.Fprintln(r.progress, "Then run the SQL command again, which replaces nothing else: pulumi up --replace '**::schema'")
		fmt.Fprintln(r.progress, "If a name is wrong, also in upper and lower case, correct the setting readers and run pulumi up.")
	}
	var parts []string
	add := func(what string, list []string) {
		if len(list) > 0 {
			parts = append(parts, what+strings.Join(list, ", "))
		}
	}
	add("applied ", o.applied)
	if o.refresh != "" {
		add("AUTO REFRESH ", []string{o.refresh})
	}
	add("readers granted: ", o.granted)
	add("readers removed: ", o.revoked)
	if len(parts) == 0 {
		parts = append(parts, "nothing to do")
	}
	fmt.Fprintf(r.progress, "%s; all %d migrations are applied\n", strings.Join(parts, "; "), len(r.SQL.Migrations))
}

// roleNotReady matches what Redshift says when a role cannot be assumed, or may
// not do something, as is so for a while after it was made. The first two are
// what COPY and UNLOAD say of it, in public reports; the third is IAM's wording.
var roleNotReady = regexp.MustCompile(`(?i)not authorized to (assume iam role|get credentials of role|perform:? )`)

// conflict matches what Redshift says to one of two transactions that would not
// have the same effect one after the other. It has to be tried again.
// https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation-serializable-isolation-troubleshooting.html
var conflict = regexp.MustCompile(`(?i)conflict with concurrent transaction|(serializable|snapshot) isolation violation`)

// alreadyDone says whether Redshift refused what runs alone because it has had its
// effect already. That something does not exist is a sign of that only of what drops it.
func alreadyDone(m evsql.Migration, refused *dataapi.Error) bool {
	sign := "already exists"
	if strings.HasPrefix(strings.ToUpper(m.Statements[0].Text), "DROP") {
		sign = "does not exist"
	}
	return m.Alone && strings.Contains(strings.ToLower(refused.Message), sign)
}

// recordGrace is how long another run may take from making an object outside a
// transaction to recording it.
const recordGrace = 5 * time.Second

// appliedMeanwhile describes a migration that another run has applied.
const appliedMeanwhile = "applied meanwhile, by the ledger"

// apply applies one migration and says how that came about.
func (r *runner) apply(ctx context.Context, m evsql.Migration) (string, error) {
	deadline := time.Now().Add(r.Warehouse.Wait)
	for delay := time.Second; ; delay = min(2*delay, 10*time.Second) {
		if m.Alone { // a batch looks by itself
			left, err := r.pending(ctx)
			if err != nil {
				return "", onlyRead(err)
			}
			if !slices.ContainsFunc(left, func(l evsql.Migration) bool { return l.File == m.File }) {
				return appliedMeanwhile, nil
			}
		}
		err := r.applyOnce(ctx, m)
		if err == nil {
			return "applied", nil
		}
		var refused *dataapi.Error
		if errors.Is(err, errNotRecorded) || !errors.As(err, &refused) {
			return "", err
		}
		if r.appliedByAnother(ctx, m, refused) {
			return appliedMeanwhile, nil
		}
		if !m.Alone && refused.Number == len(once(m)) {
			// Another run has applied another file of this number.
			if _, err := r.pending(ctx); err != nil {
				return "", err
			}
		}
		// Nothing of it took effect, so it can be run again.
		notReady := roleNotReady.MatchString(refused.Message)
		if !notReady && !conflict.MatchString(refused.Message) || time.Now().Add(delay).After(deadline) {
			return "", err
		}
		if delay == time.Second && notReady {
			fmt.Fprintf(r.progress, "%s: waiting for the role: %s\n", m.File, refused.Message)
		}
		if interrupt.Sleep(ctx, delay) != nil {
			return "", err
		}
	}
}

// applyOnce runs a migration, in a transaction or alone.
func (r *runner) applyOnce(ctx context.Context, m evsql.Migration) error {
	record, err := r.record(m)
	if err != nil {
		return err
	}
	if m.Alone {
		return r.applyAlone(ctx, m, record)
	}
	grants, err := r.grantsOf(ctx, m)
	if err != nil {
		return onlyRead(err)
	}
	batch := append(r.batch(m), grants...)
	_, err = dataapi.Batch(ctx, r.db, append(batch, record))
	return unlessFinished(err)
}

// onlyRead is the error of a query that comes before a migration. That its end is not
// known says nothing of the migration.
func onlyRead(err error) error {
	var unknown *dataapi.UnknownError
	if errors.As(err, &unknown) {
		return errors.New(err.Error())
	}
	return err
}

// unlessFinished is the error of a statement or batch, or nil if that had its effect
// before an interrupt could cancel it.
func unlessFinished(err error) error {
	if errors.Is(err, dataapi.ErrFinished) {
		return nil
	}
	return err
}

// batch returns the statements that keep out another run, and those of the file.
// A SET holds for the statements of its batch that come after it: AWS's guide to the
// Data API has a batch that begins with SET TIMEZONE.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
func (r *runner) batch(m evsql.Migration) []string {
	batch := once(m)
	for _, s := range slices.Concat(m.Sets, m.Statements) {
		batch = append(batch, evsql.Expand(s.Text, r.Placeholders))
	}
	return batch
}

// applyAlone runs a migration outside a transaction, and records it. That is not
// interrupted, because the next run would find the migration's effect and no record.
func (r *runner) applyAlone(ctx context.Context, m evsql.Migration, record string) error {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, s := range slices.Concat(m.Sets, m.Statements) {
		_, err := conn.ExecContext(ctx, evsql.Expand(s.Text, r.Placeholders))
		if err := unlessFinished(err); err != nil {
			return err
		}
	}
	late, cancel := outlive(ctx)
	defer cancel()
	_, err = conn.ExecContext(late, record)
	if err := unlessFinished(err); err != nil {
		return fmt.Errorf("%w: %w", errNotRecorded, err)
	}
	return nil
}

// appliedByAnother says whether the ledger has a migration that was refused. A
// batch's record is there as soon as its effect is; what runs alone is recorded a
// little later.
func (r *runner) appliedByAnother(ctx context.Context, m evsql.Migration, refused *dataapi.Error) bool {
	end := time.Now()
	if alreadyDone(m, refused) || m.Alone && conflict.MatchString(refused.Message) {
		end = end.Add(recordGrace)
	}
	for {
		records, err := r.records(ctx)
		if err == nil && slices.ContainsFunc(records, func(record evsql.Record) bool {
			return record.File == m.File && record.SHA256 == m.SHA256
		}) {
			return true
		}
		if time.Now().After(end) || interrupt.Sleep(ctx, time.Second) != nil {
			return false
		}
	}
}

// explain says what failed where and why, what state that leaves, and what to do.
func (r *runner) explain(m evsql.Migration, err error, applied []string, left []evsql.Migration) error {
	var b strings.Builder
	var refused *dataapi.Error
	var unknown *dataapi.UnknownError
	unrecorded := errors.Is(err, errNotRecorded)
	if errors.As(err, &refused) && !unrecorded {
		where, first := r.locate(m, refused)
		fmt.Fprintf(&b, "%s: %s\n", where, refused.Message)
		fmt.Fprintf(&b, "  statement %s ended as %s: %s\n", refused.StatementID, refused.Status, first)
	} else {
		fmt.Fprintf(&b, "%s: %v\n", m.File, err)
	}
	var files []string
	for _, m := range left {
		files = append(files, m.File)
	}
	list(&b, "applied in this run", applied)
	list(&b, "not tried", files)
	switch {
	case unrecorded:
		b.WriteString(r.adoption(m))
	case refused != nil && alreadyDone(m, refused):
		fmt.Fprintf(&b, "What %s does seems to be done, but the migration is not recorded in %s: a run was probably stopped in between.\n",
			m.File, ledgerTable)
		b.WriteString(r.adoption(m))
	case refused != nil && roleNotReady.MatchString(refused.Message):
		fmt.Fprintf(&b, "Redshift could not use the role for %v. Check its trust policy, its permissions on the stream, and that it is attached to the namespace; "+
			"then run again, which goes on with %s.\n", r.Warehouse.Wait, m.File)
	case errors.As(err, &unknown) && m.Alone:
		fmt.Fprintf(&b, "Whether %s took effect is not known.\n%s", m.File, r.adoption(m))
	case errors.As(err, &unknown):
		fmt.Fprintf(&b, "Whether %s took effect is not known. Run again: it checks first, and continues from there.\n", m.File)
	case refused != nil && strings.Contains(refused.Message, "transaction block"):
		fmt.Fprintf(&b, "Nothing of %s took effect. Put the statement that can't run in a transaction into a file of its own, whose first line is\n%s\nThen run again.\n", m.File, evsql.AloneLine)
	default:
		fmt.Fprintf(&b, "Nothing of %s took effect. Once the cause is removed, run again: it goes on with this file, which may be changed until it is applied.\n", m.File)
	}
	return errors.New(strings.TrimSuffix(b.String(), "\n"))
}

// locate finds a failed statement in its file: "FILE:LINE:COLUMN" or as much of it
// as is known, and the statement's first line.
func (r *runner) locate(m evsql.Migration, refused *dataapi.Error) (where, first string) {
	first, _, _ = strings.Cut(refused.SQL, "\n")
	statements := slices.Concat(m.Sets, m.Statements)
	i := slices.IndexFunc(statements, func(s evsql.Statement) bool {
		return evsql.Expand(s.Text, r.Placeholders) == refused.SQL
	})
	if i < 0 { // of the ledger, or a grant
		return m.File, first
	}
	s := statements[i]
	before := []rune(refused.SQL)
	if refused.Position < 1 || refused.Position > len(before) {
		return fmt.Sprintf("%s:%d", m.File, s.Line), first
	}
	lines := strings.Split(string(before[:refused.Position-1]), "\n")
	n := len(lines) - 1
	if line := strings.Split(s.Text, "\n")[n]; evsql.Expand(line, r.Placeholders) != line {
		return fmt.Sprintf("%s:%d", m.File, s.Line+n), first // values have moved the columns
	}
	return fmt.Sprintf("%s:%d:%d", m.File, s.Line+n, len([]rune(lines[n]))+1), first
}

func list(w io.Writer, what string, files []string) {
	if len(files) > 0 {
		fmt.Fprintf(w, "  %s: %s\n", what, strings.Join(files, " "))
	}
}
