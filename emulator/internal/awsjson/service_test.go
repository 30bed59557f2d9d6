package awsjson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/evstream/emulator/fault"
)

type listStreams struct{ ExclusiveStartStreamName string }

// service is a Kinesis of one operation, which does what the test says.
func service(t *testing.T, list func(*listStreams) (any, error)) *Service {
	t.Helper()
	s := New(Config{
		Name: "kinesis", Region: "us-east-1", MaxBody: 1000, Internal: "InternalFailure",
		Operations: map[string]Handler{
			"ListStreams": Handle(func(_ context.Context, in *listStreams) (any, error) { return list(in) }),
		},
	})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func empty(*listStreams) (any, error) {
	return map[string]any{"StreamNames": []string{}, "HasMoreStreams": false}, nil
}

const signature = "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0"

func request(url string, body io.Reader, headers map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, url+"/", body)
	r.RequestURI = ""
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
	r.Header.Set("Authorization", signature)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if host := headers["Host"]; host != "" {
		r.Host = host
	}
	return r
}

// ask sends a request and returns the answer's status and text.
func ask(t *testing.T, s *Service, body string, headers map[string]string) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(request(s.URL(), strings.NewReader(body), headers))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestRefusedRequests(t *testing.T) {
	s := service(t, empty)
	signed := func(scope string) map[string]string {
		return map[string]string{"Authorization": strings.Replace(signature, "us-east-1/kinesis/aws4_request", scope, 1)}
	}
	for _, c := range []struct {
		name, body string
		headers    map[string]string
		status     int
		want       string
	}{
		{"nothing wrong", `{}`, nil, 200, `"StreamNames":[]`},
		{"a character set", `{}`, map[string]string{"Content-Type": contentType + "; charset=utf-8"}, 200, ""},
		{"localhost", `{}`, map[string]string{"Host": "localhost:1"}, 200, ""},
		{"a name that leads to the loopback address", `{}`, map[string]string{"Host": "evil.example:80"}, 403, "web pages"},
		{"a page in a browser", `{}`, map[string]string{"Origin": "http://127.0.0.1:80"}, 403, "web pages"},
		{"no credentials", `{}`, map[string]string{"Authorization": ""}, 400, "MissingAuthenticationTokenException"},
		{"half a signature", `{}`, map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=id"}, 400, "IncompleteSignatureException"},
		{"another region", `{}`, signed("eu-west-1/kinesis/aws4_request"), 400, "InvalidSignatureException"},
		{"another service", `{}`, signed("us-east-1/firehose/aws4_request"), 400, "InvalidSignatureException"},
		{"another operation", `{}`, map[string]string{"X-Amz-Target": "Kinesis_20131202.SubscribeToShard"}, 400, "UnknownOperationException"},
		{"another service's operation", `{}`, map[string]string{"X-Amz-Target": "DynamoDB_20120810.ListTables"}, 400, "UnknownOperationException"},
		{"CBOR", `{}`, map[string]string{"Content-Type": "application/x-amz-cbor-1.1"}, 400, "switch CBOR off"},
		{"no body", ``, nil, 400, "SerializationException"},
		{"not an object", `[]`, nil, 400, "SerializationException"},
		{"text after the object", `{} {}`, nil, 400, "SerializationException"},
		{"a member twice", `{"Limit":1,"Limit":2}`, nil, 400, "SerializationException"},
		{"wrong type", `{"Limit":"many"}`, nil, 400, "SerializationException"},
		{"a member of no service", `{"Colour":"red"}`, nil, 400, "AWS would ignore it"},
		{"a member in the wrong case", `{"limit":3}`, nil, 400, "AWS would ignore it"},
		{"a member that the emulator lacks", `{"Limit":3}`, nil, 400, `the emulator does not support the request member \"Limit\"`},
		{"too long a body", strings.Repeat(" ", 999) + `{}`, nil, 413, "RequestEntityTooLargeException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, answer := ask(t, s, c.body, c.headers); status != c.status || !strings.Contains(answer, c.want) {
				t.Errorf("status %d, answer %s; want %d and %q", status, answer, c.status, c.want)
			}
		})
	}
}

// TestBodyOfUnknownLength: a client need not say how long its body is.
func TestBodyOfUnknownLength(t *testing.T) {
	s := service(t, empty)
	for body, want := range map[string]int{"{}": 200, strings.Repeat(" ", 999) + "{}": 413} {
		answer, err := http.DefaultClient.Do(request(s.URL(), io.MultiReader(strings.NewReader(body)), nil))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("a body of %d bytes is answered with %d, want %d", len(body), answer.StatusCode, want)
		}
	}
}

// TestMistakesOfTheEmulator: neither an error nor a panic of an operation ends the server.
func TestMistakesOfTheEmulator(t *testing.T) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	for name, mistake := range map[string]func(*listStreams) (any, error){
		"error": func(*listStreams) (any, error) { return nil, errors.New("the disk is full") },
		"panic": func(*listStreams) (any, error) { panic("the disk is full") },
		"reply": func(*listStreams) (any, error) { return make(chan int), nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := service(t, mistake)
			for range 2 {
				if status, answer := ask(t, s, "{}", nil); status != 500 || !strings.Contains(answer, `"__type":"InternalFailure"`) {
					t.Errorf("status %d, answer %s", status, answer)
				}
			}
		})
	}
}

