package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"example.com/evstream/internal/dataapi"
	"example.com/evstream/internal/naming"
	evsql "example.com/evstream/sql"
)

// readersTable has a row for each privilege that this program gave a reader.
const readersTable = "ev_schema_readers"

// wanted are the values of the settings that take effect in the warehouse.
type wanted struct {
	autoRefresh string // YES or NO, or empty when it is not known
	readers     []reader
}

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

// readWanted returns the settings' values from the environment, or everything
// that is wrong with them. What is unset is an error only where all are needed.
func readWanted(needed bool) (wanted, error) {
	w := wanted{autoRefresh: os.Getenv(evsql.AutoRefresh)}
	list := os.Getenv(evsql.Readers)
	var problems []error
	switch {
	case w.autoRefresh == "" && !needed, w.autoRefresh == "YES", w.autoRefresh == "NO":
	default:
		problems = append(problems, fmt.Errorf("the environment variable %s is %q: it must be YES or NO", evsql.AutoRefresh, w.autoRefresh))
	}
	if list == "" && !needed {
		return w, errors.Join(problems...)
	}
	if err := json.Unmarshal([]byte(list), &w.readers); err != nil {
		problems = append(problems, fmt.Errorf(`the environment variable %s is %q: it must be a JSON list such as ["ana","group:analysts"]: %w`, evsql.Readers, list, err))
	}
	for _, r := range w.readers {
		if err := naming.Reader(r).Check(); err != nil {
			problems = append(problems, fmt.Errorf("the environment variable %s holds %q: %w", evsql.Readers, r, err))
		}
	}
	slices.Sort(w.readers)
	w.readers = slices.Compact(w.readers)
	return w, errors.Join(problems...)
}

// applySettings makes the settings take effect: each of them, even if another one
// could not.
func (r *runner) applySettings(ctx context.Context) error {
	if r.settings.Empty() {
		return nil
	}
	return errors.Join(r.applyRefresh(ctx), r.applyReaders(ctx))
}

// A refreshMode is how the warehouse refreshes the streaming view.
type refreshMode struct {
	auto  string // YES, NO, or what the catalog says instead
	owned bool   // by the user that this program is: only the owner may refresh the view
}

// refreshMode returns nil when there is no such view. The names of SVV_MV_INFO
// are padded. Its autorefresh is t or f by the table of its page, 1 or 0 by the
// example there, and false in reports; an unknown one is no mode, and is altered.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_MV_INFO.html
//
// CURRENT_USER is asked for by itself: its type, name, is one that compute nodes
// do not support, and they may answer a query over a system view.
// https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-datatypes.html
func (r *runner) refreshMode(ctx context.Context) (*refreshMode, error) {
	var auto, owner, user string
	err := r.db.QueryRowContext(ctx, `SELECT autorefresh, TRIM(user_name) AS owner
FROM svv_mv_info
WHERE TRIM(database_name) = $1 AND TRIM(schema_name) = 'public' AND TRIM(name) = $2`, r.target.Database, r.settings.Refresh.On).Scan(&auto, &owner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = r.db.QueryRowContext(ctx, `SELECT CURRENT_USER AS me`).Scan(&user)
	}
	if err != nil {
		return nil, fmt.Errorf("reading how %s is refreshed: %w", r.settings.Refresh.On, err)
	}
	return &refreshMode{auto: autoRefreshMode(auto), owned: owner == user}, nil
}

func autoRefreshMode(autorefresh string) string {
	switch strings.ToLower(strings.TrimSpace(autorefresh)) {
	case "t", "true", "1":
		return "YES"
	case "f", "false", "0":
		return "NO"
	}
	return autorefresh
}

// applyRefresh switches the view to the wanted mode unless it has it.
func (r *runner) applyRefresh(ctx context.Context) error {
	s := r.settings.Refresh
	mode, err := r.refreshMode(ctx)
	switch {
	case err != nil:
		return err
	case mode == nil:
		return fmt.Errorf("%s:%d: the database %s has no materialized view public.%s; if a migration gave it another name, change the file",
			s.File, s.Line, r.target.Database, s.On)
	case r.wanted.autoRefresh == "NO" && !mode.owned:
		return fmt.Errorf("%s:%d: %s belongs to another database user than the deployment's, and only its owner may refresh it, by hand or on a schedule; "+
			"use the owner's secret, which SVV_MV_INFO names, or set refresh: auto", s.File, s.Line, s.On)
	case mode.auto == r.wanted.autoRefresh:
		return nil
	}
	if _, err := r.db.ExecContext(ctx, s.SQL(r.wanted.autoRefresh)); err != nil {
		return explainSetting(s, err, fmt.Sprintf("%s stays at AUTO REFRESH %s. Once the cause is removed, run again.", s.On, mode.auto))
	}
	fmt.Fprintf(r.stderr, "%s: AUTO REFRESH %s now\n", s.File, r.wanted.autoRefresh)
	r.outcome.refresh = r.wanted.autoRefresh
	return nil
}

