package fakekinesis

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// GetShardIterator and GetRecords.

// An iterator is a reader's place in a shard of one particular stream. Clients get it
// sealed.
type iterator struct {
	serial uint64 // of the stream
	number int    // of the shard
	place  int64  // of the next record to read
	issued int64  // milliseconds
}

func (it iterator) seal(stream string) string {
	b := make([]byte, 0, 48+len(stream))
	b = binary.BigEndian.AppendUint64(b, it.serial)
	b = binary.BigEndian.AppendUint64(b, uint64(it.number))
	b = binary.BigEndian.AppendUint64(b, uint64(it.place))
	b = binary.BigEndian.AppendUint64(b, uint64(it.issued))
	b = append(b, stream...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

func openIterator(sealed string) (it iterator, stream string, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil || len(b) < 36 {
		return it, "", false
	}
	b, sum := b[:len(b)-4], b[len(b)-4:]
	if binary.BigEndian.Uint32(sum) != crc32.ChecksumIEEE(b) {
		return it, "", false
	}
	return iterator{
		serial: binary.BigEndian.Uint64(b),
		number: int(binary.BigEndian.Uint64(b[8:])),
		place:  int64(binary.BigEndian.Uint64(b[16:])),
		issued: int64(binary.BigEndian.Uint64(b[24:])),
	}, string(b[32:]), true
}

type getShardIterator struct {
	streamRef
	ShardId                string
	ShardIteratorType      string
	StartingSequenceNumber *string
	Timestamp              *epoch
}

func (in *getShardIterator) apply(s *Server, now time.Time) (any, error) {
	name, err := s.resolve(in.streamRef)
	if err != nil {
		return nil, err
	}
	id, err := s.theShardID(name, in.ShardId)
	if err != nil {
		return nil, err
	}
	st, err := s.findReadable(name, now)
	if err != nil {
		return nil, s.shardNotFound(name, id) // also if there is no such stream
	}
	sh := st.shard(id)
	if sh == nil {
		return nil, s.shardNotFound(name, id)
	}
	place, err := in.place(s, st, sh, now)
	if err != nil {
		return nil, err
	}
	it := iterator{st.serial, sh.number, place, now.UnixMilli()}
	return struct{ ShardIterator string }{it.seal(name)}, nil
}

func (in *getShardIterator) place(s *Server, st *stream, sh *shard, now time.Time) (int64, error) {
	kind := in.ShardIteratorType
	bySequence := kind == "AT_SEQUENCE_NUMBER" || kind == "AFTER_SEQUENCE_NUMBER"
	if bySequence != (in.StartingSequenceNumber != nil) {
		given := "no"
		if in.StartingSequenceNumber != nil {
			given = "also a"
		}
		return 0, invalidArgument("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "+
			"(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s StartingSequenceNumber.", kind, given)
	}
	switch kind {
	case "TRIM_HORIZON":
		return sh.log.first, nil
	case "LATEST":
		return sh.log.next, nil
	case "AT_TIMESTAMP":
		if in.Timestamp == nil {
			return 0, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. " +
				"Current request has no timestamp parameter.")
		}
		at := time.Time(*in.Timestamp).UnixMilli()
		if at > now.UnixMilli() {
			return 0, invalidArgument("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "+
				"timestampInMillis: %d, currentTimestampInMillis: %d", at, now.UnixMilli())
		}
		return sh.log.from(at), nil
	}
	place, err := s.placeOf(*in.StartingSequenceNumber, st, sh)
	if kind == "AFTER_SEQUENCE_NUMBER" {
		place++
	}
	return place, err
}

// placeOf finds a sequence number in a shard.
func (s *Server) placeOf(sequence string, st *stream, sh *shard) (int64, error) {
	number, ok := shardOfSequence(sequence)
	if ok && number != sh.number && st.shard(shardID(number)) != nil {
		return 0, invalidArgument("Invalid StartingSequenceNumber. It encodes %s, "+
			"while it was used in a call to a shard with %s", shardID(number), sh.id)
	}
	place, ok := sh.place(sequence)
	if !ok {
		return 0, invalidArgument("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid.",
			sequence, sh.id, st.name, s.account)
	}
	return place, nil
}

type getRecords struct {
	ShardIterator string
	Limit         *int
	StreamARN     *string
}

func (in *getRecords) stream() string {
	_, name, _ := openIterator(in.ShardIterator)
	return name
}

func (in *getRecords) apply(s *Server, now time.Time) (any, error) {
	it, name, ok := openIterator(in.ShardIterator)
	if !ok || in.StreamARN != nil && *in.StreamARN != s.arn(name) {
		return nil, invalidArgument("Invalid ShardIterator.")
	}
	if age := now.UnixMilli() - it.issued; age > iteratorLife.Milliseconds() {
		const layout = "Mon Jan 02 15:04:05 UTC 2006"
		return nil, errorf("ExpiredIteratorException", "Iterator expired. The iterator was created at time %s while right now it is %s "+
			"which is further in the future than the tolerated delay of %d milliseconds.",
			time.UnixMilli(it.issued).UTC().Format(layout), now.Format(layout), iteratorLife.Milliseconds())
	}
	st, err := s.findReadable(name, now)
	if err != nil {
		return nil, err
	}
	if st.serial != it.serial {
		return nil, s.streamNotFound(name) // a new stream took the name
	}
	id := shardID(it.number)
	sh := st.shard(id)
	if sh == nil {
		return nil, s.shardNotFound(name, id)
	}
	if s.limits && !sh.reads.admit(now.UnixMilli()) {
		return nil, errorf(Throttled, "%s", s.rateExceeded(name, id))
	}

	limit := maxGetRecords
	if in.Limit != nil {
		limit = *in.Limit
	}
	place := max(it.place, sh.log.first)
	entries, err := sh.log.read(place, limit, maxGetBytes)
	if err != nil {
		return nil, err
	}
	out := getRecordsReply{Records: make([]recordReply, len(entries))}
	for i, e := range entries {
		sh.reads.bytes += len(e.buf)
		out.Records[i] = recordReply{
			SequenceNumber: sh.sequence(place+int64(i), e.arrived), ApproximateArrivalTimestamp: epoch(time.UnixMilli(e.arrived)),
			Data: e.data(), PartitionKey: string(e.key()), EncryptionType: st.recordEncryption(),
		}
	}
	place += int64(len(entries))
	if place < sh.log.next {
		last := sh.log.slot(place).arrived
		if n := len(entries); n > 0 {
			last = entries[n-1].arrived
		}
		out.MillisBehindLatest = max(now.UnixMilli()-last, 0)
	}
	if sh.open() || place < sh.log.next {
		out.NextShardIterator = iterator{it.serial, it.number, place, now.UnixMilli()}.seal(name)
		return out, nil
	}
	for _, c := range st.children(sh) {
		child := childReply{c.id, []string{c.parent}, hashKeyRange{c.start.String(), c.end.String()}}
		if c.adjacent != "" {
			child.ParentShards = append(child.ParentShards, c.adjacent)
		}
		out.ChildShards = append(out.ChildShards, child)
	}
	return out, nil
}

// admit counts a read call, or is false when the shard has had its share of this
// second. What the call then returns counts against later ones.
func (m *meter) admit(nowMS int64) bool {
	m.advance(nowMS, shardReadBytes)
	if m.count >= shardReadCalls || m.bytes >= shardReadBytes {
		return false
	}
	m.count++
	return true
}

type recordReply struct {
	SequenceNumber              string
	ApproximateArrivalTimestamp epoch
	Data                        []byte
	PartitionKey                string
	EncryptionType              string `json:",omitempty"`
}

type childReply struct {
	ShardId      string
	ParentShards []string
	HashKeyRange hashKeyRange
}

type getRecordsReply struct {
	Records            []recordReply
	MillisBehindLatest int64
	NextShardIterator  string       `json:",omitempty"`
	ChildShards        []childReply `json:",omitempty"` // of a shard read to its end
}
