package migrate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/naming"
	evsql "example.com/evstream/sql"
)

// readersTable has a row for each privilege that this program gave a reader.
const readersTable = "ev_schema_readers"

// A reader is a naming.Reader, as SQL names it.
type reader string

// split returns what a reader is, as SVV_RELATION_PRIVILEGES has it, and its name.
func (r reader) split() (kind, name string) { return naming.Reader(r).Split() }

// grantee is the reader in a GRANT or REVOKE. In double quotes every character
// but a double quote stands for itself, and the case of a user's name is kept:
// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html
func (r reader) grantee() string {
	kind, name := r.split()
	quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	if kind == "user" {
		return quoted
	}
	return strings.ToUpper(kind) + " " + quoted
}

// create is the statement that makes a reader.
func (r reader) create() string {
	kind, name := r.split()
	switch {
	case kind != "user":
		return "CREATE " + r.grantee() + ";"
	case strings.HasPrefix(name, "IAM:"), strings.HasPrefix(name, "IAMR:"):
		return "CREATE USER " + r.grantee() + " PASSWORD DISABLE; -- or let that identity log in once"
	}
	return "CREATE USER " + r.grantee() + " PASSWORD DISABLE;"
}

// privileges are what readers may do, such as SELECT ON ev_station_data.
type privileges map[reader][]string

// has says whether a reader has a privilege. The database keeps the case of a
// user's name in double quotes, and that of a group's or a role's only if its
// identifiers are case-sensitive.
func (p privileges) has(r reader, privilege string) bool {
	if kind, _ := r.split(); kind != "user" && slices.Contains(p[reader(strings.ToLower(string(r)))], privilege) {
		return true
	}
	return slices.Contains(p[r], privilege)
}

// given returns what this program gave readers, by its table.
func (r *runner) given(ctx context.Context) (privileges, error) {
	exists, err := r.hasTable(ctx, readersTable)
	if err != nil || !exists {
		return nil, err
	}
	return r.privileges(ctx, `SELECT DISTINCT reader, privilege FROM public.`+readersTable+` ORDER BY reader, privilege`)
}

// held returns the privileges that users, groups and roles were given by anybody.
func (r *runner) held(ctx context.Context) (privileges, error) {
	return r.privileges(ctx, `SELECT CASE identity_type WHEN 'user' THEN '' ELSE identity_type || ':' END || identity_name AS reader,
    privilege_type || ' ON ' || relation_name AS privilege
FROM svv_relation_privileges
WHERE namespace_name = 'public' AND identity_type <> 'public'
UNION ALL
SELECT CASE identity_type WHEN 'user' THEN '' ELSE identity_type || ':' END || identity_name AS reader,
    privilege_type || ' ON SCHEMA ' || namespace_name AS privilege
FROM svv_schema_privileges
WHERE identity_type <> 'public'`)
}

func (r *runner) privileges(ctx context.Context, query string) (privileges, error) {
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("reading who may read what: %w", err)
	}
	defer rows.Close()
	all := make(privileges)
	for rows.Next() {
		var who, privilege string
		if err := rows.Scan(&who, &privilege); err != nil {
			return nil, err
		}
		all[reader(who)] = append(all[reader(who)], privilege)
	}
	return all, rows.Err()
}

// grantsOf returns the grants that a migration needs so that recreating a view
// takes it from no reader, not even for a moment: those of repeatable/grant.sql on
// the views that the migration makes, for the readers that have them now.
func (r *runner) grantsOf(ctx context.Context, m evsql.Migration) ([]string, error) {
	views := m.Views()
	if len(views) == 0 || len(r.Readers) == 0 {
		return nil, nil
	}
	held, err := r.held(ctx)
	if err != nil {
		return nil, err
	}
	var statements []string
	for _, s := range r.SQL.Repeatable.Grants {
		view, ok := strings.CutPrefix(s.On, "SELECT ON ")
		if !ok || !slices.Contains(views, view) {
			continue
		}
		var grantees []string
		for _, reader := range r.readers() {
			if held.has(reader, s.On) {
				grantees = append(grantees, reader.grantee())
			}
		}
		if len(grantees) > 0 {
			statements = append(statements, s.SQL(strings.Join(grantees, ", ")))
		}
	}
	return statements, nil
}

