package fakekinesis

import "time"

type describeStream struct {
	streamRef
	Limit                 *int
	ExclusiveStartShardId *string
}

func (in *describeStream) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveAny(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	type reply struct {
		description
		Shards        []shardReply
		HasMoreShards bool
	}
	out := reply{description: st.describe(), Shards: []shardReply{}}
	limit := defaultDescribeShards
	if in.Limit != nil {
		limit = *in.Limit
	}
	for _, sh := range st.visibleShards() {
		if in.ExclusiveStartShardId != nil && sh.id <= *in.ExclusiveStartShardId {
			continue
		}
		if len(out.Shards) == limit {
			out.HasMoreShards = true
			break
		}
		out.Shards = append(out.Shards, sh.describe())
	}
	return struct{ StreamDescription reply }{out}, nil
}

type describeStreamSummary struct{ streamRef }

func (in *describeStreamSummary) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveAny(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	type reply struct {
		description
		OpenShardCount     int
		ConsumerCount      int
		MaxRecordSizeInKiB int
	}
	out := reply{description: st.describe(), MaxRecordSizeInKiB: st.maxRecord >> 10}
	if st.status != Creating {
		out.OpenShardCount = len(st.routes)
	}
	return struct{ StreamDescriptionSummary reply }{out}, nil
}

// description has the members that DescribeStream and DescribeStreamSummary share.
type description struct {
	StreamName              string
	StreamARN               string
	StreamStatus            string
	StreamModeDetails       streamModeDetails
	RetentionPeriodHours    int
	StreamCreationTimestamp epoch
	EnhancedMonitoring      []monitoringReply
	EncryptionType          string
	KeyId                   string `json:",omitempty"`
}

type monitoringReply struct{ ShardLevelMetrics []string }

func (st *stream) describe() description {
	return description{
		StreamName:              st.name,
		StreamARN:               st.arn,
		StreamStatus:            st.status,
		StreamModeDetails:       streamModeDetails{st.mode},
		RetentionPeriodHours:    st.retention,
		StreamCreationTimestamp: epoch(st.created),
		EnhancedMonitoring:      []monitoringReply{{ShardLevelMetrics: []string{}}},
		EncryptionType:          st.encryption(),
		KeyId:                   st.kmsKey,
	}
}

func (st *stream) encryption() string {
	if st.kmsKey == "" {
		return "NONE"
	}
	return "KMS"
}

// recordEncryption is the encryption type of a record: none if it is not encrypted.
func (st *stream) recordEncryption() string {
	if st.kmsKey == "" {
		return ""
	}
	return "KMS"
}

// visibleShards are those a client can see: none before the stream is made.
func (st *stream) visibleShards() []*shard {
	if st.status == Creating {
		return nil
	}
	return st.shards
}
