package endpoint_test

import (
	"strings"
	"testing"

	"example.com/evstream/internal/endpoint"
)

func TestCheckTLS(t *testing.T) {
	for base, ok := range map[string]bool{
		"https://kinesis.us-east-1.amazonaws.com": true,
		"http://127.0.0.1:4567":                   true,
		"http://[::1]:4567":                       true,
		"http://localhost:4567":                   true,
		"http://kinesis.us-east-1.amazonaws.com":  false,
		"http://localhost.example.com":            false,
		"http://127.0.0.1.example.com":            false,
		"http://127.0.0.1@example.com":            false,
		"http://10.0.0.1":                         false,
		"http://0.0.0.0:80":                       false,
		"ftp://example.com":                       false,
		"kinesis.us-east-1.amazonaws.com":         false,
		"http://user:password@example.com":        false,
		"http://user:password@exa mple.com":       false,
	} {
		err := endpoint.CheckTLS(&base)
		if (err == nil) != ok {
			t.Errorf("CheckTLS(%q) = %v, want ok %t", base, err, ok)
		}
		if err != nil && strings.Contains(err.Error(), "password") {
			t.Errorf("CheckTLS(%q) shows the password: %v", base, err)
		}
	}
	if err := endpoint.CheckTLS(nil); err != nil {
		t.Errorf("CheckTLS of AWS's own endpoint = %v", err)
	}
}
