package warehouse

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

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
	tree, err := parse(ctx, s.conn, r.after(head))
	if err != nil {
		return "", err
	}
	items := list(tree["node"].(node)["select_list"])
	if len(items) != 1 {
		return "", c.syntaxError()
	}
	rw := s.rewriter(ctx, 0)
	rw.scopes = []map[string]bool{{c.target: true}}
	if _, err := rw.walk(items); err != nil {
		return "", err
	}
	out, err := format(ctx, s.conn, tree)
	return strings.TrimPrefix(out, head), err
}

// writable gives the target of an INSERT, UPDATE or DELETE.
func (s *Session) writable(ctx context.Context, c *cursor, what string) (relation, error) {
	rel := c.relation()
	if c.err != nil {
		return rel, c.err
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
	into := rel.String()
	var columns []string
	if c.peek("(") && !c.look(1).is("select", "with") {
		columns = c.names()
		into += " (" + quoteIdents(columns) + ")"
	}
	if c.peek("default") {
		c.refuse("INSERT with DEFAULT VALUES")
	}
	if !c.peek("values", "select", "with", "(") {
		c.reject()
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := s.sparesIdentity(ctx, rel, columns); err != nil {
		return nil, err
	}
	query, _, err := s.translate(ctx, c, c.rest())
	if err != nil {
		return nil, err
	}
	return s.write(ctx, rel, "INSERT INTO "+into+" "+query)
}

// sparesIdentity checks that an INSERT leaves the identity column to Redshift.
func (s *Session) sparesIdentity(ctx context.Context, rel relation, columns []string) error {
	var name string
	found, err := s.catalogRow(ctx, rel, "SELECT column_name FROM rs.identity_columns WHERE schema_name = $1 AND name = $2", &name)
	switch {
	case err != nil || !found:
		return err
	case columns == nil:
		return unsupported("INSERT without a column list into a table with the identity column %q", name)
	case slices.Contains(columns, name):
		return errorf("cannot set an identity column to a value")
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

// textLimit is the check that a column of CREATE TABLE has for the length of a VARCHAR or
// CHAR.
var textLimit = regexp.MustCompile(`strlen\(rtrim\((.+), ' '\)\) <= (\d+)`)

// cutBlanks cuts off the blanks that a text has at its end beyond its column's length:
// unlike other characters they are no error. Of a CHAR, where they mean nothing, none stays.
// https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
func (s *Session) cutBlanks(ctx context.Context, rel relation) error {
	const query = "SELECT constraint_text FROM duckdb_constraints() WHERE constraint_type = 'CHECK' AND schema_name = $1 AND table_name = $2"
	var cuts []string
	err := s.eachRow(ctx, query, []any{rel.Schema, rel.Name}, func(scan func(...any) error) error {
		var check string
		if err := scan(&check); err != nil {
			return err
		}
		if m := textLimit.FindStringSubmatch(check); m != nil {
			cut, limit := fmt.Sprintf("rs_truncate(%s, %s)", m[1], m[2]), m[2]
			if strings.Contains(check, " AND ") {
				cut, limit = fmt.Sprintf("rtrim(%s, ' ')", m[1]), "0"
			}
			cuts = append(cuts, fmt.Sprintf("UPDATE %[1]s SET %[2]s = %[3]s WHERE strlen(%[2]s) > %[4]s AND %[2]s LIKE '%% '", rel, m[1], cut, limit))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.execAll(ctx, cuts)
}

// update is UPDATE name SET column = expression, ... [WHERE condition].
func (s *Session) update(ctx context.Context, c *cursor) (*Result, error) {
	rel, err := s.writable(ctx, c, "update")
	if err != nil {
		return nil, err
	}
	c.expect("set")
	sets := commaList(c, func() string {
		column := c.name()
		c.expect("=")
		expr, err := s.expression(ctx, c, c.until("where", "from"))
		if err != nil {
			c.fail(err)
		}
		return quoteIdent(column) + " = " + expr
	})
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

// truncate is TRUNCATE [TABLE] name.
func (s *Session) truncate(ctx context.Context, c *cursor) (*Result, error) {
	c.accept("table")
	return s.delete(ctx, c)
}

func (s *Session) where(ctx context.Context, c *cursor) (string, error) {
	if c.peek("from", "using") {
		c.refuse("a join in UPDATE or DELETE")
	}
	if !c.accept("where") {
		return "", c.end()
	}
	condition, err := s.expression(ctx, c, c.rest())
	return " WHERE " + condition, err
}
