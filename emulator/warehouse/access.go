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
func (c *cursor) userName() string {
	if t := c.look(0); t.kind == quoted {
		c.i++
		return t.val
	}
	return c.name()
}

// nameOf reads the name of a user, a group or a role.
func (c *cursor) nameOf(kind string) string {
	if kind == "user" {
		return c.userName()
	}
	return c.name()
}

// identity reads { name | GROUP name | ROLE name | PUBLIC }. As in PostgreSQL, and
// whatever Redshift does, a name public in double quotes is everybody too.
func (c *cursor) identity() identity {
	if c.peek("group", "role") {
		return identity{c.next().val, c.name()}
	}
	if name := c.userName(); name != "public" {
		return identity{"user", name}
	}
	return identity{"public", "public"}
}

// identityExists says whether there is a user, a group or a role.
func (s *Session) identityExists(ctx context.Context, id identity) (bool, error) {
	return s.exists(ctx, "SELECT id FROM rs.identities WHERE kind = $1 AND name = $2", id.kind, id.name)
}

// mustExist is the error for an identity that there is not.
func (s *Session) mustExist(ctx context.Context, ids ...identity) error {
	for _, id := range ids {
		ok, err := s.identityExists(ctx, id)
		if err != nil {
			return err
		}
		if !ok && id.kind != "public" {
			return errorf("%s %q does not exist", id.kind, id.name)
		}
	}
	return nil
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
	created := identity{kind, c.nameOf(kind)}
	if strings.EqualFold(created.name, "public") {
		c.fail(errorf("%s name %q is reserved", kind, created.name))
	}
	var password any
	superuser := false
	var groups, users []string
	switch kind {
	case "user":
		c.accept("with")
		if c.look(0).kind == word && !c.peek("password") {
			c.refuse("CREATE USER without PASSWORD as its first option")
		}
		c.expect("password")
		if !c.accept("disable") {
			password = c.literal()
		}
		if superuser = c.accept("createuser"); !superuser {
			c.accept("nocreateuser")
		}
		if c.accept("in", "group") {
			groups = commaList(c, c.name)
		}
	case "group":
		if c.accept("with", "user") || c.accept("user") {
			users = commaList(c, c.userName)
		}
	}
	if len(c.toks) > c.i {
		c.refuse("another option of CREATE %s", strings.ToUpper(kind))
	}
	if err := c.end(); err != nil {
		return err
	}
	exists, err := s.identityExists(ctx, created)
	if err != nil {
		return err
	}
	if exists {
		return errorf("%s %q already exists", kind, created.name)
	}
	if _, err := s.exec(ctx, "INSERT INTO rs.identities VALUES (nextval('rs.ids'), $1, $2, $3, $4)", kind, created.name, password, superuser); err != nil {
		return err
	}
	for _, group := range groups {
		if err := s.join(ctx, identity{"group", group}, created); err != nil {
			return err
		}
	}
	for _, user := range users {
		if err := s.join(ctx, created, identity{"user", user}); err != nil {
			return err
		}
	}
	return nil
}

