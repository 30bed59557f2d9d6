package fakekinesis

import "time"

type streamModeDetails struct{ StreamMode string }

type createStream struct {
	StreamName         string
	ShardCount         *int
	StreamModeDetails  *streamModeDetails
	MaxRecordSizeInKiB *int
	Tags               map[string]string
}

func (in *createStream) stream() string { return in.StreamName }

func (in *createStream) apply(s *Server, now time.Time) (any, error) {
	want := StreamSettings{Name: in.StreamName, Mode: Provisioned, Tags: in.Tags}
	switch {
	case in.StreamModeDetails != nil:
		want.Mode = in.StreamModeDetails.StreamMode
	case in.ShardCount == nil:
		// Recorded by localstack 8b9a79f, test_create_stream_without_shard_count, 2022-08-26:
		// a name alone makes a stream of four shards.
		want.Mode = OnDemand
	}
	if in.ShardCount != nil {
		want.Shards = *in.ShardCount
	}
	if in.MaxRecordSizeInKiB != nil {
		want.MaxRecordKiB = *in.MaxRecordSizeInKiB
	}
	_, err := s.create(want, now)
	return nil, err
}
