package fakesecrets_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/evstream/emulator/fakesecrets"
)

// ask sends a request and returns the answer.
func ask(t *testing.T, s *fakesecrets.Server, operation, body string) map[string]any {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "secretsmanager."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return answer
}

// TestRecordedErrors compares refusals with those that localstack 8b9a79f recorded from AWS,
// tests/aws/services/secretsmanager/test_secretsmanager.snapshot.json, on the dates given.
func TestRecordedErrors(t *testing.T) {
	s := fakesecrets.New()
	s.Checked = true
	s.Put(fakesecrets.Secret{Name: "there", Value: "text", VersionID: "00000000-0000-4000-8000-000000000001"})
	s.Put(fakesecrets.Secret{Name: "empty"})
	const other = "00000000-0000-4000-8000-000000000002"
	for _, c := range []struct{ recorded, operation, body, code, message string }{
		{"2022-09-28", "GetSecretValue", `{"SecretId":"none"}`, "ResourceNotFoundException", "Secrets Manager can't find the specified secret."},
		{"2022-09-28", "CreateSecret", `{"Name":"Inv Name","ClientRequestToken":"` + other + `"}`, "ValidationException",
			"Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"},
		{"2022-10-27", "CreateSecret", `{"Name":"there","ClientRequestToken":"` + other + `","SecretString":"x"}`, "ResourceExistsException",
			"The operation failed because the secret there already exists."},
		{"2023-05-12", "CreateSecret", `{"Name":"new"}`, "InvalidRequestException", "You must provide a ClientRequestToken value. We recommend a UUID-type value."},
		{"2024-04-11", "GetSecretValue", `{"SecretId":"there","VersionStage":"AWSPREVIOUS"}`, "ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS"},
		{"2024-04-11", "GetSecretValue", `{"SecretId":"there","VersionId":"00000000-0000-4000-8000-000000000001","VersionStage":"AWSPREVIOUS"}`,
			"InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId."},
		{"2024-06-13", "GetSecretValue", `{"SecretId":"empty"}`, "ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"},
		{"2024-06-13", "GetSecretValue", `{"SecretId":"there","VersionId":"` + other + `"}`, "ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for VersionId: " + other},
	} {
		if answer := ask(t, s, c.operation, c.body); answer["__type"] != c.code || answer["Message"] != c.message {
			t.Errorf("%s %s is answered with %v, not with the %s of %s: %s", c.operation, c.body, answer, c.code, c.recorded, c.message)
		}
	}
}

// TestNames: a secret is found by its name, its ARN, and its ARN without the random part.
func TestNames(t *testing.T) {
	s := fakesecrets.New(fakesecrets.WithSource(func() []fakesecrets.Secret {
		return []fakesecrets.Secret{{Name: "elsewhere", ARN: "arn:aws:secretsmanager:us-east-1:123456789012:secret:elsewhere-AbCdEf", Value: "of another", VersionID: "00000000-0000-4000-8000-000000000009"}}
	}))
	s.Checked = true
	made := ask(t, s, "CreateSecret", `{"Name":"here","ClientRequestToken":"00000000-0000-4000-8000-000000000001","SecretString":"own","Description":"a login"}`)
	again := ask(t, s, "CreateSecret", `{"Name":"here","ClientRequestToken":"00000000-0000-4000-8000-000000000001","SecretString":"own"}`)
	if made["ARN"] == nil || again["ARN"] != made["ARN"] {
		t.Errorf("the same request twice gives %v and %v", made, again)
	}
	arn := made["ARN"].(string)
	for id, want := range map[string]string{
		"here": "own", arn: "own", arn[:len(arn)-len("-AbCdEf")]: "own",
		"elsewhere": "of another", "arn:aws:secretsmanager:us-east-1:123456789012:secret:elsewhere": "of another",
	} {
		if got := ask(t, s, "GetSecretValue", `{"SecretId":"`+id+`"}`); got["SecretString"] != want {
			t.Errorf("%s is %v, want %s", id, got, want)
		}
	}
	if got := ask(t, s, "DescribeSecret", `{"SecretId":"here"}`); got["Description"] != "a login" || got["VersionIdsToStages"] == nil {
		t.Errorf("the description is %v", got)
	}
	first := ask(t, s, "ListSecrets", `{"MaxResults":1}`)
	second := ask(t, s, "ListSecrets", `{"MaxResults":1,"NextToken":"`+first["NextToken"].(string)+`"}`)
	if one, two := first["SecretList"].([]any), second["SecretList"].([]any); len(one) != 1 || len(two) != 1 || second["NextToken"] != nil {
		t.Errorf("the pages are %v and %v, want one secret on each", first, second)
	}
	if refused := ask(t, s, "ListSecrets", `{"NextToken":"garbage"}`); refused["__type"] != "InvalidNextTokenException" {
		t.Errorf("a token of nobody is answered with %v", refused)
	}
}