// A grant is a privilege of a reader, such as SELECT ON ev_station_data.
type grant struct {
	reader    reader
	privilege string
}

// given returns what this program gave readers, by its ledger.
func (r *runner) given(ctx context.Context) (map[grant]bool, error) {
	var n int
	err := r.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name = '`+readersTable+`'`).Scan(&n)
	if err != nil || n == 0 {
		return nil, err
	}
	return r.grants(ctx, `SELECT DISTINCT reader, privilege FROM `+readersTable)
}

// held returns the privileges that users, groups and roles were given by anybody.
func (r *runner) held(ctx context.Context) (map[grant]bool, error) {
	return r.grants(ctx, `SELECT CASE identity_type WHEN 'user' THEN '' ELSE identity_type || ':' END || identity_name AS reader,
    privilege_type || ' ON ' || relation_name AS privilege
FROM svv_relation_privileges
WHERE namespace_name = 'public' AND identity_type <> 'public'
UNION ALL
SELECT CASE identity_type WHEN 'user' THEN '' ELSE identity_type || ':' END || identity_name AS reader,
    privilege_type || ' ON SCHEMA ' || namespace_name AS privilege
FROM svv_schema_privileges
WHERE identity_type <> 'public'`)
}

// isHeld says whether a reader has a privilege. The database keeps the case of a
// user's name in double quotes, and that of a group's or a role's only if its
// identifiers are case-sensitive.
func isHeld(g grant, held map[grant]bool) bool {
	if kind, _ := g.reader.split(); kind != "user" && held[grant{reader(strings.ToLower(string(g.reader))), g.privilege}] {
		return true
	}
	return held[g]
}

func (r *runner) grants(ctx context.Context, query string) (map[grant]bool, error) {
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[grant]bool)
	for rows.Next() {
		var g grant
		if err := rows.Scan(&g.reader, &g.privilege); err != nil {
			return nil, err
		}
		all[g] = true
	}
	return all, rows.Err()
}

// applyReaders takes from readers what they should not have any more, and gives
// them what they lack. What a reader has from somebody else is left alone.
func (r *runner) applyReaders(ctx context.Context) error {
	given, err := r.given(ctx)
	if err != nil {
		return fmt.Errorf("reading the table %s: %w", readersTable, err)
	}
	if len(given) == 0 && len(r.wanted.readers) == 0 {
		return nil
	}
	return errors.Join(r.revoke(ctx, given), r.give(ctx, given))
}

// gone matches what Redshift says of a reader or a view that is not there any
// more, and with it the privilege.
var gone = regexp.MustCompile(`(?i)does not exist`)

func (r *runner) revoke(ctx context.Context, given map[grant]bool) error {
	left := make(map[grant]bool)
	for _, reader := range r.wanted.readers {
		for _, s := range r.settings.Grants {
			left[grant{reader, s.On}] = true
		}
	}
	var failed []error
	for _, g := range sorted(given) {
		if left[g] {
			continue
		}
		if err := r.revokeOne(ctx, g); err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Fprintf(r.stderr, "settings/revoke.sql: %s has no %s any more\n", g.reader, g.privilege)
		if !slices.Contains(r.outcome.revoked, string(g.reader)) {
			r.outcome.revoked = append(r.outcome.revoked, string(g.reader))
		}
	}
	return errors.Join(failed...)
}

func (r *runner) revokeOne(ctx context.Context, g grant) error {
	s, ok := r.settings.Revoke(g.privilege)
	if !ok {
		return fmt.Errorf("settings/revoke.sql: %s was given %s, and there is no REVOKE %s FROM ${READER}; any more: put it back and run again",
			g.reader, g.privilege, g.privilege)
	}
	_, err := r.db.ExecContext(ctx, s.SQL(g.reader.grantee()))
	var refused *dataapi.Error
	if err != nil && !(errors.As(err, &refused) && gone.MatchString(refused.Message)) {
		return explainSetting(s, err, fmt.Sprintf("%s may still have %s. Once the cause is removed, run again: it goes on here.", g.reader, g.privilege))
	}
	// Only now: a run that is killed before this takes the privilege again.
	return r.forget(ctx, g)
}

// forget records that a reader has nothing of this program's any more.
func (r *runner) forget(ctx context.Context, g grant) error {
	if _, err := r.db.ExecContext(ctx, `DELETE FROM `+readersTable+` WHERE reader = $1 AND privilege = $2`, string(g.reader), g.privilege); err != nil {
		return fmt.Errorf("recording that %s has no %s any more: %w", g.reader, g.privilege, err)
	}
	return nil
}

func (r *runner) give(ctx context.Context, given map[grant]bool) error {
	if len(r.wanted.readers) == 0 {
		return nil
	}
	held, err := r.held(ctx)
	if err != nil {
		return fmt.Errorf("reading who may read what: %w", err)
	}
	if _, err := r.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+readersTable+` (
    reader VARCHAR(255) NOT NULL,
    privilege VARCHAR(255) NOT NULL,
    granted_at TIMESTAMP NOT NULL
)`); err != nil {
		return fmt.Errorf("making the table %s: %w", readersTable, err)
	}
	var failed []error
	for _, reader := range r.wanted.readers {
		n, err := r.giveOne(ctx, reader, given, held)
		switch {
		case errors.Is(err, errNoReader):
			r.outcome.missing = append(r.outcome.missing, reader)
		case err != nil:
			failed = append(failed, err)
		case n > 0:
			fmt.Fprintf(r.stderr, "settings/grant.sql: %s may read now\n", reader)
			r.outcome.granted = append(r.outcome.granted, string(reader))
		}
	}
	return errors.Join(failed...)
}

// errNoReader is about a reader that the database does not have.
var errNoReader = errors.New("there is no such reader")

// giveOne gives a reader what it lacks and returns how many privileges that were.
func (r *runner) giveOne(ctx context.Context, to reader, given, held map[grant]bool) (int, error) {
	n := 0
	for _, s := range r.settings.Grants {
		g := grant{to, s.On}
		if isHeld(g, held) {
			continue
		}
		// First, so that a run that is killed after this leaves no privilege that
		// nobody knows of.
		if !given[g] {
			if _, err := r.db.ExecContext(ctx, `INSERT INTO `+readersTable+` (reader, privilege, granted_at) VALUES ($1, $2, GETDATE())`, string(to), s.On); err != nil {
				return n, fmt.Errorf("recording that %s is given %s: %w", to, s.On, err)
			}
		}
		_, err := r.db.ExecContext(ctx, s.SQL(to.grantee()))
		var refused *dataapi.Error
		if errors.As(err, &refused) && !notAllowed.MatchString(refused.Error()) {
			there, lookErr := r.exists(ctx, to)
			if lookErr == nil && !there {
				return n, cmp.Or(r.forget(ctx, g), errNoReader)
			}
		}
		if err != nil {
			return n, explainSetting(s, err, "Once the cause is removed, run again: it goes on here. The other readers are not affected.")
		}
		n++
	}
	return n, nil
}

// notAllowed matches what Redshift says when it refuses a GRANT for another reason
// than a missing reader.
var notAllowed = regexp.MustCompile(`(?i)permission denied|must be (the )?owner`)

// exists says whether the database has a reader. What Redshift says in a GRANT to
// one that is not there is known for users only.
func (r *runner) exists(ctx context.Context, to reader) (bool, error) {
	kind, name := to.split()
	query := map[string]string{
		"user":  `SELECT COUNT(*) FROM pg_user WHERE usename = $1`,
		"group": `SELECT COUNT(*) FROM pg_group WHERE LOWER(groname) = LOWER($1)`,
		"role":  `SELECT COUNT(*) FROM svv_roles WHERE LOWER(role_name) = LOWER($1)`,
	}[kind]
	var n int
	err := r.db.QueryRowContext(ctx, query, name).Scan(&n)
	return n > 0, err
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

// explainSetting says which statement failed, why, and what to do.
func explainSetting(s evsql.Setting, err error, remedy string) error {
	var refused *dataapi.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s:%d: %w\n%s", s.File, s.Line, err, remedy)
	}
	return fmt.Errorf("%s:%d: %s\n  statement %s ended as %s: %s\n%s",
		s.File, s.Line, refused.Message, refused.StatementID, refused.Status, refused.SQL, remedy)
}

// sorted returns grants by reader and privilege.
func sorted(grants map[grant]bool) []grant {
	list := make([]grant, 0, len(grants))
	for g := range grants {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b grant) int {
		return cmp.Or(cmp.Compare(a.reader, b.reader), cmp.Compare(a.privilege, b.privilege))
	})
	return list
}
