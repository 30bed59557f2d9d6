package fakekinesis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"example.com/evstream/emulator/fakekinesis"
)

// faulty returns a server with a stream of one shard.
func faulty(t *testing.T) *fakekinesis.Server {
	t.Helper()
	s := start(t)
	provisioned(t, s, "ev", 1)
	return s
}

func accepted(t *testing.T, s *fakekinesis.Server) int64 {
	t.Helper()
	st, err := s.Stream("ev")
	if err != nil {
		t.Fatal(err)
	}
	return st.Accepted
}

// TestFaults registers one control that takes one PutRecords of three records, and sends
// two: the second always passes.
func TestFaults(t *testing.T) {
	held := make(chan struct{})
	close(held)
	for _, c := range []struct {
		name     string
		fault    fakekinesis.Fault
		code     string // of the answer
		cut      bool
		failed   int32 // records
		accepted int64
	}{
		{name: "nothing", accepted: 3},
		{name: "an AWS error", fault: fakekinesis.Fault{Err: &fakekinesis.Error{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}}, code: "ExpiredTokenException"},
		{name: "a server error", fault: fakekinesis.Fault{Err: &fakekinesis.Error{Status: 500, Code: fakekinesis.InternalFailure}}, code: fakekinesis.InternalFailure},
		{name: "some records", fault: fakekinesis.Fault{Refuse: map[int]string{0: fakekinesis.Throttled, 2: fakekinesis.InternalFailure}}, failed: 2, accepted: 1},
		{name: "cut before", fault: fakekinesis.Fault{CutBefore: true}, cut: true},
		{name: "cut after", fault: fakekinesis.Fault{CutAfter: true}, cut: true, accepted: 3},
		{name: "cut after some records", fault: fakekinesis.Fault{CutAfter: true, Refuse: map[int]string{1: fakekinesis.Throttled}}, cut: true, accepted: 2},
		{name: "late", fault: fakekinesis.Fault{Hold: held, Delay: time.Millisecond}, accepted: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := faulty(t)
			s.Control("PutRecords", func(*fakekinesis.Call) *fakekinesis.Fault { return &c.fault })

			out, err := putRecords(s, "ev", entries(3, 10))
			var answer smithy.APIError
			switch {
			case c.cut:
				if err == nil || errors.As(err, &answer) {
					t.Errorf("got %v, want a broken connection", err)
				}
			case c.code != "":
				wantCode(t, err, c.code)
			case err != nil:
				t.Fatal(err)
			case *out.FailedRecordCount != c.failed:
				t.Errorf("%d records failed, want %d", *out.FailedRecordCount, c.failed)
			}
			if got := accepted(t, s); got != c.accepted {
				t.Errorf("%d records accepted, want %d", got, c.accepted)
			}
			if _, err := putRecords(s, "ev", entries(3, 10)); err != nil {
				t.Errorf("the request after: %v", err)
			}
		})
	}
}

func TestRefusedRecordSaysWhy(t *testing.T) {
	s := faulty(t)
	s.Control("PutRecords", func(*fakekinesis.Call) *fakekinesis.Fault {
		return &fakekinesis.Fault{Refuse: map[int]string{0: fakekinesis.Throttled, 1: fakekinesis.InternalFailure}}
	})
	out, err := putRecords(s, "ev", entries(3, 10))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range out.Records {
		got = append(got, strings.TrimSpace(aws.ToString(r.ErrorCode)+" "+aws.ToString(r.ErrorMessage)+" "+aws.ToString(r.ShardId)))
	}
	want := []string{
		"ProvisionedThroughputExceededException Rate exceeded for shard shardId-000000000000 in stream ev under account 123456789012.",
		"InternalFailure Internal service failure.",
		"shardId-000000000000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results differ (-want +got):\n%s", diff)
	}
}

func TestRefusedPutRecordIsARefusedRequest(t *testing.T) {
	s := faulty(t)
	for _, c := range []struct{ refuse, code string }{
		{fakekinesis.Throttled, "ProvisionedThroughputExceededException"},
		{fakekinesis.InternalFailure, "InternalFailureException"},
	} {
		s.Control("PutRecord", func(*fakekinesis.Call) *fakekinesis.Fault {
			return &fakekinesis.Fault{Refuse: map[int]string{0: c.refuse}}
		})
		_, err := client(s).PutRecord(context.Background(), &kinesis.PutRecordInput{
			StreamName: aws.String("ev"), PartitionKey: aws.String("k"), Data: []byte("x")})
		wantCode(t, err, c.code)
	}
}

