package fakedataapi

import "fmt"

func invalid(format string, args ...any) *Error {
	return &Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *Error {
	return invalid("%s: not supported by the Data API stand-in", fmt.Sprintf(format, args...))
}

func notFound(id, message string) *Error {
	return &Error{Code: "ResourceNotFoundException", Message: message, ResourceID: id}
}
