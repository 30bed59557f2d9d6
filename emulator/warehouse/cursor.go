package warehouse

// A cursor reads the head of a statement. The first mistake is kept in err and moves the
// cursor to the end, where it accepts nothing more. So a statement is read to its end
// without a check at every word, and end says what was wrong.
type cursor struct {
	sql     string
	toks    []token
	i       int
	dialect dialect
	target  string // the table that the statement writes to, which its expressions may name
	err     error
}

// look gives the token n places ahead; past the end one that is nothing.
func (c *cursor) look(n int) token {
	if c.i+n < len(c.toks) {
		return c.toks[c.i+n]
	}
	return token{kind: symbol, pos: len(c.sql), end: len(c.sql)}
}

func (c *cursor) peek(vals ...string) bool { return c.look(0).is(vals...) }

func (c *cursor) next() token {
	t := c.look(0)
	c.i++
	return t
}

// accept moves past the words if they are next.
func (c *cursor) accept(words ...string) bool {
	for n, w := range words {
		if !c.look(n).is(w) {
			return false
		}
	}
	c.i += len(words)
	return true
}

// expect moves past the words, which must be next.
func (c *cursor) expect(words ...string) {
	for _, w := range words {
		if !c.accept(w) {
			c.reject()
		}
	}
}

// fail ends the reading with an error, unless an earlier one did.
func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.i = len(c.toks)
}

// reject ends the reading with a syntax error at the next token.
func (c *cursor) reject() { c.fail(c.syntaxError()) }

// refuse ends the reading with the error for what the stand-in lacks.
func (c *cursor) refuse(format string, args ...any) { c.fail(unsupported(format, args...)) }

// end says what is wrong with the statement, which must have been read to its end.
func (c *cursor) end() error {
	if c.i < len(c.toks) {
		c.reject()
	}
	return c.err
}

func (c *cursor) syntaxError() *Error {
	t := c.look(0)
	if t.pos == t.end {
		return errorf("syntax error at end of input").at(c.sql, len(c.sql))
	}
	return errorf("syntax error at or near %q", c.sql[t.pos:t.end]).at(c.sql, t.pos)
}

// source gives tokens as they are written.
func (c *cursor) source(toks []token) string {
	if len(toks) == 0 {
		return ""
	}
	return c.sql[toks[0].pos:toks[len(toks)-1].end]
}

// rest gives the tokens up to the end, and moves there.
func (c *cursor) rest() []token {
	toks := c.toks[min(c.i, len(c.toks)):]
	c.i = len(c.toks)
	return toks
}

func (c *cursor) name() string {
	switch t := c.look(0); t.kind {
	case word:
		c.i++
		return t.val
	case quoted:
		c.i++
		return c.dialect.fold(t.val)
	}
	c.reject()
	return ""
}

// literal reads a string constant.
func (c *cursor) literal() string {
	if c.look(0).kind != text {
		c.reject()
	}
	return c.next().val
}

// relation reads [schema.]name.
func (c *cursor) relation() relation {
	name := c.name()
	if !c.accept(".") {
		return relation{defaultSchema, name}
	}
	rel := relation{name, c.name()}
	if c.peek(".") {
		c.refuse("a database name before a schema")
	}
	return rel
}

// commaList reads one or more of something, separated by commas.
func commaList[T any](c *cursor, read func() T) []T {
	all := []T{read()}
	for c.accept(",") {
		all = append(all, read())
	}
	return all
}

// parenthesized reads a list in parentheses.
func parenthesized[T any](c *cursor, read func() T) []T {
	c.expect("(")
	all := commaList(c, read)
	c.expect(")")
	return all
}

// names reads a list of names in parentheses.
func (c *cursor) names() []string { return parenthesized(c, c.name) }

// oneOf reads one of the words.
func (c *cursor) oneOf(words ...string) string {
	if !c.peek(words...) {
		c.reject()
	}
	return c.next().val
}

// yes reads YES or NO.
func (c *cursor) yes() bool { return c.oneOf("yes", "no") == "yes" }

// cascade reads [CASCADE|RESTRICT].
func (c *cursor) cascade() bool {
	cascade := c.accept("cascade")
	if !cascade {
		c.accept("restrict")
	}
	return cascade
}

// until gives the tokens before the next comma or closing parenthesis of this depth, or
// before one of the stop words.
func (c *cursor) until(stops ...string) []token {
	from, depth := c.i, 0
	for ; c.i < len(c.toks); c.i++ {
		switch t := c.toks[c.i]; {
		case t.is("("):
			depth++
		case depth == 0 && (t.is(")", ",") || t.is(stops...)):
			return c.toks[from:c.i]
		case t.is(")"):
			depth--
		}
	}
	return c.toks[min(from, len(c.toks)):]
}
