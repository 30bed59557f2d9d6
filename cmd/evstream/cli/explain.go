package cli

import (
	"errors"
	"net"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Explain says an error in the service's own words, without the layers of the
// client around them, and adds the way out where one is known.
func Explain(err error) string {
	var operation *smithy.OperationError
	if !errors.As(err, &operation) {
		return err.Error()
	}
	if _, reason, unsigned := strings.Cut(err.Error(), "get credentials: "); unsigned { // so nothing was sent
		return "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: " + reason
	}
	short := operation.Err.Error()
	var api smithy.APIError
	var send *smithyhttp.RequestSendError
	var lookup *net.DNSError
	switch {
	case errors.As(operation, &api):
		short = api.ErrorCode() + ": " + api.ErrorMessage()
		if way := wayOut(api); way != "" {
			short += " (" + way + ")"
		}
	case errors.As(operation, &lookup) && lookup.IsNotFound:
		short = "there is no host " + lookup.Name + " (check the region: --region, --stack or AWS_REGION)"
	case errors.As(operation, &send):
		short = send.Err.Error()
	}
	return strings.Replace(err.Error(), operation.Error(), short, 1)
}

// wayOut says what to do about an error of a service. What the Data API says of an
// unknown workgroup is from public test suites; AWS does not document it.
func wayOut(err smithy.APIError) string {
	if strings.Contains(err.ErrorMessage(), "Redshift endpoint doesn't exist in this region") {
		return "check --workgroup and --region; --stack reads both from the deployed stack"
	}
	return map[string]string{
		"ResourceNotFoundException":   "check --stream and --region; --stack reads both from the deployed stack",
		"AccessDeniedException":       "deploy/iam lists the permissions that this command needs",
		"ExpiredTokenException":       "renew the credentials, and run the command again",
		"UnrecognizedClientException": "check the AWS credentials",
		"InvalidSignatureException":   "check the AWS credentials, the region and the machine's clock",
	}[err.ErrorCode()]
}
