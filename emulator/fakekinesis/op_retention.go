package fakekinesis

import "time"

type retention struct {
	streamRef
	RetentionPeriodHours int
}

type increaseRetention struct{ retention }

func (in *increaseRetention) apply(s *Server, now time.Time) (any, error) {
	return in.change(s, now, func(st *stream) error {
		if in.RetentionPeriodHours < st.retention {
			return invalidArgument("Requested retention period (%d hours) for stream %s can not be shorter than existing "+
				"retention period (%d hours). Use DecreaseRetentionPeriod API.", in.RetentionPeriodHours, st.name, st.retention)
		}
		return nil
	})
}

type decreaseRetention struct{ retention }

func (in *decreaseRetention) apply(s *Server, now time.Time) (any, error) {
	return in.change(s, now, func(st *stream) error {
		if in.RetentionPeriodHours > st.retention {
			return invalidArgument("Requested retention period (%d hours) for stream %s can not be longer than existing "+
				"retention period (%d hours). Use IncreaseRetentionPeriod API.", in.RetentionPeriodHours, st.name, st.retention)
		}
		return nil
	})
}

// change sets the retention of an ACTIVE stream, which a change of it leaves ACTIVE.
func (in *retention) change(s *Server, now time.Time, check func(*stream) error) (any, error) {
	st, err := s.resolveActive(in.streamRef, now)
	if err == nil {
		err = checkRetention(in.RetentionPeriodHours)
	}
	if err == nil {
		err = check(st)
	}
	if err != nil {
		return nil, err
	}
	st.retention = in.RetentionPeriodHours
	return nil, nil
}
