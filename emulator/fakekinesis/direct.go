package fakekinesis

import (
	"sort"
	"time"
)

// What a test does without a request. Errors are of type *Error, with the code that the
// request would be answered with.

// StreamSettings are what the owner of a stream chooses.
type StreamSettings struct {
	Name           string            // [a-zA-Z0-9_.-], 1 to 128 characters
	Mode           string            // Provisioned, the default, or OnDemand
	Shards         int               // open shards; Provisioned only, at least 1
	RetentionHours int               // 24 to 8760; 0 means 24
	KMSKey         string            // key id, key ARN, alias or alias ARN; "" for no encryption
	MaxRecordKiB   int               // 1024 to 10240; 0 means 1024
	Tags           map[string]string // at most 50
}

// A Stream is a stream's settings and state at a moment.
type Stream struct {
	StreamSettings
	ARN       string
	Status    string // Creating, Active, Updating or Deleting
	CreatedAt time.Time

	Accepted      int64 // records ever accepted
	AcceptedBytes int64 // their partition keys and data
	Refused       int64 // records of PutRecord and PutRecords refused for themselves
	Stored        int64 // records that a reader can still get
}

// A Record is a stored record.
type Record struct {
	ShardID        string
	SequenceNumber string
	PartitionKey   string
	Data           []byte
	ArrivedAt      time.Time // UTC, milliseconds
}

// check validates settings as the request that would make the stream.
func (s *Server) check(w StreamSettings) error {
	in := createStream{StreamName: w.Name, StreamModeDetails: &streamModeDetails{w.Mode}, MaxRecordSizeInKiB: &w.MaxRecordKiB}
	if len(w.Tags) > 0 {
		in.Tags = w.Tags
	}
	if err := s.Validate("CreateStream", in); err != nil {
		return err
	}
	if w.KMSKey != "" {
		if err := checkKMSKey(w.KMSKey); err != nil {
			return err
		}
	}
	return checkRetention(w.RetentionHours)
}

func (w StreamSettings) withDefaults() StreamSettings {
	if w.Mode == "" {
		w.Mode = Provisioned
	}
	if w.RetentionHours == 0 {
		w.RetentionHours = minRetentionHours
	}
	if w.MaxRecordKiB == 0 {
		w.MaxRecordKiB = minRecordKiB
	}
	return w
}

