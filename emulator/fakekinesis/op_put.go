package fakekinesis

import (
	"context"
	"encoding/base64"
	"fmt"

	"example.com/evstream/emulator/fault"
)

// PutRecord and PutRecords. The second is the hot path: one pass over the body finds
// the records, one buffer takes the keys and data of all of them, and only the routing
// and the appending are done under the server's lock.

// A rawRecord is a record of a request as sent.
type rawRecord struct {
	key      []byte // UTF-8
	data     []byte // base64
	explicit []byte // decimal; nil if not given
}

// A putEntry is a record ready to be stored.
type putEntry struct {
	entry
	hash     hashKey
	explicit bool
}

// writing is what both operations do once their records are decoded.
type writing struct {
	records []putEntry
	bytes   int // of keys and data, all records
	largest int
}

func (w *writing) entries() []fault.Entry {
	out := make([]fault.Entry, len(w.records))
	for i, r := range w.records {
		out[i] = fault.Entry{PartitionKey: string(r.key()), Data: append([]byte(nil), r.data()...)}
		if r.explicit {
			out[i].ExplicitHashKey = r.hash.String()
		}
	}
	return out
}

var strictBase64 = base64.StdEncoding.Strict()

// load decodes records.
func (w *writing) load(raw []rawRecord) error {
	total := 0
	for _, r := range raw {
		total += len(r.key) + base64.StdEncoding.DecodedLen(len(r.data))
	}
	arena := make([]byte, 0, total)
	w.records = make([]putEntry, len(raw))
	for i, r := range raw {
		from := len(arena)
		arena = append(arena, r.key...)
		var err error
		if arena, err = strictBase64.AppendDecode(arena, r.data); err != nil {
			return errorf("SerializationException", "the data of record %d is not base64: %v", i, err)
		}
		e := &w.records[i]
		e.buf, e.keyLen = arena[from:len(arena):len(arena)], int32(len(r.key))
		w.bytes += len(e.buf)
		w.largest = max(w.largest, len(e.buf))
		if e.explicit = r.explicit != nil; !e.explicit {
			e.hash = hashOf(e.key())
			continue
		}
		fits := false
		if e.hash, fits = parseHashKey(r.explicit); !fits {
			return invalidArgument("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "+
				"Specified value was %s", r.explicit)
		}
	}
	return nil
}

// A putResult is the fate of one record: its shard and place, or why not.
type putResult struct {
	shard   *shard
	place   int64
	arrived int64
	code    string
	message string
}

// write stores the records that fit, in order, and says what became of each. It is called
// with s.mu held.
func (w *writing) write(s *Server, ref streamRef, refused map[int]string) (*stream, []putResult, error) {
	now := s.settle()
	name, err := s.resolve(ref)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.findReadable(name, now)
	if err != nil {
		return nil, nil, err
	}
	if w.largest > st.maxRecord {
		return nil, nil, invalidArgument("A record of %d bytes, partition key included, exceeds the maximum record size of %d bytes "+
			"of stream %s under account %s.", w.largest, st.maxRecord, name, s.account)
	}
	if w.bytes > maxRequestBytes {
		return nil, nil, invalidArgument("Records size exceeds 10 MB limit")
	}
	results := make([]putResult, len(w.records))
	for i := range w.records {
		r, e := &results[i], &w.records[i]
		r.shard = st.route(e.hash)
		log := &r.shard.log
		r.code = refused[i]
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
	Data                      string
	PartitionKey              string
	ExplicitHashKey           *string
	SequenceNumberForOrdering *string

	writing `json:"-"`
}

func (in *putRecord) Prepare() error {
	return in.load([]rawRecord{{[]byte(in.PartitionKey), []byte(in.Data), bytesOf(in.ExplicitHashKey)}})
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func (s *Server) putRecord(ctx context.Context, in *putRecord) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Sequence numbers of a shard always grow, so the wish needs only to be a number
	// that was issued.
	if n := in.SequenceNumberForOrdering; n != nil {
		if st, err := s.findReadable(in.stream(), s.settle()); err == nil && !st.issued(*n) {
			return nil, invalidArgument("ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.",
				*n, in.stream(), s.account)
		}
	}
	st, results, err := in.write(s, in.streamRef, fault.Of(ctx).Refuse)
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

type putRecords struct {
	streamRef
	Records []struct {
		PartitionKey, Data string
		ExplicitHashKey    *string
	}

	writing `json:"-"`
}

func (in *putRecords) Prepare() error {
	raw := make([]rawRecord, len(in.Records))
	for i, r := range in.Records {
		raw[i] = rawRecord{[]byte(r.PartitionKey), []byte(r.Data), bytesOf(r.ExplicitHashKey)}
	}
	return in.load(raw)
}

func (s *Server) putRecords(ctx context.Context, in *putRecords) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, results, err := in.write(s, in.streamRef, fault.Of(ctx).Refuse)
	if err != nil {
		return nil, err
	}
	return putRecordsReply{results, st.recordEncryption()}, nil
}

// A putRecordsReply writes its own JSON, because it is on the way of whoever measures a
// producer. Nothing in it needs escapes.
type putRecordsReply struct {
	results    []putResult
	encryption string
}

func (r putRecordsReply) AppendJSON(b []byte) []byte {
	failed := 0
	b = append(b, `{"Records":[`...)
	for i, r := range r.results {
		if i > 0 {
			b = append(b, ',')
		}
		if r.code != "" {
			failed++
			b = fmt.Appendf(b, `{"ErrorCode":%q,"ErrorMessage":%q}`, r.code, r.message)
			continue
		}
		b = append(b, `{"SequenceNumber":"`...)
		b = r.shard.appendSequence(b, r.place, r.arrived)
		b = append(b, `","ShardId":"`...)
		b = append(b, r.shard.id...)
		b = append(b, `"}`...)
	}
	b = fmt.Appendf(b, `],"FailedRecordCount":%d`, failed)
	if r.encryption != "" {
		b = fmt.Appendf(b, `,"EncryptionType":%q`, r.encryption)
	}
	return append(b, '}')
}
