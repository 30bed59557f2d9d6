package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// status shows every migration and what the settings have made of the views, and
// fails when something is wrong with a migration.
func (r *runner) status(ctx context.Context, stdout io.Writer) error {
	entries, err := r.entries(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tFILE\tSTATE\tAPPLIED (UTC)\tSHA-256")
	for _, e := range entries {
		when, sum := "", ""
		if e.migration != nil {
			sum = e.migration.SHA256
		}
		if e.record != nil {
			when, sum = e.record.AppliedAt.Format("2006-01-02 15:04:05"), e.record.SHA256
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%.12s\n", e.version, e.file, e.state, when, sum)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := r.settingsStatus(ctx, stdout); err != nil {
		return err
	}
	return problems(entries)
}

// settingsStatus shows how the view is refreshed, and what each reader has of
// what it should have.
func (r *runner) settingsStatus(ctx context.Context, stdout io.Writer) error {
	if r.settings.Empty() {
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
	fmt.Fprintf(stdout, "\nrefresh: %s has AUTO REFRESH %s, and %s owns it\n", r.settings.Refresh.On, mode.auto, owner)
	given, err := r.given(ctx)
	if err != nil {
		return fmt.Errorf("reading the table %s: %w", readersTable, err)
	}
	readers := slices.Clone(r.wanted.readers)
	for _, g := range sorted(given) {
		readers = append(readers, g.reader)
	}
	slices.Sort(readers)
	readers = slices.Compact(readers)
	if len(readers) == 0 {
		fmt.Fprintln(stdout, "readers: none")
		return nil
	}
	held, err := r.held(ctx)
	if err != nil {
		return fmt.Errorf("reading who may read what: %w", err)
	}
	for _, reader := range readers {
		var lacks []string
		for _, s := range r.settings.Grants {
			if !isHeld(grant{reader, s.On}, held) {
				lacks = append(lacks, s.On)
			}
		}
		state := "may read"
		if len(lacks) > 0 {
			state = "lacks " + strings.Join(lacks, ", ")
		}
		fmt.Fprintf(stdout, "readers: %s %s\n", reader, state)
	}
	return nil
}
