package fakekinesis

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestScanAgreesWithDecode holds the fast reader of PutRecords bodies to the general
// one: it may give up, but what it reads must be the same.
func TestScanAgreesWithDecode(t *testing.T) {
	for _, c := range []struct {
		name, body string
		scanned    bool
	}{
		{"as the SDK writes it", `{"Records":[{"Data":"aGk=","PartitionKey":"k"},{"Data":"","ExplicitHashKey":"12","PartitionKey":"é"}],"StreamName":"s"}`, true},
		{"as the CLI writes it", `{"StreamARN": "arn", "Records": [{"Data": "aGk=", "PartitionKey": "k"}]}`, true},
		{"space everywhere", " {\n\"StreamName\" :\t\"s\" , \"Records\" : [ { \"Data\" : \"aGk=\" , \"PartitionKey\" : \"k\" } ] }\r\n", true},
		{"no records", `{"Records":[],"StreamName":"s"}`, true},
		{"nothing", `{}`, true},
		{"absent members", `{"Records":[{}]}`, true},
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

func FuzzScanAgreesWithDecode(f *testing.F) {
	f.Add([]byte(`{"Records":[{"Data":"aGk=","PartitionKey":"k","ExplicitHashKey":"12"}],"StreamName":"s","StreamARN":"a"}`))
	f.Fuzz(func(t *testing.T, body []byte) { compareReaders(t, body) })
}

// compareReaders reports whether the fast reader took the body.
func compareReaders(t *testing.T, body []byte) bool {
	t.Helper()
	ref, records, ok := scanPutRecords(body)
	if !ok {
		return false
	}
	wantRef, want, err := decodePutRecords(body)
	if err != nil {
		t.Fatalf("scanned what decode refuses: %v", err)
	}
	if diff := cmp.Diff(wantRef, ref); diff != "" {
		t.Errorf("stream differs (-decode +scan):\n%s", diff)
	}
	if diff := cmp.Diff(want, records, cmp.AllowUnexported(rawRecord{})); diff != "" {
		t.Errorf("records differ (-decode +scan):\n%s", diff)
	}
	return true
}
