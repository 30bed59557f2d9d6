package fakedataapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/evstream/emulator/fakedataapi"
	"example.com/evstream/emulator/warehouse"
)

// FuzzRequest: whatever the body of a request, the answer is a result or an error that is
// the request's fault. The account has no workgroup: this is about reading requests.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ operation, body string }{
		{"ExecuteStatement", `{"WorkgroupName":"ev","Database":"dev","SecretArn":"` + secret + `","Sql":"SELECT :a","Parameters":[{"name":"a","value":"1"}],"ClientToken":"t","SessionKeepAliveSeconds":300}`},
		{"ExecuteStatement", `{"SessionId":"00000000-0000-0000-0000-000000000000","Sql":"SELECT 1"}`},
		{"BatchExecuteStatement", `{"WorkgroupName":"ev","Database":"dev","Sqls":["SELECT 1","SELECT 2"]}`},
		{"DescribeStatement", `{"Id":"00000000-0000-0000-0000-000000000000:2"}`},
		{"GetStatementResult", `{"Id":"00000000-0000-0000-0000-000000000000","NextToken":"0"}`},
		{"CancelStatement", `{"Id":"x"}`},
		{"ListStatements", `{"MaxResults":0,"NextToken":"x","Status":"ALL","RoleLevel":true}`},
		{"ListStatements", `{} trailing`},
		{"ListStatements", `null`},
		{"ListDatabases", `{"Database":"dev"}`},
		{"ListTables", `{"WorkgroupName":"ev","Database":"dev","SecretArn":"` + secret + `","TablePattern":"%'","NextToken":"-1"}`},
		{"DescribeTable", `{"WorkgroupName":"ev","Database":"dev","SecretArn":"` + secret + `","Table":"t","MaxResults":1}`},
	} {
		f.Add(seed.operation, []byte(seed.body))
	}
	w := warehouse.New(warehouse.Options{})
	f.Cleanup(func() { w.Close() })
	f.Fuzz(func(t *testing.T, operation string, body []byte) {
		s := fakedataapi.New(w, func(string) (string, error) { return "", errors.New("no such secret") })
		s.Checked = true // what is answered fits the model
		defer s.Close()
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header["X-Amz-Target"] = []string{"RedshiftData." + operation}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/redshift-data/aws4_request, SignedHeaders=host, Signature=0")
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		var failure struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &failure); err != nil {
			t.Fatalf("the answer is no JSON: %v\n%s", err, answer.Body)
		}
		if answer.Code == 200 && !json.Valid(body) {
			t.Errorf("a result for a request that is no JSON: %s", answer.Body)
		}
		if answer.Code != 200 && (answer.Code < 400 || answer.Code >= 500 || failure.Type == "") {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	})
}
