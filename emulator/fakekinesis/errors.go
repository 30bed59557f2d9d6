package fakekinesis

import (
	"fmt"

	"example.com/evstream/emulator/fault"
)

// What a test says about requests; see package fault.
type (
	Error = fault.Error
	Call  = fault.Call
	Fault = fault.Fault
	Entry = fault.Entry
)

// Codes a record of PutRecords can be refused with, and the request-wide throttle.
const (
	Throttled       = "ProvisionedThroughputExceededException"
	InternalFailure = "InternalFailure"
)

var errorf = fault.Errorf

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
