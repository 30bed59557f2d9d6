package migrate

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Status writes every migration, how the streaming view is refreshed and who may
// read what. It fails when something is wrong with a migration.
func Status(ctx context.Context, c Config, out, progress io.Writer) (err error) {
	defer c.hideUser(&err)
	r, err := open(ctx, c, false, progress)
	if err != nil {
		return err
	}
	defer r.db.Close()
	entries, err := r.entries(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tSTATE\tAPPLIED (UTC)\tSHA-256")
	for _, e := range entries {
		when, sum := "", ""
		if e.Migration != nil {
			sum = e.Migration.SHA256
		}
		if e.Record != nil {
			when, sum = e.Record.AppliedAt.Format("2006-01-02 15:04:05"), e.Record.SHA256
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.12s\n", e.File, e.State, when, sum)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := r.accessStatus(ctx, out); err != nil {
		return err
	}
	return problems(entries)
}

// accessStatus writes how the view is refreshed, and what each reader lacks of
// what it should have.
func (r *runner) accessStatus(ctx context.Context, out io.Writer) error {
	if r.SQL.Repeatable.Refresh.Text == "" {
		return nil
	}
	mode, err := r.refreshMode(ctx)
	if err != nil || mode == nil { // before the first run there is nothing to tell
		return err
	}
	owner := "this user"
	if !mode.owned {
		owner = "another user" // whose name is no less a secret than this one's
	}
	fmt.Fprintf(out, "\nrefresh: %s has AUTO REFRESH %s, and %s owns it\n", r.SQL.Repeatable.Refresh.On, mode.auto, owner)
	given, err := r.given(ctx)
	if err != nil {
		return err
	}
	readers := append(r.readers(), sortedReaders(given)...)
	slices.Sort(readers)
	readers = slices.Compact(readers)
	if len(readers) == 0 {
		fmt.Fprintln(out, "readers: none")
		return nil
	}
	held, err := r.held(ctx)
	if err != nil {
		return err
	}
	for _, who := range readers {
		var lacks []string
		for _, s := range r.SQL.Repeatable.Grants {
			if !held.has(who, s.On) {
				lacks = append(lacks, s.On)
			}
		}
		state := "may read"
		if len(lacks) > 0 {
			state = "lacks " + strings.Join(lacks, ", ")
		}
		fmt.Fprintf(out, "readers: %s %s\n", who, state)
	}
	return nil
}
