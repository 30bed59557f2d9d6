// Package warehouse is an in-process stand-in for Amazon Redshift Serverless: what SQL
// means there, without a socket. Package fakedataapi puts the Redshift Data API's
// protocol in front of it.
//
// A [Warehouse] holds namespaces, which own data, and workgroups, through which sessions
// reach it:
//
//	w := warehouse.New(warehouse.Options{Streams: kinesis})
//	err := w.CreateNamespace(ctx, warehouse.Namespace{Name: "ev", AdminUser: "admin", AdminPassword: "Secret1234", IAMRoles: []string{role}})
//	err = w.CreateWorkgroup(warehouse.Workgroup{Name: "ev", Namespace: "ev"})
//	s, err := w.Connect(ctx, "ev", "dev", "admin", "Secret1234")
//	res, err := s.Execute(ctx, "SELECT payload.stationID::INTEGER FROM ev_station_data")
//
// # How a statement is run
//
// Each namespace's data is in a DuckDB database of its own. The text of a statement goes
// through three steps:
//
//  1. A lexer reads Redshift's tokens and folds names by the session's settings. The head
//     of a statement that DuckDB's grammar lacks (external schemas, materialized views,
//     table attributes, SET) is read from the tokens.
//  2. A query goes to DuckDB's parser and comes back as a syntax tree. The tree is walked:
//     functions, operators, clauses and types that the stand-in doesn't know are refused,
//     casts, operators and functions whose meaning differs are replaced by macros
//     (catalog.sql, functions.sql).
//  3. The tree goes back to text, which DuckDB runs, and which an ordinary view keeps.
//
// A SUPER value is a DuckDB VARIANT. What a cast does to it depends on its type, which
// DuckDB's binder knows: the macros are chosen by the type of their argument.
//
// # Time
//
// Nothing happens in the background. [Warehouse.AutoRefresh] is one step of automatic
// refresh; [Warehouse.RunAutoRefresh] runs it. The clock
// is the caller's, and stands still within a statement.
//
// README.md lists what is not supported. All of it is an error.
package warehouse
