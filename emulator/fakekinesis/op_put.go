package fakekinesis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// PutRecord and PutRecords. The second is the hot path: one pass over the body finds
// the records, one buffer takes the keys and data of all of them, and only the routing
// and the appending are done under the server's lock.

// A rawRecord is a record of a request as sent; a nil member was absent or null.
type rawRecord struct {
	key      []byte // UTF-8
	data     []byte // base64
	explicit []byte // decimal
}

// A putEntry is a record ready to be stored.
type putEntry struct {
	entry
	hash     hashKey
	explicit bool
}

// put is what both operations are once decoded.
type put struct {
	streamRef
	records []putEntry
	bytes   int // of keys and data, all records
	largest int
	refused map[int]string
	broken  checks // found while the records were read
}

func (in *put) refuse(r map[int]string) { in.refused = r }

func (in *put) entries() []Entry {
	out := make([]Entry, len(in.records))
	for i, r := range in.records {
		out[i] = Entry{PartitionKey: string(r.key()), Data: append([]byte(nil), r.data()...)}
		if r.explicit {
			out[i].ExplicitHashKey = r.hash.String()
		}
	}
	return out
}

func (in *put) check(c *checks) {
	in.streamRef.check(c)
	c.problems = append(c.problems, in.broken.problems...)
}

var strictBase64 = base64.StdEncoding.Strict()

// load decodes and checks records. member names the i-th in messages.
func (in *put) load(raw []rawRecord, member func(i int) string) error {
	total := 0
	for _, r := range raw {
		total += len(r.key) + base64.StdEncoding.DecodedLen(len(r.data))
	}
	arena := make([]byte, 0, total)
	in.records = make([]putEntry, len(raw))
	for i, r := range raw {
		from := len(arena)
		arena = append(arena, r.key...)
		var err error
		if arena, err = strictBase64.AppendDecode(arena, r.data); err == nil && bytes.ContainsAny(r.data, "\r\n") {
			err = errors.New("it has a line break")
		}
		if err != nil {
			return errorf("SerializationException", "%sdata is not base64: %v", member(i), err)
		}
		e := &in.records[i]
		e.buf, e.keyLen = arena[from:len(arena):len(arena)], int32(len(r.key))
		in.bytes += len(e.buf)
		in.largest = max(in.largest, len(e.buf))

		if r.key == nil || r.data == nil || len(r.key) > partitionRule.max || len(r.key) == 0 || len(e.data()) > maxDataBytes {
			in.examine(r, len(e.data()), member(i))
		}
		if r.explicit == nil {
			e.hash = hashOf(e.key())
			continue
		}
		hash, fits := parseHashKey(r.explicit)
		e.hash, e.explicit = hash, true
		if digits := r.explicit; !fits || digits[0] == '0' && len(digits) > 1 {
			text := string(digits)
			if hashKeyRule.pattern.MatchString(text) {
				return invalidArgument("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "+
					"Specified value was %s", text)
			}
			in.broken.text(member(i)+"explicitHashKey", &text, hashKeyRule)
		}
	}
	return nil
}

// examine names what is wrong with a record that load found unusual.
func (in *put) examine(r rawRecord, size int, member string) {
	in.broken.required(member+"data", r.data != nil)
	in.broken.required(member+"partitionKey", r.key != nil)
	if r.key != nil {
		key := string(r.key)
		in.broken.text(member+"partitionKey", &key, partitionRule)
	}
	if size > maxDataBytes {
		in.broken.add(member+"data", fmt.Sprintf("'java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]'", size, size),
			"Member must have length less than or equal to %d", maxDataBytes)
	}
}

// A putResult is the fate of one record: its shard and place, or why not.
type putResult struct {
	shard   *shard
	place   int64
	arrived int64
	code    string
	message string
}

// write stores the records that fit, in order, and says what became of each.
func (in *put) write(s *Server, now time.Time) (*stream, []putResult, error) {
	name, err := s.resolve(in.streamRef)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.findReadable(name, now)
	if err != nil {
		return nil, nil, err
	}
	if in.largest > st.maxRecord {
		return nil, nil, invalidArgument("A record of %d bytes, partition key included, exceeds the maximum record size of %d bytes "+
			"of stream %s under account %s.", in.largest, st.maxRecord, name, s.account)
	}
	if in.bytes > maxRequestBytes {
		return nil, nil, invalidArgument("Records size exceeds 10 MB limit")
	}
	results := make([]putResult, len(in.records))
	for i := range in.records {
		r, e := &results[i], &in.records[i]
		r.shard = st.route(e.hash)
		log := &r.shard.log
		r.code = in.refused[i]
		if r.code == "" && s.limits && !r.shard.writes.take(now.UnixMilli(), len(e.buf)) {
			r.code = Throttled
		}
		switch r.code {
		case "":
		case Throttled:
			r.message = s.rateExceeded(name, r.shard.id)
		default:
			r.message = "Internal service failure."
		}
		if r.code != "" {
			st.refused++
			continue
		}
		// A clock that steps back must not make a record older than its predecessor.
		log.last = max(log.last, now.UnixMilli())
		e.arrived = log.last
		r.place, r.arrived = log.next, e.arrived
		if s.discard {
			log.skip()
		} else if err := log.append(e.entry); err != nil {
			return nil, nil, err
		}
		st.accepted++
		st.acceptedBytes += int64(len(e.buf))
	}
	return st, results, nil
}

