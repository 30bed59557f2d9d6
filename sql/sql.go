// Package sql holds all SQL that runs in the warehouse: the migrations that make
// its objects and the saved queries that read them.
//
// Migrations travel from the Pulumi program to cmd/migrate as one readable text
// archive, so that what a preview shows is what runs.
package sql

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed queries/*.sql
var queries embed.FS

// Migrations returns the migrations, files named NNNNN_name.sql at its root.
func Migrations() fs.FS { return sub(migrations, "migrations") }

// Queries returns the saved queries, files named name.sql at its root. The
// comment lines a query starts with describe it.
func Queries() fs.FS { return sub(queries, "queries") }

func sub(fsys embed.FS, dir string) fs.FS {
	s, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err) // only an invalid name makes it fail, and the names are above
	}
	return s
}

// Pack returns the migrations in fsys as one txtar archive, in order of version.
// Equal files give an equal archive. It refuses what List refuses.
func Pack(fsys fs.FS) (string, error) {
	list, err := List(fsys)
	if err != nil {
		return "", err
	}
	var archive txtar.Archive
	for _, m := range list {
		data, err := fs.ReadFile(fsys, m.File)
		if err != nil {
			return "", fmt.Errorf("packing the migrations: %w", err)
		}
		archive.Files = append(archive.Files, txtar.File{Name: m.File, Data: data})
	}
	text := string(txtar.Format(&archive))
	// List has refused every file that does not survive the format; this makes sure.
	back, err := Unpack(text)
	if err != nil {
		return "", fmt.Errorf("packing the migrations: the archive does not read back: %w", err)
	}
	for _, f := range archive.Files {
		data, err := fs.ReadFile(back, f.Name)
		if err != nil || !bytes.Equal(data, f.Data) {
			return "", fmt.Errorf("packing the migrations: %s does not read back byte for byte", f.Name)
		}
	}
	return text, nil
}

// Unpack returns the files of an archive that Pack made. It refuses anything
// else: text before the first file, and what List refuses.
func Unpack(archive string) (fs.FS, error) {
	a := txtar.Parse([]byte(archive))
	if len(a.Comment) > 0 {
		return nil, fmt.Errorf("archive of migrations starts with %q, not with a line \"-- NNNNN_name.sql --\"",
			firstLine(string(a.Comment)))
	}
	if string(txtar.Format(a)) != archive {
		return nil, errors.New("archive of migrations is not as Pack writes it: it has other line ends, " +
			"spaces in a file's marker line, or no newline at its end")
	}
	fsys, err := txtar.FS(a)
	if err != nil {
		return nil, fmt.Errorf("archive of migrations: %w", err)
	}
	if _, err := List(fsys); err != nil {
		return nil, err
	}
	return fsys, nil
}

// The rule for the name of a migration's file.
var fileName = regexp.MustCompile(`^([0-9]{5})_[a-z0-9_]+\.sql$`)

// checkName returns the version in a migration's file name.
func checkName(name string) (int64, error) {
	match := fileName.FindStringSubmatch(name)
	if match == nil {
		return 0, fmt.Errorf("%s: a migration's file is named NNNNN_name.sql, five digits and then a-z, 0-9 and _", name)
	}
	return strconv.ParseInt(match[1], 10, 64)
}

// checkText refuses text that an archive would not give back byte for byte.
func checkText(file string, data []byte) error {
	switch {
	case len(data) == 0:
		return fmt.Errorf("%s: is empty", file)
	case !utf8.Valid(data):
		return fmt.Errorf("%s: is not UTF-8 text", file)
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

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if len(line) > 60 {
		line = strings.ToValidUTF8(line[:60], "") + "…"
	}
	return line
}
