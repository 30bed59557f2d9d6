package fakekinesis

import (
	"strconv"
	"time"
)

// An epoch is a time as the protocol writes it: seconds since 1970 with milliseconds.
type epoch time.Time

func (e epoch) MarshalJSON() ([]byte, error) { return appendEpoch(nil, time.Time(e).UnixMilli()), nil }

func (e *epoch) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return errorf("SerializationException", "a timestamp is a number of seconds, not %s", b)
	}
	*e = epoch(time.UnixMilli(int64(seconds*1000 + 0.5)))
	return nil
}

func appendEpoch(b []byte, ms int64) []byte {
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', 3, 64)
}
