package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"example.com/evstream/internal/dataapi"
	evsql "example.com/evstream/sql"
)

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
	view := r.SQL.Repeatable.Refresh.On
	var auto, owner, user string
	err := r.db.QueryRowContext(ctx, `SELECT autorefresh, TRIM(user_name) AS owner
FROM svv_mv_info
WHERE TRIM(database_name) = $1 AND TRIM(schema_name) = 'public' AND TRIM(name) = $2`, r.Warehouse.Database, view).Scan(&auto, &owner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = r.db.QueryRowContext(ctx, `SELECT CURRENT_USER AS me`).Scan(&user)
	}
	if err != nil {
		return nil, fmt.Errorf("reading how %s is refreshed: %w", view, err)
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
func (r *runner) applyRefresh(ctx context.Context, done *outcome) error {
	s := r.SQL.Repeatable.Refresh
	mode, err := r.refreshMode(ctx)
	switch {
	case err != nil:
		return err
	case mode == nil:
		return fmt.Errorf("%s:%d: the database %s has no materialized view public.%s; if a migration gave it another name, change the file",
			s.File, s.Line, r.Warehouse.Database, s.On)
	case r.AutoRefresh == "NO" && !mode.owned:
		return fmt.Errorf("%s:%d: %s belongs to another database user than the deployment's, and only its owner may refresh it, by hand or on a schedule; "+
			"use the owner's secret, which SVV_MV_INFO names, or set refresh: auto", s.File, s.Line, s.On)
	case mode.auto == r.AutoRefresh:
		return nil
	}
	if _, err := r.db.ExecContext(ctx, s.SQL(r.AutoRefresh)); err != nil {
		return explainRepeated(s, err, fmt.Sprintf("%s stays at AUTO REFRESH %s. Once the cause is removed, run again.", s.On, mode.auto))
	}
	fmt.Fprintf(r.progress, "%s: AUTO REFRESH %s now\n", s.File, r.AutoRefresh)
	done.refresh = r.AutoRefresh
	return nil
}

// remedy says what to do about an error: known, unless it is not known whether the
// statements took effect.
func remedy(err error, known string) string {
	var unknown *dataapi.UnknownError
	if errors.As(err, &unknown) || errors.Is(err, dataapi.ErrFinished) {
		return "It may have taken effect. Run again: that looks first, and goes on from there."
	}
	return known
}

// explainRepeated says which statement failed, why, and what to do.
func explainRepeated(s evsql.Repeated, err error, known string) error {
	var refused *dataapi.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s:%d: %w\n%s", s.File, s.Line, err, remedy(err, known))
	}
	return fmt.Errorf("%s:%d: %s\n  statement %s ended as %s: %s\n%s",
		s.File, s.Line, refused.Message, refused.StatementID, refused.Status, refused.SQL, known)
}
