package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// createTable is CREATE TABLE [IF NOT EXISTS] name (column type attributes, ...) and
// CREATE TABLE name AS query. Encodings are checked for their form and have no effect;
// distribution and sort keys count only for ALTER TABLE APPEND. Redshift takes primary keys and UNIQUE for hints and lets
// duplicates in, and so does this.
func (s *Session) createTable(ctx context.Context, c *cursor) error {
	ifNotExists := c.accept("if", "not", "exists")
	rel, err := c.relation()
	if err != nil {
		return err
	}
	if ifNotExists {
		if kind, err := s.kindOf(ctx, rel); err != nil || kind != "" {
			return err
		}
	}
	if err := s.mayCreate(ctx, rel); err != nil {
		return err
	}
	if !c.peek("(") {
		var a attributes
		if err := tableAttributes(c, &a); err != nil {
			return err
		}
		if err := c.expect("as"); err != nil {
			return err
		}
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
		return s.finishTable(ctx, rel, a)
	}
	c.next()
	var columns []string
	var a attributes
	for {
		column, err := s.column(ctx, c, rel, &a)
		if err != nil {
			return err
		}
		if column != "" {
			columns = append(columns, column)
		}
		if c.accept(")") {
			break
		}
		if err := c.expect(","); err != nil {
			return err
		}
	}
	if err := tableAttributes(c, &a); err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "CREATE TABLE "+rel.String()+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	return s.finishTable(ctx, rel, a)
}

// finishTable keeps what belongs to a table that was made.
func (s *Session) finishTable(ctx context.Context, rel relation, a attributes) error {
	if err := s.setLayout(ctx, rel, a); err != nil {
		return err
	}
	if err := s.defineTable(ctx, rel, a); err != nil {
		return err
	}
	return s.own(ctx, rel)
}

// Attributes are what a statement says of how a table's rows are spread and sorted: "" and
// nil where it leaves that to Redshift. A key is a column's name, or its position.
type attributes struct {
	style     string // of the distribution
	distKey   string
	sortStyle string
	sortKeys  []string
	// As SHOW TABLE writes them.
	columns, constraints []string
}

// keys reads the columns of a DISTKEY or SORTKEY. Positions are documented for the DISTKEY
// of CREATE TABLE AS, and AWS uses them in both keys of a materialized view:
// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_AS.html and
// https://github.com/awsdocs/amazon-redshift-developer-guide/blob/7fb3604/doc_source/materialized-view-streaming-ingestion-example-station-data.md
func (c *cursor) keys() ([]string, error) {
	if err := c.expect("("); err != nil {
		return nil, err
	}
	keys, err := readList(c, func() (string, error) {
		if c.look(0).kind == number {
			return c.next().val, nil
		}
		return c.name()
	})
	if err != nil {
		return nil, err
	}
	return keys, c.expect(")")
}

// distKey reads what follows the word DISTKEY.
func (c *cursor) distKey() (string, error) {
	keys, err := c.keys()
	if err == nil && len(keys) != 1 {
		err = errorf("DISTKEY takes one column, not %d", len(keys))
	}
	if err != nil {
		return "", err
	}
	return keys[0], nil
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
	for _, q := range []string{
		"INSERT INTO rs.layouts SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM rs.layouts WHERE schema_name = $1 AND name = $2)",
		"UPDATE rs.layouts SET distribution = coalesce(nullif($3, ''), distribution), sort_key = coalesce(nullif($4, ''), sort_key) WHERE schema_name = $1 AND name = $2",
	} {
		if _, err := s.exec(ctx, q, rel.Schema, rel.Name, l.distribution, l.sortKey); err != nil {
			return err
		}
	}
	return nil
}

