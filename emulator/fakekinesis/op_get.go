package fakekinesis

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strconv"
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
	out := getRecordsReply{shard: sh, place: place, encryption: st.recordEncryption()}
	if out.entries, err = sh.log.read(place, limit, maxGetBytes); err != nil {
		return nil, err
	}
	for _, e := range out.entries {
		sh.reads.bytes += len(e.buf)
	}
	place += int64(len(out.entries))
	if place < sh.log.next {
		last := sh.log.slot(place).arrived
		if n := len(out.entries); n > 0 {
			last = out.entries[n-1].arrived
		}
		out.behind = max(now.UnixMilli()-last, 0)
	}
	if sh.open() || place < sh.log.next {
		out.next = iterator{it.serial, it.number, place, now.UnixMilli()}.seal(name)
	} else {
		for _, c := range st.children(sh) {
			out.children = append(out.children, c.describe())
		}
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

type getRecordsReply struct {
	shard      *shard
	place      int64 // of entries[0]
	entries    []entry
	encryption string
	next       string
	behind     int64
	children   []shardReply // of a shard read to its end
}

func (r getRecordsReply) AppendJSON(b []byte) []byte {
	b = append(b, `{"Records":[`...)
	for i, e := range r.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"SequenceNumber":"`...)
		b = r.shard.appendSequence(b, r.place+int64(i), e.arrived)
		b = append(b, `","ApproximateArrivalTimestamp":`...)
		b = appendEpoch(b, e.arrived)
		b = append(b, `,"Data":"`...)
		b = base64.StdEncoding.AppendEncode(b, e.data())
		b = append(b, `","PartitionKey":`...)
		b = appendString(b, e.key())
		b = append(appendEncryption(b, r.encryption), '}')
	}
	b = append(b, `],"MillisBehindLatest":`...)
	b = strconv.AppendInt(b, r.behind, 10)
	if r.next != "" {
		b = append(b, `,"NextShardIterator":"`...)
		b = append(b, r.next...)
		b = append(b, '"')
	}
	for i, c := range r.children {
		b = append(b, map[bool]string{true: `,"ChildShards":[`, false: `,`}[i == 0]...)
		b = append(b, `{"ShardId":"`+c.ShardId+`","ParentShards":["`+c.ParentShardId+`"`...)
		if c.AdjacentParentShardId != "" {
			b = append(b, `,"`+c.AdjacentParentShardId+`"`...)
		}
		b = append(b, `],"HashKeyRange":{"StartingHashKey":"`+c.HashKeyRange.StartingHashKey+
			`","EndingHashKey":"`+c.HashKeyRange.EndingHashKey+`"}}`...)
	}
	if len(r.children) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}
