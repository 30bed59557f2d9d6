package warehouse

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An identity is who may be given a privilege: a user, a group or a role, or everybody.
type identity struct {
	kind string // "user", "group", "role" or "public"
	name string // "public" when the kind is
}

// userName reads the name of a user, whose case double quotes keep, whatever the setting
// enable_case_sensitive_identifier says:
// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html
func (c *cursor) userName() (string, error) {
	if t := c.look(0); t.kind == quoted {
		c.i++
		return t.val, nil
	}
	return c.name()
}

// identity reads { name | GROUP name | ROLE name | PUBLIC }. As in PostgreSQL, and
// whatever Redshift does, a name public in double quotes is everybody too.
func (c *cursor) identity() (identity, error) {
	id := identity{kind: "user"}
	for _, kind := range []string{"group", "role"} {
		if c.accept(kind) {
			id.kind = kind
		}
	}
	var err error
	if id.kind != "user" {
		id.name, err = c.name()
		return id, err
	}
	if id.name, err = c.userName(); id.name == "public" {
		id.kind = "public"
	}
	return id, err
}

// readList reads one or more of something, separated by commas.
func readList[T any](c *cursor, read func() (T, error)) ([]T, error) {
	var all []T
	for {
		one, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if !c.accept(",") {
			return all, nil
		}
	}
}

// exists says whether there is a user, a group or a role.
func (s *Session) exists(ctx context.Context, id identity) (bool, error) {
	var n int
	err := s.conn.QueryRowContext(ctx, "SELECT count(*) FROM rs.identities_known WHERE kind = $1 AND name = $2", id.kind, id.name).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up %s %q: %w", id.kind, id.name, err)
	}
	return n > 0, nil
}

// mustExist is the error for an identity that there is not.
func (s *Session) mustExist(ctx context.Context, id identity) error {
	if ok, err := s.exists(ctx, id); err != nil || ok || id.kind == "public" {
		return err
	}
	return errorf("%s %q does not exist", id.kind, id.name)
}

func (s *Session) mustBeSuperuser(what string) error {
	if s.superuser {
		return nil
	}
	return errorf("must be superuser to %s", what)
}

// createIdentity is CREATE USER name [WITH] PASSWORD {'password'|DISABLE}
// [CREATEUSER|NOCREATEUSER] [IN GROUP name, ...], CREATE GROUP name [WITH USER name, ...]
// or CREATE ROLE name.
func (s *Session) createIdentity(ctx context.Context, c *cursor, kind string) error {
	if err := s.mustBeSuperuser("create " + kind + "s"); err != nil {
		return err
	}
	read := c.name
	if kind == "user" {
		read = c.userName
	}
	name, err := read()
	if err != nil {
		return err
	}
	if strings.EqualFold(name, "public") {
		return errorf("%s name %q is reserved", kind, name)
	}
	var password any
	superuser := false
	var groups, users []string
	switch kind {
	case "user":
		c.accept("with")
		if c.look(0).kind == word && !c.peek("password") {
			return unsupported("CREATE USER without PASSWORD as its first option")
		}
		if err := c.expect("password"); err != nil {
			return err
		}
		if !c.accept("disable") {
			if c.look(0).kind != text {
				return c.syntaxError()
			}
			password = c.next().val
		}
		if superuser = c.accept("createuser"); !superuser {
			c.accept("nocreateuser")
		}
		if c.accept("in", "group") {
			if groups, err = readList(c, c.name); err != nil {
				return err
			}
		}
	case "group":
		if c.accept("with", "user") || c.accept("user") {
			if users, err = readList(c, c.userName); err != nil {
				return err
			}
		}
	}
	if err := c.end(); err != nil {
		return unsupported("another option of CREATE %s", strings.ToUpper(kind))
	}
	if ok, err := s.exists(ctx, identity{kind, name}); err != nil || ok {
		if err == nil {
			err = errorf("%s %q already exists", kind, name)
		}
		return err
	}
	if _, err := s.exec(ctx, "INSERT INTO rs.identities_known VALUES (nextval('rs.ids'), $1, $2, $3, $4)", kind, name, password, superuser); err != nil {
		return err
	}
	for _, group := range groups {
		if err := s.join(ctx, identity{"group", group}, identity{"user", name}); err != nil {
			return err
		}
	}
	for _, user := range users {
		if err := s.join(ctx, identity{"group", name}, identity{"user", user}); err != nil {
			return err
		}
	}
	return nil
}

