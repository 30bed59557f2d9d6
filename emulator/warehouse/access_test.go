package warehouse_test

import (
	"strings"
	"testing"

	"example.com/evstream/emulator/warehouse"
)

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

// TestOnlyTheOwnerRefreshes: a superuser is not enough, not even the admin that the
// namespace got afterwards.
func TestOnlyTheOwnerRefreshes(t *testing.T) {
	f := newFixture(t)
	f.exec(streamingView...)
	f.exec("CREATE USER other PASSWORD 'Secret1234' CREATEUSER")
	const refresh = "REFRESH MATERIALIZED VIEW raw"
	as := func(user, statement, want string) {
		t.Helper()
		_, err := f.QueryAs(t.Context(), "ev", user, statement)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != "ERROR: "+want) {
			t.Errorf("%s: %s: error %v, want %q", user, statement, err, want)
		}
	}
	as("other", refresh, "must be owner of materialized view raw")
	as("", refresh, "")
	f.want("SELECT TRIM(user_name) AS owner FROM svv_mv_info WHERE TRIM(name) = 'raw'", "admin")

	err := f.UpdateNamespace(warehouse.Namespace{Name: "ev", AdminUser: "next", AdminPassword: "Secret1234", IAMRoles: []string{role}})
	if err != nil {
		t.Fatal(err)
	}
	as("next", refresh, "must be owner of materialized view raw")
	as("next", "ALTER MATERIALIZED VIEW raw AUTO REFRESH NO", "")
}

// TestTwoNamespaces: stacks side by side share nothing, though all has the same names.
func TestTwoNamespaces(t *testing.T) {
	f := newFixture(t)
	f.exec(streamingView...)
	if err := f.CreateNamespace(t.Context(), warehouse.Namespace{Name: "prod", AdminUser: "admin", AdminPassword: "Other12345", IAMRoles: []string{role}}); err != nil {
		t.Fatal(err)
	}
	if err := f.CreateWorkgroup(warehouse.Workgroup{Name: "prod", Namespace: "prod"}); err != nil {
		t.Fatal(err)
	}
	f.exec("CREATE USER ana PASSWORD DISABLE", "CREATE TABLE t (n INTEGER)")
	for _, statement := range []string{"GRANT USAGE ON SCHEMA public TO ana", "SELECT n FROM t", "SELECT partition_key FROM raw"} {
		if _, err := f.Query(t.Context(), "prod", statement); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("%s in the other namespace: %v", statement, err)
		}
	}
	if _, err := f.Connect(t.Context(), "prod", "dev", "admin", "Secret1234"); err == nil {
		t.Error("one namespace's password opens the other")
	}
}
