package fakedataapi

import (
	"fmt"

	"example.com/evstream/emulator/fault"
)

// What a test says about requests; see package fault.
type (
	Error   = fault.Error
	Call    = fault.Call
	Fault   = fault.Fault
	Outcome = fault.Outcome
)

// Running as an outcome's status keeps a statement STARTED until it is cancelled.
const Running = fault.Running

func invalid(format string, args ...any) *Error {
	return fault.Errorf("ValidationException", format, args...)
}

func unsupported(format string, args ...any) *Error {
	return invalid("%s: not supported by the Data API stand-in", fmt.Sprintf(format, args...))
}

func notFound(id, message string) *Error {
	return &Error{Code: "ResourceNotFoundException", Message: message, ResourceID: id}
}
