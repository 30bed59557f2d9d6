package warehouse

import (
	"context"
	"fmt"
	"strings"
)

// createTable is CREATE TABLE [IF NOT EXISTS] name (column type attributes, ...) and
// CREATE TABLE name AS query. Encodings are checked for their form and have no effect;
// distribution and sort keys count only for ALTER TABLE APPEND. Redshift takes primary keys
// and UNIQUE for hints and lets duplicates in, and so does this.
func (s *Session) createTable(ctx context.Context, c *cursor) error {
	ifNotExists := c.accept("if", "not", "exists")
	rel := c.relation()
	if c.err != nil {
		return c.err
	}
	kind, err := s.kindOf(ctx, rel)
	if err != nil || ifNotExists && kind != "" {
		return err
	}
	if err := s.mayCreate(ctx, rel); err != nil {
		return err
	}
	var a attributes
	if c.peek("(") {
		columns := parenthesized(c, func() string { return s.column(ctx, c, rel, &a) })
		tableAttributes(c, &a)
		if err := c.end(); err != nil {
			return err
		}
		if err := s.createSequences(ctx, rel, a); err != nil {
			return err
		}
		if _, err := s.exec(ctx, "CREATE TABLE "+rel.String()+" ("+strings.Join(withoutEmpty(columns), ", ")+")"); err != nil {
			return err
		}
	} else {
		tableAttributes(c, &a)
		c.expect("as")
		query, _, err := s.translate(ctx, c, c.rest())
		if err != nil {
			return err
		}
		if _, err := s.exec(ctx, "CREATE TABLE "+rel.String()+" AS "+query); err != nil {
			return err
		}
		if a.columns, err = s.columnLines(ctx, rel); err != nil {
			return err
		}
	}
	if err := s.setLayout(ctx, rel, a); err != nil {
		return err
	}
	if err := s.defineTable(ctx, rel, a); err != nil {
		return err
	}
	return s.own(ctx, rel)
}