// join makes a user a member of a group, or grants a role to a user or a role.
func (s *Session) join(ctx context.Context, to, member identity) error {
	for _, id := range []identity{to, member} {
		if err := s.mustExist(ctx, id); err != nil {
			return err
		}
	}
	if err := s.leave(ctx, to, member); err != nil {
		return err
	}
	_, err := s.exec(ctx, "INSERT INTO rs.members VALUES ($1, $2, $3, $4)", to.kind, to.name, member.kind, member.name)
	return err
}

func (s *Session) leave(ctx context.Context, from, member identity) error {
	_, err := s.exec(ctx, "DELETE FROM rs.members WHERE kind = $1 AND name = $2 AND member_kind = $3 AND member = $4", from.kind, from.name, member.kind, member.name)
	return err
}

// alterGroup is ALTER GROUP name {ADD|DROP} USER name, ...
func (s *Session) alterGroup(ctx context.Context, c *cursor) error {
	if err := s.mustBeSuperuser("alter groups"); err != nil {
		return err
	}
	group, err := c.name()
	if err != nil {
		return err
	}
	if c.peek("rename") {
		return unsupported("ALTER GROUP RENAME")
	}
	add := c.accept("add", "user")
	if !add {
		if err := c.expect("drop", "user"); err != nil {
			return err
		}
	}
	users, err := readList(c, c.userName)
	if err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	for _, user := range users {
		change := s.leave
		if add {
			change = s.join
		}
		if err := change(ctx, identity{"group", group}, identity{"user", user}); err != nil {
			return err
		}
	}
	return nil
}

// dropIdentity is DROP {USER|GROUP|ROLE} [IF EXISTS] name. Who has a privilege or owns
// something can't be dropped.
func (s *Session) dropIdentity(ctx context.Context, c *cursor, kind string) error {
	if err := s.mustBeSuperuser("drop " + kind + "s"); err != nil {
		return err
	}
	ifExists := c.accept("if", "exists")
	read := c.name
	if kind == "user" {
		read = c.userName
	}
	name, err := read()
	if err != nil {
		return err
	}
	if c.peek(",", "force") {
		return unsupported("DROP %s of several, or with FORCE", strings.ToUpper(kind))
	}
	if err := c.end(); err != nil {
		return err
	}
	id := identity{kind, name}
	if err := s.mustExist(ctx, id); err != nil {
		if ok, existsErr := s.exists(ctx, id); existsErr == nil && !ok && ifExists {
			return nil
		}
		return err
	}
	var held int
	err = s.conn.QueryRowContext(ctx, `
		SELECT (SELECT count(*) FROM rs.privileges WHERE kind = $1 AND grantee = $2)
			+ (SELECT count(*) FROM rs.owners WHERE $1 = 'user' AND owner = $2)`, kind, name).Scan(&held)
	if err != nil {
		return fmt.Errorf("look up what %s %q has: %w", kind, name, err)
	}
	if held > 0 {
		return errorf("%s %q cannot be dropped because the %s has a privilege on some object", kind, name, kind)
	}
	for _, cleanup := range []string{
		"DELETE FROM rs.members WHERE kind = $1 AND name = $2 OR member_kind = $1 AND member = $2",
		"DELETE FROM rs.identities_known WHERE kind = $1 AND name = $2",
	} {
		if _, err := s.exec(ctx, cleanup, kind, name); err != nil {
			return err
		}
	}
	return nil
}

// The privileges there are on each kind of object.
var (
	relationPrivileges = []string{"select", "insert", "update", "delete", "drop", "references"}
	schemaPrivileges   = []string{"create", "usage"}
)

