package warehouse

import (
	"context"
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
		l, err := tableAttributes(c)
		if err != nil {
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
		if err := s.setLayout(ctx, rel, l); err != nil {
			return err
		}
		return s.own(ctx, rel)
	}
	c.next()
	var columns []string
	for {
		column, err := s.column(ctx, c, rel)
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
	l, err := tableAttributes(c)
	if err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "CREATE TABLE "+rel.String()+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	if err := s.setLayout(ctx, rel, l); err != nil {
		return err
	}
	return s.own(ctx, rel)
}

// A layout is how a table's rows are spread and sorted, "" meaning that it is left to
// Redshift.
type layout struct{ distribution, sortKey string }

func (s *Session) setLayout(ctx context.Context, rel relation, l layout) error {
	if _, err := s.exec(ctx, "DELETE FROM rs.layouts WHERE schema_name = $1 AND name = $2", rel.Schema, rel.Name); err != nil {
		return err
	}
	_, err := s.exec(ctx, "INSERT INTO rs.layouts VALUES ($1, $2, $3, $4)", rel.Schema, rel.Name, l.distribution, l.sortKey)
	return err
}

func (s *Session) layout(ctx context.Context, rel relation) (l layout, err error) {
	err = s.conn.QueryRowContext(ctx, "SELECT distribution, sort_key FROM rs.layouts WHERE schema_name = $1 AND name = $2", rel.Schema, rel.Name).
		Scan(&l.distribution, &l.sortKey)
	if err != nil {
		return l, fmt.Errorf("look up the layout of %s: %w", rel, err)
	}
	return l, nil
}

// tableAttributes reads DISTSTYLE, DISTKEY, SORTKEY, BACKUP and ENCODE AUTO.
func tableAttributes(c *cursor) (l layout, err error) {
	for {
		switch {
		case c.accept("diststyle"):
			if !c.peek("auto", "even", "key", "all") {
				return l, c.syntaxError()
			}
			if style := c.next().val; style != "auto" && l.distribution == "" {
				l.distribution = style
			}
		case c.accept("distkey"):
			names, err := c.names()
			if err != nil {
				return l, err
			}
			l.distribution = "key " + strings.Join(names, " ")
		case c.peek("compound", "interleaved") && c.look(1).is("sortkey"), c.peek("sortkey"):
			kind := "compound"
			if c.peek("interleaved") {
				kind = "interleaved"
			}
			for !c.accept("sortkey") {
				c.next()
			}
			if c.accept("auto") {
				continue
			}
			names, err := c.names()
			if err != nil {
				return l, err
			}
			l.sortKey = kind + " " + strings.Join(names, " ")
		case c.accept("backup"):
			if !c.peek("yes", "no") {
				return l, c.syntaxError()
			}
			c.next()
		case c.accept("encode", "auto"):
		default:
			return l, nil
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

// column reads a column's definition, or a table constraint, for which it gives "".
func (s *Session) column(ctx context.Context, c *cursor, rel relation) (string, error) {
	if c.peek("primary", "unique", "foreign", "constraint", "like") && c.look(1).kind != quoted {
		if c.peek("foreign", "constraint", "like") {
			return "", unsupported("%s in CREATE TABLE", strings.ToUpper(c.look(0).val))
		}
		if c.accept("primary") {
			if err := c.expect("key"); err != nil {
				return "", err
			}
		} else {
			c.next()
		}
		_, err := c.names()
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
	for !c.peek(",", ")") {
		switch {
		case c.accept("not", "null"):
			out += " NOT NULL"
		case c.peek("distkey", "sortkey"):
			return "", unsupported("%s in a column's definition; write it after the columns", strings.ToUpper(c.look(0).val))
		case c.accept("null"), c.accept("unique"), c.accept("primary", "key"):
		case c.accept("encode"):
			c.next()
		case c.accept("default"):
			expr, err := s.expression(ctx, c, c.until("not", "null", "encode", "distkey", "sortkey", "unique", "primary"))
			if err != nil {
				return "", err
			}
			out += " DEFAULT " + expr
		case c.accept("identity"), c.accept("generated", "by", "default", "as", "identity"):
			seed, step := c.look(1).val, c.look(3).val
			if !c.peek("(") || c.look(1).kind != number || !c.look(2).is(",") || c.look(3).kind != number || !c.look(4).is(")") {
				return "", c.syntaxError()
			}
			byDefault := c.look(-1).is("identity") && c.look(-2).is("as")
			c.i += 5
			sequence := "rs." + quoteIdent(rel.Schema+"."+rel.Name+"."+name)
			if _, err := s.exec(ctx, fmt.Sprintf("CREATE OR REPLACE SEQUENCE %s START %s INCREMENT %s", sequence, seed, step)); err != nil {
				return "", err
			}
			out += " NOT NULL DEFAULT nextval(" + quoteText(sequence) + ")"
			if byDefault {
				continue
			}
			if _, err := s.exec(ctx, "INSERT INTO rs.identities VALUES ($1, $2, $3)", rel.Schema, rel.Name, name); err != nil {
				return "", err
			}
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
	if _, err := (&rewriter{readings: s.w.o.Readings, relation: func(schema, table string) (node, error) { return s.table(ctx, schema, table) }}).walk(list(tree["node"].(node)["select_list"])); err != nil {
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