// TestClientsThatMisbehave: whatever they do, the next client is served.
func TestClientsThatMisbehave(t *testing.T) {
	s := service(t, func(*listStreams) (any, error) {
		return map[string]any{"StreamNames": []string{}, "HasMoreStreams": false, "NextToken": strings.Repeat("x", 1<<20)}, nil
	})
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\nContent-Type: %s\r\nX-Amz-Target: Kinesis_20131202.ListStreams\r\n", signature, contentType)
	for name, sent := range map[string]string{
		"hangs up before the headers":     "",
		"sends garbage":                   "\x00\xff\x16\x03\x01 HTTP\r\n\r\n",
		"hangs up in the headers":         "POST / HTTP/1.1\r\nHos",
		"hangs up in the body":            head + "Content-Length: 100\r\n\r\n{",
		"hangs up before the answer":      head + "Content-Length: 2\r\n\r\n{}",
		"claims a length below zero":      head + "Content-Length: -2\r\n\r\n{}",
		"claims more than there can be":   head + "Content-Length: 99999999999\r\n\r\n{}",
		"sends a chunk of no length":      head + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
		"sends two requests, reads none":  strings.Repeat(head+"Content-Length: 2\r\n\r\n{}", 2),
		"asks for a page that is not one": "GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).SetLinger(0) // a reset, so that what the server writes fails
			conn.Close()
			if status, _ := ask(t, s, "{}", nil); status != 200 {
				t.Errorf("the next client is answered with %d", status)
			}
		})
	}
	stalling, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer stalling.Close()
	if _, err := io.WriteString(stalling, head+"Content-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(t, s, "{}", nil); status != 200 {
		t.Errorf("beside a client that sends nothing more the next one is answered with %d", status)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing beside it: %v", err)
	}
}

