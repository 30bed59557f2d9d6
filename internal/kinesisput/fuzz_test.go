package kinesisput_test

import (
	"testing"
	"testing/synctest"

	"example.com/evstream/internal/kinesisput"
)

// FuzzAnswer: whatever the service answers to the first requests, each record ends as
// delivered or failed, and the writer ends.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"},{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded for shard shardId-000000000001 in stream ev"},{"ErrorCode":"InternalFailure"}],"FailedRecordCount":2}`},
		{200, `{"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"shardId-"},{"ErrorCode":""},{}]}`},
		{200, `{"Records":[]}`},
		{200, `{"Records":[null,null,null]}`},
		{200, ``},
		{200, `<html>`},
		{204, ``},
		{400, `{"__type":"ValidationException","message":"1 validation error detected"}`},
		{400, `{"__type":"com.amazonaws.kinesis#LimitExceededException"}`},
		{400, `{"__type":"ExpiredTokenException"}`},
		{413, ``},
		{429, `Too many`},
		{500, `{"__type":"InternalFailure"}`},
		{503, "\x00"},
		{301, ``},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return // no HTTP client gives these
		}
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint(t)
			e.answer = func(n int, _ []entry) reply {
				if n < 3 {
					return reply{status: status, text: append([]byte{}, body...)}
				}
				return reply{}
			}
			w, failed := start(t, e, kinesisput.Config{InFlight: 1, MaxAttempts: 5})
			for _, key := range []string{leftKey, rightKey, "c"} {
				if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: key, Data: []byte(key)}); err != nil {
					t.Fatal(err)
				}
			}
			_ = w.Close(t.Context()) // it may have stopped before
			if s := w.Stats(); s.Accepted != 3 || s.Delivered+s.Failed != 3 || int64(len(failed.list)) != s.Failed {
				t.Errorf("%+v, %d failures reported", s, len(failed.list))
			}
		})
	})
}