// applyReaders takes from readers what they should not have any more, and gives
// them what they lack, each reader in one transaction with its rows in the table.
// What a reader has from somebody else is left alone. One that fails keeps no other
// from its privileges.
func (r *runner) applyReaders(ctx context.Context, done *outcome) error {
	given, err := r.given(ctx)
	if err != nil || len(given) == 0 && len(r.Readers) == 0 {
		return err
	}
	held, err := r.held(ctx)
	if err != nil {
		return err
	}
	if _, err := r.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS public.`+readersTable+` (
    reader VARCHAR(255) NOT NULL,
    privilege VARCHAR(255) NOT NULL,
    granted_at TIMESTAMP NOT NULL
)`); err != nil {
		return fmt.Errorf("creating the table %s: %w", readersTable, err)
	}
	var failed []error
	for _, who := range sortedReaders(given) {
		switch changed, err := r.revoke(ctx, who, given[who], held); {
		case err != nil:
			failed = append(failed, err)
		case changed:
			done.revoked = append(done.revoked, string(who))
		}
	}
	for _, who := range r.readers() {
		switch changed, err := r.grant(ctx, who, given, held); {
		case errors.Is(err, errNoReader):
			done.missing = append(done.missing, who)
		case err != nil:
			failed = append(failed, err)
		case changed:
			fmt.Fprintf(r.progress, "%s: %s may read now\n", r.SQL.Repeatable.Grants[0].File, who)
			done.granted = append(done.granted, string(who))
		}
	}
	return errors.Join(failed...)
}

// isGranted says whether the setting readers and grant.sql grant a reader a privilege.
func (r *runner) isGranted(who reader, privilege string) bool {
	return slices.Contains(r.Readers, string(who)) &&
		slices.ContainsFunc(r.SQL.Repeatable.Grants, func(s evsql.Repeated) bool { return s.On == privilege })
}

// revoke takes from a reader what it was given and is not to have any more, as many
// privileges in one transaction as a batch has room for, and says whether there were any.
func (r *runner) revoke(ctx context.Context, who reader, given []string, held privileges) (bool, error) {
	lost := slices.DeleteFunc(slices.Clone(given), func(privilege string) bool { return r.isGranted(who, privilege) })
	for part := range slices.Chunk(lost, dataapi.MaxBatch-1) {
		if err := r.take(ctx, who, part, held); err != nil {
			return false, err
		}
	}
	return len(lost) > 0, nil
}

// take takes privileges from a reader, with its rows in the table. A reader or a view
// that is gone has taken the privilege with it.
func (r *runner) take(ctx context.Context, who reader, lost []string, held privileges) error {
	var statements []string
	for _, privilege := range lost {
		if held.has(who, privilege) {
			statement, err := evsql.Revoke(privilege, who.grantee())
			if err != nil {
				return fmt.Errorf("the table %s: %s: %w", readersTable, who, err)
			}
			statements = append(statements, statement)
		}
	}
	statements = append(statements, fmt.Sprintf("DELETE FROM public.%s WHERE reader = %s AND privilege IN (%s)",
		readersTable, literal(string(who)), literals(lost)))
	if _, err := dataapi.Batch(ctx, r.db, statements); err != nil {
		return fmt.Errorf("revoking privileges of %s, %s: %w\n%s", who, strings.Join(lost, ", "), err,
			remedy(err, "It still has all of them. Once the cause is removed, run again."))
	}
	for _, privilege := range lost {
		fmt.Fprintf(r.progress, "%s has no %s any more\n", who, privilege)
	}
	return nil
}

// errNoReader is about a reader that the database does not have.
var errNoReader = errors.New("there is no such reader")

// grant gives a reader what it lacks, and says whether that was anything.
func (r *runner) grant(ctx context.Context, who reader, given, held privileges) (bool, error) {
	var lacking []evsql.Repeated
	var rows, statements []string
	for _, s := range r.SQL.Repeatable.Grants {
		if held.has(who, s.On) {
			continue
		}
		lacking = append(lacking, s)
		statements = append(statements, s.SQL(who.grantee()))
		if !slices.Contains(given[who], s.On) {
			rows = append(rows, fmt.Sprintf("(%s, %s, GETDATE())", literal(string(who)), literal(s.On)))
		}
	}
	if len(lacking) == 0 {
		return false, nil
	}
	if len(rows) > 0 {
		statements = append(statements, fmt.Sprintf("INSERT INTO public.%s (reader, privilege, granted_at) VALUES %s", readersTable, strings.Join(rows, ", ")))
	}
	_, err := dataapi.Batch(ctx, r.db, statements)
	var refused *dataapi.Error
	if errors.As(err, &refused) {
		if !notAllowed.MatchString(refused.Message) {
			if exists, lookErr := r.exists(ctx, who); lookErr == nil && !exists {
				return false, errNoReader
			}
		}
		failed := lacking[min(max(refused.Number, 1), len(lacking))-1]
		return false, explainRepeated(failed, err, fmt.Sprintf("%s got no privileges. Once the cause is removed, run again. The other readers are not affected.", who))
	}
	if err != nil {
		return false, fmt.Errorf("granting privileges to %s: %w", who, err)
	}
	return true, nil
}

// notAllowed matches what Redshift says when it refuses a GRANT for another reason
// than a missing reader.
var notAllowed = regexp.MustCompile(`(?i)permission denied|must be (the )?owner`)

// exists says whether the database has a reader. What Redshift says in a GRANT to
// one that is not there is known for users only.
func (r *runner) exists(ctx context.Context, who reader) (bool, error) {
	kind, name := who.split()
	query := map[string]string{
		"user":  `SELECT COUNT(*) FROM pg_user WHERE usename = $1`,
		"group": `SELECT COUNT(*) FROM pg_group WHERE LOWER(groname) = LOWER($1)`,
		"role":  `SELECT COUNT(*) FROM svv_roles WHERE LOWER(role_name) = LOWER($1)`,
	}[kind]
	var n int
	err := r.db.QueryRowContext(ctx, query, name).Scan(&n)
	return n > 0, err
}

func sortedReaders(p privileges) []reader {
	var list []reader
	for who := range p {
		list = append(list, who)
	}
	slices.Sort(list)
	return list
}

func literals(list []string) string {
	var quoted []string
	for _, s := range list {
		quoted = append(quoted, literal(s))
	}
	return strings.Join(quoted, ", ")
}