// CreateStream begins to make a stream with all of its settings. It is ACTIVE after the
// server's state delay.
func (s *Server) CreateStream(settings StreamSettings) (Stream, error) {
	want := settings.withDefaults()
	if err := s.check(want); err != nil {
		return Stream{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.create(want, s.settle())
	if err != nil {
		return Stream{}, err
	}
	st.retention, st.kmsKey = want.RetentionHours, want.KMSKey
	s.settle()
	return st.snapshot(), nil
}

// UpdateStream begins to give an ACTIVE stream the settings, whatever calls of the
// service that takes; all of them are possible, or none is done. Shards 0 leaves the
// number as it is, and the tags are replaced. The stream is UPDATING for the server's
// state delay, unless only tags and retention differ.
func (s *Server) UpdateStream(settings StreamSettings) (Stream, error) {
	want := settings.withDefaults()
	if err := s.check(want); err != nil {
		return Stream{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.settle()
	st, err := s.findActive(want.Name, now)
	if err != nil {
		return Stream{}, err
	}
	if err := checkTags(st.name, s.account, nil, want.Tags); err != nil {
		return Stream{}, err
	}
	var changes []func(time.Time)
	if want.Mode != st.mode {
		change, err := s.changeMode(st, want.Mode, now)
		if err != nil {
			return Stream{}, err
		}
		changes = append(changes, change)
	}
	if want.Shards != 0 && want.Shards != len(st.routes) {
		if want.Mode == OnDemand {
			return Stream{}, s.onDemandRefuses(st, "UpdateShardCount")
		}
		change, err := s.changeShards(st, want.Shards, now)
		if err != nil {
			return Stream{}, err
		}
		changes = append(changes, change)
	}
	if want.KMSKey != st.kmsKey || want.MaxRecordKiB<<10 != st.maxRecord {
		changes = append(changes, func(time.Time) { st.kmsKey, st.maxRecord = want.KMSKey, want.MaxRecordKiB<<10 })
	}
	st.retention = want.RetentionHours
	st.tags = copyTags(want.Tags)
	if len(changes) > 0 {
		st.become(Updating, now, s.stateDelay, changes...)
		s.settle()
	}
	return st.snapshot(), nil
}

// DeleteStream begins to delete a stream; its records are gone at once, its name is
// free after the server's state delay.
func (s *Server) DeleteStream(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.delete(name, s.settle()); err != nil {
		return err
	}
	s.settle()
	return nil
}

// Stream returns a stream in any state.
func (s *Server) Stream(name string) (Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(name, s.settle())
	if err != nil {
		return Stream{}, err
	}
	return st.snapshot(), nil
}

// Streams returns all streams in any state, by name.
func (s *Server) Streams() []Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.settle()
	all := make([]Stream, 0, len(s.streams))
	for _, st := range s.streams {
		st.trim(now)
		all = append(all, st.snapshot())
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

func (st *stream) snapshot() Stream {
	snap := Stream{
		StreamSettings: StreamSettings{
			Name: st.name, Mode: st.mode, Shards: len(st.routes), RetentionHours: st.retention,
			KMSKey: st.kmsKey, MaxRecordKiB: st.maxRecord >> 10, Tags: copyTags(st.tags),
		},
		ARN: st.arn, Status: st.status, CreatedAt: st.created,
		Accepted: st.accepted, AcceptedBytes: st.acceptedBytes, Refused: st.refused,
	}
	for _, sh := range st.shards {
		snap.Stored += sh.log.next - sh.log.first
	}
	return snap
}

func copyTags(tags map[string]string) map[string]string {
	c := make(map[string]string, len(tags))
	for k, v := range tags {
		c[k] = v
	}
	return c
}

// Put writes one record, as PutRecord does, and returns it as stored.
func (s *Server) Put(stream, partitionKey string, data []byte) (Record, error) {
	e := putEntry{hash: hashOf([]byte(partitionKey))}
	e.buf = append(append(make([]byte, 0, len(partitionKey)+len(data)), partitionKey...), data...)
	e.keyLen = int32(len(partitionKey))
	in := writing{records: []putEntry{e}, bytes: len(e.buf), largest: len(e.buf)}
	if !s.Fits("PartitionKey", partitionKey) || !s.Fits("StreamName", stream) {
		return Record{}, s.Validate("PutRecord", putRecord{streamRef: streamRef{StreamName: &stream}, PartitionKey: partitionKey})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, results, err := in.write(s, streamRef{StreamName: &stream}, nil)
	if err != nil {
		return Record{}, err
	}
	r := results[0]
	if r.code != "" {
		return Record{}, &Error{Code: r.code, Message: r.message}
	}
	return r.shard.record(in.records[0].entry, r.place), nil
}

func (sh *shard) record(e entry, place int64) Record {
	return Record{
		ShardID:        sh.id,
		SequenceNumber: sh.sequence(place, e.arrived),
		PartitionKey:   string(e.key()),
		Data:           e.data(),
		ArrivedAt:      time.UnixMilli(e.arrived).UTC(),
	}
}

// ShardIDs lists the shards of a stream that records can be read from, open and closed,
// parents before their children.
func (s *Server) ShardIDs(stream string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.findReadable(stream, s.settle())
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(st.shards))
	for i, sh := range st.shards {
		ids[i] = sh.id
	}
	return ids, nil
}

// ReadAfter returns up to max records of a shard that follow the sequence number, or
// the oldest ones when it is "": as many as 10 MiB hold, but at least one. No records
// means that there are none yet. Records that outlived the stream's retention are left
// out. Throughput limits don't apply.
func (s *Server) ReadAfter(stream, shardID, sequenceNumber string, max int) ([]Record, error) {
	if max < 1 {
		return nil, invalidArgument("ReadAfter must be asked for at least 1 record, not %d", max)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.findReadable(stream, s.settle())
	if err != nil {
		return nil, err
	}
	sh := st.shard(shardID)
	if sh == nil {
		return nil, s.shardNotFound(stream, shardID)
	}
	place := sh.log.first
	if sequenceNumber != "" {
		at, err := s.placeOf(sequenceNumber, st, sh)
		if err != nil {
			return nil, err
		}
		if at >= place {
			place = at + 1
		}
	}
	entries, err := sh.log.read(place, max, maxGetBytes)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(entries))
	for i, e := range entries {
		records[i] = sh.record(e, place+int64(i))
	}
	return records, nil
}
