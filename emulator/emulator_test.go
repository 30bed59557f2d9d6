package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/smithy-go"

	"example.com/evstream/emulator"
	"example.com/evstream/emulator/fault"
)

func start(t *testing.T, o emulator.Options) *emulator.Emulator {
	t.Helper()
	e, err := emulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// environ is this process's environment with the emulator's.
func environ(e *emulator.Emulator) []string {
	all := os.Environ()
	for name, value := range e.Env() {
		all = append(all, name+"="+value)
	}
	return all
}

// TestBoto3Example runs the example of README.md, as it stands there, against an emulator.
func TestBoto3Example(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("python3 with boto3 is needed to run the example: %v %s", err, out)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(readme)
	if example == nil {
		t.Fatal("README.md has no example in Python")
	}
	file := filepath.Join(t.TempDir(), "example.py")
	if err := os.WriteFile(file, example[1], 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", file)
	cmd.Dir, cmd.Env = t.TempDir(), environ(start(t, emulator.Options{}))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "3 events" {
		t.Errorf("the example prints %q, want %q", got, "3 events")
	}
}

// TestOtherServices: whatever a client of another service sends is refused in words that its
// protocol has, also what is not signed.
func TestOtherServices(t *testing.T) {
	e := start(t, emulator.Options{})
	for _, c := range []struct {
		service string // for which it is signed
		headers map[string]string
		body    string
		want    string
	}{
		{"dynamodb", map[string]string{"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}, "{}", `"__type":"NotImplemented"`},
		{"sqs", map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, "Action=ListQueues", "<ErrorResponse><Error><Type>Sender</Type><Code>NotImplemented</Code>"},
		{"ec2", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "Action=DescribeVpcs", "<Response><Errors><Error><Code>NotImplemented</Code>"},
		{"s3", nil, "", "<Error><Code>NotImplemented</Code>"},
		{"lambda", map[string]string{"Content-Type": "application/json"}, "{}", `"__type":"NotImplemented"`},
		{"monitoring", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, "\xa0", "NotImplemented"},
		{"", nil, "", "NotImplemented"},
		{"", map[string]string{"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, "{}", "does not serve Logs_20140328"},
	} {
		r, err := http.NewRequest(http.MethodPost, e.URL()+"/", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.headers {
			r.Header.Set(name, value)
		}
		if c.service != "" {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/"+c.service+"/aws4_request, SignedHeaders=host, Signature=0")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusNotImplemented || !strings.Contains(string(text), c.want) ||
			!strings.Contains(string(text), "does not serve "+c.service) || !strings.Contains(string(text), "only kinesis, redshift-data, redshift-serverless, secretsmanager, sts") {
			t.Errorf("a request for %q is answered with %d (error %v)\n%s", c.service, answer.StatusCode, err, text)
		}
	}
}

// TestClientsOfOtherServices: boto3 shows the refusal, whatever protocol the service has, and
// STS and Secrets Manager answer it.
func TestClientsOfOtherServices(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("python3 with boto3 is needed: %v %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", `
import boto3, botocore
for service, operation in [("s3", "list_buckets"), ("sqs", "list_queues"), ("ec2", "describe_vpcs"), ("lambda", "list_functions"),
                           ("dynamodb", "list_tables"), ("cloudwatch", "list_metrics"), ("iam", "list_users"), ("redshift", "describe_clusters"),
                           ("route53", "list_hosted_zones")]:
    try:
        getattr(boto3.client(service), operation)()
        print(service, "answers")
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == "NotImplemented" and "does not serve" in str(e), (service, str(e))
sts = boto3.client("sts")
assert sts.get_caller_identity()["Account"] == "123456789012"
try:
    sts.get_session_token()
except botocore.exceptions.ClientError as e:
    assert "supports GetCallerIdentity" in str(e), str(e)
secrets = boto3.client("secretsmanager")
made = secrets.create_secret(Name="login", SecretString="text")
assert secrets.get_secret_value(SecretId="login")["SecretString"] == "text"
assert secrets.describe_secret(SecretId=made["ARN"])["Name"] == "login"
assert [s["Name"] for s in secrets.list_secrets()["SecretList"]] == ["login"]
`)
	cmd.Env = environ(start(t, emulator.Options{}))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestFaults asks over HTTP for a fault of one service, and in Go for one of another.
func TestFaults(t *testing.T) {
	e := start(t, emulator.Options{})
	rule, err := json.Marshal(fault.Rule{Service: "redshift-serverless", Operation: "ListNamespaces", Code: "InternalServerException", Status: 500, Message: "asked for"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(e.URL()+fault.Path, "application/json", bytes.NewReader(rule))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for body, want := range map[string]string{
		`{"service":"kinesys"}`:                          `"service" is "kinesys": it must be one of kinesis, `,
		`{"service":"kinesis","operation":"PutRecordz"}`: `it must be one of AddTagsToStream, `,
	} {
		refused, err := http.Post(e.URL()+fault.Path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(refused.Body)
		refused.Body.Close()
		if err != nil || refused.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), want) {
			t.Errorf("the rule %s is answered with %s %s (error %v)", body, refused.Status, text, err)
		}
	}
	e.DataAPI.Control("ListStatements", func(*fault.Call) *fault.Fault {
		return &fault.Fault{Err: fault.Errorf("ThrottlingException", "asked for")}
	})
	keys := credentials.NewStaticCredentialsProvider("any", "any", "")
	serverless := redshiftserverless.New(redshiftserverless.Options{BaseEndpoint: aws.String(e.URL()), Region: "us-east-1", Credentials: keys, Retryer: aws.NopRetryer{}})
	data := redshiftdata.New(redshiftdata.Options{BaseEndpoint: aws.String(e.URL()), Region: "us-east-1", Credentials: keys, Retryer: aws.NopRetryer{}})
	calls := map[string]func(context.Context) error{
		"InternalServerException": func(ctx context.Context) error {
			_, err := serverless.ListNamespaces(ctx, &redshiftserverless.ListNamespacesInput{})
			return err
		},
		"ThrottlingException": func(ctx context.Context) error {
			_, err := data.ListStatements(ctx, &redshiftdata.ListStatementsInput{})
			return err
		},
	}
	for code, call := range calls {
		var refusal smithy.APIError
		if err := call(t.Context()); !errors.As(err, &refusal) || refusal.ErrorCode() != code || refusal.ErrorMessage() != "asked for" {
			t.Errorf("%v, want %s", err, code)
		}
		if err := call(t.Context()); err != nil {
			t.Errorf("the call after it: %v", err)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	for name, o := range map[string]emulator.Options{
		"must be a loopback one": {Address: "0.0.0.0:4599"},
		"missing port":           {Address: "127.0.0.1"},
		"no doubt":               {Readings: map[string]string{"colour": "red"}},
	} {
		if e, err := emulator.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one that says %q", err, name)
			if e != nil {
				e.Close()
			}
		}
	}
}
