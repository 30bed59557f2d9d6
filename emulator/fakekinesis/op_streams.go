package fakekinesis

import (
	"sort"
	"time"
)

// The operations on whole streams: making, deleting, describing, listing and changing
// them.

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

type deleteStream struct {
	streamRef
	EnforceConsumerDeletion *bool // there are no consumers to delete
}

func (in *deleteStream) apply(s *Server, now time.Time) (any, error) {
	name, err := s.resolve(in.streamRef)
	if err != nil {
		return nil, err
	}
	return nil, s.delete(name, now)
}

// delete begins a stream's end. Its records are gone at once; a deletion under way is
// left to go on.
func (s *Server) delete(name string, now time.Time) error {
	st, err := s.find(name, now)
	if err != nil || st.status == Deleting {
		return err
	}
	st.shards, st.routes = nil, nil
	st.become(Deleting, now, s.stateDelay)
	return nil
}

// description has the members that DescribeStream and DescribeStreamSummary share.
type description struct {
	StreamName              string
	StreamARN               string
	StreamStatus            string
	StreamModeDetails       modeReply
	RetentionPeriodHours    int
	StreamCreationTimestamp epoch
	EnhancedMonitoring      []monitoringReply
	EncryptionType          string
	KeyId                   string `json:",omitempty"`
}

type modeReply struct{ StreamMode string }

type monitoringReply struct{ ShardLevelMetrics []string }

func (st *stream) encryption() string {
	if st.kmsKey == "" {
		return "NONE"
	}
	return "KMS"
}

// recordEncryption is what is said of records: nothing of those that are not encrypted.
func (st *stream) recordEncryption() string {
	if st.kmsKey == "" {
		return ""
	}
	return "KMS"
}

func (st *stream) describe() description {
	return description{
		StreamName:              st.name,
		StreamARN:               st.arn,
		StreamStatus:            st.status,
		StreamModeDetails:       modeReply{st.mode},
		RetentionPeriodHours:    st.retention,
		StreamCreationTimestamp: epoch(st.created),
		EnhancedMonitoring:      []monitoringReply{{ShardLevelMetrics: []string{}}},
		EncryptionType:          st.encryption(),
		KeyId:                   st.kmsKey,
	}
}

type describeStream struct {
	streamRef
	Limit                 *int
	ExclusiveStartShardId *string
}

