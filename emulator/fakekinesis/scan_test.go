package fakekinesis

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestScanAgreesWithTheModel compares the fast reader of PutRecords bodies with the ordinary
// way: it may give up, but what it reads must fit the model and be the same.
func TestScanAgreesWithTheModel(t *testing.T) {
	for _, c := range []struct {
		name, body string
		scanned    bool
	}{
		{"as the SDK writes it", `{"Records":[{"Data":"aGk=","PartitionKey":"k"},{"Data":"","ExplicitHashKey":"12","PartitionKey":"é"}],"StreamName":"s"}`, true},
		{"as the CLI writes it", `{"StreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s", "Records": [{"Data": "aGk=", "PartitionKey": "k"}]}`, true},
		{"space everywhere", " {\n\"StreamName\" :\t\"s\" , \"Records\" : [ { \"Data\" : \"aGk=\" , \"PartitionKey\" : \"k\" } ] }\r\n", true},
		{"no records", `{"Records":[],"StreamName":"s"}`, false},
		{"nothing", `{}`, false},
		{"absent members", `{"Records":[{}]}`, false},
		{"a name that breaks the model", `{"Records":[{"Data":"","PartitionKey":"k"}],"StreamName":"s s"}`, false},
		{"data that is no base64", `{"Records":[{"Data":"aGk","PartitionKey":"k"}],"StreamName":"s"}`, false},
		{"a hash key with a zero before it", `{"Records":[{"Data":"","PartitionKey":"k","ExplicitHashKey":"07"}],"StreamName":"s"}`, false},
		{"escape", `{"Records":[{"Data":"aGk=","PartitionKey":"\u00e9"}]}`, false},
		{"null", `{"Records":null,"StreamName":null}`, false},
		{"repeated member", `{"StreamName":"a","StreamName":"b"}`, false},
		{"repeated records", `{"Records":[],"Records":[]}`, false},
		{"unknown member", `{"Records":[],"DryRun":true}`, false},
		{"wrong case", `{"records":[]}`, false},
		{"wrong type", `{"Records":{}}`, false},
		{"text after", `{"StreamName":"a"} x`, false},
		{"cut short", `{"Records":[{"Data":"aGk=","Part`, false},
		{"comma too many", `{"StreamName":"a",}`, false},
		{"comma too few", `{"Records":[{"Data":"" "PartitionKey":""}]}`, false},
		{"raw line break in a string", "{\"StreamName\":\"a\nb\"}", false},
		{"broken UTF-8", "{\"StreamName\":\"a\xff\"}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compareReaders(t, []byte(c.body)); got != c.scanned {
				t.Errorf("scanned is %v, want %v", got, c.scanned)
			}
		})
	}
}

func FuzzScanAgreesWithTheModel(f *testing.F) {
	f.Add([]byte(`{"Records":[{"Data":"aGk=","PartitionKey":"k","ExplicitHashKey":"12"}],"StreamName":"s","StreamARN":"a"}`))
	f.Fuzz(func(t *testing.T, body []byte) { compareReaders(t, body) })
}

// compareReaders reports whether the fast reader took the body.
func compareReaders(t *testing.T, body []byte) bool {
	t.Helper()
	s := New()
	got, ok := s.scanPutRecords(body)
	if !ok {
		return false
	}
	if err := s.Validate("PutRecords", json.RawMessage(body)); err != nil {
		t.Fatalf("scanned what breaks the model: %v", err)
	}
	want := &putRecords{}
	if err := json.Unmarshal(body, want); err != nil {
		t.Fatal(err)
	}
	if err := want.Prepare(); err != nil {
		t.Fatalf("scanned what is refused: %v", err)
	}
	want.Records = nil // the fast reader leaves them out
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(putRecords{}, writing{}, putEntry{}, entry{}, hashKey{})); diff != "" {
		t.Errorf("the request differs (-ordinary +scan):\n%s", diff)
	}
	return true
}
