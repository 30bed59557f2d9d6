package sql

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// A Difference is how the SQL differs from what was applied before.
type Difference struct {
	// Problems are the applied migrations that are not what they were, and the new
	// ones that come before them. Each says what to do.
	Problems []string

	added []txtar.File
}

// Compare compares two archives that Pack made: applied is the one of the last
// run that succeeded, so that each migration in it is in the warehouse. Settings
// may change.
func Compare(applied, now string) Difference {
	before, after := migrationsIn(applied), migrationsIn(now)
	var d Difference
	known := map[string]bool{} // files of after that were applied, also under another name
	last := ""
	for _, file := range before {
		last = max(last, file.Name)
		sameName := func(f txtar.File) bool { return f.Name == file.Name }
		sameText := func(f txtar.File) bool { return bytes.Equal(f.Data, file.Data) }
		if i := slices.IndexFunc(after, sameName); i >= 0 {
			known[file.Name] = true
			if !sameText(after[i]) {
				d.problem("%s was applied and has changed since. Restore it, and write the change as a new migration. %s", file.Name, restore(file.Name))
			}
			continue
		}
		if i := slices.IndexFunc(after, sameText); i >= 0 {
			known[after[i].Name] = true
			d.problem("%s was applied and is named %s now. Give it its name back, and give a new migration the next free number.", file.Name, after[i].Name)
			continue
		}
		d.problem("%s was applied and is no longer there. Restore it. %s "+
			"A git revert removes the file too: what it did is undone by a new migration only.", file.Name, restore(file.Name))
	}
	for _, file := range after {
		if known[file.Name] {
			continue
		}
		if number(file.Name) <= number(last) {
			d.problem("%s is new, and %s was applied. Give it the next free number.", file.Name, last)
		}
		d.added = append(d.added, file)
	}
	return d
}

func number(name string) string {
	number, _, _ := strings.Cut(name, "_")
	return number
}

// AddedUse says whether a migration that was not applied before holds a
// placeholder: it recreates what holds the placeholder's earlier value.
func (d Difference) AddedUse(placeholder string) bool {
	for _, file := range d.added {
		var m Migration
		_ = m.parse(string(file.Data)) // Pack took it
		if slices.ContainsFunc(m.Placeholders, func(p Placeholder) bool { return p.Name == placeholder }) {
			return true
		}
	}
	return false
}

func (d *Difference) problem(format string, args ...any) {
	d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
}

// restore says how a file gets back what it was.
func restore(name string) string {
	file := "sql/migrations/" + name
	return fmt.Sprintf("If that is not committed: git restore %[1]s. If it is: git restore --source=COMMIT^ %[1]s, with the commit that did it, the first one of git log --all -- %[1]s.", file)
}

func migrationsIn(archive string) []txtar.File {
	var files []txtar.File
	for _, file := range txtar.Parse([]byte(archive)).Files {
		if !strings.HasPrefix(file.Name, settingsDir) {
			files = append(files, file)
		}
	}
	return files
}
