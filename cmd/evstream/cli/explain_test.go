package cli

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestExplain(t *testing.T) {
	call := func(err error) error {
		return fmt.Errorf("run the statement: %w", &smithy.OperationError{ServiceID: "Redshift Data", OperationName: "ExecuteStatement", Err: err})
	}
	for want, err := range map[string]error{
		"no layers": errors.New("no layers"),
		"run the statement: ValidationException: Redshift endpoint doesn't exist in this region. " +
			"(check --workgroup and --region; --stack reads both from the deployed stack)": call(&smithy.GenericAPIError{Code: "ValidationException", Message: "Redshift endpoint doesn't exist in this region."}),
		"run the statement: ExpiredTokenException: expired (renew the credentials, and run the command again)": call(&smithy.GenericAPIError{Code: "ExpiredTokenException", Message: "expired"}),
		"run the statement: NewException: what?": call(&smithy.GenericAPIError{Code: "NewException", Message: "what?"}),
		"run the statement: there is no host redshift-data.us-nowhere-1.amazonaws.com (check the region: --region, --stack or AWS_REGION)": call(&smithyhttp.RequestSendError{
			Err: &net.DNSError{Err: "no such host", Name: "redshift-data.us-nowhere-1.amazonaws.com", IsNotFound: true},
		}),
		"no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: no role found": call(fmt.Errorf("get identity: get credentials: %w", errors.New("no role found"))),
		"run the statement: connection refused": call(&smithyhttp.RequestSendError{Err: errors.New("connection refused")}),
	} {
		if got := Explain(err); got != want {
			t.Errorf("Explain = %q, want %q", got, want)
		}
	}
}