// grant is GRANT or REVOKE of privileges on relations or schemas, or of roles:
// https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html and r_REVOKE.html there.
func (s *Session) grant(ctx context.Context, c *cursor, revoke bool) error {
	if c.accept("grant", "option") {
		return unsupported("GRANT OPTION")
	}
	if c.accept("role") {
		return s.grantRole(ctx, c, revoke)
	}
	privileges, err := readList(c, c.name)
	if err != nil {
		return err
	}
	all := slices.Equal(privileges, []string{"all"})
	if all {
		c.accept("privileges")
	}
	if err := c.expect("on"); err != nil {
		if c.peek("(") {
			return unsupported("a privilege on columns")
		}
		return err
	}
	known := relationPrivileges
	var objects []relation
	switch {
	case c.peek("database", "function", "procedure", "language", "external", "model", "datashare") && c.look(1).kind != symbol, c.peek("all"):
		return unsupported("privileges on %s", strings.ToUpper(c.look(0).val))
	case c.accept("schema"):
		known = schemaPrivileges
		objects, err = readList(c, func() (relation, error) {
			name, err := c.name()
			return relation{Schema: name}, err
		})
	default:
		c.accept("table")
		objects, err = readList(c, c.relation)
	}
	if err != nil {
		return err
	}
	if all {
		privileges = known
	}
	for _, p := range privileges {
		if !slices.Contains(known, p) {
			return errorf("invalid privilege type %s", strings.ToUpper(p))
		}
	}
	to, err := s.grantees(ctx, c, revoke)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := s.mustOwn(ctx, object); err != nil {
			return err
		}
		for _, p := range privileges {
			for _, id := range to {
				if err := s.setPrivilege(ctx, object, p, id, !revoke); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// grantees reads TO or FROM and who has to exist.
func (s *Session) grantees(ctx context.Context, c *cursor, revoke bool) ([]identity, error) {
	preposition := "to"
	if revoke {
		preposition = "from"
	}
	if err := c.expect(preposition); err != nil {
		return nil, err
	}
	to, err := readList(c, c.identity)
	if err != nil {
		return nil, err
	}
	if c.peek("with") {
		return nil, unsupported("WITH GRANT OPTION and WITH ADMIN OPTION")
	}
	if revoke {
		c.accept("restrict")
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	for _, id := range to {
		if err := s.mustExist(ctx, id); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func (s *Session) setPrivilege(ctx context.Context, on relation, privilege string, to identity, has bool) error {
	_, err := s.exec(ctx, "DELETE FROM rs.privileges WHERE schema_name = $1 AND name = $2 AND privilege = $3 AND kind = $4 AND grantee = $5",
		on.Schema, on.Name, privilege, to.kind, to.name)
	if err != nil || !has {
		return err
	}
	_, err = s.exec(ctx, "INSERT INTO rs.privileges VALUES ($1, $2, $3, $4, $5)", on.Schema, on.Name, privilege, to.kind, to.name)
	return err
}

// grantRole is GRANT ROLE role, ... TO {user|ROLE role}, ... or the REVOKE of it.
func (s *Session) grantRole(ctx context.Context, c *cursor, revoke bool) error {
	if err := s.mustBeSuperuser("grant roles"); err != nil {
		return err
	}
	roles, err := readList(c, func() (string, error) {
		c.accept("role")
		return c.name()
	})
	if err != nil {
		return err
	}
	to, err := s.grantees(ctx, c, revoke)
	if err != nil {
		return err
	}
	change := s.join
	if revoke {
		change = s.leave
	}
	for _, role := range roles {
		for _, id := range to {
			if id.kind != "user" && id.kind != "role" {
				return errorf("a role can be granted to users and roles only")
			}
			if err := change(ctx, identity{"role", role}, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// own records who made a relation, or a schema, whose relation has no name.
func (s *Session) own(ctx context.Context, object relation) error {
	_, err := s.exec(ctx, "INSERT INTO rs.owners VALUES ($1, $2, $3)", object.Schema, object.Name, s.user)
	return err
}

// disown forgets the owner and the privileges of what was dropped.
func (s *Session) disown(ctx context.Context, object relation) error {
	for _, cleanup := range []string{
		"DELETE FROM rs.owners WHERE schema_name = $1 AND name = $2",
		"DELETE FROM rs.privileges WHERE schema_name = $1 AND name = $2",
	} {
		if _, err := s.exec(ctx, cleanup, object.Schema, object.Name); err != nil {
			return err
		}
	}
	return nil
}

// owner gives who made a relation or a schema, and an error when there is no such object.
func (s *Session) owner(ctx context.Context, object relation) (string, error) {
	var owner string
	err := s.conn.QueryRowContext(ctx, "SELECT owner FROM rs.owners WHERE schema_name = $1 AND name = $2", object.Schema, object.Name).Scan(&owner)
	switch {
	case errors.Is(err, sql.ErrNoRows) && object.Name == "":
		return "", errorf("schema %q does not exist", object.Schema)
	case errors.Is(err, sql.ErrNoRows):
		return "", errorf("relation %q does not exist", object.Name)
	case err != nil:
		return "", fmt.Errorf("look up the owner of %s: %w", object, err)
	}
	return owner, nil
}

// mustOwn is for what the owner and superusers may do.
func (s *Session) mustOwn(ctx context.Context, object relation) error {
	owner, err := s.owner(ctx, object)
	switch {
	case err != nil:
		return err
	case s.superuser, owner == s.user:
		return nil
	case object.Name == "":
		return errorf("must be owner of schema %s", object.Schema)
	}
	return errorf("must be owner of relation %s", object.Name)
}

// mayUse checks a privilege of a relation and USAGE of its schema. An object that does
// not exist is for the caller to find out.
func (s *Session) mayUse(ctx context.Context, rel relation, privilege string) error {
	if s.superuser {
		return nil
	}
	if owner, err := s.owner(ctx, rel); err != nil || owner == s.user {
		return nil
	}
	if ok, err := s.has(ctx, relation{Schema: rel.Schema}, "usage"); err != nil || !ok {
		if err == nil {
			err = errorf("permission denied for schema %s", rel.Schema)
		}
		return err
	}
	if ok, err := s.has(ctx, rel, privilege); err != nil || !ok {
		if err == nil {
			err = errorf("permission denied for relation %s", rel.Name)
		}
		return err
	}
	return nil
}

// has says whether the session's user has a privilege, by itself or as one of a group, of
// a role, of a role of such a role, or of everybody.
func (s *Session) has(ctx context.Context, object relation, privilege string) (bool, error) {
	if s.superuser {
		return true, nil
	}
	if owner, err := s.owner(ctx, object); err == nil && owner == s.user {
		return true, nil
	}
	var n int
	err := s.conn.QueryRowContext(ctx, `
		WITH RECURSIVE as_one(kind, name) AS (
			SELECT 'user', $4
			UNION SELECT 'public', 'public'
			UNION SELECT m.kind, m.name FROM rs.members m JOIN as_one o ON m.member_kind = o.kind AND m.member = o.name
		)
		SELECT count(*) FROM rs.privileges p JOIN as_one o ON p.kind = o.kind AND p.grantee = o.name
		WHERE p.schema_name = $1 AND p.name = $2 AND p.privilege = $3`, object.Schema, object.Name, privilege, s.user).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up who may %s %s: %w", privilege, object, err)
	}
	return n > 0, nil
}

// mayCreateIn checks that the user may make something in a schema.
func (s *Session) mayCreateIn(ctx context.Context, schema string) error {
	ok, err := s.has(ctx, relation{Schema: schema}, "create")
	if err == nil && !ok {
		err = errorf("permission denied for schema %s", schema)
	}
	return err
}

// login checks a user's password and says whether the user is a superuser.
func (ns *namespace) login(ctx context.Context, user, password string) (superuser bool, err error) {
	failed := &Error{Message: fmt.Sprintf("FATAL: password authentication failed for user %q", user)}
	if user == ns.AdminUser {
		if subtle.ConstantTimeCompare([]byte(password), []byte(ns.AdminPassword)) == 0 {
			return false, failed
		}
		return true, nil
	}
	var want sql.NullString
	err = ns.data.db.QueryRowContext(ctx, "SELECT password, superuser FROM rs.identities_known WHERE kind = 'user' AND name = $1", user).Scan(&want, &superuser)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, failed
	case err != nil:
		return false, fmt.Errorf("look up user %q: %w", user, err)
	case !want.Valid, subtle.ConstantTimeCompare([]byte(password), []byte(want.String)) == 0:
		return false, failed
	}
	return superuser, nil
}

// meet makes a user known that there is without CREATE USER: the admin, and who logs in
// with IAM.
func (ns *namespace) meet(ctx context.Context, user string, superuser bool) error {
	_, err := ns.data.db.ExecContext(ctx, `
		INSERT INTO rs.identities_known SELECT nextval('rs.ids'), 'user', $1, NULL, $2
		WHERE NOT EXISTS (SELECT 1 FROM rs.identities_known WHERE kind = 'user' AND name = $1)`, user, superuser)
	if err != nil {
		return fmt.Errorf("meet user %q: %w", user, err)
	}
	return nil
}
