package fakedataapi

import (
	"fmt"
	"net/http"
)

// An Error is an answer of the service that is not a success.
type Error struct {
	Status     int    // HTTP status; 0 means 400
	Code       string // for example "ValidationException"
	Message    string
	ResourceID string // of a ResourceNotFoundException
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

func invalid(format string, args ...any) *Error {
	return &Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *Error {
	return invalid("%s: not supported by the Data API stand-in", fmt.Sprintf(format, args...))
}

func notFound(id, message string) *Error {
	return &Error{Code: "ResourceNotFoundException", Message: message, ResourceID: id}
}