// TestTrafficThatBreaksTheModel: what a service accepts and answers is compared with its
// model, what it refuses may break it.
func TestTrafficThatBreaksTheModel(t *testing.T) {
	s := service(t, empty)
	for _, c := range []struct {
		name, operation, request, answer string
		failed                           error
		want                             string
	}{
		{"all is well", "DeleteStream", `{"StreamName":"ev"}`, ``, nil, ""},
		{"an accepted request that breaks it", "DeleteStream", `{"StreamName":"e v"}`, ``, nil, "is accepted, and breaks the model"},
		{"a refused one", "DeleteStream", `{"StreamName":"e v"}`, `{}`, fault.Errorf("ValidationException", "no"), ""},
		{"an answer that breaks it", "DescribeLimits", `{}`, `{"ShardLimit":"many"}`, nil, "shardLimit is not a whole number"},
		{"an error of another operation", "DescribeLimits", `{}`, `{}`, fault.Errorf("ExpiredIteratorException", "old"), "has no error ExpiredIteratorException"},
		{"an error without a code", "DescribeLimits", `{}`, `{}`, &fault.Error{}, "has no code"},
		{"an operation that it lacks", "SubscribeToShard", `{}`, ``, nil, "is no operation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := s.breaks(c.operation, []byte(c.request), []byte(c.answer), c.failed)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestFaults: what a control returns happens to one request. Another one, which comes after it
// or while it is held, passes.
func TestFaults(t *testing.T) {
	refused := &fault.Error{Code: "LimitExceededException", Message: "slower"}
	release := make(chan struct{})
	for name, c := range map[string]struct {
		fault  fault.Fault
		status int // 0 is a broken connection
		calls  int // that reach the operation
	}{
		"nothing":      {fault.Fault{}, 200, 1},
		"an error":     {fault.Fault{Err: refused}, 400, 0},
		"a late error": {fault.Fault{Delay: time.Millisecond, Err: refused}, 400, 0},
		"its own":      {fault.Fault{Err: &fault.Error{Status: 500, Code: "InternalFailure"}}, 500, 0},
		"cut before":   {fault.Fault{CutBefore: true}, 0, 0},
		"cut after":    {fault.Fault{CutAfter: true}, 0, 1},
		"held":         {fault.Fault{Hold: release}, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := service(t, empty)
			reached := make(chan struct{})
			s.Control("ListStreams", func(call *fault.Call) *fault.Fault {
				if call.Service != "kinesis" || call.Operation != "ListStreams" || string(call.Body) != "{}" {
					t.Errorf("the control sees %+v", call)
				}
				close(reached)
				return &c.fault
			})
			status := make(chan int)
			go func() {
				answer, err := http.DefaultClient.Do(request(s.URL(), strings.NewReader("{}"), nil))
				if err != nil {
					status <- 0
					return
				}
				answer.Body.Close()
				status <- answer.StatusCode
			}()
			<-reached
			if next, _ := ask(t, s, "{}", nil); next != 200 {
				t.Errorf("the next request is answered with %d", next)
			}
			if name == "held" {
				close(release)
			}
			if got := <-status; got != c.status {
				t.Errorf("the status is %d, want %d", got, c.status)
			}
			if calls := s.Calls("ListStreams"); calls != c.calls+1 {
				t.Errorf("%d requests reached the operation, want %d", calls, c.calls+1)
			}
		})
	}
}

// TestControlsReadLikeAScript: the first keeps itself until it has seen enough, one that
// declines stays and keeps only itself, one that is for another operation waits for it.
func TestControlsReadLikeAScript(t *testing.T) {
	s := service(t, empty)
	refuse := func(code string) *fault.Fault { return &fault.Fault{Err: fault.Errorf(code, "")} }
	seen, times := 0, 0
	s.Control("", func(c *fault.Call) *fault.Fault {
		seen++
		c.Keep()
		return nil
	})
	s.Control("PutRecords", func(*fault.Call) *fault.Fault { return refuse("InvalidArgumentException") })
	s.Control("ListStreams", func(c *fault.Call) *fault.Fault {
		if times++; times < 2 {
			c.Keep()
		}
		return refuse("LimitExceededException")
	})
	s.Control("ListStreams", func(*fault.Call) *fault.Fault { return refuse("ExpiredTokenException") })
	for i, want := range []string{"LimitExceeded", "LimitExceeded", "ExpiredToken", "StreamNames"} {
		if _, answer := ask(t, s, "{}", nil); !strings.Contains(answer, want) {
			t.Errorf("request %d is answered with %s, want %s", i+1, answer, want)
		}
	}
	if seen != 4 {
		t.Errorf("the control that declines saw %d requests, want 4", seen)
	}
}

// TestCloseEndsAHeldRequest: nobody waits for what a fault holds.
func TestCloseEndsAHeldRequest(t *testing.T) {
	s := service(t, empty)
	reached, done := make(chan struct{}), make(chan error)
	s.Control("", func(*fault.Call) *fault.Fault {
		close(reached)
		return &fault.Fault{Hold: make(chan struct{})}
	})
	go func() {
		answer, err := http.DefaultClient.Do(request(s.URL(), strings.NewReader("{}"), nil))
		if err == nil {
			answer.Body.Close()
		}
		done <- err
	}()
	<-reached
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the request succeeded, want a broken connection")
	}
}

// TestRules asks for faults as a client in any language would.
func TestRules(t *testing.T) {
	s := service(t, empty)
	rules := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		s.Faults.ServeHTTP(w, httptest.NewRequest(method, fault.Path, bytes.NewReader([]byte(body))))
		return w.Code, w.Body.String()
	}
	for body, want := range map[string]string{
		`{"operation":"ListStreams"}`:                      `"service" is missing`,
		`{"service":"kinesis","delay":"soon"}`:             `invalid duration \"soon\"`,
		`{"service":"kinesis","delay":"-5s"}`:              `"delay" is -5s`,
		`{"service":"kinesis","code":"Busy","status":99}`:  `"status" is 99`,
		`{"service":"kinesis","code":"Busy","status":200}`: `"status" is 200`,
		`{"service":"kinesis","cut":"sometimes"}`:          `it must be "before" or "after"`,
		`{"service":"kinesis","status":500}`:               `"code" is missing`,
		`{"service":"kinesis","times":-1}`:                 `at least 1`,
		`{"service":"kinesis","colour":"red"}`:             `colour`,
		`{`:                                                `EOF`,
	} {
		if status, answer := rules("POST", body); status != 400 || !strings.Contains(answer, strings.ReplaceAll(want, `\"`, `"`)) {
			t.Errorf("%s: %d %s, want 400 and %s", body, status, answer, want)
		}
	}
	if status, answer := rules("POST", `{"service":"kinesis","contains":"later","times":2,"code":"LimitExceededException","message":"slower","delay":"1ms"}`); status != 204 {
		t.Fatalf("a rule is answered with %d %s", status, answer)
	}
	if status, _ := ask(t, s, `{}`, nil); status != 200 {
		t.Errorf("a request that the rule is not about is answered with %d", status)
	}
	for i, want := range []int{400, 400, 200} {
		if status, answer := ask(t, s, `{"ExclusiveStartStreamName":"later"}`, nil); status != want || status == 400 && !strings.Contains(answer, "slower") {
			t.Errorf("request %d is answered with %d %s, want %d", i+1, status, answer, want)
		}
	}
	rules("POST", `{"service":"kinesis","cut":"before"}`)
	rules("POST", `{"service":"kinesis","cut":"after"}`)
	if _, left := rules("GET", ""); !strings.Contains(left, `"cut":"before"`) || !strings.Contains(left, `"cut":"after"`) {
		t.Errorf("the rules that are left: %s", left)
	}
	if status, _ := rules("DELETE", ""); status != 204 {
		t.Errorf("DELETE is answered with %d", status)
	}
	if _, left := rules("GET", ""); strings.TrimSpace(left) != "[]" {
		t.Errorf("after DELETE the rules are %s", left)
	}
	if status, _ := rules("PUT", ""); status != 405 {
		t.Errorf("PUT is answered with %d, want 405", status)
	}
}
