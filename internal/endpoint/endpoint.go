// Package endpoint keeps the commands from talking to a service without TLS.
package endpoint

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// CheckTLS refuses a service's endpoint that is not HTTPS, unless it is on this
// machine, where the rehearsal has its stand-ins. base is the BaseEndpoint of a
// client's options: nil is AWS's own, which is HTTPS.
func CheckTLS(base *string) error {
	if base == nil {
		return nil
	}
	u, err := url.Parse(*base)
	if err != nil { // it quotes the text, which may hold a password
		return errors.New("the service's endpoint is not a URL; it is set by " + setting)
	}
	name := u.Hostname()
	if u.Scheme == "https" || name == "localhost" || net.ParseIP(name).IsLoopback() {
		return nil
	}
	return fmt.Errorf("the service's endpoint is %s: without https what is sent can be read on the way. "+
		"Only an endpoint on this machine may be http; it is set by %s", u.Redacted(), setting)
}

const setting = "AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SERVICE or endpoint_url in the AWS configuration"
