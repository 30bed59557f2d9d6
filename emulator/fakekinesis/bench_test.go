package fakekinesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkPutRecords measures the handler alone: a request of 500 records of 200 bytes.
func BenchmarkPutRecords(b *testing.B) {
	type record struct {
		Data         []byte
		PartitionKey string
	}
	var request struct {
		Records    []record
		StreamName string
	}
	request.StreamName = "ev"
	for i := range maxPutRecords {
		request.Records = append(request.Records, record{bytes.Repeat([]byte("x"), 200), fmt.Sprintf("station-%d", i)})
	}
	body, err := json.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	for name, options := range map[string][]Option{"store": nil, "discard": {WithDiscard()}} {
		b.Run(name, func(b *testing.B) {
			s := New(options...)
			if _, err := s.CreateStream(StreamSettings{Name: "ev", Shards: 4}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=id/20260301/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.N*maxPutRecords)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
