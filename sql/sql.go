// Package sql holds all SQL that runs in the warehouse: the migrations that make
// its objects, the statements that make settings take effect on them, and the
// saved queries that read them.
//
// Migrations and settings travel from the Pulumi program to cmd/migrate as one
// readable text archive, so that what a preview shows is what runs.
package sql

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed settings/*.sql
var settings embed.FS

//go:embed queries/*.sql
var queries embed.FS

// Migrations returns the migrations, files named NNNNN_name.sql at its root.
func Migrations() fs.FS { return sub(migrations, "migrations") }

// SettingsFiles returns the files that ListSettings reads.
func SettingsFiles() fs.FS { return sub(settings, "settings") }

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

// settingsDir is the folder of the settings' files in an archive.
const settingsDir = "settings/"

// Pack returns the migrations and the settings' files as one txtar archive, the
// migrations first and in order of version. Equal files give an equal archive. It
// refuses what List and ListSettings refuse.
func Pack(migrations, settings fs.FS) (string, error) {
	list, err := List(migrations)
	if err != nil {
		return "", err
	}
	if _, err := ListSettings(settings); err != nil {
		return "", err
	}
	var archive txtar.Archive
	add := func(fsys fs.FS, dir, name string) error {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("packing the SQL: %w", err)
		}
		archive.Files = append(archive.Files, txtar.File{Name: dir + name, Data: data})
		return nil
	}
	for _, m := range list {
		if err := add(migrations, "", m.File); err != nil {
			return "", err
		}
	}
	names, err := fs.Glob(settings, "*")
	if err != nil {
		return "", fmt.Errorf("packing the SQL: %w", err)
	}
	for _, name := range names { // sorted
		if err := add(settings, settingsDir, name); err != nil {
			return "", err
		}
	}
	text := string(txtar.Format(&archive))
	// Every file that does not survive the format was refused; this makes sure.
	back := txtar.Parse([]byte(text))
	if _, _, err := Unpack(text); err != nil || !slices.EqualFunc(back.Files, archive.Files, func(a, b txtar.File) bool {
		return a.Name == b.Name && bytes.Equal(a.Data, b.Data)
	}) {
		return "", fmt.Errorf("packing the SQL: the archive does not read back (error %v)", err)
	}
	return text, nil
}

// Unpack returns the migrations and the settings' files of an archive that Pack
// made. It refuses anything else: text before the first file, and what List and
// ListSettings refuse.
func Unpack(archive string) (migrations, settings fs.FS, err error) {
	a := txtar.Parse([]byte(archive))
	if len(a.Comment) > 0 {
		return nil, nil, fmt.Errorf("archive of migrations starts with %q, not with a line \"-- NNNNN_name.sql --\"",
			firstLine(string(a.Comment)))
	}
	if string(txtar.Format(a)) != archive {
		return nil, nil, errors.New("archive of migrations is not as Pack writes it: it has other line ends, " +
			"spaces in a file's marker line, or no newline at its end")
	}
	var first, last txtar.Archive
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, settingsDir); ok {
			last.Files = append(last.Files, txtar.File{Name: name, Data: f.Data})
			continue
		}
		if len(last.Files) > 0 {
			return nil, nil, fmt.Errorf("archive of migrations has %s after the settings", f.Name)
		}
		first.Files = append(first.Files, f)
	}
	for _, files := range [][]txtar.File{first.Files, last.Files} {
		if !slices.IsSortedFunc(files, func(a, b txtar.File) int { return strings.Compare(a.Name, b.Name) }) {
			return nil, nil, errors.New("archive of migrations is not as Pack writes it: its files are not in order")
		}
	}
	if migrations, err = txtar.FS(&first); err != nil {
		return nil, nil, fmt.Errorf("archive of migrations: %w", err)
	}
	if settings, err = txtar.FS(&last); err != nil {
		return nil, nil, fmt.Errorf("archive of migrations: settings: %w", err)
	}
	if _, err := List(migrations); err != nil {
		return nil, nil, err
	}
	if _, err := ListSettings(settings); err != nil {
		return nil, nil, err
	}
	return migrations, settings, nil
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
