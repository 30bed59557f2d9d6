package fakekinesis

import (
	"fmt"
	"net/http"
)

// An Error is an answer of the service that is not a success. Both doors return it;
// use errors.As on the direct door.
type Error struct {
	Status  int    // HTTP status; 0 means 400
	Code    string // for example "ResourceNotFoundException"
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// Codes a record of PutRecords can be refused with, and the request-wide throttle.
const (
	Throttled       = "ProvisionedThroughputExceededException"
	InternalFailure = "InternalFailure"
)

func errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalidArgument(format string, args ...any) *Error {
	return errorf("InvalidArgumentException", format, args...)
}

func limitExceeded(format string, args ...any) *Error {
	return errorf("LimitExceededException", format, args...)
}

func notFound(format string, args ...any) *Error {
	return errorf("ResourceNotFoundException", format, args...)
}

func (s *Server) streamNotFound(name string) *Error {
	return notFound("Stream %s under account %s not found.", name, s.account)
}

func (s *Server) shardNotFound(stream, shard string) *Error {
	return notFound("Shard %s in stream %s under account %s does not exist", shard, stream, s.account)
}

func (s *Server) rateExceeded(stream, shard string) string {
	return fmt.Sprintf("Rate exceeded for shard %s in stream %s under account %s.", shard, stream, s.account)
}
