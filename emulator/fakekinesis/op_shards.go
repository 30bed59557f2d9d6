package fakekinesis

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// The operations on shards.

type hashKeyRange struct{ StartingHashKey, EndingHashKey string }

type shardReply struct {
	ShardId               string
	ParentShardId         string `json:",omitempty"`
	AdjacentParentShardId string `json:",omitempty"`
	HashKeyRange          hashKeyRange
	SequenceNumberRange   struct {
		StartingSequenceNumber string
		EndingSequenceNumber   string `json:",omitempty"`
	}
}

func (sh *shard) describe() shardReply {
	r := shardReply{
		ShardId:               sh.id,
		ParentShardId:         sh.parent,
		AdjacentParentShardId: sh.adjacent,
		HashKeyRange:          hashKeyRange{sh.start.String(), sh.end.String()},
	}
	r.SequenceNumberRange.StartingSequenceNumber = sh.firstSequence()
	if !sh.open() {
		r.SequenceNumberRange.EndingSequenceNumber = sh.lastSequence()
	}
	return r
}

// A token is what a NextToken holds: where the next page starts.
type token struct {
	Operation string
	Stream    string       `json:",omitempty"`
	Serial    uint64       `json:",omitempty"`
	After     string       // the last item of the page before
	Filter    *shardFilter `json:",omitempty"`
	Issued    epoch
}

func (t token) seal(now time.Time) string {
	t.Issued = epoch(now)
	b, _ := json.Marshal(t) // a struct of strings and numbers always marshals
	return base64.StdEncoding.EncodeToString(b)
}

func (s *Server) openToken(sealed, operation string, t *token, now time.Time) error {
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err == nil {
		err = json.Unmarshal(b, t)
	}
	if err != nil || t.Operation != operation {
		return invalidArgument("NextToken is invalid.")
	}
	if now.Sub(time.Time(t.Issued)) > tokenLife {
		return errorf("ExpiredNextTokenException", "NextToken is expired.")
	}
	return nil
}

type shardFilter struct {
	Type      string
	ShardId   *string `json:",omitempty"`
	Timestamp *epoch  `json:",omitempty"`
}

type listShards struct {
	streamRef
	NextToken               *string
	ExclusiveStartShardId   *string
	MaxResults              *int
	StreamCreationTimestamp *epoch
	ShardFilter             *shardFilter
}

func (in *listShards) apply(s *Server, now time.Time) (any, error) {
	var t token
	if in.NextToken != nil {
		if in.given() || in.ExclusiveStartShardId != nil || in.StreamCreationTimestamp != nil || in.ShardFilter != nil {
			return nil, invalidArgument("NextToken and StreamName cannot be provided together.")
		}
		if err := s.openToken(*in.NextToken, "ListShards", &t, now); err != nil {
			return nil, err
		}
	} else {
		if !in.given() {
			return nil, invalidArgument("Either NextToken or StreamName should be provided.")
		}
		name, err := s.resolve(in.streamRef)
		if err != nil {
			return nil, err
		}
		t = token{Operation: "ListShards", Stream: name, Filter: in.ShardFilter}
		if in.ExclusiveStartShardId != nil {
			t.After = *in.ExclusiveStartShardId
		}
	}
	st, err := s.find(t.Stream, now)
	if err != nil {
		return nil, err
	}
	if st.status == Creating || st.status == Deleting {
		_, err := s.findActive(t.Stream, now)
		return nil, err
	}
	if t.Serial != 0 && t.Serial != st.serial ||
		in.StreamCreationTimestamp != nil && !time.Time(*in.StreamCreationTimestamp).Equal(st.created) {
		return nil, s.streamNotFound(t.Stream)
	}
	t.Serial = st.serial
	wanted, err := t.Filter.match(st, now)
	if err != nil {
		return nil, err
	}
	limit := defaultListShards
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	out := struct {
		Shards    []shardReply
		NextToken string `json:",omitempty"`
	}{Shards: []shardReply{}}
	for _, sh := range st.shards {
		if sh.id <= t.After || !wanted(sh) {
			continue
		}
		if len(out.Shards) == limit {
			t.After = out.Shards[limit-1].ShardId
			out.NextToken = t.seal(now)
			break
		}
		out.Shards = append(out.Shards, sh.describe())
	}
	return out, nil
}

