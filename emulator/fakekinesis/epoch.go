package fakekinesis

import (
	"strconv"
	"time"
)

// An epoch is a time as the protocol writes it: seconds since 1970 with milliseconds.
type epoch time.Time

func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', 3, 64), nil
}

func (e *epoch) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return errorf("SerializationException", "a timestamp is a number of seconds, not %s", b)
	}
	*e = epoch(time.UnixMilli(int64(seconds*1000 + 0.5)))
	return nil
}