// join makes a user a member of a group, or grants a role to a user or a role.
func (s *Session) join(ctx context.Context, to, member identity) error {
	if err := s.mustExist(ctx, to, member); err != nil {
		return err
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
	group := c.name()
	if c.peek("rename") {
		c.refuse("ALTER GROUP RENAME")
	}
	change := s.join
	if c.oneOf("add", "drop") == "drop" {
		change = s.leave
	}
	c.expect("user")
	users := commaList(c, c.userName)
	if err := c.end(); err != nil {
		return err
	}
	for _, user := range users {
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
	name := c.nameOf(kind)
	if c.peek(",", "force") {
		c.refuse("DROP %s of several, or with FORCE", strings.ToUpper(kind))
	}
	if err := c.end(); err != nil {
		return err
	}
	exists, err := s.identityExists(ctx, identity{kind, name})
	switch {
	case err != nil:
		return err
	case !exists && ifExists:
		return nil
	case !exists:
		return errorf("%s %q does not exist", kind, name)
	}
	holds, err := s.exists(ctx, `
		SELECT name FROM rs.privileges WHERE kind = $1 AND grantee = $2
		UNION ALL SELECT name FROM rs.owners WHERE $1 = 'user' AND owner = $2`, kind, name)
	if err != nil {
		return err
	}
	if holds {
		return errorf("%s %q cannot be dropped because the %s has a privilege on some object", kind, name, kind)
	}
	return s.execAll(ctx, []string{
		"DELETE FROM rs.members WHERE kind = $1 AND name = $2 OR member_kind = $1 AND member = $2",
		"DELETE FROM rs.identities WHERE kind = $1 AND name = $2",
	}, kind, name)
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
	privileges := commaList(c, c.name)
	all := slices.Equal(privileges, []string{"all"})
	if all {
		c.accept("privileges")
	}
	if c.peek("(") {
		c.refuse("a privilege on columns")
	}
	c.expect("on")
	if c.peek("database", "function", "procedure", "language", "external", "model", "datashare") && c.look(1).kind != symbol || c.peek("all") {
		c.refuse("privileges on %s", strings.ToUpper(c.look(0).val))
	}
	var objects []relation
	known := relationPrivileges
	if c.accept("schema") {
		known = schemaPrivileges
		objects = commaList(c, func() relation { return relation{Schema: c.name()} })
	} else {
		c.accept("table")
		objects = commaList(c, c.relation)
	}
	if all {
		privileges = known
	}
	for _, p := range privileges {
		if !slices.Contains(known, p) {
			c.fail(errorf("invalid privilege type %s", strings.ToUpper(p)))
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

// grantees reads TO or FROM and who has to exist, up to the end of the statement.
func (s *Session) grantees(ctx context.Context, c *cursor, revoke bool) ([]identity, error) {
	if revoke {
		c.expect("from")
	} else {
		c.expect("to")
	}
	to := commaList(c, c.identity)
	if c.peek("with") {
		c.refuse("WITH GRANT OPTION and WITH ADMIN OPTION")
	}
	if revoke {
		c.accept("restrict")
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	return to, s.mustExist(ctx, to...)
}

func (s *Session) setPrivilege(ctx context.Context, on relation, privilege string, to identity, has bool) error {
	statements := []string{"DELETE FROM rs.privileges WHERE schema_name = $1 AND name = $2 AND privilege = $3 AND kind = $4 AND grantee = $5"}
	if has {
		statements = append(statements, "INSERT INTO rs.privileges VALUES ($1, $2, $3, $4, $5)")
	}
	return s.execAll(ctx, statements, on.Schema, on.Name, privilege, to.kind, to.name)
}

// grantRole is GRANT ROLE role, ... TO {user|ROLE role}, ... or the REVOKE of it.
func (s *Session) grantRole(ctx context.Context, c *cursor, revoke bool) error {
	if err := s.mustBeSuperuser("grant roles"); err != nil {
		return err
	}
	roles := commaList(c, func() string {
		c.accept("role")
		return c.name()
	})
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

// owner gives who made a relation or a schema, and an error when there is no such object.
func (s *Session) owner(ctx context.Context, object relation) (string, error) {
	var owner string
	found, err := s.catalogRow(ctx, object, "SELECT owner FROM rs.owners WHERE schema_name = $1 AND name = $2", &owner)
	switch {
	case err != nil || found:
		return owner, err
	case object.Name == "":
		return "", errorf("schema %q does not exist", object.Schema)
	}
	return "", errorf("relation %q does not exist", object.Name)
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
	if err := s.mustHave(ctx, relation{Schema: rel.Schema}, "usage"); err != nil {
		return err
	}
	return s.mustHave(ctx, rel, privilege)
}

// mustHave checks that the session's user has a privilege: as its owner, by itself or as
// one of a group, of a role, of a role of such a role, or of everybody.
func (s *Session) mustHave(ctx context.Context, object relation, privilege string) error {
	if s.superuser {
		return nil
	}
	has, err := s.exists(ctx, `
		WITH RECURSIVE as_one(kind, name) AS (
			SELECT 'user', $4
			UNION SELECT 'public', 'public'
			UNION SELECT m.kind, m.name FROM rs.members m JOIN as_one o ON m.member_kind = o.kind AND m.member = o.name
		)
		SELECT p.name FROM rs.privileges p JOIN as_one o ON p.kind = o.kind AND p.grantee = o.name
		WHERE p.schema_name = $1 AND p.name = $2 AND p.privilege = $3
		UNION ALL SELECT name FROM rs.owners WHERE schema_name = $1 AND name = $2 AND owner = $4`, object.Schema, object.Name, privilege, s.user)
	switch {
	case err != nil || has:
		return err
	case object.Name == "":
		return errorf("permission denied for schema %s", object.Schema)
	}
	return errorf("permission denied for relation %s", object.Name)
}

// login checks a user's password and says whether the user is a superuser.
func (ns *namespace) login(ctx context.Context, user, password string) (superuser bool, err error) {
	want := sql.NullString{String: ns.AdminPassword, Valid: true}
	superuser = true
	if user != ns.AdminUser {
		err = ns.data.db.QueryRowContext(ctx, "SELECT password, superuser FROM rs.identities WHERE kind = 'user' AND name = $1", user).Scan(&want, &superuser)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("look up user %q: %w", user, err)
		}
	}
	if err != nil || !want.Valid || subtle.ConstantTimeCompare([]byte(password), []byte(want.String)) == 0 {
		return false, &Error{Message: fmt.Sprintf("FATAL: password authentication failed for user %q", user)}
	}
	return superuser, nil
}

// addUser makes a user known that there is without CREATE USER: the admin, and who logs in
// with IAM.
func (ns *namespace) addUser(ctx context.Context, user string, superuser bool) error {
	_, err := ns.data.db.ExecContext(ctx, `
		INSERT INTO rs.identities SELECT nextval('rs.ids'), 'user', $1, NULL, $2
		WHERE NOT EXISTS (SELECT 1 FROM rs.identities WHERE kind = 'user' AND name = $1)`, user, superuser)
	if err != nil {
		return fmt.Errorf("add user %q: %w", user, err)
	}
	return nil
}
