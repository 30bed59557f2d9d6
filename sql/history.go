package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// A Record says that a migration was applied.
type Record struct {
	File      string
	SHA256    string
	Values    map[string]string // of its placeholders
	AppliedAt time.Time         // in UTC; zero if that is not known
}

// A State is what became of a migration.
type State string

const (
	Applied State = "applied"
	Pending State = "pending"
	Changed State = "changed" // the file, or the values of its placeholders
	Renamed State = "renamed" // the file, with the same content
	Removed State = "removed" // the file
	Late    State = "late"    // it was added before one that is applied
)

// An Entry is one migration as the files and the records have it.
type Entry struct {
	File      string // the record's, if there is one
	State     State
	Migration *Migration // nil when there is no file
	Record    *Record    // nil when it was not applied
	Problem   string     // what is wrong and what to do; empty when nothing is
}

// Match compares the migrations with the records of those that were applied, both
// in the order of their names.
func Match(list []Migration, records []Record) []Entry {
	var entries []Entry
	known := make(map[string]bool) // files of list that were applied, also under another name
	last := ""
	for i := range records {
		r := &records[i]
		last = max(last, r.File)
		e := matchRecord(list, r)
		if e.Migration != nil {
			known[e.Migration.File] = true
		}
		entries = append(entries, e)
	}
	for i := range list {
		m := &list[i]
		if known[m.File] {
			continue
		}
		e := Entry{File: m.File, State: Pending, Migration: m}
		if m.Version <= versionOf(last) {
			e.State = Late
			e.Problem = fmt.Sprintf("%s is new, and %s was applied. Give it the next free number.", m.File, last)
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(a.File, b.File) })
	return entries
}

// matchRecord finds the file of a record.
func matchRecord(list []Migration, r *Record) Entry {
	e := Entry{File: r.File, State: Applied, Record: r}
	applied := r.File + " was applied"
	if !r.AppliedAt.IsZero() {
		applied += " on " + r.AppliedAt.Format("2006-01-02 15:04:05") + " UTC"
	}
	find := func(is func(Migration) bool) bool {
		i := slices.IndexFunc(list, is)
		if i >= 0 {
			e.Migration = &list[i]
		}
		return i >= 0
	}
	switch {
	case find(func(m Migration) bool { return m.File == r.File }):
		if e.Migration.SHA256 != r.SHA256 {
			e.State = Changed
			e.Problem = fmt.Sprintf("%s and has changed since. Restore it, and write the change as a new migration. %s",
				applied, restore(r.File))
		}
	case find(func(m Migration) bool { return m.SHA256 == r.SHA256 }):
		e.State = Renamed
		e.Problem = fmt.Sprintf("%s and is named %s now. Restore its name, and give a new migration the next free number.", applied, e.Migration.File)
	default:
		e.State = Removed
		e.Problem = fmt.Sprintf("%s and is no longer there. Restore it. %s "+
			"A git revert removes the file too: only a new migration undoes what it did.", applied, restore(r.File))
	}
	return e
}

// MatchValues marks entries whose placeholders have another value now than they
// were applied with. Only the last file that uses a placeholder counts: a later
// one may have recreated the object. A value that is not given is not compared.
func MatchValues(entries []Entry, values map[string]string) {
	last := make(map[string]*Entry)
	for i := range entries {
		if m := entries[i].Migration; m != nil {
			for _, p := range m.Placeholders {
				last[p.Name] = &entries[i]
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		e := last[name]
		now, given := values[name]
		if !given || e.State != Applied || e.Record.Values[name] == now {
			continue
		}
		e.State = Changed
		e.Problem = fmt.Sprintf("%s was applied with %s=%s, and it is %s now. Its object goes on using the old value, and cannot be altered. "+
			"Set the old value again; or add migrations that drop the object and recreate it with the new value, "+
			"knowing that a streaming view then loses what its stream no longer has.", e.File, name, e.Record.Values[name], now)
	}
}

// A Difference is how the SQL differs from what was applied before.
type Difference struct {
	// Problems are the applied migrations that are not what they were, and the new
	// ones that come before them. Each says what to do.
	Problems []string

	added []*Migration
}

// Compare compares two archives: applied is the one of the last run that
// succeeded, so that each migration in it is in the warehouse. What is repeated
// may change. An archive that Unpack refuses is one problem.
func Compare(applied, now string) Difference {
	set, err := Unpack(now)
	if err != nil {
		return Difference{Problems: []string{err.Error()}}
	}
	var records []Record
	for _, file := range txtar.Parse([]byte(applied)).Files {
		if versionOf(file.Name) > 0 {
			records = append(records, Record{File: file.Name, SHA256: checksum(file.Data)})
		}
	}
	var d Difference
	for _, e := range Match(set.Migrations, records) {
		if e.Problem != "" {
			d.Problems = append(d.Problems, e.Problem)
		}
		if e.Record == nil {
			d.added = append(d.added, e.Migration)
		}
	}
	return d
}

// AddedUse says whether a migration that was not applied before holds a
// placeholder: it recreates what holds the placeholder's earlier value.
func (d Difference) AddedUse(name string) bool {
	return slices.ContainsFunc(d.added, func(m *Migration) bool {
		return slices.ContainsFunc(m.Placeholders, func(p Placeholder) bool { return p.Name == name })
	})
}

// restore says how a file gets back what it was.
func restore(name string) string {
	file := "sql/migrations/" + name
	return fmt.Sprintf("If that is not committed: git restore %[1]s. If it is: git restore --source=COMMIT^ %[1]s, with the commit that did it, the first one of git log --all -- %[1]s.", file)
}