func (in *describeStream) apply(s *Server, now time.Time) (any, error) {
	name, err := s.resolve(in.streamRef)
	if err != nil {
		return nil, err
	}
	st, err := s.find(name, now)
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

// visibleShards are those a client can see: none before the stream is made.
func (st *stream) visibleShards() []*shard {
	if st.status == Creating {
		return nil
	}
	return st.shards
}

type describeStreamSummary struct{ streamRef }

func (in *describeStreamSummary) apply(s *Server, now time.Time) (any, error) {
	name, err := s.resolve(in.streamRef)
	if err != nil {
		return nil, err
	}
	st, err := s.find(name, now)
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

type describeLimits struct{}

func (in *describeLimits) apply(s *Server, now time.Time) (any, error) {
	return struct{ ShardLimit, OpenShardCount, OnDemandStreamCount, OnDemandStreamCountLimit int }{
		accountShards, s.countOpenShards(), s.countOnDemand(), accountOnDemand,
	}, nil
}

type listStreams struct {
	Limit                    *int
	ExclusiveStartStreamName *string
	NextToken                *string
}

func (in *listStreams) apply(s *Server, now time.Time) (any, error) {
	var after string
	if in.ExclusiveStartStreamName != nil {
		after = *in.ExclusiveStartStreamName
	}
	if in.NextToken != nil {
		var t token
		if err := s.openToken(*in.NextToken, "ListStreams", &t, now); err != nil {
			return nil, err
		}
		after = t.After
	}
	limit := defaultListStreams
	if in.Limit != nil {
		limit = *in.Limit
	}
	type summary struct {
		StreamName              string
		StreamARN               string
		StreamStatus            string
		StreamModeDetails       modeReply
		StreamCreationTimestamp epoch
	}
	out := struct {
		StreamNames     []string
		HasMoreStreams  bool
		NextToken       string `json:",omitempty"`
		StreamSummaries []summary
	}{StreamNames: []string{}, StreamSummaries: []summary{}}
	for _, name := range s.names() {
		if name <= after {
			continue
		}
		if len(out.StreamNames) == limit {
			out.HasMoreStreams = true
			out.NextToken = token{Operation: "ListStreams", After: out.StreamNames[limit-1]}.seal(now)
			break
		}
		st := s.streams[name]
		out.StreamNames = append(out.StreamNames, name)
		out.StreamSummaries = append(out.StreamSummaries,
			summary{name, st.arn, st.status, modeReply{st.mode}, epoch(st.created)})
	}
	return out, nil
}

func (s *Server) names() []string {
	names := make([]string, 0, len(s.streams))
	for name := range s.streams {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// byARN names a stream where the service takes no name.
type byARN struct{ StreamARN string }

func (r byARN) ref() streamRef { return streamRef{StreamARN: &r.StreamARN} }
func (r byARN) stream() string { return r.ref().stream() }

type updateStreamMode struct {
	byARN
	StreamModeDetails streamModeDetails
}

func (in *updateStreamMode) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.ref(), now)
	if err != nil {
		return nil, err
	}
	change, err := s.changeMode(st, in.StreamModeDetails.StreamMode, now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, change)
	return nil, nil
}

func (s *Server) resolveActive(r streamRef, now time.Time) (*stream, error) {
	name, err := s.resolve(r)
	if err != nil {
		return nil, err
	}
	return s.findActive(name, now)
}

type updateMaxRecordSize struct {
	byARN
	MaxRecordSizeInKiB int
}

func (in *updateMaxRecordSize) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.ref(), now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(time.Time) { st.maxRecord = in.MaxRecordSizeInKiB << 10 })
	return nil, nil
}

type retention struct {
	streamRef
	RetentionPeriodHours int
}

type increaseRetention struct{ retention }

func (in *increaseRetention) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	hours := in.RetentionPeriodHours
	if err := checkRetention(hours); err != nil {
		return nil, err
	}
	if hours < st.retention {
		return nil, invalidArgument("Requested retention period (%d hours) for stream %s can not be shorter than existing "+
			"retention period (%d hours). Use DecreaseRetentionPeriod API.", hours, st.name, st.retention)
	}
	st.retention = hours
	return nil, nil
}

type decreaseRetention struct{ retention }

func (in *decreaseRetention) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	hours := in.RetentionPeriodHours
	if err := checkRetention(hours); err != nil {
		return nil, err
	}
	if hours > st.retention {
		return nil, invalidArgument("Requested retention period (%d hours) for stream %s can not be longer than existing "+
			"retention period (%d hours). Use IncreaseRetentionPeriod API.", hours, st.name, st.retention)
	}
	st.retention = hours
	return nil, nil
}

type encryption struct {
	streamRef
	EncryptionType string
	KeyId          string
}

// active returns the stream once the key is one that could be used.
func (in *encryption) active(s *Server, now time.Time) (*stream, error) {
	if in.EncryptionType != "KMS" {
		return nil, invalidArgument("EncryptionType must be KMS, not %s.", in.EncryptionType)
	}
	if err := checkKMSKey(in.KeyId); err != nil {
		return nil, err
	}
	return s.resolveActive(in.streamRef, now)
}

type startEncryption struct{ encryption }

func (in *startEncryption) apply(s *Server, now time.Time) (any, error) {
	st, err := in.active(s, now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(time.Time) { st.kmsKey = in.KeyId })
	return nil, nil
}

type stopEncryption struct{ encryption }

func (in *stopEncryption) apply(s *Server, now time.Time) (any, error) {
	st, err := in.active(s, now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(time.Time) { st.kmsKey = "" })
	return nil, nil
}
