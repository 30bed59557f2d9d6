package fakekinesis

import "time"

// byARN names a stream where the service takes no name.
type byARN struct{ StreamARN string }

func (r byARN) ref() streamRef { return streamRef{StreamARN: &r.StreamARN} }
func (r byARN) stream() string { return r.ref().stream() }

type updateStreamMode struct {
	byARN
	StreamModeDetails streamModeDetails
}

func (in *updateStreamMode) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.ref(), now)
	if err != nil {
		return nil, err
	}
	change, err := s.changeMode(st, in.StreamModeDetails.StreamMode, now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, change)
	return nil, nil
}

type updateMaxRecordSize struct {
	byARN
	MaxRecordSizeInKiB int
}

func (in *updateMaxRecordSize) apply(s *Server, now time.Time) (any, error) {
	st, err := s.resolveActive(in.ref(), now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(time.Time) { st.maxRecord = in.MaxRecordSizeInKiB << 10 })
	return nil, nil
}
