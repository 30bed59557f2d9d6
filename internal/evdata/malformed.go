package evdata

import "unicode/utf16"

// Kind says what is wrong with a record.
type Kind int

// The kinds, and where the views of sql/migrations show their records.
const (
	// Sound is a record with nothing wrong. Extract.
	Sound Kind = iota
	// NotJSON is text that is no JSON: a record cut off half-way, a CSV line, a
	// log line. Rejected as "not JSON".
	NotJSON
	// NotUTF8 is a record in UTF-16 with a byte order mark. Rejected as "not JSON".
	NotUTF8
	// NotObject is JSON but no object: an array around a record, a string, a
	// number. Rejected as "not a JSON object".
	NotObject
	// WrongType is a record with a value of the wrong type in kWhDelivered,
	// stationID or connectionTime. Rejected as "did not convert" with the
	// field's name, and in the extract with NULL in its place.
	WrongType
	// MissingField is a record without connectionTime, kWhDelivered or userID.
	// In the extract with NULL in its place; not rejected.
	MissingField
	// TooLarge is a record whose spaceID is longer than its column (100 bytes).
	// Rejected as "did not convert: spaceID", and in the extract with NULL in
	// its place. A record larger than a stream takes would say nothing about
	// the views: Kinesis refuses it, so it never gets there.
	TooLarge
)

// malformedKinds are all kinds but Sound, in the order in which they are mixed in.
var malformedKinds = [...]Kind{NotJSON, NotUTF8, NotObject, WrongType, MissingField, TooLarge}

// Kinds returns all kinds, Sound first.
func Kinds() []Kind { return append([]Kind{Sound}, malformedKinds[:]...) }

// String returns the kind's name as in summaries: "sound", "notJSON", ….
func (k Kind) String() string {
	return [...]string{"sound", "notJSON", "notUTF8", "notObject", "wrongType", "missingField", "tooLarge"}[k]
}

// flaw is what appendJSON does wrong.
type flaw int

const (
	none flaw = iota
	energyText
	stationText
	connectionNumber
	connectionMissing
	energyMissing
	userMissing
)

// appendMalformed appends r as a record of the given kind. The variants of a
// kind take turns with n.
func (g *Generator) appendMalformed(b []byte, r Record, kind Kind, n int) []byte {
	turn := n % 3
	switch kind {
	case NotJSON:
		switch turn {
		case 0:
			g.scratch = r.AppendJSON(g.scratch[:0])
			return append(b, g.scratch[:len(g.scratch)/2]...)
		case 1:
			b = append(r.ID.append(b), ',')
			return append(r.Connected.AppendFormat(b, connectionLayout), ",charging,"...)
		default:
			b = r.Connected.AppendFormat(b, connectionLayout)
			return r.ID.append(append(b, " ERROR meter does not answer, session "...))
		}
	case NotUTF8:
		g.scratch = r.AppendJSON(g.scratch[:0])
		b = append(b, 0xff, 0xfe)
		for _, unit := range utf16.Encode([]rune(string(g.scratch))) {
			b = append(b, byte(unit), byte(unit>>8))
		}
		return b
	case NotObject:
		switch turn {
		case 0:
			return append(r.AppendJSON(append(b, '[')), ']')
		case 1:
			return append(r.ID.append(append(b, '"')), '"')
		default:
			return append(b, "404"...)
		}
	case WrongType:
		return r.appendJSON(b, [...]flaw{energyText, stationText, connectionNumber}[turn], 0)
	case MissingField:
		return r.appendJSON(b, [...]flaw{connectionMissing, energyMissing, userMissing}[turn], 0)
	default: // TooLarge
		return r.appendJSON(b, none, 100+g.spoil.IntN(200))
	}
}
