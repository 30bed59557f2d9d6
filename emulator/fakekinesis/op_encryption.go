package fakekinesis

import "time"

type encryption struct {
	streamRef
	EncryptionType string
	KeyId          string
}

// active returns the stream once the key is one that could be used.
func (in *encryption) active(s *Server, now time.Time) (*stream, error) {
	if in.EncryptionType != "KMS" {
		return nil, invalidArgument("EncryptionType must be KMS, not %s.", in.EncryptionType)
	}
	if err := checkKMSKey(in.KeyId); err != nil {
		return nil, err
	}
	return s.resolveActive(in.streamRef, now)
}

type startEncryption struct{ encryption }

func (in *startEncryption) apply(s *Server, now time.Time) (any, error) {
	st, err := in.active(s, now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(time.Time) { st.kmsKey = in.KeyId })
	return nil, nil
}

type stopEncryption struct{ encryption }

func (in *stopEncryption) apply(s *Server, now time.Time) (any, error) {
	st, err := in.active(s, now)
	if err != nil {
		return nil, err
	}
	st.become(Updating, now, s.stateDelay, func(time.Time) { st.kmsKey = "" })
	return nil, nil
}
