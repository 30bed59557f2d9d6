package fakekinesis

import "time"

type deleteStream struct {
	streamRef
	EnforceConsumerDeletion *bool // there are no consumers to delete
}

func (in *deleteStream) apply(s *Server, now time.Time) (any, error) {
	name, err := s.resolve(in.streamRef)
	if err != nil {
		return nil, err
	}
	return nil, s.delete(name, now)
}

// delete begins a stream's end. Its records are gone at once; a deletion under way is
// left to go on.
func (s *Server) delete(name string, now time.Time) error {
	st, err := s.find(name, now)
	if err != nil || st.status == Deleting {
		return err
	}
	st.shards, st.routes = nil, nil
	st.become(Deleting, now, s.stateDelay)
	return nil
}
