package fakekinesis

import (
	"sort"
	"time"
)

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
		StreamModeDetails       streamModeDetails
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
			summary{name, st.arn, st.status, streamModeDetails{st.mode}, epoch(st.created)})
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

type describeLimits struct{}

func (in *describeLimits) apply(s *Server, now time.Time) (any, error) {
	return struct{ ShardLimit, OpenShardCount, OnDemandStreamCount, OnDemandStreamCountLimit int }{
		accountShards, s.countOpenShards(), s.countOnDemand(), accountOnDemand,
	}, nil
}
