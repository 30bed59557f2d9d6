package warehouse_test

import (
	"strings"
	"testing"

	"example.com/evstream/emulator/warehouse"
)

// as runs a statement as another user and gives its rows, or its error.
func (f *fixture) as(user, statement string) string {
	f.t.Helper()
	res, err := f.QueryAs(f.t.Context(), "ev", user, statement)
	if err != nil {
		return err.Error()
	}
	return strings.Join(lines(res), "\n")
}

// check runs a statement as a user and wants a text in what it gives; "" wants nothing.
func (f *fixture) check(user, statement, want string) {
	f.t.Helper()
	got := f.as(user, statement)
	if want == "" && got != "" || !strings.Contains(got, want) {
		f.t.Errorf("%s: %s\ngave %q, want %q", user, statement, got, want)
	}
}

// TestPrivileges is about who may do what by GRANT: users, groups, roles and everybody.
func TestPrivileges(t *testing.T) {
	f := newFixture(t)
	f.migrate()
	f.exec(
		`CREATE USER ana PASSWORD DISABLE`, `CREATE USER "Bo" PASSWORD 'Secret1234'`, `CREATE USER eve WITH PASSWORD DISABLE`,
		`CREATE GROUP analysts WITH USER ana`, `CREATE ROLE outer_role`, `CREATE ROLE inner_role`,
		`GRANT ROLE inner_role TO ROLE outer_role`, `GRANT ROLE outer_role TO "Bo"`,
	)
	const query = "SELECT count(*) AS n FROM ev_station_data_extract"
	denied := "ERROR: permission denied for relation ev_station_data_extract"
	for _, user := range []string{"ana", "Bo", "eve", "IAMR:analyst"} {
		f.check(user, query, denied)
	}

	t.Run("a view is read with its own privilege", func(t *testing.T) {
		f.exec("GRANT SELECT ON ev_station_data_extract TO GROUP analysts, ROLE inner_role")
		f.check("ana", query, "0")
		f.check("Bo", query, "0")
		f.check("eve", query, denied)
		f.check("ana", "SELECT count(*) AS n FROM ev_station_data_typed", "permission denied for relation ev_station_data_typed")
		f.check("ana", "SELECT 1 AS n WHERE EXISTS (SELECT 1 FROM ev_station_data)", "permission denied for relation ev_station_data")
		f.check("ana", "CREATE VIEW mine AS SELECT * FROM ev_station_data", "permission denied for relation ev_station_data")
	})
	t.Run("taken away", func(t *testing.T) {
		f.exec("REVOKE SELECT ON ev_station_data_extract FROM GROUP analysts", "REVOKE SELECT ON ev_station_data_extract FROM ana")
		f.check("ana", query, denied)
		f.exec(`REVOKE ROLE outer_role FROM "Bo"`)
		f.check("Bo", query, denied)
	})
	t.Run("by IAM", func(t *testing.T) {
		f.exec(`GRANT SELECT ON ev_station_data_extract TO "IAMR:analyst"`)
		f.check("IAMR:analyst", query, "0")
		f.fails(`GRANT SELECT ON ev_station_data TO "IAMR:unseen"`, `user "IAMR:unseen" does not exist`)
	})
	t.Run("a name in double quotes keeps its case", func(t *testing.T) {
		f.fails("GRANT SELECT ON ev_station_data TO Bo", `user "bo" does not exist`)
		f.fails(`CREATE USER "Bo" PASSWORD DISABLE`, `user "Bo" already exists`)
		f.exec(`GRANT SELECT ON ev_station_data TO GROUP "ANALYSTS"`) // a group's does not
	})
	t.Run("everybody", func(t *testing.T) {
		f.exec(`GRANT SELECT ON ev_station_data_extract TO "public"`)
		f.check("eve", query, "0")
		f.exec(`REVOKE SELECT ON ev_station_data_extract FROM PUBLIC`)
		f.check("eve", query, denied)
	})
	t.Run("a schema", func(t *testing.T) {
		f.exec("CREATE SCHEMA other", "CREATE TABLE other.t (n INTEGER)", "GRANT SELECT ON other.t TO ana")
		f.check("ana", "SELECT n FROM other.t", "permission denied for schema other")
		f.exec("GRANT USAGE ON SCHEMA other TO ana")
		f.check("ana", "SELECT n FROM other.t", "")
		f.check("ana", "INSERT INTO other.t VALUES (1)", "permission denied for relation t")
		f.check("ana", "CREATE TABLE other.u (n INTEGER)", "permission denied for schema other")
	})
	t.Run("what the catalog says", func(t *testing.T) {
		f.want(`SELECT relation_name, privilege_type, identity_name, identity_type, admin_option FROM svv_relation_privileges WHERE namespace_name = 'public' ORDER BY 1, 3`,
			"ev_station_data | SELECT | analysts | group | false",
			"ev_station_data_extract | SELECT | IAMR:analyst | user | false",
			"ev_station_data_extract | SELECT | inner_role | role | false")
		f.want(`SELECT namespace_name, privilege_type, identity_name, privilege_scope FROM svv_schema_privileges WHERE identity_type = 'user'`,
			"other | USAGE | ana | SCHEMA")
	})
	for statement, want := range map[string]string{
		"GRANT SELECT ON ev_station_data TO nobody":                `user "nobody" does not exist`,
		"GRANT SELECT ON ev_station_data TO GROUP ana":             `group "ana" does not exist`,
		"REVOKE SELECT ON ev_station_data FROM ROLE nobody":        `role "nobody" does not exist`,
		"GRANT SELECT ON nothing TO ana":                           `relation "nothing" does not exist`,
		"GRANT USAGE ON SCHEMA nothing TO ana":                     `schema "nothing" does not exist`,
		"GRANT USAGE ON ev_station_data TO ana":                    "invalid privilege type USAGE",
		"GRANT SELECT ON SCHEMA public TO ana":                     "invalid privilege type SELECT",
		"GRANT SELECT ON ev_station_data TO ana; DROP VIEW v":      "cannot insert multiple commands",
		`GRANT SELECT ON ev_station_data TO "ana"" "`:              `user "ana\" " does not exist`,
		"GRANT SELECT ON ev_station_data TO ana WITH GRANT OPTION": "not supported",
		"GRANT SELECT ON ALL TABLES IN SCHEMA public TO ana":       "not supported",
		"CREATE USER PUBLIC PASSWORD DISABLE":                      "is reserved",
		"CREATE USER joe":                                          "syntax error",
		"DROP USER ana":                                            `cannot be dropped because the user has a privilege on some object`,
	} {
		f.fails(statement, want)
	}
	for statement, want := range map[string]string{
		"GRANT SELECT ON ev_station_data TO eve":                  "must be owner of relation ev_station_data",
		"CREATE USER joe PASSWORD DISABLE":                        "must be superuser",
		"CREATE SCHEMA mine":                                      "must be superuser",
		"DROP VIEW ev_station_data_extract":                       "must be owner of relation ev_station_data_extract",
		"ALTER MATERIALIZED VIEW ev_station_data AUTO REFRESH NO": "must be owner of relation ev_station_data",
	} {
		f.check("eve", statement, want)
	}
}

