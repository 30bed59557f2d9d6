package recordtest

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"testing"
)

// FuzzRecord: no record stops a refresh, and each is found: in the extract if it is a JSON
// object, byte for byte among the rejected if it is no JSON.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{sound, `{"_id":7,"more":{"a":[1,null,1e400,"\ud83d\ude00"]}}`, `{"a":1,"\u0061":2}`, "[\"\xed\xa0\x80\"]", `5`, ``} {
		f.Add([]byte(seed))
	}
	pipeline := newPipeline(f, options{})
	serial := 0
	f.Fuzz(func(t *testing.T, data []byte) {
		serial++
		p, key := pipeline, strconv.Itoa(serial)
		p.TB = t
		p.put(key, string(data))
		p.refresh()
		rows := p.query(`SELECT FROM_VARBYTE(v.unparsed, 'hex'), e.sequence_number IS NOT NULL, r.reason
			FROM ev_station_data v
			LEFT JOIN ev_station_data_extract e ON e.sequence_number = v.sequence_number
			LEFT JOIN ev_station_data_rejected r ON r.sequence_number = v.sequence_number
			WHERE v.partition_key = '` + key + `'`).Rows
		if len(rows) != 1 {
			t.Fatalf("it is there %d times", len(rows))
		}
		unparsed, inExtract, reason := rows[0][0], rows[0][1].(bool), rows[0][2]
		var object map[string]json.RawMessage
		isObject := json.Unmarshal(data, &object) == nil && object != nil
		switch {
		case !inExtract && reason == nil:
			t.Error("it is neither in the extract nor among the rejected")
		case unparsed != nil && (unparsed != hex.EncodeToString(data) || inExtract || reason != "not JSON"):
			t.Errorf("unparsed %v, in the extract %t, reason %v", unparsed, inExtract, reason)
		case unparsed == nil && !json.Valid(data), inExtract && !isObject:
			t.Errorf("it was parsed, in the extract %t", inExtract)
		}
	})
}
