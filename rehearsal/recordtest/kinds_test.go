package recordtest

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// sound is a record as producers write it.
const sound = `{"_id":"5bc90cb9f9af8b0d7fe77cd2","clusterID":"39","connectionTime":"2026-02-25 11:08:04","kWhDelivered":7.93,"stationID":2039,"spaceID":"harbor-7","timezone":"America/Los_Angeles","userID":"194"}`

// A kind is a record that somebody might write to the stream.
type kind struct {
	name   string
	record string

	// doubt is the one on which it depends whether Redshift takes the record for JSON, or
	// takes it at all; see warehouse.Doubts. The views hold it either way.
	doubt string
}

// A field is one of a sound record, as it stands in the JSON text.
type field struct {
	name, value string
	column      string
	width       int // of the column in bytes; 0 for a number
}

var fields = []field{
	{"_id", `"5bc90cb9f9af8b0d7fe77cd2"`, "id", 36},
	{"clusterID", `"39"`, "clusterid", 30},
	{"connectionTime", `"2026-02-25 11:08:04"`, "connectiontime", 20},
	{"kWhDelivered", `7.93`, "kwhdelivered", 0},
	{"stationID", `2039`, "stationid", 0},
	{"spaceID", `"harbor-7"`, "spaceid", 100},
	{"timezone", `"America/Los_Angeles"`, "timezone", 30},
	{"userID", `"194"`, "userid", 30},
}

// with gives the sound record with another value in a field.
func with(name, value string) string {
	for _, f := range fields {
		if f.name == name {
			return changed(`"`+name+`":`+f.value, `"`+name+`":`+value)
		}
	}
	panic("no field " + name)
}

// changed gives the sound record with a part of its text replaced.
func changed(from, to string) string {
	if !strings.Contains(sound, from) {
		panic("the sound record has no " + from)
	}
	return strings.Replace(sound, from, to, 1)
}

// more gives the sound record with a further field before the others.
func more(text string) string { return "{" + text + "," + sound[1:] }

func quoted(n int) string { return `"` + strings.Repeat("x", n) + `"` }

const mebibyte = 1 << 20

// padded gives the sound record with n bytes.
func padded(n int) string {
	return more(`"pad":` + quoted(n-len(more(`"pad":""`))))
}

// kindsText has the kinds that differ from the sound record in one field.
//
//go:embed testdata/kinds.txt
var kindsText string

