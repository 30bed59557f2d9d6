// Package sql holds all SQL that runs in the warehouse: the migrations that make
// its objects, what is repeated after them, and the saved queries that read them.
//
// Migrations and what is repeated travel from the Pulumi program to cmd/migrate as
// one readable text archive, so that what a preview shows is what runs.
package sql

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

//go:embed migrations/*.sql repeatable/*.sql queries/*.sql
var files embed.FS

// Migrations returns the migrations, files named NNNNN_name.sql at its root.
func Migrations() fs.FS { return sub("migrations") }

// RepeatableFiles returns refresh.sql and grant.sql.
func RepeatableFiles() fs.FS { return sub("repeatable") }

// Queries returns the saved queries, files named name.sql at its root. The
// comment lines a query starts with describe it.
func Queries() fs.FS { return sub("queries") }

func sub(dir string) fs.FS {
	s, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only an invalid name makes it fail, and the names are above
	}
	return s
}

// repeatableDir is the folder of what is repeated, in an archive too.
const repeatableDir = "repeatable/"

// A Set is the SQL that makes a warehouse.
type Set struct {
	Migrations []Migration
	Repeatable Repeatable // zero in an archive of nothing but migrations
}

// Shipped returns the Set that the program was built with.
func Shipped() (Set, error) { return newSet(Migrations(), RepeatableFiles()) }

func newSet(migrations, repeatable fs.FS) (Set, error) {
	var s Set
	var err error
	if s.Migrations, err = List(migrations); err != nil {
		return Set{}, err
	}
	if s.Repeatable, err = listRepeatable(repeatable); err != nil {
		return Set{}, err
	}
	return s, nil
}

// Pack returns the migrations and the repeatable files as one txtar archive, the
// migrations first and in order of version. Equal files give an equal archive. It
// refuses migrations that List refuses, and the like of the other files.
func Pack(migrations, repeatable fs.FS) (string, error) {
	if _, err := newSet(migrations, repeatable); err != nil {
		return "", err
	}
	return format(migrations, repeatable)
}

func format(migrations, repeatable fs.FS) (string, error) {
	var archive txtar.Archive
	for _, part := range []struct {
		fsys fs.FS
		dir  string
	}{{migrations, ""}, {repeatable, repeatableDir}} {
		names, err := fs.Glob(part.fsys, "*") // sorted
		if err != nil {
			return "", fmt.Errorf("packing the SQL: %w", err)
		}
		for _, name := range names {
			data, err := fs.ReadFile(part.fsys, name)
			if err != nil {
				return "", fmt.Errorf("packing the SQL: %w", err)
			}
			archive.Files = append(archive.Files, txtar.File{Name: part.dir + name, Data: data})
		}
	}
	return string(txtar.Format(&archive)), nil
}

// Unpack returns what an archive holds that Pack made. It refuses anything else.
func Unpack(archive string) (Set, error) {
	var migrations, repeatable txtar.Archive
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if name, ok := strings.CutPrefix(f.Name, repeatableDir); ok {
			repeatable.Files = append(repeatable.Files, txtar.File{Name: name, Data: f.Data})
			continue
		}
		migrations.Files = append(migrations.Files, f)
	}
	first, err := txtar.FS(&migrations)
	if err != nil {
		return Set{}, fmt.Errorf("archive of migrations: %w", err)
	}
	second, err := txtar.FS(&repeatable)
	if err != nil {
		return Set{}, fmt.Errorf("archive of migrations: %s: %w", repeatableDir, err)
	}
	set, err := newSet(first, second)
	if err != nil {
		return Set{}, err
	}
	if again, err := format(first, second); err != nil || again != archive {
		return Set{}, errors.New("the archive of migrations is not as Pack writes it: it has other text between its files, or another order of them")
	}
	return set, nil
}

// checkText refuses text that an archive would not give back byte for byte.
func checkText(file string, data []byte) error {
	switch {
	case len(data) == 0:
		return fmt.Errorf("%s: is empty", file)
	case !utf8.Valid(data):
		return fmt.Errorf("%s: is not UTF-8 text", file)
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return fmt.Errorf("%s: starts with a byte order mark; save it without", file)
	case bytes.ContainsRune(data, 0):
		return fmt.Errorf("%s: holds a NUL byte", file)
	case bytes.ContainsRune(data, '\r'):
		return fmt.Errorf("%s: has Windows line ends; save it with \\n alone", file)
	case data[len(data)-1] != '\n':
		return fmt.Errorf("%s: its last line does not end in a newline", file)
	}
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(line, "-- ") && strings.HasSuffix(line, " --") {
			return fmt.Errorf("%s:%d: a line \"-- ... --\" separates the files of an archive; write the comment otherwise", file, i+1)
		}
	}
	return nil
}