// take counts a write, or is false when the shard has had its share of this second. A
// record larger than the share may pass when the shard was idle.
func (m *meter) take(nowMS int64, bytes int) bool {
	m.advance(nowMS, shardWriteBytes)
	if m.count >= shardWriteRecords || m.bytes > 0 && m.bytes+bytes > shardWriteBytes {
		return false
	}
	m.count++
	m.bytes += bytes
	return true
}

type putRecord struct {
	streamRef
	Data                      *string
	PartitionKey              *string
	ExplicitHashKey           *string
	SequenceNumberForOrdering *string

	put put
}

func (in *putRecord) entries() []Entry        { return in.put.entries() }
func (in *putRecord) refuse(r map[int]string) { in.put.refuse(r) }

func parsePutRecord(body []byte) (input, error) {
	in := &putRecord{}
	if err := decode(body, in); err != nil {
		return nil, err
	}
	in.put.streamRef = in.streamRef
	raw := rawRecord{bytesOf(in.PartitionKey), bytesOf(in.Data), bytesOf(in.ExplicitHashKey)}
	return in, in.put.load([]rawRecord{raw}, func(int) string { return "" })
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return append([]byte{}, *s...)
}

func (in *putRecord) check(c *checks) {
	in.put.check(c)
	c.text("sequenceNumberForOrdering", in.SequenceNumberForOrdering, sequenceRule)
}

func (in *putRecord) apply(s *Server, now time.Time) (any, error) {
	// Sequence numbers of a shard always grow, so the wish needs only to be a number
	// that was issued.
	if n := in.SequenceNumberForOrdering; n != nil {
		if st, err := s.findReadable(in.stream(), now); err == nil && !st.issued(*n) {
			return nil, invalidArgument("ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.",
				*n, in.stream(), s.account)
		}
	}
	st, results, err := in.put.write(s, now)
	if err != nil {
		return nil, err
	}
	r := results[0]
	switch r.code {
	case "":
	case InternalFailure:
		return nil, &Error{Status: 500, Code: "InternalFailureException", Message: r.message}
	default:
		return nil, &Error{Code: r.code, Message: r.message}
	}
	return struct {
		ShardId, SequenceNumber string
		EncryptionType          string `json:",omitempty"`
	}{r.shard.id, r.shard.sequence(r.place, r.arrived), st.recordEncryption()}, nil
}

type putRecords struct{ put }

func (in *putRecords) apply(s *Server, now time.Time) (any, error) {
	st, results, err := in.write(s, now)
	if err != nil {
		return nil, err
	}
	return putRecordsReply{results, st.recordEncryption()}, nil
}

type putRecordsReply struct {
	results    []putResult
	encryption string
}

func (r putRecordsReply) appendJSON(b []byte) []byte {
	failed := 0
	b = append(b, `{"Records":[`...)
	for i, r := range r.results {
		if i > 0 {
			b = append(b, ',')
		}
		if r.code != "" {
			failed++
			b = append(b, `{"ErrorCode":`...)
			b = appendString(b, r.code)
			b = append(b, `,"ErrorMessage":`...)
			b = appendString(b, r.message)
			b = append(b, '}')
			continue
		}
		b = append(b, `{"SequenceNumber":"`...)
		b = r.shard.appendSequence(b, r.place, r.arrived)
		b = append(b, `","ShardId":"`...)
		b = append(b, r.shard.id...)
		b = append(b, `"}`...)
	}
	b = append(b, `],"FailedRecordCount":`...)
	b = strconv.AppendInt(b, int64(failed), 10)
	return append(appendEncryption(b, r.encryption), '}')
}

// appendEncryption appends how records are encrypted, if they are.
func appendEncryption(b []byte, encryption string) []byte {
	if encryption == "" {
		return b
	}
	b = append(b, `,"EncryptionType":"`...)
	b = append(b, encryption...)
	return append(b, '"')
}

// appendString appends s as JSON.
func appendString[T string | []byte](b []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			j, _ := json.Marshal(string(s)) // a string always marshals
			return append(b, j...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func parsePutRecords(body []byte) (input, error) {
	ref, raw, ok := scanPutRecords(body)
	if !ok {
		var err error
		if ref, raw, err = decodePutRecords(body); err != nil {
			return nil, err
		}
	}
	in := &putRecords{put{streamRef: ref}}
	if raw == nil {
		in.broken.required("records", false)
		return in, nil
	}
	if n := len(raw); n == 0 {
		in.broken.size("records", "[]", n, maxPutRecords)
		return in, nil
	} else if n > maxPutRecords {
		in.broken.size("records", fmt.Sprintf("[%d records]", n), n, maxPutRecords)
		return in, nil
	}
	return in, in.load(raw, func(i int) string { return fmt.Sprintf("records.%d.member.", i+1) })
}

// decodePutRecords reads any body of PutRecords, or says what is wrong with it.
func decodePutRecords(body []byte) (streamRef, []rawRecord, error) {
	var in struct {
		streamRef
		Records []struct{ PartitionKey, Data, ExplicitHashKey *string }
	}
	if err := decode(body, &in); err != nil {
		return streamRef{}, nil, err
	}
	if in.Records == nil {
		return in.streamRef, nil, nil
	}
	raw := make([]rawRecord, len(in.Records))
	for i, r := range in.Records {
		raw[i] = rawRecord{bytesOf(r.PartitionKey), bytesOf(r.Data), bytesOf(r.ExplicitHashKey)}
	}
	return in.streamRef, raw, nil
}
