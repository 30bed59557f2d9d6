package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// status shows every migration, and fails when something is wrong with one.
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
	return problems(entries)
}
