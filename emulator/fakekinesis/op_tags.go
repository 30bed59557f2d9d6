package fakekinesis

import (
	"sort"
	"time"
)

// The operations on tags.

type addTags struct {
	streamRef
	Tags map[string]string
}

func (in *addTags) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	if err := checkTags(st.name, s.account, st.tags, in.Tags); err != nil {
		return nil, err
	}
	for k, v := range in.Tags {
		st.tags[k] = v
	}
	return nil, nil
}

type removeTags struct {
	streamRef
	TagKeys []string
}

func (in *removeTags) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		if err := checkTagText("remove tags from", st.name, s.account, k); err != nil {
			return nil, err
		}
	}
	for _, k := range in.TagKeys {
		delete(st.tags, k)
	}
	return nil, nil
}

type tagReply struct{ Key, Value string }

// sortedTags lists a stream's tags by key.
func (st *stream) sortedTags() []tagReply {
	tags := make([]tagReply, 0, len(st.tags))
	for k, v := range st.tags {
		tags = append(tags, tagReply{k, v})
	}
	sort.Slice(tags, func(i, j int) bool { return tags[i].Key < tags[j].Key })
	return tags
}

type listTagsForStream struct {
	streamRef
	ExclusiveStartTagKey *string
	Limit                *int
}

func (in *listTagsForStream) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveAny(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	out := struct {
		Tags        []tagReply
		HasMoreTags bool
	}{Tags: []tagReply{}}
	for _, tag := range st.sortedTags() {
		if in.ExclusiveStartTagKey != nil && tag.Key <= *in.ExclusiveStartTagKey {
			continue
		}
		if in.Limit != nil && len(out.Tags) == *in.Limit {
			out.HasMoreTags = true
			break
		}
		out.Tags = append(out.Tags, tag)
	}
	return out, nil
}

type listTagsForResource struct{ ResourceARN string }

func (in *listTagsForResource) stream() string { return streamRef{StreamARN: &in.ResourceARN}.stream() }

func (in *listTagsForResource) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveAny(streamRef{StreamARN: &in.ResourceARN}, now)
	if err != nil {
		return nil, err
	}
	return struct{ Tags []tagReply }{st.sortedTags()}, nil
}
