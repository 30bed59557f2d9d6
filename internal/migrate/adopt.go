package migrate

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	evsql "example.com/evstream/sql"
)

// Adopt records the next pending migration, whose number is version, as applied
// without running it, because what it makes is there. That can be so only of one
// that runs outside a transaction; any other is refused.
func Adopt(ctx context.Context, c Config, version int64, progress io.Writer) (err error) {
	defer c.hideUser(&err)
	r, err := open(ctx, c, false, progress)
	if err != nil {
		return err
	}
	defer r.db.Close()
	left, err := r.pending(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(left) == 0:
		return fmt.Errorf("version %d cannot be adopted: every migration is recorded already", version)
	case left[0].Version != version:
		return fmt.Errorf("version %d cannot be adopted: the next pending migration is %s, and only that one can be", version, left[0].File)
	case !left[0].Alone:
		return fmt.Errorf("version %d cannot be adopted: %s is recorded in the transaction that applies it, so nothing of it is there. Run pulumi up", version, left[0].File)
	}
	m := left[0]
	for _, p := range m.Placeholders {
		if r.Placeholders[p.Name] == "" {
			return fmt.Errorf("%s:%d: set the environment variable %s to the value that its object was made with; it is recorded too", m.File, p.Line, p.Name)
		}
	}
	record, err := r.record(m)
	if err != nil {
		return err
	}
	for _, statement := range []string{createLedger, record} {
		if _, err := r.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("recording %s: %w", m.File, err)
		}
	}
	fmt.Fprintf(progress, "%s: recorded as applied, not run\n", m.File)
	return nil
}

// What a statement makes, and its name.
var creates = regexp.MustCompile(`(?i)^CREATE\s+(EXTERNAL\s+SCHEMA|MATERIALIZED\s+VIEW)\s+([a-zA-Z0-9_."]+)`)

// adoption says how to find out whether what a migration does is done, and how to
// record the migration then.
func (r *runner) adoption(m evsql.Migration) string {
	var b strings.Builder
	statement := m.Statements[0]
	fmt.Fprintf(&b, "Check, in the query editor, that the warehouse is as sql/migrations/%s has it from line %d.\n", m.File, statement.Line)
	if match := creates.FindStringSubmatch(statement.Text); match != nil {
		look := "SHOW VIEW " + match[2]
		if strings.EqualFold(match[1][:8], "EXTERNAL") {
			look = "SELECT schemaname, esoptions FROM svv_external_schemas WHERE schemaname = " + literal(strings.Trim(match[2], `"`))
		}
		fmt.Fprintf(&b, "  %s;\n", look)
	}
	fmt.Fprintf(&b, "If it is, record the migration and run again:\n  %s go run ./cmd/evstream adopt %d\n", r.environment(m), m.Version)
	b.WriteString("If it is not, take back what is there and run again; dropping a streaming view loses what its stream no longer has.\n")
	return b.String()
}

// environment returns the assignments with which a person's shell reaches the
// same warehouse. None of them is a secret.
func (r *runner) environment(m evsql.Migration) string {
	var assignments []string
	add := func(name, value string) {
		if value != "" {
			assignments = append(assignments, name+"="+quote(value))
		}
	}
	add("REDSHIFT_WORKGROUP", r.Warehouse.Workgroup)
	add("REDSHIFT_DATABASE", r.Warehouse.Database)
	add("REDSHIFT_SECRET_ARN", r.Warehouse.SecretARN)
	add("AWS_REGION", r.Warehouse.Region)
	add("AWS_PROFILE", r.Profile)
	for _, p := range m.Placeholders {
		add(p.Name, r.Placeholders[p.Name])
	}
	return strings.Join(slices.Compact(assignments), " ")
}

// plain matches what no shell takes for more than text.
var plain = regexp.MustCompile(`^[a-zA-Z0-9_./:@=+,-]+$`)

// quote writes a value as one word of a shell's command.
func quote(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
