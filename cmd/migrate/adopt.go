package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/pressly/goose/v3/database"

	evsql "example.com/evstream/sql"
)

// adopt records the next pending migration without running it.
func (r *runner) adopt(ctx context.Context, version int64) error {
	entries, err := r.entries(ctx)
	if err != nil {
		return err
	}
	if err := problems(entries); err != nil {
		return err
	}
	left := toApply(entries)
	switch {
	case len(left) == 0:
		return fmt.Errorf("version %d cannot be adopted: every migration is recorded already", version)
	case left[0].Version != version:
		return fmt.Errorf("version %d cannot be adopted: the next pending migration is %s, and only that one can be", version, left[0].File)
	}
	for _, p := range left[0].Placeholders {
		if r.values[p.Name] == "" {
			return fmt.Errorf("%s:%d: set the environment variable %s to the value that its object was made with; it is recorded too",
				left[0].File, p.Line, p.Name)
		}
	}
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := r.ledger.CreateVersionTable(ctx, conn); err != nil {
		return fmt.Errorf("making the ledger %s: %w", ledgerTable, err)
	}
	if err := r.ledger.Insert(ctx, conn, database.InsertRequest{Version: version}); err != nil {
		return fmt.Errorf("recording %s: %w", left[0].File, err)
	}
	fmt.Fprintf(r.stderr, "%s: recorded as applied, not run\n", left[0].File)
	return nil
}

// What a statement makes, and its name.
var creates = regexp.MustCompile(`(?i)^CREATE\s+(?:OR\s+REPLACE\s+)?(EXTERNAL\s+SCHEMA|SCHEMA|MATERIALIZED\s+VIEW|VIEW|TABLE)\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-zA-Z0-9_."]+)`)

// adoption says how to find out whether a migration's object is as it should be,
// and how to record the migration then.
func (r *runner) adoption(m evsql.Migration) string {
	var b strings.Builder
	last := m.Statements[len(m.Statements)-1]
	what := fmt.Sprintf("what %s makes", m.File)
	if match := creates.FindStringSubmatch(last.Text); match != nil {
		name := match[2]
		switch kind := strings.ToUpper(strings.Fields(match[1])[0]); kind {
		case "EXTERNAL":
			what = fmt.Sprintf("SELECT schemaname, esoptions FROM svv_external_schemas WHERE schemaname = '%s';", strings.Trim(name, `"`))
		case "SCHEMA":
			what = fmt.Sprintf("SELECT * FROM svv_all_schemas WHERE schema_name = '%s';", strings.Trim(name, `"`))
		case "TABLE":
			what = fmt.Sprintf("SHOW TABLE %s;", name)
		default:
			what = fmt.Sprintf("SHOW VIEW %s;", name)
		}
	}
	fmt.Fprintf(&b, "Check, in the query editor, that it is as sql/migrations/%s has it from line %d:\n  %s\n", m.File, last.Line, what)
	fmt.Fprintf(&b, "If it is, record the migration and run again:\n  %s go run ./cmd/migrate adopt %d\n", r.environment(m), m.Version)
	b.WriteString("If it is not, drop it and run again; dropping a streaming view loses what its stream no longer has.\n")
	return b.String()
}

// environment returns the assignments with which a person's shell reaches the
// same warehouse. None of them is a secret.
func (r *runner) environment(m evsql.Migration) string {
	assignments := []string{
		"REDSHIFT_WORKGROUP=" + r.target.Workgroup,
		"REDSHIFT_DATABASE=" + r.target.Database,
	}
	if r.target.SecretARN != "" {
		assignments = append(assignments, "REDSHIFT_SECRET_ARN="+r.target.SecretARN)
	}
	for _, name := range []string{"AWS_REGION", "AWS_PROFILE"} {
		if value := os.Getenv(name); value != "" {
			assignments = append(assignments, name+"="+value)
		}
	}
	for _, p := range m.Placeholders {
		assignments = append(assignments, p.Name+"="+r.values[p.Name])
	}
	return strings.Join(slices.Compact(assignments), " ")
}