// keyColumn gives the column that a key means, in quotes, if it can be one.
func (s *Session) keyColumn(ctx context.Context, rel relation, key string) (string, error) {
	var name, duck string
	err := s.conn.QueryRowContext(ctx, `
		SELECT column_name, data_type FROM duckdb_columns()
		WHERE schema_name = $1 AND table_name = $2 AND $3 IN (column_name, column_index::VARCHAR)`, rel.Schema, rel.Name, key).Scan(&name, &duck)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errorf("column %q of a DISTKEY or SORTKEY does not exist in %q", key, rel.Name)
	}
	if err != nil {
		return "", fmt.Errorf("look up column %q: %w", key, err)
	}
	if duck == "VARIANT" || duck == "BLOB" {
		t, _ := typeOfDuck(duck)
		return "", errorf("column %q of type %s can be neither DISTKEY nor SORTKEY", name, t.Name)
	}
	return quoteIdent(name), nil
}

func (s *Session) layout(ctx context.Context, rel relation) (l layout, err error) {
	err = s.conn.QueryRowContext(ctx, "SELECT distribution, sort_key FROM rs.layouts WHERE schema_name = $1 AND name = $2", rel.Schema, rel.Name).
		Scan(&l.distribution, &l.sortKey)
	if err != nil {
		return l, fmt.Errorf("look up the layout of %s: %w", rel, err)
	}
	return l, nil
}

// tableAttributes reads DISTSTYLE, DISTKEY, SORTKEY, BACKUP and ENCODE AUTO into a.
func tableAttributes(c *cursor, a *attributes) (err error) {
	for {
		switch {
		case c.accept("diststyle"):
			if !c.peek("auto", "even", "key", "all") {
				return c.syntaxError()
			}
			if style := c.next().val; style != "auto" {
				a.style = style
			}
		case c.accept("distkey"):
			if a.distKey, err = c.distKey(); err != nil {
				return err
			}
		case c.peek("compound", "interleaved") && c.look(1).is("sortkey"), c.peek("sortkey"):
			a.sortStyle = "compound"
			if !c.accept("compound") && c.accept("interleaved") {
				a.sortStyle = "interleaved"
			}
			c.accept("sortkey")
			if c.accept("auto") {
				continue
			}
			if a.sortKeys, err = c.keys(); err != nil {
				return err
			}
		case c.accept("backup"):
			if !c.accept("yes") && !c.accept("no") {
				return c.syntaxError()
			}
		case c.accept("encode", "auto"):
		default:
			return nil
		}
	}
}