// TestControlsReadLikeAScript: the first throttles until it has seen enough, one that is
// for another operation waits for it, one that declines stays.
func TestControlsReadLikeAScript(t *testing.T) {
	s := faulty(t)
	throttle := &fakekinesis.Fault{Err: &fakekinesis.Error{Code: fakekinesis.Throttled}}
	seen, times := []fakekinesis.Call{}, 0
	s.Control("", func(c *fakekinesis.Call) *fakekinesis.Fault {
		seen = append(seen, *c)
		return nil
	})
	s.Control("ListStreams", func(*fakekinesis.Call) *fakekinesis.Fault {
		return &fakekinesis.Fault{Err: &fakekinesis.Error{Code: "LimitExceededException"}} // that operation's own
	})
	s.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
		if times++; times < 2 {
			c.Keep()
		}
		return throttle
	})

	k := client(s)
	for i, want := range []string{fakekinesis.Throttled, fakekinesis.Throttled, ""} {
		_, err := k.PutRecords(context.Background(), &kinesis.PutRecordsInput{
			StreamARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/ev"), Records: entries(2, 8)})
		if want != "" {
			wantCode(t, err, want)
		} else if err != nil {
			t.Errorf("request %d: %v", i+1, err)
		}
	}
	_, err := k.ListStreams(context.Background(), &kinesis.ListStreamsInput{})
	wantCode(t, err, "LimitExceededException")
	if _, err := k.ListStreams(context.Background(), &kinesis.ListStreamsInput{}); err != nil {
		t.Error(err)
	}

	for operation, body := range map[string]string{
		"CreateStream":        `{"StreamName":"ev"}`,
		"UpdateMaxRecordSize": `{"StreamARN":"arn:aws:kinesis:us-east-1:123456789012:stream/ev","MaxRecordSizeInKiB":1024}`,
	} {
		post(t, s, operation, body)
		if last := seen[len(seen)-1]; last.Operation != operation || last.Stream != "ev" {
			t.Errorf("the control sees %s of %q, want %s of ev", last.Operation, last.Stream, operation)
		}
	}
	seen = seen[:len(seen)-2]
	if len(seen) != 5 {
		t.Fatalf("the first control saw %d calls, want 5", len(seen))
	}
	first := seen[0]
	if first.Operation != "PutRecords" || first.Stream != "ev" || !strings.Contains(string(first.Body), `"PartitionKey":"000001"`) {
		t.Errorf("saw %s of %q with body %s", first.Operation, first.Stream, first.Body)
	}
	want := []fakekinesis.Entry{{PartitionKey: "000000", Data: []byte("xx")}, {PartitionKey: "000001", Data: []byte("xx")}}
	if diff := cmp.Diff(want, first.Records); diff != "" {
		t.Errorf("records differ (-want +got):\n%s", diff)
	}
	if puts, lists := s.Calls("PutRecords"), s.Calls("ListStreams"); puts != 1 || lists != 1 {
		t.Errorf("%d PutRecords and %d ListStreams got through, want 1 and 1", puts, lists)
	}
}

// TestHeldRequest: one request waits for the test while another passes it.
func TestHeldRequest(t *testing.T) {
	s := faulty(t)
	release, reached := make(chan struct{}), make(chan struct{})
	s.Control("PutRecords", func(*fakekinesis.Call) *fakekinesis.Fault {
		close(reached)
		return &fakekinesis.Fault{Hold: release}
	})
	done := make(chan error)
	go func() {
		_, err := putRecords(s, "ev", entries(3, 10))
		done <- err
	}()
	<-reached
	if _, err := putRecords(s, "ev", entries(1, 10)); err != nil {
		t.Error(err)
	}
	if got := accepted(t, s); got != 1 {
		t.Errorf("%d records accepted before the release, want 1", got)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := accepted(t, s); got != 4 {
		t.Errorf("%d records accepted after it, want 4", got)
	}
}

func TestCloseEndsAHeldRequest(t *testing.T) {
	s := fakekinesis.New()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{})
	s.Control("", func(*fakekinesis.Call) *fakekinesis.Fault {
		close(reached)
		return &fakekinesis.Fault{Hold: make(chan struct{})}
	})
	done := make(chan error)
	go func() {
		_, err := client(s).ListStreams(context.Background(), &kinesis.ListStreamsInput{})
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

// TestDecliningControlKeepsOnlyItself: what a control that declines says of being
// kept is not about the control after it.
func TestDecliningControlKeepsOnlyItself(t *testing.T) {
	s := faulty(t)
	s.Control("PutRecords", func(c *fakekinesis.Call) *fakekinesis.Fault {
		c.Keep()
		return nil
	})
	s.Control("PutRecords", func(*fakekinesis.Call) *fakekinesis.Fault {
		return &fakekinesis.Fault{Err: &fakekinesis.Error{Code: "ExpiredTokenException"}}
	})
	_, err := putRecords(s, "ev", entries(1, 10))
	wantCode(t, err, "ExpiredTokenException")
	if _, err := putRecords(s, "ev", entries(1, 10)); err != nil {
		t.Errorf("the second control serves one request, but also took the next: %v", err)
	}
}
