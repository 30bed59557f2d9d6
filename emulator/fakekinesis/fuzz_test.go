package fakekinesis_test

import (
	"encoding/json"
	"testing"

	"example.com/evstream/emulator/fakekinesis"
)

// FuzzRequest: whatever the body of a request, the answer is a result or an error that is
// the request's fault, and the stream holds what the answers say that it took.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ operation, body string }{
		{"PutRecords", `{"StreamName":"ev","Records":[{"Data":"aGk=","PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211455"},{"Data":"","PartitionKey":"\u00e9"}]}`},
		{"PutRecord", `{"StreamARN":"arn:aws:kinesis:us-east-1:123456789012:stream/ev","Data":"aGk=","PartitionKey":"k","SequenceNumberForOrdering":"1"}`},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1.5e9}`},
		{"GetShardIterator", `{"StreamName":"ev","ShardId":"shardId-000000000001","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"49"}`},
		{"GetRecords", `{"ShardIterator":"AAAA","Limit":10000}`},
		{"GetRecords", "{\"broken UTF-8 \xff in a name\":1}"},
		{"ListShards", `{"StreamName":"ev","MaxResults":1,"ShardFilter":{"Type":"AT_TRIM_HORIZON"}}`},
		{"ListShards", `{"NextToken":"AAAA"}`},
		{"ListStreams", `{"Limit":1,"ExclusiveStartStreamName":"a"}`},
		{"CreateStream", `{"StreamName":"other","ShardCount":2,"StreamModeDetails":{"StreamMode":"PROVISIONED"},"Tags":{"a":"b"}}`},
		{"CreateStream", `{"StreamName":"other","ShardCount":2147483647}`},
		{"UpdateShardCount", `{"StreamName":"ev","TargetShardCount":2147483647,"ScalingType":"UNIFORM_SCALING"}`},
		{"UpdateShardCount", `{"StreamName":"ev","TargetShardCount":4,"ScalingType":"UNIFORM_SCALING"}`},
		{"SplitShard", `{"StreamName":"ev","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"10"}`},
		{"MergeShards", `{"StreamName":"ev","ShardToMerge":"shardId-000000000000","AdjacentShardToMerge":"shardId-000000000001"}`},
		{"DescribeStreamSummary", `{"StreamName":"ev"}`},
		{"AddTagsToStream", `{"StreamName":"ev","Tags":{"k":"v"}}`},
	} {
		f.Add(seed.operation, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, operation string, body []byte) {
		s := fakekinesis.New()
		s.Checked = true
		if _, err := s.CreateStream(fakekinesis.StreamSettings{Name: "ev", Shards: 2, MaxRecordKiB: 1024}); err != nil {
			t.Fatal(err)
		}
		w := serve(s, operation, string(body))

		var answer struct {
			Type              string `json:"__type"`
			SequenceNumber    string
			FailedRecordCount int
			Records           []struct{ SequenceNumber, ErrorCode string }
		}
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatalf("the answer is no JSON: %v\n%s", err, w.Body)
			}
		}
		if w.Code == 200 && !json.Valid(body) {
			t.Errorf("a result for a request that is no JSON: %s", w.Body)
		}
		if w.Code != 200 && (w.Code < 400 || w.Code >= 500 || answer.Type == "") {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		took := int64(0)
		switch operation {
		case "PutRecord":
			if answer.SequenceNumber != "" {
				took = 1
			}
		case "PutRecords":
			took = int64(len(answer.Records) - answer.FailedRecordCount)
			for _, r := range answer.Records {
				if (r.SequenceNumber == "") == (r.ErrorCode == "") {
					t.Errorf("a record with sequence number %q and error code %q", r.SequenceNumber, r.ErrorCode)
				}
			}
		}
		if st, err := s.Stream("ev"); operation != "DeleteStream" && (err != nil || st.Stored != took) {
			t.Errorf("the stream holds %d records (error %v), the answer tells of %d", st.Stored, err, took)
		}
	})
}