func withoutEmpty(texts []string) (kept []string) {
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

// Attributes are what a statement says of a table beside its columns. How its rows are
// spread and sorted is "" and nil where it leaves that to Redshift. A key is a column's
// name, or its position.
type attributes struct {
	style     string // of the distribution
	distKey   string
	sortStyle string
	sortKeys  []string

	identities []identityColumn

	// As SHOW TABLE writes them.
	columns, constraints []string
}

// An identityColumn numbers the rows.
type identityColumn struct {
	name, seed, step string
	byDefault        bool // an INSERT may give it a value
}

func (i identityColumn) sequence(of relation) string {
	return "rs." + quoteIdent(of.Schema+"."+of.Name+"."+i.name)
}

func (s *Session) createSequences(ctx context.Context, rel relation, a attributes) error {
	for _, i := range a.identities {
		create := fmt.Sprintf("CREATE OR REPLACE SEQUENCE %s INCREMENT %s MINVALUE -9223372036854775807 START %s", i.sequence(rel), i.step, i.seed)
		if _, err := s.exec(ctx, create); err != nil {
			return err
		}
		if i.byDefault {
			continue
		}
		if _, err := s.exec(ctx, "INSERT INTO rs.identity_columns VALUES ($1, $2, $3)", rel.Schema, rel.Name, i.name); err != nil {
			return err
		}
	}
	return nil
}

// column reads a column's definition and gives it in the engine's words, or a table
// constraint, for which it gives "". What they say of the table goes into a.
func (s *Session) column(ctx context.Context, c *cursor, rel relation, a *attributes) string {
	if c.peek("primary", "unique", "foreign", "constraint", "like") && c.look(1).kind != quoted {
		if c.peek("foreign", "constraint", "like") {
			c.refuse("%s in CREATE TABLE", strings.ToUpper(c.look(0).val))
		}
		constraint := "UNIQUE"
		if c.accept("primary", "key") {
			constraint = "PRIMARY KEY"
		} else {
			c.expect("unique")
		}
		a.constraints = append(a.constraints, constraint+" ("+strings.Join(c.names(), ", ")+")")
		return ""
	}
	d := definition{name: c.name(), typ: c.columnType()}
	for c.err == nil && !c.peek(",", ")") {
		s.columnAttribute(ctx, c, rel, &d, a)
	}
	a.columns = append(a.columns, d.shown())
	return d.engine()
}

// A definition is that of a column, while it is read.
type definition struct {
	name    string
	typ     Type
	notNull bool
	value   string // its DEFAULT in the engine's words
	more    string // what SHOW TABLE says of the value
	encode  string
}

// engine writes a column as the engine's CREATE TABLE has it, with a check for its length.
func (d definition) engine() string {
	out := quoteIdent(d.name) + " " + d.typ.duck()
	switch d.typ.Name {
	case "varchar":
		out += fmt.Sprintf(" CHECK (strlen(rtrim(%s, ' ')) <= %d)", quoteIdent(d.name), d.typ.Precision)
	case "bpchar": // cutBlanks knows it by the AND
		out += fmt.Sprintf(" CHECK (strlen(rtrim(%s, ' ')) <= %d AND TRUE)", quoteIdent(d.name), d.typ.Precision)
	case "varbyte":
		out += fmt.Sprintf(" CHECK (octet_length(%s) <= %d)", quoteIdent(d.name), d.typ.Precision)
	}
	if d.notNull {
		out += " NOT NULL"
	}
	if d.value != "" {
		out += " DEFAULT " + d.value
	}
	return out
}

// shown writes a column as SHOW TABLE does.
func (d definition) shown() string {
	notNull := ""
	if d.notNull {
		notNull = " NOT NULL"
	}
	if d.encode == "" {
		d.encode = encoding(d.typ)
	}
	return d.name + " " + d.typ.String() + notNull + d.more + d.encode
}

// columnType reads a type. One without a length has the default of a column.
func (c *cursor) columnType() Type {
	t, n, err := parseType(c.sql, c.toks[min(c.i, len(c.toks)):])
	if err != nil {
		c.fail(err)
	}
	c.i += n
	if t.Precision == 0 {
		t.Precision = map[string]int{"varchar": 256, "varbyte": 64000, "bpchar": 1}[t.Name]
	}
	return t
}

// columnAttribute reads one attribute of a column.
func (s *Session) columnAttribute(ctx context.Context, c *cursor, rel relation, d *definition, a *attributes) {
	switch {
	case c.accept("not", "null"):
		d.notNull = true
	case c.accept("null"):
	case c.accept("distkey"):
		a.distKey = d.name
	case c.accept("sortkey"):
		a.sortStyle, a.sortKeys = "compound", append(a.sortKeys, d.name)
	case c.accept("unique"):
		a.constraints = append(a.constraints, "UNIQUE ("+d.name+")")
	case c.accept("primary", "key"):
		d.notNull = true
		a.constraints = append(a.constraints, "PRIMARY KEY ("+d.name+")")
	case c.accept("encode"):
		d.encode = " ENCODE " + c.next().val
	case c.accept("default"):
		value := c.until("not", "null", "encode", "distkey", "sortkey", "unique", "primary")
		d.more += " DEFAULT " + c.source(value)
		expr, err := s.expression(ctx, c, value)
		if err != nil {
			c.fail(err)
		}
		d.value = expr
	case c.peek("identity"), c.peek("generated"):
		i := identityColumn{name: d.name, byDefault: c.accept("generated", "by", "default", "as")}
		c.expect("identity")
		if !c.peek("(") {
			c.refuse("IDENTITY without a seed and a step")
		}
		args := parenthesized(c, func() string { return c.next().val })
		if len(args) != 2 || !isDigits(args[0]) || !isDigits(args[1]) {
			c.reject()
			return
		}
		i.seed, i.step = args[0], args[1]
		a.identities = append(a.identities, i)
		d.value = "nextval(" + quoteText(i.sequence(rel)) + ") NOT NULL"
		d.more += " IDENTITY(" + i.seed + "," + i.step + ")"
	case c.peek("collate", "references", "check", "constraint"):
		c.refuse("%s in a column's definition", strings.ToUpper(c.look(0).val))
	default:
		c.reject()
	}
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// keys reads the columns of a DISTKEY or SORTKEY. Positions are documented for the DISTKEY
// of CREATE TABLE AS, and AWS uses them in both keys of a materialized view:
// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_AS.html and
// https://github.com/awsdocs/amazon-redshift-developer-guide/blob/7fb3604/doc_source/materialized-view-streaming-ingestion-example-station-data.md
func (c *cursor) keys() []string {
	return parenthesized(c, func() string {
		if c.look(0).kind == number {
			return c.next().val
		}
		return c.name()
	})
}

// distKey reads what follows the word DISTKEY.
func (c *cursor) distKey() string {
	keys := c.keys()
	if len(keys) != 1 {
		c.fail(errorf("DISTKEY takes one column, not %d", len(keys)))
	}
	return keys[0]
}

// tableAttributes reads DISTSTYLE, DISTKEY, SORTKEY, BACKUP and ENCODE AUTO into a.
func tableAttributes(c *cursor, a *attributes) {
	for {
		switch {
		case c.accept("diststyle"):
			if style := c.oneOf("auto", "even", "key", "all"); style != "auto" {
				a.style = style
			}
		case c.accept("distkey"):
			a.distKey = c.distKey()
		case c.peek("compound", "interleaved") && c.look(1).is("sortkey"), c.peek("sortkey"):
			a.sortStyle = "compound"
			if !c.accept("compound") && c.accept("interleaved") {
				a.sortStyle = "interleaved"
			}
			c.expect("sortkey")
			if !c.accept("auto") {
				a.sortKeys = c.keys()
			}
		case c.accept("backup"):
			c.yes()
		case c.accept("encode", "auto"):
		default:
			return
		}
	}
}

// A layout is how a table's rows are spread and sorted, in SQL's words.
type layout struct{ distribution, sortKey string }

// setLayout keeps what a statement says of a relation's layout, and what it does not say
// as it was.
func (s *Session) setLayout(ctx context.Context, rel relation, a attributes) error {
	l := layout{distribution: a.style}
	if a.distKey != "" {
		column, err := s.keyColumn(ctx, rel, a.distKey)
		if err != nil {
			return err
		}
		l.distribution = "key distkey(" + column + ")"
	}
	var sorted []string
	for _, key := range a.sortKeys {
		column, err := s.keyColumn(ctx, rel, key)
		if err != nil {
			return err
		}
		sorted = append(sorted, column)
	}
	if sorted != nil {
		l.sortKey = a.sortStyle + " sortkey(" + strings.Join(sorted, ", ") + ")"
	}
	return s.execAll(ctx, []string{
		"INSERT INTO rs.layouts SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM rs.layouts WHERE schema_name = $1 AND name = $2)",
		"UPDATE rs.layouts SET distribution = coalesce(nullif($3, ''), distribution), sort_key = coalesce(nullif($4, ''), sort_key) WHERE schema_name = $1 AND name = $2",
	}, rel.Schema, rel.Name, l.distribution, l.sortKey)
}

// keyColumn gives the column that a key means, in quotes, if it can be one.
func (s *Session) keyColumn(ctx context.Context, rel relation, key string) (column string, err error) {
	const query = `
		SELECT column_name, data_type FROM duckdb_columns()
		WHERE schema_name = $1 AND table_name = $2 AND $3 IN (column_name, column_index::VARCHAR)`
	err = s.eachRow(ctx, query, []any{rel.Schema, rel.Name, key}, func(scan func(...any) error) error {
		var name, duck string
		if err := scan(&name, &duck); err != nil {
			return err
		}
		if duck == "VARIANT" || duck == "BLOB" {
			t, _ := typeOfDuck(duck)
			return errorf("column %q of type %s can be neither DISTKEY nor SORTKEY", name, t.Name)
		}
		column = quoteIdent(name)
		return nil
	})
	if err == nil && column == "" {
		err = errorf("column %q of a DISTKEY or SORTKEY does not exist in %q", key, rel.Name)
	}
	return column, err
}

func (s *Session) layout(ctx context.Context, rel relation) (l layout, err error) {
	_, err = s.catalogRow(ctx, rel, "SELECT distribution, sort_key FROM rs.layouts WHERE schema_name = $1 AND name = $2", &l.distribution, &l.sortKey)
	return l, err
}

// appendFrom is ALTER TABLE target APPEND FROM source, which moves the source's rows. It
// commits by itself, and the source may be a streaming view:
// https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE_APPEND.html
func (s *Session) appendFrom(ctx context.Context, c *cursor) (*Result, error) {
	target := c.relation()
	if !c.accept("append", "from") {
		return nil, unsupported("ALTER TABLE")
	}
	source := c.relation()
	if c.peek("ignoreextra", "filltarget") {
		c.refuse("ALTER TABLE APPEND with IGNOREEXTRA or FILLTARGET")
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	if s.inTx {
		return nil, errorf("ALTER TABLE APPEND cannot run inside a transaction block")
	}
	s.data.changing.Lock()
	defer s.data.changing.Unlock()
	if err := s.mayAppend(ctx, target, source); err != nil {
		return nil, err
	}
	return done, s.atomically(ctx, func() error {
		return s.execAll(ctx, []string{"INSERT INTO " + target.String() + " BY NAME SELECT * FROM " + source.String(), "DELETE FROM " + source.String()})
	})
}

// mayAppend checks that two relations are the user's and alike.
func (s *Session) mayAppend(ctx context.Context, target, source relation) error {
	var shapes [2]string
	var layouts [2]layout
	for i, rel := range []relation{target, source} {
		kind, err := s.kindOf(ctx, rel)
		if err != nil {
			return err
		}
		if err := s.mustOwn(ctx, rel); err != nil {
			return err
		}
		if kind == "materialized view" && i == 1 {
			mv, err := s.materializedView(ctx, rel)
			if err != nil {
				return err
			}
			if mv.stream != "" {
				kind = "table"
			}
		}
		if kind != "table" {
			return errorf("ALTER TABLE APPEND takes a table, and as its source also a streaming materialized view; %q is a %s", rel.Name, kind)
		}
		_, err = s.catalogRow(ctx, rel, "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_name) FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2", &shapes[i])
		if err != nil {
			return err
		}
		if layouts[i], err = s.layout(ctx, rel); err != nil {
			return err
		}
	}
	switch {
	case shapes[0] != shapes[1]:
		return errorf("ALTER TABLE APPEND: the columns of %q and %q are not the same", target.Name, source.Name)
	case layouts[0] != layouts[1]:
		return errorf("ALTER TABLE APPEND: %q and %q must have the same distribution style and sort key", target.Name, source.Name)
	}
	return nil
}
