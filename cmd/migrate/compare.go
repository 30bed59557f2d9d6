package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	evsql "example.com/evstream/sql"
)

// A state is what a migration is by the ledger.
type state string

const (
	applied  state = "applied"
	pending  state = "pending"
	changed  state = "changed"  // the file, or the values of its placeholders
	renamed  state = "renamed"  // the file, with the same content
	vanished state = "vanished" // the file is not among the migrations
	skipped  state = "skipped"  // a later one is applied
)

// An entry is one migration as the files and the ledger have it.
type entry struct {
	version   int64
	file      string
	state     state
	migration *evsql.Migration // nil when there is no file
	record    *record          // nil when there is no record
	problem   string           // what is wrong and what to do; empty when nothing is
}

// compare matches the migrations with the ledger, both in order of version.
func compare(list []evsql.Migration, records []record, values map[string]string) []entry {
	byVersion := make(map[int64]*entry)
	for i := range list {
		m := &list[i]
		byVersion[m.Version] = &entry{version: m.Version, file: m.File, state: pending, migration: m}
	}
	for i := range records {
		r := &records[i]
		e := byVersion[r.Version]
		if e == nil {
			e = &entry{version: r.Version, file: r.File}
			byVersion[r.Version] = e
		}
		e.add(r)
	}
	entries := make([]entry, 0, len(byVersion))
	for _, version := range slices.Sorted(maps.Keys(byVersion)) {
		entries = append(entries, *byVersion[version])
	}
	later := false
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		if e.record != nil {
			later = true
		} else if later {
			e.state = skipped
			e.problem = fmt.Sprintf("%s is not recorded, though a later migration is: "+
				"the ledger %s was edited, or the file was added between others. Give a new file the next number.", e.file, ledgerTable)
		}
	}
	checkValues(entries, values)
	return entries
}

// add takes in a record of the entry's version.
func (e *entry) add(r *record) {
	when := r.AppliedAt.Format("2006-01-02 15:04:05") + " UTC"
	const keep = "What was applied is never run again, so the file has to stay as it was"
	switch {
	case e.record != nil:
		e.state = changed
		e.problem = fmt.Sprintf("version %d is recorded twice, as %s (SHA-256 %s) and as %s (SHA-256 %s): two runs applied different files at once. "+
			"Find out which one the warehouse has, and delete the other row of %s.",
			e.version, e.record.File, e.record.SHA256, r.File, r.SHA256, ledgerTable)
	case e.migration == nil:
		e.state = vanished
		e.problem = fmt.Sprintf("%s (SHA-256 %s) was applied on %s and is no longer among the migrations. "+
			"Restore the file; SQL older than the warehouse's cannot be applied to it.", r.File, r.SHA256, when)
	case r.SHA256 != e.migration.SHA256:
		e.state = changed
		e.problem = fmt.Sprintf("%s was applied on %s with SHA-256 %s and has SHA-256 %s now. %s: restore it and write the change as a new migration.",
			r.File, when, r.SHA256, e.migration.SHA256, keep)
		if r.File != e.file {
			e.problem = fmt.Sprintf("version %d was %s (SHA-256 %s) when it was applied on %s and is %s (SHA-256 %s) now. %s: restore it and give a new migration the next number.",
				e.version, r.File, r.SHA256, when, e.file, e.migration.SHA256, keep)
		}
	case r.File != e.file:
		e.state = renamed
		e.problem = fmt.Sprintf("%s was applied on %s and is named %s now. Give it its name back.", r.File, when, e.file)
	default:
		e.state = applied
	}
	e.record = r
}

// checkValues finds placeholders that have another value now than the object
// made with them. Only the last migration that uses a placeholder counts: a
// later one may have recreated the object.
func checkValues(entries []entry, values map[string]string) {
	last := make(map[string]*entry)
	for i := range entries {
		if e := &entries[i]; e.migration != nil {
			for _, p := range e.migration.Placeholders {
				last[p.Name] = e
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		e := last[name]
		now, given := values[name]
		if !given || e.state != applied || e.record.Values[name] == now {
			continue
		}
		e.state = changed
		e.problem = fmt.Sprintf("%s was applied with %s=%s, and it is %s now. Its object goes on using the old value, and cannot be altered. "+
			"Set the old value again; or add migrations that drop the object and recreate it with the new value, "+
			"knowing that a streaming view then loses what its stream no longer has.", e.file, name, e.record.Values[name], now)
	}
}

// problems joins what is wrong with entries.
func problems(entries []entry) error {
	var all []error
	for _, e := range entries {
		if e.problem != "" {
			all = append(all, errors.New(e.problem))
		}
	}
	return errors.Join(all...)
}

// toApply returns the pending migrations in order.
func toApply(entries []entry) []evsql.Migration {
	var list []evsql.Migration
	for _, e := range entries {
		if e.state == pending {
			list = append(list, *e.migration)
		}
	}
	return list
}
