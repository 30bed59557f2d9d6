package dataapi

import (
	"database/sql/driver"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
)

// FuzzResult: whatever the service sends as a result, reading it ends, with an error or
// with values of the types that the package comment names.
func FuzzResult(f *testing.F) {
	const columns = `"ColumnMetadata":[{"name":"a","typeName":"int4"},{"label":"b","typeName":"timestamp","nullable":1},{"typeName":"numeric","precision":10,"scale":2}]`
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{` + columns + `,"Records":[[{"longValue":7},{"stringValue":"2026-03-01 12:00:00.5"},{"stringValue":"7.93"}],[{"isNull":true},{"isNull":true},{"isNull":true}]],"TotalNumRows":2}`},
		{200, `{` + columns + `,"Records":[[{"longValue":7}]],"NextToken":"t"}`},
		{200, `{"ColumnMetadata":[{"typeName":"timestamptz"}],"Records":[[{"stringValue":"2026-03-01 12:00:00+05:30"}]],"NextToken":"t"}`},
		{200, `{"ColumnMetadata":[{"typeName":"date"}],"Records":[[{"stringValue":"infinity"}]]}`},
		{200, `{"ColumnMetadata":[{}],"Records":[[{"booleanValue":true}],[{"doubleValue":"NaN"}],[{"doubleValue":1e308}],[{"blobValue":"/w=="}]]}`},
		{200, `{"ColumnMetadata":null,"Records":[[]],"NextToken":""}`},
		{200, `{"ColumnMetadata":[{"typeName":"int4"}],"Records":[[{}]]}`},
		{200, `{"ColumnMetadata":[{"typeName":"int4"}],"Records":[[null],null]}`},
		{200, ``}, {200, `<html>`},
		{400, `{"__type":"ResourceNotFoundException","ResourceId":"x"}`},
		{400, `{"__type":"ThrottlingException"}`},
		{500, `{"__type":"InternalServerException"}`},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return // no HTTP client gives these
		}
		synctest.Test(t, func(t *testing.T) {
			r := &rows{ctx: t.Context(), id: "x", connector: &connector{client: (&service{fault: pages(status, body)}).client()}}
			if r.fetch(nil) != nil {
				return
			}
			for i := range r.Columns() {
				r.ColumnTypeDatabaseTypeName(i)
			}
			dest := make([]driver.Value, len(r.cols))
			for {
				if err := r.Next(dest); err != nil {
					return
				}
				for _, v := range dest {
					if !driver.IsValue(v) {
						t.Fatalf("a value of type %T", v)
					}
					if at, ok := v.(time.Time); ok && at.Location() != time.UTC {
						t.Errorf("%v is not in UTC", at)
					}
				}
			}
		})
	})
}

// pages answers three requests with the same page, then with an empty one.
func pages(status int, body []byte) func(call) answer {
	n := 0
	return func(call) answer {
		if n++; n > 3 {
			return answer{body: "{}"}
		}
		return answer{status: status, body: string(body)}
	}
}

// FuzzBind: $1 becomes :p1, and nothing else in a statement changes.
func FuzzBind(f *testing.F) {
	for _, query := range []string{
		`SELECT $1, $2`, `SELECT '$1', "$1", a$1, $$ $1 $$, /* $1 */ $1 -- $1`, `SELECT 'it''s $1\'' || $1`, `$1$2`, `$0`, `$99999999999999999999`,
		`'`, `"`, `/*`, `$$`, `$`, "\xff$1", `SELECT ':p1', $1::int`, `é$1`,
	} {
		f.Add(query, uint8(2))
	}
	named := regexp.MustCompile(`:p([0-9]+)`)
	f.Fuzz(func(t *testing.T, query string, n uint8) {
		args := make([]driver.NamedValue, n%8)
		for i := range args {
			args[i] = driver.NamedValue{Ordinal: i + 1, Value: int64(i)}
		}
		texts, parameters, err := bind([]string{query}, args)
		if err != nil {
			return
		}
		text := texts[0]
		if len(args) == 0 {
			if text != query || parameters != nil {
				t.Errorf("%q without arguments became %q, %v", query, text, parameters)
			}
			return
		}
		for i, p := range parameters {
			if want := (types.SqlParameter{Name: aws.String("p" + strconv.Itoa(i+1)), Value: aws.String(strconv.Itoa(i))}); *p.Name != *want.Name || *p.Value != *want.Value {
				t.Errorf("parameter %d is %s = %q", i+1, *p.Name, *p.Value)
			}
			if !strings.Contains(text, fmt.Sprintf(":p%d", i+1)) {
				t.Errorf("%q lacks :p%d", text, i+1)
			}
		}
		if !named.MatchString(query) && !regexp.MustCompile(`\$0`).MatchString(query) {
			if back := named.ReplaceAllString(text, "$$$1"); back != query {
				t.Errorf("%q became %q, which read back is %q", query, text, back)
			}
		}
	})
}