// kinds lists every kind of record, the sound one first.
func kinds() []kind {
	all := []kind{
		{name: "sound", record: sound},
		{name: "sound, indented, with CRLF", record: strings.ReplaceAll(changed("{", "{\r\n  "), ",", ",\r\n  ")},

		// Broken JSON.
		{name: "cut off in a text", record: sound[:40]},
		{name: "cut off after a comma", record: sound[:strings.Index(sound, `"kWh`)]},
		{name: "cut off before the last brace", record: sound[:len(sound)-1]},
		{name: "without its beginning", record: sound[40:]},
		{name: "a comma at the end of an object", record: changed(`"194"}`, `"194",}`)},
		{name: "a comma at the end of an array", record: more(`"list":[1,]`)},
		{name: "a missing comma", record: changed(`7.93,`, `7.93 `)},
		{name: "a missing colon", record: changed(`"clusterID":`, `"clusterID" `)},
		{name: "a brace too many", record: sound + "}"},
		{name: "single quotes", record: strings.ReplaceAll(sound, `"`, `'`)},
		{name: "keys without quotes", record: changed(`"clusterID"`, `clusterID`)},
		{name: "a line comment", record: "// a record\n" + sound},
		{name: "a block comment", record: changed(`7.93`, `/* kWh */ 7.93`)},
		{name: "a line break within a text", record: with("spaceID", "\"harbor\n7\"")},
		{name: "a tab within a text", record: with("spaceID", "\"harbor\t7\"")},
		{name: "two documents", record: sound + sound},
		{name: "two documents on two lines", record: sound + "\n" + sound + "\n"},
		{name: "text after the document", record: sound + " ok"},
		{name: "a byte order mark", record: "\ufeff" + sound},
		{name: "UTF-16, little endian", record: utf16Text(binary.LittleEndian, sound)},
		{name: "UTF-16, big endian", record: utf16Text(binary.BigEndian, sound)},

		// Keys.
		{name: "a key twice", record: more(`"stationID":1`)},
		{name: "a key twice, once with an escape", record: more(`"\u0073tationID":1`)},
		{name: "a key twice further down", record: more(`"more":{"a":1,"a":2}`)},
		{name: "a key twice, in another case", record: more(`"STATIONID":1`)},
		{name: "keys in lower case", record: lowerKeys()},
		{name: "a key with a space", record: changed(`"stationID"`, `"stationID "`)},
		{name: "an empty key", record: more(`"":1`)},
		{name: "fields that nobody knows", record: more(`"more":{"a":[1,{"b":null}]},"__proto__":{},"payload.stationID":1`)},
		{name: "the record within another", record: `{"record":` + sound + `}`},
		{name: "ten thousand keys", record: more(manyKeys(10_000))},

		// Nesting.
		{name: "1,000 levels", record: more(`"deep":` + strings.Repeat("[", 999) + strings.Repeat("]", 999))},
		{name: "1,001 levels", record: more(`"deep":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000))},
		{name: "100,000 levels", record: more(`"deep":` + strings.Repeat("[", 99_999) + strings.Repeat("]", 99_999))},
		{name: "100,000 levels that never end", record: strings.Repeat(`{"a":`, 100_000)},

		// Characters.
		{name: "a NUL byte between values", record: changed(`7.93,`, "7.93,\x00")},
		{name: "a NUL byte within a text", record: with("spaceID", "\"harbor\x00\"")},
		{name: "NUL bytes at the end", record: sound + "\x00\x00\x00"},
		{name: "NUL as an escape in a key", record: more(`"\u0000":1`), doubt: "nul-escapes"},
		{name: "a byte that is not UTF-8", record: with("spaceID", "\"harbor\xff\"")},
		{name: "Latin-1", record: with("spaceID", "\"h\xe4fen\"")},
		{name: "a character that is cut off", record: with("spaceID", "\"harbor\xe2\x82\"")},
		{name: "an overlong slash", record: with("spaceID", "\"harbor\xc0\xaf\"")},
		{name: "an overlong NUL", record: with("spaceID", "\"harbor\xc0\x80\"")},
		{name: "a surrogate in UTF-8", record: with("spaceID", "\"harbor\xed\xa0\x80\"")},
		{name: "a code point above U+10FFFF", record: with("spaceID", "\"harbor\xf4\x90\x80\x80\"")},

		// Sizes.
		{name: "1 MiB exactly", record: padded(mebibyte), doubt: "long-texts"},
		{name: "1 MiB exactly, not JSON", record: strings.Repeat("x", mebibyte)},
		{name: "1 MiB exactly, in one field", record: with("spaceID", quoted(mebibyte-len(with("spaceID", `""`)))), doubt: "long-texts"},
		{name: "one byte above 1 MiB", record: padded(mebibyte + 1), doubt: "record-size"},
		{name: "10 MB", record: padded(10_000_000), doubt: "record-size"},

		// Values that are no object.
		{name: "nothing", record: ``},
		{name: "a space", record: ` `},
		{name: "a line break", record: "\n"},
		{name: "an empty object", record: `{}`},
		{name: "an empty array", record: `[]`},
		{name: "an array of records", record: `[` + sound + `,` + sound + `]`},
		{name: "an integer", record: `5`},
		{name: "a text", record: `"harbor-7"`},
		{name: "an empty text", record: `""`},
		{name: "the record within a text", record: fmt.Sprintf("%q", sound)},
		{name: "true", record: `true`},
		{name: "null", record: `null`},

		// Numbers.
		{name: "stationID as a text of 400 digits", record: with("stationID", `"`+strings.Repeat("7", 400)+`"`)},

		// Texts.
		{name: "a text of 65,535 bytes", record: with("spaceID", quoted(65_535))},
		{name: "a text of 65,536 bytes", record: with("spaceID", quoted(65_536)), doubt: "long-texts"},
		{name: "too long in bytes, not in characters", record: with("userID", `"`+strings.Repeat("é", 16)+`"`)},

		// Formats that are not JSON.
		{name: "KPL, aggregated", record: kplAggregated(sound, sound)},
		{name: "gzip", record: gzipped(sound)},
		{name: "zlib", record: zlibbed(sound)},
		{name: "base64", record: base64.StdEncoding.EncodeToString([]byte(sound))},
		{name: "base64 in quotes", record: `"` + base64.StdEncoding.EncodeToString([]byte(sound)) + `"`},
		{name: "Protocol Buffers", record: "\x0a\x185bc90cb9f9af8b0d7fe77cd2\x12\x0239\x1d\x8f\xc2\xfd\x40\x20\xf7\x0f"},
		{name: "Avro", record: "Obj\x01\x04\x14avro.codec\x08null\x16avro.schema\x02{}\x00"},
		{name: "MessagePack", record: "\x82\xa3_id\xa25b\xa9stationID\xcd\x07\xf7"},
		{name: "a PNG", record: "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"},
		{name: "HTML", record: "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"},
		{name: "XML", record: `<?xml version="1.0"?><record stationID="2039"/>`},
		{name: "CSV", record: "5bc90cb9f9af8b0d7fe77cd2,39,2026-02-25 11:08:04,7.93,2039"},
		{name: "YAML", record: "stationID: 2039\nspaceID: harbor-7\n"},
		{name: "plain text", record: "hello"},
	}
	for line := range strings.Lines(kindsText) {
		if cells := strings.Split(strings.TrimSuffix(line, "\n"), " | "); len(cells) >= 3 {
			all = append(all, kind{cells[0], with(cells[1], cells[2]), strings.Join(cells[3:], "")})
		}
	}
	for _, f := range fields {
		all = append(all, kind{name: f.name + " missing", record: without(f)})
		values := [][2]string{{"null", `null`}, {"true", `true`}, {"an object", `{"a":1}`}, {"an array", `[1]`}, {"an empty text", `""`}}
		if f.width == 0 {
			values = append(values, [][2]string{{"as a text", `"` + f.value + `"`}, {"a word", `"unknown"`}}...)
		} else {
			values = append(values, [][2]string{
				{"a number", `7`}, {"a negative number", `-7`}, {"-0", `-0`}, {"a whole number with an exponent", `1.5E3`},
				{"a number of 15 digits", `999999999999999`}, {"a number of 16 digits", `1000000000000000`}, {"a number with a fraction", `7.50`},
				{"of the column's length", quoted(f.width)}, {"one byte too long", quoted(f.width + 1)},
			}...)
		}
		for _, v := range values {
			all = append(all, kind{name: f.name + " " + v[0], record: with(f.name, v[1])})
		}
	}
	return all
}

func without(f field) string {
	text := `"` + f.name + `":` + f.value
	if strings.Contains(sound, text+",") {
		return changed(text+",", "")
	}
	return changed(","+text, "")
}

func lowerKeys() string {
	s := sound
	for _, f := range fields {
		s = strings.Replace(s, `"`+f.name+`"`, `"`+strings.ToLower(f.name)+`"`, 1)
	}
	return s
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return b.String()[1:]
}

func utf16Text(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zlibbed(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// kplAggregated packs records as the Kinesis Producer Library does: a magic number, a
// protocol buffer with the partition keys and the records, and the MD5 of the latter.
// https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
func kplAggregated(records ...string) string {
	delimited := func(tag byte, s string) string {
		return string(binary.AppendUvarint([]byte{tag}, uint64(len(s)))) + s
	}
	message := delimited(0x0a, "key") // partition_key_table
	for _, r := range records {
		message += delimited(0x1a, "\x08\x00"+delimited(0x1a, r)) // records: partition_key_index, data
	}
	sum := md5.Sum([]byte(message))
	return "\xf3\x89\x9a\xc2" + message + string(sum[:])
}