// TestLogins: a user has its password, an admin the namespace's, and a disabled one none.
func TestLogins(t *testing.T) {
	f := newFixture(t)
	f.exec("CREATE USER ana PASSWORD 'Analyst123'", "CREATE USER bo PASSWORD DISABLE")
	for _, login := range []struct{ user, password, want string }{
		{"admin", "Secret1234", ""},
		{"ana", "Analyst123", ""},
		{"ana", "Secret1234", "password authentication failed"},
		{"bo", "", "password authentication failed"},
		{"nobody", "", "password authentication failed"},
	} {
		s, err := f.Connect(t.Context(), "ev", "dev", login.user, login.password)
		if login.want != "" {
			if err == nil || !strings.Contains(err.Error(), login.want) {
				t.Errorf("%s: error %v, want %q", login.user, err, login.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Execute(t.Context(), "SELECT CURRENT_USER AS me")
		if err != nil || lines(res)[0] != login.user {
			t.Errorf("%s is %v, error %v", login.user, res, err)
		}
		s.Close()
	}
}

// TestOnlyTheOwnerRefreshes: a superuser is not enough.
func TestOnlyTheOwnerRefreshes(t *testing.T) {
	f := newFixture(t)
	f.migrate()
	f.exec("CREATE USER other PASSWORD 'Secret1234' CREATEUSER")
	const refresh = "REFRESH MATERIALIZED VIEW ev_station_data"
	f.check("other", refresh, "must be owner of materialized view ev_station_data")
	f.check("", refresh, "")
	f.want("SELECT TRIM(user_name) AS owner FROM svv_mv_info WHERE TRIM(name) = 'ev_station_data'", "admin")

	// So it is after the namespace got another admin.
	err := f.UpdateNamespace(warehouse.Namespace{Name: "ev", AdminUser: "next", AdminPassword: "Secret1234", IAMRoles: []string{role}})
	if err != nil {
		t.Fatal(err)
	}
	f.check("next", refresh, "must be owner of materialized view ev_station_data")
	f.check("next", "ALTER MATERIALIZED VIEW ev_station_data AUTO REFRESH NO", "")
}

// TestTwoNamespaces: stacks side by side share nothing, though all has the same names.
func TestTwoNamespaces(t *testing.T) {
	f := newFixture(t)
	f.migrate()
	if err := f.CreateNamespace(t.Context(), warehouse.Namespace{Name: "prod", AdminUser: "admin", AdminPassword: "Other12345", IAMRoles: []string{role}}); err != nil {
		t.Fatal(err)
	}
	if err := f.CreateWorkgroup(warehouse.Workgroup{Name: "prod", Namespace: "prod"}); err != nil {
		t.Fatal(err)
	}
	f.exec("CREATE USER ana PASSWORD DISABLE", "CREATE TABLE t (n INTEGER)")
	for _, statement := range []string{"GRANT USAGE ON SCHEMA public TO ana", "SELECT n FROM t", "SELECT payload FROM ev_station_data"} {
		if _, err := f.Query(t.Context(), "prod", statement); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("%s in the other namespace: %v", statement, err)
		}
	}
	if _, err := f.Connect(t.Context(), "prod", "dev", "admin", "Secret1234"); err == nil {
		t.Error("one namespace's password opens the other")
	}
}

// TestHistoryIsKept is what a person does whose streaming view has to be made anew: keep
// its rows in a table, drop it with all above it, make it again, and read both as one.
func TestHistoryIsKept(t *testing.T) {
	f := newFixture(t)
	f.migrate()
	f.put("k", `{"_id":"1","stationID":7}`, "\xff\x00")
	f.refresh()

	f.exec("CREATE TABLE ev_history DISTSTYLE EVEN SORTKEY (approximate_arrival_timestamp) AS SELECT * FROM ev_station_data")
	f.fails("DROP MATERIALIZED VIEW ev_station_data", "because other objects depend on it")
	f.exec("DROP MATERIALIZED VIEW ev_station_data CASCADE")
	f.fails("SELECT id FROM ev_station_data_extract", "does not exist")
	f.migrateAgain()
	f.want("SELECT count(*) AS n FROM ev_station_data", "0") // the stream is read from its beginning when it is refreshed
	f.put("k", `{"_id":"2"}`)
	f.refresh()

	f.exec("CREATE VIEW ev_all AS SELECT * FROM ev_history UNION ALL SELECT * FROM ev_station_data WHERE payload._id::VARCHAR = '2'")
	f.want("SELECT payload._id::VARCHAR AS id FROM ev_all ORDER BY id", "1", "2", "NULL")
	f.fails("DROP TABLE ev_history", "because other objects depend on it")

	// What the view has can also be moved out of it. It goes on with the next record.
	f.exec("DROP VIEW ev_all", "TRUNCATE ev_history")
	f.exec("ALTER TABLE ev_history APPEND FROM ev_station_data")
	f.want("SELECT (SELECT count(*) FROM ev_history) AS moved, (SELECT count(*) FROM ev_station_data) AS left_over", "3 | 0")
	f.put("k", `{"_id":"3"}`)
	f.refresh()
	f.want("SELECT payload._id::VARCHAR AS id FROM ev_station_data", "3")
	f.exec("INSERT INTO ev_history SELECT * FROM ev_station_data")
	f.want("SELECT count(*) AS n FROM ev_history", "4")

	f.exec("CREATE TABLE plain AS SELECT * FROM ev_history", "CREATE TABLE narrow DISTSTYLE EVEN AS SELECT refresh_time FROM ev_history")
	f.fails("ALTER TABLE plain APPEND FROM ev_station_data", "must have the same distribution style and sort key")
	f.fails("ALTER TABLE narrow APPEND FROM ev_station_data", "are not the same")
	f.fails("ALTER TABLE ev_history APPEND FROM ev_station_data_typed", `"ev_station_data_typed" is a view`)
	f.fails("ALTER TABLE ev_station_data APPEND FROM ev_history", `"ev_station_data" is a materialized view`)
	f.fails("ALTER TABLE ev_history APPEND FROM plain FILLTARGET", "not supported")
	f.exec("BEGIN")
	f.fails("ALTER TABLE ev_history APPEND FROM ev_station_data", "cannot run inside a transaction block")
	f.exec("ROLLBACK")
}
