package fakekinesis_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
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
	if st, err := s.Stream("ev"); err != nil || st.Accepted != 1 || *out.FailedRecordCount != 2 {
		t.Errorf("%d records are accepted and %d failed (error %v), want 1 and 2", st.Accepted, *out.FailedRecordCount, err)
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

// TestWhatAControlSees: the stream's name, however it is named, and the records.
func TestWhatAControlSees(t *testing.T) {
	s := faulty(t)
	var seen fakekinesis.Call
	s.Control("", func(c *fakekinesis.Call) *fakekinesis.Fault {
		seen = *c
		return nil
	})
	for operation, body := range map[string]string{
		"CreateStream":        `{"StreamName":"ev"}`,
		"UpdateMaxRecordSize": `{"StreamARN":"arn:aws:kinesis:us-east-1:123456789012:stream/ev","MaxRecordSizeInKiB":1024}`,
		"PutRecord":           `{"StreamName":"ev","PartitionKey":"k","Data":"eA=="}`,
	} {
		serve(s, operation, body)
		if seen.Operation != operation || seen.Stream != "ev" {
			t.Errorf("the control sees %s of %q, want %s of ev", seen.Operation, seen.Stream, operation)
		}
	}
	if _, err := putRecords(s, "ev", entries(2, 8)); err != nil {
		t.Fatal(err)
	}
	want := []fakekinesis.Entry{{PartitionKey: "000000", Data: []byte("xx")}, {PartitionKey: "000001", Data: []byte("xx")}}
	if diff := cmp.Diff(want, seen.Records); diff != "" || !strings.Contains(string(seen.Body), `"PartitionKey":"000001"`) {
		t.Errorf("records differ (-want +got):\n%s\nthe body is %s", diff, seen.Body)
	}
}
