package fakeaws

import "fmt"

// Error is a refusal of an AWS service.
type Error struct {
	Service   string // as the AWS SDK names it
	Operation string // of the service's API
	Code      string
	Message   string
}

// Error is the text that the AWS SDK makes of it.
func (e *Error) Error() string {
	return fmt.Sprintf("operation error %s: %s, https response error StatusCode: 400, RequestID: stand-in, %s: %s",
		e.Service, e.Operation, e.Code, e.Message)
}

// Services as the AWS SDK names them.
const (
	kinesisService    = "Kinesis"
	cloudWatchService = "CloudWatch"
	schedulerService  = "Scheduler"
	sqsService        = "SQS"
	snsService        = "SNS"
	iamService        = "IAM"
	ec2Service        = "EC2"
	redshiftService   = "Redshift Serverless"
	secretsService    = "Secrets Manager"
)

func refuse(service, operation, code, format string, args ...any) *Error {
	return &Error{Service: service, Operation: operation, Code: code, Message: fmt.Sprintf(format, args...)}
}

// bridged is an error as the provider's bridge passes it on.
func bridged(err error) error {
	if err == nil {
		return nil
	}
	return &bridgeError{err}
}

type bridgeError struct{ err error }

func (e *bridgeError) Error() string { return fmt.Sprintf("1 error occurred:\n\t* %v\n\n", e.err) }
func (e *bridgeError) Unwrap() error { return e.err }