// match returns the test that a shard must pass. A moment before the trim horizon
// counts as the horizon.
func (f *shardFilter) match(st *stream, now time.Time) (func(*shard) bool, error) {
	if f == nil {
		return func(*shard) bool { return true }, nil
	}
	horizon := now.Add(-time.Duration(st.retention) * time.Hour)
	if horizon.Before(st.created) {
		horizon = st.created
	}
	from := func(at time.Time) func(*shard) bool {
		return func(sh *shard) bool { return sh.open() || sh.closed.After(at) }
	}
	at := func(at time.Time) func(*shard) bool {
		return func(sh *shard) bool { return !sh.created.After(at) && (sh.open() || sh.closed.After(at)) }
	}
	switch f.Type {
	case "AFTER_SHARD_ID":
		if f.ShardId == nil {
			return nil, invalidArgument("ShardId must be specified when the ShardFilterType is AFTER_SHARD_ID.")
		}
		return func(sh *shard) bool { return sh.id > *f.ShardId }, nil
	case "AT_TRIM_HORIZON":
		return at(horizon), nil
	case "FROM_TRIM_HORIZON":
		return func(*shard) bool { return true }, nil // trim drops the others
	case "AT_LATEST":
		return (*shard).open, nil
	}
	if f.Timestamp == nil {
		return nil, invalidArgument("Timestamp must be specified when the ShardFilterType is %s.", f.Type)
	}
	moment := time.Time(*f.Timestamp)
	if moment.After(now) {
		return nil, invalidArgument("Timestamp of a ShardFilter must not be in the future.")
	}
	if moment.Before(horizon) {
		moment = horizon
	}
	if f.Type == "AT_TIMESTAMP" {
		return at(moment), nil
	}
	return from(moment), nil
}

// openShard returns a shard that may be split or merged.
func (s *Server) openShard(st *stream, id string) (*shard, error) {
	sh := st.shard(id)
	if sh == nil {
		return nil, s.noSuchShard(st.name, id)
	}
	if !sh.open() {
		return nil, invalidArgument("Shard %s in stream %s under account %s has already been merged or split, "+
			"and thus is not eligible for merging or splitting.", id, st.name, s.account)
	}
	return sh, nil
}

type splitShard struct {
	streamRef
	ShardToSplit       string
	NewStartingHashKey string
}

func (in *splitShard) apply(s *Server, now time.Time) (any, error) {
	id, err := s.theShardID(in.stream(), in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	if st.mode == OnDemand {
		return nil, s.onDemandRefuses(st, "SplitShard")
	}
	sh, err := s.openShard(st, id)
	if err != nil {
		return nil, err
	}
	at, ok := parseHashKey([]byte(in.NewStartingHashKey))
	if !ok || !sh.start.next().less(at) || !at.less(sh.end) {
		return nil, invalidArgument("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s "+
			"is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
			in.NewStartingHashKey, sh.id, st.name, s.account, sh.start, sh.end)
	}
	if err := s.shardRoom(1); err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(done time.Time) { st.split(sh, at, done) })
	return nil, nil
}

type mergeShards struct {
	streamRef
	ShardToMerge         string
	AdjacentShardToMerge string
}

func (in *mergeShards) apply(s *Server, now time.Time) (any, error) {
	firstID, err := s.theShardID(in.stream(), in.ShardToMerge)
	if err != nil {
		return nil, err
	}
	secondID, err := s.theShardID(in.stream(), in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	if st.mode == OnDemand {
		return nil, s.onDemandRefuses(st, "MergeShards")
	}
	first, err := s.openShard(st, firstID)
	if err != nil {
		return nil, err
	}
	second, err := s.openShard(st, secondID)
	if err != nil {
		return nil, err
	}
	if first == second || first.end.next() != second.start {
		return nil, invalidArgument("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards "+
			"eligible for merging", first.id, second.id, st.name, s.account)
	}
	st.become(Updating, now, s.stateDelay, func(done time.Time) { st.merge(first, second, done) })
	return nil, nil
}

type updateShardCount struct {
	streamRef
	TargetShardCount int
	ScalingType      string // UNIFORM_SCALING
}

func (in *updateShardCount) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.streamRef, now)
	if err != nil {
		return nil, err
	}
	if st.mode == OnDemand {
		return nil, s.onDemandRefuses(st, "UpdateShardCount")
	}
	change, err := s.changeShards(st, in.TargetShardCount, now)
	if err != nil {
		return nil, err
	}
	open := len(st.routes)
	st.become(Updating, now, s.stateDelay, change)
	return struct {
		StreamName                          string
		CurrentShardCount, TargetShardCount int
		StreamARN                           string
	}{st.name, open, in.TargetShardCount, st.arn}, nil
}