// appendFrom is ALTER TABLE target APPEND FROM source, which moves the source's rows. It
// commits by itself, and the source may be a streaming view:
// https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE_APPEND.html
func (s *Session) appendFrom(ctx context.Context, c *cursor) (*Result, error) {
	target, err := c.relation()
	if err != nil {
		return nil, err
	}
	if err := c.expect("append", "from"); err != nil {
		return nil, err
	}
	source, err := c.relation()
	if err != nil {
		return nil, err
	}
	if c.peek("ignoreextra", "filltarget") {
		return nil, unsupported("ALTER TABLE APPEND with IGNOREEXTRA or FILLTARGET")
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
		if _, err := s.exec(ctx, "INSERT INTO "+target.String()+" BY NAME SELECT * FROM "+source.String()); err != nil {
			return err
		}
		_, err := s.exec(ctx, "DELETE FROM "+source.String())
		return err
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
		err = s.conn.QueryRowContext(ctx, "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_name) FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2", rel.Schema, rel.Name).Scan(&shapes[i])
		if err != nil {
			return fmt.Errorf("look up the columns of %s: %w", rel, err)
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

// column reads a column's definition, or a table constraint, for which it gives "". What
// the definition says of distribution and order goes into a.
func (s *Session) column(ctx context.Context, c *cursor, rel relation, a *attributes) (string, error) {
	if c.peek("primary", "unique", "foreign", "constraint", "like") && c.look(1).kind != quoted {
		if c.peek("foreign", "constraint", "like") {
			return "", unsupported("%s in CREATE TABLE", strings.ToUpper(c.look(0).val))
		}
		constraint := "UNIQUE"
		if c.accept("primary") {
			if err := c.expect("key"); err != nil {
				return "", err
			}
			constraint = "PRIMARY KEY"
		} else {
			c.next()
		}
		names, err := c.names()
		a.constraints = append(a.constraints, constraint+" ("+strings.Join(names, ", ")+")")
		return "", err
	}
	name, err := c.name()
	if err != nil {
		return "", err
	}
	t, n, err := parseType(c.sql, c.rest())
	if err != nil {
		return "", err
	}
	c.i += n
	if (t.Name == "varchar" || t.Name == "varbyte") && t.Precision == 0 {
		t.Precision = map[string]int{"varchar": 256, "varbyte": 64000}[t.Name]
	}
	if t.Name == "bpchar" && t.Precision == 0 {
		t.Precision = 1
	}
	out := quoteIdent(name) + " " + t.duck()
	switch t.Name {
	case "varchar", "bpchar":
		check := fmt.Sprintf("strlen(rtrim(%s, ' ')) <= %d", quoteIdent(name), t.Precision)
		if t.Name == "bpchar" {
			check += " AND TRUE" // by which cutBlanks knows it
		}
		out += " CHECK (" + check + ")"
	case "varbyte":
		out += fmt.Sprintf(" CHECK (octet_length(%s) <= %d)", quoteIdent(name), t.Precision)
	}
	line, encoded := "", encoding(t)
	defer func() { a.columns = append(a.columns, name+" "+t.String()+line+encoded) }()
	for !c.peek(",", ")") {
		switch {
		case c.accept("not", "null"):
			out += " NOT NULL"
			line = " NOT NULL" + strings.TrimPrefix(line, " NOT NULL") // which a primary key has said
		case c.accept("distkey"):
			a.distKey = name
		case c.accept("sortkey"):
			a.sortStyle, a.sortKeys = "compound", append(a.sortKeys, name)
		case c.accept("null"):
		case c.accept("unique"):
			a.constraints = append(a.constraints, "UNIQUE ("+name+")")
		case c.accept("primary", "key"):
			out += " NOT NULL"
			line += " NOT NULL"
			a.constraints = append(a.constraints, "PRIMARY KEY ("+name+")")
		case c.accept("encode"):
			encoded = " ENCODE " + c.next().val
		case c.accept("default"):
			value := c.until("not", "null", "encode", "distkey", "sortkey", "unique", "primary")
			line += " DEFAULT " + c.text(value)
			expr, err := s.expression(ctx, c, value)
			if err != nil {
				return "", err
			}
			out += " DEFAULT " + expr
		case c.accept("identity"), c.accept("generated", "by", "default", "as", "identity"):
			if !c.peek("(") {
				return "", unsupported("IDENTITY without a seed and a step")
			}
			seed, step := c.look(1).val, c.look(3).val
			if !c.peek("(") || c.look(1).kind != number || !c.look(2).is(",") || c.look(3).kind != number || !c.look(4).is(")") {
				return "", c.syntaxError()
			}
			byDefault := c.look(-1).is("identity") && c.look(-2).is("as")
			c.i += 5
			sequence := "rs." + quoteIdent(rel.Schema+"."+rel.Name+"."+name)
			if _, err := s.exec(ctx, fmt.Sprintf("CREATE OR REPLACE SEQUENCE %s INCREMENT %s MINVALUE -9223372036854775807 START %s", sequence, step, seed)); err != nil {
				return "", err
			}
			out += " NOT NULL DEFAULT nextval(" + quoteText(sequence) + ")"
			line += " IDENTITY(" + seed + "," + step + ")"
			if byDefault {
				continue
			}
			if _, err := s.exec(ctx, "INSERT INTO rs.identities VALUES ($1, $2, $3)", rel.Schema, rel.Name, name); err != nil {
				return "", err
			}
		case c.peek("collate", "references", "check", "constraint", "generated"):
			return "", unsupported("%s in a column's definition", strings.ToUpper(c.look(0).val))
		default:
			return "", c.syntaxError()
		}
	}
	return out, nil
}

// expression translates an expression by itself.
func (s *Session) expression(ctx context.Context, c *cursor, toks []token) (string, error) {
	if len(toks) == 0 {
		return "", c.syntaxError()
	}
	r, err := c.dialect.render(c.sql, toks)
	if err != nil {
		return "", err
	}
	const head = "SELECT "
	r.text = head + r.text
	for i := range r.offsets {
		r.offsets[i][0] += len(head)
	}
	tree, err := parse(ctx, s.conn, r)
	if err != nil {
		return "", err
	}
	if items := list(tree["node"].(node)["select_list"]); len(items) != 1 {
		return "", c.syntaxError()
	}
	if _, err := (&rewriter{readings: s.w.o.Readings, scopes: []map[string]bool{{c.target: true}}, relation: func(schema, table string) (node, error) { return s.table(ctx, schema, table, 0) }}).walk(list(tree["node"].(node)["select_list"])); err != nil {
		return "", err
	}
	out, err := format(ctx, s.conn, tree)
	return strings.TrimPrefix(out, head), err
}

// writable gives the target of an INSERT, UPDATE or DELETE.
func (s *Session) writable(ctx context.Context, c *cursor, what string) (relation, error) {
	rel, err := c.relation()
	if err != nil {
		return rel, err
	}
	c.target = rel.Name
	kind, err := s.kindOf(ctx, rel)
	switch {
	case err != nil:
		return rel, err
	case kind == "" || rel.Schema == "rs" || rel.Schema == "main":
		return rel, errorf("relation %q does not exist", rel.Name)
	case kind == "view", kind == "materialized view" && what != "delete from": // which a streaming view takes
		return rel, errorf("cannot %s %s %q", what, kind, rel.Name)
	}
	verb, _, _ := strings.Cut(what, " ")
	return rel, s.mayUse(ctx, rel, verb)
}

// insert is INSERT INTO name [(column, ...)] VALUES ... or a query.
func (s *Session) insert(ctx context.Context, c *cursor) (*Result, error) {
	rel, err := s.writable(ctx, c, "insert into")
	if err != nil {
		return nil, err
	}
	var columns []string
	if c.peek("(") && !c.look(1).is("select", "with") {
		if columns, err = c.names(); err != nil {
			return nil, err
		}
	}
	if !c.peek("values", "select", "with", "(") {
		if c.peek("default") {
			return nil, unsupported("INSERT with DEFAULT VALUES")
		}
		return nil, c.syntaxError()
	}
	if err := s.sparesIdentity(ctx, rel, columns); err != nil {
		return nil, err
	}
	query, _, err := s.translate(ctx, c, c.rest())
	if err != nil {
		return nil, err
	}
	into := rel.String()
	if columns != nil {
		for i := range columns {
			columns[i] = quoteIdent(columns[i])
		}
		into += " (" + strings.Join(columns, ", ") + ")"
	}
	return s.write(ctx, rel, "INSERT INTO "+into+" "+query)
}

// sparesIdentity checks that an INSERT leaves the identity column to Redshift.
func (s *Session) sparesIdentity(ctx context.Context, rel relation, columns []string) error {
	identities, err := s.relations(ctx, "SELECT table_name, column_name FROM rs.identities WHERE schema_name = $1 AND table_name = $2", rel.Schema, rel.Name)
	if err != nil {
		return err
	}
	for _, id := range identities {
		if columns == nil {
			return unsupported("INSERT without a column list into a table with the identity column %q", id.Name)
		}
		if slices.Contains(columns, id.Name) {
			return errorf("cannot set an identity column to a value")
		}
	}
	return nil
}

// write runs an INSERT or UPDATE of a relation.
func (s *Session) write(ctx context.Context, rel relation, statement string) (*Result, error) {
	var n int64
	err := s.atomically(ctx, func() (err error) {
		if n, err = s.exec(ctx, statement); err != nil {
			return err
		}
		return s.cutBlanks(ctx, rel)
	})
	if err != nil {
		return nil, err
	}
	return &Result{Affected: n}, nil
}

// textLimit is the check that column writes for the length of a VARCHAR or CHAR.
var textLimit = regexp.MustCompile(`strlen\(rtrim\((.+), ' '\)\) <= (\d+)`)

// cutBlanks cuts off the blanks that a text has at its end beyond its column's length:
// unlike other characters they are no error. Of a CHAR, where they mean nothing, none stays.
// https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
func (s *Session) cutBlanks(ctx context.Context, rel relation) error {
	rows, err := s.conn.QueryContext(ctx, "SELECT constraint_text FROM duckdb_constraints() WHERE constraint_type = 'CHECK' AND schema_name = $1 AND table_name = $2", rel.Schema, rel.Name)
	if err != nil {
		return fmt.Errorf("look up the lengths of %s: %w", rel, err)
	}
	defer rows.Close()
	var cuts []string
	for rows.Next() {
		var check string
		if err := rows.Scan(&check); err != nil {
			return fmt.Errorf("look up the lengths of %s: %w", rel, err)
		}
		if m := textLimit.FindStringSubmatch(check); m != nil {
			cut, limit := fmt.Sprintf("rs_truncate(%s, %s)", m[1], m[2]), m[2]
			if strings.Contains(check, " AND ") {
				cut, limit = fmt.Sprintf("rtrim(%s, ' ')", m[1]), "0"
			}
			cuts = append(cuts, fmt.Sprintf("UPDATE %[1]s SET %[2]s = %[3]s WHERE strlen(%[2]s) > %[4]s AND %[2]s LIKE '%% '", rel, m[1], cut, limit))
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look up the lengths of %s: %w", rel, err)
	}
	for _, cut := range cuts {
		if _, err := s.exec(ctx, cut); err != nil {
			return err
		}
	}
	return nil
}

// update is UPDATE name SET column = expression, ... [WHERE condition].
func (s *Session) update(ctx context.Context, c *cursor) (*Result, error) {
	rel, err := s.writable(ctx, c, "update")
	if err != nil {
		return nil, err
	}
	if err := c.expect("set"); err != nil {
		return nil, err
	}
	var sets []string
	for {
		column, err := c.name()
		if err != nil {
			return nil, err
		}
		if err := c.expect("="); err != nil {
			return nil, err
		}
		expr, err := s.expression(ctx, c, c.until("where", "from"))
		if err != nil {
			return nil, err
		}
		sets = append(sets, quoteIdent(column)+" = "+expr)
		if !c.accept(",") {
			break
		}
	}
	where, err := s.where(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.write(ctx, rel, "UPDATE "+rel.String()+" SET "+strings.Join(sets, ", ")+where)
}

// delete is DELETE [FROM] name [WHERE condition].
func (s *Session) delete(ctx context.Context, c *cursor) (*Result, error) {
	c.accept("from")
	rel, err := s.writable(ctx, c, "delete from")
	if err != nil {
		return nil, err
	}
	where, err := s.where(ctx, c)
	if err != nil {
		return nil, err
	}
	n, err := s.exec(ctx, "DELETE FROM "+rel.String()+where)
	if err != nil {
		return nil, err
	}
	return &Result{Affected: n}, nil
}

func (s *Session) where(ctx context.Context, c *cursor) (string, error) {
	if c.peek("from", "using") {
		return "", unsupported("a join in UPDATE or DELETE")
	}
	if !c.accept("where") {
		return "", c.end()
	}
	cond, err := s.expression(ctx, c, c.rest())
	return " WHERE " + cond, err
}
