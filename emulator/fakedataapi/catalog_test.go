package fakedataapi_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakedataapi"
)

// The calls that list what is in a database, as notebooks and editors use them.
func TestCatalog(t *testing.T) {
	f := newFixture(t)
	f.run("CREATE SCHEMA sales")
	f.run("CREATE TABLE sales.orders (id BIGINT NOT NULL, total DECIMAL(10,2), note VARCHAR(20) DEFAULT 'none', at TIMESTAMP, doc SUPER, ok BOOLEAN)")
	f.run("CREATE TABLE t1 (n INTEGER)")
	f.run("CREATE TABLE t2 (n INTEGER)")
	f.run("CREATE VIEW t_view AS SELECT n FROM t1")
	f.run("CREATE MATERIALIZED VIEW t_kept AS SELECT n FROM t1")
	ctx := t.Context()

	databases, err := f.client.ListDatabases(ctx, &redshiftdata.ListDatabasesInput{WorkgroupName: aws.String("ev-dev"), Database: aws.String("dev"), SecretArn: aws.String(secret)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dev"}, databases.Databases); diff != "" {
		t.Errorf("databases (-want +got)\n%s", diff)
	}

	schemas := func(pattern *string) []string {
		t.Helper()
		out, err := f.client.ListSchemas(ctx, &redshiftdata.ListSchemasInput{
			WorkgroupName: aws.String("ev-dev"), Database: aws.String("dev"), SecretArn: aws.String(secret), SchemaPattern: pattern,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Schemas
	}
	if diff := cmp.Diff([]string{"public", "sales"}, schemas(nil)) + cmp.Diff([]string{"sales"}, schemas(aws.String("s%"))); diff != "" {
		t.Errorf("schemas (-want +got)\n%s", diff)
	}

	for name, test := range map[string]struct {
		in   redshiftdata.ListTablesInput
		want []string
	}{
		"all":                {redshiftdata.ListTablesInput{}, []string{"public.t1 TABLE", "public.t2 TABLE", "public.t_kept VIEW", "public.t_view VIEW", "sales.orders TABLE"}},
		"two at a time":      {redshiftdata.ListTablesInput{MaxResults: 2}, []string{"public.t1 TABLE", "public.t2 TABLE", "public.t_kept VIEW", "public.t_view VIEW", "sales.orders TABLE"}},
		"_ is one character": {redshiftdata.ListTablesInput{TablePattern: aws.String("t_")}, []string{"public.t1 TABLE", "public.t2 TABLE"}},
		"by both":            {redshiftdata.ListTablesInput{SchemaPattern: aws.String("%es"), TablePattern: aws.String("ord%")}, []string{"sales.orders TABLE"}},
		"none":               {redshiftdata.ListTablesInput{SchemaPattern: aws.String("O'Hara")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.in.WorkgroupName, test.in.Database, test.in.SecretArn = aws.String("ev-dev"), aws.String("dev"), aws.String(secret)
			var got []string
			for pages := redshiftdata.NewListTablesPaginator(f.client, &test.in); pages.HasMorePages(); {
				page, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, table := range page.Tables {
					got = append(got, fmt.Sprintf("%s.%s %s", aws.ToString(table.Schema), aws.ToString(table.Name), aws.ToString(table.Type)))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("tables (-want +got)\n%s", diff)
			}
		})
	}

	var columns []string
	for pages := redshiftdata.NewDescribeTablePaginator(f.client, &redshiftdata.DescribeTableInput{
		WorkgroupName: aws.String("ev-dev"), Database: aws.String("dev"), SecretArn: aws.String(secret),
		Schema: aws.String("sales"), Table: aws.String("orders"), MaxResults: 4,
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.ColumnList {
			columns = append(columns, fmt.Sprintf("%s.%s.%s %s(%d,%d) nullable %d default %s", aws.ToString(c.SchemaName), aws.ToString(page.TableName),
				aws.ToString(c.Name), aws.ToString(c.TypeName), c.Precision, c.Scale, c.Nullable, aws.ToString(c.ColumnDefault)))
		}
	}
	want := []string{
		"sales.orders.id int8(19,0) nullable 0 default ", "sales.orders.total numeric(10,2) nullable 1 default ",
		"sales.orders.note varchar(0,0) nullable 1 default 'none'", "sales.orders.at timestamp(29,6) nullable 1 default ",
		"sales.orders.doc super(0,0) nullable 1 default ", "sales.orders.ok bool(1,0) nullable 1 default ",
	}
	if diff := cmp.Diff(want, columns); diff != "" {
		t.Errorf("columns (-want +got)\n%s", diff)
	}

	list := func(change func(*redshiftdata.ListTablesInput)) error {
		in := &redshiftdata.ListTablesInput{WorkgroupName: aws.String("ev-dev"), Database: aws.String("dev"), SecretArn: aws.String(secret)}
		change(in)
		_, err := f.client.ListTables(ctx, in)
		return err
	}
	refused(t, "a token of nobody", list(func(in *redshiftdata.ListTablesInput) { in.NextToken = aws.String("x") }), "ValidationException", "Invalid NextToken")
	refused(t, "a wrong password", list(func(in *redshiftdata.ListTablesInput) { in.SecretArn = aws.String(secret + "-old") }), "DatabaseConnectionException", "password authentication failed")
	refused(t, "no secret", list(func(in *redshiftdata.ListTablesInput) { in.SecretArn = nil }), "ValidationException", "temporary credentials")
	refused(t, "another workgroup", list(func(in *redshiftdata.ListTablesInput) { in.WorkgroupName = aws.String("other") }), "ValidationException", "Redshift endpoint doesn't exist")
	refused(t, "another database", list(func(in *redshiftdata.ListTablesInput) { in.ConnectedDatabase = aws.String("other") }), "ValidationException", "not supported")
	f.server.Control("ListTables", func(*fakedataapi.Call) *fakedataapi.Fault {
		return &fakedataapi.Fault{Err: &fakedataapi.Error{Code: "ThrottlingException", Message: "Rate exceeded"}}
	})
	refused(t, "a fault", list(func(*redshiftdata.ListTablesInput) {}), "ThrottlingException", "")
}
